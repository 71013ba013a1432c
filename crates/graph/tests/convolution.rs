//! Convolutions: numbers worked out by hand, what their transposes are made of, and which indices move together.

use isoloss_graph::{
    Axis, AxisMap, Builder, Def, Inner, Operand, Prim, Primitive, Run, Tie, Transpose, Ty,
    ops::{Convolution, ImageAxes, KernelAxes},
};
use tensor::Tensor;

fn tensor(shape: &[usize], elements: &[f64]) -> Tensor {
    Tensor::from_fn(shape, |i| elements[i])
}

/// The result for these operands, in f64 and (where it must be the same) in f32.
fn eval(op: &Convolution, x: &Tensor, w: &Tensor) -> Tensor {
    let prim = Prim::from(op.clone());
    let expected = prim.out_type(&[&Ty::of(x), &Ty::of(w)]).expect("the operands fit");
    let result = prim.eval(&[x, w]);
    assert_eq!(Ty::of(&result), expected);
    let single = prim.eval(&[&x.convert(tensor::DType::F32), &w.convert(tensor::DType::F32)]);
    assert_eq!(single.to_f64_vec(), result.to_f64_vec());
    result
}

/// The convolution of a line of one feature with a kernel of one output.
fn line(op: &Convolution, x: &[f64], w: &[f64]) -> Vec<f64> {
    eval(op, &tensor(&[1, x.len(), 1], x), &tensor(&[1, 1, w.len()], w)).to_f64_vec()
}

const X: [f64; 4] = [1.0, 2.0, 3.0, 4.0];

#[test]
fn a_window_slides_over_a_line() {
    let plain = || Convolution::new(1);
    let of = |op: Convolution| line(&op, &X, &[1.0, 10.0]);
    assert_eq!(of(plain()), [21.0, 32.0, 43.0]);
    assert_eq!(of(plain().with_padding_and_stride(1, 1)), [10.0, 21.0, 32.0, 43.0, 4.0]);
    assert_eq!(of(plain().with_padding_and_stride(0, 2)), [21.0, 43.0]);
    assert_eq!(of(plain().with_padding_and_stride(1, 3)), [10.0, 43.0]);
    assert_eq!(of(Convolution { low: vec![-1], ..plain() }), [32.0, 43.0]);
    assert_eq!(of(Convolution { low: vec![2], high: vec![-3], ..plain() }), [0.0, 10.0]);
    assert_eq!(of(Convolution { lhs_dilation: vec![2], ..plain() }), [1.0, 20.0, 2.0, 30.0, 3.0, 40.0]);
    assert_eq!(of(Convolution { rhs_dilation: vec![2], ..plain() }), [31.0, 42.0]);
    assert_eq!(of(Convolution { reversal: vec![true], ..plain() }), [12.0, 23.0, 34.0]);
}

#[test]
fn windows_without_positions_and_windows_that_do_not_fit_are_empty() {
    let plain = Convolution::new(1);
    assert_eq!(line(&plain, &X[..1], &[1.0, 10.0]), [0.0; 0]);
    assert_eq!(line(&plain, &X[..2], &[]), [0.0; 3]);
    assert_eq!(line(&Convolution { low: vec![2], ..plain }, &[], &[1.0, 10.0]), [0.0]);
}

#[test]
fn features_are_summed_and_groups_kept_apart() {
    let x = tensor(&[1, 2, 2], &X);
    let all = tensor(&[2, 2, 1], &[1.0, 10.0, 100.0, 1000.0]);
    let plain = Convolution::new(1);
    assert_eq!(eval(&plain, &x, &all), tensor(&[1, 2, 2], &[21.0, 2100.0, 43.0, 4300.0]));
    let features = Convolution { feature_groups: 2, ..plain.clone() };
    let each = tensor(&[2, 1, 1], &[5.0, 7.0]);
    assert_eq!(eval(&features, &x, &each), tensor(&[1, 2, 2], &[5.0, 14.0, 15.0, 28.0]));
    let batch = Convolution { batch_groups: 2, ..plain };
    let x = tensor(&[2, 1, 2], &X);
    assert_eq!(eval(&batch, &x, &all), tensor(&[1, 1, 2], &[21.0, 4300.0]));
}

