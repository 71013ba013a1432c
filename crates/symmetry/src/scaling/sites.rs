//! Places at which an application is looked at: one element of the result, with the elements of the operands it is made of.

use graph::{Axis, AxisMap, Graph, Run, Slot, Val};

/// For each operand, then the result, the index along each axis; `None` for an operand that takes no part.
pub(crate) type Site = Vec<Option<Vec<usize>>>;

/// An index along an axis of one of the values, given by its position.
pub(crate) type Place = (usize, usize, usize);

/// An application with its axis map.
pub(crate) struct Application<'a> {
    /// The operands, then the result.
    pub(crate) vals: Vec<Val>,
    /// The sizes of their axes.
    shapes: Vec<&'a [usize]>,
    /// For each axis of each value the runs that are tied, with what each is tied to.
    ties: Vec<Vec<Vec<(Run, Run)>>>,
    fixed: Vec<Run>,
}

impl<'a> Application<'a> {
    pub(crate) fn new(graph: &'a Graph, val: Val, operands: &[Val], map: AxisMap) -> Self {
        let vals: Vec<Val> = operands.iter().copied().chain([val]).collect();
        let shapes: Vec<&[usize]> = vals.iter().map(|&val| &graph.ty(val).shape[..]).collect();
        let ties = shapes.iter().map(|shape| vec![Vec::new(); shape.len()]).collect();
        let mut application = Self { vals, shapes, ties, fixed: map.fixed };
        for tie in map.ties {
            for (own, other) in [(tie.0, tie.1), (tie.1, tie.0)] {
                let slot = application.slot(own.axis);
                application.ties[slot][own.axis.axis].push((own, other));
            }
        }
        application
    }

    fn result(&self) -> usize {
        self.vals.len() - 1
    }

    fn slot(&self, axis: Axis) -> usize {
        match axis.slot {
            Slot::Operand(operand) => operand,
            Slot::Result => self.result(),
        }
    }

    /// The indices that may not move, by operand (the result last) and axis.
    pub(crate) fn fixed(&self) -> impl Iterator<Item = (usize, usize, Run)> + '_ {
        self.fixed.iter().map(|run| (self.slot(run.axis), run.axis.axis, *run))
    }

    /// The site where axes of the values have these indices, given with the values' positions, and everything else follows or is
    /// first; `None` where there is none, as for an index that a slice leaves out.
    pub(crate) fn site(&self, moved: &[Place]) -> Option<Site> {
        let mut found: Vec<Vec<Option<usize>>> =
            self.shapes.iter().map(|shape| vec![None; shape.len()]).collect();
        for &(slot, axis, index) in moved {
            if self.is_left_out(slot, axis, index) {
                return None;
            }
            self.place(&mut found, slot, axis, index);
        }
        for slot in std::iter::once(self.result()).chain(0..self.result()) {
            for axis in 0..found[slot].len() {
                if found[slot][axis].is_none() && !self.is_absent(&found, slot, axis) {
                    (self.shapes[slot][axis] > 0).then_some(())?;
                    self.place(&mut found, slot, axis, 0);
                }
            }
        }
        Some(found.into_iter().map(|indices| indices.into_iter().collect()).collect())
    }

    /// Sets an index, and those that move with it.
    fn place(&self, found: &mut [Vec<Option<usize>>], slot: usize, axis: usize, index: usize) {
        if found[slot][axis].is_some() {
            return;
        }
        found[slot][axis] = Some(index);
        for &(from, to) in &self.ties[slot][axis] {
            if let Some(position) = position(from, index) {
                let index = (to.start as isize + position as isize * to.step) as usize;
                self.place(found, self.slot(to.axis), to.axis.axis, index);
            }
        }
    }

    /// Whether an index of an operand goes nowhere although others along its axis go to the result.
    fn is_left_out(&self, slot: usize, axis: usize, index: usize) -> bool {
        let mut to_result =
            self.ties[slot][axis].iter().filter(|(_, other)| other.axis.slot == Slot::Result).peekable();
        slot != self.result()
            && to_result.peek().is_some()
            && to_result.all(|(own, _)| position(*own, index).is_none())
    }

    /// Whether the axis of an operand is tied to one of the result whose index it does not have, as of the operands of a
    /// concatenation all but one.
    fn is_absent(&self, found: &[Vec<Option<usize>>], slot: usize, axis: usize) -> bool {
        slot != self.result()
            && self.ties[slot][axis].iter().any(|(_, other)| {
                other.axis.slot == Slot::Result && found[self.result()][other.axis.axis].is_some()
            })
    }
}

/// Where an index is in a run.
fn position(run: Run, index: usize) -> Option<usize> {
    let offset = index as isize - run.start as isize;
    let position = if run.step == 0 { 0 } else { offset / run.step };
    (position >= 0 && (position as usize) < run.count && position * run.step == offset)
        .then_some(position as usize)
}

#[cfg(test)]
mod tests {
    use graph::{Builder, Def, Ty};

    use super::*;

    /// The application that makes the first output.
    fn application(graph: &Graph) -> Application<'_> {
        let val = graph.outputs()[0].val;
        let Def::Apply { op, operands } = graph.def(val) else { panic!("an application") };
        let types: Vec<&Ty> = operands.iter().map(|&operand| graph.ty(operand)).collect();
        Application::new(graph, val, operands, op.axes(&types, graph.ty(val)))
    }

    #[test]
    fn contracted_indices_move_together() {
        let mut b = Builder::new("product");
        let (x, w) = (b.data("x", Ty::f64([2, 3])), b.data("w", Ty::f64([4, 3])));
        let y = b.dot_transposed(x, w);
        b.output("y", y);
        let graph = b.finish();
        let site = application(&graph).site(&[(0, 1, 2)]);
        assert_eq!(site, Some(vec![Some(vec![0, 2]), Some(vec![0, 2]), Some(vec![0, 0])]));
    }

    #[test]
    fn of_the_operands_of_a_concatenation_one_takes_part() {
        let mut b = Builder::new("together");
        let (x, y) = (b.data("x", Ty::f64([2])), b.data("y", Ty::f64([3])));
        let both = b.concatenate(&[x, y], 0);
        b.output("both", both);
        let graph = b.finish();
        let application = application(&graph);
        assert_eq!(application.site(&[(2, 0, 3)]), Some(vec![None, Some(vec![1]), Some(vec![3])]));
        assert_eq!(application.site(&[(0, 0, 1)]), Some(vec![Some(vec![1]), None, Some(vec![1])]));
    }
}
