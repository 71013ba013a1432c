//! Host tensors.

use std::ops::Range;

use crate::{DType, Element, Shape, TensorError};

/// The elements of a tensor, row-major.
#[derive(Clone, Debug, PartialEq)]
pub enum Buffer {
    /// 32-bit floating point.
    F32(Vec<f32>),
    /// 64-bit floating point.
    F64(Vec<f64>),
    /// 32-bit integers.
    I32(Vec<i32>),
    /// Truth values.
    Bool(Vec<bool>),
}

impl Buffer {
    /// `count` zeros (or `false`).
    #[must_use]
    pub fn zeros(dtype: DType, count: usize) -> Self {
        match dtype {
            DType::F32 => Self::F32(vec![0.0; count]),
            DType::F64 => Self::F64(vec![0.0; count]),
            DType::I32 => Self::I32(vec![0; count]),
            DType::Bool => Self::Bool(vec![false; count]),
        }
    }

    /// The type of the elements.
    #[must_use]
    pub const fn dtype(&self) -> DType {
        match self {
            Self::F32(_) => DType::F32,
            Self::F64(_) => DType::F64,
            Self::I32(_) => DType::I32,
            Self::Bool(_) => DType::Bool,
        }
    }

    /// The number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::F32(elements) => elements.len(),
            Self::F64(elements) => elements.len(),
            Self::I32(elements) => elements.len(),
            Self::Bool(elements) => elements.len(),
        }
    }

    /// Whether there are no elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A copy of the elements in a range that lies within.
    fn copy(&self, range: Range<usize>) -> Self {
        match self {
            Self::F32(all) => Self::F32(all[range].to_vec()),
            Self::F64(all) => Self::F64(all[range].to_vec()),
            Self::I32(all) => Self::I32(all[range].to_vec()),
            Self::Bool(all) => Self::Bool(all[range].to_vec()),
        }
    }
}

/// A dense row-major tensor in host memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    shape: Shape,
    buffer: Buffer,
}

impl Tensor {
    /// A tensor of `shape` from its elements in row-major order.
    ///
    /// # Errors
    /// [`TensorError::ElementCount`] where the number of elements is not the shape's.
    pub fn new<T: Element>(shape: impl Into<Shape>, elements: Vec<T>) -> Result<Self, TensorError> {
        Self::from_buffer(shape, T::buffer(elements))
    }

    /// A tensor of `shape` from a buffer of any element type.
    ///
    /// # Errors
    /// [`TensorError::ElementCount`] where the number of elements is not the shape's.
    pub fn from_buffer(shape: impl Into<Shape>, buffer: Buffer) -> Result<Self, TensorError> {
        let shape = shape.into();
        let found = buffer.len();
        match shape.checked_elements() {
            Some(expected) if expected == found => Ok(Self { shape, buffer }),
            expected => {
                Err(TensorError::ElementCount { shape, expected: expected.unwrap_or(usize::MAX), found })
            }
        }
    }

    /// A tensor whose element at row-major position `i` is `element(i)`.
    #[must_use]
    pub fn from_fn<T: Element>(shape: impl Into<Shape>, element: impl FnMut(usize) -> T) -> Self {
        let shape = shape.into();
        let elements = (0..shape.elements()).map(element).collect();
        Self { shape, buffer: T::buffer(elements) }
    }

    /// A tensor with the same element everywhere.
    #[must_use]
    pub fn full<T: Element>(shape: impl Into<Shape>, element: T) -> Self {
        let shape = shape.into();
        let elements = vec![element; shape.elements()];
        Self { shape, buffer: T::buffer(elements) }
    }

    /// A tensor without axes.
    #[must_use]
    pub fn scalar<T: Element>(element: T) -> Self {
        Self::full(Shape::scalar(), element)
    }

    /// Zeros (or `false`).
    #[must_use]
    pub fn zeros(dtype: DType, shape: impl Into<Shape>) -> Self {
        let shape = shape.into();
        let buffer = Buffer::zeros(dtype, shape.elements());
        Self { shape, buffer }
    }

    /// The sizes of the axes.
    #[must_use]
    pub const fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The element type.
    #[must_use]
    pub const fn dtype(&self) -> DType {
        self.buffer.dtype()
    }

    /// The number of elements.
    #[must_use]
    pub fn elements(&self) -> usize {
        self.buffer.len()
    }

