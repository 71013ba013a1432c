//! How the axes of a primitive's operands and result correspond, index by index.

use crate::Ty;

/// One of the values that a primitive touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Slot {
    /// The operand at this position.
    Operand(usize),
    /// The result.
    Result,
}

/// An axis of an operand or of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Axis {
    /// Whose axis.
    pub slot: Slot,
    /// Which axis, 0 the outermost.
    pub axis: usize,
}

impl Axis {
    /// Axis `axis` of operand `operand`.
    #[must_use]
    pub const fn operand(operand: usize, axis: usize) -> Self {
        Self { slot: Slot::Operand(operand), axis }
    }

    /// Axis `axis` of the result.
    #[must_use]
    pub const fn result(axis: usize) -> Self {
        Self { slot: Slot::Result, axis }
    }
}

/// The indices `start`, `start + step`, … (`count` of them) of an axis. A negative step runs backwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Run {
    /// The axis.
    pub axis: Axis,
    /// The first index.
    pub start: usize,
    /// The difference between consecutive indices.
    pub step: isize,
    /// The number of indices.
    pub count: usize,
}

impl Run {
    /// All `size` indices of an axis.
    #[must_use]
    pub const fn whole(axis: Axis, size: usize) -> Self {
        Self { axis, start: 0, step: 1, count: size }
    }

    /// The indices of the run, in order.
    pub fn indices(self) -> impl Iterator<Item = usize> {
        (0..self.count as isize).map(move |i| (self.start as isize + i * self.step) as usize)
    }
}

/// Two runs of equal length whose indices move together: the `i`-th of one with the `i`-th of the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tie(pub Run, pub Run);

/// What a primitive asserts about index permutations.
///
/// If the indices of operand axes are permuted such that tied indices move together and fixed ones stay, then
/// the result is the same tensor with its tied indices permuted likewise. An operand axis in no tie and not
/// fixed is one whose order does not matter (it is summed over, or its maximum taken); a result axis in no tie
/// and not fixed is one along which the result is constant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AxisMap {
    /// Runs that move together.
    pub ties: Vec<Tie>,
    /// Runs that may not move.
    pub fixed: Vec<Run>,
    /// Those of the fixed runs that are fixed for want of a finer description.
    pub inner: Vec<Inner>,
}

/// A fixed run inside of what another axis moves as blocks. Within a single block it may be free to move, in each block in
/// another way, which runs along axes cannot say: cut the outer axis into its indices, and the map of each part will.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Inner {
    /// The axis whose indices move as blocks.
    pub outer: Axis,
    /// The fixed run.
    pub run: Run,
}

impl AxisMap {
    /// Ties all indices of two axes of equal size.
    pub fn tie(&mut self, left: Axis, right: Axis, size: usize) {
        self.ties.push(Tie(Run::whole(left, size), Run::whole(right, size)));
    }

    /// Fixes all indices of an axis.
    pub fn fix(&mut self, axis: Axis, size: usize) {
        self.fixed.push(Run::whole(axis, size));
    }

    /// Fixes all indices of an axis inside of blocks that `outer` moves.
    pub fn fix_inside(&mut self, outer: Axis, axis: Axis, size: usize) {
        self.fix(axis, size);
        self.inner.push(Inner { outer, run: Run::whole(axis, size) });
    }

    /// Every axis of each of `operands` operands moves with the same axis of the result.
    #[must_use]
    pub fn elementwise(operands: usize, result: &Ty) -> Self {
        let mut map = Self::default();
        for operand in 0..operands {
            for (axis, &size) in result.shape.iter().enumerate() {
                map.tie(Axis::operand(operand, axis), Axis::result(axis), size);
            }
        }
        map
    }
}
