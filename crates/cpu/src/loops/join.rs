//! Bringing joined tensors into a tile.

#![expect(unsafe_code, reason = "inputs lie in memory shared by threads")]

use super::{Operand, Target, cell::Cell, load::gather, registers::Registers, tile::At};
use crate::{fuse::Level, view::Access};

/// A tensor of which each row of a joined one has some elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// An input or a scalar.
    pub(crate) source: Operand,
    /// The number of elements in a row.
    pub(crate) width: usize,
}

impl At<'_> {
    /// Fills the target with the tile's part of the joined tensor: row by row, some elements of each part in turn.
    pub(super) fn join<T: Cell>(&self, parts: &[Part], to: (Target, Level), registers: &mut Registers) {
        let start = self.positions(to.1).start;
        let width: usize = parts.iter().map(|part| part.width).sum();
        let (mut row, mut skipped) = (start / width, start % width);
        self.with_target::<T>(to, registers, |out, _| {
            let mut rest = out;
            while !rest.is_empty() {
                for &part in parts {
                    let before = skipped.min(part.width);
                    let length = rest.len().min(part.width - before);
                    let (piece, after) = rest.split_at_mut(length);
                    if length > 0 {
                        self.fill(part, row * part.width + before, piece);
                    }
                    (rest, skipped) = (after, skipped - before);
                }
                row += 1;
            }
        });
    }

    /// Fills `out` with the elements of a part from a row-major position on.
    fn fill<T: Cell>(&self, part: Part, position: usize, out: &mut [T]) {
        let input = match part.source {
            Operand::Scalar(scalar) => return out.fill(T::from_bits(self.worker.scalars[scalar])),
            Operand::Input(input) => &self.worker.kernel.inputs[input],
            Operand::Register(_) | Operand::Output(_) => unreachable!("what is joined lies in memory"),
        };
        // SAFETY: the schedule has the input filled before the loop, and the plan keeps every buffer that the loop
        // writes apart from inputs that it does not read at the same positions.
        let data = unsafe { self.worker.memory.read::<T>(input.buffer, input.offset..input.elements) };
        match &input.access {
            Access::Strided(runs) => gather(out, data, runs, position),
            _ => out.copy_from_slice(&data[position..position + out.len()]),
        }
    }
}
