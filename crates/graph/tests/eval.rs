//! The reference evaluation of every primitive against numbers worked out by hand.

use std::sync::Arc;

use isoloss_graph::{
    Prim, Ty,
    ops::{
        Abs, Add, And, BroadcastInDim, Compare, Constant, Convert, Cos, Direction, Divide, DotGeneral, Erf,
        Exp, Iota, Log, Log1p, Logistic, Maximum, Minimum, Multiply, Negate, Not, Or, Power, RandomBits,
        ReduceMax, ReduceSum, Reshape, Rsqrt, Select, Sign, Sin, Sqrt, StopGradient, Subtract, Tanh,
        Transpose, Xor,
    },
};
use tensor::{DType, Element, Key, Tensor};

const NAN: f64 = f64::NAN;
const INF: f64 = f64::INFINITY;

fn vector<T: Element>(elements: &[T]) -> Tensor {
    Tensor::from_fn([elements.len()], |i| elements[i])
}

fn matrix<T: Element, const C: usize>(rows: &[[T; C]]) -> Tensor {
    Tensor::from_fn([rows.len(), C], |i| rows[i / C][i % C])
}

/// Evaluates after checking the types, and the result's type against the rule.
fn eval(op: impl Into<Prim>, operands: &[Tensor]) -> Tensor {
    let op = op.into();
    let types: Vec<Ty> = operands.iter().map(Ty::of).collect();
    let expected = op.out_type(&types.iter().collect::<Vec<_>>()).expect("the operands fit");
    let result = op.eval(&operands.iter().collect::<Vec<_>>());
    assert_eq!(Ty::of(&result), expected, "{}", op.name());
    result
}

/// The same bits, where any NaN equals any other.
fn same(found: f64, expected: f64) -> bool {
    found.to_bits() == expected.to_bits() || (found.is_nan() && expected.is_nan())
}

/// Checks a floating-point primitive on vectors in f64, and in f32 to within rounding.
fn check(op: impl Into<Prim>, operands: &[&[f64]], expected: &[f64]) {
    let op = op.into();
    let operands: Vec<Tensor> = operands.iter().map(|&elements| vector(elements)).collect();
    let found = eval(op.clone(), &operands).to_f64_vec();
    assert!(
        found.iter().zip(expected).all(|(&a, &b)| same(a, b)),
        "{}: {found:?}, not {expected:?}",
        op.name()
    );
    let operands: Vec<Tensor> = operands.iter().map(|tensor| tensor.convert(DType::F32)).collect();
    let single = eval(op.clone(), &operands).to_f64_vec();
    for (&found, &expected) in single.iter().zip(expected) {
        let close = (found - expected).abs() <= 1e-6 * expected.abs();
        assert!(close || same(found, expected), "{} in f32: {found}, not {expected}", op.name());
    }
}

/// Checks a primitive to `tolerance` relative to the expected results, which stand for exact numbers.
fn check_near(op: impl Into<Prim>, x: &[f64], expected: &[f64], tolerance: f64) {
    let op = op.into();
    let found = eval(op.clone(), &[vector(x)]).to_f64_vec();
    for (found, expected) in found.iter().zip(expected) {
        assert!(
            (found - expected).abs() <= tolerance * expected.abs(),
            "{}: {found}, not {expected}",
            op.name()
        );
    }
}

#[test]
fn arithmetic_follows_ieee_754() {
    check(Add, &[&[1.0, -0.0, INF, NAN], &[0.5, -0.0, -INF, 1.0]], &[1.5, -0.0, NAN, NAN]);
    check(Subtract, &[&[1.0, 0.0, INF], &[0.5, 0.0, INF]], &[0.5, 0.0, NAN]);
    check(Multiply, &[&[3.0, -0.0, INF], &[-2.0, 2.0, 0.0]], &[-6.0, -0.0, NAN]);
    check(Divide, &[&[3.0, 1.0, -1.0, 0.0, 1.0], &[2.0, 0.0, 0.0, 0.0, -INF]], &[1.5, INF, -INF, NAN, -0.0]);
    check(Negate, &[&[1.5, 0.0, -INF]], &[-1.5, -0.0, INF]);
}

