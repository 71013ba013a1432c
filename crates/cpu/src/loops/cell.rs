//! What the loops need to know of each element type.

use tensor::Element;

use super::{
    ops::{Source, map1, map1_or, map2},
    registers::{Registers, Tile},
};
use crate::node::{Binary, Unary};

/// An element type, with its elementwise operations and its tiles among the registers.
///
/// Operations that the type rules of the primitives exclude are unreachable.
pub(crate) trait Cell: Element + PartialOrd {
    /// The identity of the maximum.
    const LEAST: Self;
    /// The element whose bits are the low bits of `bits`.
    fn from_bits(bits: u64) -> Self;
    /// The inverse of [`Cell::from_bits`].
    fn to_bits(self) -> u64;
    /// The tiles of this type.
    fn tiles(registers: &Registers) -> &[Tile<Self>];
    /// The tiles of this type for writing.
    fn tiles_mut(registers: &mut Registers) -> &mut Vec<Tile<Self>>;
    /// The sum.
    fn plus(self, other: Self) -> Self;
    /// The maximum; NaN where either is.
    fn larger(self, other: Self) -> Self;
    /// This element as an `R`, as `Tensor::convert` defines it.
    fn to<R: Cell>(self) -> R;
    /// The conversion from `f32`.
    fn from_f32(x: f32) -> Self;
    /// The conversion from `f64`.
    fn from_f64(x: f64) -> Self;
    /// The conversion from `i32`.
    fn from_i32(x: i32) -> Self;
    /// The conversion from `bool`.
    fn from_bool(x: bool) -> Self;
    /// `out = op(x)`.
    fn unary(out: &mut [Self], op: Unary, x: Source<'_, Self>);
    /// `out = op(x, y)`.
    fn binary(out: &mut [Self], op: Binary, x: Source<'_, Self>, y: Source<'_, Self>);
}

/// Calls a generic function with the type argument that a [`tensor::DType`] names.
macro_rules! with_type {
    ($dtype:expr, $type:ident => $body:expr) => {
        match $dtype {
            tensor::DType::F32 => {
                type $type = f32;
                $body
            }
            tensor::DType::F64 => {
                type $type = f64;
                $body
            }
            tensor::DType::I32 => {
                type $type = i32;
                $body
            }
            tensor::DType::Bool => {
                type $type = bool;
                $body
            }
        }
    };
}
pub(crate) use with_type;

/// The conversions of one element type: which of the others' to call, and those to itself.
macro_rules! conversions {
    ($from:ident, |$x:ident| $f32:expr, $f64:expr, $i32:expr, $bool:expr) => {
        #[inline(always)]
        fn to<R: Cell>(self) -> R {
            R::$from(self)
        }

        #[inline(always)]
        fn from_f32($x: f32) -> Self {
            $f32
        }

        #[inline(always)]
        fn from_f64($x: f64) -> Self {
            $f64
        }

        #[inline(always)]
        fn from_i32($x: i32) -> Self {
            $i32
        }

        #[inline(always)]
        fn from_bool($x: bool) -> Self {
            $bool
        }
    };
}

macro_rules! float_cell {
    ($type:ident, $bits:ty, $math:ident, $from:ident) => {
        impl Cell for $type {
            const LEAST: Self = Self::NEG_INFINITY;

            conversions!($from, |x| x as Self, x as Self, x as Self, Self::from(u8::from(x)));

            fn from_bits(bits: u64) -> Self {
                Self::from_bits(bits as $bits)
            }

            fn to_bits(self) -> u64 {
                u64::from(self.to_bits())
            }

            fn tiles(registers: &Registers) -> &[Tile<Self>] {
                &registers.$type
            }

            fn tiles_mut(registers: &mut Registers) -> &mut Vec<Tile<Self>> {
                &mut registers.$type
            }

            #[inline(always)]
            fn plus(self, other: Self) -> Self {
                self + other
            }

            // Not the standard library's, which drops a NaN.
            #[inline(always)]
            fn larger(self, other: Self) -> Self {
                if self > other || self.is_nan() { self } else { other }
            }

            #[inline(always)]
            fn unary(out: &mut [Self], op: Unary, x: Source<'_, Self>) {
                match op {
                    Unary::Copy => map1(out, x, |x| x),
                    Unary::Negate => map1(out, x, |x| -x),
                    Unary::Abs => map1(out, x, Self::abs),
                    Unary::Sign => map1(out, x, sign),
                    Unary::Exp => map1(out, x, $math::exp),
                    Unary::Log => map1(out, x, $math::log),
                    Unary::Log1p => map1(out, x, Self::ln_1p),
                    Unary::Tanh => map1(out, x, $math::tanh),
                    Unary::Erf => map1(out, x, $math::erf),
                    Unary::Logistic => map1(out, x, $math::logistic),
                    Unary::Sqrt => map1(out, x, Self::sqrt),
                    Unary::Rsqrt => map1(out, x, |x| 1.0 / x.sqrt()),
                    Unary::Sin => $math::sines(out, x),
                    Unary::Cos => $math::cosines(out, x),
                    Unary::Not => unreachable!("{op:?} is of bits"),
                }
            }

            #[inline(always)]
            fn binary(out: &mut [Self], op: Binary, x: Source<'_, Self>, y: Source<'_, Self>) {
                match op {
                    Binary::Add => map2(out, x, y, |x, y| x + y),
                    Binary::Subtract => map2(out, x, y, |x, y| x - y),
                    Binary::Multiply => map2(out, x, y, |x, y| x * y),
                    Binary::Divide => map2(out, x, y, |x, y| x / y),
                    Binary::Power => map2(out, x, y, Self::powf),
                    Binary::Maximum => map2(out, x, y, Self::larger),
                    Binary::Minimum => map2(out, x, y, |x, y| if x < y || x.is_nan() { x } else { y }),
                    Binary::And | Binary::Or | Binary::Xor => unreachable!("{op:?} is of bits"),
                }
            }
        }
    };
}

/// -1, 0 or 1; zero keeps its sign and NaN stays.
#[inline(always)]
fn sign<T: Element + PartialOrd + From<i8>>(x: T) -> T {
    let zero = T::from(0);
    if x > zero {
        T::from(1)
    } else if x < zero {
        T::from(-1)
    } else {
        x
    }
}

/// The functions of `f32`.
mod single {
    use super::{Source, map1_or};
    pub(super) use crate::math::{erf, exp, log, logistic, tanh};
    use crate::trigonometry::{cos, is_large, sin};