    /// The elements in row-major order.
    #[must_use]
    pub const fn buffer(&self) -> &Buffer {
        &self.buffer
    }

    /// The elements for writing.
    pub const fn buffer_mut(&mut self) -> &mut Buffer {
        &mut self.buffer
    }

    /// The shape and the elements by value.
    #[must_use]
    pub fn into_parts(self) -> (Shape, Buffer) {
        (self.shape, self.buffer)
    }

    /// The elements as a slice of `T`.
    ///
    /// # Errors
    /// [`TensorError::DType`] where the tensor holds another type.
    pub fn as_slice<T: Element>(&self) -> Result<&[T], TensorError> {
        T::slice(&self.buffer).ok_or(TensorError::DType { expected: T::DTYPE, found: self.dtype() })
    }

    /// The elements as a mutable slice of `T`.
    ///
    /// # Errors
    /// [`TensorError::DType`] where the tensor holds another type.
    pub fn as_mut_slice<T: Element>(&mut self) -> Result<&mut [T], TensorError> {
        let found = self.dtype();
        T::slice_mut(&mut self.buffer).ok_or(TensorError::DType { expected: T::DTYPE, found })
    }

    /// The same elements under another shape.
    ///
    /// # Errors
    /// [`TensorError::ElementCount`] where the shapes differ in their number of elements.
    pub fn reshape(self, shape: impl Into<Shape>) -> Result<Self, TensorError> {
        Self::from_buffer(shape, self.buffer)
    }

    /// Copies `part`, in row-major order, to position `index` along the leading axis.
    ///
    /// # Errors
    /// [`TensorError::DType`] where the types differ, [`TensorError::ElementCount`] where the part has not as many
    /// elements as there are at a position.
    ///
    /// # Panics
    /// Where the leading axis has no such position.
    pub fn set_part(&mut self, index: usize, part: &Self) -> Result<(), TensorError> {
        let range = self.part_range(index).expect("the position lies on the leading axis");
        let (expected, found) = (range.len(), part.elements());
        if expected != found {
            return Err(TensorError::ElementCount { shape: Shape::from(&self.shape[1..]), expected, found });
        }
        let found = part.dtype();
        match (&mut self.buffer, &part.buffer) {
            (Buffer::F32(all), Buffer::F32(part)) => all[range].copy_from_slice(part),
            (Buffer::F64(all), Buffer::F64(part)) => all[range].copy_from_slice(part),
            (Buffer::I32(all), Buffer::I32(part)) => all[range].copy_from_slice(part),
            (Buffer::Bool(all), Buffer::Bool(part)) => all[range].copy_from_slice(part),
            (all, _) => return Err(TensorError::DType { expected: all.dtype(), found }),
        }
        Ok(())
    }

    /// A copy of what is at position `index` along the leading axis; `None` where there is no such axis or position.
    #[must_use]
    pub fn part(&self, index: usize) -> Option<Self> {
        let range = self.part_range(index)?;
        Some(Self { shape: Shape::from(&self.shape[1..]), buffer: self.buffer.copy(range) })
    }

    /// A copy of what is at these positions along the leading axis; `None` where there is no such axis or they do not all
    /// lie on it.
    ///
    /// ```
    /// # use isoloss_tensor::Tensor;
    /// let rows = Tensor::new([3, 2], vec![1, 2, 3, 4, 5, 6])?;
    /// assert_eq!(rows.parts(1..3), Some(Tensor::new([2, 2], vec![3, 4, 5, 6])?));
    /// assert_eq!(rows.parts(2..4), None);
    /// # Ok::<(), isoloss_tensor::TensorError>(())
    /// ```
    #[must_use]
    pub fn parts(&self, positions: Range<usize>) -> Option<Self> {
        let (first, rest) = self.shape.split_first()?;
        if positions.start > positions.end || positions.end > *first {
            return None;
        }
        let len: usize = rest.iter().product();
        let buffer = self.buffer.copy(positions.start * len..positions.end * len);
        Some(Self { shape: std::iter::once(positions.len()).chain(rest.iter().copied()).collect(), buffer })
    }

    fn part_range(&self, index: usize) -> Option<Range<usize>> {
        let len: usize = self.shape.iter().skip(1).product();
        (index < *self.shape.first()?).then(|| index * len..(index + 1) * len)
    }