#[test]
fn integers_wrap_around() {
    let (x, y) = (vector(&[i32::MAX, i32::MIN, 7]), vector(&[1, -1, -3]));
    assert_eq!(eval(Add, &[x.clone(), y.clone()]), vector(&[i32::MIN, i32::MAX, 4]));
    assert_eq!(eval(Subtract, &[x.clone(), y.clone()]), vector(&[i32::MAX - 1, i32::MIN + 1, 10]));
    assert_eq!(eval(Multiply, &[x.clone(), vector(&[2, 2, -3])]), vector(&[-2, 0, -21]));
    assert_eq!(eval(Negate, std::slice::from_ref(&x)), vector(&[-i32::MAX, i32::MIN, -7]));
    assert_eq!(eval(Abs, std::slice::from_ref(&x)), vector(&[i32::MAX, i32::MIN, 7]));
    assert_eq!(eval(Sign, &[vector(&[-5, 0, 9])]), vector(&[-1, 0, 1]));
    assert_eq!(eval(Maximum, &[x.clone(), y.clone()]), vector(&[i32::MAX, -1, 7]));
    assert_eq!(eval(Minimum, &[x, y]), vector(&[1, i32::MIN, -3]));
}

#[test]
fn exponentials_and_logarithms() {
    check(Exp, &[&[0.0, -INF, INF, NAN]], &[1.0, 0.0, INF, NAN]);
    check_near(Exp, &[1.0, -2.0], &[std::f64::consts::E, 0.135_335_283_236_612_7], 1e-15);
    check(Log, &[&[1.0, 0.0, INF, -1.0, NAN]], &[0.0, -INF, INF, NAN, NAN]);
    check_near(Log, &[2.0, 0.1], &[std::f64::consts::LN_2, -std::f64::consts::LN_10], 1e-15);
    check(Log1p, &[&[0.0, -1.0, INF, -2.0, NAN]], &[0.0, -INF, INF, NAN, NAN]);
    check_near(Log1p, &[1.0, 1e-18], &[std::f64::consts::LN_2, 1e-18], 1e-15);
}

#[test]
fn sigmoids() {
    check(Tanh, &[&[0.0, -0.0, INF, -INF, NAN]], &[0.0, -0.0, 1.0, -1.0, NAN]);
    check_near(Tanh, &[1.0, -0.5], &[0.761_594_155_955_764_9, -0.462_117_157_260_009_74], 1e-15);
    check(Erf, &[&[0.0, -0.0, INF, -INF, NAN]], &[0.0, -0.0, 1.0, -1.0, NAN]);
    check_near(Erf, &[1.0, -0.5], &[0.842_700_792_949_714_9, -0.520_499_877_813_046_5], 1e-15);
    check(Logistic, &[&[0.0, INF, -INF, NAN]], &[0.5, 1.0, 0.0, NAN]);
    check_near(
        Logistic,
        &[1.0, -2.0, -740.0],
        &[0.731_058_578_630_004_9, 0.119_202_922_022_117_57, (-740f64).exp()],
        1e-15,
    );
}

#[test]
fn sines_and_cosines() {
    check(Sin, &[&[0.0, -0.0, INF, -INF, NAN]], &[0.0, -0.0, NAN, NAN, NAN]);
    check(Cos, &[&[0.0, -0.0, INF, -INF, NAN]], &[1.0, 1.0, NAN, NAN, NAN]);
    check_near(
        Sin,
        &[1.0, -0.5, 1e5],
        &[0.841_470_984_807_896_5, -0.479_425_538_604_203, 0.035_748_797_972_016_51],
        1e-15,
    );
    check_near(
        Cos,
        &[1.0, -0.5, 1e5],
        &[0.540_302_305_868_139_7, 0.877_582_561_890_372_7, -0.999_360_807_438_212_5],
        1e-15,
    );
}