    #[inline(always)]
    pub(super) fn sines(out: &mut [f32], x: Source<'_, f32>) {
        map1_or(out, x, sin, is_large, libm::sinf);
    }

    #[inline(always)]
    pub(super) fn cosines(out: &mut [f32], x: Source<'_, f32>) {
        map1_or(out, x, cos, is_large, libm::cosf);
    }
}

/// The `f64` functions of the standard library and of crate `libm`.
mod standard {
    use super::{Source, map1};
    pub(super) use libm::erf;

    pub(super) fn exp(x: f64) -> f64 {
        x.exp()
    }

    pub(super) fn log(x: f64) -> f64 {
        x.ln()
    }

    pub(super) fn tanh(x: f64) -> f64 {
        x.tanh()
    }

    pub(super) fn sines(out: &mut [f64], x: Source<'_, f64>) {
        map1(out, x, f64::sin);
    }

    pub(super) fn cosines(out: &mut [f64], x: Source<'_, f64>) {
        map1(out, x, f64::cos);
    }

    pub(super) fn logistic(x: f64) -> f64 {
        let e = (-x.abs()).exp();
        (if x < 0.0 { e } else { 1.0 }) / (1.0 + e)
    }
}

float_cell!(f32, u32, single, from_f32);
float_cell!(f64, u64, standard, from_f64);

impl Cell for i32 {
    const LEAST: Self = Self::MIN;

    conversions!(from_i32, |x| x as Self, x as Self, x, Self::from(x));

    fn from_bits(bits: u64) -> Self {
        bits as Self
    }

    fn to_bits(self) -> u64 {
        u64::from(self as u32)
    }

    fn tiles(registers: &Registers) -> &[Tile<Self>] {
        &registers.i32
    }

    fn tiles_mut(registers: &mut Registers) -> &mut Vec<Tile<Self>> {
        &mut registers.i32
    }

    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        self.wrapping_add(other)
    }

    #[inline(always)]
    fn larger(self, other: Self) -> Self {
        self.max(other)
    }

    #[inline(always)]
    fn unary(out: &mut [Self], op: Unary, x: Source<'_, Self>) {
        match op {
            Unary::Copy => map1(out, x, |x| x),
            Unary::Negate => map1(out, x, Self::wrapping_neg),
            Unary::Abs => map1(out, x, Self::wrapping_abs),
            Unary::Sign => map1(out, x, Self::signum),
            Unary::Not => map1(out, x, |x| !x),
            _ => unreachable!("{op:?} is of floats"),
        }
    }

    #[inline(always)]
    fn binary(out: &mut [Self], op: Binary, x: Source<'_, Self>, y: Source<'_, Self>) {
        match op {
            Binary::Add => map2(out, x, y, Self::wrapping_add),
            Binary::Subtract => map2(out, x, y, Self::wrapping_sub),
            Binary::Multiply => map2(out, x, y, Self::wrapping_mul),
            Binary::Maximum => map2(out, x, y, Ord::max),
            Binary::Minimum => map2(out, x, y, Ord::min),
            Binary::And => map2(out, x, y, |x, y| x & y),
            Binary::Or => map2(out, x, y, |x, y| x | y),
            Binary::Xor => map2(out, x, y, |x, y| x ^ y),
            Binary::Divide | Binary::Power => unreachable!("{op:?} is of floats"),
        }
    }
}

impl Cell for bool {
    const LEAST: Self = false;

    conversions!(from_bool, |x| x != 0.0, x != 0.0, x != 0, x);

    fn from_bits(bits: u64) -> Self {
        bits & 1 == 1
    }

    fn to_bits(self) -> u64 {
        u64::from(self)
    }

    fn tiles(registers: &Registers) -> &[Tile<Self>] {
        &registers.bool
    }

    fn tiles_mut(registers: &mut Registers) -> &mut Vec<Tile<Self>> {
        &mut registers.bool
    }

    fn plus(self, _: Self) -> Self {
        unreachable!("truth values have no sum")
    }

    fn larger(self, other: Self) -> Self {
        self | other
    }

    #[inline(always)]
    fn unary(out: &mut [Self], op: Unary, x: Source<'_, Self>) {
        match op {
            Unary::Copy => map1(out, x, |x| x),
            Unary::Not => map1(out, x, |x| !x),
            _ => unreachable!("{op:?} is of numbers"),
        }
    }

    #[inline(always)]
    fn binary(out: &mut [Self], op: Binary, x: Source<'_, Self>, y: Source<'_, Self>) {
        match op {
            Binary::And => map2(out, x, y, |x, y| x & y),
            Binary::Or => map2(out, x, y, |x, y| x | y),
            Binary::Xor => map2(out, x, y, |x, y| x ^ y),
            _ => unreachable!("{op:?} is of numbers"),
        }
    }
}
