//! Tensor contractions: matrix products and their batched and multi-axis forms.

use std::ops::Add;

use tensor::{Buffer, Shape, Tensor};

use super::{elementwise::check_count, indexing};
use crate::{
    Attr, AttributeError, AttributeReader, Axis, AxisMap, Builder, Case, Diff, Domain, Kink, Operand, Primitive,
    Transpose, Ty, TypeError, Val,
};

/// `result[b, i, j] = Σ_k lhs[b, i, k] rhs[b, j, k]` with `b` the batch axes, `k` the contracted axes, and `i`, `j`
/// the remaining axes of `lhs` and `rhs` in their own order, wherever each stands in its operand.
///
/// Operands `lhs: T[..]`, `rhs: T[..]`; attributes `lhs_batch`, `rhs_batch`, `lhs_contract`, `rhs_contract`: lists of
/// axes, paired in order; result `T[batch sizes, free sizes of lhs, free sizes of rhs]`, `T` of `f32` or `f64`.
///
/// Constraints: (C1) two operands; (C2) of one floating-point type; (C3) batch and contracted axes of each operand
/// are distinct axes of it; (C4) paired axes have equal sizes and the lists equal lengths.
/// Derivative: bilinear. Transpose: a contraction of the cotangent with the known operand over its free axes.
/// Accuracy: an order of summation of the executor's choice that depends on the shapes alone.
/// StableHLO: `dot_general`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DotGeneral {
    /// Batch axes of the left operand.
    pub lhs_batch: Vec<usize>,
    /// Batch axes of the right operand.
    pub rhs_batch: Vec<usize>,
    /// Contracted axes of the left operand.
    pub lhs_contract: Vec<usize>,
    /// Contracted axes of the right operand.
    pub rhs_contract: Vec<usize>,
}

impl DotGeneral {
    /// The axes of a left operand of this rank that are neither batch nor contracted, ascending.
    #[must_use]
    pub fn lhs_free(&self, rank: usize) -> Vec<usize> {
        (0..rank).filter(|axis| !self.lhs_batch.contains(axis) && !self.lhs_contract.contains(axis)).collect()
    }

    /// The axes of a right operand of this rank that are neither batch nor contracted, ascending.
    #[must_use]
    pub fn rhs_free(&self, rank: usize) -> Vec<usize> {
        (0..rank).filter(|axis| !self.rhs_batch.contains(axis) && !self.rhs_contract.contains(axis)).collect()
    }

    fn pairs(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        let batch = self.lhs_batch.iter().zip(&self.rhs_batch);
        batch.chain(self.lhs_contract.iter().zip(&self.rhs_contract)).map(|(&lhs, &rhs)| (lhs, rhs))
    }

    fn check_axes(&self, operands: &[&Ty]) -> Result<(), TypeError> {
        let sides = [(&self.lhs_batch, &self.lhs_contract), (&self.rhs_batch, &self.rhs_contract)];
        for ((batch, contract), ty) in sides.into_iter().zip(operands) {
            let all: Vec<usize> = batch.iter().chain(contract).copied().collect();
            if !indexing::are_distinct_axes(&all, ty.shape.rank()) {
                let message = format!("axes {batch:?} and {contract:?} must be distinct axes of {}", ty.shape);
                return Err(TypeError::new(Self::NAME, "C3", message, operands));
            }
        }
        let equal_lengths =
            self.lhs_batch.len() == self.rhs_batch.len() && self.lhs_contract.len() == self.rhs_contract.len();
        let (lhs, rhs) = (&operands[0].shape, &operands[1].shape);
        if !equal_lengths || !self.pairs().all(|(l, r)| lhs[l] == rhs[r]) {
            let message = format!("axes of {lhs} and {rhs} do not pair: {self:?}");
            return Err(TypeError::new(Self::NAME, "C4", message, operands));
        }
        Ok(())
    }
}

impl Primitive for DotGeneral {
    const NAME: &'static str = "dot_general";

    fn attributes(&self) -> Vec<(&'static str, Attr)> {
        vec![
            ("lhs_batch", Attr::sizes(&self.lhs_batch)),
            ("rhs_batch", Attr::sizes(&self.rhs_batch)),
            ("lhs_contract", Attr::sizes(&self.lhs_contract)),
            ("rhs_contract", Attr::sizes(&self.rhs_contract)),
        ]
    }

    fn from_attributes(reader: &mut AttributeReader) -> Result<Self, AttributeError> {
        Ok(Self {
            lhs_batch: reader.sizes("lhs_batch")?,
            rhs_batch: reader.sizes("rhs_batch")?,
            lhs_contract: reader.sizes("lhs_contract")?,
            rhs_contract: reader.sizes("rhs_contract")?,
        })
    }