    /// Every element as `f64`; `true` is 1.
    #[must_use]
    pub fn to_f64_vec(&self) -> Vec<f64> {
        match &self.buffer {
            Buffer::F32(elements) => elements.iter().map(|&x| f64::from(x)).collect(),
            Buffer::F64(elements) => elements.clone(),
            Buffer::I32(elements) => elements.iter().map(|&x| f64::from(x)).collect(),
            Buffer::Bool(elements) => elements.iter().map(|&x| f64::from(u8::from(x))).collect(),
        }
    }

    /// The tensor with its elements converted to `dtype`.
    ///
    /// Floats become integers by truncation towards zero, saturating, with NaN as 0; numbers become truth
    /// values by comparison with zero.
    #[must_use]
    pub fn convert(&self, dtype: DType) -> Self {
        if dtype == self.dtype() {
            return self.clone();
        }
        let elements = self.to_f64_vec();
        let buffer = match dtype {
            DType::F32 => Buffer::F32(elements.iter().map(|&x| x as f32).collect()),
            DType::F64 => Buffer::F64(elements),
            DType::I32 => Buffer::I32(elements.iter().map(|&x| x as i32).collect()),
            DType::Bool => Buffer::Bool(elements.iter().map(|&x| x != 0.0).collect()),
        };
        Self { shape: self.shape.clone(), buffer }
    }

    /// [`Tensor::convert`] without a copy where the elements are of `dtype` already.
    #[must_use]
    pub fn converted(self, dtype: DType) -> Self {
        if dtype == self.dtype() { self } else { self.convert(dtype) }
    }

    /// The row-major position of the first element that is NaN or infinite, if any. Integers are finite.
    #[must_use]
    pub fn first_non_finite(&self) -> Option<usize> {
        match &self.buffer {
            Buffer::F32(elements) => elements.iter().position(|x| !x.is_finite()),
            Buffer::F64(elements) => elements.iter().position(|x| !x.is_finite()),
            Buffer::I32(_) | Buffer::Bool(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_element_count_is_refused() {
        let error = Tensor::new([2, 3], vec![0f32; 5]).unwrap_err();
        assert_eq!(error.to_string(), "a tensor of shape [2, 3] holds 6 elements, but 5 were given");
    }

    #[test]
    fn parts_are_those_along_the_leading_axis() {
        let mut x = Tensor::zeros(DType::F32, [3, 2]);
        x.set_part(1, &Tensor::new([2], vec![1f32, 2.0]).unwrap()).unwrap();
        assert_eq!(x.to_f64_vec(), [0.0, 0.0, 1.0, 2.0, 0.0, 0.0]);
        assert_eq!(x.part(1), Some(Tensor::new([2], vec![1f32, 2.0]).unwrap()));
        assert_eq!((x.part(3), Tensor::scalar(1f32).part(0)), (None, None));
    }

    #[test]
    fn a_part_of_another_size_or_type_is_refused() {
        let mut x = Tensor::zeros(DType::F32, [3, 2]);
        let error = x.set_part(0, &Tensor::zeros(DType::F32, [3])).unwrap_err();
        assert_eq!(error.to_string(), "a tensor of shape [2] holds 2 elements, but 3 were given");
        assert!(matches!(x.set_part(0, &Tensor::zeros(DType::F64, [2])), Err(TensorError::DType { .. })));
    }

    #[test]
    fn conversion_truncates_and_saturates() {
        let x = Tensor::new([4], vec![1.9f64, -1.9, f64::NAN, 1e300]).unwrap();
        assert_eq!(x.convert(DType::I32).as_slice::<i32>().unwrap(), [1, -1, 0, i32::MAX]);
        assert_eq!(x.convert(DType::Bool).as_slice::<bool>().unwrap(), [true; 4]);
    }

    #[test]
    fn the_wrong_element_type_is_named() {
        let error = Tensor::scalar(1i32).as_slice::<f32>().unwrap_err();
        assert_eq!(error.to_string(), "expected a tensor of f32, found one of i32");
    }

    #[test]
    fn the_first_non_finite_element_is_found() {
        assert_eq!(Tensor::new([3], vec![0f32, f32::NAN, 1.0]).unwrap().first_non_finite(), Some(1));
        assert_eq!(Tensor::scalar(3i32).first_non_finite(), None);
    }
}
