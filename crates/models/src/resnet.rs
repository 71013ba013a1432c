//! Residual networks for small images.

use graph::{Val, composite::Conv2d};

use crate::{
    Image, Input, ModelError, Norm,
    architecture::Architecture,
    layout::Layout,
    named::{self, Named, Switch},
    net::Net,
    options::{Line, MOST, Options},
};

/// A residual network for CIFAR (He, Zhang, Ren and Sun 2015, arXiv:1512.03385, section 4.2): a convolution, three
/// stages of equal numbers of blocks with 1, 2 and 4 times as many channels, the mean over the image, a linear layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ResNet {
    depth: Depth,
    input: Image,
    classes: usize,
    /// Channels of the first stage.
    channels: usize,
    norm: Norm,
    skip: bool,
    shortcut: Shortcut,
}

/// The number of layers with weights: 6 for each block of the first stage, and 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Depth(u8);

impl Depth {
    pub(crate) const ALL: [Self; 7] = [Self(8), Self(14), Self(20), Self(32), Self(44), Self(56), Self(110)];

    pub(crate) const fn name(self) -> &'static str {
        match self.0 {
            8 => "resnet8",
            14 => "resnet14",
            20 => "resnet20",
            32 => "resnet32",
            44 => "resnet44",
            56 => "resnet56",
            _ => "resnet110",
        }
    }

    /// Blocks of a stage.
    const fn blocks(self) -> usize {
        (self.0 as usize - 2) / 6
    }
}

/// How a block's input reaches its output where their sizes differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Shortcut {
    /// A convolution with a window of one pixel, and a normalisation: option B of the paper.
    #[default]
    Projection,
    /// Every second pixel, with zeros for the new channels, half of them in front: option A of the paper.
    Padding,
}

impl Named for Shortcut {
    const KIND: &'static str = "shortcut";
    const MEMBERS: &'static [Self] = &[Self::Projection, Self::Padding];

    fn name(self) -> &'static str {
        match self {
            Self::Projection => "projection",
            Self::Padding => "padding",
        }
    }
}

/// The options of a residual network.
#[derive(Clone, Copy, PartialEq)]
enum Opt {
    Width,
    Norm,
    Skip,
    Shortcut,
    Input,
    Classes,
}

impl Named for Opt {
    const KIND: &'static str = "option of resnet";
    const MEMBERS: &'static [Self] =
        &[Self::Width, Self::Norm, Self::Skip, Self::Shortcut, Self::Input, Self::Classes];

    fn name(self) -> &'static str {
        match self {
            Self::Width => "width",
            Self::Norm => "norm",
            Self::Skip => "skip",
            Self::Shortcut => "shortcut",
            Self::Input => "in",
            Self::Classes => "classes",
        }
    }
}

/// Channels of the first stage at width 1: section 4.2 of the paper.
const CHANNELS: usize = 16;

/// Two convolutions with a shortcut around them.
struct Block {
    /// As `layer2.0`.
    name: String,
    inputs: usize,
    outputs: usize,
    stride: usize,
}

impl Block {
    fn part(&self, part: &str) -> String {
        format!("{}.{part}", self.name)
    }

    const fn changes_size(&self) -> bool {
        self.inputs != self.outputs
    }
}

impl ResNet {
    /// The network of a depth with PyTorch users' usual choices.
    fn new(depth: Depth) -> Self {
        let (norm, shortcut) = (Norm::Batch, Shortcut::default());
        Self { depth, input: Image::CIFAR, classes: 10, channels: CHANNELS, norm, skip: true, shortcut }
    }

    /// Reads the options of `resnet20` and its like.
    pub(crate) fn parse(depth: Depth, line: Line<'_>) -> Result<Self, ModelError> {
        let mut net = Self::new(depth);
        for (option, value) in Options::<Opt>::read(line, line.options())? {
            match option {
                Opt::Width => net.channels = line.channels(value, CHANNELS)?,
                Opt::Norm => net.norm = named::parse(value)?,
                Opt::Skip => net.skip = named::parse::<Switch>(value)?.0,
                Opt::Shortcut => net.shortcut = named::parse(value)?,
                Opt::Input => net.input = line.image(value)?,
                Opt::Classes => net.classes = line.option_size(option, value, MOST)?,
            }
        }
        Ok(net)
    }

