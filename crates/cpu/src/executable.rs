//! A graph made ready to run.

use graph::{Argument, Def, ExecError, Executable, Graph, Prim, check_arguments, ops::DotGeneral};
use tensor::{Buffer, Element, Shape, Tensor};

use crate::gemm::{Matrix, Sizes, product};

#[derive(Debug)]
pub(crate) struct Compiled(Graph);

impl Compiled {
    pub(crate) fn new(graph: &Graph) -> Self {
        Self(graph.clone())
    }
}

impl Executable for Compiled {
    fn run(&mut self, arguments: Vec<Argument<'_>>) -> Result<Vec<Tensor>, ExecError> {
        check_arguments(&self.0, &arguments)?;
        let mut values: Vec<Tensor> = Vec::with_capacity(self.0.len());
        for val in self.0.vals() {
            let value = match self.0.def(val) {
                Def::Input(position) => arguments[*position].tensor().clone(),
                Def::Apply { op, operands } => {
                    let operands: Vec<&Tensor> = operands.iter().map(|o| &values[o.position()]).collect();
                    apply(op, &operands, &self.0.ty(val).shape)
                }
            };
            values.push(value);
        }
        Ok(self.0.outputs().iter().map(|output| values[output.val.position()].clone()).collect())
    }

    fn workspace_bytes(&self) -> usize {
        self.0.vals().map(|val| self.0.ty(val).size_bytes()).sum()
    }
}

fn apply(op: &Prim, operands: &[&Tensor], shape: &Shape) -> Tensor {
    match op {
        Prim::DotGeneral(dot) => contract(dot, operands[0], operands[1], shape),
        Prim::BroadcastInDim(op) => {
            let mut strides = vec![0; shape.rank()];
            for (&axis, stride) in op.axes.iter().zip(operands[0].shape().strides()) {
                strides[axis] = stride;
            }
            gather(operands[0], shape, &strides)
        }
        Prim::Transpose(op) => {
            let from = operands[0].shape().strides();
            let strides: Vec<usize> = op.permutation.iter().map(|&axis| from[axis]).collect();
            gather(operands[0], shape, &strides)
        }
        Prim::ReduceSum(op) if operands[0].dtype().is_float() => {
            let mut strides = vec![0; operands[0].shape().rank()];
            let kept = (0..strides.len()).filter(|axis| !op.axes.contains(axis));
            for (axis, stride) in kept.zip(shape.strides()) {
                strides[axis] = stride;
            }
            sum(operands[0], shape, &strides)
        }
        _ => op.eval(operands),
    }
}

fn positions(shape: &Shape, strides: &[usize], mut visit: impl FnMut(usize, usize)) {
    let mut index = vec![0; shape.rank()];
    let mut at = 0;
    for flat in 0..shape.elements() {
        visit(flat, at);
        for axis in (0..shape.rank()).rev() {
            index[axis] += 1;
            at += strides[axis];
            if index[axis] < shape[axis] {
                break;
            }
            at -= strides[axis] * shape[axis];
            index[axis] = 0;
        }
    }
}

fn gather(x: &Tensor, shape: &Shape, strides: &[usize]) -> Tensor {
    fn pick<T: Element>(x: &[T], shape: &Shape, strides: &[usize]) -> Buffer {
        let mut out = Vec::with_capacity(shape.elements());
        positions(shape, strides, |_, at| out.push(x[at]));
        T::buffer(out)
    }
    let buffer = match x.buffer() {
        Buffer::F32(x) => pick(x, shape, strides),
        Buffer::F64(x) => pick(x, shape, strides),
        Buffer::I32(x) => pick(x, shape, strides),
        Buffer::Bool(x) => pick(x, shape, strides),
    };
    Tensor::from_buffer(shape.clone(), buffer).expect("one element for each index")
}

fn sum(x: &Tensor, shape: &Shape, strides: &[usize]) -> Tensor {
    let mut result = Tensor::zeros(x.dtype(), shape.clone());
    match (result.buffer_mut(), x.buffer()) {
        (Buffer::F32(sums), Buffer::F32(x_)) => positions(x.shape(), strides, |i, at| sums[at] += x_[i]),
        (Buffer::F64(sums), Buffer::F64(x_)) => positions(x.shape(), strides, |i, at| sums[at] += x_[i]),
        _ => unreachable!("only floats come here"),
    }
    result
}

fn contract(op: &DotGeneral, lhs: &Tensor, rhs: &Tensor, shape: &Shape) -> Tensor {
    let pack = |x: &Tensor, order: Vec<usize>| {
        let from = x.shape().strides();
        let strides: Vec<usize> = order.iter().map(|&axis| from[axis]).collect();
        gather(x, &order.iter().map(|&axis| x.shape()[axis]).collect(), &strides)
    };
    let sizes_of = |axes: &[usize], x: &Tensor| axes.iter().map(|&axis| x.shape()[axis]).product::<usize>();
    let (lhs_free, rhs_free) = (op.lhs_free(lhs.shape().rank()), op.rhs_free(rhs.shape().rank()));
    let sizes = Sizes {
        rows: sizes_of(&lhs_free, lhs),
        columns: sizes_of(&rhs_free, rhs),
        depth: sizes_of(&op.lhs_contract, lhs),
    };
    let batch = sizes_of(&op.lhs_batch, lhs);
    let left = pack(lhs, [op.lhs_batch.clone(), lhs_free, op.lhs_contract.clone()].concat());
    let right = pack(rhs, [op.rhs_batch.clone(), rhs_free, op.rhs_contract.clone()].concat());
    let mut result = Tensor::zeros(lhs.dtype(), shape.clone());
    match (result.buffer_mut(), left.buffer(), right.buffer()) {
        (Buffer::F32(out), Buffer::F32(l), Buffer::F32(r)) => products(batch, sizes, out, l, r, 1.0),
        (Buffer::F64(out), Buffer::F64(l), Buffer::F64(r)) => products(batch, sizes, out, l, r, 1.0),
        _ => unreachable!("the type rule admits floats of one type only"),
    }
    result
}

fn products<T: Element>(batch: usize, sizes: Sizes, out: &mut [T], lhs: &[T], rhs: &[T], one: T) {
    let Sizes { rows, columns, depth } = sizes;
    for b in 0..batch {
        let left = Matrix { data: &lhs[b * rows * depth..], row_stride: depth, column_stride: 1 };
        let right = Matrix { data: &rhs[b * columns * depth..], row_stride: 1, column_stride: depth };
        product(sizes, &mut out[b * rows * columns..][..rows * columns], columns, left, right, one);
    }
}
