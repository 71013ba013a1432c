//! Element types of files, and what they hold as numbers.
//!
//! A file's elements are bytes, little-endian and row-major. They become numbers here and nowhere else, so that a 16-bit
//! float means the same in every format.

use half::{bf16, f16, slice::HalfFloatSliceExt};
use pulp::Arch;

use crate::{Buffer, DType};

/// The type in which a file keeps the elements of a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stored {
    /// 64-bit IEEE 754 floating point.
    F64,
    /// 32-bit IEEE 754 floating point.
    F32,
    /// 16-bit IEEE 754 floating point: 5 bits of exponent, 10 of mantissa.
    F16,
    /// The upper half of an [`Stored::F32`]: 8 bits of exponent, 7 of mantissa.
    BF16,
    /// 64-bit signed integer.
    I64,
    /// 32-bit signed integer.
    I32,
    /// 16-bit signed integer.
    I16,
    /// 8-bit signed integer.
    I8,
    /// 64-bit unsigned integer.
    U64,
    /// 32-bit unsigned integer.
    U32,
    /// 16-bit unsigned integer.
    U16,
    /// 8-bit unsigned integer.
    U8,
    /// Truth value: a byte that is 0 or something else.
    Bool,
}

impl Stored {
    /// All types, in the order of their declaration.
    pub const ALL: [Self; 13] = [
        Self::F64,
        Self::F32,
        Self::F16,
        Self::BF16,
        Self::I64,
        Self::I32,
        Self::I16,
        Self::I8,
        Self::U64,
        Self::U32,
        Self::U16,
        Self::U8,
        Self::Bool,
    ];

