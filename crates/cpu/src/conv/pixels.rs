//! Convolutions pixel by pixel: tiles of output pixels by output channels, which need input channels to be
//! neighbours to be fast.

use rayon::prelude::*;

use super::{
    Operands,
    geometry::{Geometry, Phase},
    kernels::{most_vectors, tile, tile_pixels},
    out::Out,
    pack::{Block, Packed, Packing},
    problem::{Axis, Problem},
    tile::{MAX_LINES, Reads, Segment, Term, Tile, TileFn},
};
use crate::{
    isa::Isa,
    prefetch::prefetch,
    scratch,
    vector::{Real, lanes},
};

/// A plan for a convolution, or a sum of several of the same sizes and strides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pixels {
    problem: Problem,
    geometry: Geometry,
    packing: Packing,
    /// For each number of vectors: how rows of each phase are cut into tiles.
    cuts: Vec<Vec<Vec<Cut>>>,
    /// Most lines of any tile.
    most_lines: usize,
    tasks: Tasks,
    /// Whether each task packs the weights that it needs, instead of all weights being packed before.
    packs_apart: bool,
    /// Whether each output channel reads the input channel of its own number alone.
    channelwise: bool,
}

/// A stretch of a row of outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cut {
    first: usize,
    pixels: usize,
}

/// How the work is cut: neither depends on the number of threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Tasks {
    images: usize,
    rows: usize,
    blocks: usize,
}

/// Packed weights of fewer bytes stay in the second cache level while images pass by.
const RESIDENT_BYTES: usize = 1 << 19;
/// Blocks of weights that keep the threads of usual processors busy.
const MANY_BLOCKS: usize = 8;
/// Operations that make a task long enough to be handed to a thread.
const TASK_OPERATIONS: usize = 1 << 23;

impl Tasks {
    fn new(problem: &Problem, geometry: &Geometry, blocks: usize, resident: bool) -> Self {
        let per_image = (problem.operations() / (problem.batch * problem.groups.count).max(1)).max(1);
        let rows = geometry.rows.len().max(1);
        if !resident && blocks >= MANY_BLOCKS {
            return Self { images: problem.batch.max(1), rows, blocks: 1 };
        }
        let per_task = if resident { blocks.max(1) } else { 1 };
        let per_image = (per_image * per_task / blocks.max(1)).max(1);
        if per_image < 2 * TASK_OPERATIONS {
            let images = (TASK_OPERATIONS / per_image).next_multiple_of(4).max(1);
            return Self { images, rows, blocks: per_task };
        }
        Self { images: 1, rows: (rows * TASK_OPERATIONS / per_image).clamp(1, rows), blocks: per_task }
    }
}

fn cut(phase: &Phase, most: usize) -> Vec<Cut> {
    let mut cuts = Vec::new();
    let mut first = 0;
    while first < phase.pixels {
        let pixels = 1 << (phase.pixels - first).min(most).ilog2();
        cuts.push(Cut { first, pixels });
        first += pixels;
    }
    cuts
}

impl Pixels {
    pub(super) fn new<T: Real>(problem: Problem, isa: Isa) -> Self {
        debug_assert!(problem.feature_strides.output == 1, "output channels are neighbours in the result");
        let (problem, channelwise) = match problem.channelwise() {
            Some(problem) => (problem.simplified(), true),
            None => (problem.simplified(), false),
        };
        let most_vectors = if channelwise { 1 } else { most_vectors(isa) };
        let geometry = Geometry::new(&problem);
        let packing = Packing::new(&problem, &geometry, lanes::<T>(isa), most_vectors);
        let mut most_lines = 1;
        let cuts = (1..=most_vectors).map(|vectors| {
            let most = tile_pixels(isa, vectors);
            let cuts: Vec<Vec<Cut>> = geometry.phases.iter().map(|phase| cut(phase, most)).collect();
            let lines = cuts.iter().flatten().map(|cut| most / cut.pixels).max();
            most_lines = most_lines.max(lines.unwrap_or(1));
            cuts
        });
        let cuts = cuts.collect();
        let resident = packing.elements() * size_of::<T>() <= RESIDENT_BYTES;
        let packs_apart = !resident && packing.blocks.len() >= MANY_BLOCKS;
        let tasks = Tasks::new(&problem, &geometry, packing.blocks.len(), resident);
        Self { cuts, most_lines, tasks, packs_apart, channelwise, problem, geometry, packing }
    }

