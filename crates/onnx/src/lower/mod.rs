//! From nodes to graph.

mod attention;
mod binary;
mod conv;
mod fold;
mod linear;
mod loss;
mod make;
mod node;
mod norm;
mod pad;
mod part;
mod pool;
mod program;
mod recurrent;
mod reduce;
mod registry;
mod resize;
mod shape;
mod softmax;
mod unary;
mod windows;

use crate::{
    Missing, OnnxError,
    parsed::{self, Parsed},
    schema::NodeProto,
};

pub use program::Emission;
pub(crate) use {node::Rebatch, program::Program};

/// The names of the operators that are read.
pub fn operators() -> impl ExactSizeIterator<Item = &'static str> {
    registry::OPERATORS.iter().map(|operator| operator.name)
}

/// Refuses a network with operators or attributes that are not read, and names all of them.
pub(crate) fn check_operators(parsed: &Parsed) -> Result<(), OnnxError> {
    let mut list: Vec<Missing> = Vec::new();
    for node in &parsed.graph.node {
        for (op, reason) in missing(node) {
            match list.iter_mut().find(|other| (&other.op, &other.reason) == (&op, &reason)) {
                Some(known) => known.count += 1,
                None => list.push(Missing { node: parsed::node_name(node), op, reason, count: 1 }),
            }
        }
    }
    if list.is_empty() { Ok(()) } else { Err(OnnxError::Unsupported { list }) }
}

/// What of a node is not read.
fn missing(node: &NodeProto) -> Vec<(String, String)> {
    let own = parsed::is_own_domain(node.domain());
    let operator = own.then(|| registry::find(node.op_type())).flatten();
    let name = if own { node.op_type().to_owned() } else { format!("{}.{}", node.domain(), node.op_type()) };
    let Some(operator) = operator else {
        return vec![(name, "there is no such operator here".to_owned())];
    };
    let unknown = node.attribute.iter().filter(|attribute| !operator.attributes.contains(&attribute.name()));
    unknown
        .map(|attribute| (name.clone(), format!("there is no attribute '{}' here", attribute.name())))
        .collect()
}
