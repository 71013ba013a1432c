//! Networks read from files.

use std::{fs, path::Path, sync::Arc};

use bytes::Bytes;
use graph::{Builder, Role, Ty, Val};
use prost::Message;
use tensor::{DType, Shape, Tensor};

use crate::{
    Batch, Emission, Entry, Moments, OnnxError, Port, PortKind, bound, classify,
    element::Header,
    lower::{self, Program, Rebatch},
    parsed::Parsed,
    schema::{ModelProto, TensorProto},
};

/// A network read from an ONNX file. Copies share their memory.
///
/// Its entries are the initializers of floats that training changes, under the names that the file gives them: weights of
/// layers, and operands of more than one element, are parameters; the running statistics of batch normalisation are state.
/// Single numbers, integers and masks with infinities are constants of the formula.
///
/// All inputs and outputs have the batch as their first axis. Numbers of floating point, of whatever width, are computed in
/// the type that [`OnnxModel::emit`] is given, and integers in 32 bits.
#[derive(Clone, Debug)]
pub struct OnnxModel(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    parsed: Parsed,
    batch: Batch,
    outputs: Vec<Output>,
    /// For each input, below which number its integers must lie.
    bounds: Vec<Option<usize>>,
    skeleton: Bytes,
}

/// What building a network once tells.
struct Trial {
    outputs: Vec<Output>,
    bounds: Vec<Option<usize>>,
}

/// An output of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Output {
    name: String,
    shape: Shape,
    /// Whether the first axis is the batch, which the shape is then without.
    per_example: bool,
}

/// Sizes of the batch that a network is tried with: primes, of which the first is taken that divides no size in the file.
/// An axis of that size is then the batch and nothing else.
const TRIALS: [usize; 8] = [1009, 1013, 1019, 1021, 1031, 1033, 1039, 1049];

impl OnnxModel {
    /// Reads a file. Data that lie in other files are read from its folder, when they are needed.
    ///
    /// # Errors
    /// [`OnnxError::Read`] where the file cannot be read, and those of [`OnnxModel::parse`].
    pub fn read(path: &Path) -> Result<Self, OnnxError> {
        let bytes = fs::read(path).map_err(|source| OnnxError::Read { path: path.to_owned(), source })?;
        Self::parse(bytes, path.parent())
    }

    /// Reads a network; `folder` is where files with external data lie.
    ///
    /// # Errors
    /// [`OnnxError::Format`] where the bytes are no ONNX file, [`OnnxError::Model`] where it is malformed as a whole,
    /// [`OnnxError::Tensor`] and [`OnnxError::External`] where a stored tensor is, [`OnnxError::Unsupported`] with all
    /// operators and attributes that are not read, [`OnnxError::Node`] where a node does not fit its operands.
    pub fn parse(bytes: impl Into<Bytes>, folder: Option<&Path>) -> Result<Self, OnnxError> {
        let parsed = Parsed::new(bytes.into(), folder.map(Path::to_owned))?;
        lower::check_operators(&parsed)?;
        let (batch, Trial { outputs, bounds }) = tried(&parsed)?;
        let skeleton = skeleton(&parsed)?;
        Ok(Self(Arc::new(Inner { parsed, batch, outputs, bounds, skeleton })))
    }

    /// The network without the values of its entries: what [`OnnxModel::parse`] makes of [`OnnxModel::skeleton`].
    ///
    /// # Errors
    /// Where constants of the formula lie in another file.
    pub fn without_weights(&self) -> Result<Self, OnnxError> {
        let Inner { batch, outputs, bounds, skeleton, .. } = &*self.0;
        Ok(Self(Arc::new(Inner {
            parsed: Parsed::new(skeleton.clone(), None)?,
            batch: batch.clone(),
            outputs: outputs.clone(),
            bounds: bounds.clone(),
            skeleton: skeleton.clone(),
        })))
    }

