//! The innermost loops of windows: one row of targets, each a vector of channels.

use std::{hint::select_unpredictable, ops::Range};

use super::taps::Taps;
use crate::{isa::versions, loops::cell::Cell};

/// A row of targets along the last axis.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    /// For each position on the other axes: its number, and where its elements start, in pixels.
    pub(super) heads: &'a [(i32, usize)],
    pub(super) last: &'a Taps,
    pub(super) channels: usize,
}

/// An element of a target.
struct Element {
    /// Which target of the row.
    target: usize,
    /// Whether it is the target's first.
    first: bool,
    /// The number of its position.
    number: i32,
    /// Where its channels are.
    place: Range<usize>,
}

/// Runs a block for each element of each target, in the order of the positions, with the target's channels. No closure,
/// because the compiler may leave one apart, without the instruction set of the function around it.
macro_rules! each {
    ($row:ident, $all:ident => |$out:ident, $element:ident| $body:expr) => {
        let targets = $all.chunks_exact_mut($row.channels).zip(&$row.last.targets);
        for (target, ($out, &tap)) in targets.enumerate() {
            let mut first = true;
            for &(number, source) in $row.heads {
                let (mut number, mut source) = (number.wrapping_add(tap.number), source + tap.source);
                for _ in 0..tap.count {
                    let start = source * $row.channels;
                    let $element = Element { target, first, number, place: start..start + $row.channels };
                    $body;
                    first = false;
                    number = number.wrapping_add($row.last.number_step);
                    source += $row.last.source_step;
                }
            }
        }
    };
}

#[inline(always)]
fn sum_body<T: Cell>(out: &mut [T], x: &[T], row: Row<'_>) {
    out.fill(T::default());
    each!(row, out => |out, element| {
        out.iter_mut().zip(&x[element.place]).for_each(|(sum, &x)| *sum = sum.plus(x));
    });
}

/// Whether `x` takes the place of the maximum so far: it is larger, or the first NaN.
#[inline(always)]
#[expect(clippy::neg_cmp_op_on_partial_ord, reason = "what is not at most the maximum may be NaN")]
fn is_better<T: Cell>(x: T, best: T) -> bool {
    !(x <= best) & (best >= T::LEAST)
}

/// Replaces what is best so far, and its number, where `x` takes its place.
#[inline(always)]
fn better<T: Cell>(out: &mut [i32], best: &mut [T], x: &[T], number: i32, first: bool) {
    if first {
        best.copy_from_slice(x);
        return out.fill(number);
    }
    for ((out, best), &x) in out.iter_mut().zip(best.iter_mut()).zip(x) {
        let better = is_better(x, *best);
        *best = if better { x } else { *best };
        *out = if better { number } else { *out };
    }
}

#[inline(always)]
fn argmax_body<T: Cell>(out: &mut [i32], best: &mut [T], x: &[T], row: Row<'_>) {
    each!(row, out => |out, element| better(out, best, &x[element.place], element.number, element.first));
}

/// `out = x` where a position is the one with this number.
#[inline(always)]
fn pick<T: Cell>(out: &mut [T], positions: &[i32], x: &[T], number: i32) {
    for ((out, &position), &x) in out.iter_mut().zip(positions).zip(x) {
        // A plain choice would be a store behind a branch.
        *out = select_unpredictable(position == number, x, *out);
    }
}

#[inline(always)]
fn gather_body<T: Cell>(out: &mut [T], x: &[T], positions: &[i32], row: Row<'_>) {
    out.fill(T::default());
    each!(row, out => |out, element| {
        let own = element.target * row.channels;
        pick(out, &positions[own..own + row.channels], &x[element.place], element.number);
    });
}

#[inline(always)]
fn scatter_body<T: Cell>(out: &mut [T], updates: &[T], positions: &[i32], row: Row<'_>) {
    out.fill(T::default());
    each!(row, out => |out, element| {
        let named = positions[element.place.clone()].iter().zip(&updates[element.place]);
        for (sum, (&position, &update)) in out.iter_mut().zip(named) {
            *sum = if position == element.number { sum.plus(update) } else { *sum };
        }
    });
}

versions! {
    /// Each target is the sum of its elements.
    fn sum<T: Cell>(out: &mut [T], x: &[T], row: Row<'_>) = sum_body;
    /// Each target is the number of the first maximum among its elements; `best` has one place for each channel.
    fn argmax<T: Cell>(out: &mut [i32], best: &mut [T], x: &[T], row: Row<'_>) = argmax_body;
    /// Each target is the element whose position it names.
    fn gather<T: Cell>(out: &mut [T], x: &[T], positions: &[i32], row: Row<'_>) = gather_body;
    /// Each target is the sum of the updates whose positions name it.
    fn scatter<T: Cell>(out: &mut [T], updates: &[T], positions: &[i32], row: Row<'_>) = scatter_body;
}
