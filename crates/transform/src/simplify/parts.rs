//! Rewrites of slices, paddings, concatenations and reversals.

use std::ops::Range;

use graph::{
    Builder, Prim, Val,
    ops::{BroadcastInDim, Concatenate, Pad, Reverse, Slice},
};

use super::{
    fold::{definition, emit, is_splat_of},
    rewrite::Rewritten,
};
use crate::sum::zeros;

/// The indices that a slice reads along an axis.
#[derive(Clone, Copy, Debug)]
struct Reads {
    start: usize,
    stride: usize,
    count: usize,
}

impl Reads {
    fn of(op: &Slice, axis: usize) -> Self {
        Self { start: op.start[axis], stride: op.stride[axis], count: op.size(axis) }
    }

    /// The last index; there is one.
    const fn last(self) -> usize {
        self.start + (self.count - 1) * self.stride
    }

    /// Whether these are all indices of an axis, in order.
    const fn is_whole(self, size: usize) -> bool {
        self.start == 0 && self.count == size && (self.stride == 1 || size < 2)
    }
}

fn slice_of(reads: &[Reads]) -> Slice {
    let limit = |reads: &Reads| if reads.count == 0 { 0 } else { reads.last() + 1 };
    Slice {
        start: reads.iter().map(|reads| if reads.count == 0 { 0 } else { reads.start }).collect(),
        limit: reads.iter().map(limit).collect(),
        stride: reads.iter().map(|reads| if reads.count < 2 { 1 } else { reads.stride }).collect(),
    }
}

/// A slice of a slice, of one operand of a concatenation, of what a padding keeps, of repetitions.
pub(super) fn slice(b: &mut Builder, op: &Slice, x: Val) -> Option<Rewritten> {
    let (inner, operands) = definition(b, x)?;
    let (inner, operands) = (inner.clone(), operands.to_vec());
    let reads: Vec<Reads> = (0..op.start.len()).map(|axis| Reads::of(op, axis)).collect();
    if reads.iter().any(|reads| reads.count == 0) {
        return None;
    }
    match inner {
        Prim::Slice(inner) => Some((slice_of_slice(&reads, &inner).into(), operands)),
        Prim::Concatenate(inner) => slice_of_concatenation(b, reads, inner.axis, &operands),
        Prim::Pad(inner) => slice_of_padding(b, &reads, &inner, x, operands[0]),
        Prim::BroadcastInDim(inner) => {
            let own: Vec<Reads> = inner.axes.iter().map(|&axis| reads[axis]).collect();
            let operand = emit(b, &slice_of(&own).into(), &operands);
            let shape = reads.iter().map(|reads| reads.count).collect();
            Some((BroadcastInDim { shape, axes: inner.axes }.into(), vec![operand]))
        }
        _ => None,
    }
}

fn slice_of_slice(reads: &[Reads], inner: &Slice) -> Slice {
    let through = |(axis, &Reads { start, stride, count }): (usize, &Reads)| Reads {
        start: inner.start[axis] + start * inner.stride[axis],
        stride: if count < 2 { 1 } else { stride * inner.stride[axis] },
        count,
    };
    slice_of(&reads.iter().enumerate().map(through).collect::<Vec<_>>())
}

fn slice_of_concatenation(
    b: &Builder,
    mut reads: Vec<Reads>,
    axis: usize,
    pieces: &[Val],
) -> Option<Rewritten> {
    let mut end = 0;
    let (start, piece) = pieces.iter().find_map(|&piece| {
        let start = end;
        end += b.shape(piece)[axis];
        (start..end).contains(&reads[axis].start).then_some((start, piece))
    })?;
    let fits = reads[axis].last() < start + b.shape(piece)[axis];
    reads[axis].start -= start.min(reads[axis].start);
    fits.then(|| (slice_of(&reads).into(), vec![piece]))
}

/// What a slice finds along an axis of a padding.
enum Found {
    /// All of the axis.
    All,
    /// Elements of the operand.
    Elements(Reads),
    /// Zeros only.
    Zeros,
}

