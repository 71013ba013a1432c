//! Convolutions against sums in `f64`, element by element.

use tensor::Key;

use super::{
    Convolution, Operands,
    geometry::indices,
    problem::{Axis, Channels, Extent, Features, Groups, Pair, Problem},
};
use crate::{isa::Isa, vector::Real};

/// An axis by its sizes and attributes; strides are filled in later.
#[derive(Clone, Copy)]
pub(super) struct Spec {
    pub(super) input: usize,
    pub(super) kernel: usize,
    pub(super) stride: usize,
    pub(super) low: isize,
    pub(super) high: isize,
    pub(super) base: usize,
    pub(super) window: usize,
    pub(super) reversed: bool,
}

pub(super) const fn axis(input: usize, kernel: usize, stride: usize, low: isize, high: isize) -> Spec {
    Spec { input, kernel, stride, low, high, base: 1, window: 1, reversed: false }
}

impl Spec {
    fn output(&self) -> usize {
        let dilated = |size: usize, by: usize| if size == 0 { 0 } else { (size - 1) * by + 1 } as isize;
        let room = dilated(self.input, self.base) + self.low + self.high - dilated(self.kernel, self.window);
        if room < 0 { 0 } else { room as usize / self.stride + 1 }
    }
}

/// Images with channels last, weights as `[out, in, spatial..]`.
pub(super) fn problem(
    batch: usize,
    channels: usize,
    features: usize,
    groups: usize,
    specs: &[Spec],
) -> Problem {
    let mut axes = Vec::new();
    let (all_in, all_out) = (channels * groups, features * groups);
    let (mut input, mut output, mut kernel) = (all_in, all_out, 1);
    for spec in specs.iter().rev() {
        axes.push(Axis {
            input: Extent { size: spec.input, stride: input },
            kernel: Extent { size: spec.kernel, stride: kernel },
            output: Extent { size: spec.output(), stride: output },
            stride: spec.stride,
            low: spec.low,
            base_dilation: spec.base,
            window_dilation: spec.window,
            reversed: spec.reversed,
        });
        input *= spec.input;
        output *= spec.output();
        kernel *= spec.kernel;
    }
    axes.reverse();
    Problem {
        batch,
        batch_strides: Pair { input, output },
        channels,
        channel_strides: Channels { input: 1, kernel },
        features,
        feature_strides: Features { kernel: kernel * channels, output: 1 },
        axes,
        groups: Groups {
            count: groups,
            input: channels,
            kernel: kernel * channels * features,
            output: features,
        },
    }
}

/// The gradient with respect to the weights of a convolution.
pub(super) fn gradient(of: &Problem) -> Problem {
    let axes = of.axes.iter().map(|axis| Axis {
        kernel: axis.output,
        output: axis.kernel,
        stride: axis.window_dilation,
        window_dilation: axis.stride,
        ..*axis
    });
    Problem {
        batch: of.channels,
        batch_strides: Pair { input: of.channel_strides.input, output: of.channel_strides.kernel },
        channels: of.batch,
        channel_strides: Channels { input: of.batch_strides.input, kernel: of.batch_strides.output },
        features: of.features,
        feature_strides: Features { kernel: of.feature_strides.output, output: of.feature_strides.kernel },
        axes: axes.collect(),
        groups: Groups { kernel: of.groups.output, output: of.groups.kernel, ..of.groups },
    }
}

