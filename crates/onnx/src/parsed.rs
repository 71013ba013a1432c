//! A decoded file with everything that does not change from one graph to the next.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
};

use bytes::Bytes;
use graph::Role;
use prost::Message;
use tensor::{Shape, Tensor};

use crate::{
    Entry, OnnxError, Port, PortKind, classify,
    element::{self, Element, Header},
    external,
    schema::{
        GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, ValueInfoProto,
        tensor_shape_proto, type_proto,
    },
};

/// The versions of ONNX's own operators that are read.
const OPSETS: std::ops::RangeInclusive<i64> = 7..=26;

/// A network as its file describes it.
#[derive(Debug)]
pub(crate) struct Parsed {
    /// The whole file; the data of tensors are parts of it.
    pub(crate) bytes: Bytes,
    pub(crate) graph: GraphProto,
    pub(crate) opset: i64,
    /// Where files with external data lie.
    folder: Option<PathBuf>,
    pub(crate) entries: Vec<Entry>,
    /// The initializers that are no entries, by name.
    pub(crate) constants: BTreeMap<String, Arc<Tensor>>,
    pub(crate) inputs: Vec<Port>,
    /// The first axis of the first input, where it is a number.
    pub(crate) fixed_batch: Option<usize>,
}

fn model_fault<T>(expected: impl Into<String>, found: impl Into<String>) -> Result<T, OnnxError> {
    Err(OnnxError::Model { expected: expected.into(), found: found.into() })
}

impl Parsed {
    pub(crate) fn new(bytes: Bytes, folder: Option<PathBuf>) -> Result<Self, OnnxError> {
        let model = ModelProto::decode(bytes.clone())
            .map_err(|error| OnnxError::Format { reason: error.to_string() })?;
        let opset = opset(&model)?;
        let Some(graph) = model.graph else { return model_fault("a network", "a file without a graph") };
        check_names(&graph)?;
        let (inputs, fixed_batch) = ports(&graph)?;
        let mut parsed = Self {
            bytes,
            graph,
            opset,
            folder,
            entries: Vec::new(),
            constants: BTreeMap::new(),
            inputs,
            fixed_batch,
        };
        parsed.sort_initializers()?;
        Ok(parsed)
    }

    /// Tells parameters, buffers and constants from each other.
    fn sort_initializers(&mut self) -> Result<(), OnnxError> {
        let roles = classify::roles(&self.graph);
        for tensor in &self.graph.initializer {
            let (header, name) = (Header::of(tensor)?, tensor.name().to_owned());
            match roles.get(tensor.name()) {
                Some(&role) if header.element.is_float() && self.is_finite(tensor, &header)? => {
                    self.entries.push(Entry { name, shape: header.shape, role });
                }
                _ => {
                    let constant = self.decode(tensor, &header)?;
                    self.constants.insert(name, Arc::new(constant));
                }
            }
        }
        self.entries.sort_by_key(|entry| entry.role == Role::State);
        Ok(())
    }

    /// Whether all elements are. Masks hold infinities; weights that do are refused where they are used. Only small tensors
    /// are looked at, as masks of causal attention are: quadratic in a context.
    fn is_finite(&self, tensor: &TensorProto, header: &Header) -> Result<bool, OnnxError> {
        let is_square = matches!(header.shape[..], [.., rows, columns] if rows == columns && rows > 1);
        if !is_square || is_empty(tensor) {
            return Ok(true);
        }
        Ok(self.decode(tensor, header)?.first_non_finite().is_none())
    }

    /// The elements of an initializer.
    pub(crate) fn decode(&self, tensor: &TensorProto, header: &Header) -> Result<Tensor, OnnxError> {
        if external::is_external(tensor) {
            let raw = external::read(tensor, header, self.folder.as_deref())?;
            return element::from_raw(tensor, header, &raw);
        }
        decode_inline(tensor, header)
    }

    /// The initializers by name.
    pub(crate) fn initializers(&self) -> BTreeMap<&str, &TensorProto> {
        self.graph.initializer.iter().map(|tensor| (tensor.name(), tensor)).collect()
    }
}

/// Whether a tensor comes without data, as entries do in a skeleton.
pub(crate) fn is_empty(tensor: &TensorProto) -> bool {
    !external::is_external(tensor)
        && tensor.raw_data.is_none()
        && [tensor.float_data.len(), tensor.double_data.len(), tensor.int32_data.len()] == [0; 3]
}

/// The elements of a tensor within the file.
pub(crate) fn decode_inline(tensor: &TensorProto, header: &Header) -> Result<Tensor, OnnxError> {
    match &tensor.raw_data {
        Some(raw) => element::from_raw(tensor, header, raw),
        None => element::from_fields(tensor, header),
    }
}

/// The version of ONNX's own operators.
fn opset(model: &ModelProto) -> Result<i64, OnnxError> {
    let own = model.opset_import.iter().find(|set| is_own_domain(set.domain()));
    match own.map(OperatorSetIdProto::version) {
        Some(version) if OPSETS.contains(&version) => Ok(version),
        found => {
            let found = found.map_or_else(|| "none".to_owned(), |version| version.to_string());
            model_fault(format!("opset {} to {}", OPSETS.start(), OPSETS.end()), found)
        }
    }
}

