//! Which taps meet which pixels: the segments of every row of output pixels.

use super::{
    copy::Copying,
    problem::{Axis, Extent, Problem, gcd},
    tile::{MAX_TAPS, Segment},
};

/// Every `out_step`-th pixel of a row of outputs: those that the same taps of a dilated input reach.
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

/// Taps that read neighbouring input pixels.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Run {
    /// The input pixel that the first tap reads for the first output pixel.
    column: isize,
    /// The first tap; the others follow at `tap_step`.
    tap: usize,
    tap_step: usize,
    taps: usize,
}

impl Phase {
    /// The phases of an axis.
    fn of(axis: &Axis) -> Vec<Self> {
        let out_step = axis.base_dilation / gcd(axis.base_dilation, axis.stride);
        let phases = (0..out_step.min(axis.output.size)).map(|first| Self {
            first,
            pixels: (axis.output.size - first).div_ceil(out_step),
            out_step,
            in_step: axis.stride * out_step / axis.base_dilation,
            runs: Vec::new(),
        });
        phases
            .map(|mut phase| {
                phase.runs = phase.runs_of(axis);
                phase
            })
            .collect()
    }

    fn runs_of(&self, axis: &Axis) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        let base = axis.base_dilation as isize;
        for tap in 0..axis.kernel.size {
            let dilated = (axis.stride * self.first + axis.window_dilation * tap) as isize - axis.low;
            if dilated.rem_euclid(base) != 0 {
                continue;
            }
            let column = dilated.div_euclid(base);
            match runs.last_mut() {
                Some(run) if self.in_step == 1 && run.takes(tap, column) => {
                    run.tap_step = tap - run.tap - (run.taps - 1) * run.tap_step;
                    run.taps += 1;
                }
                _ => runs.push(Run { column, tap, tap_step: 0, taps: 1 }),
            }
        }
        runs.retain(|run| self.first_column(run) < axis.input.size as isize && self.last_column(run) >= 0);
        runs
    }

    const fn first_column(&self, run: &Run) -> isize {
        run.column
    }

    /// The last input pixel that a run reads for the last output pixel.
    const fn last_column(&self, run: &Run) -> isize {
        run.column + ((self.pixels - 1) * self.in_step + run.taps - 1) as isize
    }
}

impl Run {
    const fn takes(&self, tap: usize, column: isize) -> bool {
        let even = self.taps == 1 || tap == self.tap + self.taps * self.tap_step;
        self.taps < MAX_TAPS && column == self.column + self.taps as isize && even
    }
}

/// Zeros that must stand before and after each row of inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Margins {
    pub(super) before: usize,
    pub(super) after: usize,
}

impl Margins {
    /// What the phases need; nothing where no segment reaches further than one pixel beyond the row.
    fn of(phases: &[Phase], columns: usize) -> Option<Self> {
        let runs = || phases.iter().flat_map(|phase| phase.runs.iter().map(move |run| (phase, run)));
        let beyond = |column: isize| usize::try_from(column - columns as isize + 1).unwrap_or(0);
        let before = runs().map(|(phase, run)| usize::try_from(-phase.first_column(run)).unwrap_or(0)).max();
        let after = runs().map(|(phase, run)| beyond(phase.last_column(run))).max();
        let margins = Self { before: before.unwrap_or(0), after: after.unwrap_or(0) };
        (margins.before > 1 || margins.after > 1).then_some(margins)
    }

    /// The copy of an image with these margins.
    pub(super) fn copying(self, problem: &Problem) -> Copying {
        let (last, outer) = problem.axes.split_last().expect("there is at least one axis");
        Copying {
            outer: outer.iter().map(|axis| axis.input).collect(),
            columns: last.input,
            channels: Extent { size: problem.channels, stride: problem.channel_strides.input },
            before: self.before,
            after: self.after,
            width: problem.channels,
        }
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

/// Where the input of a convolution is: strides of the outer axes and of the row's pixels, in elements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Strides {
    pub(super) outer: Vec<usize>,
    pub(super) pixel: usize,
}

/// All rows, and the order of the weights that their segments expect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Geometry {
    pub(super) phases: Vec<Phase>,
    pub(super) rows: Vec<Row>,
    /// Pixels of a row of inputs, margins included.
    pub(super) columns: usize,
    pub(super) margins: Option<Margins>,
    pub(super) strides: Strides,
    /// For each segment's weights, where each of its taps is in the kernel, in elements.
    pub(super) slots: Vec<Vec<usize>>,
}

