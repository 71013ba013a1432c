//! Permuting axes.

use tensor::Tensor;

use super::{elementwise::check_count, indexing};
use crate::{
    Attr, AttributeError, AttributeReader, Axis, AxisMap, Builder, Case, Diff, Domain, Kink, Operand, Primitive, Ty,
    TypeError, Val,
};

/// The result's axis `k` is the operand's axis `permutation[k]`.
///
/// Operand `x: T[S]`; attribute `permutation`; result `T[S[permutation[0]], S[permutation[1]], …]`.
///
/// Constraints: (C1) one operand; (C2) `permutation` is a permutation of its axes.
/// Derivative: linear. Transpose: the inverse permutation. StableHLO: `transpose`.
#[derive(Clone, Debug, PartialEq)]
pub struct Transpose {
    /// Which operand axis each result axis is.
    pub permutation: Vec<usize>,
}

impl Transpose {
    /// The inverse permutation: which result axis each operand axis became.
    #[must_use]
    pub fn inverse(&self) -> Vec<usize> {
        let mut inverse = vec![0; self.permutation.len()];
        for (result, &operand) in self.permutation.iter().enumerate() {
            inverse[operand] = result;
        }
        inverse
    }
}

impl Primitive for Transpose {
    const NAME: &'static str = "transpose";

    fn attributes(&self) -> Vec<(&'static str, Attr)> {
        vec![("permutation", Attr::sizes(&self.permutation))]
    }

    fn from_attributes(reader: &mut AttributeReader) -> Result<Self, AttributeError> {
        Ok(Self { permutation: reader.sizes("permutation")? })
    }

    fn out_type(&self, operands: &[&Ty]) -> Result<Ty, TypeError> {
        check_count(Self::NAME, "C1", 1, operands)?;
        let x = operands[0];
        let rank = x.shape.rank();
        if self.permutation.len() != rank || !indexing::are_distinct_axes(&self.permutation, rank) {
            let message = format!("{:?} is not a permutation of the {rank} axes", self.permutation);
            return Err(TypeError::new(Self::NAME, "C2", message, operands));
        }
        Ok(x.with_shape(self.permutation.iter().map(|&axis| x.shape[axis]).collect::<Vec<_>>()))
    }

    fn eval(&self, operands: &[&Tensor]) -> Tensor {
        let x = operands[0];
        let shape = self.permutation.iter().map(|&axis| x.shape()[axis]).collect();
        let inverse = self.inverse();
        indexing::rearrange(x, &shape, |index| {
            let source: Vec<usize> = inverse.iter().map(|&axis| index[axis]).collect();
            indexing::flat(x.shape(), &source)
        })
    }

    fn diff(&self) -> Diff<'_> {
        Diff::Linear(self)
    }

    fn axes(&self, operands: &[&Ty], _: &Ty) -> AxisMap {
        let mut map = AxisMap::default();
        for (result, &axis) in self.permutation.iter().enumerate() {
            map.tie(Axis::operand(0, axis), Axis::result(result), operands[0].shape[axis]);
        }
        map
    }

    fn cases() -> Vec<Case> {
        let operand = (Ty::f64([2, 3, 4]), Domain::Interval(-2.0, 2.0));
        let case = |name, permutation: &[usize]| {
            Case::new(name, Self { permutation: permutation.to_vec() }, vec![operand.clone()])
        };
        vec![case("transpose cyclically", &[1, 2, 0]), case("transpose two axes", &[0, 2, 1])]
    }

    fn kinks() -> Vec<Kink> {
        Vec::new()
    }
}

impl crate::Transpose for Transpose {
    fn transpose(&self, b: &mut Builder, ct: Val, operands: &[Operand]) -> Vec<Option<Val>> {
        vec![operands[0].linear().map(|_| b.transpose(ct, &self.inverse()))]
    }
}

impl Builder {
    /// `x` with its axes permuted; see [`Transpose`]. Returns `x` itself for the identity.
    ///
    /// # Panics
    /// Where `permutation` is not one of the axes of `x`.
    #[track_caller]
    pub fn transpose(&mut self, x: Val, permutation: &[usize]) -> Val {
        if permutation.iter().copied().eq(0..self.shape(x).rank()) {
            return x;
        }
        self.apply(Transpose { permutation: permutation.to_vec() }, &[x])
    }
}
