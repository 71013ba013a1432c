//! What every architecture must say about itself.

use graph::Val;
use tensor::Shape;

use crate::{Input, Labels, Target, layout::Layout, model::Network, net::Net, settings::Written};

/// The shape of a parameter, by its name.
pub(crate) type ShapeOf<'a> = dyn Fn(&str) -> Option<Shape> + 'a;

/// A family of networks, fixed in all its sizes.
pub(crate) trait Architecture {
    /// The specification, part by part: equal for equal networks.
    fn written(&self) -> Written;

    /// What an example is.
    fn input(&self) -> Input;

    /// What the labels of an example are.
    fn labels(&self) -> Labels;

    /// The number of classes, or of tokens to choose from; only a network that is its own objective may not tell.
    fn classes(&self) -> Option<usize>;

    /// How a network that is its own objective takes labels; `None` for one that returns logits.
    fn target(&self) -> Option<Target> {
        None
    }

    /// The same with as many units as these parameters have, where the family can tell; whether all shapes come out is for the
    /// caller to see.
    fn resized(&self, _shape: &ShapeOf<'_>) -> Option<Network> {
        None
    }

    /// Whether `emit` takes texts shorter than [`Input`] says, too.
    fn takes_shorter_texts(&self) -> bool {
        false
    }

    /// Parameters and buffers in the order of PyTorch's `state_dict`.
    fn layout(&self) -> Layout;

    /// Emits the logits, of the shape of the labels of a batch with the classes as last axis. `x` is `[batch, elements]` as
    /// [`Input`] says: tokens as `i32`, anything else in the network's type. A network that is its own objective emits that, a
    /// scalar, and finds the labels in `net`.
    fn emit(&self, net: &mut Net, x: Val) -> Val;
}