    /// Elements of working memory for so many terms.
    pub(super) fn workspace(&self, terms: usize) -> usize {
        if self.packs_apart { 0 } else { self.packing.elements() * terms }
    }

    /// Computes the sum of the convolutions of all terms, which is not empty; operands and result hold their sizes.
    pub(super) fn run<'a, T: Real>(
        &'a self,
        isa: Isa,
        out: &mut [T],
        terms: &[Operands<'a, T>],
        workspace: &mut [T],
    ) {
        for group in 0..self.problem.groups.count {
            let groups = &self.problem.groups;
            let size = self.packing.elements();
            let terms = Operands::group(terms, groups, group);
            let packed = |term: &Operands<'a, T>| Packed {
                isa,
                problem: &self.problem,
                geometry: &self.geometry,
                kernel: term.kernel,
            };
            let kernels: Vec<Packed<'_, T>> = terms.iter().map(packed).collect();
            for (kernel, to) in kernels.iter().zip(workspace.chunks_exact_mut(size.max(1))) {
                self.packing.pack(to, kernel);
            }
            let inputs = terms.iter().map(|term| term.input).collect();
            let out = Out::new(out[group * groups.output..].as_mut_ptr());
            Run { plan: self, isa, inputs, kernels, weights: workspace, out }.all();
        }
    }
}

/// One group of a convolution under way.
struct Run<'a, T> {
    plan: &'a Pixels,
    isa: Isa,
    inputs: Vec<&'a [T]>,
    kernels: Vec<Packed<'a, T>>,
    /// The packed weights of each term, unless each task packs its own.
    weights: &'a [T],
    out: Out<T>,
}

/// What one thread computes at a time.
#[derive(Clone, Copy)]
struct Task {
    images: (usize, usize),
    rows: (usize, usize),
    blocks: (usize, usize),
}

