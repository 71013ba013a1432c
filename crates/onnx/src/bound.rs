//! How large the integers of an input may be.

use graph::{Def, Graph, Prim, Val, ops::Direction};
use tensor::DType;

/// Below which number the elements of an input of integers must lie: the size of the axis in which they are looked up first,
/// or the number of classes that they are compared with. `None` where neither happens.
pub(crate) fn bound(graph: &Graph, input: Val) -> Option<usize> {
    let mut known = vec![false; graph.vals().len()];
    known[input.position()] = true;
    for val in graph.vals() {
        let Def::Apply { op, operands } = graph.def(val) else { continue };
        let comes_from_input = |operand: Val| known[operand.position()];
        if let (Prim::Gather(gather), &[table, indices]) = (op, &operands[..])
            && comes_from_input(indices)
        {
            return Some(graph.ty(table).shape[gather.axis]);
        }
        if let (Prim::Compare(compare), &[left, right]) = (op, &operands[..])
            && compare.direction == Direction::Eq
        {
            let classes = |input, other| comes_from_input(input).then(|| counted(graph, other)).flatten();
            if let Some(classes) = classes(left, right).or_else(|| classes(right, left)) {
                return Some(classes);
            }
        }
        known[val.position()] =
            graph.ty(val).dtype == DType::I32 && operands.iter().any(|&operand| comes_from_input(operand));
    }
    None
}

/// How far a value counts along an axis, where that is all it does.
fn counted(graph: &Graph, val: Val) -> Option<usize> {
    match graph.def(val) {
        Def::Apply { op: Prim::Iota(iota), .. } => Some(iota.shape[iota.axis]),
        Def::Apply { op: Prim::BroadcastInDim(_) | Prim::Reshape(_), operands } => {
            counted(graph, operands[0])
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use graph::{Builder, Ty};

    use super::*;

    #[test]
    fn labels_are_below_the_classes_that_they_are_compared_with() {
        let mut b = Builder::new("loss");
        let scores = b.data("scores", Ty::f32([3, 7]));
        let labels = b.data("labels", Ty::i32([3]));
        let losses = b.cross_entropy(scores, labels);
        b.output("losses", losses);
        let graph = b.finish();
        assert_eq!(bound(&graph, labels), Some(7));
        assert_eq!(bound(&graph, scores), None);
    }

    #[test]
    fn tokens_are_below_the_rows_of_their_table() {
        let mut b = Builder::new("embedding");
        let table = b.parameter("table", Ty::f32([11, 4]));
        let tokens = b.data("tokens", Ty::i32([3, 5]));
        let rows = b.embedding(table, tokens);
        b.output("rows", rows);
        assert_eq!(bound(&b.finish(), tokens), Some(11));
    }

    #[test]
    fn integers_that_are_only_computed_with_have_no_bound() {
        let mut b = Builder::new("sum");
        let x = b.data("x", Ty::i32([3]));
        let y = b.add(x, x);
        b.output("y", y);
        assert_eq!(bound(&b.finish(), x), None);
    }
}
