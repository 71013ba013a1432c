//! Changes of element type.

use tensor::{DType, Tensor};

use super::elementwise::check_count;
use crate::{
    Attr, AttributeError, AttributeReader, AxisMap, Builder, Case, Diff, Domain, Kink, Operand, Primitive,
    Transpose, Ty, TypeError, Val,
};

/// `result[i]` is `x[i]` as a `dtype`.
///
/// Truth values become 0 and 1; numbers become truth values by comparison with 0 (NaN is true); floats become
/// integers by truncation towards 0, saturating, with NaN as 0; other conversions round to nearest, ties to even.
///
/// Operand `x: T[S]`; attribute `dtype`; result `dtype[S]`.
///
/// Constraints: (C1) one operand.
/// Derivative: linear between floats, where the rounding does not count; zero to and from other types.
/// Transpose: the cotangent converted back. StableHLO: `convert`.
#[derive(Clone, Debug, PartialEq)]
pub struct Convert {
    /// The element type of the result.
    pub dtype: DType,
}

impl Primitive for Convert {
    const NAME: &'static str = "convert";

    fn attributes(&self) -> Vec<(&'static str, Attr)> {
        vec![("dtype", Attr::dtype(self.dtype))]
    }

    fn from_attributes(reader: &mut AttributeReader) -> Result<Self, AttributeError> {
        Ok(Self { dtype: reader.dtype("dtype")? })
    }

    fn out_type(&self, operands: &[&Ty]) -> Result<Ty, TypeError> {
        check_count(Self::NAME, "C1", 1, operands)?;
        Ok(operands[0].with_dtype(self.dtype))
    }

    fn eval(&self, operands: &[&Tensor]) -> Tensor {
        operands[0].convert(self.dtype)
    }

    fn diff(&self) -> Diff<'_> {
        // An operand that is not of floats has no tangent in any class.
        if self.dtype.is_float() { Diff::Linear(self) } else { Diff::Zero }
    }

    fn axes(&self, operands: &[&Ty], result: &Ty) -> AxisMap {
        AxisMap::elementwise(operands.len(), result)
    }

    fn cases() -> Vec<Case> {
        let case = |name, dtype, ty, domain| Case::new(name, Self { dtype }, vec![(ty, domain)]);
        vec![
            case("convert f64 to f64", DType::F64, Ty::f64([2, 3]), Domain::Interval(-2.0, 2.0)),
            case("convert i32 to f64", DType::F64, Ty::i32([2, 3]), Domain::Below(5)),
            case("convert bool to f64", DType::F64, Ty::bool([2, 3]), Domain::Truth),
            case("convert bool to i32", DType::I32, Ty::bool([2, 3]), Domain::Truth),
        ]
    }

    fn kinks() -> Vec<Kink> {
        Vec::new()
    }
}

impl Transpose for Convert {
    fn transpose(&self, b: &mut Builder, ct: Val, operands: &[Operand]) -> Vec<Option<Val>> {
        vec![operands[0].linear().map(|ty| b.convert(ct, ty.dtype))]
    }
}

impl Builder {
    /// `x` with elements of type `dtype`; see [`Convert`]. Returns `x` itself where it has that type.
    #[track_caller]
    pub fn convert(&mut self, x: Val, dtype: DType) -> Val {
        if self.ty(x).dtype == dtype {
            return x;
        }
        self.apply(Convert { dtype }, &[x])
    }
}
