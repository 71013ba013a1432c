//! VGG networks for small images.

use graph::{Val, composite::Conv2d, ops::Window};

use crate::{
    Activation, Image, Input, Labels, ModelError, Norm,
    architecture::{Architecture, ShapeOf},
    layout::Layout,
    line::Line,
    model::Network,
    named::Named,
    net::Net,
    norm::EPSILON,
    positive::Positive,
    settings::{Setting, Specified, Written},
};

/// A VGG network (Simonyan and Zisserman 2014, arXiv:1409.1556, table 1) as it is used for CIFAR: its convolutions
/// with biases and five poolings, the mean over what is left of the image, and one linear layer in place of three, or
/// three narrow ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Vgg {
    /// The number of layers with weights in the paper's network.
    depth: usize,
    input: Image,
    classes: usize,
    /// Channels of the first stage.
    channels: usize,
    norm: Norm,
    epsilon: Positive,
    activation: Activation,
    head: Head,
}

/// What makes classes of the last channels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Head {
    /// A linear layer called `classifier`.
    #[default]
    Linear,
    /// An `nn.Sequential` of that name: two hidden layers as wide as the last stage with an activation each, and a linear
    /// layer; what Git Re-Basin has.
    Mlp,
}

impl Named for Head {
    const KIND: &'static str = "head";
    const MEMBERS: &'static [Self] = &[Self::Linear, Self::Mlp];

    fn name(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Mlp => "mlp",
        }
    }
}

/// Convolutions of each stage: table 1 of the paper, columns A, B, D and E.
const fn stages(depth: usize) -> [usize; 5] {
    match depth {
        11 => [1, 1, 2, 2, 2],
        13 => [2, 2, 2, 2, 2],
        16 => [2, 2, 3, 3, 3],
        _ => [2, 2, 4, 4, 4],
    }
}

/// Channels of the first stage at width 1.
const CHANNELS: usize = 64;

/// The largest multiple of the first stage's channels that a stage has.
const MOST_DOUBLINGS: usize = 3;

/// Rows and columns that five poolings leave one of.
const SMALLEST: usize = 32;

/// Every second position, the largest of two.
const HALVING: Window = Window::sliding(2, 2, 0);

/// An element of the `nn.Sequential` called `features`; its position is the number in its parameters' names.
enum Module {
    Convolution { inputs: usize, outputs: usize },
    Norm { size: usize },
    Activation,
    Pool,
}

impl Vgg {
    const fn new(depth: usize) -> Self {
        Self {
            depth,
            input: Image::CIFAR,
            classes: 10,
            channels: CHANNELS,
            norm: Norm::None,
            epsilon: EPSILON,
            activation: Activation::Relu,
            head: Head::Linear,
        }
    }

    /// Reads the options of `vgg16` and its like.
    pub(crate) fn parse(depth: usize, line: Line<'_>) -> Result<Self, ModelError> {
        Self::new(depth).read(line, line.options())
    }

    /// The linear layers, with their inputs and outputs.
    fn linear_layers(&self) -> Vec<(&'static str, usize, usize)> {
        let features = self.channels << MOST_DOUBLINGS;
        match self.head {
            Head::Linear => vec![("classifier", features, self.classes)],
            Head::Mlp => vec![
                ("classifier.0", features, features),
                ("classifier.2", features, features),
                ("classifier.4", features, self.classes),
            ],
        }
    }

    fn modules(&self) -> Vec<Module> {
        let mut modules = Vec::new();
        let mut inputs = self.input.channels;
        for (stage, count) in stages(self.depth).into_iter().enumerate() {
            let outputs = self.channels << stage.min(MOST_DOUBLINGS);
            for _ in 0..count {
                modules.push(Module::Convolution { inputs, outputs });
                if self.norm != Norm::None {
                    modules.push(Module::Norm { size: outputs });
                }
                modules.push(Module::Activation);
                inputs = outputs;
            }
            modules.push(Module::Pool);
        }
        modules
    }
}

impl Specified for Vgg {
    const OPTION: &'static str = "option of vgg";

    fn head(&self) -> String {
        format!("vgg{}", self.depth)
    }

