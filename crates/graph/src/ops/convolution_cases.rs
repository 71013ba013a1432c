//! Applications of convolutions on which the law suites run.

use super::{
    Convolution,
    convolution_axes::{ImageAxes, KernelAxes},
};
use crate::{Case, Domain, Ty};

fn case(name: &'static str, op: Convolution, lhs: &[usize], rhs: &[usize]) -> Case {
    let domain = Domain::Interval(-1.0, 1.0);
    Case::new(name, op, vec![(Ty::f64(lhs), domain), (Ty::f64(rhs), domain)])
}

pub(super) fn cases() -> Vec<Case> {
    [sliding(), layouts(), grouped(), mirrored(), empty()].concat()
}

/// Strides, padding and dilation.
fn sliding() -> Vec<Case> {
    let plain = || Convolution::new(2);
    let strided = Convolution { strides: vec![2, 3], low: vec![0, 1], high: vec![1, 0], ..plain() };
    let cut = Convolution { strides: vec![2, 1], low: vec![-1, 2], high: vec![1, -2], ..plain() };
    let spread = Convolution { lhs_dilation: vec![2, 3], low: vec![1, 0], high: vec![0, -1], ..plain() };
    let holes = Convolution { rhs_dilation: vec![2, 1], strides: vec![1, 2], ..plain() };
    let both = Convolution {
        lhs_dilation: vec![3, 2],
        rhs_dilation: vec![2, 3],
        strides: vec![2, 2],
        low: vec![1, 3],
        high: vec![2, 0],
        ..plain()
    };
    vec![
        case("convolution", plain().with_padding_and_stride(1, 1), &[2, 3, 4, 2], &[3, 2, 3, 3]),
        case("convolution of single pixels", plain(), &[2, 2, 3, 3], &[2, 3, 1, 1]),
        case("convolution whose strides leave remainders", strided, &[1, 6, 7, 2], &[2, 2, 2, 3]),
        case("convolution with negative padding", cut, &[1, 6, 5, 1], &[2, 1, 2, 2]),
        case("convolution of a dilated image", spread, &[2, 3, 2, 1], &[1, 1, 3, 2]),
        case("convolution with a dilated kernel", holes, &[1, 5, 4, 2], &[2, 2, 2, 2]),
        case("convolution with both dilations", both, &[1, 3, 4, 1], &[2, 1, 2, 2]),
    ]
}

/// Other numbers and orders of axes.
fn layouts() -> Vec<Case> {
    let named = |lhs, rhs, out, spatial| Convolution {
        lhs: ImageAxes::from_word(lhs).expect("the word is well formed"),
        rhs: KernelAxes::from_word(rhs).expect("the word is well formed"),
        out: ImageAxes::from_word(out).expect("the word is well formed"),
        ..Convolution::new(spatial)
    };
    let line = named("bf0", "oi0", "bf0", 1).with_padding_and_stride(1, 2);
    let scattered = named("f1b0", "1i0o", "0fb1", 2);
    vec![
        case("convolution of lines", line, &[2, 3, 6], &[2, 3, 3]),
        case("convolution of volumes", Convolution::new(3), &[1, 3, 2, 3, 1], &[2, 1, 2, 2, 2]),
        case("convolution without spatial axes", Convolution::new(0), &[2, 3], &[4, 3]),
        case("convolution with scattered axes", scattered, &[2, 4, 1, 3], &[3, 2, 2, 2]),
    ]
}

/// Groups of features and of the batch.
fn grouped() -> Vec<Case> {
    let features = |groups| Convolution { feature_groups: groups, ..Convolution::new(2) };
    let batch = |groups| Convolution { batch_groups: groups, ..Convolution::new(1) };
    vec![
        case("convolution in feature groups", features(2), &[1, 3, 2, 4], &[6, 2, 2, 2]),
        case(
            "depthwise convolution",
            features(3).with_padding_and_stride(1, 2),
            &[2, 3, 4, 3],
            &[3, 1, 3, 3],
        ),
        case("depthwise convolution with several outputs", features(2), &[1, 3, 3, 2], &[4, 1, 2, 2]),
        case("convolution in batch groups", batch(2).with_padding_and_stride(1, 2), &[4, 4, 3], &[4, 3, 2]),
    ]
}

/// Kernels mirrored along all axes or some.
fn mirrored() -> Vec<Case> {
    let all = Convolution { reversal: vec![true, true], ..Convolution::new(2) };
    let some = Convolution { reversal: vec![false, true], low: vec![1, 0], ..Convolution::new(2) };
    let transposed =
        Convolution { lhs_dilation: vec![2, 2], low: vec![1, 2], high: vec![2, 1], ..all.clone() };
    let features = Convolution { feature_groups: 2, strides: vec![2, 1], ..all.clone() };
    let batch = Convolution { batch_groups: 2, rhs_dilation: vec![1, 2], ..all.clone() };
    vec![
        case("mirrored convolution", all.with_padding_and_stride(1, 2), &[2, 4, 3, 2], &[2, 2, 3, 2]),
        case("convolution mirrored along one axis", some, &[1, 3, 4, 2], &[2, 2, 2, 3]),
        case("transposed convolution", transposed, &[1, 3, 2, 2], &[1, 2, 3, 3]),
        case("mirrored convolution in feature groups", features, &[1, 4, 3, 4], &[4, 2, 2, 2]),
        case("mirrored convolution in batch groups", batch, &[4, 2, 4, 2], &[2, 2, 2, 2]),
    ]
}

/// Axes without indices.
fn empty() -> Vec<Case> {
    let line = || Convolution::new(1);
    let padded = Convolution { low: vec![2], high: vec![1], ..line() };
    vec![
        case("convolution with a kernel that does not fit", line(), &[1, 2, 2], &[3, 2, 3]),
        case("convolution of padding alone", padded.clone(), &[1, 0, 2], &[2, 2, 2]),
        case("convolution with a kernel without positions", padded, &[1, 2, 2], &[2, 2, 0]),
        case("convolution of no batch", line(), &[0, 3, 2], &[2, 2, 2]),
        case("convolution of no features", line(), &[1, 3, 0], &[2, 0, 2]),
    ]
}
