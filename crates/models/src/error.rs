//! What can be wrong with a model, its specification or its weights.

use std::path::PathBuf;

use tensor::{DType, Shape, names};
use weights::{Mismatch, WeightsError};

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// A name that does not exist: of an architecture, an option, an activation, an initialisation, …
    #[error("there is no {what} called '{found}'{}; known: {}", names::suggestion(found, known), known.join(", "))]
    Unknown {
        /// What was to be named, as "activation".
        what: &'static str,
        /// The name given.
        found: String,
        /// The names there are.
        known: Vec<&'static str>,
    },
    /// An ONNX file that cannot be read.
    #[error("{file}: {source}")]
    Onnx {
        /// The file.
        file: String,
        /// What is wrong.
        source: onnx::OnnxError,
    },
    /// Weights of a file are to be the initial ones, but the model has none.
    #[error("model {model} has no file with weights to start from; --init file needs --model net.onnx")]
    NoFile {
        /// The model's specification.
        model: String,
    },
    /// A loss for a network that is its own, or none for one that is not.
    #[error(
        "{}",
        if *is_own {
            format!("model {model} is its own objective: expected the loss own, found {loss}; leave --loss out")
        } else {
            format!("model {model} returns logits and is no objective itself: expected another loss than {loss}, as cross-entropy")
        }
    )]
    OwnLoss {
        /// The model's specification.
        model: String,
        /// Whether the model is its own objective.
        is_own: bool,
        /// The loss asked for.
        loss: String,
    },
    /// A network of an ONNX file that neither classifies batches nor is an objective of them.
    #[error("{file}: expected {expected}, found {found}")]
    Imported {
        /// The file.
        file: String,
        /// What was expected.
        expected: String,
        /// What was found instead.
        found: String,
    },
    /// A specification that is malformed, or that describes no possible network.
    #[error("model '{spec}': expected {expected}, found {found}; write for example {example}")]
    Spec {
        /// The whole specification.
        spec: String,
        /// What was expected.
        expected: String,
        /// What was found instead.
        found: String,
        /// A specification of the same family.
        example: &'static str,
    },
    /// A loss with an option that it does not have, or a value that the option cannot have.
    #[error("loss {text}: expected {expected}, found '{found}'")]
    Loss {
        /// The whole description.
        text: String,
        /// What was expected.
        expected: &'static str,
        /// The option given.
        found: String,
    },
    /// A parameter of the model is not among those given.
    #[error("parameter '{name}' {shape} of model {model} is missing; found {}", list(found))]
    MissingParameter {
        /// The model's specification.
        model: String,
        /// The parameter's name.
        name: String,
        /// The shape that it should have.
        shape: Shape,
        /// The names given.
        found: Vec<String>,
    },
    /// A parameter is given that the model does not have.
    #[error("model {model} has no parameter '{name}'; it has {}", list(expected))]
    UnexpectedParameter {
        /// The model's specification.
        model: String,
        /// The name given.
        name: String,
        /// The names of the model's parameters.
        expected: Vec<String>,
    },
    /// The parameters are the model's, in another order.
    #[error(
        "the parameters of model {model} are in the wrong order: expected {}, found {}",
        list(expected),
        list(found)
    )]
    ParameterOrder {
        /// The model's specification.
        model: String,
        /// The names in the model's order.
        expected: Vec<String>,
        /// The names in the order given.
        found: Vec<String>,
    },
    /// A parameter has another shape than the model says.
    #[error("parameter '{name}' does not fit model {model}: expected shape {expected}, found {found}")]
    ParameterShape {
        /// The model's specification.
        model: String,
        /// The parameter's name.
        name: String,
        /// The model's shape.
        expected: Shape,
        /// The shape found.
        found: Shape,
    },
    /// A parameter has another element type than `f32`.
    #[error("parameter '{name}' of model {model}: expected elements of type f32, found {found}")]
    ParameterDType {
        /// The model's specification.
        model: String,
        /// The parameter's name.
        name: String,
        /// The type found.
        found: DType,
    },
    /// A parameter holds NaN or an infinity.
    #[error("parameter '{name}' of model {model} is not finite: element {} is {value}", index(position))]
    NonFinite {
        /// The model's specification.
        model: String,
        /// The parameter's name.
        name: String,
        /// The element's index on each axis.
        position: Vec<usize>,
        /// The element.
        value: f64,
    },
    /// The tensors of a file are not those of the model.
    #[error("the weights do not fit model {model}: {mismatch}")]
    Mismatch {
        /// The model's specification.
        model: String,
        /// All that differs.
        mismatch: Mismatch,
    },
    /// Weights could not be read or written.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// A configuration file could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A configuration file is malformed, or of a network that is not built here.
    #[error("{}: expected {expected}, found {found}; give the architecture with --model", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// What was expected.
        expected: String,
        /// What was found instead.
        found: String,
    },
    /// A weights file does not say of which architecture its weights are, and nobody else did.
    #[error(
        "{} does not say which model its weights belong to (no '{key}' in its metadata, no config.json of the Hugging Face Hub beside it); give it with --model, as --model mlp:784-512-512-512-10",
        path.display()
    )]
    NoArchitecture {
        /// The file.
        path: PathBuf,
        /// The metadata key that was looked for.
        key: &'static str,
    },
    /// The weights in a file do not fit the model, or the model it names is malformed.
    #[error("{}: {source}", path.display())]
    InFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with its contents.
        source: Box<ModelError>,
    },
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

fn index(position: &[usize]) -> Shape {
    Shape::from(position)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_gets_a_suggestion_and_a_wild_guess_does_not() {
        let unknown = |found: &str| {
            let known = vec!["relu", "leaky_relu", "tanh", "gelu"];
            ModelError::Unknown { what: "activation", found: found.to_owned(), known }.to_string()
        };
        assert_eq!(
            unknown("rleu"),
            "there is no activation called 'rleu' (did you mean 'relu'?); known: relu, leaky_relu, tanh, gelu"
        );
        assert_eq!(
            unknown("swish"),
            "there is no activation called 'swish'; known: relu, leaky_relu, tanh, gelu"
        );
    }
}
