//! The graphs of a model that decide about its symmetry.

use graph::Graph;
use models::{Mode, Model};
use tensor::DType;

/// The network in `f64` in evaluation, and, where it has running statistics, in training, for so many examples (two at
/// least where there are such, as batch normalisation makes of one nothing). [`crate::infer()`] wants the last: there new statistics follow from
/// old ones and from what the weights do, so that it finds how they move; [`crate::certified`] tests all.
#[must_use]
pub fn graphs(model: &Model, examples: usize) -> Vec<Graph> {
    let modes: &[Mode] =
        if model.buffers().is_empty() { &[Mode::Evaluation] } else { &[Mode::Evaluation, Mode::Training] };
    let examples = examples.max(modes.len());
    modes.iter().map(|&mode| model.forward_in(mode, examples, DType::F64)).collect()
}
