//! Elementwise operations on slices, and folds of slices: the inner loops.

use graph::ops::Direction;
use tensor::Key;

use super::{cell::Cell, registers::TILE};
use crate::{
    fuse::MAX_ROW,
    isa::versions,
    node::{Binary, Fold, Unary},
};

/// An operand of an inner loop.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source<'a, T> {
    /// One element for each element of the result.
    Slice(&'a [T]),
    /// The same element everywhere.
    Splat(T),
}

#[inline(always)]
pub(super) fn map1<T: Copy, R: Copy>(out: &mut [R], x: Source<'_, T>, f: impl Fn(T) -> R) {
    match x {
        Source::Slice(x) => {
            for (out, &x) in out.iter_mut().zip(x) {
                *out = f(x);
            }
        }
        Source::Splat(x) => out.fill(f(x)),
    }
}

#[inline(always)]
pub(super) fn map2<A: Copy, B: Copy, R: Copy>(
    out: &mut [R],
    x: Source<'_, A>,
    y: Source<'_, B>,
    f: impl Fn(A, B) -> R,
) {
    match (x, y) {
        (Source::Slice(x), Source::Slice(y)) => {
            for ((out, &x), &y) in out.iter_mut().zip(x).zip(y) {
                *out = f(x, y);
            }
        }
        (x, Source::Splat(y)) => map1(out, x, |x| f(x, y)),
        (Source::Splat(x), y) => map1(out, y, |y| f(x, y)),
    }
}

/// As [`map1`] of `f`, but where `large` holds of `exact`.
#[inline(always)]
pub(super) fn map1_or<T: Copy>(
    out: &mut [T],
    x: Source<'_, T>,
    f: impl Fn(T) -> T + Copy,
    large: impl Fn(T) -> bool,
    exact: impl Fn(T) -> T,
) {
    map1(out, x, f);
    let Source::Slice(x) = x else {
        return map1(out, x, |x| if large(x) { exact(x) } else { f(x) });
    };
    if x.iter().fold(false, |any, &x| any | large(x)) {
        let pairs = out.iter_mut().zip(x).filter(|(_, x)| large(**x));
        pairs.for_each(|(out, &x)| *out = exact(x));
    }
}

#[inline(always)]
fn compare_body<T: Cell>(out: &mut [bool], direction: Direction, x: Source<'_, T>, y: Source<'_, T>) {
    match direction {
        Direction::Eq => map2(out, x, y, |x, y| x == y),
        Direction::Ne => map2(out, x, y, |x, y| x != y),
        Direction::Lt => map2(out, x, y, |x, y| x < y),
        Direction::Le => map2(out, x, y, |x, y| x <= y),
        Direction::Gt => map2(out, x, y, |x, y| x > y),
        Direction::Ge => map2(out, x, y, |x, y| x >= y),
    }
}

#[inline(always)]
fn select_body<T: Cell>(out: &mut [T], condition: Source<'_, bool>, x: Source<'_, T>, y: Source<'_, T>) {
    let condition = match condition {
        Source::Splat(true) => return map1(out, x, |x| x),
        Source::Splat(false) => return map1(out, y, |y| y),
        Source::Slice(condition) => condition,
    };
    match (x, y) {
        (Source::Slice(x), Source::Slice(y)) => {
            for (((out, &condition), &x), &y) in out.iter_mut().zip(condition).zip(x).zip(y) {
                *out = if condition { x } else { y };
            }
        }
        (x, Source::Splat(y)) => {
            map2(out, Source::Slice(condition), x, |condition, x| if condition { x } else { y });
        }
        (Source::Splat(x), y) => {
            map2(out, Source::Slice(condition), y, |condition, y| if condition { x } else { y });
        }
    }
}

/// Independent partial results of a fold, so that the additions of one need not wait for each other.
const LANES: usize = 16;

/// Folds a slice: element `i` into lane `i % 16`, then the lanes as a binary tree.
#[inline(always)]
fn fold_lanes<T: Cell>(x: &[T], identity: T, combine: impl Fn(T, T) -> T) -> T {
    let mut lanes = [identity; LANES];
    let whole = x.chunks_exact(LANES);
    let rest = whole.remainder();
    for chunk in whole {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane = combine(*lane, x);
        }
    }
    for (lane, &x) in lanes.iter_mut().zip(rest) {
        *lane = combine(*lane, x);
    }
    // Each half a value of its own: halves that overwrite each other would go through memory.
    let eight: [T; 8] = std::array::from_fn(|i| combine(lanes[i], lanes[i + 8]));
    let four: [T; 4] = std::array::from_fn(|i| combine(eight[i], eight[i + 4]));
    combine(combine(four[0], four[2]), combine(four[1], four[3]))
}

