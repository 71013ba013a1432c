//! Weights in the order in which the tiles read them.

use rayon::prelude::*;

use super::{geometry::Geometry, out::Out, problem::Problem};
use crate::vector::Real;

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

    /// Fills `to` with the weights of one group, missing lanes with zeros.
    ///
    /// # Panics
    /// Where `to` is shorter than the blocks.
    pub(super) fn pack<T: Real>(&self, to: &mut [T], problem: &Problem, geometry: &Geometry, kernel: &[T]) {
        assert!(to.len() >= self.elements(), "the working memory holds the blocks");
        let to = Out::new(to.as_mut_ptr());
        let tiles = (0..self.blocks.len()).flat_map(|block| {
            (0..problem.channels).step_by(TILE_CHANNELS).map(move |channel| (block, channel))
        });
        let fill = |(block, first): (usize, usize)| {
            let channels = first..problem.channels.min(first + TILE_CHANNELS);
            let lanes = self.blocks[block].vectors * self.lanes;
            for lane in 0..lanes {
                let weights = (lane < self.blocks[block].width)
                    .then(|| &kernel[(self.blocks[block].start + lane) * problem.feature_strides.kernel..]);
                for channel in channels.clone() {
                    let start = to.at(self.start(block) + lane);
                    let weights = weights.map(|weights| &weights[channel * problem.channel_strides.kernel..]);
                    pack_channel(start, lanes, (problem.channels, channel), geometry, weights);
                }
            }
        };
        if self.elements() < PARALLEL_ELEMENTS {
            tiles.for_each(fill);
        } else {
            tiles.collect::<Vec<_>>().into_par_iter().for_each(fill);
        }
    }
}

/// Writes the weights of one lane and one of so many input channels, or zeros, to a block with so many lanes.
fn pack_channel<T: Real>(
    to: *mut T,
    lanes: usize,
    (channels, channel): (usize, usize),
    geometry: &Geometry,
    weights: Option<&[T]>,
) {
    let mut before = 0;
    for slot in &geometry.slots {
        for (tap, &at) in slot.iter().enumerate() {
            let row = before * channels + channel * slot.len() + tap;
            let weight = weights.map_or_else(T::default, |weights| weights[at]);
            // SAFETY: the block has a row for each tap and channel, and each is written for one lane by one
            // thread.
            unsafe { to.wrapping_add(row * lanes).write(weight) };
        }
        before += slot.len();
    }
}

/// Input channels whose weights are packed at a time: they fit the innermost cache.
const TILE_CHANNELS: usize = 16;
/// Fewer weights than this are packed by one thread: it takes no longer than waking another.
const PARALLEL_ELEMENTS: usize = 1 << 15;
