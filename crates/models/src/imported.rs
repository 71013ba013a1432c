//! Networks from ONNX files.

use std::{ffi::OsStr, path::Path, sync::Arc};

use base64::{Engine, prelude::BASE64_STANDARD};
use graph::{Role, Val};
use onnx::{Batch, Moments, OnnxError, OnnxModel, Port, PortKind};
use tensor::{Image, Shape, Tensor};
use weights::Params;

use crate::{
    Input, Labels, Mode, ModelError,
    architecture::Architecture,
    init::Kind,
    layout::{Buffer, Layout, Parameter},
    net::Net,
    settings::Written,
};

/// What specifications of networks from ONNX files begin with.
pub(crate) const PREFIX: &str = "onnx:";

/// The metadata key under which a weights file keeps the network that its weights belong to, where that came from an ONNX
/// file: the file without weights, in base 64.
pub const GRAPH_KEY: &str = "isoloss.graph";

/// Whether a path names an ONNX file, by its ending.
#[must_use]
pub fn is_onnx(path: &Path) -> bool {
    path.extension() == Some(OsStr::new("onnx"))
}

/// A network from an ONNX file with one input and, as its first output, logits.
#[derive(Clone, Debug)]
pub(crate) struct Imported {
    /// The file, for people.
    file: String,
    network: OnnxModel,
    input: Input,
    labels: Labels,
    classes: usize,
    /// The weights of the file, where they were kept.
    weights: Option<Arc<Params>>,
}

/// Networks are equal whose files differ in weights alone.
impl PartialEq for Imported {
    fn eq(&self, other: &Self) -> bool {
        self.network == other.network
    }
}

impl Eq for Imported {}

fn fault(file: &str, expected: &str, found: impl Into<String>) -> ModelError {
    ModelError::Imported { file: file.to_owned(), expected: expected.to_owned(), found: found.into() }
}

impl Imported {
    /// Reads a file; its weights come beside it.
    pub(crate) fn read(file: &str) -> Result<(Self, Params), ModelError> {
        let in_file = |source| ModelError::Onnx { file: file.to_owned(), source };
        let network = OnnxModel::read(Path::new(file)).map_err(in_file)?;
        let values = network.weights().map_err(in_file)?;
        let names = network.entries().iter().map(|entry| entry.name.clone());
        let weights = Params::from_pairs(names.zip(values));
        // What is kept of the file is the network without its weights.
        let skeleton = OnnxModel::parse(network.skeleton().clone(), None).map_err(in_file)?;
        Ok((Self::new(file, skeleton)?, weights))
    }

    /// Reads a file and keeps its weights.
    pub(crate) fn with_weights(file: &str) -> Result<Self, ModelError> {
        let (own, weights) = Self::read(file)?;
        Ok(Self { weights: Some(Arc::new(weights)), ..own })
    }

    /// Reads what [`Imported::graph`] wrote.
    pub(crate) fn from_graph(file: &str, graph: &str) -> Result<Self, ModelError> {
        let bytes = BASE64_STANDARD.decode(graph).map_err(|error| {
            fault(file, &format!("a network in base 64 as '{GRAPH_KEY}'"), error.to_string())
        })?;
        let network = OnnxModel::parse(bytes, None)
            .map_err(|source| ModelError::Onnx { file: file.to_owned(), source })?;
        Self::new(file, network)
    }

    fn new(file: &str, network: OnnxModel) -> Result<Self, ModelError> {
        let input = input(file, &network)?;
        let (labels, classes) = labels(file, &network, input)?;
        if let Batch::Fixed { size, reason } = network.batch() {
            let found = format!("one of {size} ({reason})");
            let expected = "a network for batches of any size; export it with a dynamic batch axis";
            return Err(fault(file, expected, found));
        }
        Ok(Self { file: file.to_owned(), network, input, labels, classes, weights: None })
    }

    /// The network without its weights, as text.
    pub(crate) fn graph(&self) -> String {
        BASE64_STANDARD.encode(self.network.skeleton())
    }

    /// The file with these weights.
    pub(crate) fn patched(&self, params: &Params) -> Result<Vec<u8>, OnnxError> {
        let values: Vec<Tensor> = params.values().cloned().collect();
        self.network.patch(&values)
    }

    /// The weights of the file, where they were kept.
    pub(crate) fn weights(&self) -> Option<&Params> {
        self.weights.as_deref()
    }

    /// The shape of an example as the network takes it.
    fn example(&self) -> &Shape {
        &self.network.inputs()[0].example
    }
}

