//! What it costs to compute a value again beside what it costs to read it.
//!
//! The unit is a sixteenth of the time that reading one byte takes. The figures are rough ratios of a present
//! processor (ours): they need only tell apart what differs by factors.

use graph::{Def, Graph, Prim, Val};

/// Reading or writing one byte.
pub(super) const BYTE: u128 = 16;

/// Anything that is not a view: a step of the executor, or an argument handed over.
pub(super) const STEP: u128 = 1024 * BYTE;

/// Floating-point operations of a matrix product in the time of reading one byte.
const OPERATIONS_PER_BYTE: u128 = 5;

/// The kind of work that a primitive is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    /// A reinterpretation or a repetition of memory.
    View,
    /// Cheap arithmetic for each element of the result: a quarter of a byte's time.
    Arithmetic,
    /// A quotient or a root for each element: two bytes' time.
    Division,
    /// A transcendental function of each element: eight bytes' time.
    Transcendental,
    /// One pass over the operands: over memory, or in the loop that makes them.
    Pass { over_memory: bool },
    /// Sums of products, counted by [`graph::Cost`].
    Contraction,
}

fn work(op: &Prim) -> Work {
    match op {
        Prim::BroadcastInDim(_)
        | Prim::Constant(_)
        | Prim::Iota(_)
        | Prim::Reshape(_)
        | Prim::StopGradient(_)
        | Prim::Transpose(_) => Work::View,
        Prim::Abs(_)
        | Prim::Add(_)
        | Prim::And(_)
        | Prim::Compare(_)
        | Prim::Convert(_)
        | Prim::Maximum(_)
        | Prim::Minimum(_)
        | Prim::Multiply(_)
        | Prim::Negate(_)
        | Prim::Not(_)
        | Prim::Or(_)
        | Prim::Select(_)
        | Prim::Sign(_)
        | Prim::Subtract(_)
        | Prim::Xor(_) => Work::Arithmetic,
        Prim::Concatenate(_) | Prim::Pad(_) | Prim::Reverse(_) | Prim::Slice(_) => Work::Arithmetic,
        Prim::Divide(_) | Prim::Rsqrt(_) | Prim::Sqrt(_) => Work::Division,
        Prim::Cos(_)
        | Prim::Erf(_)
        | Prim::Exp(_)
        | Prim::Log(_)
        | Prim::Log1p(_)
        | Prim::Logistic(_)
        | Prim::Power(_)
        | Prim::RandomBits(_)
        | Prim::Sin(_)
        | Prim::Tanh(_) => Work::Transcendental,
        Prim::ReduceMax(_) | Prim::ReduceSum(_) => Work::Pass { over_memory: false },
        Prim::Gather(_)
        | Prim::ScatterAdd(_)
        | Prim::WindowArgmax(_)
        | Prim::WindowGather(_)
        | Prim::WindowScatter(_)
        | Prim::WindowSum(_) => Work::Pass { over_memory: true },
        Prim::Cholesky(_) | Prim::Convolution(_) | Prim::DotGeneral(_) | Prim::TriangularSolve(_) => {
            Work::Contraction
        }
    }
}

/// Whether an application only shows other memory in another shape.
pub(super) fn is_view(op: &Prim) -> bool {
    work(op) == Work::View
}

/// Whether a primitive reads operands from memory rather than in the loop that makes them.
pub(super) fn reads_memory(op: &Prim) -> bool {
    matches!(work(op), Work::Pass { over_memory: true } | Work::Contraction)
}

/// The cost of computing `val` once more, its operands at hand; `None` for an input, which cannot be.
pub(super) fn recompute(graph: &Graph, val: Val, in_memory: bool) -> Option<u128> {
    let Def::Apply { op, operands } = graph.def(val) else { return None };
    let result = graph.ty(val);
    let elements = result.shape.elements() as u128;
    let written = 2 * BYTE * result.size_bytes() as u128;
    let loop_result = if in_memory { written } else { 0 };
    let read = || BYTE * operands.iter().map(|&operand| graph.ty(operand).size_bytes() as u128).sum::<u128>();
    Some(match work(op) {
        Work::View => 0,
        Work::Arithmetic => STEP + BYTE / 4 * elements + loop_result,
        Work::Division => STEP + 2 * BYTE * elements + loop_result,
        Work::Transcendental => STEP + 8 * BYTE * elements + loop_result,
        Work::Pass { .. } => STEP + read() + written,
        Work::Contraction => {
            let operations = graph.cost(val).product_flops as u128;
            STEP + BYTE * operations / OPERATIONS_PER_BYTE + read() + written
        }
    })
}