impl Geometry {
    /// The geometry of a convolution with at least one axis. Where rows need margins, they are to be copied
    /// into rows without gaps.
    pub(super) fn new(problem: &Problem) -> Self {
        let (last, outer) = problem.axes.split_last().expect("there is at least one axis");
        let phases = Phase::of(last);
        let margins = Margins::of(&phases, last.input.size);
        let columns = last.input.size + margins.map_or(0, |margins| margins.before + margins.after);
        let strides = match margins {
            None => Strides {
                outer: outer.iter().map(|axis| axis.input.stride).collect(),
                pixel: last.input.stride,
            },
            Some(margins) => {
                Strides { outer: margins.copying(problem).outer_strides(), pixel: problem.channels }
            }
        };
        let slots = slots(outer, last, &phases);
        let mut geometry = Self { phases, rows: Vec::new(), columns, margins, strides, slots };
        let outputs: Vec<usize> = outer.iter().map(|axis| axis.output.size).collect();
        geometry.rows =
            indices(&outputs).iter().map(|index| geometry.row(outer, problem.channels, index)).collect();
        geometry
    }

    /// Rows of weights in a packed block, for each input channel.
    pub(super) fn taps(&self) -> usize {
        self.slots.iter().map(Vec::len).sum()
    }

    fn row(&self, outer: &[Axis], channels: usize, index: &[usize]) -> Row {
        let output = outer.iter().zip(index).map(|(axis, &index)| index * axis.output.stride).sum();
        let kernel: Vec<usize> = outer.iter().map(|axis| axis.kernel.size).collect();
        let mut segments = vec![Vec::new(); self.phases.len()];
        let mut weights = 0;
        let before = self.margins.map_or(0, |margins| margins.before) as isize;
        for taps in indices(&kernel) {
            let inside = outer.iter().zip(index).zip(&taps);
            let positions: Option<Vec<usize>> =
                inside.map(|((axis, &output), &tap)| axis.position(output, tap)).collect();
            for (phase, segments) in self.phases.iter().zip(&mut segments) {
                for run in &phase.runs {
                    if let Some(positions) = &positions {
                        let start: usize = positions
                            .iter()
                            .zip(&self.strides.outer)
                            .map(|(&position, &stride)| position * stride)
                            .sum();
                        let column = run.column + before;
                        let input = start as isize + column * self.strides.pixel as isize;
                        segments.push(Segment { input, column, weights: weights * channels, taps: run.taps });
                    }
                    weights += run.taps;
                }
            }
        }
        Row { output, segments }
    }
}

/// In the order of [`Geometry::row`].
fn slots(outer: &[Axis], last: &Axis, phases: &[Phase]) -> Vec<Vec<usize>> {
    let kernel: Vec<usize> = outer.iter().map(|axis| axis.kernel.size).collect();
    let mut slots = Vec::new();
    for taps in indices(&kernel) {
        let start: usize = outer.iter().zip(&taps).map(|(axis, &tap)| axis.weight(tap)).sum();
        for run in phases.iter().flat_map(|phase| &phase.runs) {
            let tap = |i: usize| start + last.weight(run.tap + i * run.tap_step);
            slots.push((0..run.taps).map(tap).collect());
        }
    }
    slots
}

/// All indices of a shape in row-major order.
pub(super) fn indices(shape: &[usize]) -> Vec<Vec<usize>> {
    shape.iter().fold(vec![Vec::new()], |prefixes, &size| {
        let extend =
            |prefix: &Vec<usize>| (0..size).map(|i| [&prefix[..], &[i]].concat()).collect::<Vec<_>>();
        prefixes.iter().flat_map(extend).collect()
    })
}
