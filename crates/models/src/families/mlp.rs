//! Multilayer perceptrons.

use graph::Val;

use crate::{
    Activation, Input, Labels, ModelError, Norm,
    architecture::{Architecture, ShapeOf},
    layout::Layout,
    line::Line,
    model::Network,
    net::Net,
    settings::{Setting, Specified, Written},
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

impl Mlp {
    /// A network of these sizes.
    const fn new(sizes: Vec<usize>) -> Self {
        Self { sizes, activation: Activation::Relu, norm: Norm::None, bias: true }
    }

    /// Reads what follows `mlp:`.
    pub(crate) fn parse(line: Line<'_>) -> Result<Self, ModelError> {
        let (sizes, rest) = line.rest.split_once(',').map_or((line.rest, None), |(s, r)| (s, Some(r)));
        Self::new(line.sizes(sizes, "mlp")?).read(line, rest)
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

impl Specified for Mlp {
    const OPTION: &'static str = "option of mlp";

    fn head(&self) -> String {
        let sizes: Vec<String> = self.sizes.iter().map(ToString::to_string).collect();
        format!("mlp:{}", sizes.join("-"))
    }

    fn standard(&self) -> Self {
        Self::new(self.sizes.clone())
    }

    fn settings(&mut self) -> Vec<Setting<'_>> {
        vec![
            Setting::choice("act", &mut self.activation),
            Setting::among("norm", &mut self.norm, Norm::OF_VECTORS),
            Setting::choice("bias", &mut self.bias),
        ]
    }

    fn check(&self, _: Line<'_>) -> Result<(), ModelError> {
        Ok(())
    }
}

impl Architecture for Mlp {
    fn written(&self) -> Written {
        Specified::written(self)
    }

    fn input(&self) -> Input {
        Input::Features(self.sizes[0])
    }

    fn labels(&self) -> Labels {
        Labels::Whole
    }

    fn classes(&self) -> Option<usize> {
        Some(self.sizes[self.sizes.len() - 1])
    }

    fn resized(&self, shape: &ShapeOf<'_>) -> Option<Network> {
        let is_linear = |module: &Module| matches!(module, Module::Linear { .. });
        let linear = self.modules().into_iter().enumerate().filter(|(_, module)| is_linear(module));
        let outputs = linear.map(|(number, _)| shape(&format!("{number}.weight"))?.first().copied());
        let sizes: Option<Vec<usize>> = std::iter::once(Some(self.sizes[0])).chain(outputs).collect();
        Some(Network::Mlp(Self { sizes: sizes?, ..self.clone() }))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(mlp: &Mlp) -> Vec<String> {
        mlp.layout().entries().iter().map(|(name, shape)| format!("{name} {shape}")).collect()
    }

    #[test]
    fn parameters_are_named_as_in_a_sequential() {
        let mut mlp = Mlp::new(vec![4, 3, 2]);
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
        let mlp = Mlp { norm: Norm::Layer, ..Mlp::new(vec![4, 2]) };
        assert_eq!(listed(&mlp), ["0.weight [2, 4]", "0.bias [2]"]);
    }
}
