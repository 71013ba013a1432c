//! Plain convolutional networks.

use graph::{Val, composite::Conv2d, ops::Window};
use tensor::Shape;

use crate::{
    Activation, Image, Input, Labels, ModelError, Norm,
    architecture::{Architecture, ShapeOf},
    layout::Layout,
    line::{Line, MOST},
    model::Network,
    named::Named,
    net::Net,
    settings::{Setting, Specified, Written},
};

/// A plain convolutional network as PyTorch's `nn.Sequential(Conv2d, [norm,] activation, [pooling,] …, Flatten, Linear)`: the
/// small networks on which papers try things out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ConvNet {
    /// Channels of each convolution; at least one, none 0.
    channels: Vec<usize>,
    /// Rows and columns of a window.
    kernel: usize,
    pool: Pool,
    end: End,
    /// Features of a hidden linear layer; 0 for none.
    dense: usize,
    activation: Activation,
    norm: Norm,
    input: Image,
    classes: usize,
}

/// What follows each activation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Pool {
    /// `nn.MaxPool2d(2)`.
    #[default]
    Max,
    /// `nn.AvgPool2d(2)`.
    Average,
    /// Nothing; the convolutions from the second on have stride 2.
    Stride,
    /// Nothing: the image keeps its size.
    None,
}

impl Named for Pool {
    const KIND: &'static str = "pooling";
    const MEMBERS: &'static [Self] = &[Self::Max, Self::Average, Self::Stride, Self::None];

    fn name(self) -> &'static str {
        match self {
            Self::Max => "max",
            Self::Average => "average",
            Self::Stride => "stride",
            Self::None => "none",
        }
    }
}

/// How a vector is made of the last image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum End {
    /// `nn.Flatten()`: channels, rows, columns.
    #[default]
    Flatten,
    /// `nn.AdaptiveAvgPool2d(1)` and `nn.Flatten()`.
    Mean,
}

impl Named for End {
    const KIND: &'static str = "end of the convolutions";
    const MEMBERS: &'static [Self] = &[Self::Flatten, Self::Mean];

    fn name(self) -> &'static str {
        match self {
            Self::Flatten => "flatten",
            Self::Mean => "mean",
        }
    }
}

/// An element of the `nn.Sequential`; its position is the number in its parameters' names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Module {
    Convolution { inputs: usize, outputs: usize, stride: usize },
    Norm { size: usize },
    Activation,
    Max,
    Average,
    Mean,
    Flatten,
    Linear { inputs: usize, outputs: usize },
}

/// Every second position of windows of two.
const HALVING: Window = Window::sliding(2, 2, 0);

impl ConvNet {
    /// A network with these channels.
    const fn new(channels: Vec<usize>) -> Self {
        Self {
            channels,
            kernel: 3,
            pool: Pool::Max,
            end: End::Flatten,
            dense: 0,
            activation: Activation::Relu,
            norm: Norm::None,
            input: Image::CIFAR,
            classes: 10,
        }
    }

    /// Reads what follows `convnet:`.
    pub(crate) fn parse(line: Line<'_>) -> Result<Self, ModelError> {
        let (channels, rest) = line.rest.split_once(',').map_or((line.rest, None), |(c, r)| (c, Some(r)));
        let size = |size: &str| {
            line.size("channels from 1 up, joined by '-', after 'convnet:'", size).and_then(|size| match size
            {
                ..=MOST => Ok(size),
                _ => Err(line.fault(format!("at most {MOST} channels"), size.to_string())),
            })
        };
        let channels = channels.split('-').map(size).collect::<Result<Vec<_>, _>>()?;
        Self::new(channels).read(line, rest)
    }

    /// Rows and columns behind the convolution of this number, counted from 0, and its pooling.
    fn image_after(&self, layer: usize) -> [usize; 2] {
        [self.input.height, self.input.width].map(|pixels| match self.pool {
            Pool::Max | Pool::Average => (0..=layer).fold(pixels, |pixels, _| pixels / 2),
            Pool::Stride => (0..layer).fold(pixels, |pixels, _| pixels.div_ceil(2)),
            Pool::None => pixels,
        })
    }

    /// Features of the vector made of the last image.
    fn features(&self) -> usize {
        let last = self.channels.len() - 1;
        match self.end {
            End::Mean => self.channels[last],
            End::Flatten => self.image_after(last).into_iter().product::<usize>() * self.channels[last],
        }
    }

    fn convolutions(&self) -> Vec<Module> {
        let mut modules = Vec::new();
        let mut inputs = self.input.channels;
        for (layer, &outputs) in self.channels.iter().enumerate() {
            let stride = if self.pool == Pool::Stride && layer > 0 { 2 } else { 1 };
            modules.push(Module::Convolution { inputs, outputs, stride });
            if self.norm != Norm::None {
                modules.push(Module::Norm { size: outputs });
            }
            modules.push(Module::Activation);
            match self.pool {
                Pool::Max => modules.push(Module::Max),
                Pool::Average => modules.push(Module::Average),
                Pool::Stride | Pool::None => {}
            }
            inputs = outputs;
        }
        modules
    }

    /// The modules in order.
    fn modules(&self) -> Vec<Module> {
        let mut modules = self.convolutions();
        if self.end == End::Mean {
            modules.push(Module::Mean);
        }
        modules.push(Module::Flatten);
        let mut inputs = self.features();
        if self.dense > 0 {
            modules.extend([Module::Linear { inputs, outputs: self.dense }, Module::Activation]);
            inputs = self.dense;
        }
        modules.push(Module::Linear { inputs, outputs: self.classes });
        modules
    }

