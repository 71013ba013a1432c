//! A number that stands for all there is to a graph.

use std::hash::{DefaultHasher, Hash, Hasher};

use graph::{Attr, Def, Graph};
use tensor::{Buffer, Tensor};

/// 128 bits of a graph's names, types, applications and constants, to the bit. Different graphs have the same
/// fingerprint with probability 2⁻¹²⁸.
pub(crate) fn fingerprint(graph: &Graph) -> [u64; 2] {
    [0u8, 1].map(|salt| {
        let mut hasher = DefaultHasher::new();
        salt.hash(&mut hasher);
        hash_graph(graph, &mut hasher);
        hasher.finish()
    })
}

fn hash_graph(graph: &Graph, hasher: &mut DefaultHasher) {
    graph.name().hash(hasher);
    graph.len().hash(hasher);
    for val in graph.vals() {
        let ty = graph.ty(val);
        (ty.dtype, &ty.shape[..]).hash(hasher);
        match graph.def(val) {
            Def::Input(position) => (true, position, &graph.inputs()[*position].name).hash(hasher),
            Def::Apply { op, operands } => {
                (false, op.name(), operands).hash(hasher);
                for (name, attribute) in op.attributes() {
                    name.hash(hasher);
                    hash_attribute(&attribute, hasher);
                }
            }
        }
    }
    for output in graph.outputs() {
        (&output.name, output.val).hash(hasher);
    }
}

fn hash_attribute(attribute: &Attr, hasher: &mut DefaultHasher) {
    match attribute {
        Attr::Int(value) => value.hash(hasher),
        Attr::Ints(values) => values.hash(hasher),
        Attr::Word(word) => word.hash(hasher),
        Attr::Tensor(tensor) => hash_tensor(tensor, hasher),
    }
}

fn hash_tensor(tensor: &Tensor, hasher: &mut DefaultHasher) {
    (tensor.dtype(), &tensor.shape()[..]).hash(hasher);
    match tensor.buffer() {
        Buffer::F32(elements) => elements.iter().for_each(|x| x.to_bits().hash(hasher)),
        Buffer::F64(elements) => elements.iter().for_each(|x| x.to_bits().hash(hasher)),
        Buffer::I32(elements) => elements.hash(hasher),
        Buffer::Bool(elements) => elements.hash(hasher),
    }
}

#[cfg(test)]
mod tests {
    use graph::{Builder, Ty};

    use super::*;

    fn graph(number: f64, size: usize) -> Graph {
        let mut b = Builder::new("g");
        let x = b.data("x", Ty::f32([size]));
        let y = b.scale(x, number);
        b.output("y", y);
        b.finish()
    }

    #[test]
    fn the_same_graph_has_the_same_fingerprint() {
        assert_eq!(fingerprint(&graph(f64::NAN, 3)), fingerprint(&graph(f64::NAN, 3)));
    }

    #[test]
    fn numbers_and_shapes_count_to_the_bit() {
        let prints = [graph(0.0, 3), graph(-0.0, 3), graph(0.0, 4)].map(|graph| fingerprint(&graph));
        assert!(prints[0] != prints[1] && prints[0] != prints[2] && prints[1] != prints[2]);
    }
}
