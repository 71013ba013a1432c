//! Elements and tensors in text.

use std::fmt;

use tensor::{Buffer, DType, Element, Shape, Tensor};

use super::{
    SPLAT_BUDGET_BYTES,
    cursor::{Cursor, Parsed},
    error::Problem,
};

/// An element that can be written and read back bit by bit.
trait Literal: Element {
    fn write(self, f: &mut fmt::Formatter<'_>) -> fmt::Result;
    fn read(text: &str) -> Option<Self>;
    /// Whether the bits are the same: unlike `==`, for NaN and zeros too.
    fn is_same(self, other: Self) -> bool;
}

macro_rules! float_literal {
    ($float:ty, $bits:ty, $digits:literal) => {
        impl Literal for $float {
            fn write(self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                if self.is_nan() && !self.is_same(Self::NAN) {
                    return write!(f, "nan:{:#0width$x}", self.to_bits(), width = $digits + 2);
                }
                if self.is_nan() { f.write_str("nan") } else { write!(f, "{self:?}") }
            }

            fn read(text: &str) -> Option<Self> {
                match text {
                    "nan" => return Some(Self::NAN),
                    "inf" => return Some(Self::INFINITY),
                    "-inf" => return Some(Self::NEG_INFINITY),
                    _ => {}
                }
                if let Some(digits) = text.strip_prefix("nan:0x") {
                    let plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
                    let bits = <$bits>::from_str_radix(digits, 16).ok().filter(|_| plain)?;
                    return Some(Self::from_bits(bits)).filter(|value| value.is_nan());
                }
                let unsigned = text.strip_prefix('-').unwrap_or(text);
                let plain = unsigned.starts_with(|first: char| first.is_ascii_digit());
                text.parse().ok().filter(|value: &Self| plain && value.is_finite())
            }

            fn is_same(self, other: Self) -> bool {
                self.to_bits() == other.to_bits()
            }
        }
    };
}

float_literal!(f32, u32, 8);
float_literal!(f64, u64, 16);

impl Literal for i32 {
    fn write(self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }

    fn read(text: &str) -> Option<Self> {
        text.parse().ok().filter(|_| !text.starts_with('+'))
    }

    fn is_same(self, other: Self) -> bool {
        self == other
    }
}

impl Literal for bool {
    fn write(self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }

    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn is_same(self, other: Self) -> bool {
        self == other
    }
}

/// How many more bytes the splats of one text may stand for. Printer and parser spend it alike, so that what is
/// printed can be read.
#[derive(Debug)]
pub(super) struct SplatBudget(usize);

impl SplatBudget {
    pub(super) const fn full() -> Self {
        Self(SPLAT_BUDGET_BYTES)
    }

    /// Spends the bytes of a tensor, if that many are left.
    fn spend(&mut self, dtype: DType, shape: &Shape) -> bool {
        let bytes = shape.checked_elements().and_then(|count| count.checked_mul(dtype.size_bytes()));
        let left = bytes.and_then(|bytes| self.0.checked_sub(bytes));
        self.0 = left.unwrap_or(self.0);
        left.is_some()
    }
}

/// Writes a tensor: its type, then its elements.
pub(super) fn write_tensor(
    f: &mut fmt::Formatter<'_>,
    tensor: &Tensor,
    budget: &mut SplatBudget,
) -> fmt::Result {
    write!(f, "{}{} ", tensor.dtype(), tensor.shape())?;
    match tensor.buffer() {
        Buffer::F32(elements) => write_elements(f, elements, tensor.shape(), budget),
        Buffer::F64(elements) => write_elements(f, elements, tensor.shape(), budget),
        Buffer::I32(elements) => write_elements(f, elements, tensor.shape(), budget),
        Buffer::Bool(elements) => write_elements(f, elements, tensor.shape(), budget),
    }
}

fn write_elements<T: Literal>(
    f: &mut fmt::Formatter<'_>,
    elements: &[T],
    shape: &Shape,
    budget: &mut SplatBudget,
) -> fmt::Result {
    let uniform = elements.len() > 1 && elements.iter().all(|element| element.is_same(elements[0]));
    let splat = uniform && budget.spend(T::DTYPE, shape);
    f.write_str(if splat { "splat (" } else { "(" })?;
    let written = if splat { &elements[..1] } else { elements };
    for (position, element) in written.iter().enumerate() {
        if position > 0 {
            f.write_str(", ")?;
        }
        element.write(f)?;
    }
    f.write_str(")")
}

/// Reads the elements of a tensor, after its type.
pub(super) fn read_elements(
    cursor: &mut Cursor<'_>,
    dtype: DType,
    shape: Shape,
    budget: &mut SplatBudget,
) -> Parsed<Tensor> {
    match dtype {
        DType::F32 => read_elements_of::<f32>(cursor, shape, budget),
        DType::F64 => read_elements_of::<f64>(cursor, shape, budget),
        DType::I32 => read_elements_of::<i32>(cursor, shape, budget),
        DType::Bool => read_elements_of::<bool>(cursor, shape, budget),
    }
}

fn read_elements_of<T: Literal>(
    cursor: &mut Cursor<'_>,
    shape: Shape,
    budget: &mut SplatBudget,
) -> Parsed<Tensor> {
    let mut start = *cursor;
    if cursor.peek() != Some('s') {
        let elements = cursor.list(['(', ')'], element::<T>)?;
        let found = elements.len();
        let wrong_count = |_| start.fault(Problem::ElementCount { shape: shape.clone(), found });
        return Tensor::new(shape.clone(), elements).map_err(wrong_count);
    }
    cursor.expect_word("splat")?;
    cursor.expect('(')?;
    let element = element::<T>(cursor)?;
    cursor.expect(')')?;
    if !budget.spend(T::DTYPE, &shape) {
        return Err(start.fault(Problem::Splat { limit: SPLAT_BUDGET_BYTES }));
    }
    Ok(Tensor::full(shape, element))
}

fn element<T: Literal>(cursor: &mut Cursor<'_>) -> Parsed<T> {
    cursor.peek();
    let mut start = *cursor;
    let text = cursor.take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.' | ':'));
    T::read(text).ok_or_else(|| {
        if text.is_empty() {
            return start.unexpected(format!("an element of type {}", T::DTYPE));
        }
        let found = text.chars().take(40).collect();
        start.fault(Problem::Element { dtype: T::DTYPE, found })
    })
}