    fn out_type(&self, operands: &[&Ty]) -> Result<Ty, TypeError> {
        check_count(Self::NAME, "C1", 2, operands)?;
        let &[lhs, rhs] = operands else { unreachable!("two operands were just counted") };
        if lhs.dtype != rhs.dtype || !lhs.dtype.is_float() {
            let message = format!("expected two tensors of one floating-point type, found {} and {}", lhs.dtype, rhs.dtype);
            return Err(TypeError::new(Self::NAME, "C2", message, operands));
        }
        self.check_axes(operands)?;
        let batch = self.lhs_batch.iter().map(|&axis| lhs.shape[axis]);
        let lhs_free = self.lhs_free(lhs.shape.rank()).into_iter().map(|axis| lhs.shape[axis]);
        let rhs_free = self.rhs_free(rhs.shape.rank()).into_iter().map(|axis| rhs.shape[axis]);
        Ok(lhs.with_shape(batch.chain(lhs_free).chain(rhs_free).collect::<Vec<_>>()))
    }

    fn eval(&self, operands: &[&Tensor]) -> Tensor {
        let (lhs, rhs) = (operands[0], operands[1]);
        let shape = self.out_type(&[&Ty::of(lhs), &Ty::of(rhs)]).expect("the operands satisfy the type rule").shape;
        let buffer = match (lhs.buffer(), rhs.buffer()) {
            (Buffer::F32(x), Buffer::F32(y)) => {
                Buffer::F32(contract(self, lhs.shape(), rhs.shape(), &shape, |l, r| x[l] * y[r]))
            }
            (Buffer::F64(x), Buffer::F64(y)) => {
                Buffer::F64(contract(self, lhs.shape(), rhs.shape(), &shape, |l, r| x[l] * y[r]))
            }
            _ => unreachable!("the type rule admits floats of one type only"),
        };
        Tensor::from_buffer(shape, buffer).expect("one sum for each index of the result")
    }

    fn diff(&self) -> Diff<'_> {
        Diff::Bilinear(self)
    }

    fn axes(&self, operands: &[&Ty], _: &Ty) -> AxisMap {
        let (lhs, rhs) = (&operands[0].shape, &operands[1].shape);
        let mut map = AxisMap::default();
        for (l, r) in self.pairs() {
            map.tie(Axis::operand(0, l), Axis::operand(1, r), lhs[l]);
        }
        let from_lhs = self.lhs_batch.iter().copied().chain(self.lhs_free(lhs.rank()));
        let lhs_axes = from_lhs.map(|axis| (Axis::operand(0, axis), lhs[axis]));
        let rhs_axes = self.rhs_free(rhs.rank()).into_iter().map(|axis| (Axis::operand(1, axis), rhs[axis]));
        for (result, (axis, size)) in lhs_axes.chain(rhs_axes).enumerate() {
            map.tie(axis, Axis::result(result), size);
        }
        map
    }

    fn cases() -> Vec<Case> {
        let case = |name, lhs: &[usize], rhs: &[usize], [lb, rb, lc, rc]: [&[usize]; 4]| {
            let op = Self {
                lhs_batch: lb.to_vec(),
                rhs_batch: rb.to_vec(),
                lhs_contract: lc.to_vec(),
                rhs_contract: rc.to_vec(),
            };
            let domain = Domain::Interval(-1.0, 1.0);
            Case::new(name, op, vec![(Ty::f64(lhs), domain), (Ty::f64(rhs), domain)])
        };
        vec![
            case("matrix product", &[2, 3], &[3, 4], [&[], &[], &[1], &[0]]),
            case("product with a transposed matrix", &[2, 3], &[4, 3], [&[], &[], &[1], &[1]]),
            case("batched product with scattered axes", &[3, 2, 4], &[4, 5, 2], [&[1], &[2], &[2], &[0]]),
            case("contraction of two axes", &[2, 3, 4], &[4, 5, 2], [&[], &[], &[0, 2], &[2, 0]]),
            case("outer product", &[2], &[3], [&[], &[], &[], &[]]),
            case("inner product", &[3], &[3], [&[], &[], &[0], &[0]]),
        ]
    }

    fn kinks() -> Vec<Kink> {
        Vec::new()
    }
}

fn contract<T: Default + Add<Output = T>>(
    op: &DotGeneral,
    lhs: &Shape,
    rhs: &Shape,
    result: &Shape,
    product: impl Fn(usize, usize) -> T,
) -> Vec<T> {
    let (lhs_free, rhs_free) = (op.lhs_free(lhs.rank()), op.rhs_free(rhs.rank()));
    let contracted: Vec<usize> = op.lhs_contract.iter().map(|&axis| lhs[axis]).collect();
    let offsets: Vec<(usize, usize)> = indexing::indices(&contracted)
        .map(|k| (offset(lhs, &op.lhs_contract, &k), offset(rhs, &op.rhs_contract, &k)))
        .collect();
    let element = |out: Vec<usize>| {
        let (batch, free) = out.split_at(op.lhs_batch.len());
        let (left, right) = free.split_at(lhs_free.len());
        let l = offset(lhs, &op.lhs_batch, batch) + offset(lhs, &lhs_free, left);
        let r = offset(rhs, &op.rhs_batch, batch) + offset(rhs, &rhs_free, right);
        offsets.iter().map(|&(left, right)| product(l + left, r + right)).fold(T::default(), T::add)
    };
    indexing::indices(result).map(element).collect()
}

