//! What several primitives are written with.

use graph::ops::{Direction, Pad, Reverse, Slice, Transpose};
use tensor::{DType, Tensor};

use super::program::{Element, Program, Term, Type, array, literal};

impl Program {
    /// A constant of any value.
    pub(super) fn constant(&mut self, value: &Tensor) -> Term {
        let ty = Type::new(value.dtype(), value.shape());
        if let Some(text) = literal(value) {
            return self.op("constant", &[], &format!("value = {text} : {ty}"), ty);
        }
        let numbers = self.constant(&value.convert(DType::I32));
        let zero = self.number(0, &numbers.ty);
        self.compare(Direction::Ne, &numbers, &zero)
    }

    /// The same integer, or truth value for 0 and 1, everywhere.
    pub(super) fn number(&mut self, value: i64, ty: &Type) -> Term {
        let text = match ty.element {
            Element::F32 | Element::F64 => format!("{value}.0"),
            Element::Bool => (value != 0).to_string(),
            Element::I32 | Element::U32 | Element::U64 => value.to_string(),
        };
        let text = if ty.elements() == 0 { String::new() } else { text };
        self.op("constant", &[], &format!("value = dense<{text}> : {ty}"), ty.clone())
    }

    /// The number below all others: minus infinity, or the least integer.
    pub(super) fn lowest(&mut self, element: Element) -> Term {
        let text = match element {
            Element::F32 => "0xFF800000",
            Element::F64 => "0xFFF0000000000000",
            Element::I32 => "-2147483648",
            Element::Bool => "false",
            Element::U32 | Element::U64 => "0",
        };
        let ty = Type::new(element, &[]);
        self.op("constant", &[], &format!("value = dense<{text}> : {ty}"), ty)
    }

    /// NaN everywhere.
    pub(super) fn nan(&mut self, ty: &Type) -> Term {
        let text = if ty.element == Element::F64 { "0x7FF8000000000000" } else { "0x7FC00000" };
        self.op("constant", &[], &format!("value = dense<{text}> : {ty}"), ty.clone())
    }

    /// An operation on two terms of one type whose result has that type.
    pub(super) fn binary(&mut self, name: &str, x: &Term, y: &Term) -> Term {
        self.op(name, &[x, y], "", x.ty.clone())
    }

    /// `name(x, value)`, elementwise.
    pub(super) fn with_number(&mut self, name: &str, x: &Term, value: i64) -> Term {
        let number = self.number(value, &x.ty);
        self.binary(name, x, &number)
    }

    pub(super) fn compare(&mut self, relation: Direction, x: &Term, y: &Term) -> Term {
        let kind = match x.ty.element {
            Element::F32 | Element::F64 => "FLOAT",
            Element::I32 => "SIGNED",
            Element::Bool | Element::U32 | Element::U64 => "UNSIGNED",
        };
        let properties = format!(
            "comparison_direction = #stablehlo<comparison_direction {}>, compare_type = #stablehlo<comparison_type {kind}>",
            relation.name().to_uppercase()
        );
        self.op("compare", &[x, y], &properties, x.ty.with_element(Element::Bool))
    }

    /// Whether `0 <= x < bound`, for integers.
    pub(super) fn is_below(&mut self, x: &Term, bound: usize) -> Term {
        let zero = self.number(0, &x.ty);
        let bound = self.number(bound as i64, &x.ty);
        let (low, high) = (self.compare(Direction::Ge, x, &zero), self.compare(Direction::Lt, x, &bound));
        self.binary("and", &low, &high)
    }

    pub(super) fn select(&mut self, condition: &Term, yes: &Term, no: &Term) -> Term {
        self.op("select", &[condition, yes, no], "", yes.ty.clone())
    }

    /// `x` where the condition holds, and zero elsewhere.
    pub(super) fn or_zero(&mut self, condition: &Term, x: &Term) -> Term {
        let zero = self.number(0, &x.ty);
        self.select(condition, x, &zero)
    }

    /// The error function, which is of the dialect that StableHLO's own front ends build on and every plugin reads.
    pub(super) fn erf(&mut self, x: &Term) -> Term {
        self.op("chlo.erf", &[x], "", x.ty.clone())
    }

