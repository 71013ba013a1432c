//! Weights in the order in which the tiles read them.

use std::ops::Range;

use rayon::prelude::*;

use super::{
    geometry::Geometry,
    kernels::{Direction, moving},
    lanes::{Moves, Place},
    problem::Problem,
};
use crate::{isa::Isa, vector::Real};

/// Neighbouring output channels that are computed together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) start: usize,
    /// Wanted output channels.
    pub(super) width: usize,
    pub(super) vectors: usize,
}

/// Cuts output channels into blocks of at most `most` vectors.
pub(super) fn blocks(features: usize, lanes: usize, most: usize) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut start = 0;
    while start < features {
        let vectors = (features - start).div_ceil(lanes).min(most);
        let width = (features - start).min(vectors * lanes);
        blocks.push(Block { start, width, vectors });
        start += width;
    }
    blocks
}

/// The packed weights of all blocks, one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Packing {
    pub(super) blocks: Vec<Block>,
    pub(super) lanes: usize,
    /// Rows of each block.
    pub(super) rows: usize,
}

impl Packing {
    pub(super) fn new(problem: &Problem, geometry: &Geometry, lanes: usize, most: usize) -> Self {
        let rows = geometry.taps() * problem.channels;
        Self { blocks: blocks(problem.features, lanes, most), lanes, rows }
    }

    /// Elements of all blocks.
    pub(super) fn elements(&self) -> usize {
        self.rows * self.lanes * self.blocks.iter().map(|block| block.vectors).sum::<usize>()
    }

    /// Where a block starts; all before it are as wide as it can be.
    pub(super) fn start(&self, block: usize) -> usize {
        let vectors: usize = self.blocks[..block].iter().map(|block| block.vectors).sum();
        vectors * self.lanes * self.rows
    }

    /// Elements of a block.
    pub(super) fn block_elements(&self, block: usize) -> usize {
        self.rows * self.lanes * self.blocks[block].vectors
    }

    /// Fills `to` with the weights of one group, missing lanes with zeros. The problem is not empty.
    ///
    /// # Panics
    /// Where `to` is shorter than the blocks.
    pub(super) fn pack<T: Real>(&self, to: &mut [T], of: &Packed<'_, T>) {
        let mut blocks = Vec::new();
        let mut rest = &mut to[..self.elements()];
        for block in 0..self.blocks.len() {
            let (to, after) = rest.split_at_mut(self.block_elements(block));
            blocks.push((block, to));
            rest = after;
        }
        if self.elements() < PARALLEL_ELEMENTS {
            blocks.into_iter().for_each(|(block, to)| self.pack_block(to, block, of));
        } else {
            blocks.into_par_iter().for_each(|(block, to)| self.pack_block(to, block, of));
        }
    }

    /// Fills `to` with the weights of one block.
    ///
    /// # Panics
    /// Where `to` is not as long as the block.
    pub(super) fn pack_block<T: Real>(&self, to: &mut [T], block: usize, of: &Packed<'_, T>) {
        assert_eq!(to.len(), self.block_elements(block), "the memory holds the block");
        let Block { start, width, vectors } = self.blocks[block];
        let gather = moving::<T>(of.isa, Direction::Gather);
        let stride = of.problem.feature_strides.kernel;
        for first in (0..of.problem.channels).step_by(TILE_CHANNELS) {
            let channels = first..of.problem.channels.min(first + TILE_CHANNELS);
            let places = places(of.problem, of.geometry, channels, vectors * self.lanes);
            for vector in 0..vectors {
                let lane = vector * self.lanes;
                let wanted = width.saturating_sub(lane).min(self.lanes);
                let from = of.kernel.as_ptr().wrapping_add((start + lane) * stride);
                let to = to.as_mut_ptr().wrapping_add(lane);
                // SAFETY: the processor has the instruction set. `Problem::check` made sure that the kernel holds its
                // sizes; the block has a row for each tap and channel.
                unsafe { gather(&Moves { to, from, stride, wanted, places: &places }) };
            }
        }
    }
}

/// The weights of one group, and how they are met.
pub(super) struct Packed<'a, T> {
    pub(super) isa: Isa,
    pub(super) problem: &'a Problem,
    pub(super) geometry: &'a Geometry,
    pub(super) kernel: &'a [T],
}

/// For the weights of some input channels of the first lane, where they are in the kernel and in a block with so many
/// lanes.
fn places(problem: &Problem, geometry: &Geometry, channels: Range<usize>, lanes: usize) -> Vec<Place> {
    let mut places = Vec::with_capacity(channels.len() * geometry.taps());
    for channel in channels {
        let mut before = 0;
        for slot in &geometry.slots {
            for (tap, &at) in slot.iter().enumerate() {
                let row = before * problem.channels + channel * slot.len() + tap;
                let apart = channel * problem.channel_strides.kernel + at;
                places.push(Place { apart, vector: row * lanes });
            }
            before += slot.len();
        }
    }
    places.sort_unstable_by_key(|place| place.apart);
    places
}

/// Input channels whose weights are packed at a time: they fit the innermost cache.
const TILE_CHANNELS: usize = 64;
/// Fewer weights than this are packed by one thread: it takes no longer than waking another.
const PARALLEL_ELEMENTS: usize = 1 << 15;