#[inline(always)]
fn combine_with<T: Cell>(into: &mut [T], x: &[T], combine: impl Fn(T, T) -> T) {
    for (into, &x) in into.iter_mut().zip(x) {
        *into = combine(*into, x);
    }
}

#[inline(always)]
fn fold_body<T: Cell>(fold: Fold, x: &[T]) -> T {
    match fold {
        Fold::Sum => fold_lanes(x, T::default(), T::plus),
        Fold::Max => fold_lanes(x, T::LEAST, T::larger),
    }
}

#[inline(always)]
fn combine_body<T: Cell>(fold: Fold, into: &mut [T], x: &[T]) {
    match fold {
        Fold::Sum => combine_with(into, x, T::plus),
        Fold::Max => combine_with(into, x, T::larger),
    }
}

/// Folds each row of `width` elements. Rows that do not fit a tile are folded piece by piece, and then the pieces, as
/// they would be by loops whose tiles are parts of rows.
#[inline(always)]
fn fold_rows_body<T: Cell>(fold: Fold, out: &mut [T], x: &[T], width: usize) {
    for (out, row) in out.iter_mut().zip(x.chunks_exact(width)) {
        *out = if width <= TILE {
            fold_body(fold, row)
        } else {
            let mut pieces = [T::default(); MAX_ROW / TILE];
            let count = width.div_ceil(TILE);
            for (piece, row) in pieces.iter_mut().zip(row.chunks(TILE)) {
                *piece = fold_body(fold, row);
            }
            fold_body(fold, &pieces[..count])
        };
    }
}

#[inline(always)]
fn spread_body<T: Cell>(out: &mut [T], x: &[T], width: usize) {
    for (out, &x) in out.chunks_exact_mut(width).zip(x) {
        out.fill(x);
    }
}

#[inline(always)]
fn convert_body<T: Cell, R: Cell>(out: &mut [R], x: Source<'_, T>) {
    map1(out, x, T::to);
}

#[inline(always)]
fn random_body(out: &mut [i32], key: Key, counter: u32, first: u64) {
    key.words(counter, first, out);
}

versions! {
    /// Random words of a stream, from position `first` on.
    fn random(out: &mut [i32], key: Key, counter: u32, first: u64) = random_body;
    /// `out = op(x)`.
    fn unary<T: Cell>(out: &mut [T], op: Unary, x: Source<'_, T>) = T::unary;
    /// `out = op(x, y)`.
    fn binary<T: Cell>(out: &mut [T], op: Binary, x: Source<'_, T>, y: Source<'_, T>) = T::binary;
    /// `out = x <relation> y`.
    fn compare<T: Cell>(out: &mut [bool], op: Direction, x: Source<'_, T>, y: Source<'_, T>) = compare_body;
    /// `out = if condition { x } else { y }`.
    fn select<T: Cell>(out: &mut [T], condition: Source<'_, bool>, x: Source<'_, T>, y: Source<'_, T>) = select_body;
    /// `out = x` in another type.
    fn convert<T: Cell, R: Cell>(out: &mut [R], x: Source<'_, T>) = convert_body;
    /// The fold of a slice: element `i` into lane `i % 16`, then the lanes as a binary tree.
    fn fold<T: Cell>(fold: Fold, x: &[T]) -> T = fold_body;
    /// The folds of the rows of `x`, each of `width` elements.
    fn fold_rows<T: Cell>(fold: Fold, out: &mut [T], x: &[T], width: usize) = fold_rows_body;
    /// Row `i` of `out`, each of `width` elements, is element `i` of `x` everywhere.
    fn spread<T: Cell>(out: &mut [T], x: &[T], width: usize) = spread_body;
    /// Folds the elements of `x` into those of `into`, one by one.
    fn combine<T: Cell>(fold: Fold, into: &mut [T], x: &[T]) = combine_body;
}
