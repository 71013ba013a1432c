//! Networks from ONNX files.

mod returns;

use std::{ffi::OsStr, path::Path, sync::Arc};

use base64::{Engine, prelude::BASE64_STANDARD};
use graph::Val;
use onnx::{Batch, Moments, OnnxError, OnnxModel};
use tensor::{Shape, Tensor};
use weights::Params;

use crate::{
    Input, Labels, Mode, ModelError, Target,
    architecture::Architecture,
    init::Kind,
    layout::{Buffer, Layout, Parameter},
    net::Net,
    settings::Written,
};
use returns::{Returns, Role};

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

/// A network from an ONNX file: examples in, and as its first output logits, or with labels as a second input its own
/// objective.
#[derive(Clone, Debug)]
pub(crate) struct Imported {
    /// The file, for people.
    file: String,
    network: OnnxModel,
    role: Role,
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
        let skeleton = network.without_weights().map_err(in_file)?;
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
        let role = Role::of(file, &network)?;
        if let Batch::Fixed { size, reason } = network.batch() {
            let found = format!("one of {size} ({reason})");
            let expected = "a network for batches of any size; export it with a dynamic batch axis";
            return Err(fault(file, expected, found));
        }
        Ok(Self { file: file.to_owned(), network, role, weights: None })
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

    /// The shape of a batch as the network takes it, as examples (0) or labels (1).
    fn shape(&self, input: usize, batch: usize) -> Shape {
        let example = self.network.inputs().get(input).map_or(&[][..], |port| &port.example);
        std::iter::once(batch).chain(example.iter().copied()).collect()
    }

    /// The inputs in the graph.
    fn feed(&self, net: &mut Net, x: Val) -> Vec<Val> {
        let batch = net.b.shape(x)[0];
        let examples = net.b.reshape(x, &self.shape(0, batch));
        let target = self.role.target().zip(net.labels());
        let target =
            target.and_then(|(target, labels)| returns::target(net, labels, target, &self.shape(1, batch)));
        std::iter::once(examples).chain(target).collect()
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
        self.role.input
    }

    fn labels(&self) -> Labels {
        self.role.labels.clone()
    }

    fn classes(&self) -> Option<usize> {
        match self.role.returns {
            Returns::Logits(classes) => Some(classes),
            Returns::Objective(target) => target.classes(),
        }
    }

    fn target(&self) -> Option<Target> {
        self.role.target()
    }

    fn layout(&self) -> Layout {
        let mut layout = Layout::default();
        for entry in self.network.entries() {
            let (name, shape) = (entry.name.clone(), entry.shape.clone());
            match entry.role {
                graph::Role::State => {
                    // Of the two statistics of a normalisation, the variance starts at 1.
                    let value = if self.network.is_variance(&name) { 1.0 } else { 0.0 };
                    layout.buffers.push(Buffer { name, shape, value });
                }
                graph::Role::Parameter | graph::Role::Data => {
                    let kind = kind(&name, &shape);
                    layout.parameters.push(Parameter { name, shape, kind });
                }
            }
        }
        layout
    }

    fn emit(&self, net: &mut Net, x: Val) -> Val {
        let inputs = self.feed(net, x);
        let entries: Vec<Val> = self.network.entries().iter().map(|entry| net.get(&entry.name)).collect();
        let moments = match net.mode() {
            Mode::Evaluation => Moments::Running,
            Mode::Training => Moments::Averaged,
            Mode::Moments => Moments::Batch,
        };
        let dtype = net.dtype();
        let emission = match self.network.emit(&mut net.b, dtype, &entries, &inputs, moments) {
            Ok(emission) => emission,
            Err(error) => unreachable!("{} was tried when it was read: {error}", self.file),
        };
        for (entry, val) in emission.updates {
            net.update(&self.network.entries()[entry].name, val);
        }
        let first = emission.outputs[0];
        match (&self.role.returns, &self.role.labels) {
            (Returns::Objective(_), _) => net.b.reshape(first, &Shape::scalar()),
            (Returns::Logits(_), Labels::Places(places)) if places.rank() == 2 => {
                net.b.transpose(first, &[0, 2, 3, 1])
            }
            _ => first,
        }
    }
}
