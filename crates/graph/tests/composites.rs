//! Composites against PyTorch (`goldens/composites.py` wrote the numbers) and at their edges.

use std::collections::BTreeMap;

use isoloss_graph::{
    Builder, Reference, Ty, Val,
    composite::{
        BatchNorm, ChannelMoments, Conv2d, ConvTranspose2d, CrossEntropy, LAYER_NORM_EPSILON,
        LEAKY_RELU_SLOPE,
    },
};
use tensor::{DType, Shape, Tensor};

type Composite = fn(&mut Builder, &[Val]) -> Val;

const LABELS: [i32; 3] = [2, 0, 3];

fn goldens() -> BTreeMap<&'static str, Vec<f64>> {
    let lines = include_str!("goldens/composites.txt").lines().filter(|line| !line.starts_with('#'));
    let entry = |line: &'static str| {
        let (name, numbers) = line.split_once(' ').expect("a name and numbers");
        (name, numbers.split(' ').map(|number| number.parse().expect("a number")).collect())
    };
    lines.map(entry).collect()
}

fn labels(labels: &[i32]) -> Tensor {
    Tensor::from_fn([labels.len()], |i| labels[i])
}

/// The composite at these tensors, as f64.
fn evaluate(composite: Composite, arguments: &[Tensor]) -> Tensor {
    let mut b = Builder::new("composite");
    let inputs: Vec<Val> =
        arguments.iter().enumerate().map(|(k, tensor)| b.data(k.to_string(), Ty::of(tensor))).collect();
    let result = composite(&mut b, &inputs);
    b.output("result", result);
    let arguments: Vec<&Tensor> = arguments.iter().collect();
    Reference::evaluate(&b.finish(), &arguments).expect("the arguments fit").remove(0)
}

fn assert_close(name: &str, found: &Tensor, expected: &[f64], tolerance: f64) {
    let found = found.to_f64_vec();
    assert_eq!(found.len(), expected.len(), "{name}");
    for (found, expected) in found.iter().zip(expected) {
        let scale = expected.abs().max(1.0);
        assert!((found - expected).abs() <= tolerance * scale, "{name}: {found} is not {expected}");
    }
}

#[test]
fn composites_equal_those_of_pytorch() {
    let goldens = goldens();
    let input = |name: &str, shape: &[usize]| Tensor::new(shape, goldens[name].clone()).unwrap();
    let x = input("x", &[3, 4]);
    let classified = [x.clone(), labels(&LABELS)];
    let affine = [x.clone(), input("gain", &[4]), input("shift", &[4])];
    let linear = [x.clone(), input("w", &[2, 4]), input("bias", &[2])];
    let x = [x];
    let cases: [(&str, Composite, &[Tensor]); 13] = [
        ("linear", |b, v| b.linear(v[0], v[1], Some(v[2])), &linear),
        ("relu", |b, v| b.relu(v[0]), &x),
        ("leaky_relu", |b, v| b.leaky_relu(v[0], LEAKY_RELU_SLOPE), &x),
        ("gelu", |b, v| b.gelu(v[0]), &x),
        ("gelu_tanh", |b, v| b.gelu_tanh(v[0]), &x),
        ("layer_norm", |b, v| b.layer_norm(v[0], None, None, LAYER_NORM_EPSILON), &x),
        ("layer_norm_affine", |b, v| b.layer_norm(v[0], Some(v[1]), Some(v[2]), LAYER_NORM_EPSILON), &affine),
        ("log_softmax", |b, v| b.log_softmax(v[0]), &x),
        ("cross_entropy", |b, v| b.cross_entropy(v[0], v[1]), &classified),
        ("squared_error", |b, v| b.squared_error(v[0], v[1]), &classified),
        ("mean", |b, v| b.mean(v[0], &[0]), &x),
        ("erf", |b, v| b.erf(v[0]), &x),
        ("logistic", |b, v| b.logistic(v[0]), &x),
    ];
    for (name, composite, arguments) in cases {
        assert_close(name, &evaluate(composite, arguments), &goldens[name], 1e-14);
        let is_float = |tensor: &Tensor| tensor.dtype().is_float();
        let single =
            |tensor: &Tensor| if is_float(tensor) { tensor.convert(DType::F32) } else { tensor.clone() };
        let arguments: Vec<Tensor> = arguments.iter().map(single).collect();
        let found = evaluate(composite, &arguments);
        assert_eq!(found.dtype(), DType::F32, "{name}");
        assert_close(name, &found, &goldens[name], 4e-6);
    }
}

