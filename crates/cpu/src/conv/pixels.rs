//! Convolutions pixel by pixel: tiles of output pixels by output channels, which need input channels to be
//! neighbours to be fast.

use rayon::prelude::*;

use super::{
    Operands,
    geometry::{Geometry, Phase},
    kernels::{lanes, most_vectors, tile, tile_pixels},
    out::Out,
    pack::Packing,
    problem::Problem,
    tile::{MAX_LINES, Segment, Term, Tile, TileFn},
};
use crate::{isa::Isa, prefetch::prefetch, scratch, vector::Real};

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
/// Operations that make a task long enough to be handed to a thread.
const TASK_OPERATIONS: usize = 1 << 23;

impl Tasks {
    fn new(problem: &Problem, geometry: &Geometry, packing: &Packing, element_bytes: usize) -> Self {
        let per_image = (problem.operations() / (problem.batch * problem.groups.count).max(1)).max(1);
        let rows = geometry.rows.len().max(1);
        let whole = Self { images: problem.batch.max(1), rows, blocks: 1 };
        if packing.elements() * element_bytes > RESIDENT_BYTES {
            return whole;
        }
        let blocks = packing.blocks.len().max(1);
        if per_image < 2 * TASK_OPERATIONS {
            let images = (TASK_OPERATIONS / per_image).next_multiple_of(4).max(1);
            return Self { images, rows, blocks };
        }
        Self { images: 1, rows: (rows * TASK_OPERATIONS / per_image).clamp(1, rows), blocks }
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
        let problem = problem.simplified();
        let geometry = Geometry::new(&problem);
        let packing = Packing::new(&problem, &geometry, lanes::<T>(isa), most_vectors(isa));
        let mut most_lines = 1;
        let cuts = (1..=most_vectors(isa)).map(|vectors| {
            let most = tile_pixels(isa, vectors);
            let cuts: Vec<Vec<Cut>> = geometry.phases.iter().map(|phase| cut(phase, most)).collect();
            let lines = cuts.iter().flatten().map(|cut| most / cut.pixels).max();
            most_lines = most_lines.max(lines.unwrap_or(1));
            cuts
        });
        let cuts = cuts.collect();
        let tasks = Tasks::new(&problem, &geometry, &packing, size_of::<T>());
        Self { cuts, most_lines, tasks, problem, geometry, packing }
    }

    /// Elements of working memory for so many terms.
    pub(super) fn workspace(&self, terms: usize) -> usize {
        self.packing.elements() * terms
    }

