//! Panels by the `gemm` crate: the one place that calls it.

use gemm::Parallelism;

use super::{Float, Matrix, Sizes, Target};

/// One panel on the calling thread. The result is read where it is added to.
///
/// # Safety
/// The caller has exclusive access to the `rows` by `columns` elements of `out`, and the operands hold their sizes.
pub(super) unsafe fn panel<T: Float>(sizes: Sizes, out: Target<T>, lhs: Matrix<'_, T>, rhs: Matrix<'_, T>) {
    // SAFETY: all elements that gemm reads or writes lie in the operands' slices or in the caller's panel, which
    // overlaps neither operand because access to it is exclusive. `T` is f32 or f64, which gemm knows. The crate takes
    // column strides before row strides, and computes `alpha * out + beta * lhs * rhs`.
    unsafe {
        gemm::gemm(
            sizes.rows,
            sizes.columns,
            sizes.depth,
            out.pointer,
            1,
            out.stride as isize,
            out.adds,
            lhs.data.as_ptr(),
            lhs.column_stride as isize,
            lhs.row_stride as isize,
            rhs.data.as_ptr(),
            rhs.column_stride as isize,
            rhs.row_stride as isize,
            T::ONE,
            T::ONE,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}