    /// The parameters, then the buffers, each in the order of the file.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.0.parsed.entries
    }

    /// The inputs, in the order of the file.
    #[must_use]
    pub fn inputs(&self) -> &[Port] {
        &self.0.parsed.inputs
    }

    /// Names and shapes of the outputs: of one example where they have the batch as their first axis, or else
    /// (`false`) as they are.
    pub fn outputs(&self) -> impl ExactSizeIterator<Item = (&str, &Shape, bool)> {
        self.0.outputs.iter().map(|output| (output.name.as_str(), &output.shape, output.per_example))
    }

    /// Below which number the elements of an input of integers must lie: the rows of the table that tokens are first looked up
    /// in, or the classes that labels are compared with. `None` where the network tells neither.
    #[must_use]
    pub fn bound(&self, input: usize) -> Option<usize> {
        self.0.bounds.get(input).copied().flatten()
    }

    /// Whether an entry is the running variance of a batch normalisation.
    #[must_use]
    pub fn is_variance(&self, name: &str) -> bool {
        let graph = &self.0.parsed.graph;
        let sources = classify::sources(graph);
        let mut norms = graph.node.iter().filter(|node| node.op_type() == "BatchNormalization");
        norms.any(|node| {
            let variance = node.input.get(4).map_or("", String::as_str);
            sources.get(variance).copied().unwrap_or(variance) == name
        })
    }

    /// Which sizes of the batch the network takes.
    #[must_use]
    pub fn batch(&self) -> &Batch {
        &self.0.batch
    }

    /// The values of all entries as `f32`, in their order; what is stored in 64 bits is rounded.
    ///
    /// # Errors
    /// Where data are missing, or lie in a file that cannot be read.
    pub fn weights(&self) -> Result<Vec<Tensor>, OnnxError> {
        let initializers = self.0.parsed.initializers();
        let values = self.entries().iter().filter_map(|entry| initializers.get(entry.name.as_str()));
        values
            .map(|tensor| {
                let value = self.0.parsed.decode(tensor, &Header::of(tensor)?)?;
                Ok(if value.dtype() == DType::F32 { value } else { value.convert(DType::F32) })
            })
            .collect()
    }

    /// The network without the values of its entries, as an ONNX file that [`OnnxModel::parse`] reads: what there is to
    /// remember of it beside weights. Equal for files that differ in weights alone.
    #[must_use]
    pub fn skeleton(&self) -> &Bytes {
        &self.0.skeleton
    }

    /// Emits the network in the floating-point type `dtype`. `entries` has a value for each of [`OnnxModel::entries`], of
    /// type `dtype`; `inputs` one for each of [`OnnxModel::inputs`], with a batch in front and all of one size: floats of
    /// `dtype`, integers of `i32`, truth values. Batch normalisation goes by `moments`, and
    /// what becomes of its statistics is returned; dropout drops nothing.
    ///
    /// # Errors
    /// [`OnnxError::Node`] where the network does not work with this size of the batch (see [`OnnxModel::batch`]), or the
    /// operands are not of these types.
    pub fn emit(
        &self,
        b: &mut Builder,
        dtype: DType,
        entries: &[Val],
        inputs: &[Val],
        moments: Moments,
    ) -> Result<Emission, OnnxError> {
        let parsed = &self.0.parsed;
        let batch = inputs.first().and_then(|&input| b.shape(input).first().copied());
        let rebatch = parsed.fixed_batch.zip(batch).filter(|(exported, wanted)| exported != wanted);
        let rebatch = rebatch.map(|(exported, wanted)| Rebatch { exported, wanted });
        Program { parsed, dtype, moments, rebatch }.emit(b, entries, inputs)
    }

    pub(crate) fn parsed(&self) -> &Parsed {
        &self.0.parsed
    }
}

/// Networks are equal that differ in the values of their entries alone.
impl PartialEq for OnnxModel {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.skeleton == other.0.skeleton
    }
}

impl Eq for OnnxModel {}

/// Whether a size in the file is a multiple of this one.
fn has_multiple_of(parsed: &Parsed, size: usize) -> bool {
    let entries = parsed.entries.iter().map(|entry| &entry.shape);
    let constants = parsed.constants.values().map(|tensor| tensor.shape());
    let inputs = parsed.inputs.iter().map(|port| &port.example);
    let mut sizes = entries.chain(constants).chain(inputs).flat_map(|shape| shape.iter());
    sizes.any(|&other| other > 0 && other.is_multiple_of(size))
}

