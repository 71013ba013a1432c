//! Running a plan of [`super::weights`].

use std::ops::Range;

use rayon::prelude::*;

use super::{
    Operands,
    copy::Copying,
    kernels::{Direction, moving},
    lanes::{Moves, Place},
    out::Out,
    pack::Block,
    problem::Extent,
    sweep::Sweep,
    weights::{Side, Taps, Weights},
};
use crate::{isa::Isa, scratch, vector::Real};

impl Weights {
    /// Computes the sum of the convolutions of all terms, which is not empty; operands and result hold their sizes.
    pub(super) fn run<T: Real>(
        &self,
        isa: Isa,
        out: &mut [T],
        terms: &[Operands<'_, T>],
        workspace: &mut [T],
    ) {
        let groups = self.problem.groups;
        for group in 0..groups.count {
            let terms = Operands::group(terms, &groups, group);
            let (out, sums) = (&mut out[group * groups.output..], Out::new(workspace.as_mut_ptr()));
            let run = Run { plan: self, isa, terms, sums, out: Out::new(out.as_mut_ptr()) };
            run.all();
            if self.cuts.chunks > 1 {
                self.add_chunks(workspace);
                run.write();
            }
        }
    }

    /// Adds the sums of all chunks, as a tree, to those of the first.
    fn add_chunks<T: Real>(&self, workspace: &mut [T]) {
        const PIECE: usize = 4096;
        let mut chunks: Vec<_> =
            workspace.chunks_exact_mut(self.sums()).map(|chunk| chunk.chunks_mut(PIECE)).collect();
        let pieces = (0..self.sums().div_ceil(PIECE))
            .map(|_| chunks.iter_mut().filter_map(Iterator::next).collect::<Vec<&mut [T]>>());
        let pieces: Vec<Vec<&mut [T]>> = pieces.collect();
        pieces.into_par_iter().for_each(|mut parts| add_tree(&mut parts));
    }

    /// Writes the sums of some input channels and one vector of a block in the order of the result.
    fn write_tile<T: Real>(
        &self,
        isa: Isa,
        out: Out<T>,
        sums: Out<T>,
        SumTile { block, vector, inputs }: SumTile,
    ) {
        let Block { start, width, vectors } = self.blocks[block];
        let lane = vector * self.lanes;
        let places = self.places(vectors * self.lanes, inputs);
        let wanted = width.saturating_sub(lane).min(self.lanes);
        let stride = self.problem.feature_strides.output;
        let from = sums.at(self.block_start(block) + lane).cast_const();
        let to = out.at((start + lane) * stride);
        let scatter = moving::<T>(isa, Direction::Scatter);
        // SAFETY: the processor has the instruction set. `Problem::check` made sure that the result holds all of its
        // elements, which belong to one input channel and one vector of one block; sums have whole vectors, and those
        // of these are finished.
        unsafe { scatter(&Moves { to, from, stride, wanted, places: &places }) };
    }

    /// For the weights of some input channels of the first lane, where they are in the result and among a block's sums of
    /// so many lanes.
    fn places(&self, lanes: usize, inputs: Range<usize>) -> Vec<Place> {
        let mut places = Vec::with_capacity(inputs.len() * self.tap_count);
        for input in inputs {
            let sweep = input / self.inputs * self.inputs;
            for taps in &self.taps {
                let row = taps.before * self.padded_inputs() + sweep * taps.count + input - sweep;
                for (tap, result) in taps.results.iter().enumerate() {
                    let apart = input * self.problem.batch_strides.output + result;
                    places.push(Place { apart, vector: (row + tap * self.inputs) * lanes });
                }
            }
        }
        places.sort_unstable_by_key(|place| place.apart);
        places
    }
}

/// Sums that are brought into order at a time.
#[derive(Clone, Debug)]
struct SumTile {
    block: usize,
    vector: usize,
    inputs: Range<usize>,
}

/// Input channels whose sums are brought into order at a time: they fit the innermost cache.
const TILE_INPUTS: usize = 16;

/// Adds all parts to the first.
fn add_tree<T: Real>(parts: &mut [&mut [T]]) {
    if parts.len() > 1 {
        let (left, right) = parts.split_at_mut(parts.len() / 2);
        add_tree(left);
        add_tree(right);
        for (to, from) in left[0].iter_mut().zip(&*right[0]) {
            *to += *from;
        }
    }
}

/// One group under way. The parts of the operands start at the group.
struct Run<'a, T> {
    plan: &'a Weights,
    isa: Isa,
    terms: Vec<Operands<'a, T>>,
    sums: Out<T>,
    out: Out<T>,
}