/// What `index` along these axes adds to the row-major position, of which every axis adds its own part.
fn offset(shape: &Shape, axes: &[usize], index: &[usize]) -> usize {
    let strides = shape.strides();
    axes.iter().zip(index).map(|(&axis, &i)| strides[axis] * i).sum()
}

impl Transpose for DotGeneral {
    fn transpose(&self, b: &mut Builder, ct: Val, operands: &[Operand]) -> Vec<Option<Val>> {
        let swapped = Self {
            lhs_batch: self.rhs_batch.clone(),
            rhs_batch: self.lhs_batch.clone(),
            lhs_contract: self.rhs_contract.clone(),
            rhs_contract: self.lhs_contract.clone(),
        };
        let lhs = operands[0].linear().map(|ty| {
            let rhs = operands[1].known();
            let first_free = self.lhs_batch.len();
            self.cotangent(b, ct, rhs, ty.shape.rank(), [first_free, first_free + self.lhs_free(ty.shape.rank()).len()])
        });
        let rhs = operands[1].linear().map(|ty| {
            let lhs = operands[0].known();
            let own_free = self.lhs_batch.len() + self.lhs_free(b.shape(lhs).rank()).len();
            swapped.cotangent(b, ct, lhs, ty.shape.rank(), [own_free, self.lhs_batch.len()])
        });
        vec![lhs, rhs]
    }
}

impl DotGeneral {
    /// The cotangent of the left operand (of rank `rank`), where `other` is the right one and the cotangent's free
    /// axes start at `own_start` for the left and at `other_start` for the right operand.
    fn cotangent(&self, b: &mut Builder, ct: Val, other: Val, rank: usize, [own_start, other_start]: [usize; 2]) -> Val {
        let other_free = self.rhs_free(b.shape(other).rank());
        let batch: Vec<usize> = (0..self.lhs_batch.len()).collect();
        let contracted: Vec<usize> = (other_start..other_start + other_free.len()).collect();
        // Which axis of the left operand each remaining axis of `other` and of the cotangent stands for.
        let own_free = self.lhs_free(rank);
        debug_assert!(own_start + own_free.len() <= b.shape(ct).rank());
        let mut remaining: Vec<(usize, usize)> =
            self.rhs_contract.iter().copied().zip(self.lhs_contract.iter().copied()).collect();
        remaining.sort_unstable();
        let from_other = remaining.into_iter().map(|(_, own)| own);
        let contraction = Self {
            lhs_batch: batch.clone(),
            rhs_batch: self.rhs_batch.clone(),
            lhs_contract: contracted.clone(),
            rhs_contract: other_free.clone(),
        };
        let from_ct = own_free.iter().copied();
        let ct_first: Vec<usize> = self.lhs_batch.iter().copied().chain(from_ct.clone()).chain(from_other.clone()).collect();
        let other_first: Vec<usize> = self.lhs_batch.iter().copied().chain(from_other).chain(from_ct).collect();
        // Where both orders need a transpose, one that leaves the last axis in place moves whole rows.
        let keeps_rows = ct_first.last().is_some_and(|&axis| axis + 1 == rank);
        let (product, order) = if ct_first.is_sorted() || (keeps_rows && !other_first.is_sorted()) {
            (b.apply(contraction, &[ct, other]), ct_first)
        } else {
            let flipped = Self {
                lhs_batch: contraction.rhs_batch,
                rhs_batch: batch,
                lhs_contract: other_free,
                rhs_contract: contracted,
            };
            (b.apply(flipped, &[other, ct]), other_first)
        };
        let order = super::Transpose { permutation: order }.inverse();
        b.transpose(product, &order)
    }
}

impl Builder {
    /// A contraction; see [`DotGeneral`].
    ///
    /// # Panics
    /// Where the operands do not fit.
    #[track_caller]
    pub fn dot_general(&mut self, op: DotGeneral, lhs: Val, rhs: Val) -> Val {
        self.apply(op, &[lhs, rhs])
    }

    /// The matrix product `x wᵀ` of `x: [N, I]` and `w: [O, I]`: a linear layer with PyTorch's weight layout.
    ///
    /// # Panics
    /// Where the operands are not such matrices.
    #[track_caller]
    pub fn dot_transposed(&mut self, x: Val, w: Val) -> Val {
        let op = DotGeneral { lhs_contract: vec![1], rhs_contract: vec![1], ..DotGeneral::default() };
        self.dot_general(op, x, w)
    }
}
