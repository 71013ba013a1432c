//! Lowering of windows, factorisations and systems.

use graph::ops::{TriangularSolve, Window};
use tensor::DType;

use super::Lowering;
use crate::{
    kernel::{Cholesky, Kernel, Slide, Triangular, What},
    node::Kind,
    view::View,
};

impl Lowering<'_> {
    /// Something over windows; the operands are those of the primitive, and the result has this type.
    pub(super) fn slide(
        &mut self,
        what: What,
        windows: &[Window],
        operands: Vec<View>,
        dtype: DType,
        shape: &[usize],
    ) -> View {
        // Empty results have no rows, however long their other axes are.
        if shape.contains(&0) {
            return self.zeros(dtype, shape);
        }
        let (base, results) = match what {
            What::Scatter => (shape, operands[0].shape.as_slice()),
            _ => (operands[0].shape.as_slice(), shape),
        };
        let slide = Slide::new(what, windows, base, results);
        self.kernel(Kernel::Slide(slide), operands, dtype, shape)
    }

    pub(super) fn cholesky(&mut self, a: View, dtype: DType) -> View {
        let shape = a.shape.clone();
        let size = shape.last().copied().unwrap_or(0);
        let stack = shape[..shape.len() - 2].iter().product();
        self.kernel(Kernel::Cholesky(Cholesky { stack, size }), vec![a], dtype, &shape)
    }

    pub(super) fn triangular_solve(
        &mut self,
        op: &TriangularSolve,
        operands: Vec<View>,
        dtype: DType,
    ) -> View {
        let shape = operands[1].shape.clone();
        let (size, sides) = op.sizes(&shape.as_slice().into());
        let stack = shape[..shape.len() - 2].iter().product();
        let triangular = Triangular { op: op.clone(), stack, size, sides };
        self.kernel(Kernel::Triangular(triangular), operands, dtype, &shape)
    }

    fn kernel(&mut self, kernel: Kernel, operands: Vec<View>, dtype: DType, shape: &[usize]) -> View {
        let whole = operands.into_iter().map(|view| self.whole(view)).collect();
        self.node(Kind::Kernel(Box::new(kernel)), whole, dtype, shape)
    }
}