fn naive(problem: &Problem, out: &mut [f64], input: &[f64], kernel: &[f64]) {
    let outputs: Vec<usize> = problem.axes.iter().map(|axis| axis.output.size).collect();
    let kernels: Vec<usize> = problem.axes.iter().map(|axis| axis.kernel.size).collect();
    for index in indices(&[&[problem.groups.count, problem.batch, problem.features], &outputs[..]].concat()) {
        let (group, image, feature) = (index[0], index[1], index[2]);
        let mut at = group * problem.groups.output + image * problem.batch_strides.output;
        at += feature * problem.feature_strides.output;
        at += problem.axes.iter().zip(&index[3..]).map(|(axis, &i)| i * axis.output.stride).sum::<usize>();
        for taps in indices(&kernels) {
            let mut from = group * problem.groups.input + image * problem.batch_strides.input;
            let mut weight = group * problem.groups.kernel + feature * problem.feature_strides.kernel;
            let mut inside = true;
            for ((axis, &tap), &output) in problem.axes.iter().zip(&taps).zip(&index[3..]) {
                let dilated = (output * axis.stride + tap * axis.window_dilation) as isize - axis.low;
                let base = axis.base_dilation as isize;
                inside &= dilated >= 0 && dilated % base == 0 && dilated / base < axis.input.size as isize;
                from = from.wrapping_add_signed(dilated / base * axis.input.stride as isize);
                let tap = if axis.reversed { axis.kernel.size - 1 - tap } else { tap };
                weight += tap * axis.kernel.stride;
            }
            if inside {
                for channel in 0..problem.channels {
                    out[at] += input[from + channel * problem.channel_strides.input]
                        * kernel[weight + channel * problem.channel_strides.kernel];
                }
            }
        }
    }
}

/// Small integers, whose sums of products are exact in any order.
fn integers(key: Key, count: usize) -> Vec<f64> {
    (0..count as u64).map(|i| key.below(i, 9) as f64 - 4.0).collect()
}

/// Small integers, and a few infinities and NaN among them, of whose sums the same holds.
fn with_specials(key: Key, count: usize) -> Vec<f64> {
    let special = |i: u64| match key.child("special").below(i, 60) {
        0 => f64::INFINITY,
        1 => f64::NEG_INFINITY,
        2 => f64::NAN,
        _ => key.below(i, 9) as f64 - 4.0,
    };
    (0..count as u64).map(special).collect()
}

/// From `f64` and back.
type Convert<T> = (fn(f64) -> T, fn(T) -> f64);
/// Makes so many elements.
type Make = fn(Key, usize) -> Vec<f64>;

fn check<T: Real>(problem: &Problem, terms: usize, (from, to): Convert<T>, (inputs, weights): (Make, Make)) {
    let sizes =
        |pick: fn(&Axis) -> Extent| problem.axes.iter().map(|axis| pick(axis).size).product::<usize>();
    let Problem { batch, channels, features, groups, .. } = problem;
    let input = batch * channels * groups.count * sizes(|axis| axis.input);
    let kernel = channels * features * groups.count * sizes(|axis| axis.kernel);
    let output = batch * features * groups.count * sizes(|axis| axis.output);
    let key = Key::new(3);
    let mut expected = vec![0.0; output];
    let mut operands = Vec::new();
    for term in 0..terms {
        let x = inputs(key.child(&format!("x{term}")), input);
        let w = weights(key.child(&format!("w{term}")), kernel);
        naive(problem, &mut expected, &x, &w);
        let convert = |elements: Vec<f64>| elements.into_iter().map(from).collect::<Vec<T>>();
        operands.push((convert(x), convert(w)));
    }
    let operands: Vec<Operands<'_, T>> =
        operands.iter().map(|(input, kernel)| Operands { input, kernel }).collect();
    for isa in Isa::available() {
        let plan = Convolution::new(problem.clone(), terms, T::DTYPE, isa);
        let mut found = vec![from(1.0); output];
        let mut workspace = vec![from(1.0); plan.workspace()];
        plan.run(&mut found, &operands, &mut workspace);
        for (index, (&expected, &found)) in expected.iter().zip(&found).enumerate() {
            let found = to(found);
            let same = expected == found || expected.is_nan() && found.is_nan();
            assert!(same, "{isa:?}: {expected} is {found} at {index} of {problem:?}");
        }
    }
}

fn check_f32(problem: &Problem, terms: usize) {
    check::<f32>(problem, terms, (|x| x as f32, f64::from), (integers, integers));
}

