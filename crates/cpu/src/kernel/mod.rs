//! Kernels that read whole operands, row-major, and write a whole result: windows, factorisations, systems.

#![expect(unsafe_code, reason = "operands and results lie in shared memory")]

mod cholesky;
mod real;
mod slide;
mod sweep;
mod taps;
mod triangular;

use tensor::DType;

use crate::{
    isa::Isa,
    loops::cell::{Cell, with_type},
    memory::Memory,
    step::Whole,
};
use real::Real;

pub(crate) use cholesky::Cholesky;
pub(crate) use slide::{Slide, What};
pub(crate) use triangular::Triangular;

/// What is computed.
#[derive(Clone, Debug)]
pub(crate) enum Kernel {
    /// Something for each window, or for each element under windows.
    Slide(Slide),
    /// Factors of positive definite matrices.
    Cholesky(Cholesky),
    /// Solutions of triangular systems.
    Triangular(Triangular),
}

impl Kernel {
    /// What is computed, for people.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Slide(slide) => slide.describe(),
            Self::Cholesky(cholesky) => cholesky.describe(),
            Self::Triangular(triangular) => triangular.describe(),
        }
    }

    /// Additions, multiplications and comparisons.
    pub(crate) fn operations(&self) -> u64 {
        match self {
            Self::Slide(slide) => slide.operations(),
            Self::Cholesky(cholesky) => cholesky.operations(),
            Self::Triangular(triangular) => triangular.operations(),
        }
    }

    /// Computes the result. The first operand has elements of type `dtype`.
    pub(crate) fn run(&self, memory: &Memory<'_>, isa: Isa, dtype: DType, operands: &[Whole], result: Whole) {
        match self {
            Self::Slide(slide) => with_type!(dtype, T => {
                run_slide::<T>(slide, memory, isa, operands, result);
            }),
            Self::Cholesky(_) | Self::Triangular(_) => match dtype {
                DType::F32 => self.run_matrices::<f32>(memory, isa, operands, result),
                DType::F64 => self.run_matrices::<f64>(memory, isa, operands, result),
                DType::I32 | DType::Bool => unreachable!("the type rule admits floats only"),
            },
        }
    }

    fn run_matrices<T: Real>(&self, memory: &Memory<'_>, isa: Isa, operands: &[Whole], result: Whole) {
        // SAFETY: the operands were filled by earlier steps or are arguments, and the plan keeps the result apart from
        // everything that this step reads. No other step runs meanwhile.
        let (a, out) = unsafe { (read::<T>(memory, operands[0]), write::<T>(memory, result)) };
        match self {
            Self::Slide(_) => unreachable!("windows are no matrices"),
            Self::Cholesky(cholesky) => cholesky.run(isa, out, a),
            Self::Triangular(triangular) => {
                // SAFETY: as above.
                out.copy_from_slice(unsafe { read(memory, operands[1]) });
                triangular.run(isa, out, a);
            }
        }
    }
}

fn run_slide<T: Cell>(slide: &Slide, memory: &Memory<'_>, isa: Isa, operands: &[Whole], result: Whole) {
    // SAFETY: the operands were filled by earlier steps or are arguments, and the plan keeps the result apart from
    // everything that this step reads. No other step runs meanwhile, and one of the branches below borrows the result.
    unsafe {
        let x = read::<T>(memory, operands[0]);
        match slide.what() {
            What::Sum => slide.sum(isa, write(memory, result), x),
            What::Argmax => slide.argmax(isa, write(memory, result), x),
            What::Gather | What::Scatter => {
                slide.choose(isa, write(memory, result), x, read(memory, operands[1]));
            }
        }
    }
}

/// All of an operand.
///
/// # Safety
/// As for [`Memory::read`].
unsafe fn read<'a, T: Cell>(memory: &'a Memory<'_>, operand: Whole) -> &'a [T] {
    // SAFETY: as the caller promises.
    unsafe { memory.read::<T>(operand.buffer, 0..operand.elements) }
}

/// All of a result.
///
/// # Safety
/// As for [`Memory::write`].
#[expect(clippy::mut_from_ref, reason = "exclusive access is the caller's promise")]
unsafe fn write<'a, T: Cell>(memory: &'a Memory<'_>, result: Whole) -> &'a mut [T] {
    // SAFETY: as the caller promises.
    unsafe { memory.write::<T>(result.buffer, 0..result.elements) }
}