#[test]
fn truth_values_and_bits_are_combined() {
    let (x, y) = (vector(&[false, false, true, true]), vector(&[false, true, false, true]));
    let both = [x.clone(), y];
    assert_eq!(eval(And, &both), vector(&[false, false, false, true]));
    assert_eq!(eval(Or, &both), vector(&[false, true, true, true]));
    assert_eq!(eval(Xor, &both), vector(&[false, true, true, false]));
    assert_eq!(eval(Not, &[x]), vector(&[true, true, false, false]));
    let (x, y) = (vector(&[0b1100, -1]), vector(&[0b1010, i32::MIN]));
    let both = [x.clone(), y];
    assert_eq!(eval(And, &both), vector(&[0b1000, i32::MIN]));
    assert_eq!(eval(Or, &both), vector(&[0b1110, -1]));
    assert_eq!(eval(Xor, &both), vector(&[0b0110, i32::MAX]));
    assert_eq!(eval(Not, &[x]), vector(&[-13, 0]));
}

#[test]
fn random_bits_are_the_words_of_the_key() {
    let key = vector(&[5, -6]);
    let draw = |counter: i32, shape: &[usize]| {
        eval(RandomBits { shape: shape.into() }, &[key.clone(), Tensor::scalar(counter)])
    };
    let block = Key::from_words([5, -6i32 as u32]).block([0, 0, 9, 2]).map(|word| word as i32);
    assert_eq!(draw(9, &[4]), vector(&block));
    assert_eq!(draw(9, &[2, 3]).reshape([6]).unwrap(), draw(9, &[6]));
    assert_ne!(draw(9, &[4]), draw(-9, &[4]));
}

#[test]
fn roots_and_powers() {
    check(Sqrt, &[&[4.0, 0.0, -0.0, INF, -1.0]], &[2.0, 0.0, -0.0, INF, NAN]);
    check(Rsqrt, &[&[4.0, 0.0, INF, -1.0]], &[0.5, INF, 0.0, NAN]);
    check(
        Power,
        &[&[2.0, 9.0, -2.0, -2.0, 0.0, 0.0, 5.0, 0.0], &[10.0, 0.5, 3.0, 0.5, 0.0, 2.0, 0.0, -1.0]],
        &[1024.0, 3.0, -8.0, NAN, 1.0, 0.0, 1.0, INF],
    );
}

#[test]
fn signs_and_magnitudes_keep_nan() {
    check(Abs, &[&[-1.5, 2.0, -0.0, -INF, NAN]], &[1.5, 2.0, 0.0, INF, NAN]);
    check(Sign, &[&[-1.5, 2.0, 0.0, -0.0, -INF, NAN]], &[-1.0, 1.0, 0.0, -0.0, -1.0, NAN]);
}

#[test]
fn extrema_keep_nan_from_either_side() {
    check(Maximum, &[&[1.0, 3.0, NAN, 1.0, -INF], &[2.0, 2.0, 1.0, NAN, -5.0]], &[2.0, 3.0, NAN, NAN, -5.0]);
    check(Minimum, &[&[1.0, 3.0, NAN, 1.0, -INF], &[2.0, 2.0, 1.0, NAN, -5.0]], &[1.0, 2.0, NAN, NAN, -INF]);
}

