//! Blocks of residual networks.

use graph::{Val, composite::Conv2d};

use crate::{Activation, Norm, layout::Layout, named::Named, net::Net, positive::Positive};

/// What the blocks of a residual network have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Style {
    pub(crate) activation: Activation,
    pub(crate) norm: Norm,
    pub(crate) epsilon: Positive,
    pub(crate) padding: Padding,
    pub(crate) skip: bool,
    pub(crate) shortcut: Shortcut,
    /// Normalisation and activation before each convolution instead of behind it.
    pub(crate) preactivated: bool,
    /// Three convolutions, of which only the middle one sees neighbours, instead of two.
    pub(crate) bottleneck: bool,
    /// What the parameters of the shortcut are called.
    pub(crate) shortcut_name: &'static str,
}

/// How a block's input reaches its output where their sizes differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Shortcut {
    /// A convolution with a window of one pixel, and a normalisation: option B of arXiv:1512.03385.
    #[default]
    Projection,
    /// A convolution with a window of three pixels on a side, and a normalisation, as Git Re-Basin has it.
    Projection3x3,
    /// Every second pixel, with zeros for the new channels, half of them in front: option A of arXiv:1512.03385.
    Padding,
}

impl Named for Shortcut {
    const KIND: &'static str = "shortcut";
    const MEMBERS: &'static [Self] = &[Self::Projection, Self::Projection3x3, Self::Padding];

    fn name(self) -> &'static str {
        match self {
            Self::Projection => "projection",
            Self::Projection3x3 => "projection3x3",
            Self::Padding => "padding",
        }
    }
}

/// Where the zeros around an image lie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Padding {
    /// As many on either side, as in PyTorch.
    #[default]
    Symmetric,
    /// As many as the results need, an odd one below or right: `SAME` of TensorFlow and Flax.
    Same,
}

impl Named for Padding {
    const KIND: &'static str = "padding";
    const MEMBERS: &'static [Self] = &[Self::Symmetric, Self::Same];

    fn name(self) -> &'static str {
        match self {
            Self::Symmetric => "symmetric",
            Self::Same => "same",
        }
    }
}

impl Padding {
    /// A window of `size` pixels on a side with this stride, on images of `rows` and `columns`.
    pub(crate) fn window(self, size: usize, stride: usize, image: [usize; 2]) -> Conv2d {
        let plain = Conv2d { stride: [stride; 2], padding: [size / 2; 2], ..Conv2d::default() };
        match self {
            Self::Symmetric => plain,
            Self::Same => {
                let zeros = image.map(|pixels| {
                    (pixels.div_ceil(stride).saturating_sub(1) * stride + size).saturating_sub(pixels)
                });
                Conv2d { padding: zeros.map(|zeros| zeros / 2), extra: zeros.map(|zeros| zeros % 2), ..plain }
            }
        }
    }
}

/// Convolutions with a shortcut around them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    /// As `layer2.0`.
    pub(crate) name: String,
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    /// Channels between the convolutions.
    pub(crate) inner: usize,
    pub(crate) stride: usize,
}

/// A convolution of a block; they are numbered from 1.
struct Layer {
    number: usize,
    inputs: usize,
    outputs: usize,
    window: usize,
    stride: usize,
}

impl Block {
    fn part(&self, part: &str) -> String {
        format!("{}.{part}", self.name)
    }

    fn numbered(&self, part: &str, layer: &Layer) -> String {
        self.part(&format!("{part}{}", layer.number))
    }

    const fn changes_size(&self) -> bool {
        self.inputs != self.outputs || self.stride != 1
    }

    fn layers(&self, bottleneck: bool) -> Vec<Layer> {
        let &Self { inputs, inner, outputs, stride, .. } = self;
        let layer =
            |number, inputs, outputs, window, stride| Layer { number, inputs, outputs, window, stride };
        if bottleneck {
            // The stride lies on the middle one, as in torchvision; the paper has it on the first.
            vec![
                layer(1, inputs, inner, 1, 1),
                layer(2, inner, inner, 3, stride),
                layer(3, inner, outputs, 1, 1),
            ]
        } else {
            vec![layer(1, inputs, inner, 3, stride), layer(2, inner, outputs, 3, 1)]
        }
    }
}

impl Style {
    /// Convolutions have biases where no normalisation brings one.
    pub(crate) fn bias(&self) -> bool {
        self.norm == Norm::None
    }

    /// The side of the projection's window, where the block has one.
    fn projection(&self, block: &Block) -> Option<usize> {
        match self.shortcut {
            _ if !self.skip || !block.changes_size() => None,
            Shortcut::Projection => Some(1),
            Shortcut::Projection3x3 => Some(3),
            Shortcut::Padding => None,
        }
    }

