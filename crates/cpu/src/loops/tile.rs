//! Running a loop's instructions on one tile.

#![expect(unsafe_code, reason = "threads write disjoint tiles of shared memory")]

use std::ops::Range;

use graph::ops::Direction;
use tensor::Key;

use super::{
    Input, Instruction, Loop, Operand, Output, Reduction, Span, Target,
    cell::{Cell, with_type},
    finish::add_as_tree,
    grid::Tile,
    load::gather,
    ops::{self, Source},
    registers::{Registers, TILE, with_registers},
};
use crate::{
    fuse::Level,
    isa::Isa,
    memory::Memory,
    node::{Along, BufferId, Fold, MapOp},
    view::Access,
};

/// A loop with all that its threads share.
#[derive(Clone, Copy)]
pub(crate) struct Worker<'a> {
    pub(crate) kernel: &'a Loop,
    pub(crate) memory: &'a Memory<'a>,
    pub(crate) isa: Isa,
    pub(crate) scalars: &'a [u64],
}

/// A worker at one tile.
pub(super) struct At<'a> {
    pub(super) worker: Worker<'a>,
    tile: Tile,
}

impl Worker<'_> {
    /// Runs the tiles of one block.
    pub(crate) fn block(&self, block: usize) {
        with_registers(self.kernel.counts, |registers| {
            let mut last = None;
            for tile in self.kernel.grid.tiles(block) {
                let at = At { worker: *self, tile };
                if last.is_none() {
                    at.run(&self.kernel.prologue, registers);
                }
                at.prefetch();
                at.run(&self.kernel.code, registers);
                at.reduce_all(registers);
                last = Some(tile);
            }
            if let Some(tile) = last {
                self.finish_rows(tile, registers);
            }
        });
    }

    /// Adds up the rows of the accumulators of a block, of which one tile is given.
    fn finish_rows(&self, tile: Tile, registers: &mut Registers) {
        let grid = self.kernel.grid;
        let rows = grid.height().min(grid.rows_of_block(tile.row_block));
        for reduction in &self.kernel.reductions {
            if let Some(register) = reduction.accumulator {
                with_type!(reduction.dtype, T => {
                    let sums = &mut T::tiles_mut(registers)[register][..rows * grid.columns];
                    add_as_tree(self.isa, reduction.fold, sums, grid.columns);
                    let first = tile.row_block * grid.columns;
                    // SAFETY: each block has results of its own, which nobody reads before the loop ends.
                    let out = unsafe {
                        let buffer = reduction.partials.unwrap_or(reduction.result);
                        self.memory.write::<T>(buffer, first..first + grid.columns)
                    };
                    out.copy_from_slice(&sums[..grid.columns]);
                });
            }
        }
    }
}

