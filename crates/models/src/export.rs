//! Models as ONNX files.

use onnx::Examples;
use tensor::{DType, Shape, Tensor};

use crate::{Input, Model, ModelError, Params, model::Network};

/// The number of examples that stands for any number of them while a file is made: a prime beyond every size of a network.
const BATCH: usize = 1_000_003;

impl Model {
    /// The network in evaluation with these parameters as an ONNX file, with their names. Its input `x` is `[batch, ..]`:
    /// features, images as channels, rows, columns, or tokens of 64 bits; its output `logits` as [`Model::forward`] has it.
    /// A network that came from an ONNX file is that file with these weights.
    ///
    /// # Errors
    /// Those of [`Model::check_layout`], and [`ModelError::Onnx`] where an operation has no counterpart in ONNX.
    pub fn to_onnx(&self, params: &Params) -> Result<Vec<u8>, ModelError> {
        self.check_layout(params)?;
        let values: Vec<&Tensor> = params.values().collect();
        let in_model = |source| ModelError::Onnx { file: self.spec(), source };
        if let Network::Imported(own) = &self.network {
            return own.patched(params).map_err(in_model);
        }
        let graph = self.forward(BATCH, DType::F32);
        let examples = Examples { batch: BATCH, shapes: vec![self.example()] };
        onnx::export(&graph, &values, &examples).map_err(in_model)
    }

    /// The shape of an example as PyTorch has it.
    fn example(&self) -> Shape {
        match self.input() {
            Input::Image(image) => Shape::from([image.channels, image.height, image.width]),
            input => Shape::from([input.elements()]),
        }
    }
}
