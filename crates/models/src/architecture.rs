//! What every architecture must say about itself.

use graph::Val;

use crate::{Input, Labels, layout::Layout, net::Net, settings::Written};

/// A family of networks, fixed in all its sizes.
pub(crate) trait Architecture {
    /// The specification, part by part: equal for equal networks.
    fn written(&self) -> Written;

    /// What an example is.
    fn input(&self) -> Input;

    /// What the labels of an example are.
    fn labels(&self) -> Labels;

    /// The number of classes, or of tokens to choose from.
    fn classes(&self) -> usize;

    /// Parameters and buffers in the order of PyTorch's `state_dict`.
    fn layout(&self) -> Layout;

    /// Emits the logits, of the shape of the labels of a batch with the classes as last axis. `x` is `[batch, elements]` as
    /// [`Input`] says: tokens as `i32`, anything else in the network's type.
    fn emit(&self, net: &mut Net, x: Val) -> Val;
}