    fn standard(&self) -> Self {
        Self::new(self.depth)
    }

    fn settings(&mut self) -> Vec<Setting<'_>> {
        vec![
            Setting::width(&mut self.channels, CHANNELS),
            Setting::choice("norm", &mut self.norm),
            Setting::choice("act", &mut self.activation),
            Setting::choice("head", &mut self.head),
            Setting::positive("eps", &mut self.epsilon),
            Setting::image(&mut self.input),
            Setting::size("classes", &mut self.classes),
        ]
    }

    fn check(&self, line: Line<'_>) -> Result<(), ModelError> {
        match self.input {
            Image { height: SMALLEST.., width: SMALLEST.., .. } => Ok(()),
            found => Err(line.fault(
                format!("images of {SMALLEST} rows and columns or more, for five poolings"),
                found.to_string(),
            )),
        }
    }
}

impl Architecture for Vgg {
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
        let channels = shape("features.0.weight")?.first().copied()?;
        Some(Network::Vgg(Self { channels, ..self.clone() }))
    }

    fn layout(&self) -> Layout {
        let mut layout = Layout::default();
        for (number, module) in self.modules().into_iter().enumerate() {
            let name = format!("features.{number}");
            match module {
                Module::Convolution { inputs, outputs } => {
                    layout.convolution(&name, [inputs, outputs], 3, true);
                }
                Module::Norm { size } => layout.norm(&name, self.norm, size, true),
                Module::Activation | Module::Pool => {}
            }
        }
        for (name, inputs, outputs) in self.linear_layers() {
            layout.linear(name, inputs, outputs, true);
        }
        layout
    }

    fn emit(&self, net: &mut Net, x: Val) -> Val {
        let same = Conv2d { padding: [1; 2], ..Conv2d::default() };
        let mut x = net.image(x, self.input);
        for (number, module) in self.modules().into_iter().enumerate() {
            let name = format!("features.{number}");
            x = match module {
                Module::Convolution { .. } => net.conv2d(&name, x, same),
                Module::Norm { .. } => net.norm_with(&name, self.norm, self.epsilon, x),
                Module::Activation => self.activation.emit(&mut net.b, x),
                Module::Pool => net.b.max_pool(x, &[HALVING; 2]),
            };
        }
        x = net.b.global_average_pool(x);
        for (number, (name, ..)) in self.linear_layers().into_iter().enumerate() {
            if number > 0 {
                x = self.activation.emit(&mut net.b, x);
            }
            x = net.linear(name, x);
        }
        x
    }
}

#[cfg(test)]
mod tests {
    use crate::Model;

    #[test]
    fn sizes_are_those_of_the_networks_for_cifar() {
        for (depth, elements) in [(11, 9_225_610), (13, 9_410_122), (16, 14_719_818), (19, 20_029_514)] {
            assert_eq!(Model::parse(&format!("vgg{depth}")).unwrap().elements(), elements, "vgg{depth}");
        }
    }

    #[test]
    fn modules_are_numbered_as_in_a_sequential() {
        let names = |spec| -> Vec<String> {
            Model::parse(spec).unwrap().parameters().into_iter().map(|(name, _)| name).collect()
        };
        assert_eq!(names("vgg11")[2..5], ["features.3.weight", "features.3.bias", "features.6.weight"]);
        assert_eq!(
            names("vgg11:norm=batch")[2..5],
            ["features.1.weight", "features.1.bias", "features.4.weight"]
        );
    }

    #[test]
    fn with_hidden_linear_layers_they_are_numbered_too() {
        let model = Model::parse("vgg16:norm=layer,eps=1e-6,head=mlp").unwrap();
        let last: Vec<String> =
            model.parameters().iter().rev().take(2).map(|(name, shape)| format!("{name} {shape}")).collect();
        assert_eq!(last, ["classifier.4.bias [10]", "classifier.4.weight [10, 512]"]);
    }

    #[test]
    fn images_too_small_for_five_poolings_are_refused() {
        let error = Model::parse("vgg11:in=1x8x8").unwrap_err().to_string();
        assert!(error.contains("expected images of 32 rows and columns or more"), "{error}");
    }
}