#[test]
fn comparisons_with_nan_are_false_but_for_ne() {
    let (x, y) = (vector(&[1.0, 2.0, 2.0, NAN, -0.0]), vector(&[2.0, 1.0, 2.0, NAN, 0.0]));
    for (direction, expected) in [
        (Direction::Eq, [false, false, true, false, true]),
        (Direction::Ne, [true, true, false, true, false]),
        (Direction::Lt, [true, false, false, false, false]),
        (Direction::Le, [true, false, true, false, true]),
        (Direction::Gt, [false, true, false, false, false]),
        (Direction::Ge, [false, true, true, false, true]),
    ] {
        assert_eq!(eval(Compare { direction }, &[x.clone(), y.clone()]), vector(&expected), "{direction:?}");
    }
    let less = Compare { direction: Direction::Lt };
    assert_eq!(eval(less.clone(), &[vector(&[-1, 5]), vector(&[0, 5])]), vector(&[true, false]));
    assert_eq!(eval(less, &[vector(&[false, true]), vector(&[true, true])]), vector(&[true, false]));
}

#[test]
fn select_chooses_elementwise_in_every_type() {
    let condition = vector(&[true, false]);
    let select = |x, y| eval(Select, &[condition.clone(), x, y]);
    assert_eq!(select(vector(&[1.0f32, 2.0]), vector(&[3.0f32, 4.0])), vector(&[1.0f32, 4.0]));
    assert_eq!(select(vector(&[1.0f64, NAN]), vector(&[NAN, 4.0])), vector(&[1.0f64, 4.0]));
    assert_eq!(select(vector(&[1, 2]), vector(&[3, 4])), vector(&[1, 4]));
    assert_eq!(select(vector(&[true, true]), vector(&[false, false])), condition);
}

#[test]
fn conversions_truncate_saturate_and_compare_with_zero() {
    let x = vector(&[1.9f64, -1.9, NAN, 1e300, 0.0]);
    let convert = |dtype, x: &Tensor| eval(Convert { dtype }, std::slice::from_ref(x));
    assert_eq!(convert(DType::I32, &x), vector(&[1, -1, 0, i32::MAX, 0]));
    assert_eq!(convert(DType::Bool, &x), vector(&[true, true, true, true, false]));
    assert_eq!(convert(DType::F32, &vector(&[0.1f64, 1e300])), vector(&[0.1f32, f32::INFINITY]));
    assert_eq!(convert(DType::F64, &vector(&[true, false])), vector(&[1.0f64, 0.0]));
    assert_eq!(convert(DType::F32, &vector(&[16_777_217])), vector(&[16_777_216f32]));
}

#[test]
fn sums_and_maxima_run_along_the_listed_axes() {
    let x = Tensor::new([2, 2, 2], vec![1.0, -2.0, 3.0, 4.0, -5.0, 6.0, 7.0, -8.0]).unwrap();
    let sum = |axes: &[usize]| eval(ReduceSum { axes: axes.to_vec() }, std::slice::from_ref(&x));
    assert_eq!(sum(&[0]), matrix(&[[-4.0, 4.0], [10.0, -4.0]]));
    assert_eq!(sum(&[1, 2]), vector(&[6.0, 0.0]));
    assert_eq!(sum(&[0, 1, 2]), Tensor::scalar(6.0));
    assert_eq!(sum(&[]), x);
    let max = |axes: &[usize]| eval(ReduceMax { axes: axes.to_vec() }, std::slice::from_ref(&x));
    assert_eq!(max(&[0]), matrix(&[[1.0, 6.0], [7.0, 4.0]]));
    assert_eq!(max(&[1, 2]), vector(&[4.0, 7.0]));
    assert_eq!(max(&[]), x);
    let integers = matrix(&[[i32::MAX, 1], [-3, -4]]);
    assert_eq!(eval(ReduceSum { axes: vec![1] }, std::slice::from_ref(&integers)), vector(&[i32::MIN, -7]));
    assert_eq!(eval(ReduceMax { axes: vec![1] }, &[integers]), vector(&[i32::MAX, -3]));
}

#[test]
fn an_empty_sum_is_zero_and_an_empty_result_has_no_maxima() {
    let empty = Tensor::zeros(DType::F32, [2, 0]);
    assert_eq!(eval(ReduceSum { axes: vec![1] }, std::slice::from_ref(&empty)), vector(&[0.0f32, 0.0]));
    assert_eq!(eval(ReduceMax { axes: vec![0] }, &[empty]), Tensor::zeros(DType::F32, [0]));
}