#[test]
fn images_and_kernels_may_have_their_axes_in_any_order() {
    let op = Convolution {
        lhs: ImageAxes::from_word("1fb0").expect("a word"),
        rhs: KernelAxes::from_word("01io").expect("a word"),
        out: ImageAxes::from_word("f01b").expect("a word"),
        ..Convolution::new(2)
    };
    // Columns 1 2 3 and 4 5 6 of a 3 by 2 image.
    let x = tensor(&[2, 1, 1, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let w = tensor(&[2, 1, 1, 2], &[1.0, -1.0, 10.0, -10.0]);
    let expected = [21.0, 54.0, 32.0, 65.0, -21.0, -54.0, -32.0, -65.0];
    assert_eq!(eval(&op, &x, &w), tensor(&[2, 2, 2, 1], &expected));
}

/// Transposes a convolution of these operands with respect to the operand at `position`, and returns the applications
/// that this took, with the types of their operands.
fn transposed(op: &Convolution, operands: &[Ty], position: usize) -> Vec<(Prim, Vec<Ty>)> {
    let mut b = Builder::new("transposed");
    let result = op.out_type(&operands.iter().collect::<Vec<_>>()).expect("the operands fit");
    let ct = b.data("ct", result);
    let known = b.data("known", operands[1 - position].clone());
    let mut seen = [Operand::Known(known), Operand::Known(known)];
    seen[position] = Operand::Linear(operands[position].clone());
    let cotangents = op.transpose(&mut b, ct, &seen);
    let cotangent = cotangents[position].expect("a linear operand has a cotangent");
    assert_eq!(*b.ty(cotangent), operands[position]);
    let graph = b.graph();
    let applied = graph.vals().filter_map(|val| match graph.def(val) {
        Def::Input(_) => None,
        Def::Apply { op, operands } => {
            Some((op.clone(), operands.iter().map(|&operand| graph.ty(operand).clone()).collect()))
        }
    });
    applied.collect()
}

#[test]
fn derivatives_of_any_order_are_single_convolutions() {
    let mixed = |op: &Convolution| op.reversal.contains(&true) && op.reversal.contains(&false);
    let mut pending: Vec<(usize, Convolution, Vec<Ty>)> = Vec::new();
    for case in Convolution::cases() {
        let Prim::Convolution(op) = case.op else { continue };
        if op.groups() == 1 && !mixed(&op) {
            pending.push((0, *op, case.operands.into_iter().map(|(ty, _)| ty).collect()));
        }
    }
    assert!(pending.len() > 10, "most cases have no groups");
    while let Some((order, op, operands)) = pending.pop() {
        for position in 0..2 {
            match &transposed(&op, &operands, position)[..] {
                [(Prim::Convolution(next), types)] if order < 4 => {
                    pending.push((order + 1, (**next).clone(), types.clone()));
                }
                [(Prim::Convolution(_), _)] => {}
                other => panic!("{op:?}: {other:?}"),
            }
        }
    }
}

#[test]
fn the_kernel_s_cotangent_needs_no_moves_in_groups_either() {
    let op = Convolution { feature_groups: 2, ..Convolution::new(1) };
    let applied = transposed(&op, &[Ty::f64([3, 5, 4]), Ty::f64([6, 2, 3])], 1);
    let [(Prim::Convolution(of_kernel), _)] = &applied[..] else { panic!("{applied:?}") };
    assert_eq!((of_kernel.feature_groups, of_kernel.batch_groups), (1, 2));
}

#[test]
fn the_image_s_cotangent_of_a_depthwise_convolution_moves_nothing() {
    let op = Convolution { feature_groups: 4, ..Convolution::new(1) };
    let names = |outputs| {
        let applied = transposed(&op, &[Ty::f64([3, 5, 4]), Ty::f64([outputs, 1, 3])], 0);
        applied.into_iter().map(|(op, _)| op.name()).collect::<Vec<_>>()
    };
    assert_eq!(names(4), ["convolution"]);
    assert_eq!(names(8), ["reshape", "convolution"]);
}

fn axes(op: &Convolution, lhs: &[usize], rhs: &[usize]) -> AxisMap {
    let (lhs, rhs) = (Ty::f64(lhs), Ty::f64(rhs));
    let result = op.out_type(&[&lhs, &rhs]).expect("the operands fit");
    op.axes(&[&lhs, &rhs], &result)
}

#[test]
fn batch_and_features_move_and_space_does_not() {
    let mut expected = AxisMap::default();
    expected.fix(Axis::operand(0, 1), 5);
    expected.fix(Axis::result(1), 3);
    expected.fix(Axis::operand(1, 2), 3);
    expected.tie(Axis::operand(0, 0), Axis::result(0), 2);
    expected.tie(Axis::operand(0, 2), Axis::operand(1, 1), 4);
    expected.tie(Axis::operand(1, 0), Axis::result(2), 6);
    assert_eq!(axes(&Convolution::new(1), &[2, 5, 4], &[6, 4, 3]), expected);
}

#[test]
fn single_pixels_move_where_every_window_is_one() {
    let map = axes(&Convolution::new(1), &[2, 5, 4], &[6, 4, 1]);
    assert!(map.ties.contains(&Tie(Run::whole(Axis::operand(0, 1), 5), Run::whole(Axis::result(1), 5))));
    assert_eq!(map.fixed, [Run::whole(Axis::operand(1, 2), 1)]);
}

#[test]
fn groups_move_as_blocks_inside_of_which_the_kernel_s_inputs_are_fixed() {
    let op = Convolution { feature_groups: 2, ..Convolution::new(1) };
    let blocks = |axis, step: isize| (0..step as usize).map(move |start| Run { axis, start, step, count: 2 });
    let (features, outputs, results) = (Axis::operand(0, 2), Axis::operand(1, 0), Axis::result(2));
    let map = axes(&op, &[2, 5, 4], &[6, 2, 3]);
    let moved: Vec<Run> = blocks(features, 2).chain(blocks(outputs, 3)).chain(blocks(results, 3)).collect();
    assert_eq!(map.ties[1..], moved.windows(2).map(|pair| Tie(pair[0], pair[1])).collect::<Vec<_>>());
    assert_eq!(map.inner, [Inner { outer: features, run: Run::whole(Axis::operand(1, 1), 2) }]);
}

#[test]
fn padding_is_left_out_whatever_the_weights_are() {
    let op = || Convolution::new(1).with_padding_and_stride(1, 1);
    assert_eq!(line(&op(), &X, &[f64::INFINITY, 1.0])[1..], [f64::INFINITY; 4]);
    assert_eq!(line(&op(), &X, &[f64::INFINITY, 1.0])[0], 1.0);
    assert_eq!(line(&op(), &X, &[1.0, f64::NEG_INFINITY])[4], 4.0);
    let dilated = Convolution { lhs_dilation: vec![2], ..Convolution::new(1) };
    assert_eq!(line(&dilated, &[1.0, 2.0], &[1.0, f64::INFINITY]), [1.0, f64::INFINITY]);
    let zeros =
        prim_of(&op()).eval(&[&tensor(&[1, 1, 1], &[0.0]), &tensor(&[1, 1, 2], &[1.0, f64::INFINITY])]);
    assert!(zeros.to_f64_vec()[0].is_nan(), "a zero of the image counts");
    assert_eq!(zeros.to_f64_vec()[1], 0.0);
    let nan = prim_of(&op()).eval(&[&tensor(&[1, 1, 1], &[2.0]), &tensor(&[1, 1, 2], &[f64::NAN, 1.0])]);
    assert_eq!(nan.to_f64_vec()[0], 2.0);
    assert!(nan.to_f64_vec()[1].is_nan());
}

fn prim_of(op: &Convolution) -> Prim {
    Prim::from(op.clone())
}
