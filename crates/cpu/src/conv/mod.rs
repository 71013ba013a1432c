//! Convolutions: sums over windows that slide over images, and their derivatives, which are convolutions
//! again.
//!
//! There are two families of kernels. One goes pixel by pixel and keeps a tile of the result in registers
//! (`pixels`, `tile`); the other suits small results of long sums, as gradients with respect to weights are,
//! and keeps weights in registers while pixels pass by (`weights`, `sweep`). Both compute sums of several
//! convolutions of the same sizes and strides at once, and take the groups of depthwise convolutions, whose channels
//! meet one to one, as vectors of channels. How work is cut, and with it every bit of the result,
//! depends on sizes and on the instruction set alone.

#![expect(
    unsafe_code,
    reason = "kernels use vector instructions, and several threads write parts of one result"
)]

mod copy;
mod geometry;
mod kernels;
mod lanes;
mod out;
mod pack;
mod pixels;
mod problem;
mod sums;
mod sweep;
#[cfg(test)]
mod tests;
mod tile;
mod weights;

pub(crate) use problem::{Axis, Channels, Extent, Features, Groups, Pair, Problem};

use tensor::DType;

use self::{pixels::Pixels, weights::Weights};
use crate::{isa::Isa, vector::Real};

/// Operands of one of the convolutions that are added up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operands<'a, T> {
    pub(crate) input: &'a [T],
    pub(crate) kernel: &'a [T],
}

impl<'a, T> Operands<'a, T> {
    /// The operands from a group's first elements on.
    fn group(terms: &[Self], groups: &Groups, group: usize) -> Vec<Self> {
        let part = |term: &Self| Self {
            input: &term.input[group * groups.input..],
            kernel: &term.kernel[group * groups.kernel..],
        };
        terms.iter().map(part).collect()
    }
}

/// A plan for a sum of convolutions of the same sizes and strides, on one instruction set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Convolution {
    isa: Isa,
    terms: usize,
    problem: Problem,
    kernels: Kernels,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kernels {
    Pixels(Box<Pixels>),
    Weights(Box<Weights>),
}

impl Convolution {
    /// A plan for so many terms of elements of a floating-point type. Output channels are neighbours in the
    /// result, unless it [sums over images](Problem::sums_over_images).
    pub(crate) fn new(problem: Problem, terms: usize, dtype: DType, isa: Isa) -> Self {
        match dtype {
            DType::F32 => Self::of_type::<f32>(problem, terms, isa),
            DType::F64 => Self::of_type::<f64>(problem, terms, isa),
            DType::I32 | DType::Bool => unreachable!("the type rule admits floats only"),
        }
    }

    fn of_type<T: Real>(problem: Problem, terms: usize, isa: Isa) -> Self {
        let kernels = if problem.sums_over_images() {
            Kernels::Weights(Box::new(Weights::new::<T>(problem.clone(), isa)))
        } else {
            Kernels::Pixels(Box::new(Pixels::new::<T>(problem.clone(), isa)))
        };
        Self { isa, terms, problem, kernels }
    }

    /// Elements of working memory that a run needs.
    pub(crate) fn workspace(&self) -> usize {
        match &self.kernels {
            Kernels::Pixels(plan) => plan.workspace(self.terms),
            Kernels::Weights(plan) => plan.workspace(),
        }
    }

    pub(crate) const fn problem(&self) -> &Problem {
        &self.problem
    }

    /// Sizes, for people.
    pub(crate) fn describe(&self) -> String {
        let Problem { batch, channels, features, axes, groups, .. } = &self.problem;
        let sizes = |pick: fn(&Axis) -> Extent| {
            let sizes: Vec<String> = axes.iter().map(|axis| pick(axis).size.to_string()).collect();
            sizes.join("x")
        };
        let (input, kernel, output) =
            (sizes(|axis| axis.input), sizes(|axis| axis.kernel), sizes(|axis| axis.output));
        let mut text = format!("[{batch}, {input}, {channels}] by [{features}, {kernel}] to [{output}]");
        for (count, what) in [(self.terms, "terms"), (groups.count, "groups")] {
            if count > 1 {
                text += &format!(", {count} {what}");
            }
        }
        text
    }

    /// Multiplications and additions of all terms, without those of padding.
    pub(crate) fn operations(&self) -> usize {
        self.terms * self.problem.operations()
    }

    /// Computes the sum of the convolutions.
    ///
    /// # Panics
    /// Where an operand, the result or the working memory is not as long as the plan says.
    pub(crate) fn run<T: Real>(&self, out: &mut [T], terms: &[Operands<'_, T>], workspace: &mut [T]) {
        assert_eq!(terms.len(), self.terms, "there are as many terms as planned");
        assert_eq!(workspace.len(), self.workspace(), "the working memory is as planned");
        if self.problem.is_empty() {
            return out.fill(T::default());
        }
        for term in terms {
            self.problem.check(term.input.len(), term.kernel.len(), out.len());
        }
        match &self.kernels {
            Kernels::Pixels(plan) => plan.run(self.isa, out, terms, workspace),
            Kernels::Weights(plan) => plan.run(self.isa, out, terms, workspace),
        }
    }
}