#[test]
fn a_maximum_is_nan_where_any_element_is() {
    let x = matrix(&[[1.0, NAN, 3.0], [NAN, 1.0, 2.0], [-INF, -INF, -INF]]);
    let found = eval(ReduceMax { axes: vec![1] }, &[x]).to_f64_vec();
    assert!(found[0].is_nan() && found[1].is_nan() && same(found[2], -INF), "{found:?}");
}

#[test]
fn axes_are_repeated_permuted_and_regrouped() {
    let row = vector(&[1, 2, 3]);
    let broadcast =
        |shape: &[usize], axes: &[usize]| BroadcastInDim { shape: shape.into(), axes: axes.to_vec() };
    assert_eq!(eval(broadcast(&[2, 3], &[1]), std::slice::from_ref(&row)), matrix(&[[1, 2, 3], [1, 2, 3]]));
    assert_eq!(eval(broadcast(&[3, 2], &[0]), &[row]), matrix(&[[1, 1], [2, 2], [3, 3]]));
    assert_eq!(eval(broadcast(&[2], &[]), &[Tensor::scalar(true)]), vector(&[true, true]));
    let x = Tensor::from_fn([2, 1, 3], |i| i as i32);
    let moved = eval(Transpose { permutation: vec![2, 0, 1] }, std::slice::from_ref(&x));
    assert_eq!(moved, Tensor::new([3, 2, 1], vec![0, 3, 1, 4, 2, 5]).unwrap());
    assert_eq!(eval(Reshape { shape: [3, 2].into() }, &[x]), matrix(&[[0, 1], [2, 3], [4, 5]]));
}

#[test]
fn iota_counts_along_its_axis() {
    let iota = |dtype, axis| eval(Iota { dtype, shape: [2, 3].into(), axis }, &[]);
    assert_eq!(iota(DType::I32, 1), matrix(&[[0, 1, 2], [0, 1, 2]]));
    assert_eq!(iota(DType::F32, 0), matrix(&[[0.0f32, 0.0, 0.0], [1.0, 1.0, 1.0]]));
}

#[test]
fn constants_and_stopped_gradients_are_themselves() {
    let x = vector(&[1.0, -0.0]);
    assert_eq!(eval(Constant { value: Arc::new(x.clone()) }, &[]), x);
    assert_eq!(eval(StopGradient, std::slice::from_ref(&x)), x);
}

#[test]
fn contractions_pair_their_axes() {
    let (x, w) = (matrix(&[[1.0, 2.0], [3.0, 4.0]]), matrix(&[[5.0, 6.0], [7.0, 8.0]]));
    let dot = |lhs_contract, rhs_contract| {
        let op = DotGeneral { lhs_contract, rhs_contract, ..DotGeneral::default() };
        eval(op, &[x.clone(), w.clone()])
    };
    assert_eq!(dot(vec![1], vec![0]), matrix(&[[19.0, 22.0], [43.0, 50.0]]));
    assert_eq!(dot(vec![1], vec![1]), matrix(&[[17.0, 23.0], [39.0, 53.0]]));
    assert_eq!(dot(vec![0, 1], vec![1, 0]), Tensor::scalar(5.0 + 14.0 + 18.0 + 32.0));
    let batched =
        DotGeneral { lhs_batch: vec![0], rhs_batch: vec![1], lhs_contract: vec![1], rhs_contract: vec![0] };
    assert_eq!(
        eval(batched, &[x.clone(), w.clone()]),
        vector(&[1.0 * 5.0 + 2.0 * 7.0, 3.0 * 6.0 + 4.0 * 8.0])
    );
    let outer = eval(DotGeneral::default(), &[vector(&[1.0f32, 2.0]), vector(&[3.0f32, 4.0])]);
    assert_eq!(outer, matrix(&[[3.0f32, 4.0], [6.0, 8.0]]));
}
