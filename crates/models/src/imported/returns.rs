//! What an ONNX file takes and returns, as a network that can be trained and evaluated.

use graph::{Val, ops::Direction};
use onnx::{OnnxModel, Port, PortKind};
use tensor::{DType, Image, Shape};

use super::fault;
use crate::{Input, Labels, ModelError, Target, net::Net};

/// What a network returns first.
#[derive(Clone, Debug)]
pub(super) enum Returns {
    /// Logits of so many classes.
    Logits(usize),
    /// A number: the objective.
    Objective(Target),
}

/// What a network takes and returns.
#[derive(Clone, Debug)]
pub(super) struct Role {
    pub(super) input: Input,
    pub(super) labels: Labels,
    pub(super) returns: Returns,
}

impl Role {
    /// Reads it off the inputs and the first output.
    pub(super) fn of(file: &str, network: &OnnxModel) -> Result<Self, ModelError> {
        let Some((name, shape, per_example)) = network.outputs().next() else {
            return Err(fault(file, EXPECTED, "no output"));
        };
        let is_number = !per_example && shape.iter().all(|&size| size == 1);
        match (network.inputs(), is_number) {
            ([examples], false) => {
                let input = input(file, network, examples)?;
                let (labels, classes) = labels(input, shape)
                    .filter(|_| per_example)
                    .ok_or_else(|| fault(file, EXPECTED, format!("{shape} as '{name}'")))?;
                Ok(Self { input, labels, returns: Returns::Logits(classes) })
            }
            ([examples], true) => {
                let input = input(file, network, examples)?;
                Ok(Self { input, labels: own_labels(input), returns: Returns::Objective(Target::Nothing) })
            }
            ([examples, target], true) => {
                let input = input(file, network, examples)?;
                let (labels, target) = compared(file, network, input, target)?;
                Ok(Self { input, labels, returns: Returns::Objective(target) })
            }
            (inputs, _) => Err(too_many(file, inputs, is_number)),
        }
    }

    /// How labels are taken, by a network that is its own objective.
    pub(super) fn target(&self) -> Option<Target> {
        match self.returns {
            Returns::Logits(_) => None,
            Returns::Objective(target) => Some(target),
        }
    }
}

/// What a first output may be.
const EXPECTED: &str = "logits [batch, classes], [batch, tokens, classes] or [batch, classes, rows, columns], or one number, \
                        the objective, as first output";

/// An input as messages name it.
fn shown(Port { name, kind, example }: &Port) -> String {
    let kind = match kind {
        PortKind::Float => "floats",
        PortKind::Integer => "integers",
        PortKind::Bool => "truth values",
    };
    let sizes: Vec<String> =
        std::iter::once("batch".to_owned()).chain(example.iter().map(ToString::to_string)).collect();
    format!("'{name}' ({kind} [{}])", sizes.join(", "))
}

fn too_many(file: &str, inputs: &[Port], is_number: bool) -> ModelError {
    let found: Vec<String> = inputs.iter().map(shown).collect();
    let found = format!("{} of them: {}", found.len(), found.join(", "));
    let expected = if is_number {
        "one input, examples, or two, examples and labels, of a network that returns its objective; export a module that \
         fills in the others"
    } else {
        "one input, examples, of a network that returns logits; export a module that fills in the others, or that takes \
         labels as its second input and returns the objective as one number"
    };
    fault(file, expected, found)
}

/// What an example is.
fn input(file: &str, network: &OnnxModel, port: &Port) -> Result<Input, ModelError> {
    match (port.kind, &port.example[..]) {
        (PortKind::Float, &[channels, height, width]) => Ok(Input::Image(Image { channels, height, width })),
        (PortKind::Float, _) => Ok(Input::Features(port.example.elements())),
        (PortKind::Integer, &[count]) => {
            let vocabulary = network.bound(0).ok_or_else(|| {
                let expected = "tokens that are looked up in a table";
                fault(file, expected, format!("other uses of {}", shown(port)))
            })?;
            Ok(Input::Tokens { count, vocabulary })
        }
        _ => Err(fault(file, "features, images or tokens as first input", shown(port))),
    }
}

/// What the labels of an example are, and of how many classes, where the logits of an example are of this shape.
fn labels(input: Input, shape: &Shape) -> Option<(Labels, usize)> {
    match (input, &shape[..]) {
        (_, &[classes]) => Some((Labels::Whole, classes)),
        (Input::Tokens { count, vocabulary }, &[tokens, classes]) if tokens == count => {
            let places = Labels::Places(Shape::from([count]));
            Some((if classes == vocabulary { Labels::NextTokens(count) } else { places }, classes))
        }
        (Input::Image(_), &[classes, rows, columns]) => {
            Some((Labels::Places(Shape::from([rows, columns])), classes))
        }
        _ => None,
    }
}

/// The labels that data sets have for such examples.
fn own_labels(input: Input) -> Labels {
    match input {
        Input::Tokens { count, .. } => Labels::NextTokens(count),
        Input::Features(_) | Input::Image(_) | Input::Graph { .. } => Labels::Whole,
    }
}

/// The labels that an objective takes as its second input, and how. An axis of size 1 behind those of the labels does not
/// matter.
fn compared(
    file: &str,
    network: &OnnxModel,
    input: Input,
    port: &Port,
) -> Result<(Labels, Target), ModelError> {
    let own = own_labels(input);
    let shape = own.shape();
    let rest = port.example.strip_prefix(&shape[..]);
    match (port.kind, rest, input) {
        (PortKind::Integer, Some([] | [1]), _) => Ok((own, Target::Classes { count: network.bound(1) })),
        (PortKind::Float, Some([] | [1]), _) => Ok((own, Target::Numbers)),
        (PortKind::Float, Some(&[classes]), _) => Ok((own, Target::OneHot(classes))),
        (PortKind::Integer, _, Input::Tokens { .. }) if port.example.rank() == 0 => {
            Ok((Labels::Whole, Target::Classes { count: network.bound(1) }))
        }
        (PortKind::Integer, Some(&[rows, columns]), Input::Image(_)) => {
            Ok((Labels::Places(Shape::from([rows, columns])), Target::Classes { count: network.bound(1) }))
        }
        _ => {
            let places =
                if shape.rank() == 0 { "[batch]".to_owned() } else { format!("[batch, {}]", shape[0]) };
            let expected = format!(
                "labels as second input: integers or floats {places}, or one-hot floats with an axis of classes behind it; \
                 examples come first"
            );
            Err(fault(file, &expected, shown(port)))
        }
    }
}

/// Labels, `i32`, as the network's second input takes them, which is of shape `shape`.
pub(super) fn target(net: &mut Net, labels: Val, target: Target, shape: &Shape) -> Option<Val> {
    let dtype = net.dtype();
    let val = match target {
        Target::Nothing => return None,
        Target::Classes { .. } => labels,
        Target::Numbers => net.b.convert(labels, dtype),
        Target::OneHot(classes) => {
            let rows: Shape = net.b.shape(labels).iter().copied().chain([classes]).collect();
            let last = rows.rank() - 1;
            let class = net.b.iota(DType::I32, &rows, last);
            let label = net.b.broadcast_back(labels, &rows, &[last]);
            let is_label = net.b.compare(Direction::Eq, class, label);
            net.b.convert(is_label, dtype)
        }
    };
    Some(net.b.reshape(val, shape))
}