#[test]
fn a_layer_without_bias_is_the_product_alone() {
    let x = Tensor::new([1, 2], vec![1.0, 2.0]).unwrap();
    let w = Tensor::new([2, 2], vec![3.0, 4.0, 5.0, 6.0]).unwrap();
    let y = evaluate(|b, v| b.linear(v[0], v[1], None), &[x, w]);
    assert_eq!(y, Tensor::new([1, 2], vec![11.0, 17.0]).unwrap());
}

#[test]
fn large_logits_do_not_overflow() {
    let logits = Tensor::new([1, 3], vec![1e4f32, 1e4, -1e4]).unwrap();
    let y = evaluate(|b, v| b.log_softmax(v[0]), &[logits]);
    assert_close("log_softmax", &y, &[-(2f64.ln()), -(2f64.ln()), -2e4 - 2f64.ln()], 1e-6);
}

#[test]
fn uniform_logits_cost_the_logarithm_of_the_number_of_classes() {
    let loss =
        evaluate(|b, v| b.cross_entropy(v[0], v[1]), &[Tensor::zeros(DType::F64, [3, 10]), labels(&LABELS)]);
    assert_close("cross_entropy", &loss, &[10f64.ln(); 3], 1e-15);
}

#[test]
fn a_label_that_is_no_class_makes_its_loss_nan_and_no_other() {
    for composite in [(|b, v| b.cross_entropy(v[0], v[1])) as Composite, |b, v| b.squared_error(v[0], v[1])] {
        let scores = Tensor::zeros(DType::F64, [4, 3]);
        let losses = evaluate(composite, &[scores, labels(&[-1, 0, 2, 3])]).to_f64_vec();
        assert_eq!(losses.iter().map(|loss| loss.is_nan()).collect::<Vec<_>>(), [true, false, false, true]);
    }
}

#[test]
fn nan_passes_through_activations() {
    let activations: [Composite; 5] = [
        |b, v| b.relu(v[0]),
        |b, v| b.leaky_relu(v[0], 0.1),
        |b, v| b.gelu(v[0]),
        |b, v| b.gelu_tanh(v[0]),
        |b, v| b.tanh(v[0]),
    ];
    for activation in activations {
        assert!(evaluate(activation, &[Tensor::scalar(f64::NAN)]).to_f64_vec()[0].is_nan());
    }
}

#[test]
fn normalised_rows_have_mean_zero_and_unit_variance() {
    let x = Tensor::from_fn(Shape::from([2, 3, 5]), |i| ((i * 7919) % 31) as f64);
    let y = evaluate(|b, v| b.layer_norm(v[0], None, None, 0.0), &[x]).to_f64_vec();
    for row in y.chunks(5) {
        let mean = row.iter().sum::<f64>() / 5.0;
        let variance = row.iter().map(|y| y * y).sum::<f64>() / 5.0;
        assert!(mean.abs() < 1e-15 && (variance - 1.0).abs() < 1e-14);
    }
}

#[test]
fn uniform_numbers_are_multiples_of_a_24th_power_below_one() {
    let mut b = Builder::new("uniform");
    let (key, counter) = (b.data("key", Ty::i32([2])), b.data("counter", Ty::i32([])));
    let uniform = b.uniform(key, counter, &[100, 100].into());
    b.output("uniform", uniform);
    let arguments = [&Tensor::from_fn([2], |i| i as i32), &Tensor::scalar(3)];
    let numbers = Reference::evaluate(&b.finish(), &arguments).expect("the arguments fit").remove(0);
    assert_eq!(numbers.dtype(), DType::F32);
    let numbers = numbers.to_f64_vec();
    assert!(numbers.iter().all(|u| (0.0..1.0).contains(u) && (u * 2f64.powi(24)).fract() == 0.0));
    let mean = numbers.iter().sum::<f64>() / 1e4;
    assert!((mean - 0.5).abs() < 5.0 * (1.0 / 12f64).sqrt() / 1e2, "{mean}");
}

#[test]
fn softmax_of_large_numbers_does_not_overflow_and_ignores_what_is_masked() {
    let x = Tensor::new([2, 2], vec![1e4f32, -1e4, f32::NEG_INFINITY, 0.0]).unwrap();
    let y = evaluate(|b, v| b.softmax(v[0], 1), &[x]);
    assert_close("softmax", &y, &[1.0, 0.0, 0.0, 1.0], 0.0);
}

