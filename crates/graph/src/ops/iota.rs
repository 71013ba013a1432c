//! Counting along an axis.

use tensor::{Buffer, DType, Shape, Tensor};

use super::{elementwise::check_count, indexing};
use crate::{
    Attr, AttributeError, AttributeReader, Axis, AxisMap, Builder, Case, Diff, Kink, Primitive, Ty, TypeError,
    Val,
};

/// `result[i] = i[axis]`.
///
/// No operands; attributes `dtype`, `shape`, `axis`; result `dtype[shape]`, where `dtype` is `f32`, `f64` or `i32`.
///
/// Constraints: (C1) no operands; (C2) `axis` is an axis of `shape`; (C3) `dtype` is of numbers; (C4) every index
/// along `axis` is exact in `dtype`: at most 2^24 of them for `f32`, 2^31 for `i32`, 2^53 for `f64`.
/// Derivative: zero. Axes: `axis` is fixed. StableHLO: `iota`.
#[derive(Clone, Debug, PartialEq)]
pub struct Iota {
    /// The element type of the result.
    pub dtype: DType,
    /// The shape of the result.
    pub shape: Shape,
    /// The axis along which the result counts.
    pub axis: usize,
}

/// The number of consecutive integers from 0 on that the type holds exactly.
const fn exact_integers(dtype: DType) -> u64 {
    match dtype {
        DType::F32 => 1 << 24,
        DType::F64 => 1 << 53,
        DType::I32 => 1 << 31,
        DType::Bool => 0,
    }
}

impl Primitive for Iota {
    const NAME: &'static str = "iota";

    fn attributes(&self) -> Vec<(&'static str, Attr)> {
        vec![
            ("dtype", Attr::dtype(self.dtype)),
            ("shape", Attr::sizes(&self.shape)),
            ("axis", Attr::Int(self.axis as i64)),
        ]
    }

    fn from_attributes(reader: &mut AttributeReader) -> Result<Self, AttributeError> {
        Ok(Self { dtype: reader.dtype("dtype")?, shape: reader.shape("shape")?, axis: reader.size("axis")? })
    }

    fn out_type(&self, operands: &[&Ty]) -> Result<Ty, TypeError> {
        check_count(Self::NAME, "C1", 0, operands)?;
        let Some(&size) = self.shape.get(self.axis) else {
            let message = format!("axis {} must be an axis of {}", self.axis, self.shape);
            return Err(TypeError::new(Self::NAME, "C2", message, operands));
        };
        if self.dtype == DType::Bool {
            return Err(TypeError::new(Self::NAME, "C3", "expected numbers, found bool", operands));
        }
        if size as u64 > exact_integers(self.dtype) {
            let message = format!("{} cannot count to {size} exactly", self.dtype);
            return Err(TypeError::new(Self::NAME, "C4", message, operands));
        }
        Ok(Ty::new(self.dtype, self.shape.clone()))
    }

    fn eval(&self, _: &[&Tensor]) -> Tensor {
        let index = indexing::indices(&self.shape).map(|index| index[self.axis]);
        let buffer = match self.dtype {
            DType::F32 => Buffer::F32(index.map(|i| i as f32).collect()),
            DType::F64 => Buffer::F64(index.map(|i| i as f64).collect()),
            DType::I32 => Buffer::I32(index.map(|i| i as i32).collect()),
            DType::Bool => unreachable!("the type rule admits numbers only"),
        };
        Tensor::from_buffer(self.shape.clone(), buffer).expect("one element for each index")
    }

    fn diff(&self) -> Diff<'_> {
        Diff::Zero
    }

    fn axes(&self, _: &[&Ty], result: &Ty) -> AxisMap {
        let mut map = AxisMap::default();
        map.fix(Axis::result(self.axis), result.shape[self.axis]);
        map
    }

    fn cases() -> Vec<Case> {
        let case = |name, dtype, axis| Case::new(name, Self { dtype, shape: [2, 3].into(), axis }, vec![]);
        vec![case("iota of f64 along rows", DType::F64, 0), case("iota of i32 along columns", DType::I32, 1)]
    }

    fn kinks() -> Vec<Kink> {
        Vec::new()
    }
}

impl Builder {
    /// The index along `axis`, as a tensor of `shape`; see [`Iota`].
    ///
    /// # Panics
    /// Where there is no such axis, or `dtype` is `bool` or cannot count that far.
    #[track_caller]
    pub fn iota(&mut self, dtype: DType, shape: &Shape, axis: usize) -> Val {
        self.apply(Iota { dtype, shape: shape.clone(), axis }, &[])
    }
}
