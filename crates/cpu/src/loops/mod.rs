//! Fused loops: elementwise operations and reductions run tile by tile, so that what one operation computes is still
//! in the innermost cache when the next one reads it.
//!
//! A loop runs over a matrix of `rows` by `columns` (one row where nothing is reduced), cut into blocks and the blocks
//! into tiles. The cuts depend on the sizes alone and each reduction combines its partial results as a fixed tree, so
//! neither the number of threads nor what else is fused changes a result's bits.

mod build;
pub(crate) mod cell;
mod finish;
mod grid;
mod join;
mod load;
mod ops;
mod registers;
mod tile;

pub(crate) use build::{Context, build};
pub(crate) use grid::Grid;

use rayon::prelude::*;
use tensor::DType;

use self::{cell::with_type, join::Part, registers::Counts, tile::Worker};
use crate::{
    fuse::Level,
    isa::Isa,
    memory::Memory,
    node::{Along, BufferId, Fold, MapOp},
    view::Access,
};

/// Where an instruction finds an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operand {
    /// A register of the operand's type.
    Register(usize),
    /// The tile's part of a contiguous input: elements, rows or columns, as the input has them.
    Input(usize),
    /// The tile's part of an output, already written: elements or rows.
    Output(usize),
    /// The same element everywhere.
    Scalar(usize),
}

/// Where an instruction leaves its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Register(usize),
    Output(usize),
}

/// A step of the work on one tile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Instruction {
    /// Brings the tile's part of an input into a register of its type; of an input of columns, repeated for each row.
    Load { input: usize, register: usize },
    /// Repeats the element of each row along the row.
    Spread { dtype: DType, operand: Operand, register: usize },
    /// An elementwise operation on all elements of the tile or on one for each row; `dtype` is the type of the last
    /// operand, `result` that of the result.
    Map { op: MapOp, level: Level, dtype: DType, result: DType, operands: Vec<Operand>, target: Target },
    /// A reduction of each row.
    Fold { fold: Fold, dtype: DType, operand: Operand, target: Target },
    /// Tensors put together row by row.
    Join { level: Level, dtype: DType, parts: Vec<Part>, target: Target },
}

/// What an input has an element for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Span {
    Elements,
    Rows,
    Columns,
}

/// A tensor that a loop reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Input {
    pub(crate) buffer: BufferId,
    pub(crate) dtype: DType,
    /// The number of elements in the buffer.
    pub(crate) elements: usize,
    /// The element from which the access counts.
    pub(crate) offset: usize,
    pub(crate) span: Span,
    /// How the positions within the span map to the buffer.
    pub(crate) access: Access,
}

/// A number that is the same for all elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scalar {
    /// A constant of the graph, as its bits.
    Known(u64),
    /// An element of a buffer.
    Read(BufferId, DType, usize),
}

/// A tensor that a loop writes, for each element or for each row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Output {
    pub(crate) buffer: BufferId,
    pub(crate) dtype: DType,
    pub(crate) level: Level,
}

/// A reduction at the end of each tile: of columns, or of rows that do not lie in one tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reduction {
    pub(crate) fold: Fold,
    pub(crate) along: Along,
    pub(crate) dtype: DType,
    pub(crate) operand: Operand,
    pub(crate) result: BufferId,
    /// The register in which the tiles of a block are added up, where several rows lie in a tile.
    pub(crate) accumulator: Option<usize>,
    /// Where partial results go; absent where there is one part only, which is the result.
    pub(crate) partials: Option<BufferId>,
}

/// A fused loop.
#[derive(Clone, Debug)]
pub(crate) struct Loop {
    pub(crate) grid: Grid,
    pub(crate) inputs: Vec<Input>,
    pub(crate) scalars: Vec<Scalar>,
    pub(crate) outputs: Vec<Output>,
    /// What is done once for each block: loads of what is the same for all tiles.
    pub(crate) prologue: Vec<Instruction>,
    pub(crate) code: Vec<Instruction>,
    pub(crate) reductions: Vec<Reduction>,
    pub(crate) counts: Counts,
}

/// Work below this many instructions times elements is not worth handing to another thread (about ten microseconds).
const SERIAL_WORK: usize = 1 << 17;

impl Loop {
    /// Sizes and numbers of operands, for people.
    pub(crate) fn describe(&self) -> String {
        let Grid { rows, columns, .. } = self.grid;
        let folds = self.code.iter().filter(|code| matches!(code, Instruction::Fold { .. })).count();
        format!(
            "loop over [{rows}, {columns}]: {} in, {} out, {} reduced, {} instructions",
            self.inputs.len(),
            self.outputs.len(),
            self.reductions.len() + folds,
            self.code.len()
        )
    }

    /// Whether there is work for several threads.
    pub(crate) fn wants_threads(&self) -> bool {
        let work = self.grid.elements().saturating_mul(self.code.len() + self.reductions.len());
        work >= SERIAL_WORK && self.grid.blocks() > 1
    }

    /// Runs the loop over all elements.
    pub(crate) fn run(&self, memory: &Memory<'_>, isa: Isa) {
        let scalars = self.read_scalars(memory);
        let worker = Worker { kernel: self, memory, isa, scalars: &scalars };
        let blocks = self.grid.blocks();
        if self.wants_threads() {
            (0..blocks).into_par_iter().for_each(|block| worker.block(block));
        } else {
            (0..blocks).for_each(|block| worker.block(block));
        }
        for reduction in &self.reductions {
            with_type!(reduction.dtype, T => finish::finish::<T>(&self.grid, reduction, memory, isa));
        }
    }

    #[expect(unsafe_code, reason = "memory is shared with the threads of the loop")]
    fn read_scalars(&self, memory: &Memory<'_>) -> Vec<u64> {
        let read = |scalar: &Scalar| match *scalar {
            Scalar::Known(bits) => bits,
            // SAFETY: the schedule has the buffer filled before this loop starts, whose threads have not started yet.
            Scalar::Read(buffer, dtype, at) => with_type!(dtype, T => unsafe {
                cell::Cell::to_bits(memory.read::<T>(buffer, at..at + 1)[0])
            }),
        };
        self.scalars.iter().map(read).collect()
    }
}