impl At<'_> {
    fn run(&self, code: &[Instruction], registers: &mut Registers) {
        for instruction in code {
            match instruction {
                Instruction::Load { input, register } => {
                    let dtype = self.worker.kernel.inputs[*input].dtype;
                    with_type!(dtype, T => self.load::<T>(*input, *register, registers));
                }
                Instruction::Spread { dtype, operand, register } => {
                    with_type!(*dtype, T => self.spread::<T>(*operand, *register, registers));
                }
                Instruction::Map { op, level, dtype, result, operands, target } => {
                    let to = (*target, *level);
                    with_type!(*dtype, T => match op {
                        MapOp::Compare(direction) => self.compare::<T>(*direction, operands, to, registers),
                        MapOp::Random => self.random(operands, to, registers),
                        MapOp::Convert => with_type!(*result, R => self.convert::<T, R>(operands, to, registers)),
                        _ => self.map::<T>(*op, operands, to, registers),
                    });
                }
                Instruction::Join { level, dtype, parts, target } => {
                    with_type!(*dtype, T => self.join::<T>(parts, (*target, *level), registers));
                }
                Instruction::Fold { fold, dtype, operand, target } => {
                    with_type!(*dtype, T => self.fold::<T>(*fold, *operand, *target, registers));
                }
            }
        }
    }

    fn reduce_all(&self, registers: &mut Registers) {
        for reduction in &self.worker.kernel.reductions {
            with_type!(reduction.dtype, T => self.reduce::<T>(reduction, registers));
        }
    }

    /// The tile's row-major positions.
    const fn elements(&self) -> Range<usize> {
        let start = self.tile.row * self.worker.kernel.grid.columns + self.tile.column;
        start..start + self.tile.rows * self.tile.width
    }

    const fn rows(&self) -> Range<usize> {
        self.tile.row..self.tile.row + self.tile.rows
    }

    const fn columns(&self) -> Range<usize> {
        self.tile.column..self.tile.column + self.tile.width
    }

    pub(super) const fn positions(&self, level: Level) -> Range<usize> {
        match level {
            Level::Full => self.elements(),
            Level::Row => self.rows(),
        }
    }

    /// Prefetches the next tile's part of the inputs, so that memory is read while this tile is computed.
    fn prefetch(&self) {
        for input in &self.worker.kernel.inputs {
            if input.access == Access::Contiguous && input.span == Span::Elements {
                let Range { start, end } = self.elements();
                let next = input.offset + end..input.offset + 2 * end - start;
                with_type!(input.dtype, T => self.worker.memory.prefetch::<T>(input.buffer, next));
            }
        }
    }

    fn load<T: Cell>(&self, input: usize, register: usize, registers: &mut Registers) {
        let input = &self.worker.kernel.inputs[input];
        let out = &mut T::tiles_mut(registers)[register];
        match input.span {
            Span::Elements => self.gather(input, self.elements(), out),
            Span::Rows => self.gather(input, self.rows(), out),
            Span::Columns => {
                self.gather(input, self.columns(), out);
                let width = self.tile.width;
                (1..self.tile.rows).for_each(|row| out.copy_within(..width, row * width));
            }
        }
    }

    /// Brings elements of an input to the front of a register.
    fn gather<T: Cell>(&self, input: &Input, positions: Range<usize>, out: &mut [T]) {
        let out = &mut out[..positions.len()];
        match &input.access {
            Access::Strided(runs) => {
                // SAFETY: the schedule has the input filled before the loop, and the plan keeps every buffer that the
                // loop writes apart from inputs that it does not read at the same positions.
                let data =
                    unsafe { self.worker.memory.read::<T>(input.buffer, input.offset..input.elements) };
                gather(out, data, runs, positions.start);
            }
            _ => out.copy_from_slice(self.read(input.buffer, input.offset, positions)),
        }
    }

    /// Positions of a buffer that is contiguous from `offset` on.
    fn read<T: Cell>(&self, buffer: BufferId, offset: usize, positions: Range<usize>) -> &[T] {
        // SAFETY: the buffer was filled before the loop or earlier on this tile. Other threads work on other tiles.
        // An instruction's result is never in the memory of one of its operands: inputs in whose memory the loop
        // writes are brought into registers first.
        unsafe { self.worker.memory.read::<T>(buffer, offset + positions.start..offset + positions.end) }
    }

    /// An operand of an instruction at `level`.
    fn source<'b, T: Cell>(
        &'b self,
        operand: Operand,
        level: Level,
        registers: &'b Registers,
    ) -> Source<'b, T> {
        let kernel = self.worker.kernel;
        match operand {
            Operand::Register(register) => {
                Source::Slice(&T::tiles(registers)[register][..self.positions(level).len()])
            }
            Operand::Input(input) => {
                let Input { buffer, offset, span, .. } = kernel.inputs[input];
                let positions = match span {
                    Span::Elements => self.elements(),
                    Span::Rows => self.rows(),
                    Span::Columns => self.columns(),
                };
                Source::Slice(self.read(buffer, offset, positions))
            }
            Operand::Output(output) => {
                let Output { buffer, level, .. } = kernel.outputs[output];
                Source::Slice(self.read(buffer, 0, self.positions(level)))
            }
            Operand::Scalar(scalar) => Source::Splat(T::from_bits(self.worker.scalars[scalar])),
        }
    }

    /// Calls `work` with the elements of the target, which is none of the registers meanwhile.
    pub(super) fn with_target<T: Cell>(
        &self,
        (target, level): (Target, Level),
        registers: &mut Registers,
        work: impl FnOnce(&mut [T], &Registers),
    ) {
        let positions = self.positions(level);
        match target {
            Target::Register(register) => {
                let mut tile = std::mem::take(&mut T::tiles_mut(registers)[register]);
                work(&mut tile[..positions.len()], registers);
                T::tiles_mut(registers)[register] = tile;
            }
            Target::Output(output) => {
                let buffer = self.worker.kernel.outputs[output].buffer;
                // SAFETY: only this thread works on this tile, and no operand of the instruction is in the target's
                // memory (see `read`). The plan gives written buffers memory that may be written. Results for rows are
                // written where tiles hold whole rows.
                let out = unsafe { self.worker.memory.write::<T>(buffer, positions) };
                work(out, registers);
            }
        }
    }

    fn spread<T: Cell>(&self, operand: Operand, register: usize, registers: &mut Registers) {
        let to = (Target::Register(register), Level::Full);
        self.with_target::<T>(to, registers, |out, registers| {
            match self.source(operand, Level::Row, registers) {
                Source::Slice(x) => ops::spread(self.worker.isa, out, x, self.tile.width),
                Source::Splat(x) => out.fill(x),
            }
        });
    }

    fn fold<T: Cell>(&self, fold: Fold, operand: Operand, target: Target, registers: &mut Registers) {
        self.with_target::<T>((target, Level::Row), registers, |out, registers| {
            let x = self.slice(operand, registers);
            ops::fold_rows(self.worker.isa, fold, out, x, self.tile.width);
        });
    }

    /// What is reduced is in a register or in memory.
    fn slice<'b, T: Cell>(&'b self, operand: Operand, registers: &'b Registers) -> &'b [T] {
        match self.source(operand, Level::Full, registers) {
            Source::Slice(x) => x,
            Source::Splat(_) => unreachable!("numbers are spread over a register before they are reduced"),
        }
    }

    fn map<T: Cell>(&self, op: MapOp, operands: &[Operand], to: (Target, Level), registers: &mut Registers) {
        let isa = self.worker.isa;
        let level = to.1;
        self.with_target::<T>(to, registers, |out, registers| match (op, operands) {
            (MapOp::Unary(op), &[x]) => ops::unary(isa, out, op, self.source(x, level, registers)),
            (MapOp::Binary(op), &[x, y]) => {
                ops::binary(isa, out, op, self.source(x, level, registers), self.source(y, level, registers));
            }
            (MapOp::Select, &[condition, x, y]) => {
                let condition = self.source(condition, level, registers);
                ops::select(
                    isa,
                    out,
                    condition,
                    self.source(x, level, registers),
                    self.source(y, level, registers),
                );
            }
            _ => unreachable!("{op:?} of {} operands", operands.len()),
        });
    }

    fn compare<T: Cell>(
        &self,
        direction: Direction,
        operands: &[Operand],
        to: (Target, Level),
        registers: &mut Registers,
    ) {
        self.with_target::<bool>(to, registers, |out, registers| {
            let [x, y] = [0, 1].map(|k| self.source::<T>(operands[k], to.1, registers));
            ops::compare(self.worker.isa, out, direction, x, y);
        });
    }

    fn convert<T: Cell, R: Cell>(
        &self,
        operands: &[Operand],
        to: (Target, Level),
        registers: &mut Registers,
    ) {
        self.with_target::<R>(to, registers, |out, registers| {
            ops::convert(self.worker.isa, out, self.source::<T>(operands[0], to.1, registers));
        });
    }

    /// The words of the stream that the first element of each operand names, at the tile's positions.
    fn random(&self, operands: &[Operand], to: (Target, Level), registers: &mut Registers) {
        let start = self.positions(to.1).start;
        self.with_target::<i32>(to, registers, |out, registers| {
            let word = |operand: &Operand| match self.source::<i32>(*operand, to.1, registers) {
                Source::Slice(words) => words[0] as u32,
                Source::Splat(word) => word as u32,
            };
            let key = Key::from_words([word(&operands[0]), word(&operands[1])]);
            ops::random(self.worker.isa, out, key, word(&operands[2]), start as u64);
        });
    }

    fn reduce<T: Cell>(&self, reduction: &Reduction, registers: &mut Registers) {
        match (reduction.along, reduction.accumulator) {
            (Along::Columns, _) => self.reduce_piece::<T>(reduction, registers),
            (Along::Rows, None) => self.reduce_row::<T>(reduction, registers),
            (Along::Rows, Some(accumulator)) => self.accumulate::<T>(reduction, accumulator, registers),
        }
    }

    /// One result for the tile's part of its row.
    fn reduce_piece<T: Cell>(&self, reduction: &Reduction, registers: &Registers) {
        let x: &[T] = self.slice(reduction.operand, registers);
        let per_row = self.worker.kernel.grid.tiles_per_row();
        let at = self.tile.row * per_row + self.tile.column / TILE;
        // SAFETY: each tile has results of its own, which nobody reads before the loop ends.
        let out = unsafe {
            self.worker.memory.write::<T>(reduction.partials.unwrap_or(reduction.result), at..at + 1)
        };
        out[0] = ops::fold(self.worker.isa, reduction.fold, x);
    }

    /// Folds the tile's row into the results of its block.
    fn reduce_row<T: Cell>(&self, reduction: &Reduction, registers: &Registers) {
        let x: &[T] = self.slice(reduction.operand, registers);
        let first = self.tile.row_block * self.worker.kernel.grid.columns + self.tile.column;
        // SAFETY: each block has results of its own, which one thread computes tile by tile.
        let out = unsafe {
            self.worker
                .memory
                .write::<T>(reduction.partials.unwrap_or(reduction.result), first..first + self.tile.width)
        };
        if self.tile.first {
            out.copy_from_slice(x);
        } else {
            ops::combine(self.worker.isa, reduction.fold, out, x);
        }
    }

    /// Folds the tile into the accumulator of its block, row by row of the tile.
    fn accumulate<T: Cell>(&self, reduction: &Reduction, accumulator: usize, registers: &mut Registers) {
        let to = (Target::Register(accumulator), Level::Full);
        self.with_target::<T>(to, registers, |out, registers| {
            let x = self.slice(reduction.operand, registers);
            if self.tile.first {
                out.copy_from_slice(x);
            } else {
                ops::combine(self.worker.isa, reduction.fold, out, x);
            }
        });
    }
}
