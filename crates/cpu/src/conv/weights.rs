//! Convolutions whose result is small and whose sums are long, as gradients with respect to weights are.
//!
//! In their terms: the batch of the problem are the input channels of the images, which are neighbours; what
//! is summed over are the images (the problem's channels) and the output pixels (its kernel), whose channels
//! are neighbours as well; and the pixels of the result are the taps of the weights.
//!
//! Images are cut into chunks with sums of their own, which are added up as a tree.

use std::ops::Range;

use super::{
    copy::Copying,
    geometry::indices,
    kernels::{most_vectors, sweep, sweep_inputs},
    pack::{Block, blocks},
    problem::{Axis, Extent, Problem},
    tile::MAX_TAPS,
};
use crate::{
    isa::Isa,
    vector::{Real, lanes},
};

/// A plan for such a convolution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Weights {
    pub(super) problem: Problem,
    pub(super) taps: Vec<Taps>,
    /// Taps of all groups of taps.
    pub(super) tap_count: usize,
    pub(super) blocks: Vec<Block>,
    pub(super) lanes: usize,
    /// Input channels of one sweep.
    pub(super) inputs: usize,
    pub(super) input: Side,
    pub(super) output: Side,
    pub(super) cuts: Cuts,
    /// Whether each output channel meets the input channel of its own number alone.
    pub(super) channelwise: bool,
}

/// How images, or their outputs, are read: strides in elements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Side {
    pub(super) image: usize,
    pub(super) outer: Vec<usize>,
    pub(super) pixel: usize,
    /// The copy to which these strides belong, of all channels; absent where operands are read in place.
    pub(super) copying: Option<Copying>,
}

impl Side {
    /// In place.
    fn new(image: usize, axes: &[Axis], pick: fn(&Axis) -> Extent) -> Self {
        let mut outer: Vec<usize> = axes.iter().map(|axis| pick(axis).stride).collect();
        let pixel = outer.pop().unwrap_or(0);
        Self { image, outer, pixel, copying: None }
    }

    /// As copies.
    fn copied(copying: Copying) -> Self {
        Self {
            image: copying.elements(),
            outer: copying.outer_strides(),
            pixel: copying.width,
            copying: Some(copying),
        }
    }
}

/// Neighbouring taps of one row of the weights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Taps {
    pub(super) count: usize,
    /// Taps of earlier groups.
    pub(super) before: usize,
    /// The output pixels of a row that are passed over.
    pub(super) pixels: Range<usize>,
    /// The input column that the first tap reads for the first of them.
    pub(super) column: isize,
    /// From the result's first element to each tap's.
    pub(super) results: Vec<usize>,
    /// The rows of output pixels that meet rows of the input, ascending: where they start there and here.
    pub(super) rows: Vec<(usize, usize)>,
    /// The number of each of these rows among all rows of output pixels.
    pub(super) numbers: Vec<usize>,
}

/// How the work is cut, whatever the number of threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cuts {
    /// Chunks of images with sums of their own.
    pub(super) chunks: usize,
    /// Blocks of output channels, and sweeps' input channels, of one task.
    pub(super) blocks: usize,
    pub(super) inputs: usize,
    /// Images and rows that are passed over while they stay in the second cache level.
    pub(super) images: usize,
    pub(super) rows: usize,
}

/// Channels of one task, on either side: images of so many channels are passed over in the cache.
const TASK_CHANNELS: usize = 64;
/// Tasks that keep the threads of usual processors busy.
const TASKS: usize = 16;
/// Operations that make a chunk worth sums of its own.
const CHUNK_OPERATIONS: usize = 1 << 22;
/// Pixels whose distance is a multiple of so many bytes share few places in the innermost cache.
const CROWDED_BYTES: usize = 1 << 10;
/// Output pixels of a row that is short.
const SHORT_PIXELS: usize = 8;
/// Bytes of images and outputs that are passed over at a time.
const CACHED_BYTES: usize = 1 << 16;