#[test]
fn a_small_loss_beside_large_logits_keeps_its_digits() {
    let logits = Tensor::new([1, 2], vec![1e4f32, 1e4 - 8.0]).unwrap();
    let loss = evaluate(|b, v| b.cross_entropy(v[0], v[1]), &[logits, labels(&[0])]).to_f64_vec()[0];
    let expected = (-8f64).exp().ln_1p();
    assert!((loss - expected).abs() < 1e-3 * expected, "{loss} is not {expected}");
}

#[test]
fn the_mean_over_ignored_labels_alone_is_nan() {
    let options = CrossEntropy { ignored: Some(-100), smoothing: 0.0 };
    let mean = |chosen: &[i32]| {
        let mut b = Builder::new("mean");
        let logits = b.data("logits", Ty::f64([2, 3]));
        let given = b.data("labels", Ty::i32([2]));
        let loss = b.mean_cross_entropy(logits, given, options);
        b.output("loss", loss);
        let arguments = [Tensor::zeros(DType::F64, [2, 3]), labels(chosen)];
        Reference::evaluate(&b.finish(), &[&arguments[0], &arguments[1]]).unwrap()[0].to_f64_vec()[0]
    };
    assert!(mean(&[-100, -100]).is_nan());
    assert!((mean(&[-100, 1]) - 3f64.ln()).abs() < 1e-15);
    assert!(mean(&[-1, 1]).is_nan(), "-1 is neither ignored nor a class");
}

#[test]
fn the_running_variance_of_a_single_element_counts_as_zero() {
    let mut b = Builder::new("batch_norm");
    let x = b.data("x", Ty::f64([1, 1]));
    let [mean, variance] = ["mean", "variance"].map(|name| b.data(name, Ty::f64([1])));
    let running = ChannelMoments { mean, variance };
    let (y, new) = b.batch_norm_training(x, None, None, running, BatchNorm::default());
    for (name, val) in [("y", y), ("mean", new.mean), ("variance", new.variance)] {
        b.output(name, val);
    }
    let [x, mean, variance] = [Tensor::full([1, 1], 5.0), Tensor::full([1], 1.0), Tensor::full([1], 2.0)];
    let results = Reference::evaluate(&b.finish(), &[&x, &mean, &variance]).unwrap();
    let numbers: Vec<f64> = results.iter().map(|tensor| tensor.to_f64_vec()[0]).collect();
    assert_close("y, mean, variance", &Tensor::new([3], numbers).unwrap(), &[0.0, 1.4, 1.8], 1e-15);
}

/// Numbers without pattern.
fn scattered(shape: &[usize]) -> Tensor {
    Tensor::from_fn(shape, |i| ((i * 37 + 11) % 29) as f64 / 7.0 - 2.0)
}

fn product(x: &Tensor, y: &Tensor) -> f64 {
    assert_eq!(x.shape(), y.shape());
    x.to_f64_vec().iter().zip(y.to_f64_vec()).map(|(x, y)| x * y).sum()
}

#[test]
fn a_transposed_convolution_is_the_adjoint_of_the_convolution() {
    const WINDOW: Conv2d =
        Conv2d { stride: [2, 3], padding: [1, 0], extra: [0; 2], dilation: [1; 2], groups: 1 };
    const ADJOINT: ConvTranspose2d = ConvTranspose2d { stride: [2, 3], padding: [1, 0], extra: [1, 2] };
    let (x, w) = (scattered(&[2, 6, 8, 3]), scattered(&[4, 3, 3, 3]));
    let y = evaluate(|b, v| b.conv2d(v[0], v[1], None, WINDOW), &[x.clone(), w.clone()]);
    let z = scattered(y.shape());
    let back = evaluate(|b, v| b.conv_transpose2d(v[0], v[1], None, ADJOINT), &[z.clone(), w]);
    assert!((product(&y, &z) - product(&x, &back)).abs() < 1e-10);
}

#[test]
fn further_zeros_lie_below_and_right() {
    let (x, w) = (scattered(&[1, 4, 5, 2]), scattered(&[3, 2, 3, 3]));
    const UNEVEN: Conv2d =
        Conv2d { stride: [1; 2], padding: [0, 1], extra: [1, 0], dilation: [1; 2], groups: 1 };
    let found = evaluate(|b, v| b.conv2d(v[0], v[1], None, UNEVEN), &[x.clone(), w.clone()]);
    let padded: Composite = |b, v| {
        let x = b.pad(v[0], &[(0, 0, 0), (0, 1, 0), (1, 1, 0), (0, 0, 0)]);
        b.conv2d(x, v[1], None, Conv2d::default())
    };
    assert_close("conv2d", &found, &evaluate(padded, &[x, w]).to_f64_vec(), 1e-14);
}
