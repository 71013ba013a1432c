//! Sums along axes.

use tensor::{Buffer, DType, Tensor};

use super::{elementwise::check_count, indexing};
use crate::{
    Attr, AttributeError, AttributeReader, Axis, AxisMap, Builder, Case, Diff, Domain, Kink, Operand, Primitive,
    Transpose, Ty, TypeError, Val,
};

/// `result[i] = Σ x[i, j]` over the indices `j` of the axes listed in `axes`.
///
/// Operand `x: T[S]`; attribute `axes`; result `T` of `S` without those axes, where `T` is `f32`, `f64` or `i32`.
///
/// Constraints: (C1) one operand; (C2) of numbers; (C3) `axes` are axes of the operand, strictly ascending.
/// Derivative: linear. Transpose: the cotangent broadcast along the axes. The sum of no elements is 0.
/// Accuracy: an order of summation of the executor's choice that depends on the shape alone.
/// StableHLO: `reduce` with `add`.
#[derive(Clone, Debug, PartialEq)]
pub struct ReduceSum {
    /// The axes that are summed over.
    pub axes: Vec<usize>,
}

impl Primitive for ReduceSum {
    const NAME: &'static str = "reduce_sum";

    fn attributes(&self) -> Vec<(&'static str, Attr)> {
        vec![("axes", Attr::sizes(&self.axes))]
    }

    fn from_attributes(reader: &mut AttributeReader) -> Result<Self, AttributeError> {
        Ok(Self { axes: reader.sizes("axes")? })
    }

    fn out_type(&self, operands: &[&Ty]) -> Result<Ty, TypeError> {
        check_count(Self::NAME, "C1", 1, operands)?;
        let x = operands[0];
        if x.dtype == DType::Bool {
            return Err(TypeError::new(Self::NAME, "C2", "expected numbers, found bool", operands));
        }
        if !indexing::are_ascending_axes(&self.axes, x.shape.rank()) {
            let message = format!("axes {:?} must be axes of {}, ascending", self.axes, x.shape);
            return Err(TypeError::new(Self::NAME, "C3", message, operands));
        }
        Ok(x.with_shape(x.shape.without(&self.axes)))
    }

    fn eval(&self, operands: &[&Tensor]) -> Tensor {
        let x = operands[0];
        let shape = x.shape().without(&self.axes);
        let mut result = Buffer::zeros(x.dtype(), shape.elements());
        for (source, index) in indexing::indices(x.shape()).enumerate() {
            let kept = tensor::Shape::from(index).without(&self.axes);
            let target = indexing::flat(&shape, &kept);
            match (&mut result, x.buffer()) {
                (Buffer::F32(sum), Buffer::F32(x)) => sum[target] += x[source],
                (Buffer::F64(sum), Buffer::F64(x)) => sum[target] += x[source],
                (Buffer::I32(sum), Buffer::I32(x)) => sum[target] = sum[target].wrapping_add(x[source]),
                _ => unreachable!("the type rule admits numbers only"),
            }
        }
        Tensor::from_buffer(shape, result).expect("one sum for each kept index")
    }

    fn diff(&self) -> Diff<'_> {
        Diff::Linear(self)
    }

    fn axes(&self, operands: &[&Ty], _: &Ty) -> AxisMap {
        AxisMap::reduction(operands[0], &self.axes)
    }

    fn cases() -> Vec<Case> {
        let case = |name, axes: &[usize]| {
            let op = Self { axes: axes.to_vec() };
            Case::new(name, op, vec![(Ty::f64([2, 3, 4]), Domain::Interval(-2.0, 2.0))])
        };
        vec![
            case("sum over all axes", &[0, 1, 2]),
            case("sum over the middle axis", &[1]),
            case("sum over outer axes", &[0, 2]),
            case("sum over no axis", &[]),
        ]
    }

    fn kinks() -> Vec<Kink> {
        Vec::new()
    }
}

impl Transpose for ReduceSum {
    fn transpose(&self, b: &mut Builder, ct: Val, operands: &[Operand]) -> Vec<Option<Val>> {
        vec![operands[0].linear().map(|ty| b.broadcast_back(ct, &ty.shape, &self.axes))]
    }
}

impl AxisMap {
    /// The axes of `operand` but for the reduced ones move with the result's, in order.
    #[must_use]
    pub fn reduction(operand: &Ty, reduced: &[usize]) -> Self {
        let mut map = Self::default();
        let kept = (0..operand.shape.rank()).filter(|axis| !reduced.contains(axis));
        for (result, axis) in kept.enumerate() {
            map.tie(Axis::operand(0, axis), Axis::result(result), operand.shape[axis]);
        }
        map
    }
}

impl Builder {
    /// The sum of `x` along `axes`; see [`ReduceSum`].
    ///
    /// # Panics
    /// Where `x` does not hold numbers or has no such axes.
    #[track_caller]
    pub fn reduce_sum(&mut self, x: Val, axes: &[usize]) -> Val {
        self.apply(ReduceSum { axes: axes.to_vec() }, &[x])
    }

    /// Puts the axes that a reduction took away back into `x`, so that it has `shape` again.
    ///
    /// # Panics
    /// Where `x` is not of `shape` without `axes`.
    #[track_caller]
    pub fn broadcast_back(&mut self, x: Val, shape: &tensor::Shape, axes: &[usize]) -> Val {
        let kept: Vec<usize> = (0..shape.rank()).filter(|axis| !axes.contains(axis)).collect();
        self.broadcast(x, shape, &kept)
    }
}
