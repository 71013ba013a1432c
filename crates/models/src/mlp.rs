//! Multilayer perceptrons.

use tensor::Shape;

use crate::{Activation, Norm, init::Kind};

/// A fully connected network as PyTorch's `nn.Sequential(Linear, [LayerNorm,] activation, …, Linear)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mlp {
    /// Features of the input, of each hidden layer, and of the logits; at least two, none 0.
    pub(crate) sizes: Vec<usize>,
    pub(crate) activation: Activation,
    pub(crate) norm: Norm,
    pub(crate) bias: bool,
}

/// A parameter as the architecture declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) shape: Shape,
    pub(crate) kind: Kind,
}

/// An element of the `nn.Sequential`; its position is the number in its parameters' names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Module {
    Linear { inputs: usize, outputs: usize },
    LayerNorm { size: usize },
    Activation,
}

impl Mlp {
    /// The modules in order.
    pub(crate) fn modules(&self) -> Vec<Module> {
        let mut modules = Vec::new();
        for (layer, pair) in self.sizes.windows(2).enumerate() {
            let (inputs, outputs) = (pair[0], pair[1]);
            modules.push(Module::Linear { inputs, outputs });
            if layer + 2 == self.sizes.len() {
                break;
            }
            if self.norm == Norm::Layer {
                modules.push(Module::LayerNorm { size: outputs });
            }
            modules.push(Module::Activation);
        }
        modules
    }

    /// The parameters in order: module by module, weight before bias.
    pub(crate) fn parameters(&self) -> Vec<Parameter> {
        self.modules().iter().enumerate().flat_map(|(number, module)| self.owned(number, *module)).collect()
    }

    fn owned(&self, number: usize, module: Module) -> Vec<Parameter> {
        let parameter =
            |role: &str, shape: Shape, kind| Parameter { name: format!("{number}.{role}"), shape, kind };
        let (weight, bias) = match module {
            Module::Linear { inputs, outputs } => (
                parameter("weight", [outputs, inputs].into(), Kind::Weight { inputs }),
                parameter("bias", [outputs].into(), Kind::Bias { inputs }),
            ),
            Module::LayerNorm { size } => (
                parameter("weight", [size].into(), Kind::Gain),
                parameter("bias", [size].into(), Kind::Offset),
            ),
            Module::Activation => return Vec::new(),
        };
        if self.bias { vec![weight, bias] } else { vec![weight] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(mlp: &Mlp) -> Vec<String> {
        mlp.parameters().iter().map(|parameter| format!("{} {}", parameter.name, parameter.shape)).collect()
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
    }

    #[test]
    fn two_sizes_make_a_linear_model() {
        let mlp = Mlp { sizes: vec![4, 2], activation: Activation::Relu, norm: Norm::Layer, bias: true };
        assert_eq!(listed(&mlp), ["0.weight [2, 4]", "0.bias [2]"]);
    }
}
