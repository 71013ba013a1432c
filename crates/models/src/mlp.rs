//! Multilayer perceptrons.

use graph::Val;

use crate::{
    Activation, Input, ModelError, Norm,
    architecture::Architecture,
    layout::Layout,
    named::{self, Named, Switch},
    net::Net,
    options::{Line, Options},
};

/// A fully connected network as PyTorch's `nn.Sequential(Linear, [LayerNorm,] activation, …, Linear)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mlp {
    /// Features of the input, of each hidden layer, and of the logits; at least two, none 0.
    sizes: Vec<usize>,
    activation: Activation,
    norm: Norm,
    bias: bool,
}

/// An element of the `nn.Sequential`; its position is the number in its parameters' names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Module {
    Linear { inputs: usize, outputs: usize },
    Norm { size: usize },
    Activation,
}

/// The options of a multilayer perceptron.
#[derive(Clone, Copy, PartialEq)]
enum Opt {
    Activation,
    Norm,
    Bias,
}

impl Named for Opt {
    const KIND: &'static str = "option of mlp";
    const MEMBERS: &'static [Self] = &[Self::Activation, Self::Norm, Self::Bias];

    fn name(self) -> &'static str {
        match self {
            Self::Activation => "act",
            Self::Norm => "norm",
            Self::Bias => "bias",
        }
    }
}

impl Mlp {
    /// Reads what follows `mlp:`.
    pub(crate) fn parse(line: Line<'_>) -> Result<Self, ModelError> {
        let (sizes, rest) = line.rest.split_once(',').map_or((line.rest, None), |(s, r)| (s, Some(r)));
        let sizes = parse_sizes(line, sizes)?;
        let mut mlp = Self { sizes, activation: Activation::default(), norm: Norm::default(), bias: true };
        for (option, value) in Options::<Opt>::read(line, rest)? {
            match option {
                Opt::Activation => mlp.activation = named::parse(value)?,
                Opt::Norm => mlp.norm = named::parse(value)?,
                Opt::Bias => mlp.bias = named::parse::<Switch>(value)?.0,
            }
        }
        Ok(mlp)
    }

    /// The modules in order.
    fn modules(&self) -> Vec<Module> {
        let mut modules = Vec::new();
        for (layer, pair) in self.sizes.windows(2).enumerate() {
            let (inputs, outputs) = (pair[0], pair[1]);
            modules.push(Module::Linear { inputs, outputs });
            if layer + 2 == self.sizes.len() {
                break;
            }
            if self.norm != Norm::None {
                modules.push(Module::Norm { size: outputs });
            }
            modules.push(Module::Activation);
        }
        modules
    }
}

impl Architecture for Mlp {
    fn spec(&self) -> String {
        let sizes: Vec<String> = self.sizes.iter().map(ToString::to_string).collect();
        let mut options = Options::<Opt>::print("mlp", sizes.join("-"));
        options.show(Opt::Activation, self.activation.name(), Activation::default().name());
        options.show(Opt::Norm, self.norm.name(), Norm::default().name());
        options.show(Opt::Bias, Switch(self.bias).name(), Switch(true).name());
        options.line()
    }

    fn input(&self) -> Input {
        Input::Features(self.sizes[0])
    }

    fn classes(&self) -> usize {
        self.sizes[self.sizes.len() - 1]
    }

    fn layout(&self) -> Layout {
        let mut layout = Layout::default();
        for (number, module) in self.modules().into_iter().enumerate() {
            let name = number.to_string();
            match module {
                Module::Linear { inputs, outputs } => layout.linear(&name, inputs, outputs, self.bias),
                Module::Norm { size } => layout.norm(&name, self.norm, size, self.bias),
                Module::Activation => {}
            }
        }
        layout
    }

    fn emit(&self, net: &mut Net, x: Val) -> Val {
        self.modules().into_iter().enumerate().fold(x, |x, (number, module)| {
            let name = number.to_string();
            match module {
                Module::Linear { .. } => net.linear(&name, x),
                Module::Norm { .. } => net.norm(&name, self.norm, x),
                Module::Activation => self.activation.emit(&mut net.b, x),
            }
        })
    }
}

fn parse_sizes(line: Line<'_>, text: &str) -> Result<Vec<usize>, ModelError> {
    let size = |size: &str| line.size("layer sizes from 1 up, joined by '-', after 'mlp:'", size);
    let sizes = text.split('-').map(size).collect::<Result<Vec<_>, _>>()?;
    if sizes.len() < 2 {
        let found = format!("only '{text}'");
        return Err(line.fault("at least the input's and the output's size, as 784-10", found));
    }
    Ok(sizes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(mlp: &Mlp) -> Vec<String> {
        mlp.layout().entries().iter().map(|(name, shape)| format!("{name} {shape}")).collect()
    }

    #[test]
    fn parameters_are_named_as_in_a_sequential() {
        let mut mlp =
            Mlp { sizes: vec![4, 3, 2], activation: Activation::Relu, norm: Norm::None, bias: true };
        assert_eq!(listed(&mlp), ["0.weight [3, 4]", "0.bias [3]", "2.weight [2, 3]", "2.bias [2]"]);
        mlp.norm = Norm::Layer;
        assert_eq!(
            listed(&mlp),
            ["0.weight [3, 4]", "0.bias [3]", "1.weight [3]", "1.bias [3]", "3.weight [2, 3]", "3.bias [2]"]
        );
        mlp.bias = false;
        assert_eq!(listed(&mlp), ["0.weight [3, 4]", "1.weight [3]", "3.weight [2, 3]"]);
        mlp.norm = Norm::Batch;
        assert_eq!(listed(&mlp)[3..], ["1.running_mean [3]", "1.running_var [3]"]);
    }

    #[test]
    fn two_sizes_make_a_linear_model() {
        let mlp = Mlp { sizes: vec![4, 2], activation: Activation::Relu, norm: Norm::Layer, bias: true };
        assert_eq!(listed(&mlp), ["0.weight [2, 4]", "0.bias [2]"]);
    }
}