/// What is read of the operand, where that can be told; `size` and `padded` are those of the axis.
fn found(reads: Reads, op: &Pad, axis: usize, size: usize, padded: usize) -> Option<Found> {
    let kept = op.kept(axis, size, padded);
    if kept.indices.is_empty() {
        return Some(Found::Zeros);
    }
    let last = kept.start + (kept.indices.len() - 1) * kept.step;
    if reads.last() < kept.start || reads.start > last {
        return Some(Found::Zeros);
    }
    let strides_fit = reads.count == 1 || reads.stride.is_multiple_of(kept.step);
    if strides_fit && !reads.start.abs_diff(kept.start).is_multiple_of(kept.step) {
        return Some(Found::Zeros);
    }
    if strides_fit && reads.start >= kept.start && reads.last() <= last {
        let start = kept.indices.start + (reads.start - kept.start) / kept.step;
        return Some(Found::Elements(Reads {
            start,
            stride: reads.stride.div_ceil(kept.step),
            count: reads.count,
        }));
    }
    reads.is_whole(padded).then_some(Found::All)
}

fn slice_of_padding(b: &mut Builder, reads: &[Reads], op: &Pad, padded: Val, x: Val) -> Option<Rewritten> {
    let (shape, padded_shape) = (b.shape(x).clone(), b.shape(padded).clone());
    let axes = reads.iter().enumerate();
    let found: Option<Vec<Found>> =
        axes.map(|(axis, &reads)| found(reads, op, axis, shape[axis], padded_shape[axis])).collect();
    let found = found?;
    if found.iter().any(|found| matches!(found, Found::Zeros)) {
        let zero = b.scalar(b.ty(x).dtype, 0.0);
        let shape = reads.iter().map(|reads| reads.count).collect();
        return Some((BroadcastInDim { shape, axes: Vec::new() }.into(), vec![zero]));
    }
    if found.iter().all(|found| matches!(found, Found::All)) {
        return None;
    }
    let (mut rest, mut own) = (op.clone(), Vec::new());
    for (axis, found) in found.into_iter().enumerate() {
        own.push(match found {
            Found::Elements(reads) => {
                (rest.low[axis], rest.high[axis], rest.interior[axis]) = (0, 0, 0);
                reads
            }
            _ => Reads { start: 0, stride: 1, count: shape[axis] },
        });
    }
    let operand = emit(b, &slice_of(&own).into(), &[x]);
    Some((rest.into(), vec![operand]))
}

/// A padding that only takes away, and a padding of a padding.
pub(super) fn pad(b: &Builder, op: &Pad, x: Val) -> Option<Rewritten> {
    let shape = b.shape(x);
    let between = |axis: usize| shape[axis] > 1 && op.interior[axis] > 0;
    let rank = shape.rank();
    if (0..rank).all(|axis| op.low[axis] <= 0 && op.high[axis] <= 0 && !between(axis)) {
        let cut = |count: i64| usize::try_from(count.unsigned_abs()).ok();
        let reads = (0..rank).map(|axis| {
            let (start, end) = (cut(op.low[axis])?, shape[axis].checked_sub(cut(op.high[axis])?)?);
            Some(Reads { start, stride: 1, count: end.checked_sub(start)? })
        });
        return Some((slice_of(&reads.collect::<Option<Vec<_>>>()?).into(), vec![x]));
    }
    let (Prim::Pad(inner), operands) = definition(b, x)? else { return None };
    let shape = b.shape(operands[0]);
    let joined: Option<Vec<_>> = (0..rank).map(|axis| joined_padding(op, inner, axis, shape[axis])).collect();
    Some((Pad::new(&joined?).into(), operands.to_vec()))
}

