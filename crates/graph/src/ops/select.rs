//! Choosing between two tensors element by element.

use tensor::{Buffer, DType, Element, Tensor};

use super::elementwise::{check_count, rebuild};
use crate::{
    Attr, AttributeError, AttributeReader, AxisMap, Builder, Case, Diff, Domain, Kink, Operand, Primitive,
    Transpose, Ty, TypeError, Val,
};

/// `result[i] = if condition[i] { x[i] } else { y[i] }`.
///
/// Operands `condition: bool[S]`, `x`, `y: T[S]`; result `T[S]`.
///
/// Constraints: (C1) three operands; (C2) `x` and `y` of one type; (C3) `condition` of `bool` and their shape.
/// Derivative: linear in `x` and `y`. Transpose: the cotangent where its side was chosen, zero elsewhere.
/// StableHLO: `select`.
#[derive(Clone, Debug, PartialEq)]
pub struct Select;

impl Primitive for Select {
    const NAME: &'static str = "select";

    fn attributes(&self) -> Vec<(&'static str, Attr)> {
        Vec::new()
    }

    fn from_attributes(_: &mut AttributeReader) -> Result<Self, AttributeError> {
        Ok(Self)
    }

    fn out_type(&self, operands: &[&Ty]) -> Result<Ty, TypeError> {
        check_count(Self::NAME, "C1", 3, operands)?;
        let &[condition, x, y] = operands else { unreachable!("three operands were just counted") };
        if x != y {
            let message = format!("both sides must have the same type, found {x} and {y}");
            return Err(TypeError::new(Self::NAME, "C2", message, operands));
        }
        if *condition != x.with_dtype(DType::Bool) {
            let message = format!("expected a condition of type {}, found {condition}", x.with_dtype(DType::Bool));
            return Err(TypeError::new(Self::NAME, "C3", message, operands));
        }
        Ok(x.clone())
    }

    fn eval(&self, operands: &[&Tensor]) -> Tensor {
        let Buffer::Bool(condition) = operands[0].buffer() else {
            unreachable!("the type rule admits truth values only")
        };
        let buffer = match (operands[1].buffer(), operands[2].buffer()) {
            (Buffer::F32(x), Buffer::F32(y)) => choose(condition, x, y),
            (Buffer::F64(x), Buffer::F64(y)) => choose(condition, x, y),
            (Buffer::I32(x), Buffer::I32(y)) => choose(condition, x, y),
            (Buffer::Bool(x), Buffer::Bool(y)) => choose(condition, x, y),
            _ => unreachable!("the type rule admits one type only"),
        };
        rebuild(operands[1], buffer)
    }

    fn diff(&self) -> Diff<'_> {
        Diff::Linear(self)
    }

    fn axes(&self, operands: &[&Ty], result: &Ty) -> AxisMap {
        AxisMap::elementwise(operands.len(), result)
    }

    fn cases() -> Vec<Case> {
        let side = (Ty::f64([2, 3]), Domain::Interval(-2.0, 2.0));
        vec![Case::new("select", Self, vec![(Ty::bool([2, 3]), Domain::Truth), side.clone(), side])]
    }

    fn kinks() -> Vec<Kink> {
        Vec::new()
    }
}

fn choose<T: Element>(condition: &[bool], x: &[T], y: &[T]) -> Buffer {
    let chosen = condition.iter().zip(x.iter().zip(y)).map(|(&condition, (&x, &y))| if condition { x } else { y });
    T::buffer(chosen.collect())
}

impl Transpose for Select {
    fn transpose(&self, b: &mut Builder, ct: Val, operands: &[Operand]) -> Vec<Option<Val>> {
        let condition = operands[0].known();
        let zero = b.splat_like(ct, 0.0);
        let x = operands[1].linear().map(|_| b.select(condition, ct, zero));
        let y = operands[2].linear().map(|_| b.select(condition, zero, ct));
        vec![None, x, y]
    }
}

impl Builder {
    /// `x` where `condition` holds and `y` elsewhere; see [`Select`].
    ///
    /// # Panics
    /// Where the types do not fit.
    #[track_caller]
    pub fn select(&mut self, condition: Val, x: Val, y: Val) -> Val {
        self.apply(Select, &[condition, x, y])
    }
}
