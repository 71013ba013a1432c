//! VGG networks for small images.

use graph::{Val, composite::Conv2d, ops::Window};

use crate::{
    Image, Input, ModelError, Norm,
    architecture::Architecture,
    layout::Layout,
    named::{self, Named},
    net::Net,
    options::{Line, MOST, Options},
};

/// A VGG network (Simonyan and Zisserman 2014, arXiv:1409.1556, table 1) as it is used for CIFAR: its convolutions
/// with biases and five poolings, the mean over what is left of the image, and one linear layer in place of three.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Vgg {
    depth: Depth,
    input: Image,
    classes: usize,
    /// Channels of the first stage.
    channels: usize,
    norm: Norm,
}

/// The number of layers with weights in the paper's network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Depth(u8);

impl Depth {
    pub(crate) const ALL: [Self; 4] = [Self(11), Self(13), Self(16), Self(19)];

    pub(crate) const fn name(self) -> &'static str {
        match self.0 {
            11 => "vgg11",
            13 => "vgg13",
            16 => "vgg16",
            _ => "vgg19",
        }
    }

    /// Convolutions of each stage: table 1 of the paper, columns A, B, D and E.
    const fn stages(self) -> [usize; 5] {
        match self.0 {
            11 => [1, 1, 2, 2, 2],
            13 => [2, 2, 2, 2, 2],
            16 => [2, 2, 3, 3, 3],
            _ => [2, 2, 4, 4, 4],
        }
    }
}

/// The options of a VGG network.
#[derive(Clone, Copy, PartialEq)]
enum Opt {
    Width,
    Norm,
    Input,
    Classes,
}

impl Named for Opt {
    const KIND: &'static str = "option of vgg";
    const MEMBERS: &'static [Self] = &[Self::Width, Self::Norm, Self::Input, Self::Classes];

    fn name(self) -> &'static str {
        match self {
            Self::Width => "width",
            Self::Norm => "norm",
            Self::Input => "in",
            Self::Classes => "classes",
        }
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
    Relu,
    Pool,
}

impl Vgg {
    fn new(depth: Depth) -> Self {
        Self { depth, input: Image::CIFAR, classes: 10, channels: CHANNELS, norm: Norm::None }
    }

    /// Reads the options of `vgg16` and its like.
    pub(crate) fn parse(depth: Depth, line: Line<'_>) -> Result<Self, ModelError> {
        let mut net = Self::new(depth);
        for (option, value) in Options::<Opt>::read(line, line.options())? {
            match option {
                Opt::Width => net.channels = line.channels(value, CHANNELS)?,
                Opt::Norm => net.norm = named::parse(value)?,
                Opt::Input => net.input = line.image(value)?,
                Opt::Classes => net.classes = line.option_size(option, value, MOST)?,
            }
        }
        match net.input {
            Image { height: SMALLEST.., width: SMALLEST.., .. } => Ok(net),
            found => Err(line.fault(
                format!("images of {SMALLEST} rows and columns or more, for five poolings"),
                found.to_string(),
            )),
        }
    }

    fn modules(&self) -> Vec<Module> {
        let mut modules = Vec::new();
        let mut inputs = self.input.channels;
        for (stage, count) in self.depth.stages().into_iter().enumerate() {
            let outputs = self.channels << stage.min(MOST_DOUBLINGS);
            for _ in 0..count {
                modules.push(Module::Convolution { inputs, outputs });
                if self.norm != Norm::None {
                    modules.push(Module::Norm { size: outputs });
                }
                modules.push(Module::Relu);
                inputs = outputs;
            }
            modules.push(Module::Pool);
        }
        modules
    }
}

impl Architecture for Vgg {
    fn spec(&self) -> String {
        let default = Self::new(self.depth);
        let mut options = Options::print(self.depth.name(), "");
        options.show(Opt::Width, self.channels as f64 / CHANNELS as f64, 1.0);
        options.show(Opt::Norm, self.norm.name(), default.norm.name());
        options.show(Opt::Input, self.input, default.input);
        options.show(Opt::Classes, self.classes, default.classes);
        options.line()
    }

    fn input(&self) -> Input {
        Input::Image(self.input)
    }

    fn classes(&self) -> usize {
        self.classes
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
                Module::Relu | Module::Pool => {}
            }
        }
        layout.linear("classifier", self.channels << MOST_DOUBLINGS, self.classes, true);
        layout
    }

    fn emit(&self, net: &mut Net, x: Val) -> Val {
        let same = Conv2d { padding: [1; 2], ..Conv2d::default() };
        let mut x = net.image(x, self.input);
        for (number, module) in self.modules().into_iter().enumerate() {
            let name = format!("features.{number}");
            x = match module {
                Module::Convolution { .. } => net.conv2d(&name, x, same),
                Module::Norm { .. } => net.norm(&name, self.norm, x),
                Module::Relu => net.b.relu(x),
                Module::Pool => net.b.max_pool(x, &[HALVING; 2]),
            };
        }
        let x = net.b.global_average_pool(x);
        net.linear("classifier", x)
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
    fn images_too_small_for_five_poolings_are_refused() {
        let error = Model::parse("vgg11:in=1x8x8").unwrap_err().to_string();
        assert!(error.contains("expected images of 32 rows and columns or more"), "{error}");
    }
}