    pub(super) fn reshape(&mut self, x: &Term, shape: &[usize]) -> Term {
        if x.ty.shape == shape {
            return x.clone();
        }
        self.op("reshape", &[x], "", x.ty.with_shape(shape))
    }

    pub(super) fn broadcast(&mut self, x: &Term, axes: &[usize], shape: &[usize]) -> Term {
        let properties = format!("broadcast_dimensions = {}", array(axes));
        self.op("broadcast_in_dim", &[x], &properties, x.ty.with_shape(shape))
    }

    pub(super) fn iota(&mut self, element: Element, shape: &[usize], axis: usize) -> Term {
        self.op("iota", &[], &format!("iota_dimension = {axis} : i64"), Type::new(element, shape))
    }

    pub(super) fn concatenate(&mut self, parts: &[&Term], axis: usize) -> Term {
        let mut ty = parts[0].ty.clone();
        ty.shape[axis] = parts.iter().map(|part| part.ty.shape[axis]).sum();
        self.op("concatenate", parts, &format!("dimension = {axis} : i64"), ty)
    }

    pub(super) fn transpose(&mut self, op: &Transpose, x: &Term, ty: Type) -> Term {
        self.op("transpose", &[x], &format!("permutation = {}", array(&op.permutation)), ty)
    }

    pub(super) fn reverse(&mut self, op: &Reverse, x: &Term, ty: Type) -> Term {
        self.op("reverse", &[x], &format!("dimensions = {}", array(&op.axes)), ty)
    }

    pub(super) fn slice(&mut self, op: &Slice, x: &Term, ty: Type) -> Term {
        let [start, limit, stride] = [&op.start, &op.limit, &op.stride].map(array);
        let properties = format!("start_indices = {start}, limit_indices = {limit}, strides = {stride}");
        self.op("slice", &[x], &properties, ty)
    }

    pub(super) fn pad(&mut self, op: &Pad, x: &Term) -> Term {
        let zero = self.number(0, &x.ty.scalar());
        self.padded(x, &zero, &op.low, &op.high, &op.interior)
    }

    pub(super) fn reduce_sum(&mut self, x: &Term, axes: &[usize]) -> Term {
        let zero = self.number(0, &x.ty.scalar());
        self.reduce("add", x, &zero, axes)
    }

    /// With comparisons spelled out: plugins for processors lose NaN in reductions by `maximum`.
    pub(super) fn reduce_max(&mut self, x: &Term, axes: &[usize]) -> Term {
        let lowest = self.lowest(x.ty.element);
        let scalar = x.ty.scalar();
        let region = self.region(&[scalar.clone(), scalar], |program, pair| {
            let greater = program.compare(Direction::Gt, &pair[0], &pair[1]);
            let nan = program.compare(Direction::Ne, &pair[0], &pair[0]);
            let first = program.binary("or", &greater, &nan);
            [program.select(&first, &pair[0], &pair[1])]
        });
        self.reduce_by(&region, x, &lowest, axes)
    }

    /// `x` reduced along `axes` by an associative operation with this neutral element.
    pub(super) fn reduce(&mut self, name: &str, x: &Term, neutral: &Term, axes: &[usize]) -> Term {
        let region = self.combining(name, &x.ty.scalar());
        self.reduce_by(&region, x, neutral, axes)
    }

    fn reduce_by(&mut self, region: &str, x: &Term, neutral: &Term, axes: &[usize]) -> Term {
        let kept = (0..x.ty.shape.len()).filter(|axis| !axes.contains(axis)).map(|axis| x.ty.shape[axis]);
        let ty = x.ty.with_shape(&kept.collect::<Vec<_>>());
        let properties = format!("dimensions = {}", array(axes));
        let [result] = self.op_with("reduce", &[x, neutral], &properties, Some(region), [ty]);
        result
    }

    /// A region that combines two scalars.
    pub(super) fn combining(&mut self, name: &str, scalar: &Type) -> String {
        self.region(&[scalar.clone(), scalar.clone()], |program, pair| {
            [program.binary(name, &pair[0], &pair[1])]
        })
    }
}