    /// Declares the parameters of a block.
    pub(crate) fn declare(&self, layout: &mut Layout, block: &Block) {
        for layer in block.layers(self.bottleneck) {
            let (convolution, norm) = (block.numbered("conv", &layer), block.numbered("bn", &layer));
            let channels = [layer.inputs, layer.outputs];
            if self.preactivated {
                layout.norm(&norm, self.norm, layer.inputs, true);
                layout.convolution(&convolution, channels, layer.window, self.bias());
            } else {
                layout.convolution(&convolution, channels, layer.window, self.bias());
                layout.norm(&norm, self.norm, layer.outputs, true);
            }
        }
        if let Some(window) = self.projection(block) {
            let [convolution, norm] = self.projection_names(block);
            layout.convolution(&convolution, [block.inputs, block.outputs], window, self.bias());
            if !self.preactivated {
                layout.norm(&norm, self.norm, block.outputs, true);
            }
        }
    }

    fn projection_names(&self, block: &Block) -> [String; 2] {
        [0, 1].map(|part| block.part(&format!("{}.{part}", self.shortcut_name)))
    }

    /// Emits a block on images with channels last.
    pub(crate) fn emit(&self, net: &mut Net, block: &Block, x: Val) -> Val {
        let layers = block.layers(self.bottleneck);
        if self.preactivated {
            self.emit_preactivated(net, block, &layers, x)
        } else {
            self.emit_plain(net, block, &layers, x)
        }
    }

    fn emit_plain(&self, net: &mut Net, block: &Block, layers: &[Layer], x: Val) -> Val {
        let mut y = x;
        for layer in layers {
            if layer.number > 1 {
                y = self.activation.emit(&mut net.b, y);
            }
            y = self.convolve(net, &block.numbered("conv", layer), layer.window, layer.stride, y);
            y = self.normalise(net, &block.numbered("bn", layer), y);
        }
        if self.skip {
            let shortcut = self.emit_shortcut(net, block, x, x);
            y = net.b.add(y, shortcut);
        }
        self.activation.emit(&mut net.b, y)
    }

    fn emit_preactivated(&self, net: &mut Net, block: &Block, layers: &[Layer], x: Val) -> Val {
        let (mut y, mut activated) = (x, x);
        for layer in layers {
            y = self.normalise(net, &block.numbered("bn", layer), y);
            y = self.activation.emit(&mut net.b, y);
            if layer.number == 1 {
                activated = y;
            }
            y = self.convolve(net, &block.numbered("conv", layer), layer.window, layer.stride, y);
        }
        if self.skip {
            let shortcut = self.emit_shortcut(net, block, x, activated);
            y = net.b.add(y, shortcut);
        }
        y
    }

    /// The block's input in the size of its output; a projection reads `projected`.
    fn emit_shortcut(&self, net: &mut Net, block: &Block, x: Val, projected: Val) -> Val {
        let Some(window) = self.projection(block) else { return pad_channels(net, block, x) };
        let [convolution, norm] = self.projection_names(block);
        let y = self.convolve(net, &convolution, window, block.stride, projected);
        if self.preactivated { y } else { self.normalise(net, &norm, y) }
    }

    /// A convolution that keeps the image's size but for its stride.
    pub(crate) fn convolve(&self, net: &mut Net, name: &str, window: usize, stride: usize, x: Val) -> Val {
        let shape = net.b.shape(x);
        let options = self.padding.window(window, stride, [shape[1], shape[2]]);
        net.conv2d(name, x, options)
    }

    pub(crate) fn normalise(&self, net: &mut Net, name: &str, x: Val) -> Val {
        net.norm_with(name, self.norm, self.epsilon, x)
    }
}

/// Every `stride`-th pixel, with zeros for new channels.
fn pad_channels(net: &mut Net, block: &Block, x: Val) -> Val {
    if !block.changes_size() {
        return x;
    }
    let limit = net.b.shape(x).to_vec();
    let y = net.b.slice(x, &[0; 4], &limit, &[1, block.stride, block.stride, 1]);
    let more = (block.outputs - block.inputs) as i64;
    net.b.pad(y, &[(0, 0, 0), (0, 0, 0), (0, 0, 0), (more / 2, more - more / 2, 0)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_padding_puts_the_odd_zero_behind() {
        let window = Padding::Same.window(3, 2, [32, 31]);
        assert_eq!((window.padding, window.extra), ([0, 1], [1, 0]));
        assert_eq!(Padding::Same.window(3, 1, [8, 8]), Padding::Symmetric.window(3, 1, [8, 8]));
        assert_eq!(Padding::Same.window(1, 2, [8, 7]).padding, [0; 2]);
    }
}
