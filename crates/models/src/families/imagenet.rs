//! Residual networks for large images.

use graph::{Val, composite::Conv2d, ops::Window};

use super::residual::{Block, Padding, Shortcut, Style};
use crate::{
    Activation, Image, Input, Labels, ModelError, Norm,
    architecture::Architecture,
    layout::Layout,
    line::Line,
    named::Named,
    net::Net,
    norm::EPSILON,
    settings::{Setting, Specified, Written},
};

/// A residual network for ImageNet (arXiv:1512.03385, table 1) with torchvision's names: a stem that shrinks the image, four
/// stages, the mean over the image, a linear layer. From 50 layers on, blocks have bottlenecks, with the stride on their middle
/// convolution, as torchvision has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ImageNet {
    /// The number of layers with weights: 18, 34, 50, 101 or 152.
    depth: usize,
    stem: Stem,
    input: Image,
    classes: usize,
    /// Channels of the stem.
    channels: usize,
    style: Style,
}

/// The first layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stem {
    /// A window of seven pixels on a side with stride 2, and a pooling that halves the image again.
    #[default]
    ImageNet,
    /// A window of three pixels on a side, as for images of 32 rows.
    Cifar,
}

impl Named for Stem {
    const KIND: &'static str = "stem";
    const MEMBERS: &'static [Self] = &[Self::ImageNet, Self::Cifar];

    fn name(self) -> &'static str {
        match self {
            Self::ImageNet => "imagenet",
            Self::Cifar => "cifar",
        }
    }
}

/// Channels of the stem at width 1.
const CHANNELS: usize = 64;

/// Outputs of a block with a bottleneck for each of its inner channels.
const EXPANSION: usize = 4;

/// Blocks of each stage: table 1 of the paper.
const fn stages(depth: usize) -> [usize; 4] {
    match depth {
        18 => [2, 2, 2, 2],
        34 | 50 => [3, 4, 6, 3],
        101 => [3, 4, 23, 3],
        _ => [3, 8, 36, 3],
    }
}

impl ImageNet {
    fn new(depth: usize) -> Self {
        let style = Style {
            activation: Activation::Relu,
            norm: Norm::Batch,
            epsilon: EPSILON,
            padding: Padding::Symmetric,
            skip: true,
            shortcut: Shortcut::Projection,
            preactivated: false,
            bottleneck: depth >= 50,
            shortcut_name: "downsample",
        };
        let input = Image { channels: 3, height: 224, width: 224 };
        Self { depth, stem: Stem::ImageNet, input, classes: 1000, channels: CHANNELS, style }
    }

    /// Reads the options of `resnet18` and its like.
    pub(crate) fn parse(depth: usize, line: Line<'_>) -> Result<Self, ModelError> {
        Self::new(depth).read(line, line.options())
    }

    fn blocks(&self) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut inputs = self.channels;
        for (stage, count) in stages(self.depth).into_iter().enumerate() {
            let inner = self.channels << stage;
            let outputs = if self.style.bottleneck { EXPANSION * inner } else { inner };
            for number in 0..count {
                let name = format!("layer{}.{number}", stage + 1);
                let stride = if stage > 0 && number == 0 { 2 } else { 1 };
                blocks.push(Block { name, inputs, outputs, inner, stride });
                inputs = outputs;
            }
        }
        blocks
    }

    /// The stem on images with channels last.
    fn emit_stem(&self, net: &mut Net, x: Val) -> Val {
        let x = match self.stem {
            Stem::Cifar => self.style.convolve(net, "conv1", 3, 1, x),
            Stem::ImageNet => {
                let window = Conv2d { stride: [2; 2], padding: [3; 2], ..Conv2d::default() };
                net.conv2d("conv1", x, window)
            }
        };
        let x = self.style.normalise(net, "bn1", x);
        let x = self.style.activation.emit(&mut net.b, x);
        match self.stem {
            Stem::Cifar => x,
            Stem::ImageNet => net.b.max_pool(x, &[Window::sliding(3, 2, 1); 2]),
        }
    }
}

impl Specified for ImageNet {
    const OPTION: &'static str = "option of resnet for large images";

    fn head(&self) -> String {
        format!("resnet{}", self.depth)
    }

    fn standard(&self) -> Self {
        Self::new(self.depth)
    }

    fn settings(&mut self) -> Vec<Setting<'_>> {
        vec![
            Setting::width(&mut self.channels, CHANNELS),
            Setting::choice("stem", &mut self.stem),
            Setting::choice("norm", &mut self.style.norm),
            Setting::choice("act", &mut self.style.activation),
            Setting::choice("skip", &mut self.style.skip),
            Setting::positive("eps", &mut self.style.epsilon),
            Setting::image(&mut self.input),
            Setting::size("classes", &mut self.classes),
        ]
    }

    fn check(&self, _: Line<'_>) -> Result<(), ModelError> {
        Ok(())
    }
}

impl Architecture for ImageNet {
    fn written(&self) -> Written {
        Specified::written(self)
    }

    fn input(&self) -> Input {
        Input::Image(self.input)
    }

    fn labels(&self) -> Labels {
        Labels::Whole
    }

    fn classes(&self) -> Option<usize> {
        Some(self.classes)
    }

    fn layout(&self) -> Layout {
        let window = match self.stem {
            Stem::ImageNet => 7,
            Stem::Cifar => 3,
        };
        let mut layout = Layout::default();
        layout.convolution("conv1", [self.input.channels, self.channels], window, self.style.bias());
        layout.norm("bn1", self.style.norm, self.channels, true);
        let blocks = self.blocks();
        for block in &blocks {
            self.style.declare(&mut layout, block);
        }
        layout.linear("fc", blocks[blocks.len() - 1].outputs, self.classes, true);
        layout
    }

    fn emit(&self, net: &mut Net, x: Val) -> Val {
        let x = net.image(x, self.input);
        let x = self.emit_stem(net, x);
        let x = self.blocks().iter().fold(x, |x, block| self.style.emit(net, block, x));
        let x = net.b.global_average_pool(x);
        net.linear("fc", x)
    }
}

#[cfg(test)]
mod tests {
    use crate::Model;

    #[test]
    fn sizes_are_torchvision_s() {
        for (depth, elements) in
            [(18, 11_689_512), (34, 21_797_672), (50, 25_557_032), (101, 44_549_160), (152, 60_192_808)]
        {
            assert_eq!(
                Model::parse(&format!("resnet{depth}")).unwrap().elements(),
                elements,
                "resnet{depth}"
            );
        }
    }

    #[test]
    fn only_the_first_block_of_a_stage_has_a_projection() {
        let model = Model::parse("resnet50").unwrap();
        let names: Vec<String> = model.parameters().into_iter().map(|(name, _)| name).collect();
        assert!(names.contains(&"layer1.0.downsample.0.weight".to_owned()));
        assert!(!names.contains(&"layer1.1.downsample.0.weight".to_owned()));
        assert!(
            !Model::parse("resnet18")
                .unwrap()
                .parameters()
                .iter()
                .any(|(name, _)| name.starts_with("layer1.0.downsample"))
        );
    }
}