    fn blocks(&self) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut inputs = self.channels;
        for stage in 0..3 {
            let outputs = self.channels << stage;
            for number in 0..self.depth.blocks() {
                let name = format!("layer{}.{number}", stage + 1);
                let stride = if inputs == outputs { 1 } else { 2 };
                blocks.push(Block { name, inputs, outputs, stride });
                inputs = outputs;
            }
        }
        blocks
    }

    /// Convolutions have biases where no normalisation brings one.
    fn bias(&self) -> bool {
        self.norm == Norm::None
    }

    fn has_projection(&self, block: &Block) -> bool {
        self.skip && block.changes_size() && self.shortcut == Shortcut::Projection
    }

    fn declare(&self, layout: &mut Layout, block: &Block) {
        let Block { inputs, outputs, .. } = *block;
        layout.convolution(&block.part("conv1"), [inputs, outputs], 3, self.bias());
        layout.norm(&block.part("bn1"), self.norm, outputs, true);
        layout.convolution(&block.part("conv2"), [outputs, outputs], 3, self.bias());
        layout.norm(&block.part("bn2"), self.norm, outputs, true);
        if self.has_projection(block) {
            layout.convolution(&block.part("shortcut.0"), [inputs, outputs], 1, self.bias());
            layout.norm(&block.part("shortcut.1"), self.norm, outputs, true);
        }
    }

    fn emit_block(&self, net: &mut Net, block: &Block, x: Val) -> Val {
        let strided = Conv2d { stride: [block.stride; 2], padding: [1; 2], ..Conv2d::default() };
        let y = net.conv2d(&block.part("conv1"), x, strided);
        let y = net.norm(&block.part("bn1"), self.norm, y);
        let y = net.b.relu(y);
        let y = net.conv2d(&block.part("conv2"), y, SAME);
        let mut y = net.norm(&block.part("bn2"), self.norm, y);
        if self.skip {
            let shortcut = self.emit_shortcut(net, block, x);
            y = net.b.add(y, shortcut);
        }
        net.b.relu(y)
    }

    fn emit_shortcut(&self, net: &mut Net, block: &Block, x: Val) -> Val {
        if !block.changes_size() {
            return x;
        }
        match self.shortcut {
            Shortcut::Projection => {
                let strided = Conv2d { stride: [block.stride; 2], ..Conv2d::default() };
                let y = net.conv2d(&block.part("shortcut.0"), x, strided);
                net.norm(&block.part("shortcut.1"), self.norm, y)
            }
            Shortcut::Padding => {
                let limit = net.b.shape(x).to_vec();
                let y = net.b.slice(x, &[0; 4], &limit, &[1, block.stride, block.stride, 1]);
                let more = (block.outputs - block.inputs) as i64;
                net.b.pad(y, &[(0, 0, 0), (0, 0, 0), (0, 0, 0), (more / 2, more - more / 2, 0)])
            }
        }
    }
}

/// A window of three pixels on a side that keeps the image's size.
const SAME: Conv2d = Conv2d { stride: [1; 2], padding: [1; 2], dilation: [1; 2], groups: 1 };

impl Architecture for ResNet {
    fn spec(&self) -> String {
        let default = Self::new(self.depth);
        let mut options = Options::print(self.depth.name(), "");
        options.show(Opt::Width, self.channels as f64 / CHANNELS as f64, 1.0);
        options.show(Opt::Norm, self.norm.name(), default.norm.name());
        options.show(Opt::Skip, Switch(self.skip).name(), Switch(true).name());
        options.show(Opt::Shortcut, self.shortcut.name(), default.shortcut.name());
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
        layout.convolution("conv1", [self.input.channels, self.channels], 3, self.bias());
        layout.norm("bn1", self.norm, self.channels, true);
        for block in self.blocks() {
            self.declare(&mut layout, &block);
        }
        layout.linear("linear", self.channels << 2, self.classes, true);
        layout
    }

    fn emit(&self, net: &mut Net, x: Val) -> Val {
        let x = net.image(x, self.input);
        let x = net.conv2d("conv1", x, SAME);
        let x = net.norm("bn1", self.norm, x);
        let x = net.b.relu(x);
        let x = self.blocks().iter().fold(x, |x, block| self.emit_block(net, block, x));
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
}
