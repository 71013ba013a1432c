//! Shapes.

use std::{fmt, ops::Deref};

/// The sizes of a tensor's axes, outermost first. The empty shape is a scalar's.
///
/// Elements are laid out row-major: the last axis varies fastest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Shape(Vec<usize>);

impl Shape {
    /// The shape of a scalar: no axes, one element.
    #[must_use]
    pub const fn scalar() -> Self {
        Self(Vec::new())
    }

    /// Number of axes.
    #[must_use]
    pub fn rank(&self) -> usize {
        self.0.len()
    }

    /// Number of elements: the product of the sizes; 1 for a scalar.
    #[must_use]
    pub fn elements(&self) -> usize {
        self.0.iter().product()
    }

    /// Number of elements, or `None` where the product exceeds `usize`.
    #[must_use]
    pub fn checked_elements(&self) -> Option<usize> {
        self.0.iter().try_fold(1usize, |product, &size| product.checked_mul(size))
    }

    /// Row-major strides, in elements.
    #[must_use]
    pub fn strides(&self) -> Vec<usize> {
        let mut strides = vec![1; self.rank()];
        for axis in (1..self.rank()).rev() {
            strides[axis - 1] = strides[axis] * self.0[axis];
        }
        strides
    }

    /// The shape without the axes listed in `axes`.
    #[must_use]
    pub fn without(&self, axes: &[usize]) -> Self {
        self.0.iter().enumerate().filter(|(axis, _)| !axes.contains(axis)).map(|(_, &size)| size).collect()
    }
}

impl Deref for Shape {
    type Target = [usize];
    fn deref(&self) -> &[usize] {
        &self.0
    }
}

impl From<Vec<usize>> for Shape {
    fn from(sizes: Vec<usize>) -> Self {
        Self(sizes)
    }
}

impl From<&[usize]> for Shape {
    fn from(sizes: &[usize]) -> Self {
        Self(sizes.to_vec())
    }
}

impl<const N: usize> From<[usize; N]> for Shape {
    fn from(sizes: [usize; N]) -> Self {
        Self(sizes.to_vec())
    }
}

impl FromIterator<usize> for Shape {
    fn from_iter<I: IntoIterator<Item = usize>>(sizes: I) -> Self {
        Self(sizes.into_iter().collect())
    }
}

/// As `[500, 784]`.
impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (axis, size) in self.0.iter().enumerate() {
            if axis > 0 {
                f.write_str(", ")?;
            }
            write!(f, "{size}")?;
        }
        f.write_str("]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strides_are_row_major() {
        assert_eq!(Shape::from([2, 3, 4]).strides(), [12, 4, 1]);
        assert!(Shape::scalar().strides().is_empty());
    }

    #[test]
    fn a_scalar_has_one_element() {
        assert_eq!(Shape::scalar().elements(), 1);
        assert_eq!(Shape::from([3, 0]).elements(), 0);
        assert_eq!(Shape::from([usize::MAX, 2]).checked_elements(), None);
    }

    #[test]
    fn display_lists_the_sizes() {
        assert_eq!(Shape::from([500, 784]).to_string(), "[500, 784]");
        assert_eq!(Shape::scalar().to_string(), "[]");
    }
}
