//! Nodes whose operands are known: computed while the graph is built.

use std::sync::Arc;

use graph::{Builder, Reference};

use super::{
    node::{Node, Outputs, Value},
    registry::Rule,
};
use crate::error::Fault;

/// Most elements of all values together that are computed while a graph is built. Ours: arithmetic on shapes and masks
/// needs far less; what is larger becomes part of the graph.
const MOST_ELEMENTS: usize = 1 << 22;

/// What a node returns; known where its operands are.
pub(super) fn apply(rule: Rule, node: &mut Node<'_>) -> Outputs {
    if node.inputs.iter().flatten().all(|input| matches!(input, Value::Known(_)))
        && let Some(outputs) = known(rule, node)?
    {
        return Ok(outputs);
    }
    rule(node)
}

/// The results of a node on known operands, unless they are too large.
fn known(rule: Rule, node: &Node<'_>) -> Result<Option<Vec<Value>>, Fault> {
    let mut b = Builder::new("known");
    let mut scratch = Node {
        proto: node.proto,
        setting: node.setting,
        inputs: node.inputs.clone(),
        b: &mut b,
        updates: Vec::new(),
    };
    let outputs = rule(&mut scratch)?;
    let mut vals = Vec::new();
    for output in &outputs {
        if !matches!(output, Value::Known(_)) {
            vals.push(scratch.plain(output)?);
        }
    }
    for (place, val) in vals.iter().enumerate() {
        b.output(place.to_string(), *val);
    }
    let graph = b.finish();
    let elements =
        graph.vals().try_fold(0usize, |sum, val| sum.checked_add(graph.ty(val).shape.checked_elements()?));
    if elements.is_none_or(|elements| elements > MOST_ELEMENTS) {
        return Ok(None);
    }
    let computed = match Reference::evaluate(&graph, &[]) {
        Ok(computed) => computed,
        Err(error) => return Err(Fault::Invalid(error.to_string())),
    };
    let mut computed = computed.into_iter().map(|tensor| Value::Known(Arc::new(tensor)));
    let known = outputs.into_iter().map(|output| match output {
        Value::Known(_) => Some(output),
        Value::Plain(_) | Value::ChannelsLast(_) => computed.next(),
    });
    Ok(known.collect())
}
