//! Windows over tensors: rows of pixels, each a vector of channels.

use graph::ops::Window;
use rayon::prelude::*;

use super::{
    sweep::{self, Row},
    taps::{Strides, Taps},
};
use crate::{isa::Isa, loops::cell::Cell};

/// What is made of the elements of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// Their sum.
    Sum,
    /// The number of the position of the first maximum.
    Argmax,
    /// The one at a given position.
    Gather,
    /// For each element under windows, the sum of the updates whose positions name it.
    Scatter,
}

/// For each target the same of its elements, where the targets are the windows, or for a scatter the elements under
/// them. Axes on which nothing slides are the outermost (`outer`) and the innermost (`channels`).
#[derive(Clone, Debug)]
pub(crate) struct Slide {
    what: What,
    outer: usize,
    /// The axes between, of which there is at least one.
    axes: Vec<Taps>,
    /// Sources for each outer index, in pixels.
    sources: usize,
    channels: usize,
}

/// Elements per unit of work of a thread: large beside the cost of handing it over.
const UNIT: usize = 1 << 14;

impl Slide {
    /// Windows over a tensor of shape `base`, with results of shape `results`.
    pub(crate) fn new(what: What, windows: &[Window], base: &[usize], results: &[usize]) -> Self {
        let slides = |&axis: &usize| !windows[axis].is_pointwise(base[axis]);
        let rank = base.len();
        let first = (0..rank).find(slides).unwrap_or(rank);
        let end = (first..rank).rev().find(slides).map_or(first, |axis| axis + 1);
        let size = |axes: &[usize]| axes.iter().product::<usize>();
        let (sources, targets) = if what == What::Scatter { (results, base) } else { (base, results) };
        let mut strides = Strides { number: usize::from(what != What::Sum), source: 1 };
        let mut axes: Vec<Taps> = Vec::new();
        for axis in (first..end).rev() {
            let (window, size) = (&windows[axis], windows[axis].size);
            axes.push(if what == What::Scatter {
                let onto = window.onto_base(base[axis], results[axis]);
                Taps::new(&onto, sources[axis], targets[axis], strides).mirrored(size, strides)
            } else {
                Taps::new(window, sources[axis], targets[axis], strides)
            });
            strides = Strides { number: strides.number * size, source: strides.source * sources[axis] };
        }
        axes.reverse();
        if axes.is_empty() {
            axes.push(Taps::new(&Window::POINT, 1, 1, strides));
        }
        let (outer, channels) = (size(&base[..first]), size(&base[end..]));
        Self { what, outer, axes, sources: strides.source, channels }
    }

    pub(crate) const fn what(&self) -> What {
        self.what
    }

    /// What is computed, for people.
    pub(crate) fn describe(&self) -> String {
        let targets: Vec<usize> = self.axes.iter().map(|taps| taps.targets.len()).collect();
        format!("{:?} over windows: {} x {targets:?} of {} channels", self.what, self.outer, self.channels)
    }

    /// One for each element of each target.
    pub(crate) fn operations(&self) -> u64 {
        let pairs = |taps: &Taps| taps.targets.iter().map(|tap| tap.count as u64).sum::<u64>();
        self.axes.iter().map(pairs).product::<u64>() * (self.outer * self.channels) as u64
    }

    /// The sums of the elements.
    pub(crate) fn sum<T: Cell>(&self, isa: Isa, out: &mut [T], x: &[T]) {
        self.rows(out, |_, out, row| sweep::sum(isa, out, x, row));
    }

    /// The numbers of the first maxima.
    pub(crate) fn argmax<T: Cell>(&self, isa: Isa, out: &mut [i32], x: &[T]) {
        self.rows(out, |_, out, row| {
            let mut best = vec![T::default(); self.channels];
            sweep::argmax(isa, out, &mut best, x, row);
        });
    }

    /// A gather or a scatter of `x` by `positions`.
    pub(crate) fn choose<T: Cell>(&self, isa: Isa, out: &mut [T], x: &[T], positions: &[i32]) {
        self.rows(out, |start, out, row| match self.what {
            What::Gather => sweep::gather(isa, out, x, &positions[start..start + out.len()], row),
            _ => sweep::scatter(isa, out, x, positions, row),
        });
    }

    /// Calls `work` for each row of targets (all along the last axis) with where it starts, in parallel.
    fn rows<T: Send>(&self, out: &mut [T], work: impl Fn(usize, &mut [T], Row<'_>) + Sync) {
        let Some((last, leading)) = self.axes.split_last() else { return };
        let length = last.targets.len() * self.channels;
        if length == 0 {
            return;
        }
        let per_unit = UNIT.div_ceil(length);
        let unit = |(unit, out): (usize, &mut [T])| {
            let mut heads = Vec::new();
            for (number, out) in out.chunks_mut(length).enumerate() {
                let row = unit * per_unit + number;
                self.heads(row, leading, &mut heads);
                work(row * length, out, Row { heads: &heads, last, channels: self.channels });
            }
        };
        if out.len() <= UNIT {
            return unit((0, out));
        }
        out.par_chunks_mut(per_unit * length).enumerate().for_each(unit);
    }

    /// For each position on the leading axes at which a row has elements, its number and where they start.
    fn heads(&self, row: usize, leading: &[Taps], heads: &mut Vec<(i32, usize)>) {
        let mut index = row;
        let mut targets = vec![0; leading.len()];
        for (target, taps) in targets.iter_mut().zip(leading).rev() {
            *target = index % taps.targets.len();
            index /= taps.targets.len();
        }
        heads.clear();
        heads.push((0, index * self.sources));
        for (taps, target) in leading.iter().zip(targets) {
            let mut longer = Vec::new();
            for &(number, source) in heads.iter() {
                taps.each(taps.targets[target], |more, further| {
                    longer.push((number + more, source + further));
                });
            }
            *heads = longer;
        }
    }
}
