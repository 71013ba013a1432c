//! Running a loop's instructions on one tile.

#![expect(unsafe_code, reason = "threads write disjoint tiles of shared memory")]

use graph::ops::Direction;
use tensor::Key;

use super::{
    Instruction, Loop, Operand, Reduction, Target,
    cell::{Cell, with_type},
    grid::Tile,
    load::gather,
    ops::{self, Source},
    registers::{Registers, with_registers},
};
use crate::{
    isa::Isa,
    memory::Memory,
    node::{Along, BufferId, MapOp},
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
    /// The tile's row-major position and its number of elements.
    pub(super) start: usize,
    len: usize,
}

impl Worker<'_> {
    /// Runs the tiles of one block.
    pub(crate) fn block(&self, block: usize) {
        with_registers(self.kernel.counts, |registers| {
            for tile in self.kernel.grid.tiles(block) {
                let start = tile.row * self.kernel.grid.columns + tile.column;
                At { worker: *self, tile, start, len: tile.rows * tile.width }.run(registers);
            }
        });
    }
}

impl At<'_> {
    fn run(&self, registers: &mut Registers) {
        for (position, instruction) in self.worker.kernel.code.iter().enumerate() {
            self.prefetch(position);
            match instruction {
                Instruction::Load { input, register } => {
                    let dtype = self.worker.kernel.inputs[*input].dtype;
                    with_type!(dtype, T => self.load::<T>(*input, *register, registers));
                }
                Instruction::Map { op, dtype, result, operands, target } => {
                    with_type!(*dtype, T => match op {
                        MapOp::Compare(direction) => self.compare::<T>(*direction, operands, *target, registers),
                        MapOp::Random => self.random(operands, *target, registers),
                        MapOp::Convert => with_type!(*result, R => self.convert::<T, R>(operands, *target, registers)),
                        _ => self.map::<T>(*op, operands, *target, registers),
                    });
                }
                Instruction::Join { dtype, parts, target } => {
                    with_type!(*dtype, T => self.join::<T>(parts, *target, registers));
                }
            }
        }
        for reduction in &self.worker.kernel.reductions {
            with_type!(reduction.dtype, T => self.reduce::<T>(reduction, registers));
        }
    }

    /// Prefetches the next tile's part of one input, so that memory is read while this tile is computed.
    fn prefetch(&self, input: usize) {
        if let Some(input) = self.worker.kernel.inputs.get(input)
            && input.access == Access::Contiguous
        {
            let start = input.offset + self.start + self.len;
            let next = start..start + self.len;
            with_type!(input.dtype, T => self.worker.memory.prefetch::<T>(input.buffer, next));
        }
    }

    fn load<T: Cell>(&self, input: usize, register: usize, registers: &mut Registers) {
        let input = &self.worker.kernel.inputs[input];
        let out = &mut T::tiles_mut(registers)[register][..self.len];
        match &input.access {
            Access::Strided(runs) => {
                // SAFETY: the schedule has the input filled before the loop, and the plan keeps every buffer that the
                // loop writes apart from inputs that it does not read at the same positions.
                let data =
                    unsafe { self.worker.memory.read::<T>(input.buffer, input.offset..input.elements) };
                gather(out, data, runs, self.start);
            }
            _ => out.copy_from_slice(self.read(input.buffer, input.offset)),
        }
    }

    /// The tile's part of a buffer that is contiguous from `offset` on.
    fn read<T: Cell>(&self, buffer: BufferId, offset: usize) -> &[T] {
        let start = offset + self.start;
        // SAFETY: the buffer was filled before the loop or earlier on this tile. Other threads work on other tiles.
        // An instruction's result is never in the memory of one of its operands: inputs in whose memory the loop
        // writes are brought into registers first.
        unsafe { self.worker.memory.read::<T>(buffer, start..start + self.len) }
    }

    fn source<'b, T: Cell>(&'b self, operand: Operand, registers: &'b Registers) -> Source<'b, T> {
        let kernel = self.worker.kernel;
        match operand {
            Operand::Register(register) => Source::Slice(&T::tiles(registers)[register][..self.len]),
            Operand::Input(input) => {
                Source::Slice(self.read(kernel.inputs[input].buffer, kernel.inputs[input].offset))
            }
            Operand::Output(output) => Source::Slice(self.read(kernel.outputs[output].buffer, 0)),
            Operand::Scalar(scalar) => Source::Splat(T::from_bits(self.worker.scalars[scalar])),
        }
    }

    /// Calls `work` with the elements of the target, which is none of the registers meanwhile.
    pub(super) fn with_target<T: Cell>(
        &self,
        target: Target,
        registers: &mut Registers,
        work: impl FnOnce(&mut [T], &Registers),
    ) {
        match target {
            Target::Register(register) => {
                let mut tile = std::mem::take(&mut T::tiles_mut(registers)[register]);
                work(&mut tile[..self.len], registers);
                T::tiles_mut(registers)[register] = tile;
            }
            Target::Output(output) => {
                let buffer = self.worker.kernel.outputs[output].buffer;
                // SAFETY: only this thread works on this tile, and no operand of the instruction is in the target's
                // memory (see `read`). The plan gives written buffers memory that may be written.
                let out = unsafe { self.worker.memory.write::<T>(buffer, self.start..self.start + self.len) };
                work(out, registers);
            }
        }
    }

    fn map<T: Cell>(&self, op: MapOp, operands: &[Operand], target: Target, registers: &mut Registers) {
        let isa = self.worker.isa;
        self.with_target::<T>(target, registers, |out, registers| match (op, operands) {
            (MapOp::Unary(op), &[x]) => ops::unary(isa, out, op, self.source(x, registers)),
            (MapOp::Binary(op), &[x, y]) => {
                ops::binary(isa, out, op, self.source(x, registers), self.source(y, registers));
            }
            (MapOp::Select, &[condition, x, y]) => {
                let condition = self.source(condition, registers);
                ops::select(isa, out, condition, self.source(x, registers), self.source(y, registers));
            }
            _ => unreachable!("{op:?} of {} operands", operands.len()),
        });
    }

    fn compare<T: Cell>(
        &self,
        direction: Direction,
        operands: &[Operand],
        target: Target,
        registers: &mut Registers,
    ) {
        self.with_target::<bool>(target, registers, |out, registers| {
            let (x, y) = (self.source::<T>(operands[0], registers), self.source(operands[1], registers));
            ops::compare(self.worker.isa, out, direction, x, y);
        });
    }

    fn convert<T: Cell, R: Cell>(&self, operands: &[Operand], target: Target, registers: &mut Registers) {
        self.with_target::<R>(target, registers, |out, registers| {
            ops::convert(self.worker.isa, out, self.source::<T>(operands[0], registers));
        });
    }

    /// The words of the stream that the first element of each operand names, at the tile's positions.
    fn random(&self, operands: &[Operand], target: Target, registers: &mut Registers) {
        self.with_target::<i32>(target, registers, |out, registers| {
            let word = |operand: &Operand| match self.source::<i32>(*operand, registers) {
                Source::Slice(words) => words[0] as u32,
                Source::Splat(word) => word as u32,
            };
            let key = Key::from_words([word(&operands[0]), word(&operands[1])]);
            ops::random(self.worker.isa, out, key, word(&operands[2]), self.start as u64);
        });
    }

    fn reduce<T: Cell>(&self, reduction: &Reduction, registers: &Registers) {
        let Source::Slice(x) = self.source::<T>(reduction.operand, registers) else {
            unreachable!("what is reduced is in a register or in memory")
        };
        match reduction.along {
            Along::Columns => self.reduce_columns(reduction, x),
            Along::Rows => self.reduce_rows(reduction, x),
        }
    }

    /// One result for each of the tile's rows, or for the tile's part of its row.
    fn reduce_columns<T: Cell>(&self, reduction: &Reduction, x: &[T]) {
        let per_row = self.worker.kernel.grid.tiles_per_row();
        let first = self.tile.row * per_row + self.tile.column / super::registers::TILE;
        // SAFETY: each tile has results of its own, which nobody reads before the loop ends.
        let out = unsafe {
            self.worker
                .memory
                .write::<T>(reduction.partials.unwrap_or(reduction.result), first..first + self.tile.rows)
        };
        for (out, row) in out.iter_mut().zip(x.chunks(self.tile.width)) {
            *out = ops::fold(self.worker.isa, reduction.fold, row);
        }
    }

    /// Folds the tile's rows into the results of its block.
    fn reduce_rows<T: Cell>(&self, reduction: &Reduction, x: &[T]) {
        let first = self.tile.row_block * self.worker.kernel.grid.columns + self.tile.column;
        // SAFETY: each block has results of its own, which one thread computes tile by tile.
        let out = unsafe {
            self.worker
                .memory
                .write::<T>(reduction.partials.unwrap_or(reduction.result), first..first + self.tile.width)
        };
        let mut rows = x.chunks(self.tile.width);
        if self.tile.first
            && let Some(row) = rows.next()
        {
            out.copy_from_slice(row);
        }
        for row in rows {
            ops::combine(self.worker.isa, reduction.fold, out, row);
        }
    }
}
