//! Vectors and covectors.

use std::collections::BTreeMap;

use super::search::Node;

/// A union-find over members that knows of two whether they are alike.
#[derive(Default)]
pub(super) struct Kinds {
    /// The member above, and whether it is of the other kind.
    above: BTreeMap<Node, (Node, bool)>,
    /// Whether two members are to be both alike and not.
    pub(super) is_contradicted: bool,
}

impl Kinds {
    /// The member that stands for all that are related, and whether it is of the other kind.
    pub(super) fn root(&self, mut node: Node) -> (Node, bool) {
        let mut is_other = false;
        while let Some(&(above, differs)) = self.above.get(&node) {
            (node, is_other) = (above, is_other ^ differs);
        }
        (node, is_other)
    }

    pub(super) fn relate(&mut self, one: Node, other: Node, differ: bool) {
        let ((one, one_differs), (other, other_differs)) = (self.root(one), self.root(other));
        let differ = differ ^ one_differs ^ other_differs;
        if one != other {
            self.above.insert(one, (other, differ));
        } else if differ {
            self.is_contradicted = true;
        }
    }
}