/// One axis of two paddings as one, where the inner one takes nothing away.
fn joined_padding(outer: &Pad, inner: &Pad, axis: usize, size: usize) -> Option<(i64, i64, usize)> {
    if inner.low[axis] < 0 || inner.high[axis] < 0 || size == 0 {
        return None;
    }
    let step = i64::try_from(outer.interior[axis]).ok()?.checked_add(1)?;
    let apart = inner.interior[axis].checked_add(1)?.checked_mul(usize::try_from(step).ok()?)? - 1;
    let outside = |own: i64, of_inner: i64| own.checked_add(of_inner.checked_mul(step)?);
    let (low, high) =
        (outside(outer.low[axis], inner.low[axis])?, outside(outer.high[axis], inner.high[axis])?);
    Some((low, high, apart))
}

/// A reversal of a reversal, or of repetitions.
pub(super) fn reverse(b: &Builder, op: &Reverse, x: Val) -> Option<Rewritten> {
    let (inner, operands) = definition(b, x)?;
    match inner {
        Prim::Reverse(inner) => {
            let once = |axis: &usize| op.axes.contains(axis) != inner.axes.contains(axis);
            let axes = (0..b.shape(x).rank()).filter(once).collect();
            Some((Reverse { axes }.into(), operands.to_vec()))
        }
        Prim::BroadcastInDim(inner) => {
            let axes: Vec<usize> = op.axes.iter().copied().filter(|axis| inner.axes.contains(axis)).collect();
            (axes.len() < op.axes.len()).then(|| (Reverse { axes }.into(), vec![x]))
        }
        _ => None,
    }
}

/// A concatenation without the operands that have no index along its axis.
pub(super) fn concatenate(b: &Builder, op: &Concatenate, x: &[Val]) -> Option<Rewritten> {
    let own: Vec<Val> = x.iter().copied().filter(|&x| b.shape(x)[op.axis] > 0).collect();
    (!own.is_empty() && own.len() < x.len()).then(|| (op.clone().into(), own))
}

/// Where a value that is zero elsewhere has elements along an axis.
type Pieces = Vec<(Range<usize>, Val)>;

/// The axis and the pieces of a value that is zero between them.
fn pieces(b: &Builder, val: Val) -> Option<(usize, Pieces)> {
    match definition(b, val)? {
        (Prim::Pad(op), operands) => {
            let shape = b.shape(operands[0]);
            let padded: Vec<usize> =
                (0..shape.rank()).filter(|&axis| b.shape(val)[axis] != shape[axis]).collect();
            let &[axis] = &padded[..] else { return None };
            let is_plain = |axis: usize| {
                op.low[axis] >= 0 && op.high[axis] >= 0 && (op.interior[axis] == 0 || shape[axis] < 2)
            };
            let start = usize::try_from(op.low[axis]).ok()?;
            let plain = (0..shape.rank()).all(is_plain);
            plain.then(|| (axis, vec![(start..start + shape[axis], operands[0])]))
        }
        (Prim::Concatenate(op), operands) => {
            let mut end = 0;
            let ranges = operands.iter().map(|&operand| {
                let start = end;
                end += b.shape(operand)[op.axis];
                (start..end, operand)
            });
            let own: Pieces = ranges.filter(|(_, operand)| !is_splat_of(b, *operand, 0.0)).collect();
            (own.len() < operands.len()).then_some((op.axis, own))
        }
        _ => None,
    }
}

/// A sum of which each index along an axis has one term that is not zero, as a concatenation: what the cotangents of
/// slices add up to.
pub(super) fn sum_of_pieces(b: &mut Builder, x: &[Val]) -> Option<Rewritten> {
    let ((axis, mut own), (other, more)) = (pieces(b, x[0])?, pieces(b, x[1])?);
    own.extend(more);
    own.sort_by_key(|(range, _)| range.start);
    if axis != other || own.windows(2).any(|pair| pair[0].0.end > pair[1].0.start) {
        return None;
    }
    let ty = b.ty(x[0]).clone();
    let (mut joined, mut end) = (Vec::new(), 0);
    for (range, val) in own {
        joined.extend(zeros(b, &ty, axis, range.start - end));
        joined.push(val);
        end = range.end;
    }
    joined.extend(zeros(b, &ty, axis, ty.shape[axis] - end));
    Some((Concatenate { axis }.into(), joined))
}