/// Builds the network once to learn which sizes of the batch it takes and what it returns.
fn tried(parsed: &Parsed) -> Result<(Batch, Trial), OnnxError> {
    let trial = TRIALS.into_iter().find(|&size| !has_multiple_of(parsed, size)).unwrap_or(TRIALS[0]);
    let Some(size) = parsed.fixed_batch else { return Ok((Batch::Any, attempt(parsed, trial)?)) };
    let exported = attempt(parsed, size)?;
    let reason = match attempt(parsed, trial) {
        Ok(trial) if have_the_batch_alike(&trial, &exported, size) => return Ok((Batch::Any, trial)),
        Ok(_) => "an output does not have the batch as its first axis".to_owned(),
        Err(error) => error.to_string(),
    };
    Ok((Batch::Fixed { size, reason }, exported))
}

/// Whether the same outputs have the batch as their first axis. What has an axis of size 1 in a batch of one tells nothing.
fn have_the_batch_alike(trial: &Trial, exported: &Trial, size: usize) -> bool {
    let mut pairs = trial.outputs.iter().zip(&exported.outputs);
    size == 1 || pairs.all(|(new, old)| new.per_example == old.per_example)
}

/// The network for a batch of this size.
fn attempt(parsed: &Parsed, batch: usize) -> Result<Trial, OnnxError> {
    let mut b = Builder::new("trial");
    let entries: Vec<Val> = parsed
        .entries
        .iter()
        .map(|entry| b.input(entry.name.clone(), entry.role, Ty::f32(entry.shape.clone())))
        .collect();
    let inputs: Vec<Val> = parsed
        .inputs
        .iter()
        .map(|port| {
            let dtype = match port.kind {
                PortKind::Float => DType::F32,
                PortKind::Integer => DType::I32,
                PortKind::Bool => DType::Bool,
            };
            let shape: Shape = std::iter::once(batch).chain(port.example.iter().copied()).collect();
            b.input(port.name.clone(), Role::Data, Ty::new(dtype, shape))
        })
        .collect();
    let rebatch = parsed.fixed_batch.filter(|&exported| exported != batch);
    let rebatch = rebatch.map(|exported| Rebatch { exported, wanted: batch });
    let program = Program { parsed, dtype: DType::F32, moments: Moments::Running, rebatch };
    let emission = program.emit(&mut b, &entries, &inputs)?;
    let outputs = parsed.graph.output.iter().zip(emission.outputs).map(|(output, val)| {
        let shape = b.shape(val);
        let per_example = shape.first() == Some(&batch);
        let shape = if per_example { Shape::from(&shape[1..]) } else { shape.clone() };
        Output { name: output.name().to_owned(), shape, per_example }
    });
    let outputs = outputs.collect();
    let graph = b.finish();
    let bounds = parsed.inputs.iter().zip(&inputs).map(|(port, &input)| match port.kind {
        PortKind::Integer => bound::bound(&graph, input),
        PortKind::Float | PortKind::Bool => None,
    });
    Ok(Trial { outputs, bounds: bounds.collect() })
}

/// The file without the data of its entries.
fn skeleton(parsed: &Parsed) -> Result<Bytes, OnnxError> {
    let mut model = ModelProto::decode(parsed.bytes.clone())
        .map_err(|error| OnnxError::Format { reason: error.to_string() })?;
    let is_entry = |tensor: &TensorProto| parsed.entries.iter().any(|entry| entry.name == tensor.name());
    for tensor in model.graph.iter_mut().flat_map(|graph| &mut graph.initializer) {
        if is_entry(tensor) {
            *tensor = TensorProto {
                name: tensor.name.take(),
                dims: std::mem::take(&mut tensor.dims),
                data_type: tensor.data_type,
                ..TensorProto::default()
            };
        }
    }
    Ok(model.encode_to_vec().into())
}
