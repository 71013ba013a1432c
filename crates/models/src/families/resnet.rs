//! Residual networks for small images.

use graph::Val;

use super::residual::{Block, Padding, Shortcut, Style};
use crate::{
    Activation, Image, Input, Labels, ModelError, Norm,
    architecture::{Architecture, ShapeOf},
    layout::Layout,
    line::Line,
    model::Network,
    net::Net,
    norm::EPSILON,
    settings::{Setting, Specified, Written},
};

/// A residual network for CIFAR (He, Zhang, Ren and Sun 2015, arXiv:1512.03385, section 4.2): a convolution, three
/// stages of equal numbers of blocks with 1, 2 and 4 times as many channels, the mean over the image, a linear layer.
/// With activations before the convolutions it is that of arXiv:1603.05027, with a normalisation and an activation
/// behind the last block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ResNet {
    /// The number of layers with weights: 6 for each block of the first stage, and 2.
    depth: usize,
    input: Image,
    classes: usize,
    /// Channels of the first stage.
    channels: usize,
    style: Style,
}

/// Channels of the first stage at width 1: section 4.2 of the paper.
const CHANNELS: usize = 16;

impl ResNet {
    /// The network of a depth with PyTorch users' usual choices.
    fn new(depth: usize, preactivated: bool) -> Self {
        let style = Style {
            activation: Activation::Relu,
            norm: Norm::Batch,
            epsilon: EPSILON,
            padding: Padding::Symmetric,
            skip: true,
            shortcut: Shortcut::Projection,
            preactivated,
            bottleneck: false,
            shortcut_name: "shortcut",
        };
        Self { depth, input: Image::CIFAR, classes: 10, channels: CHANNELS, style }
    }

    /// Reads the options of `resnet20` and its like.
    pub(crate) fn parse(depth: usize, line: Line<'_>) -> Result<Self, ModelError> {
        Self::new(depth, false).read(line, line.options())
    }

    /// Reads the options of `preresnet20` and its like.
    pub(crate) fn parse_preactivated(depth: usize, line: Line<'_>) -> Result<Self, ModelError> {
        Self::new(depth, true).read(line, line.options())
    }

    fn blocks(&self) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut inputs = self.channels;
        for stage in 0..3 {
            let outputs = self.channels << stage;
            for number in 0..(self.depth - 2) / 6 {
                let name = format!("layer{}.{number}", stage + 1);
                let stride = if inputs == outputs { 1 } else { 2 };
                blocks.push(Block { name, inputs, outputs, inner: outputs, stride });
                inputs = outputs;
            }
        }
        blocks
    }
}

impl Specified for ResNet {
    const OPTION: &'static str = "option of resnet";

    fn head(&self) -> String {
        format!("{}resnet{}", if self.style.preactivated { "pre" } else { "" }, self.depth)
    }

    fn standard(&self) -> Self {
        Self::new(self.depth, self.style.preactivated)
    }

    fn settings(&mut self) -> Vec<Setting<'_>> {
        vec![
            Setting::width(&mut self.channels, CHANNELS),
            Setting::choice("norm", &mut self.style.norm),
            Setting::choice("act", &mut self.style.activation),
            Setting::choice("skip", &mut self.style.skip),
            Setting::choice("shortcut", &mut self.style.shortcut),
            Setting::choice("padding", &mut self.style.padding),
            Setting::positive("eps", &mut self.style.epsilon),
            Setting::image(&mut self.input),
            Setting::size("classes", &mut self.classes),
        ]
    }

    fn check(&self, _: Line<'_>) -> Result<(), ModelError> {
        Ok(())
    }
}

impl Architecture for ResNet {
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

    fn resized(&self, shape: &ShapeOf<'_>) -> Option<Network> {
        let channels = shape("conv1.weight")?.first().copied()?;
        Some(Network::ResNet(Self { channels, ..self.clone() }))
    }

    fn layout(&self) -> Layout {
        let Style { norm, preactivated, .. } = self.style;
        let last = self.channels << 2;
        let mut layout = Layout::default();
        layout.convolution("conv1", [self.input.channels, self.channels], 3, self.style.bias());
        if !preactivated {
            layout.norm("bn1", norm, self.channels, true);
        }
        for block in self.blocks() {
            self.style.declare(&mut layout, &block);
        }
        if preactivated {
            layout.norm("bn", norm, last, true);
        }
        layout.linear("linear", last, self.classes, true);
        layout
    }

    fn emit(&self, net: &mut Net, x: Val) -> Val {
        let Style { activation, preactivated, .. } = self.style;
        let mut x = net.image(x, self.input);
        x = self.style.convolve(net, "conv1", 3, 1, x);
        if !preactivated {
            x = self.style.normalise(net, "bn1", x);
            x = activation.emit(&mut net.b, x);
        }
        x = self.blocks().iter().fold(x, |x, block| self.style.emit(net, block, x));
        if preactivated {
            x = self.style.normalise(net, "bn", x);
            x = activation.emit(&mut net.b, x);
        }
        let x = net.b.global_average_pool(x);
        net.linear("linear", x)
    }
}

#[cfg(test)]
mod tests {
    use crate::Model;

    fn names(spec: &str) -> Vec<String> {
        Model::parse(spec).unwrap().entries().into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn sizes_are_those_of_the_paper() {
        // Table 6 of arXiv:1512.03385 gives 0.27 to 1.7 million; with shortcuts of option A, as there.
        for (depth, elements) in
            [(20, 269_722), (32, 464_154), (44, 658_586), (56, 853_018), (110, 1_727_962)]
        {
            let model = Model::parse(&format!("resnet{depth}:shortcut=padding")).unwrap();
            assert_eq!(model.elements(), elements, "resnet{depth}");
        }
    }

    #[test]
    fn names_are_those_of_pytorch_users() {
        let names = names("resnet8");
        assert_eq!(names[..4], ["conv1.weight", "bn1.weight", "bn1.bias", "layer1.0.conv1.weight"]);
        assert!(names.contains(&"layer2.0.shortcut.1.running_var".to_owned()), "{names:?}");
        assert!(!names.contains(&"layer1.0.shortcut.0.weight".to_owned()), "{names:?}");
    }

    #[test]
    fn without_norm_convolutions_have_biases_and_without_skips_no_projections() {
        let names = names("resnet8:norm=none,skip=off");
        assert_eq!(names[..3], ["conv1.weight", "conv1.bias", "layer1.0.conv1.weight"]);
        assert!(!names.iter().any(|name| name.contains("shortcut") || name.contains("bn")), "{names:?}");
    }

    #[test]
    fn before_the_convolutions_come_the_normalisations_and_one_behind_all() {
        let names = names("preresnet8");
        assert_eq!(
            names[..4],
            ["conv1.weight", "layer1.0.bn1.weight", "layer1.0.bn1.bias", "layer1.0.conv1.weight"]
        );
        assert!(names.contains(&"bn.weight".to_owned()), "{names:?}");
        assert!(!names.iter().any(|name| name.contains("shortcut.1")), "{names:?}");
    }
}