    /// Computes the sum of the convolutions of all terms.
    ///
    /// # Panics
    /// Where an operand or the result is not as long as the problem says.
    pub(super) fn run<T: Real>(
        &self,
        isa: Isa,
        out: &mut [T],
        terms: &[Operands<'_, T>],
        workspace: &mut [T],
    ) {
        if self.problem.is_empty() {
            return out.fill(T::default());
        }
        for term in terms {
            self.problem.check(term.input.len(), term.kernel.len(), out.len());
        }
        for group in 0..self.problem.groups.count {
            let groups = &self.problem.groups;
            let size = self.packing.elements();
            let terms = Operands::group(terms, groups, group);
            for (term, to) in terms.iter().zip(workspace.chunks_exact_mut(size.max(1))) {
                self.packing.pack(to, &self.problem, &self.geometry, term.kernel);
            }
            let inputs = terms.iter().map(|term| term.input).collect();
            let run = Run {
                plan: self,
                isa,
                inputs,
                weights: workspace,
                out: Out::new(out[group * groups.output..].as_mut_ptr()),
            };
            run.all();
        }
    }
}

/// One group of a convolution under way.
struct Run<'a, T> {
    plan: &'a Pixels,
    isa: Isa,
    inputs: Vec<&'a [T]>,
    /// The packed weights of each term.
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
        let chunk = self.plan.most_lines;
        for start in (task.images.0..task.images.1).step_by(chunk) {
            let images = (start, task.images.1.min(start + chunk));
            let task = Task { images, ..task };
            match self.plan.geometry.margins {
                None => {
                    let stride = self.plan.problem.batch_strides.input;
                    let lines = self.inputs.iter().map(|input| input.as_ptr().wrapping_add(start * stride));
                    self.images(
                        task,
                        &lines.collect::<Vec<_>>(),
                        stride,
                        self.plan.problem.channel_strides.input,
                    );
                }
                Some(margins) => {
                    let copying = margins.copying(&self.plan.problem);
                    let image = copying.elements();
                    let count = (images.1 - images.0) * image;
                    scratch::with::<T, _>(count * self.inputs.len(), |copies| {
                        for (input, copies) in self.inputs.iter().zip(copies.chunks_exact_mut(count.max(1))) {
                            for (index, copy) in copies.chunks_exact_mut(image.max(1)).enumerate() {
                                let at = (images.0 + index) * self.plan.problem.batch_strides.input;
                                copying.run(copy, input, at);
                            }
                        }
                        let copies = &*copies;
                        let lines =
                            (0..self.inputs.len()).map(|term| copies.as_ptr().wrapping_add(term * count));
                        self.images(task, &lines.collect::<Vec<_>>(), image, 1);
                    });
                }
            }
        }
    }

    /// A few images, which start at `inputs` for each term.
    fn images(&self, task: Task, inputs: &[*const T], image_stride: usize, channel_stride: usize) {
        for block in task.blocks.0..task.blocks.1 {
            let weights = self.plan.packing.start(block);
            let size = self.plan.packing.elements();
            let lines = [std::ptr::null(); MAX_LINES];
            let term = |term: usize| Term {
                lines,
                weights: self.weights.as_ptr().wrapping_add(term * size + weights),
            };
            let terms = (0..inputs.len()).map(term).collect();
            let images = Images { inputs, image_stride, channel_stride, first: task.images.0, terms };
            self.block(task, block, images);
        }
    }

    fn block(&self, task: Task, block: usize, mut images: Images<'_, T>) {
        let block = self.plan.packing.blocks[block];
        let cuts = &self.plan.cuts[block.vectors - 1];
        for row in task.rows.0..task.rows.1 {
            for (phase, cuts) in cuts.iter().enumerate() {
                for &cut in cuts {
                    let kernel = tile::<T>(self.isa, block.vectors, cut.pixels);
                    let lines = tile_pixels(self.isa, block.vectors) / cut.pixels;
                    for image in (task.images.0..task.images.1).step_by(lines) {
                        let count = lines.min(task.images.1 - image);
                        images.point(image, count, lines, cut.first * self.pixel_stride(phase));
                        self.tile(kernel, (row, phase, cut), (image, count), block, &images);
                    }
                }
            }
        }
    }

    fn pixel_stride(&self, phase: usize) -> usize {
        self.plan.geometry.phases[phase].in_step * self.plan.geometry.strides.pixel
    }

    fn tile(
        &self,
        kernel: TileFn<T>,
        (row_index, index, cut): (usize, usize, Cut),
        (image, lines): (usize, usize),
        block: super::pack::Block,
        images: &Images<'_, T>,
    ) {
        let Pixels { problem, geometry, .. } = self.plan;
        let (row, phase) = (&geometry.rows[row_index], &geometry.phases[index]);
        let out_pixel = problem.axes.last().map_or(0, |axis| axis.output.stride);
        let out = image * problem.batch_strides.output
            + row.output
            + (phase.first + cut.first * phase.out_step) * out_pixel
            + block.start;
        let tile = Tile {
            terms: &images.terms,
            segments: &row.segments[index],
            channels: problem.channels,
            channel_stride: images.channel_stride,
            pixel_stride: self.pixel_stride(index),
            step: phase.in_step as isize,
            column: (cut.first * phase.in_step) as isize,
            columns: geometry.columns as isize,
            out: self.out.at(out),
            lines,
            out_line_stride: problem.batch_strides.output,
            out_pixel_stride: phase.out_step * out_pixel,
            width: block.width,
        };
        if let Some(next) = geometry.rows.get(row_index + 1) {
            let distance = next.output.wrapping_sub(row.output);
            prefetch_row(&tile, &next.segments[index], distance, cut.pixels);
        }
        // SAFETY: the processor has the instruction set. `Problem::check` made sure that operands and result
        // hold their sizes; segments read within them, apart from the pixels that the tile passes over; tiles
        // are disjoint.
        unsafe { kernel(&tile) };
    }
}

/// Asks for what the same tile of the next row, whose outputs are `distance` elements on, reads and writes beyond what
/// this one does.
fn prefetch_row<T>(tile: &Tile<'_, T>, segments: &[Segment], distance: usize, pixels: usize) {
    for line in 0..tile.lines {
        for term in tile.terms {
            for segment in segments.iter().skip(segments.len() / 2) {
                let input = term.lines[line].wrapping_offset(segment.input);
                prefetch(input, pixels, tile.pixel_stride, tile.channels);
            }
        }
        let out = tile.out.wrapping_add(distance + line * tile.out_line_stride);
        prefetch(out, pixels, tile.out_pixel_stride, tile.width);
    }
}

/// Where the images of a task are, and the tile's operands.
struct Images<'a, T> {
    inputs: &'a [*const T],
    image_stride: usize,
    channel_stride: usize,
    /// The image that starts at `inputs`.
    first: usize,
    terms: Vec<Term<T>>,
}

impl<T> Images<'_, T> {
    /// Points the terms to `count` images from `image` on; the remaining lines repeat the last one.
    fn point(&mut self, image: usize, count: usize, lines: usize, offset: usize) {
        for (term, &input) in self.terms.iter_mut().zip(self.inputs) {
            for (line, to) in term.lines[..lines].iter_mut().enumerate() {
                let index = image - self.first + line.min(count - 1);
                *to = input.wrapping_add(index * self.image_stride + offset);
            }
        }
    }
}