    fn emit_module(&self, net: &mut Net, name: &str, module: Module, x: Val) -> Val {
        match module {
            Module::Convolution { stride, .. } => {
                let padding = [self.kernel / 2; 2];
                net.conv2d(name, x, Conv2d { stride: [stride; 2], padding, ..Conv2d::default() })
            }
            Module::Norm { .. } => net.norm(name, self.norm, x),
            Module::Activation => self.activation.emit(&mut net.b, x),
            Module::Max => net.b.max_pool(x, &[HALVING; 2]),
            Module::Average => net.b.average_pool(x, &[HALVING; 2]),
            Module::Mean => net.b.global_average_pool(x),
            Module::Flatten => flatten(net, x),
            Module::Linear { .. } => net.linear(name, x),
        }
    }
}

/// Images with channels last as vectors in PyTorch's order; vectors as they are.
fn flatten(net: &mut Net, x: Val) -> Val {
    let shape = net.b.shape(x).clone();
    if shape.rank() == 2 {
        return x;
    }
    let x = net.b.transpose(x, &[0, 3, 1, 2]);
    net.b.reshape(x, &Shape::from([shape[0], shape.elements() / shape[0]]))
}

impl Specified for ConvNet {
    const OPTION: &'static str = "option of convnet";

    fn head(&self) -> String {
        let channels: Vec<String> = self.channels.iter().map(ToString::to_string).collect();
        format!("convnet:{}", channels.join("-"))
    }

    fn standard(&self) -> Self {
        Self::new(self.channels.clone())
    }

    fn settings(&mut self) -> Vec<Setting<'_>> {
        vec![
            Setting::bounded("kernel", &mut self.kernel, 1, MOST_WINDOW),
            Setting::choice("pool", &mut self.pool),
            Setting::choice("end", &mut self.end),
            Setting::optional("dense", &mut self.dense),
            Setting::choice("act", &mut self.activation),
            Setting::choice("norm", &mut self.norm),
            Setting::image(&mut self.input),
            Setting::size("classes", &mut self.classes),
        ]
    }

    fn check(&self, line: Line<'_>) -> Result<(), ModelError> {
        if self.kernel.is_multiple_of(2) {
            return Err(line.fault("an odd kernel, which keeps the image's size", self.kernel.to_string()));
        }
        if self.image_after(self.channels.len() - 1).contains(&0) {
            let expected = format!("images that {} poolings leave a pixel of", self.channels.len());
            return Err(line.fault(expected, self.input.to_string()));
        }
        Ok(())
    }
}

/// Most rows and columns of a window. Ours, so that products of sizes fit the address space.
const MOST_WINDOW: usize = 255;

impl Architecture for ConvNet {
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
        let (mut channels, mut linear) = (Vec::new(), Vec::new());
        for (number, module) in self.modules().into_iter().enumerate() {
            let outputs = || shape(&format!("{number}.weight"))?.first().copied();
            match module {
                Module::Convolution { .. } => channels.push(outputs()?),
                Module::Linear { .. } => linear.push(outputs()?),
                _ => {}
            }
        }
        let dense = if self.dense > 0 { linear[0] } else { 0 };
        Some(Network::ConvNet(Self { channels, dense, ..self.clone() }))
    }

    fn layout(&self) -> Layout {
        let mut layout = Layout::default();
        for (number, module) in self.modules().into_iter().enumerate() {
            let name = number.to_string();
            match module {
                Module::Convolution { inputs, outputs, .. } => {
                    layout.convolution(&name, [inputs, outputs], self.kernel, true);
                }
                Module::Norm { size } => layout.norm(&name, self.norm, size, true),
                Module::Linear { inputs, outputs } => layout.linear(&name, inputs, outputs, true),
                Module::Activation | Module::Max | Module::Average | Module::Mean | Module::Flatten => {}
            }
        }
        layout
    }

    fn emit(&self, net: &mut Net, x: Val) -> Val {
        let x = net.image(x, self.input);
        let modules = self.modules().into_iter().enumerate();
        modules.fold(x, |x, (number, module)| self.emit_module(net, &number.to_string(), module, x))
    }
}

#[cfg(test)]
mod tests {
    use crate::Model;

    #[test]
    fn modules_are_numbered_as_in_a_sequential() {
        let listed = |spec: &str| -> Vec<String> {
            let parameters = Model::parse(spec).unwrap().parameters();
            parameters.iter().map(|(name, shape)| format!("{name} {shape}")).collect()
        };
        let plain = listed("convnet:4-6,in=1x8x8,classes=3");
        assert_eq!(plain[2..], ["3.weight [6, 4, 3, 3]", "3.bias [6]", "7.weight [3, 24]", "7.bias [3]"]);
        let normal = listed("convnet:4,pool=none,end=mean,dense=5,norm=layer,in=1x8x8");
        assert_eq!(normal[2..5], ["1.weight [4]", "1.bias [4]", "5.weight [5, 4]"]);
        assert_eq!(listed("convnet:4-6,pool=stride,in=1x7x8")[4], "5.weight [10, 96]");
    }

    #[test]
    fn what_leaves_no_pixel_is_refused() {
        let error = |spec: &str| Model::parse(spec).unwrap_err().to_string();
        assert!(error("convnet:4-4-4,in=1x4x4").contains("3 poolings leave a pixel of"));
        assert!(error("convnet:4,kernel=2").contains("an odd kernel"));
        assert!(error("convnet:0").contains("channels from 1 up"));
    }
}