impl Cuts {
    fn new(problem: &Problem, blocks: usize, width: usize, inputs: usize, bytes: usize) -> Self {
        let per_task = (TASK_CHANNELS / width).max(1);
        let ranges = blocks.div_ceil(per_task) * problem.batch.div_ceil(TASK_CHANNELS);
        let long = problem.operations() / problem.groups.count.max(1) / CHUNK_OPERATIONS;
        let chunks = (TASKS / ranges.max(1)).min(long).min(problem.channels).max(1);
        let pixels = |pick: fn(&Axis) -> usize| problem.axes.iter().map(pick).product::<usize>();
        let (in_width, out_width) =
            (problem.batch.min(TASK_CHANNELS), problem.features.min(per_task * width));
        let image =
            bytes * (pixels(|axis| axis.input.size) * in_width + pixels(|axis| axis.kernel.size) * out_width);
        let rows = problem
            .axes
            .split_last()
            .map_or(1, |(_, outer)| outer.iter().map(|axis| axis.kernel.size).product());
        let images = (CACHED_BYTES / image.max(1)).max(1);
        let rows = if image > CACHED_BYTES { (rows * CACHED_BYTES / image).max(1) } else { rows.max(1) };
        Self { chunks, blocks: per_task, inputs: (TASK_CHANNELS / inputs).max(1), images, rows }
    }
}

impl Weights {
    pub(super) fn new<T: Real>(mut problem: Problem, isa: Isa) -> Self {
        if problem.axes.is_empty() {
            problem.axes.push(Axis::UNIT);
        }
        let lanes = lanes::<T>(isa);
        let lane_wise = problem.channelwise();
        let channelwise = lane_wise.is_some();
        problem = lane_wise.unwrap_or(problem);
        let blocks = blocks(problem.features, lanes, if channelwise { 1 } else { most_vectors(isa) });
        let vectors = blocks.first().map_or(1, |block| block.vectors);
        let most = groups(problem.axes.last().expect("there is at least one axis"))
            .iter()
            .map(Range::len)
            .max()
            .unwrap_or(1);
        let inputs = if channelwise { 1 } else { sweep_inputs(isa, vectors, most, problem.batch) };
        let cuts = Cuts::new(&problem, blocks.len(), vectors * lanes, inputs, size_of::<T>());
        let crowded = |stride: usize| (stride * size_of::<T>()).is_multiple_of(CROWDED_BYTES);
        let task_outputs = cuts.blocks * vectors * lanes;
        let input = if channelwise {
            let channels = Extent { size: problem.features, stride: 1 };
            input(&problem, channels, lanes, task_outputs, crowded)
        } else {
            let channels = Extent { size: problem.batch, stride: problem.batch_strides.input };
            input(&problem, channels, inputs, cuts.inputs * inputs, crowded)
        };
        let output = output(&problem, lanes, task_outputs, crowded);
        let taps = taps(&problem, &input, &output);
        let tap_count = taps.iter().map(|taps| taps.count).sum();
        Self { taps, tap_count, blocks, lanes, inputs, input, output, cuts, channelwise, problem }
    }

    /// Input channels, rounded up to whole sweeps.
    pub(super) fn padded_inputs(&self) -> usize {
        self.problem.batch.next_multiple_of(self.inputs)
    }

    /// Rows of output pixels of an image.
    pub(super) fn all_rows(&self) -> usize {
        let outer = self.problem.axes.split_last().map_or(&[][..], |(_, outer)| outer);
        outer.iter().map(|axis| axis.kernel.size).product()
    }

    /// Elements of one chunk's sums.
    pub(super) fn sums(&self) -> usize {
        self.block_start(self.blocks.len())
    }

    /// Where the sums of a block start. For each group of taps they hold, for each sweep, taps by input
    /// channels by output channels.
    pub(super) fn block_start(&self, block: usize) -> usize {
        let vectors: usize = self.blocks[..block].iter().map(|block| block.vectors).sum();
        vectors * self.lanes * self.tap_count * self.padded_inputs()
    }

    /// Elements of working memory.
    pub(super) fn workspace(&self) -> usize {
        self.sums() * self.cuts.chunks
    }

    /// The sweeps of so many vectors and taps, and whether neighbouring pixels read neighbouring pixels.
    pub(super) fn sweep<T: Real>(&self, isa: Isa, vectors: usize, taps: usize) -> super::sweep::SweepFn<T> {
        sweep::<T>(isa, (vectors, self.inputs), taps, self.last().window_dilation == 1)
    }

    pub(super) fn last(&self) -> &Axis {
        self.problem.axes.last().expect("there is at least one axis")
    }
}

/// Groups of taps, with rows as the sides have them.
fn taps(problem: &Problem, input: &Side, output: &Side) -> Vec<Taps> {
    let (last, outer) = problem.axes.split_last().expect("there is at least one axis");
    let outputs: Vec<usize> = outer.iter().map(|axis| axis.output.size).collect();
    let mut all = Vec::new();
    let mut before = 0;
    for index in indices(&outputs) {
        let start: usize = outer.iter().zip(&index).map(|(axis, &tap)| tap * axis.output.stride).sum();
        let (rows, numbers) = rows(outer, &index, input, output);
        for group in groups(last) {
            let pixels = if group.len() == 1 { inside(last, group.start) } else { 0..last.kernel.size };
            let column = column(last, group.start, pixels.start);
            let count = group.len();
            let results = group.map(|tap| start + tap * last.output.stride).collect();
            let (rows, numbers) = (rows.clone(), numbers.clone());
            all.push(Taps { count, before, pixels, column, results, rows, numbers });
            before += count;
        }
    }
    all
}