fn check_f64(problem: &Problem, terms: usize) {
    check::<f64>(problem, terms, (|x| x, |x| x), (integers, integers));
}

/// Infinities and NaN in either operand and in both.
fn check_specials(problem: &Problem) {
    let makes: [(Make, Make); 3] =
        [(integers, with_specials), (with_specials, integers), (with_specials, with_specials)];
    for makes in makes {
        check::<f32>(problem, 1, (|x| x as f32, f64::from), makes);
        check::<f64>(problem, 2, (|x| x, |x| x), makes);
    }
}

fn check_both(problem: &Problem, terms: usize) {
    check_f32(problem, terms);
    check_f64(problem, terms);
}

#[test]
fn usual_convolutions_are_exact_on_integers() {
    for (size, channels, features) in [(8, 5, 16), (7, 3, 10), (4, 6, 40), (2, 6, 64), (1, 4, 33), (19, 1, 1)]
    {
        let same = axis(size, 3, 1, 1, 1);
        check_both(&problem(3, channels, features, 1, &[same, same]), 1);
        check_both(&problem(1, channels, features, 1, &[same, same]), 2);
        let strided = axis(size, 3, 2, 1, 1);
        check_both(&problem(3, channels, features, 1, &[strided, strided]), 1);
        let pointwise = axis(size, 1, 1, 0, 0);
        check_both(&problem(5, channels, features, 1, &[pointwise, pointwise]), 1);
        let projection = axis(size, 1, 2, 0, 0);
        check_both(&problem(3, channels, features, 1, &[projection, projection]), 1);
    }
}

#[test]
fn input_gradients_are_exact_on_integers() {
    for (size, stride, low, high) in [(8, 1, 1, 1), (8, 2, 1, 2), (4, 2, 1, 1), (5, 3, 2, 0), (1, 2, 1, 2)] {
        let spec = Spec { base: stride, reversed: true, ..axis(size, 3, 1, low, high) };
        check_both(&problem(3, 18, 20, 1, &[spec, spec]), 1);
        check_both(&problem(1, 3, 5, 1, &[spec, spec]), 2);
    }
}

#[test]
fn all_attributes_are_exact_on_integers() {
    let mut seed = 0;
    for (input, kernel) in [(9, 3), (6, 5), (12, 7), (5, 2), (3, 3), (2, 1)] {
        for (stride, base, window) in
            [(1, 1, 1), (2, 1, 1), (1, 2, 1), (1, 1, 2), (2, 3, 1), (3, 2, 2), (4, 6, 3)]
        {
            for (low, high) in [(0, 0), (2, 1), (-1, 3), (4, -2)] {
                seed += 1;
                let reversed = seed % 2 == 0;
                let spec = Spec { base, window, reversed, ..axis(input, kernel, stride, low, high) };
                taps_are_counted(&problem(1, 1, 1, 1, &[spec]).axes[0]);
                check_f32(&problem(2, 3, 5, 1, &[spec]), 1);
                let other = axis(4, 2, 1, 0, 1);
                check_f64(&problem(1, 2, 3, 2, &[spec, other]), 2);
                check_f32(&problem(1, 2, 3, 1, &[other, spec]), 1);
            }
        }
    }
}

fn taps_are_counted(axis: &Axis) {
    for output in 0..axis.output.size {
        let inside = (0..axis.kernel.size).filter(|&tap| axis.position(output, tap).is_some());
        assert_eq!(axis.taps(output), inside.count(), "{axis:?}");
    }
}

#[test]
fn any_number_of_axes_and_empty_sizes() {
    let same = axis(4, 3, 1, 1, 1);
    check_both(&problem(3, 4, 5, 1, &[]), 1);
    check_both(&problem(2, 4, 5, 2, &[same, same, same]), 1);
    check_both(&problem(0, 4, 5, 2, &[same]), 1);
    check_both(&problem(2, 0, 5, 2, &[same]), 1);
    check_both(&problem(2, 4, 0, 2, &[same]), 1);
    check_both(&problem(2, 4, 3, 2, &[axis(0, 3, 1, 2, 2)]), 1);
    check_both(&problem(2, 4, 3, 2, &[axis(1, 3, 1, 0, 0)]), 1);
}