/// What an example is.
fn input(file: &str, network: &OnnxModel) -> Result<Input, ModelError> {
    let [Port { name, kind, example }] = network.inputs() else {
        let names: Vec<&str> = network.inputs().iter().map(|port| port.name.as_str()).collect();
        return Err(fault(file, "one input", names.join(", ")));
    };
    match (kind, &example[..]) {
        (PortKind::Float, &[channels, height, width]) => Ok(Input::Image(Image { channels, height, width })),
        (PortKind::Float, _) => Ok(Input::Features(example.elements())),
        (PortKind::Integer, &[count]) => {
            let vocabulary = network.vocabulary(0).ok_or_else(|| {
                fault(file, "tokens that are looked up in a table", format!("other uses of '{name}'"))
            })?;
            Ok(Input::Tokens { count, vocabulary })
        }
        _ => Err(fault(file, "features, images or tokens", format!("{kind:?} {example} as '{name}'"))),
    }
}

/// What the labels of an example are, and of how many classes.
fn labels(file: &str, network: &OnnxModel, input: Input) -> Result<(Labels, usize), ModelError> {
    let expected = "logits [batch, classes], [batch, tokens, classes] or [batch, classes, rows, columns]";
    let Some((name, shape, per_example)) = network.outputs().next() else {
        return Err(fault(file, expected, "no output"));
    };
    match (input, &shape[..]) {
        (_, &[classes]) if per_example => Ok((Labels::Whole, classes)),
        (Input::Tokens { count, vocabulary }, &[tokens, classes]) if per_example && tokens == count => {
            let places = Labels::Places(Shape::from([count]));
            Ok((if classes == vocabulary { Labels::NextTokens(count) } else { places }, classes))
        }
        (Input::Image(_), &[classes, rows, columns]) if per_example => {
            Ok((Labels::Places(Shape::from([rows, columns])), classes))
        }
        _ => Err(fault(file, expected, format!("{shape} as '{name}'"))),
    }
}

/// How an entry is drawn where a training does not start from the file's weights: gains are ones, other vectors zeros, and
/// whatever has several axes counts as `[outputs, inputs, ..]`.
fn kind(name: &str, shape: &Shape) -> Kind {
    let is_gain = name.ends_with("weight") || name.ends_with("scale") || name.ends_with("gamma");
    match shape.rank() {
        0 | 1 if is_gain => Kind::Gain,
        0 | 1 => Kind::Offset,
        _ => Kind::Weight { inputs: shape[1..].iter().product::<usize>().max(1) },
    }
}

impl Architecture for Imported {
    fn written(&self) -> Written {
        Written { head: format!("{PREFIX}{}", self.file), options: Vec::new() }
    }

    fn input(&self) -> Input {
        self.input
    }

    fn labels(&self) -> Labels {
        self.labels.clone()
    }

    fn classes(&self) -> usize {
        self.classes
    }

    fn layout(&self) -> Layout {
        let mut layout = Layout::default();
        for entry in self.network.entries() {
            let (name, shape) = (entry.name.clone(), entry.shape.clone());
            match entry.role {
                Role::State => {
                    // Of the two statistics of a normalisation, the variance starts at 1.
                    let value = if self.network.is_variance(&name) { 1.0 } else { 0.0 };
                    layout.buffers.push(Buffer { name, shape, value });
                }
                Role::Parameter | Role::Data => {
                    let kind = kind(&name, &shape);
                    layout.parameters.push(Parameter { name, shape, kind });
                }
            }
        }
        layout
    }

    fn emit(&self, net: &mut Net, x: Val) -> Val {
        let batch = net.b.shape(x)[0];
        let shape: Shape = std::iter::once(batch).chain(self.example().iter().copied()).collect();
        let x = net.b.reshape(x, &shape);
        let entries: Vec<Val> = self.network.entries().iter().map(|entry| net.get(&entry.name)).collect();
        let moments = match net.mode() {
            Mode::Evaluation => Moments::Running,
            Mode::Training => Moments::Averaged,
            Mode::Moments => Moments::Batch,
        };
        let dtype = net.dtype();
        let emission = match self.network.emit(&mut net.b, dtype, &entries, &[x], moments) {
            Ok(emission) => emission,
            Err(error) => unreachable!("{} was tried when it was read: {error}", self.file),
        };
        for (entry, val) in emission.updates {
            net.update(&self.network.entries()[entry].name, val);
        }
        let logits = emission.outputs[0];
        match &self.labels {
            Labels::Places(places) if places.rank() == 2 => net.b.transpose(logits, &[0, 2, 3, 1]),
            _ => logits,
        }
    }
}