/// The input column that a tap reads for an output pixel.
const fn column(axis: &Axis, tap: usize, pixel: usize) -> isize {
    (tap * axis.stride + pixel * axis.window_dilation) as isize - axis.low
}

/// The output pixels for which a tap reads within the row.
fn inside(axis: &Axis, tap: usize) -> Range<usize> {
    let is_inside = |pixel: &usize| {
        usize::try_from(column(axis, tap, *pixel)).is_ok_and(|column| column < axis.input.size)
    };
    let first = (0..axis.kernel.size).find(is_inside).unwrap_or(0);
    first..(first..axis.kernel.size).take_while(is_inside).last().map_or(first, |last| last + 1)
}

/// Taps of a row that are passed over together: neighbours for which only the first and the last pixel that they read may
/// lie outside the row. In short rows, where what lies outside weighs most, each tap is alone.
fn groups(axis: &Axis) -> Vec<Range<usize>> {
    let mut groups: Vec<Range<usize>> = Vec::new();
    let last = axis.kernel.size.saturating_sub(1);
    let joins = |first: usize, tap: usize| {
        let near = column(axis, first, 0) >= -1 && column(axis, tap, last) <= axis.input.size as isize;
        near && axis.stride == 1 && tap - first < MAX_TAPS && axis.kernel.size > SHORT_PIXELS
    };
    for tap in 0..axis.output.size {
        match groups.last_mut() {
            Some(group) if joins(group.start, tap) => group.end = tap + 1,
            _ => groups.push(tap..tap + 1),
        }
    }
    groups
}

/// The rows of output pixels that the taps at `index` of the outer axes join with rows of the input, and
/// their numbers.
fn rows(outer: &[Axis], index: &[usize], input: &Side, output: &Side) -> (Vec<(usize, usize)>, Vec<usize>) {
    let kernel: Vec<usize> = outer.iter().map(|axis| axis.kernel.size).collect();
    let offset = |index: &[usize], strides: &[usize]| {
        index.iter().zip(strides).map(|(&index, &stride)| index * stride).sum::<usize>()
    };
    let row = |(number, pixel): (usize, &Vec<usize>)| {
        let axes = outer.iter().zip(index).zip(pixel);
        let positions: Option<Vec<usize>> =
            axes.map(|((axis, &tap), &pixel)| axis.position(tap, pixel)).collect();
        positions.map(|positions| ((offset(&positions, &input.outer), offset(pixel, &output.outer)), number))
    };
    indices(&kernel).iter().enumerate().filter_map(row).unzip()
}

/// How images are read: copied where channels do not make up whole sweeps, or pixels so far apart crowd in the cache.
fn input(
    problem: &Problem,
    channels: Extent,
    whole: usize,
    most: usize,
    crowded: impl Fn(usize) -> bool,
) -> Side {
    let (last, outer) = problem.axes.split_last().expect("there is at least one axis");
    let in_place = channels.size.is_multiple_of(whole) && channels.stride == 1;
    if in_place && !crowded(last.input.stride) {
        return Side::new(problem.channel_strides.input, &problem.axes, |axis| axis.input);
    }
    Side::copied(Copying {
        outer: outer.iter().map(|axis| axis.input).collect(),
        columns: last.input,
        channels,
        before: 0,
        after: 0,
        width: channels.size.next_multiple_of(whole).min(most),
    })
}

/// How outputs are read: copied where channels do not make up whole vectors, or pixels so far apart crowd in the cache.
fn output(problem: &Problem, lanes: usize, most: usize, crowded: impl Fn(usize) -> bool) -> Side {
    let (last, outer) = problem.axes.split_last().expect("there is at least one axis");
    let whole = problem.features.is_multiple_of(lanes) && problem.feature_strides.kernel == 1;
    if whole && !crowded(last.kernel.stride) {
        return Side::new(problem.channel_strides.kernel, &problem.axes, |axis| axis.kernel);
    }
    Side::copied(Copying {
        outer: outer.iter().map(|axis| axis.kernel).collect(),
        columns: last.kernel,
        channels: Extent { size: problem.features, stride: problem.feature_strides.kernel },
        before: 0,
        after: 0,
        width: problem.features.next_multiple_of(lanes).min(most),
    })
}
