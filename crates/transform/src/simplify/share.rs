//! Common-subexpression elimination.

use std::collections::BTreeMap;

use graph::{Attr, Graph, Prim, Val};
use tensor::Buffer;

use super::rebuild;

/// Computes equal applications (the same primitive with the same attributes on the same operands, in either order
/// where that is all the same) once.
#[must_use]
pub fn eliminate_common_subexpressions(graph: &Graph) -> Graph {
    let mut seen: BTreeMap<Key, Val> = BTreeMap::new();
    rebuild(graph, |b, _, op, operands| {
        *seen.entry(key(op, operands)).or_insert_with(|| b.apply(op.clone(), operands))
    })
}

/// The name of the primitive, its attributes and its operands, as numbers that are equal exactly where the
/// applications are.
type Key = (&'static str, Vec<u64>, Vec<Val>);

fn key(op: &Prim, operands: &[Val]) -> Key {
    let mut words = Vec::new();
    for (_, attribute) in op.attributes() {
        encode(&attribute, &mut words);
    }
    let mut operands = operands.to_vec();
    if matches!(op, Prim::Add(_) | Prim::Multiply(_)) {
        operands.sort_unstable();
    }
    (op.name(), words, operands)
}

fn encode(attribute: &Attr, words: &mut Vec<u64>) {
    match attribute {
        Attr::Int(value) => words.push(*value as u64),
        Attr::Ints(values) => {
            words.push(values.len() as u64);
            words.extend(values.iter().map(|&value| value as u64));
        }
        Attr::Word(word) => {
            words.push(word.len() as u64);
            words.extend(word.bytes().map(u64::from));
        }
        Attr::Tensor(tensor) => {
            words.push(tensor.dtype() as u64);
            words.push(tensor.shape().rank() as u64);
            words.extend(tensor.shape().iter().map(|&size| size as u64));
            encode_elements(tensor.buffer(), words);
        }
    }
}

fn encode_elements(elements: &Buffer, words: &mut Vec<u64>) {
    match elements {
        Buffer::F32(x) => words.extend(x.iter().map(|x| u64::from(x.to_bits()))),
        Buffer::F64(x) => words.extend(x.iter().map(|x| x.to_bits())),
        Buffer::I32(x) => words.extend(x.iter().map(|&x| x as u64)),
        Buffer::Bool(x) => words.extend(x.iter().map(|&x| u64::from(x))),
    }
}
