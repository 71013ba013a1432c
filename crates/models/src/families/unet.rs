//! U-shaped networks that give each pixel a class.

use graph::{
    Val,
    composite::{Conv2d, ConvTranspose2d},
    ops::Window,
};
use tensor::Shape;

use crate::{
    Activation, Image, Input, Labels, ModelError, Norm,
    architecture::Architecture,
    layout::Layout,
    line::Line,
    net::Net,
    settings::{Setting, Specified, Written},
};

/// A U-Net (Ronneberger, Fischer and Brox 2015, arXiv:1505.04597) with padded convolutions and the names of the widespread
/// `Pytorch-UNet`: at each level two convolutions, down by pooling, up by transposed convolutions, with the level's own image
/// beside what comes from below.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unet {
    /// Channels of the first level.
    channels: usize,
    /// How often the image is halved.
    levels: usize,
    activation: Activation,
    norm: Norm,
    input: Image,
    classes: usize,
}

/// Channels of the first level at width 1: the paper's.
const CHANNELS: usize = 64;

/// Most halvings. Ours: no image has so many pixels that more are left.
const MOST_LEVELS: usize = 16;

/// Every second position of windows of two.
const HALVING: Window = Window::sliding(2, 2, 0);

impl Default for Unet {
    /// The paper's sizes, for images like CIFAR's and two classes.
    fn default() -> Self {
        Self {
            channels: CHANNELS,
            levels: 4,
            activation: Activation::Relu,
            norm: Norm::Batch,
            input: Image::CIFAR,
            classes: 2,
        }
    }
}

/// The name of the two convolutions on the way down, level by level.
fn down(level: usize) -> String {
    if level == 0 { "inc".to_owned() } else { format!("down{level}.maxpool_conv.1") }
}

impl Unet {
    /// Reads the options of `unet`.
    pub(crate) fn parse(line: Line<'_>) -> Result<Self, ModelError> {
        Self::default().read(line, line.options())
    }

    /// Channels of a level.
    const fn level(&self, level: usize) -> usize {
        // Sizes that overflow have shapes that are refused.
        self.channels.saturating_mul(1 << level)
    }

    fn declare_pair(&self, layout: &mut Layout, name: &str, inputs: usize, outputs: usize) {
        for (position, inputs) in [(0, inputs), (3, outputs)] {
            let name = |position: usize| format!("{name}.double_conv.{position}");
            layout.convolution(&name(position), [inputs, outputs], 3, self.norm == Norm::None);
            layout.norm(&name(position + 1), self.norm, outputs, true);
        }
    }

    /// Two convolutions with a normalisation and an activation each.
    fn emit_pair(&self, net: &mut Net, name: &str, x: Val) -> Val {
        [0, 3].into_iter().fold(x, |x, position| {
            let name = |position: usize| format!("{name}.double_conv.{position}");
            let x = net.conv2d(&name(position), x, Conv2d { padding: [1; 2], ..Conv2d::default() });
            let x = net.norm(&name(position + 1), self.norm, x);
            self.activation.emit(&mut net.b, x)
        })
    }

    /// The images of each level on the way down.
    fn emit_down(&self, net: &mut Net, x: Val) -> Vec<Val> {
        let mut levels = vec![self.emit_pair(net, &down(0), x)];
        for level in 1..=self.levels {
            let halved = net.b.max_pool(levels[level - 1], &[HALVING; 2]);
            levels.push(self.emit_pair(net, &down(level), halved));
        }
        levels
    }

    /// The way up: from the smallest image, beside those of the way down.
    fn emit_up(&self, net: &mut Net, levels: &[Val]) -> Val {
        let mut x = levels[self.levels];
        for number in 1..=self.levels {
            let (weight, bias) = net.affine(&format!("up{number}.up"));
            let doubling = ConvTranspose2d { stride: [2; 2], ..ConvTranspose2d::default() };
            let larger = net.b.conv_transpose2d(x, weight, bias, doubling);
            let beside = net.b.concatenate(&[levels[self.levels - number], larger], 3);
            x = self.emit_pair(net, &format!("up{number}.conv"), beside);
        }
        x
    }
}

impl Specified for Unet {
    const OPTION: &'static str = "option of unet";

    fn head(&self) -> String {
        "unet".to_owned()
    }

    fn standard(&self) -> Self {
        Self::default()
    }

    fn settings(&mut self) -> Vec<Setting<'_>> {
        vec![
            Setting::width(&mut self.channels, CHANNELS),
            Setting::bounded("levels", &mut self.levels, 1, MOST_LEVELS),
            Setting::choice("act", &mut self.activation),
            Setting::choice("norm", &mut self.norm),
            Setting::image(&mut self.input),
            Setting::size("classes", &mut self.classes),
        ]
    }

    fn check(&self, line: Line<'_>) -> Result<(), ModelError> {
        let step = 1 << self.levels;
        if self.input.height.is_multiple_of(step) && self.input.width.is_multiple_of(step) {
            return Ok(());
        }
        Err(line
            .fault(format!("images whose rows and columns are multiples of {step}"), self.input.to_string()))
    }
}

impl Architecture for Unet {
    fn written(&self) -> Written {
        Specified::written(self)
    }

    fn input(&self) -> Input {
        Input::Image(self.input)
    }

    fn labels(&self) -> Labels {
        Labels::Places(Shape::from([self.input.height, self.input.width]))
    }

    fn classes(&self) -> Option<usize> {
        Some(self.classes)
    }

    fn layout(&self) -> Layout {
        let mut layout = Layout::default();
        self.declare_pair(&mut layout, &down(0), self.input.channels, self.channels);
        for level in 1..=self.levels {
            self.declare_pair(&mut layout, &down(level), self.level(level - 1), self.level(level));
        }
        for number in 1..=self.levels {
            let [below, own] =
                [self.levels - number + 1, self.levels - number].map(|level| self.level(level));
            layout.transposed_convolution(&format!("up{number}.up"), [below, own], 2);
            self.declare_pair(&mut layout, &format!("up{number}.conv"), below, own);
        }
        layout.convolution("outc.conv", [self.channels, self.classes], 1, true);
        layout
    }

    fn emit(&self, net: &mut Net, x: Val) -> Val {
        let x = net.image(x, self.input);
        let levels = self.emit_down(net, x);
        let x = self.emit_up(net, &levels);
        net.conv2d("outc.conv", x, Conv2d::default())
    }
}

#[cfg(test)]
mod tests {
    use crate::Model;

    #[test]
    fn the_standard_network_has_the_published_number_of_weights() {
        let model = Model::parse("unet").unwrap();
        assert_eq!(model.elements(), 31_037_698);
        assert_eq!(model.labels_shape(2).to_vec(), [2, 32, 32]);
    }

    #[test]
    fn images_must_halve_evenly() {
        let error = Model::parse("unet:in=3x24x32").unwrap_err().to_string();
        assert!(error.contains("multiples of 16, found 3x24x32"), "{error}");
    }
}
