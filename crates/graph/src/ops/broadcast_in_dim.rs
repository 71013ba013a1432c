//! Repeating a tensor along new axes.

use tensor::{Shape, Tensor};

use super::{elementwise::check_count, indexing};
use crate::{
    Attr, AttributeError, AttributeReader, Axis, AxisMap, Builder, Case, Diff, Domain, Kink, Operand, Primitive,
    Transpose, Ty, TypeError, Val,
};

/// `result[i] = x[i[axes[0]], i[axes[1]], …]`: the operand's axis `k` becomes the result's axis `axes[k]`, and the
/// result is constant along its other axes.
///
/// Operand `x: T[S]`; attributes `shape`, `axes`; result `T[shape]`.
///
/// Constraints: (C1) one operand; (C2) `axes` names one axis of the result for each axis of the operand, in
/// strictly ascending order; (C3) the sizes agree: `S[k] = shape[axes[k]]`. Stricter than StableHLO, where sizes
/// of 1 stretch; a reshape says that here.
/// Derivative: linear. Transpose: the sum over the new axes. StableHLO: `broadcast_in_dim`.
#[derive(Clone, Debug, PartialEq)]
pub struct BroadcastInDim {
    /// The result's shape.
    pub shape: Shape,
    /// Where each operand axis goes.
    pub axes: Vec<usize>,
}

impl BroadcastInDim {
    /// The axes along which the result is constant, ascending.
    #[must_use]
    pub fn new_axes(&self) -> Vec<usize> {
        (0..self.shape.rank()).filter(|axis| !self.axes.contains(axis)).collect()
    }
}

impl Primitive for BroadcastInDim {
    const NAME: &'static str = "broadcast_in_dim";

    fn attributes(&self) -> Vec<(&'static str, Attr)> {
        vec![("shape", Attr::sizes(&self.shape)), ("axes", Attr::sizes(&self.axes))]
    }

    fn from_attributes(reader: &mut AttributeReader) -> Result<Self, AttributeError> {
        Ok(Self { shape: reader.shape("shape")?, axes: reader.sizes("axes")? })
    }

    fn out_type(&self, operands: &[&Ty]) -> Result<Ty, TypeError> {
        check_count(Self::NAME, "C1", 1, operands)?;
        let x = operands[0];
        if self.axes.len() != x.shape.rank() || !indexing::are_ascending_axes(&self.axes, self.shape.rank()) {
            let message =
                format!("axes {:?} must name an axis of {} for each operand axis, ascending", self.axes, self.shape);
            return Err(TypeError::new(Self::NAME, "C2", message, operands));
        }
        if !self.axes.iter().zip(x.shape.iter()).all(|(&axis, &size)| self.shape[axis] == size) {
            let message = format!("sizes must agree along axes {:?} of {}", self.axes, self.shape);
            return Err(TypeError::new(Self::NAME, "C3", message, operands));
        }
        Ok(x.with_shape(self.shape.clone()))
    }

    fn eval(&self, operands: &[&Tensor]) -> Tensor {
        let x = operands[0];
        indexing::rearrange(x, &self.shape, |index| {
            let source: Vec<usize> = self.axes.iter().map(|&axis| index[axis]).collect();
            indexing::flat(x.shape(), &source)
        })
    }

    fn diff(&self) -> Diff<'_> {
        Diff::Linear(self)
    }

    fn axes(&self, operands: &[&Ty], _: &Ty) -> AxisMap {
        let mut map = AxisMap::default();
        for (k, &size) in operands[0].shape.iter().enumerate() {
            map.tie(Axis::operand(0, k), Axis::result(self.axes[k]), size);
        }
        map
    }

    fn cases() -> Vec<Case> {
        let case = |name, from: &[usize], shape: &[usize], axes: &[usize]| {
            let op = Self { shape: shape.into(), axes: axes.to_vec() };
            Case::new(name, op, vec![(Ty::f64(from), Domain::Interval(-2.0, 2.0))])
        };
        vec![
            case("broadcast a scalar", &[], &[2, 3], &[]),
            case("broadcast a row", &[3], &[2, 3], &[1]),
            case("broadcast between axes", &[2, 4], &[2, 3, 4], &[0, 2]),
        ]
    }

    fn kinks() -> Vec<Kink> {
        Vec::new()
    }
}

impl Transpose for BroadcastInDim {
    fn transpose(&self, b: &mut Builder, ct: Val, operands: &[Operand]) -> Vec<Option<Val>> {
        vec![operands[0].linear().map(|_| b.reduce_sum(ct, &self.new_axes()))]
    }
}
