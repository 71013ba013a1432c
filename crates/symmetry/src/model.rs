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

/// From this number of weights on, networks are large: they are tried on one example, and texts are cut short. Ours: so
/// that ResNet-50 and a GPT of 12 layers take seconds; what is false shows on few of their many pixels and words, too.
const LARGE: usize = 20_000_000;

/// Words of the texts on which large networks are tried. Ours: more than the heads of a layer, and few enough that reading the
/// weights takes as long as computing with them.
const WORDS: usize = 16;

/// The graphs on which [`crate::certified`] is to try what was derived from [`graphs`]: the same for `examples` examples, or for
/// networks of more than 20 million weights for one, of which texts are cut after 16 words. Then the number of random elements that
/// is enough for them besides a cycle and an exchange: 4, or none for large networks.
#[must_use]
pub fn trials(model: &Model, examples: usize) -> (Vec<Graph>, usize) {
    if model.elements() <= LARGE {
        return (graphs(model, examples), 4);
    }
    let short = model.forward_on(1, WORDS, DType::F64);
    (short.map_or_else(|| graphs(model, 1), |graph| vec![graph]), 0)
}