#[test]
fn weight_gradients_are_exact_on_integers() {
    for (size, channels, features) in [(8, 8, 16), (7, 3, 10), (4, 8, 40), (2, 70, 8), (1, 4, 33), (10, 8, 4)]
    {
        for (batch, kernel, padding, groups) in
            [(3, 3, 1, 1), (5, 3, 0, 1), (1, 3, 1, 2), (2, 1, 0, 1), (2, 5, 2, 1)]
        {
            for stride in [1, 2, 3] {
                let axis = axis(size, kernel, stride, padding, padding);
                let of = problem(batch, channels, features, groups, &[axis, axis]);
                if gradient(&of).sums_over_images() {
                    check_both(&gradient(&of), 1 + stride % 2);
                }
            }
        }
    }
}

#[test]
fn weight_gradients_of_other_shapes_are_exact_on_integers() {
    let same = axis(4, 3, 1, 1, 1);
    let dilated = Spec { window: 2, ..axis(9, 3, 1, 2, 2) };
    let wide = Spec { window: 3, ..axis(12, 4, 2, 5, -1) };
    for specs in [&[][..], &[same], &[dilated], &[wide, same], &[same, wide], &[same, dilated, same]] {
        check_both(&gradient(&problem(3, 8, 16, 1, specs)), 1);
        check_both(&gradient(&problem(2, 5, 3, 2, specs)), 2);
    }
    check_both(&gradient(&problem(40, 8, 16, 1, &[axis(16, 3, 1, 1, 1), same])), 1);
}

#[test]
fn what_is_not_finite_is_left_out_where_it_meets_padding() {
    for (size, kernel, stride, padding) in
        [(9, 3, 1, 1), (16, 3, 1, 1), (17, 3, 2, 1), (8, 7, 2, 3), (12, 5, 1, 2)]
    {
        for (channels, features) in [(3, 5), (8, 16), (5, 40)] {
            let spec = axis(size, kernel, stride, padding, padding);
            let of = problem(2, channels, features, 1, &[spec, axis(4, 3, 1, 1, 1)]);
            check_specials(&of);
            check_specials(&gradient(&of));
            let of = problem(3, channels, features, 1, &[axis(4, 3, 1, 1, 1), spec]);
            check_specials(&of);
            check_specials(&gradient(&of));
        }
    }
    let dilated = Spec { base: 2, ..axis(6, 3, 1, 2, 2) };
    check_specials(&problem(2, 4, 6, 2, &[dilated, dilated]));
}

#[test]
fn channelwise_convolutions_and_their_gradients_are_exact_on_integers() {
    for (size, kernel, stride, padding) in
        [(9, 3, 1, 1), (16, 3, 2, 1), (20, 5, 1, 2), (13, 7, 2, 3), (5, 1, 1, 0)]
    {
        for groups in [3, 16, 40] {
            let spec = axis(size, kernel, stride, padding, padding);
            let of = problem(3, 1, 1, groups, &[spec, spec]);
            assert!(of.channelwise().is_some() && gradient(&of).channelwise().is_some());
            check_both(&of, 1);
            check_both(&gradient(&of), 2);
            let back = Spec { base: stride, reversed: true, ..axis(size, kernel, 1, padding, padding + 1) };
            check_both(&problem(2, 1, 1, groups, &[back, back]), 2);
            check_specials(&of);
            check_specials(&gradient(&of));
        }
    }
}

#[test]
fn many_weights_are_packed_by_each_task() {
    let same = axis(3, 3, 1, 1, 1);
    check_both(&problem(2, 70, 260, 1, &[same, same]), 2);
}