impl<T: Real> Run<'_, T> {
    fn all(&self) {
        let tasks = self.tasks();
        if tasks.len() < 2 {
            tasks.into_iter().for_each(|task| self.task(task));
        } else {
            tasks.into_par_iter().for_each(|task| self.task(task));
        }
    }

    fn tasks(&self) -> Vec<Task> {
        let Tasks { images, rows, blocks } = self.plan.tasks;
        let ranges = |size: usize, step: usize| {
            (0..size).step_by(step).map(move |start| (start, size.min(start + step))).collect::<Vec<_>>()
        };
        let mut tasks = Vec::new();
        for &blocks in &ranges(self.plan.packing.blocks.len(), blocks) {
            for &images in &ranges(self.plan.problem.batch, images) {
                for &rows in &ranges(self.plan.geometry.rows.len(), rows) {
                    tasks.push(Task { images, rows, blocks });
                }
            }
        }
        tasks
    }

    fn task(&self, task: Task) {
        let packing = &self.plan.packing;
        if !self.plan.packs_apart {
            let start = |block: usize| self.weights.as_ptr().wrapping_add(packing.start(block));
            return self.images(task, start, packing.elements());
        }
        let block = task.blocks.0;
        let size = packing.block_elements(block);
        scratch::with::<T, _>(size * self.kernels.len(), |weights| {
            for (kernel, to) in self.kernels.iter().zip(weights.chunks_exact_mut(size.max(1))) {
                packing.pack_block(to, block, kernel);
            }
            let weights = weights.as_ptr();
            self.images(task, |_| weights, size);
        });
    }

    /// All images of a task, with where a block's weights of the first term start and how far apart those of the terms
    /// are.
    fn images(&self, task: Task, start: impl Fn(usize) -> *const T, distance: usize) {
        let chunk = self.plan.most_lines;
        for first in (task.images.0..task.images.1).step_by(chunk) {
            let task = Task { images: (first, task.images.1.min(first + chunk)), ..task };
            for block in task.blocks.0..task.blocks.1 {
                let lines = [std::ptr::null(); MAX_LINES];
                let term = |term: usize| Term { lines, weights: start(block).wrapping_add(term * distance) };
                self.block(task, block, (0..self.inputs.len()).map(term).collect());
            }
        }
    }

    fn block(&self, task: Task, block: usize, mut terms: Vec<Term<T>>) {
        let block = self.plan.packing.blocks[block];
        let cuts = &self.plan.cuts[block.vectors - 1];
        let first_channel = if self.plan.channelwise { block.start } else { 0 };
        for row in task.rows.0..task.rows.1 {
            for (phase, cuts) in cuts.iter().enumerate() {
                for &cut in cuts {
                    let kernel = tile::<T>(self.isa, block.vectors, cut.pixels, self.reads(block));
                    let lines = tile_pixels(self.isa, block.vectors) / cut.pixels;
                    for image in (task.images.0..task.images.1).step_by(lines) {
                        let count = lines.min(task.images.1 - image);
                        let offset = cut.first * self.pixel_stride(phase) + first_channel;
                        self.point(&mut terms, (image, count, lines), offset);
                        self.tile(kernel, (row, phase, cut), (image, count), block, &terms);
                    }
                }
            }
        }
    }

    /// Points the terms to `count` images from `image` on; the remaining lines repeat the last one.
    fn point(&self, terms: &mut [Term<T>], (image, count, lines): (usize, usize, usize), offset: usize) {
        let stride = self.plan.problem.batch_strides.input;
        for (term, input) in terms.iter_mut().zip(&self.inputs) {
            for (line, to) in term.lines[..lines].iter_mut().enumerate() {
                *to = input.as_ptr().wrapping_add((image + line.min(count - 1)) * stride + offset);
            }
        }
    }

    /// How the tiles of a block read input.
    fn reads(&self, block: Block) -> Reads {
        match self.plan.channelwise {
            true if block.width == block.vectors * self.plan.packing.lanes => Reads::Vectors,
            true => Reads::Parts,
            false => Reads::Elements,
        }
    }

    fn last(&self) -> &Axis {
        self.plan.problem.axes.last().expect("there is at least one axis")
    }

    fn pixel_stride(&self, phase: usize) -> usize {
        self.plan.geometry.phases[phase].in_step * self.last().input.stride
    }

    fn tile(
        &self,
        kernel: TileFn<T>,
        (row_index, index, cut): (usize, usize, Cut),
        (image, lines): (usize, usize),
        block: Block,
        terms: &[Term<T>],
    ) {
        let Pixels { problem, geometry, .. } = self.plan;
        let (row, phase) = (&geometry.rows[row_index], &geometry.phases[index]);
        let out_pixel = self.last().output.stride;
        let out = image * problem.batch_strides.output
            + row.output
            + (phase.first + cut.first * phase.out_step) * out_pixel
            + block.start;
        let tile = Tile {
            terms,
            segments: &row.segments[index],
            channels: problem.channels,
            channel_stride: problem.channel_strides.input,
            pixel_stride: self.pixel_stride(index),
            step: phase.in_step as isize,
            column: (cut.first * phase.in_step) as isize,
            columns: self.last().input.size as isize,
            out: self.out.at(out),
            lines,
            out_line_stride: problem.batch_strides.output,
            out_pixel_stride: phase.out_step * out_pixel,
            width: block.width,
        };
        if let Some(next) = geometry.rows.get(row_index + 1) {
            let distance = next.output.wrapping_sub(row.output);
            let channels = if self.plan.channelwise { block.width } else { problem.channels };
            prefetch_row(&tile, &next.segments[index], distance, (cut.pixels, channels));
        }
        // SAFETY: the processor has the instruction set. `Problem::check` made sure that operands and result
        // hold their sizes; segments read within them, apart from the pixels that the tile passes over; tiles
        // are disjoint.
        unsafe { kernel(&tile) };
    }
}

/// Asks for what the same tile of the next row, whose outputs are `distance` elements on, reads and writes beyond what
/// this one does.
fn prefetch_row<T>(
    tile: &Tile<'_, T>,
    segments: &[Segment],
    distance: usize,
    (pixels, channels): (usize, usize),
) {
    for line in 0..tile.lines {
        for term in tile.terms {
            for segment in segments.iter().skip(segments.len() / 2) {
                let input = term.lines[line].wrapping_offset(segment.input);
                prefetch(input, pixels, tile.pixel_stride, channels);
            }
        }
        let out = tile.out.wrapping_add(distance + line * tile.out_line_stride);
        prefetch(out, pixels, tile.out_pixel_stride, tile.width);
    }
}
