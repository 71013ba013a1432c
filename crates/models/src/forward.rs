//! Architectures as graphs.

use graph::{Graph, Ty, Val};
use tensor::{DType, Shape};

use crate::{Input, Loss, Mode, Model, net::Net};

impl Model {
    /// The network in evaluation; [`Model::forward_in`] with [`Mode::Evaluation`].
    ///
    /// # Panics
    /// Where `dtype` is not a floating-point type.
    #[must_use]
    pub fn forward(&self, batch: usize, dtype: DType) -> Graph {
        self.forward_in(Mode::Evaluation, batch, dtype)
    }

    /// The network as a graph. Inputs: the parameters in the model's order, with their names; the buffers likewise;
    /// then `x` (`[batch, features]`, or `i32[batch, tokens]` for texts). Outputs: `logits` (`[batch, classes]`, or the
    /// classes of each label, as `[batch, tokens, classes]`); of a network that is its own objective also `labels` among the
    /// inputs, and as output `loss`; all as for [`Model::objective_in`]. In other modes than evaluation followed by
    /// the new buffers, with their names.
    /// Everything but tokens is of type `dtype`.
    ///
    /// # Panics
    /// Where `dtype` is not a floating-point type.
    #[must_use]
    pub fn forward_in(&self, mode: Mode, batch: usize, dtype: DType) -> Graph {
        let (mut net, result) = self.emit("forward", mode, [batch, self.input_features()], dtype);
        net.b.output(if self.target().is_some() { "loss" } else { "logits" }, result);
        net.finish()
    }

    /// The network in evaluation as [`Model::forward`] gives it, on texts of `tokens` tokens: the first that it takes, or all where
    /// it takes no more. Parameters of later positions are declared and have no influence. `None` where it takes no texts, or only
    /// whole ones, as what was read from an ONNX file does.
    ///
    /// # Panics
    /// Where `dtype` is not a floating-point type, or `tokens` is 0.
    #[must_use]
    pub fn forward_on(&self, batch: usize, tokens: usize, dtype: DType) -> Option<Graph> {
        assert!(tokens > 0, "a text has at least one token");
        if !self.network.architecture().takes_shorter_texts() {
            return None;
        }
        let tokens = tokens.min(self.input_features());
        let (mut net, result) = self.emit("forward", Mode::Evaluation, [batch, tokens], dtype);
        net.b.output("logits", result);
        Some(net.finish())
    }

    /// The network in evaluation with its loss; [`Model::objective_in`] with [`Mode::Evaluation`].
    ///
    /// # Panics
    /// Where `dtype` is not a floating-point type, or `loss` does not go with the network ([`Model::check_loss`]).
    #[must_use]
    pub fn objective(&self, batch: usize, dtype: DType, loss: Loss) -> Graph {
        self.objective_in(Mode::Evaluation, batch, dtype, loss)
    }

    /// The network with its loss. Inputs: the parameters and the buffers in the model's order, then `x` as for
    /// [`Model::forward_in`] and `labels` (`i32` of [`Model::labels_shape`]). Outputs: `loss` (the mean,
    /// a scalar), `losses` (of the shape of the labels, in `dtype`) and `logits`, in other modes than evaluation
    /// followed by the new buffers. A network that is its own objective ([`Loss::Own`]) has `loss` alone in place of the
    /// three, and the labels without influence where it takes none.
    /// Everything but tokens and labels is of type `dtype`.
    ///
    /// # Panics
    /// Where `dtype` is not a floating-point type, or `loss` does not go with the network ([`Model::check_loss`]).
    #[must_use]
    pub fn objective_in(&self, mode: Mode, batch: usize, dtype: DType, loss: Loss) -> Graph {
        if let Err(error) = self.check_loss(loss) {
            panic!("{error}");
        }
        let (mut net, logits) = self.emit("objective", mode, [batch, self.input_features()], dtype);
        if loss == Loss::Own {
            net.b.output("loss", logits);
            return net.finish();
        }
        let labels = net.b.data("labels", Ty::i32(self.labels_shape(batch)));
        let losses = loss.emit(&mut net.b, logits, labels);
        let axes: Vec<usize> = (0..net.b.shape(losses).rank()).collect();
        let mean = net.b.mean(losses, &axes);
        net.b.output("loss", mean);
        net.b.output("losses", losses);
        net.b.output("logits", logits);
        net.finish()
    }

    /// The moments that batch normalisation measures in a batch, and nothing else. Inputs: the parameters and
    /// the buffers in the model's order, then `x`, and `labels` for a network that is its own objective, as for
    /// [`Model::forward_in`]; the buffers have no influence, but must be
    /// finite. Outputs: the moments, with the names of the buffers that they belong in: means,
    /// and variances divided by the number of elements less one.
    ///
    /// # Panics
    /// Where `dtype` is not a floating-point type.
    #[must_use]
    pub fn moments(&self, batch: usize, dtype: DType) -> Graph {
        let (net, _) = self.emit("moments", Mode::Moments, [batch, self.input_features()], dtype);
        net.finish()
    }

    /// The shape of the labels of a batch: the batch, then that of the labels of an example.
    #[must_use]
    pub fn labels_shape(&self, batch: usize) -> Shape {
        std::iter::once(batch).chain(self.labels().shape().iter().copied()).collect()
    }

    /// Declares parameters, buffers and `x`, of shape `input`, and emits the logits; for a network that is its own objective declares the labels
    /// too, and emits the objective.
    fn emit(&self, name: &str, mode: Mode, input: [usize; 2], dtype: DType) -> (Net, Val) {
        let architecture = self.network.architecture();
        let mut net = Net::new(name, architecture.layout(), mode, dtype);
        let dtype = match architecture.input() {
            Input::Features(_) | Input::Image(_) | Input::Graph { .. } => dtype,
            Input::Tokens { .. } => DType::I32,
        };
        let x = net.b.data("x", Ty::new(dtype, input));
        if architecture.target().is_some() {
            net.declare_labels(self.labels_shape(input[0]));
        }
        let result = architecture.emit(&mut net, x);
        (net, result)
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
