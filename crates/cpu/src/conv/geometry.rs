//! Which taps meet which pixels: the segments of every row of output pixels.

use super::{
    problem::{Axis, Problem, gcd},
    tile::{MAX_TAPS, Segment},
};

/// A stretch of every `out_step`-th pixel of a row of outputs, which the same taps reach: of a dilated input those do, and
/// where taps reach farther than one pixel beyond the row, each pixel near its ends is a stretch of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Phase {
    /// The first output pixel of the row, the number of pixels, and the distance between them in pixels.
    pub(super) first: usize,
    pub(super) pixels: usize,
    pub(super) out_step: usize,
    /// The distance between the input pixels that neighbours read, in pixels.
    pub(super) in_step: usize,
    runs: Vec<Run>,
}

/// Taps whose weights are packed together, and which read neighbouring input pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Slot {
    /// The first tap; the others follow at `step`.
    tap: usize,
    step: usize,
    taps: usize,
    /// Taps in earlier slots of the row.
    before: usize,
}

/// Taps of a slot that a phase meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    /// The input pixel that the first tap reads for the first output pixel.
    column: isize,
    slot: usize,
    /// Which of the slot's taps.
    from: usize,
    taps: usize,
}

impl Run {
    /// The last input pixel that is read for the last of so many output pixels.
    const fn last_column(&self, pixels: usize, in_step: usize) -> isize {
        self.column + ((pixels - 1) * in_step + self.taps - 1) as isize
    }

    /// The taps that read within a row of so many columns for one pixel.
    fn inside(&self, pixel: isize, columns: usize) -> Option<Self> {
        let column = self.column + pixel;
        let skipped = usize::try_from(-column).unwrap_or(0);
        let beyond = usize::try_from(column + self.taps as isize - columns as isize).unwrap_or(0);
        (skipped + beyond < self.taps).then(|| Self {
            column: column + skipped as isize,
            from: self.from + skipped,
            taps: self.taps - skipped - beyond,
            ..*self
        })
    }
}

/// The phases of an axis, and the slots of its taps.
fn phases(axis: &Axis) -> (Vec<Phase>, Vec<Slot>) {
    let out_step = axis.base_dilation / gcd(axis.base_dilation, axis.stride);
    let (mut phases, mut slots) = (Vec::new(), Vec::new());
    for first in 0..out_step.min(axis.output.size) {
        let pixels = (axis.output.size - first).div_ceil(out_step);
        let in_step = axis.stride * out_step / axis.base_dilation;
        let runs = runs(axis, first, pixels, in_step, &mut slots);
        let phase = Phase { first, pixels, out_step, in_step, runs };
        phases.extend(phase.stretches(axis.input.size));
    }
    (phases, slots)
}

/// The runs of the output pixels from `first` on, whose taps get slots.
fn runs(axis: &Axis, first: usize, pixels: usize, in_step: usize, slots: &mut Vec<Slot>) -> Vec<Run> {
    let mut found: Vec<(isize, Slot)> = Vec::new();
    let base = axis.base_dilation as isize;
    for tap in 0..axis.kernel.size {
        let dilated = (axis.stride * first + axis.window_dilation * tap) as isize - axis.low;
        if dilated.rem_euclid(base) != 0 {
            continue;
        }
        let column = dilated.div_euclid(base);
        match found.last_mut() {
            Some((start, slot)) if in_step == 1 && slot.takes(tap, column - *start) => {
                slot.step = tap - slot.tap - (slot.taps - 1) * slot.step;
                slot.taps += 1;
            }
            _ => found.push((column, Slot { tap, step: 0, taps: 1, before: 0 })),
        }
    }
    let run = |&(column, slot): &(isize, Slot)| {
        let run = Run { column, slot: slots.len(), from: 0, taps: slot.taps };
        let meets = column < axis.input.size as isize && run.last_column(pixels, in_step) >= 0;
        meets.then(|| {
            let before = slots.last().map_or(0, |last| last.before + last.taps);
            slots.push(Slot { before, ..slot });
            run
        })
    };
    found.iter().filter_map(run).collect()
}

impl Slot {
    /// Whether a tap, whose column is so many after the first one's, is the next.
    const fn takes(&self, tap: usize, columns: isize) -> bool {
        let even = self.taps == 1 || tap == self.tap + self.taps * self.step;
        self.taps < MAX_TAPS && columns == self.taps as isize && even
    }
}

