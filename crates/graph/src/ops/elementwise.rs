//! What elementwise primitives share: type rules and evaluation.

use tensor::{Buffer, DType, Element, Tensor};

use crate::{Ty, TypeError};

/// Exactly `expected` operands were given.
pub(super) fn check_count(
    op: &'static str,
    constraint: &'static str,
    expected: usize,
    operands: &[&Ty],
) -> Result<(), TypeError> {
    if operands.len() == expected {
        return Ok(());
    }
    let message = format!("expected {expected} operands, found {}", operands.len());
    Err(TypeError::new(op, constraint, message, operands))
}

/// C1: `count` operands; C2: all of one type; C3: of an element type that `accepts`, described by `kinds`.
pub(super) fn same_type(
    op: &'static str,
    count: usize,
    accepts: fn(DType) -> bool,
    kinds: &str,
    operands: &[&Ty],
) -> Result<Ty, TypeError> {
    check_count(op, "C1", count, operands)?;
    if let Some(other) = operands.iter().find(|&&other| other != operands[0]) {
        let message = format!("operands must have the same type, found {} and {other}", operands[0]);
        return Err(TypeError::new(op, "C2", message, operands));
    }
    if !accepts(operands[0].dtype) {
        let message = format!("expected {kinds}, found {}", operands[0].dtype);
        return Err(TypeError::new(op, "C3", message, operands));
    }
    Ok(operands[0].clone())
}

/// Element types with arithmetic: all but `bool`.
pub(super) fn is_number(dtype: DType) -> bool {
    dtype != DType::Bool
}

/// Element types that are combined bit by bit: `i32`, and `bool` as a single bit.
pub(super) fn is_bits(dtype: DType) -> bool {
    !dtype.is_float()
}

/// Combines two tensors of one type bit by bit; the type rule has excluded floats.
pub(super) fn zip_bits(
    x: &Tensor,
    y: &Tensor,
    i32: impl Fn(i32, i32) -> i32,
    bool: impl Fn(bool, bool) -> bool,
) -> Tensor {
    let buffer = match (x.buffer(), y.buffer()) {
        (Buffer::I32(x), Buffer::I32(y)) => Buffer::I32(zip(x, y, i32)),
        (Buffer::Bool(x), Buffer::Bool(y)) => Buffer::Bool(zip(x, y, bool)),
        _ => unreachable!("the type rule admits bits of one type only"),
    };
    rebuild(x, buffer)
}

/// Maps a floating-point tensor; the type rule has excluded others.
pub(super) fn map_float(x: &Tensor, f32: impl Fn(f32) -> f32, f64: impl Fn(f64) -> f64) -> Tensor {
    let buffer = match x.buffer() {
        Buffer::F32(x) => Buffer::F32(x.iter().map(|&x| f32(x)).collect()),
        Buffer::F64(x) => Buffer::F64(x.iter().map(|&x| f64(x)).collect()),
        Buffer::I32(_) | Buffer::Bool(_) => unreachable!("the type rule admits floats only"),
    };
    rebuild(x, buffer)
}

/// Maps a tensor of numbers; the type rule has excluded truth values.
pub(super) fn map_number(
    x: &Tensor,
    f32: impl Fn(f32) -> f32,
    f64: impl Fn(f64) -> f64,
    i32: impl Fn(i32) -> i32,
) -> Tensor {
    match x.buffer() {
        Buffer::I32(elements) => rebuild(x, Buffer::I32(elements.iter().map(|&x| i32(x)).collect())),
        _ => map_float(x, f32, f64),
    }
}

/// Combines two tensors of one floating-point type elementwise.
pub(super) fn zip_float(
    x: &Tensor,
    y: &Tensor,
    f32: impl Fn(f32, f32) -> f32,
    f64: impl Fn(f64, f64) -> f64,
) -> Tensor {
    let buffer = match (x.buffer(), y.buffer()) {
        (Buffer::F32(x), Buffer::F32(y)) => Buffer::F32(zip(x, y, f32)),
        (Buffer::F64(x), Buffer::F64(y)) => Buffer::F64(zip(x, y, f64)),
        _ => unreachable!("the type rule admits floats of one type only"),
    };
    rebuild(x, buffer)
}

/// Combines two tensors of one numeric type elementwise.
pub(super) fn zip_number(
    x: &Tensor,
    y: &Tensor,
    f32: impl Fn(f32, f32) -> f32,
    f64: impl Fn(f64, f64) -> f64,
    i32: impl Fn(i32, i32) -> i32,
) -> Tensor {
    match (x.buffer(), y.buffer()) {
        (Buffer::I32(a), Buffer::I32(b)) => rebuild(x, Buffer::I32(zip(a, b, i32))),
        _ => zip_float(x, y, f32, f64),
    }
}

pub(super) fn zip<T: Element, R: Element>(x: &[T], y: &[T], f: impl Fn(T, T) -> R) -> Vec<R> {
    x.iter().zip(y).map(|(&x, &y)| f(x, y)).collect()
}

/// A tensor shaped like `like` with other elements.
pub(super) fn rebuild(like: &Tensor, buffer: Buffer) -> Tensor {
    Tensor::from_buffer(like.shape().clone(), buffer).expect("elementwise results keep the shape")
}
