//! Types of values.

use std::fmt;

use tensor::{DType, Shape, Tensor};

/// The type of a value: its element type and its static shape.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ty {
    /// The element type.
    pub dtype: DType,
    /// The sizes of the axes.
    pub shape: Shape,
}

impl Ty {
    /// The type of tensors of `dtype` and `shape`.
    pub fn new(dtype: DType, shape: impl Into<Shape>) -> Self {
        Self { dtype, shape: shape.into() }
    }

    /// `f32` of `shape`.
    pub fn f32(shape: impl Into<Shape>) -> Self {
        Self::new(DType::F32, shape)
    }

    /// `f64` of `shape`.
    pub fn f64(shape: impl Into<Shape>) -> Self {
        Self::new(DType::F64, shape)
    }

    /// `i32` of `shape`.
    pub fn i32(shape: impl Into<Shape>) -> Self {
        Self::new(DType::I32, shape)
    }

    /// `bool` of `shape`.
    pub fn bool(shape: impl Into<Shape>) -> Self {
        Self::new(DType::Bool, shape)
    }

    /// The type of a tensor.
    #[must_use]
    pub fn of(tensor: &Tensor) -> Self {
        Self { dtype: tensor.dtype(), shape: tensor.shape().clone() }
    }

    /// The same shape with another element type.
    #[must_use]
    pub fn with_dtype(&self, dtype: DType) -> Self {
        Self { dtype, shape: self.shape.clone() }
    }

    /// The same element type with another shape.
    pub fn with_shape(&self, shape: impl Into<Shape>) -> Self {
        Self { dtype: self.dtype, shape: shape.into() }
    }

    /// Whether a value of this type, and its strides, can be addressed: the product of its sizes other than 0 and
    /// of the element's size is at most `isize::MAX`.
    #[must_use]
    pub fn is_addressable(&self) -> bool {
        let mut sizes = self.shape.iter().map(|&size| size.max(1));
        let bytes = sizes.try_fold(self.dtype.size_bytes(), usize::checked_mul);
        bytes.is_some_and(|bytes| isize::try_from(bytes).is_ok())
    }

    /// Size in bytes to 53 bits, also of a type that is not addressable.
    #[must_use]
    pub fn approximate_bytes(&self) -> f64 {
        self.shape.iter().fold(self.dtype.size_bytes() as f64, |bytes, &size| bytes * size as f64)
    }

    /// Size of a value of this type in bytes.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        self.shape.elements() * self.dtype.size_bytes()
    }
}

/// As `f32[500, 784]`.
impl fmt::Display for Ty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.dtype, self.shape)
    }
}
