//! Sums of products and sums of convolutions, as the derivatives of bilinear primitives have them: computed as one.

use graph::Val;

use super::Lowering;
use crate::{
    node::{Kind, Node},
    view::View,
};

/// Most products or convolutions in a sum: the operands of all of them live at the same time.
const MAX_TERMS: usize = 8;

impl Lowering<'_> {
    /// The sum of two values as one node, where both are products, or both convolutions of the same sizes and strides,
    /// that nobody else reads. The nodes of the two are left unread.
    pub(super) fn joint_sum(&mut self, [x, y]: [Val; 2]) -> Option<View> {
        let (left, right) = (self.view(x), self.view(y));
        let same = left.shape == right.shape && left.strides == right.strides;
        if x == y || !same || self.uses[x.position()] != 1 || self.uses[y.position()] != 1 {
            return None;
        }
        let (first, second) = (self.whole_result(&left)?, self.whole_result(&right)?);
        let operands = [&first.operands[..], &second.operands[..]].concat();
        if operands.len() > 2 * MAX_TERMS {
            return None;
        }
        let elements = self.nodes.buffer(left.buffer).elements;
        let dtype = self.nodes.buffer(left.buffer).dtype;
        let sum = match (&first.kind, &second.kind) {
            (Kind::Product(first), Kind::Product(second)) => {
                let sum = first.plus(second)?;
                self.node(Kind::Product(sum), operands, dtype, &[elements])
            }
            (Kind::Convolution(first), Kind::Convolution(second)) if first.problem() == second.problem() => {
                let problem = first.problem().clone();
                self.convolution_node(problem, operands, &[elements])
            }
            _ => return None,
        };
        Some(View { buffer: sum.buffer, ..left })
    }

    /// The node of whose result a view shows every element.
    fn whole_result(&self, view: &View) -> Option<&Node> {
        let nodes = &self.nodes.nodes;
        let position = nodes.binary_search_by_key(&view.buffer, |node| node.result).ok()?;
        let whole = view.offset == 0 && view.elements() == self.nodes.buffer(view.buffer).elements;
        whole.then(|| &nodes[position])
    }
}
