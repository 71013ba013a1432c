//! Products of matrices in `f32`, on an executor.

use std::collections::{BTreeMap, btree_map::Entry};

use faer::Mat;
use graph::{Argument, Builder, Executable, Executor, Graph, Ty, ops::DotGeneral};
use tensor::{DType, Tensor};

use crate::SymmetryError;

/// Shapes of two operands and the axis of each that is summed over.
type Form = ([Vec<usize>; 2], [usize; 2]);

/// Compiled products, one for each form of operands; a network has few.
pub struct Products<'a> {
    executor: &'a dyn Executor,
    compiled: BTreeMap<Form, Box<dyn Executable>>,
}

impl<'a> Products<'a> {
    /// None compiled yet.
    #[must_use]
    pub const fn new(executor: &'a dyn Executor) -> Self {
        Self { executor, compiled: BTreeMap::new() }
    }

    pub(super) const fn executor(&self) -> &'a dyn Executor {
        self.executor
    }

    /// The sum over one axis of each of two matrices of type `f32`.
    pub(super) fn of(&mut self, a: &Tensor, b: &Tensor, axes: [usize; 2]) -> Result<Tensor, SymmetryError> {
        let form = ([a, b].map(|operand| operand.shape().to_vec()), axes);
        let executable = match self.compiled.entry(form) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let graph = graph(entry.key());
                entry.insert(self.executor.compile(&graph, &[])?)
            }
        };
        let mut results = executable.run(vec![Argument::Borrowed(a), Argument::Borrowed(b)])?;
        Ok(results.swap_remove(0))
    }

    /// Rows of a matrix `[rows, width]` after a rotation of what they multiply.
    pub(super) fn rotated_rows(
        &mut self,
        matrix: &Tensor,
        rotation: &Tensor,
    ) -> Result<Tensor, SymmetryError> {
        self.of(matrix, rotation, [1, 1])
    }

    /// Columns of a matrix `[width, columns]` after a rotation of what they are added to.
    pub(super) fn rotated_columns(
        &mut self,
        matrix: &Tensor,
        rotation: &Tensor,
    ) -> Result<Tensor, SymmetryError> {
        self.of(rotation, matrix, [1, 0])
    }
}

fn graph((shapes, axes): &Form) -> Graph {
    let mut b = Builder::new("product");
    let [left, right] =
        [0, 1].map(|side| b.data(["a", "b"][side], Ty::new(DType::F32, shapes[side].clone())));
    let op = DotGeneral { lhs_contract: vec![axes[0]], rhs_contract: vec![axes[1]], ..DotGeneral::default() };
    let product = b.dot_general(op, left, right);
    b.output("product", product);
    b.finish()
}

/// The elements of a matrix of `f32`.
pub(super) fn elements(tensor: &Tensor) -> &[f32] {
    tensor.as_slice().unwrap_or_else(|_| unreachable!("layers are read as f32"))
}

/// The same for writing.
pub(super) fn elements_mut(tensor: &mut Tensor) -> &mut [f32] {
    tensor.as_mut_slice().unwrap_or_else(|_| unreachable!("layers are read as f32"))
}

/// Adds a square matrix of `f32` to one of `f64`.
pub(super) fn add(sum: &mut Mat<f64>, tensor: &Tensor) {
    let (values, columns) = (elements(tensor), sum.ncols());
    for column in 0..columns {
        for row in 0..sum.nrows() {
            sum[(row, column)] += f64::from(values[row * columns + column]);
        }
    }
}

/// A matrix rounded to `f32`.
pub(super) fn single(matrix: &Mat<f64>) -> Tensor {
    let columns = matrix.ncols();
    Tensor::from_fn([matrix.nrows(), columns], |at| matrix[(at / columns, at % columns)] as f32)
}