    /// The name as safetensors writes it: `F64`, `BF16`, `U8`, `BOOL`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::F64 => "F64",
            Self::F32 => "F32",
            Self::F16 => "F16",
            Self::BF16 => "BF16",
            Self::I64 => "I64",
            Self::I32 => "I32",
            Self::I16 => "I16",
            Self::I8 => "I8",
            Self::U64 => "U64",
            Self::U32 => "U32",
            Self::U16 => "U16",
            Self::U8 => "U8",
            Self::Bool => "BOOL",
        }
    }

    /// The type of that name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stored| stored.name() == name)
    }

    /// Size of one element in bytes.
    #[must_use]
    pub const fn size_bytes(self) -> usize {
        match self {
            Self::F64 | Self::I64 | Self::U64 => 8,
            Self::F32 | Self::I32 | Self::U32 => 4,
            Self::F16 | Self::BF16 | Self::I16 | Self::U16 => 2,
            Self::I8 | Self::U8 | Self::Bool => 1,
        }
    }

    /// Whether the elements are floating-point numbers.
    #[must_use]
    pub const fn is_float(self) -> bool {
        matches!(self, Self::F64 | Self::F32 | Self::F16 | Self::BF16)
    }

    /// The bytes of these elements; `None` where that exceeds `usize`.
    #[must_use]
    pub fn checked_bytes(self, elements: usize) -> Option<usize> {
        elements.checked_mul(self.size_bytes())
    }

    /// Turns stored floats into `f32`: exactly, but for [`Stored::F64`], which is rounded to the nearest, ties to even.
    /// NaN stays NaN.
    ///
    /// # Panics
    /// Where this is no float, or the lengths differ.
    #[track_caller]
    pub fn write_f32(self, bytes: &[u8], out: &mut [f32]) {
        assert_eq!(Some(bytes.len()), self.checked_bytes(out.len()), "as many bytes as elements need");
        match self {
            Self::F32 => each(bytes, out, f32::from_le_bytes),
            Self::F64 => each(bytes, out, |bytes| f64::from_le_bytes(bytes) as f32),
            Self::F16 => halves(bytes, out),
            Self::BF16 => widen(bytes, out),
            _ => panic!("{} elements are no floats", self.name()),
        }
    }

    /// Turns stored floats into bytes of another float type, rounded once to the nearest, ties to even: what is too large
    /// becomes infinite, what is too small 0 with its sign, and NaN stays NaN.
    ///
    /// # Panics
    /// Where one of the two is no float, or the bytes are no whole number of elements.
    #[must_use]
    #[track_caller]
    pub fn convert(self, bytes: &[u8], to: Self) -> Vec<u8> {
        assert_eq!(bytes.len() % self.size_bytes(), 0, "whole elements");
        if self == to {
            return bytes.to_vec();
        }
        match self {
            Self::F64 => rounded(bytes.as_chunks().0.iter().map(|&bytes| f64::from_le_bytes(bytes)), to),
            _ => {
                let mut wide = vec![0f32; bytes.len() / self.size_bytes()];
                self.write_f32(bytes, &mut wide);
                to.encode(&wide)
            }
        }
    }

    /// The least magnitude of an `f32` that becomes infinite in this type; `None` where none does.
    #[must_use]
    pub const fn overflow(self) -> Option<f32> {
        match self {
            // Half a step beyond the largest number: 65504 + 16, and (2 - 2⁻⁸)·2¹²⁷.
            Self::F16 => Some(65520.0),
            Self::BF16 => Some(f32::from_bits(0x7f7f_8000)),
            _ => None,
        }
    }

    /// How many of the elements are infinite. Integers are finite.
    ///
    /// # Panics
    /// Where the bytes are no whole number of elements.
    #[must_use]
    #[track_caller]
    pub fn infinities(self, bytes: &[u8]) -> usize {
        assert_eq!(bytes.len() % self.size_bytes(), 0, "whole elements");
        match self {
            Self::F64 => count(bytes, |bytes| f64::from_le_bytes(bytes).is_infinite()),
            Self::F32 => count(bytes, |bytes| f32::from_le_bytes(bytes).is_infinite()),
            Self::F16 => count(bytes, |bytes| f16::from_le_bytes(bytes).is_infinite()),
            Self::BF16 => count(bytes, |bytes| bf16::from_le_bytes(bytes).is_infinite()),
            _ => 0,
        }
    }

    /// The bytes of floats in this type, as [`Stored::convert`] rounds them.
    ///
    /// # Panics
    /// Where this is no float.
    #[must_use]
    #[track_caller]
    pub fn encode(self, numbers: &[f32]) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.encode_into(numbers, &mut bytes);
        bytes
    }

    /// As [`Stored::encode`], in place of what `out` held, whose memory is used again.
    ///
    /// # Panics
    /// Where this is no float.
    #[track_caller]
    pub fn encode_into(self, numbers: &[f32], out: &mut Vec<u8>) {
        out.resize(numbers.len() * self.size_bytes(), 0);
        match self {
            Self::F32 => bytes(numbers, out, f32::to_le_bytes),
            Self::F64 => bytes(numbers, out, |number| f64::from(number).to_le_bytes()),
            Self::F16 => to_halves(numbers, out),
            Self::BF16 => narrow(numbers, out),
            _ => panic!("{} elements are no floats", self.name()),
        }
    }

    /// The elements in the nearest type of ours, every number exactly: 64-bit floats stay so, other floats become `f32`,
    /// integers `i32`, truth values `bool`. `None` where an integer does not fit, or the bytes are no whole number of
    /// elements.
    #[must_use]
    pub fn exact(self, bytes: &[u8]) -> Option<Buffer> {
        if !bytes.len().is_multiple_of(self.size_bytes()) {
            return None;
        }
        match self {
            Self::F64 => Some(Buffer::F64(
                bytes.as_chunks().0.iter().map(|&bytes| f64::from_le_bytes(bytes)).collect(),
            )),
            Self::Bool => Some(Buffer::Bool(bytes.iter().map(|&byte| byte != 0).collect())),
            _ if self.is_float() => {
                let mut numbers = vec![0f32; bytes.len() / self.size_bytes()];
                self.write_f32(bytes, &mut numbers);
                Some(Buffer::F32(numbers))
            }
            _ => {
                let fitting =
                    self.integers(bytes).into_iter().map(|number| number.and_then(|n| n.try_into().ok()));
                fitting.collect::<Option<Vec<i32>>>().map(Buffer::I32)
            }
        }
    }

    /// Stored integers as `i64`, and truth values as 0 and 1; `None` for one above the largest `i64`.
    ///
    /// # Panics
    /// Where these are floats.
    #[must_use]
    #[track_caller]
    pub fn integers(self, bytes: &[u8]) -> Vec<Option<i64>> {
        match self {
            Self::Bool => bytes.iter().map(|&byte| Some(i64::from(byte != 0))).collect(),
            Self::U8 => bytes.iter().map(|&byte| Some(i64::from(byte))).collect(),
            Self::I8 => wide(bytes, |bytes| Some(i64::from(i8::from_le_bytes(bytes)))),
            Self::U16 => wide(bytes, |bytes| Some(i64::from(u16::from_le_bytes(bytes)))),
            Self::I16 => wide(bytes, |bytes| Some(i64::from(i16::from_le_bytes(bytes)))),
            Self::U32 => wide(bytes, |bytes| Some(i64::from(u32::from_le_bytes(bytes)))),
            Self::I32 => wide(bytes, |bytes| Some(i64::from(i32::from_le_bytes(bytes)))),
            Self::U64 => wide(bytes, |bytes| i64::try_from(u64::from_le_bytes(bytes)).ok()),
            Self::I64 => wide(bytes, |bytes| Some(i64::from_le_bytes(bytes))),
            Self::F64 | Self::F32 | Self::F16 | Self::BF16 => {
                panic!("{} elements are no integers", self.name())
            }
        }
    }
}