/// What one thread computes at a time.
#[derive(Clone, Debug)]
struct Task {
    chunk: usize,
    images: Range<usize>,
    blocks: Range<usize>,
    /// Input channels.
    inputs: Range<usize>,
}

impl<T: Real> Run<'_, T> {
    fn all(&self) {
        let cuts = self.plan.cuts;
        let images = self.plan.problem.channels;
        let mut tasks = Vec::new();
        for chunk in 0..cuts.chunks {
            for blocks in ranges(self.plan.blocks.len(), cuts.blocks) {
                for inputs in ranges(self.plan.problem.batch, cuts.inputs * self.plan.inputs) {
                    let images = chunk * images / cuts.chunks..(chunk + 1) * images / cuts.chunks;
                    tasks.push(Task { chunk, images, blocks: blocks.clone(), inputs });
                }
            }
        }
        tasks.into_par_iter().for_each(|task| self.task(&task));
    }

    fn task(&self, task: &Task) {
        let mut adds = false;
        for images in ranges(task.images.len(), self.plan.cuts.images) {
            let images = task.images.start + images.start..task.images.start + images.end;
            for term in &self.terms {
                self.images(task, images.clone(), term, adds);
                adds = true;
            }
        }
        if self.plan.cuts.chunks == 1 {
            self.tiles(task.blocks.clone(), task.inputs.clone()).for_each(|tile| self.write_tile(tile));
        }
    }

    /// Brings the sums of the first chunk into the order of the result.
    fn write(&self) {
        let tiles = self.tiles(0..self.plan.blocks.len(), 0..self.plan.problem.batch);
        tiles.collect::<Vec<_>>().into_par_iter().for_each(|tile| self.write_tile(tile));
    }

    /// All vectors of some blocks, each with some input channels after the others.
    fn tiles(&self, blocks: Range<usize>, inputs: Range<usize>) -> impl Iterator<Item = SumTile> {
        let vectors =
            blocks.flat_map(|block| (0..self.plan.blocks[block].vectors).map(move |vector| (block, vector)));
        vectors.flat_map(move |(block, vector)| {
            let firsts = inputs.clone().step_by(TILE_INPUTS);
            let end = inputs.end;
            firsts.map(move |first| SumTile { block, vector, inputs: first..end.min(first + TILE_INPUTS) })
        })
    }

    fn write_tile(&self, tile: SumTile) {
        self.plan.write_tile(self.isa, self.out, self.sums, tile);
    }

    /// Where the sums of a block and a group of taps start for a sweep from input channel `first` on.
    fn sums(&self, task: &Task, block: usize, taps: &Taps, first: usize) -> *mut T {
        let lanes = self.plan.blocks[block].vectors * self.plan.lanes;
        let row = taps.before * self.plan.padded_inputs() + first * taps.count;
        let start = task.chunk * self.plan.sums() + self.plan.block_start(block) + row * lanes;
        self.sums.at(start)
    }

    /// A few images of one term, copied where they cannot be read in place.
    fn images(&self, task: &Task, images: Range<usize>, term: &Operands<'_, T>, adds: bool) {
        let Weights { problem, input, output, .. } = self.plan;
        let (inputs, outputs) = (task.inputs.clone(), self.channels(task));
        // Channelwise input channels are those of the outputs.
        let inputs = if self.plan.channelwise { outputs.clone() } else { inputs };
        let input_stride = if self.plan.channelwise { 1 } else { problem.batch_strides.input };
        let input_at = images.start * problem.channel_strides.input + inputs.start * input_stride;
        let output_at =
            images.start * problem.channel_strides.kernel + outputs.start * problem.feature_strides.kernel;
        let elements = |side: &Side| side.copying.as_ref().map_or(0, |_| side.image * images.len());
        scratch::with::<T, _>(elements(input) + elements(output), |copies| {
            let (input_copies, output_copies) = copies.split_at_mut(elements(input));
            let image = Extent { size: images.len(), stride: problem.channel_strides.input };
            let input = start(input, input_copies, &term.input[input_at..], inputs.len(), image);
            let image = Extent { size: images.len(), stride: problem.channel_strides.kernel };
            let output = start(output, output_copies, &term.kernel[output_at..], outputs.len(), image);
            for rows in ranges(self.plan.all_rows(), self.plan.cuts.rows) {
                self.sweeps(task, images.len(), &rows, (input, output), adds || rows.start > 0);
            }
        });
    }

    /// Output channels of a task.
    fn channels(&self, task: &Task) -> Range<usize> {
        let (first, last) = (self.plan.blocks[task.blocks.start], self.plan.blocks[task.blocks.end - 1]);
        first.start..last.start + last.width
    }

    /// All sweeps of a task over some rows of images that start at `starts`.
    fn sweeps(
        &self,
        task: &Task,
        images: usize,
        rows: &Range<usize>,
        starts: (*const T, *const T),
        adds: bool,
    ) {
        let first_channel = self.plan.blocks[task.blocks.start].start;
        for taps in &self.plan.taps {
            let from = taps.numbers.partition_point(|&number| number < rows.start);
            let to = taps.numbers.partition_point(|&number| number < rows.end);
            for block in task.blocks.clone() {
                let Block { start, vectors, .. } = self.plan.blocks[block];
                let output = starts.1.wrapping_add(start - first_channel);
                let mut sweep = self.sweep(taps, &taps.rows[from..to], (starts.0, output));
                (sweep.images, sweep.adds) = (images, adds);
                let kernel = self.plan.sweep::<T>(self.isa, vectors, taps.count);
                for first in task.inputs.clone().step_by(self.plan.inputs) {
                    let input =
                        if self.plan.channelwise { start - first_channel } else { first - task.inputs.start };
                    sweep.input = starts.0.wrapping_add(input);
                    sweep.sums = self.sums(task, block, taps, first);
                    // SAFETY: the processor has the instruction set. `Problem::check` made sure that operands
                    // hold their sizes; copies have whole sweeps of channels, and where there are none, so
                    // have the operands. Sums of these blocks and input channels belong to the task.
                    unsafe { kernel(&sweep) };
                }
            }
        }
    }

    fn sweep<'a>(
        &self,
        taps: &Taps,
        rows: &'a [(usize, usize)],
        (input, output): (*const T, *const T),
    ) -> Sweep<'a, T> {
        let Weights { input: images, output: outputs, .. } = self.plan;
        let last = self.plan.last();
        Sweep {
            input,
            input_image: images.image,
            input_step: last.window_dilation * images.pixel,
            input_pixel: images.pixel,
            output: output.wrapping_add(taps.pixels.start * outputs.pixel),
            output_image: outputs.image,
            output_pixel: outputs.pixel,
            images: 0,
            rows,
            pixels: taps.pixels.len(),
            column: taps.column,
            step: last.window_dilation as isize,
            columns: last.input.size as isize,
            sums: std::ptr::null_mut(),
            adds: false,
        }
    }
}

/// Where images start: in place, or, with so many channels, in the copies made here.
fn start<T: Real>(side: &Side, copies: &mut [T], from: &[T], channels: usize, images: Extent) -> *const T {
    let Some(copying) = &side.copying else { return from.as_ptr() };
    let channels = Extent { size: channels, ..copying.channels };
    let copying = Copying { channels, ..copying.clone() };
    for (index, copy) in copies.chunks_exact_mut(side.image.max(1)).enumerate() {
        copying.run(copy, from, index * images.stride);
    }
    copies.as_ptr()
}

fn ranges(size: usize, step: usize) -> impl Iterator<Item = Range<usize>> {
    (0..size).step_by(step).map(move |start| start..size.min(start + step))
}
