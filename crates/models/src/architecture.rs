//! What every architecture must say about itself.

use graph::Val;

use crate::{Input, layout::Layout, net::Net};

/// A family of networks, fixed in all its sizes.
pub(crate) trait Architecture {
    /// The canonical specification: equal for equal networks, options at their defaults left out.
    fn spec(&self) -> String;

    /// What an example is.
    fn input(&self) -> Input;

    /// The number of classes, or of tokens to choose from.
    fn classes(&self) -> usize;

    /// Parameters and buffers in the order of PyTorch's `state_dict`.
    fn layout(&self) -> Layout;

    /// Emits the logits, `[batch, classes]` or, for texts, `[batch, tokens, classes]`. `x` is `[batch, elements]` as
    /// [`Input`] says: tokens as `i32`, anything else in the network's type.
    fn emit(&self, net: &mut Net, x: Val) -> Val;
}
