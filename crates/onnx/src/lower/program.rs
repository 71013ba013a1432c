//! All nodes of a network in order.

use std::{collections::BTreeMap, sync::Arc};

use graph::{Builder, Val};
use tensor::DType;

use super::{
    fold,
    node::{Node, Rebatch, Setting, Value},
    registry,
};
use crate::{
    Missing, Moments, OnnxError, classify,
    error::{Fault, unsupported},
    parsed::{self, Parsed},
    schema::NodeProto,
};

/// What a network became in a graph.
#[derive(Clone, Debug)]
pub struct Emission {
    /// The network's outputs, in the order of the file.
    pub outputs: Vec<Val>,
    /// Unless batch normalisation goes by running statistics, what becomes of these, by the position of the entry that holds the old ones.
    pub updates: Vec<(usize, Val)>,
}

/// A network that is turned into graph.
pub(crate) struct Program<'a> {
    pub(crate) parsed: &'a Parsed,
    /// The floating-point type of the graph.
    pub(crate) dtype: DType,
    pub(crate) moments: Moments,
    pub(crate) rebatch: Option<Rebatch>,
}

impl Program<'_> {
    /// Emits all nodes. `entries` are the parameters and buffers in the order of the file's entries, `inputs` the examples.
    pub(crate) fn emit(
        &self,
        b: &mut Builder,
        entries: &[Val],
        inputs: &[Val],
    ) -> Result<Emission, OnnxError> {
        let setting = Setting {
            opset: self.parsed.opset,
            float: self.dtype,
            moments: self.moments,
            rebatch: self.rebatch,
        };
        let mut values = self.given(entries, inputs);
        let mut updates = Vec::new();
        for proto in &self.parsed.graph.node {
            let operands = operands(proto, &values).map_err(|fault| error(proto, fault))?;
            let mut node = Node { proto, setting, inputs: operands, b, updates: Vec::new() };
            let outputs = run(&mut node).map_err(|fault| error(proto, fault))?;
            for (input, val) in std::mem::take(&mut node.updates) {
                updates.extend(self.entry_of(&proto.input[input]).map(|entry| (entry, val)));
            }
            values.extend(proto.output.iter().map(String::as_str).zip(outputs));
        }
        let outputs = self.outputs(b, setting, &values)?;
        Ok(Emission { outputs, updates })
    }

    /// What there is before the first node.
    fn given(&self, entries: &[Val], inputs: &[Val]) -> BTreeMap<&str, Value> {
        let constants = self.parsed.constants.iter();
        let mut values: BTreeMap<&str, Value> =
            constants.map(|(name, tensor)| (name.as_str(), Value::Known(Arc::clone(tensor)))).collect();
        let entries = self.parsed.entries.iter().map(|entry| entry.name.as_str()).zip(entries);
        let inputs = self.parsed.inputs.iter().map(|port| port.name.as_str()).zip(inputs);
        values.extend(entries.chain(inputs).map(|(name, &val)| (name, Value::Plain(val))));
        values
    }

    /// The entry that a name stands for.
    fn entry_of(&self, name: &str) -> Option<usize> {
        let sources = classify::sources(&self.parsed.graph);
        let name = sources.get(name).copied().unwrap_or(name);
        self.parsed.entries.iter().position(|entry| entry.name == name)
    }

    fn outputs(
        &self,
        b: &mut Builder,
        setting: Setting,
        values: &BTreeMap<&str, Value>,
    ) -> Result<Vec<Val>, OnnxError> {
        let nothing = NodeProto::default();
        let mut node = Node { proto: &nothing, setting, inputs: Vec::new(), b, updates: Vec::new() };
        let outputs = self.parsed.graph.output.iter().map(|output| match values.get(output.name()) {
            Some(value) => node.plain(value).map_err(|fault| error(&nothing, fault)),
            None => Err(OnnxError::Model {
                expected: "outputs that are computed".to_owned(),
                found: format!("'{}'", output.name()),
            }),
        });
        outputs.collect()
    }
}

/// The values of a node's inputs; an empty name stands for one that is left out.
fn operands(proto: &NodeProto, values: &BTreeMap<&str, Value>) -> Result<Vec<Option<Value>>, Fault> {
    let operand = |name: &String| match values.get(name.as_str()) {
        _ if name.is_empty() => Ok(None),
        Some(value) => Ok(Some(value.clone())),
        None => unsupported(format!("'{name}', an output that the node before does not return here")),
    };
    proto.input.iter().map(operand).collect()
}

fn run(node: &mut Node<'_>) -> Result<Vec<Value>, Fault> {
    match registry::find(node.proto.op_type()) {
        Some(operator) => fold::apply(operator.rule, node),
        None => unreachable!("operators are checked when a file is read"),
    }
}

fn error(node: &NodeProto, fault: Fault) -> OnnxError {
    let (name, op) = (parsed::node_name(node), node.op_type().to_owned());
    match fault {
        Fault::Invalid(reason) => OnnxError::Node { node: name, op, reason },
        Fault::Unsupported(reason) => {
            OnnxError::Unsupported { list: vec![Missing { node: name, op, reason, count: 1 }] }
        }
    }
}
