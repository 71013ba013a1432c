//! The innermost loops of windows: one row of targets, each a vector of channels.

use std::ops::Range;

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

impl Row<'_> {
    /// Calls `with` for each element of each target, in the order of the positions, with the target's channels.
    #[inline(always)]
    fn each<T>(&self, out: &mut [T], mut with: impl FnMut(&mut [T], Element)) {
        let targets = out.chunks_exact_mut(self.channels).zip(&self.last.targets);
        for (target, (out, &tap)) in targets.enumerate() {
            let mut first = true;
            for &(number, source) in self.heads {
                self.last.each(tap, |more, further| {
                    let start = (source + further) * self.channels;
                    let place = start..start + self.channels;
                    with(out, Element { target, first, number: number.wrapping_add(more), place });
                    first = false;
                });
            }
        }
    }
}

#[inline(always)]
fn sum_body<T: Cell>(out: &mut [T], x: &[T], row: Row<'_>) {
    out.fill(T::default());
    row.each(out, |out, Element { place, .. }| {
        out.iter_mut().zip(&x[place]).for_each(|(sum, &x)| *sum = sum.plus(x));
    });
}

/// Whether `x` takes the place of the maximum so far: it is larger, or the first NaN.
#[inline(always)]
#[expect(clippy::neg_cmp_op_on_partial_ord, reason = "what is not at most the maximum may be NaN")]
fn is_better<T: Cell>(x: T, best: T) -> bool {
    !(x <= best) & (best >= T::LEAST)
}

#[inline(always)]
fn argmax_body<T: Cell>(out: &mut [i32], best: &mut [T], x: &[T], row: Row<'_>) {
    row.each(out, |out, Element { first, number, place, .. }| {
        let x = &x[place];
        if first {
            best.copy_from_slice(x);
            return out.fill(number);
        }
        for ((out, best), &x) in out.iter_mut().zip(best.iter_mut()).zip(x) {
            let better = is_better(x, *best);
            *best = if better { x } else { *best };
            *out = if better { number } else { *out };
        }
    });
}

/// `out = x` where a position is the one with this number.
#[inline(always)]
fn pick<T: Cell>(out: &mut [T], positions: &[i32], x: &[T], number: i32) {
    const LANES: usize = 16;
    let ((out, out_rest), (x, x_rest)) = (out.as_chunks_mut::<LANES>(), x.as_chunks::<LANES>());
    let (positions, positions_rest) = positions.as_chunks::<LANES>();
    let choose = |out: T, position: i32, x: T| if position == number { x } else { out };
    for ((out, positions), x) in out.iter_mut().zip(positions).zip(x) {
        // A whole block is written: a store for each choice would be a branch.
        *out = std::array::from_fn(|lane| choose(out[lane], positions[lane], x[lane]));
    }
    for ((out, &position), &x) in out_rest.iter_mut().zip(positions_rest).zip(x_rest) {
        *out = choose(*out, position, x);
    }
}

#[inline(always)]
fn gather_body<T: Cell>(out: &mut [T], x: &[T], positions: &[i32], row: Row<'_>) {
    out.fill(T::default());
    row.each(out, |out, Element { target, number, place, .. }| {
        let own = target * row.channels;
        pick(out, &positions[own..own + row.channels], &x[place], number);
    });
}

#[inline(always)]
fn scatter_body<T: Cell>(out: &mut [T], updates: &[T], positions: &[i32], row: Row<'_>) {
    out.fill(T::default());
    row.each(out, |out, Element { number, place, .. }| {
        let named = positions[place.clone()].iter().zip(&updates[place]);
        for (sum, (&position, &update)) in out.iter_mut().zip(named) {
            *sum = if position == number { sum.plus(update) } else { *sum };
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