impl Phase {
    /// The phase cut where taps reach farther than one pixel beyond a row of so many columns: into the pixels for which all
    /// taps read within the row, and single ones.
    fn stretches(self, columns: usize) -> Vec<Self> {
        let near =
            |run: &Run| run.column >= -1 && run.last_column(self.pixels, self.in_step) <= columns as isize;
        if self.runs.iter().all(near) {
            return vec![self];
        }
        let runs = |pixel: usize| {
            self.runs.iter().map(move |run| run.inside((pixel * self.in_step) as isize, columns))
        };
        let taps = |run: &Run| run.taps;
        let whole = |pixel: usize| {
            runs(pixel).zip(&self.runs).all(|(inside, run)| inside.as_ref().map(taps) == Some(run.taps))
        };
        let mut stretches: Vec<Self> = Vec::new();
        let mut grows = false;
        for pixel in 0..self.pixels {
            let is_whole = whole(pixel);
            match stretches.last_mut() {
                Some(stretch) if grows && is_whole => stretch.pixels += 1,
                _ => stretches.push(Self {
                    first: self.first + pixel * self.out_step,
                    pixels: 1,
                    runs: runs(pixel).flatten().collect(),
                    ..self
                }),
            }
            grows = is_whole;
        }
        stretches
    }
}

/// A row of output pixels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// From the image's first output to the row's, in elements.
    pub(super) output: usize,
    /// What the pixels of each phase sum up.
    pub(super) segments: Vec<Vec<Segment>>,
}

/// All rows, and the order of the weights that their segments expect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Geometry {
    pub(super) phases: Vec<Phase>,
    pub(super) rows: Vec<Row>,
    /// For each segment's weights, where each of its taps is in the kernel, in elements.
    pub(super) slots: Vec<Vec<usize>>,
}

impl Geometry {
    /// The geometry of a convolution with at least one axis.
    pub(super) fn new(problem: &Problem) -> Self {
        let (last, outer) = problem.axes.split_last().expect("there is at least one axis");
        let (phases, row_slots) = phases(last);
        let slots = kernel_slots(outer, last, &row_slots);
        let outputs: Vec<usize> = outer.iter().map(|axis| axis.output.size).collect();
        let row = |index: &Vec<usize>| row(problem, &phases, &row_slots, index);
        let rows = indices(&outputs).iter().map(row).collect();
        Self { phases, rows, slots }
    }

    /// Rows of weights in a packed block, for each input channel.
    pub(super) fn taps(&self) -> usize {
        self.slots.iter().map(Vec::len).sum()
    }
}

/// The row of output pixels at an index of the outer axes.
fn row(problem: &Problem, phases: &[Phase], slots: &[Slot], index: &[usize]) -> Row {
    let (last, outer) = problem.axes.split_last().expect("there is at least one axis");
    let output = outer.iter().zip(index).map(|(axis, &index)| index * axis.output.stride).sum();
    let kernel: Vec<usize> = outer.iter().map(|axis| axis.kernel.size).collect();
    let all_taps = slots.last().map_or(0, |last| last.before + last.taps);
    let mut segments = vec![Vec::new(); phases.len()];
    for (number, taps) in indices(&kernel).iter().enumerate() {
        let axes = outer.iter().zip(index).zip(taps);
        let start = axes.map(|((axis, &output), &tap)| {
            axis.position(output, tap).map(|position| position * axis.input.stride)
        });
        let Some(start) = start.sum::<Option<usize>>() else { continue };
        for (phase, segments) in phases.iter().zip(&mut segments) {
            for run in &phase.runs {
                let slot = slots[run.slot];
                segments.push(Segment {
                    input: start as isize + run.column * last.input.stride as isize,
                    column: run.column,
                    weights: (number * all_taps + slot.before) * problem.channels + run.from,
                    weights_step: slot.taps,
                    taps: run.taps,
                });
            }
        }
    }
    Row { output, segments }
}

/// Where the taps of all slots are in the kernel, for each row of it.
fn kernel_slots(outer: &[Axis], last: &Axis, slots: &[Slot]) -> Vec<Vec<usize>> {
    let kernel: Vec<usize> = outer.iter().map(|axis| axis.kernel.size).collect();
    let mut all = Vec::new();
    for taps in indices(&kernel) {
        let start: usize = outer.iter().zip(&taps).map(|(axis, &tap)| axis.weight(tap)).sum();
        for slot in slots {
            let tap = |i: usize| start + last.weight(slot.tap + i * slot.step);
            all.push((0..slot.taps).map(tap).collect());
        }
    }
    all
}

/// All indices of a shape in row-major order.
pub(super) fn indices(shape: &[usize]) -> Vec<Vec<usize>> {
    shape.iter().fold(vec![Vec::new()], |prefixes, &size| {
        let extend =
            |prefix: &Vec<usize>| (0..size).map(|i| [&prefix[..], &[i]].concat()).collect::<Vec<_>>();
        prefixes.iter().flat_map(extend).collect()
    })
}