impl From<DType> for Stored {
    fn from(dtype: DType) -> Self {
        match dtype {
            DType::F32 => Self::F32,
            DType::F64 => Self::F64,
            DType::I32 => Self::I32,
            DType::Bool => Self::Bool,
        }
    }
}

impl std::fmt::Display for Stored {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[inline(always)]
fn each<const N: usize>(bytes: &[u8], out: &mut [f32], number: impl Fn([u8; N]) -> f32) {
    for (out, bytes) in out.iter_mut().zip(bytes.as_chunks().0) {
        *out = number(*bytes);
    }
}

#[inline(always)]
fn bytes<T: Copy, const N: usize>(numbers: &[T], out: &mut [u8], of: impl Fn(T) -> [u8; N]) {
    for (out, &number) in out.as_chunks_mut().0.iter_mut().zip(numbers) {
        *out = of(number);
    }
}

/// Elements converted at a time, so that they stay in the cache.
const BLOCK: usize = 1 << 12;

/// Block by block, with the processor's own instructions where it has them.
fn halves(bytes: &[u8], out: &mut [f32]) {
    let mut block = Vec::with_capacity(BLOCK);
    for (bytes, out) in bytes.chunks(2 * BLOCK).zip(out.chunks_mut(BLOCK)) {
        block.clear();
        block.extend(bytes.as_chunks().0.iter().map(|&bytes| f16::from_le_bytes(bytes)));
        block.convert_to_f32_slice(out);
    }
}

/// As [`halves`], the other way.
fn to_halves(numbers: &[f32], out: &mut [u8]) {
    let mut block = [f16::ZERO; BLOCK];
    for (numbers, out) in numbers.chunks(BLOCK).zip(out.chunks_mut(2 * BLOCK)) {
        let block = &mut block[..numbers.len()];
        block.convert_from_f32_slice(numbers);
        bytes(block, out, f16::to_le_bytes);
    }
}

/// What `bf16::to_f32` does, without branches and with the widest vectors there are.
fn widen(bytes: &[u8], out: &mut [f32]) {
    Arch::new().dispatch(
        #[inline(always)]
        || {
            each(bytes, out, |bytes| {
                let half = u32::from(u16::from_le_bytes(bytes));
                let quiet = if half & 0x7fff > 0x7f80 { 0x40 } else { 0 };
                f32::from_bits((half | quiet) << 16)
            });
        },
    );
}

/// What `bf16::from_f32` does, likewise.
fn narrow(numbers: &[f32], out: &mut [u8]) {
    Arch::new().dispatch(
        #[inline(always)]
        || {
            bytes(numbers, out, |number| {
                let wide = number.to_bits();
                let even = wide.wrapping_add(0x7fff + (wide >> 16 & 1)) >> 16;
                let half = if wide & 0x7fff_ffff > 0x7f80_0000 { wide >> 16 | 0x40 } else { even };
                (half as u16).to_le_bytes()
            });
        },
    );
}

fn count<const N: usize>(bytes: &[u8], is: impl Fn([u8; N]) -> bool) -> usize {
    bytes.as_chunks().0.iter().filter(|bytes| is(**bytes)).count()
}

fn wide<const N: usize>(bytes: &[u8], number: impl Fn([u8; N]) -> Option<i64>) -> Vec<Option<i64>> {
    bytes.as_chunks().0.iter().map(|&bytes| number(bytes)).collect()
}

fn rounded(numbers: impl Iterator<Item = f64>, to: Stored) -> Vec<u8> {
    let narrow: Vec<f32> = match to {
        Stored::F32 => numbers.map(|number| number as f32).collect(),
        _ => numbers.map(round_to_odd).collect(),
    };
    to.encode(&narrow)
}

/// The `f32` next to a number whose last bit says whether it is exact: rounding it once more to a type with two bits less
/// or fewer gives what rounding the number itself does (Boldo and Melquiond, 2008, theorem 1).
fn round_to_odd(number: f64) -> f32 {
    let near = number as f32;
    let exact = f64::from(near) == number || number.is_nan();
    if exact || near.to_bits() & 1 == 1 {
        return near;
    }
    let towards_zero = f64::from(near).abs() > number.abs();
    f32::from_bits(if towards_zero { near.to_bits() - 1 } else { near.to_bits() + 1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn f32s(stored: Stored, bytes: &[u8]) -> Vec<f32> {
        let mut out = vec![0.0; bytes.len() / stored.size_bytes()];
        stored.write_f32(bytes, &mut out);
        out
    }

    fn bits(stored: Stored, number: f64) -> u16 {
        let bytes = Stored::F64.convert(&number.to_le_bytes(), stored);
        u16::from_le_bytes([bytes[0], bytes[1]])
    }

    #[test]
    fn every_sixteen_bit_float_survives_the_way_to_f32_and_back() {
        let all: Vec<u8> = (0..=u16::MAX).flat_map(u16::to_le_bytes).collect();
        for stored in [Stored::F16, Stored::BF16] {
            let wide = f32s(stored, &all);
            let back = stored.encode(&wide);
            for (position, number) in wide.iter().enumerate() {
                let (was, is) = (&all[2 * position..][..2], &back[2 * position..][..2]);
                assert!(number.is_nan() || was == is, "{stored} {position:#06x}: {number}");
            }
            assert_eq!(wide.iter().filter(|number| number.is_infinite()).count(), 2);
        }
        assert_eq!(f32s(Stored::F16, &0x3555u16.to_le_bytes()), [0.333_251_95]);
        assert_eq!(f32s(Stored::BF16, &0x3eabu16.to_le_bytes()), [0.333_984_38]);
    }

    #[test]
    fn vectors_convert_as_the_reference_does() {
        let wide: Vec<f32> = (0..=u16::MAX)
            .flat_map(|high| [0, 1, 0x7fff, 0x8000, 0x8001, 0xffff].map(|low| (high, low)))
            .map(|(high, low): (u16, u32)| f32::from_bits(u32::from(high) << 16 | low))
            .collect();
        let narrow: Vec<u8> = wide.iter().flat_map(|&number| bf16::from_f32(number).to_le_bytes()).collect();
        assert!(Stored::BF16.encode(&wide) == narrow);
        let narrow: Vec<u8> = wide.iter().flat_map(|&number| f16::from_f32(number).to_le_bytes()).collect();
        assert!(Stored::F16.encode(&wide) == narrow);
        let halves: Vec<u8> = (0..=u16::MAX).flat_map(u16::to_le_bytes).collect();
        let same = |(half, wide): (u16, f32)| bf16::from_bits(half).to_f32().to_bits() == wide.to_bits();
        assert!((0..=u16::MAX).zip(f32s(Stored::BF16, &halves)).all(same));
    }

    #[test]
    fn ties_go_to_even_and_what_lies_beside_them_to_the_nearest() {
        // Between 1 and the next 16-bit float there are 2^-10 and 2^-7.
        for (stored, step) in [(Stored::F16, 2f64.powi(-10)), (Stored::BF16, 2f64.powi(-7))] {
            let one = bits(stored, 1.0);
            assert_eq!(bits(stored, 1.0 + step / 2.0), one, "a tie, down to even");
            assert_eq!(bits(stored, 1.0 + 1.5 * step), one + 2, "a tie, up to even");
            // What lies beside the tie is lost in an `f32`, which must not become a tie on the way.
            assert_eq!(bits(stored, 1.0 + step / 2.0 + 2f64.powi(-40)), one + 1);
            assert_eq!(bits(stored, 1.0 + 1.5 * step - 2f64.powi(-40)), one + 1);
            assert_eq!(bits(stored, -1.0 - step / 2.0 - 2f64.powi(-40)), (one + 1) | 0x8000);
        }
    }

    #[test]
    fn too_large_is_infinite_too_small_is_zero_and_nan_stays() {
        assert_eq!(bits(Stored::F16, 65519.99), 0x7bff);
        assert_eq!(bits(Stored::F16, 65520.0), 0x7c00);
        assert_eq!(bits(Stored::F16, -1e300), 0xfc00);
        assert_eq!(bits(Stored::BF16, f64::from(f32::MAX)), 0x7f80);
        assert_eq!(bits(Stored::BF16, 3.389e38), 0x7f7f);
        assert_eq!(bits(Stored::BF16, 1e300), 0x7f80);
        assert_eq!(bits(Stored::F16, 2f64.powi(-25)), 0, "half of the smallest: a tie, down to even");
        assert_eq!(bits(Stored::F16, 2f64.powi(-25) * 1.000_000_1), 1);
        assert_eq!(bits(Stored::F16, -1e-30), 0x8000);
        let large = [1e30f64, 1.0, f64::INFINITY].map(f64::to_le_bytes).concat();
        let infinities = |stored: Stored| stored.infinities(&Stored::F64.convert(&large, stored));
        assert_eq!(
            Stored::ALL.map(|stored| if stored.is_float() { infinities(stored) } else { 0 })[..4],
            [1, 1, 2, 1]
        );
        for stored in [Stored::F16, Stored::BF16, Stored::F32] {
            let nan = Stored::F64.convert(&f64::NAN.to_le_bytes(), stored);
            assert!(f32s(stored, &nan)[0].is_nan());
        }
    }

    #[test]
    fn from_the_overflow_on_everything_is_infinite() {
        for stored in [Stored::F16, Stored::BF16] {
            let most = stored.overflow().unwrap();
            let numbers = [most, -most, most.next_down(), most.next_up()];
            assert_eq!(stored.infinities(&stored.encode(&numbers)), 3, "{stored}");
        }
        assert_eq!(Stored::F32.overflow(), None);
    }

    #[test]
    fn integers_and_truth_values_keep_their_value_or_are_refused() {
        assert_eq!(Stored::I64.exact(&(-5i64).to_le_bytes()), Some(Buffer::I32(vec![-5])));
        assert_eq!(Stored::I64.exact(&(1i64 << 40).to_le_bytes()), None);
        assert_eq!(Stored::U64.integers(&u64::MAX.to_le_bytes()), [None]);
        assert_eq!(Stored::U16.exact(&[1, 2]), Some(Buffer::I32(vec![513])));
        assert_eq!(Stored::I8.exact(&[255]), Some(Buffer::I32(vec![-1])));
        assert_eq!(Stored::Bool.exact(&[0, 1, 2]), Some(Buffer::Bool(vec![false, true, true])));
        assert_eq!(Stored::F64.exact(&0.1f64.to_le_bytes()), Some(Buffer::F64(vec![0.1])));
        assert_eq!(Stored::F32.exact(&[0; 3]), None);
    }

    #[test]
    fn every_type_has_its_name() {
        assert!(Stored::ALL.into_iter().all(|stored| Stored::from_name(stored.name()) == Some(stored)));
        assert_eq!(Stored::from_name("F8_E4M3"), None);
    }
}
