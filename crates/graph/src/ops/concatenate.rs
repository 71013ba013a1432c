//! Tensors one after the other along an axis.

use tensor::Tensor;

use super::indexing;
use crate::{
    Attr, AttributeError, AttributeReader, Axis, AxisMap, Builder, Case, Diff, Domain, Kink, Operand, Primitive,
    Run, Tie, Transpose, Ty, TypeError, Val,
};

/// The operands one after the other along `axis`.
///
/// Operands `x_1, …, x_n: T[.., N_k, ..]`; attribute `axis`; result `T[.., N_1 + … + N_n, ..]`.
///
/// Constraints: (C1) at least one operand; (C2) of one element type and number of axes; (C3) `axis` is one of them;
/// (C4) the other axes have equal sizes.
/// Derivative: linear. Transpose: the slices of the cotangent. Axes: each operand's indices along `axis` move with
/// its part of the result. StableHLO: `concatenate`.
#[derive(Clone, Debug, PartialEq)]
pub struct Concatenate {
    /// The axis along which the operands are joined.
    pub axis: usize,
}

impl Concatenate {
    /// Where each operand, given by its size along the axis, starts in the result.
    fn starts(sizes: impl Iterator<Item = usize>) -> impl Iterator<Item = usize> {
        sizes.scan(0, |end, size| {
            let start = *end;
            *end += size;
            Some(start)
        })
    }
}

impl Primitive for Concatenate {
    const NAME: &'static str = "concatenate";

    fn attributes(&self) -> Vec<(&'static str, Attr)> {
        vec![("axis", Attr::Int(self.axis as i64))]
    }

    fn from_attributes(reader: &mut AttributeReader) -> Result<Self, AttributeError> {
        Ok(Self { axis: reader.size("axis")? })
    }

    fn out_type(&self, operands: &[&Ty]) -> Result<Ty, TypeError> {
        let Some((&first, others)) = operands.split_first() else {
            return Err(TypeError::new(Self::NAME, "C1", "expected at least one operand", operands));
        };
        let alike = |other: &&&Ty| other.dtype == first.dtype && other.shape.rank() == first.shape.rank();
        if let Some(other) = others.iter().find(|other| !alike(other)) {
            let message = format!("expected one element type and number of axes, found {first} and {other}");
            return Err(TypeError::new(Self::NAME, "C2", message, operands));
        }
        if self.axis >= first.shape.rank() {
            let message = format!("axis {} must be an axis of {}", self.axis, first.shape);
            return Err(TypeError::new(Self::NAME, "C3", message, operands));
        }
        let joined = [self.axis];
        if let Some(other) = others.iter().find(|other| other.shape.without(&joined) != first.shape.without(&joined)) {
            let message = format!("{first} and {other} must agree but for axis {}", self.axis);
            return Err(TypeError::new(Self::NAME, "C4", message, operands));
        }
        let mut shape = first.shape.to_vec();
        shape[self.axis] = operands.iter().fold(0, |sum, ty| sum.saturating_add(ty.shape[self.axis]));
        Ok(first.with_shape(shape))
    }

    fn eval(&self, operands: &[&Tensor]) -> Tensor {
        let size = |x: &&Tensor| x.shape()[self.axis];
        let mut shape = operands[0].shape().to_vec();
        shape[self.axis] = operands.iter().map(size).sum();
        let mut result = Tensor::zeros(operands[0].dtype(), shape.as_slice());
        let shape = shape.into();
        for (x, start) in operands.iter().zip(Self::starts(operands.iter().map(size))) {
            indexing::place(&mut result, x, |index| {
                let mut target = index.to_vec();
                target[self.axis] += start;
                indexing::flat(&shape, &target)
            });
        }
        result
    }

    fn diff(&self) -> Diff<'_> {
        Diff::Linear(self)
    }

    fn axes(&self, operands: &[&Ty], _: &Ty) -> AxisMap {
        let mut map = AxisMap::default();
        let starts = Self::starts(operands.iter().map(|ty| ty.shape[self.axis]));
        for (operand, (ty, start)) in operands.iter().zip(starts).enumerate() {
            for (axis, &count) in ty.shape.iter().enumerate() {
                let start = if axis == self.axis { start } else { 0 };
                let part = Run { axis: Axis::result(axis), start, step: 1, count };
                map.ties.push(Tie(Run::whole(Axis::operand(operand, axis), count), part));
            }
        }
        map
    }

    fn cases() -> Vec<Case> {
        let case = |name, axis, shapes: &[&[usize]]| {
            let operand = |shape: &&[usize]| (Ty::f64(*shape), Domain::Interval(-2.0, 2.0));
            Case::new(name, Self { axis }, shapes.iter().map(operand).collect())
        };
        vec![
            case("concatenate rows", 0, &[&[2, 3], &[1, 3], &[2, 3]]),
            case("concatenate columns", 1, &[&[2, 3], &[2, 0], &[2, 1]]),
            case("concatenate along a middle axis", 1, &[&[2, 1, 2], &[2, 3, 2]]),
            case("concatenate one tensor", 0, &[&[3]]),
        ]
    }

    fn kinks() -> Vec<Kink> {
        Vec::new()
    }
}

impl Transpose for Concatenate {
    fn transpose(&self, b: &mut Builder, ct: Val, operands: &[Operand]) -> Vec<Option<Val>> {
        let size = |b: &Builder, operand: &Operand| match operand {
            Operand::Known(val) => b.shape(*val)[self.axis],
            Operand::Linear(ty) => ty.shape[self.axis],
        };
        let sizes: Vec<usize> = operands.iter().map(|operand| size(b, operand)).collect();
        let parts = operands.iter().zip(Self::starts(sizes.into_iter()));
        parts
            .map(|(operand, start)| {
                let ty = operand.linear()?;
                Some(b.slice_axis(ct, self.axis, start..start + ty.shape[self.axis]))
            })
            .collect()
    }
}

impl Builder {
    /// The operands one after the other along `axis`; see [`Concatenate`]. Returns the operand itself where there
    /// is one only.
    ///
    /// # Panics
    /// Where there is no operand, or the operands do not fit.
    #[track_caller]
    pub fn concatenate(&mut self, operands: &[Val], axis: usize) -> Val {
        match operands {
            &[x] if axis < self.shape(x).rank() => x,
            _ => self.apply(Concatenate { axis }, operands),
        }
    }
}
