//! The steps of a compiled graph.

#![expect(unsafe_code, reason = "operands and results lie in shared memory")]

use tensor::DType;

use crate::{
    conv_step::Sum,
    gemm::SERIAL_OPERATIONS,
    isa::Isa,
    kernel::Kernel,
    lookup::Lookup,
    loops::{
        Loop,
        cell::{Cell, with_type},
    },
    memory::Memory,
    node::BufferId,
    product::Product,
    profile::StepCost,
    vector::Real,
};

/// Steps of fewer operations and bytes than this are run by one thread (some ten microseconds).
const SMALL_STEP: u64 = 1 << 17;

/// A part of a buffer's type: what a step must know to read or write all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Whole {
    pub(crate) buffer: BufferId,
    pub(crate) elements: usize,
}

/// A step of a run.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// A fused loop.
    Loop(Loop),
    /// A batch of sums of matrix products; the operands of each term in turn.
    Product { product: Product, dtype: DType, operands: Vec<Whole>, result: Whole },
    /// A sum of convolutions.
    Convolution(Sum),
    /// Rows read at indices, or added up at them.
    Lookup { lookup: Lookup, adds: bool, dtype: DType, operand: Whole, indices: Whole, result: Whole },
    /// A kernel on whole buffers; `dtype` is the first operand's.
    Kernel { kernel: Box<Kernel>, dtype: DType, operands: Vec<Whole>, result: Whole },
}

impl Step {
    /// What the step does, for people.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Loop(kernel) => kernel.describe(),
            Self::Product { product, dtype, .. } => format!("product {} of {dtype}", product.describe()),
            Self::Convolution(sum) => sum.describe(),
            Self::Lookup { lookup, adds, dtype, .. } => {
                let what = if *adds { "scatter_add to" } else { "gather of" };
                format!("{what} {} of {dtype}", lookup.describe())
            }
            Self::Kernel { kernel, dtype, .. } => format!("{} of {dtype}", kernel.describe()),
        }
    }

    /// Whether several threads could share the work.
    pub(crate) fn wants_threads(&self, cost: &StepCost) -> bool {
        match self {
            Self::Loop(kernel) => kernel.wants_threads(),
            Self::Product { product, .. } => product.operations() >= SERIAL_OPERATIONS as u64,
            Self::Convolution(_) | Self::Lookup { .. } | Self::Kernel { .. } => {
                cost.operations + cost.bytes >= SMALL_STEP
            }
        }
    }

    /// Runs the step. The steps before it have run.
    pub(crate) fn run(&self, memory: &Memory<'_>, isa: Isa) {
        match self {
            Self::Loop(kernel) => kernel.run(memory, isa),
            Self::Product { product, dtype, operands, result } => match dtype {
                DType::F32 => multiply::<f32>(product, memory, isa, operands, *result),
                DType::F64 => multiply::<f64>(product, memory, isa, operands, *result),
                DType::I32 | DType::Bool => unreachable!("the type rule admits floats only"),
            },
            Self::Convolution(sum) => sum.run(memory),
            Self::Lookup { lookup, adds, dtype, operand, indices, result } => with_type!(*dtype, T => {
                look_up::<T>((*lookup, *adds), memory, *operand, *indices, *result);
            }),
            Self::Kernel { kernel, dtype, operands, result } => {
                kernel.run(memory, isa, *dtype, operands, *result);
            }
        }
    }
}

fn multiply<T: Real>(product: &Product, memory: &Memory<'_>, isa: Isa, operands: &[Whole], result: Whole) {
    let read = |whole: &Whole| {
        // SAFETY: the operands were filled by earlier steps or are arguments, and the plan keeps the result apart from
        // everything that a product reads. No other step runs meanwhile.
        unsafe { memory.read::<T>(whole.buffer, 0..whole.elements) }
    };
    let operands: Vec<(&[T], &[T])> =
        operands.chunks_exact(2).map(|pair| (read(&pair[0]), read(&pair[1]))).collect();
    // SAFETY: as above.
    let out = unsafe { memory.write::<T>(result.buffer, 0..result.elements) };
    product.run(isa, out, &operands);
}

fn look_up<T: Cell>(
    (lookup, adds): (Lookup, bool),
    memory: &Memory<'_>,
    operand: Whole,
    indices: Whole,
    result: Whole,
) {
    // SAFETY: as for a product.
    let (operand, indices, out) = unsafe {
        (
            memory.read::<T>(operand.buffer, 0..operand.elements),
            memory.read::<i32>(indices.buffer, 0..indices.elements),
            memory.write::<T>(result.buffer, 0..result.elements),
        )
    };
    if adds { lookup.scatter_add(out, operand, indices) } else { lookup.gather(out, operand, indices) }
}
