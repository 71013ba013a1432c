//! Weights in the order in which the tiles read them.

use rayon::prelude::*;

use super::{geometry::Geometry, kernels::Real, problem::Problem};

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
    pub(super) fn pack<T: Real>(&self, to: &mut [T], problem: &Problem, geometry: &Geometry, kernel: &[T]) {
        if self.rows == 0 {
            return;
        }
        let mut parts = Vec::with_capacity(self.blocks.len() * geometry.slots.len());
        let mut rest = to;
        for block in &self.blocks {
            for slot in &geometry.slots {
                let elements = slot.len() * problem.channels * block.vectors * self.lanes;
                let (part, others) = rest.split_at_mut(elements);
                parts.push((*block, slot, part));
                rest = others;
            }
        }
        let fill = |(block, slot, part): (Block, &Vec<usize>, &mut [T])| {
            let width = block.vectors * self.lanes;
            for (row, to) in part.chunks_exact_mut(width).enumerate() {
                let (channel, tap) = (row / slot.len(), row % slot.len());
                let start = block.start * problem.feature_strides.kernel
                    + channel * problem.channel_strides.kernel
                    + slot[tap];
                for (lane, to) in to[..block.width].iter_mut().enumerate() {
                    *to = kernel[start + lane * problem.feature_strides.kernel];
                }
                to[block.width..].fill(T::default());
            }
        };
        if self.elements() < PARALLEL_ELEMENTS {
            parts.into_iter().for_each(fill);
        } else {
            parts.into_par_iter().for_each(fill);
        }
    }
}

/// Fewer weights than this are packed by one thread: it takes no longer than waking another.
const PARALLEL_ELEMENTS: usize = 1 << 15;
