//! `isoloss convert` from and to ONNX files, which hold a network beside its weights.

use isoloss::{
    models::{self, Model, Params, is_onnx, weights},
    tensor::atomic_file,
};
use serde_json::{Value, json};

use super::Convert;
use crate::{
    failure::{CliError, Failure},
    outcome::{Answer, Outcome},
    size,
};

impl Convert {
    /// Whether one of the two files is of ONNX.
    pub(super) fn is_of_onnx(&self) -> bool {
        is_onnx(&self.input) || is_onnx(&self.out)
    }

    /// Refuses what ONNX files have no place for.
    pub(super) fn check_onnx(&self) -> Result<(), Failure> {
        let given = [("--dtype", self.dtype.is_some()), ("--shard-size", self.shard_size.is_some())];
        match given.into_iter().find(|(_, is_given)| *is_given) {
            Some((flag, _)) => Err(CliError::OnnxFlag { flag }.into()),
            None => Ok(()),
        }
    }

    /// Reads the network, and writes it or its weights.
    pub(super) fn convert_onnx(&self) -> Result<Outcome, Failure> {
        let (model, params) = models::load_model(&self.input, self.spec.as_deref())?;
        if is_onnx(&self.out) {
            atomic_file::write(&self.out, &model.to_onnx(&params)?)?;
        } else {
            weights::save(&self.out, &params, &model.metadata())?;
        }
        let text = format!(
            "{} tensors, {}\nwritten to {}\n",
            params.len(),
            size::text(4 * params.elements()),
            self.out.display()
        );
        Ok(Outcome { answer: Answer::Yes, text, json: self.onnx_json(&model, &params) })
    }

    fn onnx_json(&self, model: &Model, params: &Params) -> Value {
        let tensors = params
            .iter()
            .map(|(name, tensor)| json!({ "name": name, "type": "F32", "shape": tensor.shape().to_vec() }));
        json!({
            "in": self.input.display().to_string(),
            "out": self.out.display().to_string(),
            "files": [self.out.display().to_string()],
            "model": model.spec(),
            "bytes": 4 * params.elements(),
            "tensors": tensors.collect::<Vec<_>>(),
        })
    }
}
