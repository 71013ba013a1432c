//! Architectures as graphs.

use graph::{Builder, Graph, Ty, Val, composite::LAYER_NORM_EPSILON};
use tensor::DType;

use crate::{
    Loss, Model,
    mlp::{Mlp, Module},
};

impl Model {
    /// The network as a graph. Inputs: the parameters in the model's order, with their names, then `x`
    /// (`[batch, features]`). Output: `logits` (`[batch, classes]`). Everything is of type `dtype`.
    ///
    /// # Panics
    /// Where `dtype` is not a floating-point type.
    #[must_use]
    pub fn forward(&self, batch: usize, dtype: DType) -> Graph {
        let mut b = Builder::new("forward");
        let logits = self.emit(&mut b, batch, dtype);
        b.output("logits", logits);
        b.finish()
    }

    /// The network with its loss. Inputs: the parameters in the model's order, then `x` (`[batch, features]`) and
    /// `labels` (`i32[batch]`). Outputs: `loss` (the mean over the batch, a scalar), `losses` (`[batch]`) and
    /// `logits` (`[batch, classes]`). Everything but the labels is of type `dtype`.
    ///
    /// # Panics
    /// Where `dtype` is not a floating-point type.
    #[must_use]
    pub fn objective(&self, batch: usize, dtype: DType, loss: Loss) -> Graph {
        let mut b = Builder::new("objective");
        let logits = self.emit(&mut b, batch, dtype);
        let labels = b.data("labels", Ty::i32([batch]));
        let losses = loss.emit(&mut b, logits, labels);
        let mean = b.mean(losses, &[0]);
        b.output("loss", mean);
        b.output("losses", losses);
        b.output("logits", logits);
        b.finish()
    }

    /// Declares the parameters and `x`, and emits the logits.
    fn emit(&self, b: &mut Builder, batch: usize, dtype: DType) -> Val {
        assert!(dtype.is_float(), "a network computes in floating point, not in {dtype}");
        let parameters: Vec<Val> = self
            .parameters()
            .into_iter()
            .map(|(name, shape)| b.parameter(name, Ty::new(dtype, shape)))
            .collect();
        let x = b.data("x", Ty::new(dtype, [batch, self.input_features()]));
        self.mlp.emit(b, x, &parameters)
    }
}

impl Mlp {
    fn emit(&self, b: &mut Builder, x: Val, parameters: &[Val]) -> Val {
        let mut owned = parameters.chunks(if self.bias { 2 } else { 1 });
        self.modules().into_iter().fold(x, |x, module| match module {
            Module::Activation => self.activation.emit(b, x),
            Module::Linear { .. } => {
                let (weight, bias) = split(owned.next());
                b.linear(x, weight, bias)
            }
            Module::LayerNorm { .. } => {
                let (gain, bias) = split(owned.next());
                b.layer_norm(x, Some(gain), bias, LAYER_NORM_EPSILON)
            }
        })
    }
}

/// The parameters of one module: a weight, and a bias where there are biases.
fn split(parameters: Option<&[Val]>) -> (Val, Option<Val>) {
    match parameters {
        Some([weight]) => (*weight, None),
        Some([weight, bias]) => (*weight, Some(*bias)),
        _ => unreachable!("modules and parameters come from the same list"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_are_the_parameters_and_then_the_data() {
        let model = Model::parse("mlp:4-3-2,norm=layer,bias=off").unwrap();
        let graph = model.objective(5, DType::F64, Loss::CrossEntropy);
        let names: Vec<&str> = graph.inputs().iter().map(|input| input.name.as_str()).collect();
        assert_eq!(names, ["0.weight", "1.weight", "3.weight", "x", "labels"]);
        assert_eq!(graph.inputs_with(graph::Role::Parameter).collect::<Vec<_>>(), [0, 1, 2]);
        let types: Vec<String> =
            graph.outputs().iter().map(|output| graph.ty(output.val).to_string()).collect();
        assert_eq!(types, ["f64[]", "f64[5]", "f64[5, 2]"]);
    }
}