/// Whether a domain is that of ONNX's own operators.
pub(crate) fn is_own_domain(domain: &str) -> bool {
    matches!(domain, "" | "ai.onnx")
}

/// Checks that every name is defined once and before it is used.
fn check_names(graph: &GraphProto) -> Result<(), OnnxError> {
    let mut known: BTreeSet<&str> = BTreeSet::new();
    for tensor in &graph.initializer {
        if !known.insert(tensor.name()) {
            return model_fault("each initializer once", format!("'{}' twice", tensor.name()));
        }
    }
    known.extend(graph.input.iter().map(ValueInfoProto::name));
    for node in &graph.node {
        let unknown = node.input.iter().find(|name| !name.is_empty() && !known.contains(name.as_str()));
        if let Some(name) = unknown {
            let found = format!("'{name}' in node '{}', which nothing before it defines", node_name(node));
            return model_fault("nodes in order", found);
        }
        for output in node.output.iter().filter(|name| !name.is_empty()) {
            if !known.insert(output) {
                return model_fault("each value once", format!("'{output}' twice"));
            }
        }
    }
    match graph.output.iter().find(|output| !known.contains(output.name())) {
        Some(output) => model_fault("outputs that are computed", format!("'{}'", output.name())),
        None if graph.output.is_empty() => model_fault("an output", "none"),
        None => Ok(()),
    }
}

/// What a node is called in messages.
pub(crate) fn node_name(node: &NodeProto) -> String {
    let name = node.name.iter().chain(&node.output).find(|name| !name.is_empty());
    name.cloned().unwrap_or_default()
}

/// The inputs that are no initializers, and the size of their batch where it is a number.
fn ports(graph: &GraphProto) -> Result<(Vec<Port>, Option<usize>), OnnxError> {
    let stored: BTreeSet<&str> = graph.initializer.iter().map(TensorProto::name).collect();
    let fed: Vec<&ValueInfoProto> =
        graph.input.iter().filter(|input| !stored.contains(input.name())).collect();
    let mut batches = BTreeSet::new();
    let mut ports = Vec::new();
    for input in fed {
        let (port, batch) = port(input)?;
        batches.insert(batch);
        ports.push(port);
    }
    if ports.is_empty() {
        return model_fault("an input for examples", "none");
    }
    let mut batches = batches.into_iter();
    match (batches.next(), batches.next()) {
        (Some(batch), None) => Ok((ports, batch)),
        _ => model_fault(
            "one size of the batch in all inputs",
            "several; export each with the same first axis",
        ),
    }
}

fn port(input: &ValueInfoProto) -> Result<(Port, Option<usize>), OnnxError> {
    let name = input.name().to_owned();
    let fault = |expected: &str, found: String| {
        let expected = format!("{expected} for input '{name}'");
        OnnxError::Model { expected, found }
    };
    let value = input.r#type.as_ref().and_then(|ty| ty.value.as_ref());
    let Some(type_proto::Value::TensorType(tensor)) = value else {
        return Err(fault("a tensor", "something else".to_owned()));
    };
    let kind = match Element::from_code(tensor.elem_type()) {
        Some(element) if element.is_float() => PortKind::Float,
        Some(Element::Bool) => PortKind::Bool,
        Some(_) => PortKind::Integer,
        None => {
            return Err(fault("floats, integers or truth values", format!("type {}", tensor.elem_type())));
        }
    };
    let Some(shape) = &tensor.shape else { return Err(fault("a shape", "none".to_owned())) };
    let Some((batch, example)) = shape.dim.split_first() else {
        return Err(fault("a batch axis", "a scalar".to_owned()));
    };
    let sizes = example.iter().enumerate().map(|(axis, dim)| match &dim.value {
        Some(tensor_shape_proto::dimension::Value::DimValue(size @ 1..)) => Ok(*size as usize),
        Some(tensor_shape_proto::dimension::Value::DimParam(symbol)) => {
            let found = format!("'{symbol}' as axis {}; export it with a fixed size there", axis + 1);
            Err(fault("sizes of an example", found))
        }
        _ => Err(fault("sizes of an example", format!("none as axis {}", axis + 1))),
    });
    let example: Shape = sizes.collect::<Result<Vec<usize>, _>>()?.into();
    if example.checked_elements().is_none() {
        return Err(fault("sizes that can be addressed", example.to_string()));
    }
    let batch = match &batch.value {
        Some(tensor_shape_proto::dimension::Value::DimValue(size @ 1..)) => Some(*size as usize),
        _ => None,
    };
    Ok((Port { name, kind, example }, batch))
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    #[test]
    fn files_encode_to_the_bytes_they_were_read_from() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens");
        let mut count = 0;
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "onnx") {
                let bytes = Bytes::from(fs::read(&path).unwrap());
                assert_eq!(ModelProto::decode(bytes.clone()).unwrap().encode_to_vec(), bytes, "{path:?}");
                count += 1;
            }
        }
        assert!(count >= 25, "{count} files");
    }
}
