//! Sums of contributions to one value, such as a cotangent.

use graph::{Builder, Def, Prim, Val, ops::Pad};

/// The sum of `parts` in their order, or `None` of none. Parts that fill disjoint intervals of an axis with zeros
/// around them (the cotangents of slices) become one concatenation: the same numbers, but for the sign of a zero,
/// without a pass over the whole for each part.
pub(crate) fn sum(b: &mut Builder, parts: &[Val]) -> Option<Val> {
    let mut rest: Vec<Val> = Vec::new();
    let mut intervals: Vec<Interval> = Vec::new();
    for &part in parts {
        match Interval::of(b, part) {
            Some(interval) => intervals.push(interval),
            None => rest.push(part),
        }
    }
    intervals.sort_by_key(|interval| (interval.axis, interval.start));
    for group in intervals.chunk_by(|one, next| one.axis == next.axis) {
        let overlap = group.windows(2).any(|pair| pair[0].end > pair[1].start);
        if overlap || group.len() == 1 {
            rest.extend(group.iter().map(|interval| interval.whole));
        } else {
            rest.push(concatenation(b, group));
        }
    }
    rest.into_iter().reduce(|sum, part| b.add(sum, part))
}

/// A value that is zero but for the indices from `start` to `end` of one axis.
#[derive(Clone, Copy, Debug)]
struct Interval {
    whole: Val,
    inner: Val,
    axis: usize,
    start: usize,
    end: usize,
}

impl Interval {
    /// The interval that a padding on both sides of one axis fills.
    fn of(b: &Builder, whole: Val) -> Option<Self> {
        let Def::Apply { op: Prim::Pad(pad), operands } = b.graph().def(whole) else { return None };
        let axis = only_padded_axis(pad)?;
        let start = usize::try_from(pad.low[axis]).ok()?;
        let inner = operands[0];
        let end = start + b.shape(inner)[axis];
        (pad.high[axis] >= 0).then_some(Self { whole, inner, axis, start, end })
    }
}

fn only_padded_axis(pad: &Pad) -> Option<usize> {
    let is_padded = |&axis: &usize| (pad.low[axis], pad.high[axis], pad.interior[axis]) != (0, 0, 0);
    let mut padded = (0..pad.low.len()).filter(is_padded);
    let axis = padded.next()?;
    (padded.next().is_none() && pad.interior[axis] == 0).then_some(axis)
}

/// Disjoint intervals of one axis, in order, with zeros between them.
fn concatenation(b: &mut Builder, intervals: &[Interval]) -> Val {
    let axis = intervals[0].axis;
    let ty = b.ty(intervals[0].whole).clone();
    let mut pieces = Vec::with_capacity(intervals.len());
    let mut filled = 0;
    for interval in intervals {
        pieces.extend(zeros(b, &ty, axis, interval.start - filled));
        pieces.push(interval.inner);
        filled = interval.end;
    }
    pieces.extend(zeros(b, &ty, axis, ty.shape[axis] - filled));
    b.concatenate(&pieces, axis)
}

/// Zeros of type `ty` with `count` indices along `axis`; nothing for none.
pub(crate) fn zeros(b: &mut Builder, ty: &graph::Ty, axis: usize, count: usize) -> Option<Val> {
    let mut shape = ty.shape.to_vec();
    shape[axis] = count;
    (count > 0).then(|| b.splat(&ty.with_shape(shape), 0.0))
}
