//! Constants.

use std::sync::Arc;

use tensor::Tensor;

use super::{elementwise::check_count, indexing};
use crate::{
    Attr, AttributeError, AttributeReader, Axis, AxisMap, Case, Diff, Kink, Primitive, Ty, TypeError,
};

/// `result = value`.
///
/// No operands; attribute `value`: a tensor; result of its type.
///
/// Constraints: (C1) no operands. Derivative: zero. Axes: an axis along which the tensor varies is fixed.
/// StableHLO: `constant`.
#[derive(Clone, Debug, PartialEq)]
pub struct Constant {
    /// The tensor.
    pub value: Arc<Tensor>,
}

impl Primitive for Constant {
    const NAME: &'static str = "constant";

    fn attributes(&self) -> Vec<(&'static str, Attr)> {
        vec![("value", Attr::Tensor(Arc::clone(&self.value)))]
    }

    fn from_attributes(reader: &mut AttributeReader) -> Result<Self, AttributeError> {
        Ok(Self { value: reader.tensor("value")? })
    }

    fn out_type(&self, operands: &[&Ty]) -> Result<Ty, TypeError> {
        check_count(Self::NAME, "C1", 0, operands)?;
        Ok(Ty::of(&self.value))
    }

    fn eval(&self, _: &[&Tensor]) -> Tensor {
        (*self.value).clone()
    }

    fn diff(&self) -> Diff<'_> {
        Diff::Zero
    }

    fn axes(&self, _: &[&Ty], result: &Ty) -> AxisMap {
        let mut map = AxisMap::default();
        for (axis, &size) in result.shape.iter().enumerate() {
            if varies_along(&self.value, axis) {
                map.fix(Axis::result(axis), size);
            }
        }
        map
    }

    fn cases() -> Vec<Case> {
        let value = Arc::new(Tensor::from_fn([2, 3], |i| i as f64 - 1.5));
        vec![Case::new("constant", Self { value }, vec![])]
    }

    fn kinks() -> Vec<Kink> {
        Vec::new()
    }
}

fn varies_along(value: &Tensor, axis: usize) -> bool {
    let elements = value.to_f64_vec();
    indexing::indices(value.shape()).enumerate().any(|(position, mut index)| {
        index[axis] = 0;
        let first = elements[indexing::flat(value.shape(), &index)];
        elements[position].to_bits() != first.to_bits()
    })
}
