//! Element types.

use std::fmt;

use crate::Buffer;

/// The type of a tensor's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DType {
    /// 32-bit IEEE 754 floating point.
    F32,
    /// 64-bit IEEE 754 floating point.
    F64,
    /// 32-bit signed integer, two's complement.
    I32,
    /// Truth value.
    Bool,
}

impl DType {
    /// All element types, in the order of their declaration.
    pub const ALL: [Self; 4] = [Self::F32, Self::F64, Self::I32, Self::Bool];

    /// Size of one element in bytes.
    #[must_use]
    pub const fn size_bytes(self) -> usize {
        match self {
            Self::F32 | Self::I32 => 4,
            Self::F64 => 8,
            Self::Bool => 1,
        }
    }

    /// Whether this is `f32` or `f64`: the types that carry derivatives.
    #[must_use]
    pub const fn is_float(self) -> bool {
        matches!(self, Self::F32 | Self::F64)
    }

    /// The name used in text: `f32`, `f64`, `i32`, `bool`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::I32 => "i32",
            Self::Bool => "bool",
        }
    }

    /// The type with this name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dtype| dtype.name() == name)
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A Rust type that is the element type of some tensor. Implemented for `f32`, `f64`, `i32` and `bool`.
pub trait Element: Copy + Default + PartialEq + fmt::Debug + Send + Sync + 'static {
    /// The matching [`DType`].
    const DTYPE: DType;
    /// The elements of `buffer`, if it holds this type.
    fn slice(buffer: &Buffer) -> Option<&[Self]>;
    /// The elements of `buffer` for writing, if it holds this type.
    fn slice_mut(buffer: &mut Buffer) -> Option<&mut [Self]>;
    /// The elements of `buffer` by value, if it holds this type.
    fn vec(buffer: Buffer) -> Option<Vec<Self>>;
    /// Wraps elements in a buffer.
    fn buffer(elements: Vec<Self>) -> Buffer;
}

macro_rules! element {
    ($type:ty, $variant:ident) => {
        impl Element for $type {
            const DTYPE: DType = DType::$variant;
            fn slice(buffer: &Buffer) -> Option<&[Self]> {
                match buffer {
                    Buffer::$variant(elements) => Some(elements),
                    _ => None,
                }
            }
            fn slice_mut(buffer: &mut Buffer) -> Option<&mut [Self]> {
                match buffer {
                    Buffer::$variant(elements) => Some(elements),
                    _ => None,
                }
            }
            fn vec(buffer: Buffer) -> Option<Vec<Self>> {
                match buffer {
                    Buffer::$variant(elements) => Some(elements),
                    _ => None,
                }
            }
            fn buffer(elements: Vec<Self>) -> Buffer {
                Buffer::$variant(elements)
            }
        }
    };
}

element!(f32, F32);
element!(f64, F64);
element!(i32, I32);
element!(bool, Bool);
