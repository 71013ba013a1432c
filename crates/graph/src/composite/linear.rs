//! Affine maps and means.

use crate::{Builder, Val};

impl Builder {
    /// `x wᵀ + bias`: a linear layer with PyTorch's weight layout. `x: F[N, I]`, `w: F[O, I]`, `bias: F[O]`; result
    /// `F[N, O]`.
    ///
    /// # Panics
    /// Where the operands do not fit.
    #[track_caller]
    pub fn linear(&mut self, x: Val, w: Val, bias: Option<Val>) -> Val {
        let product = self.dot_transposed(x, w);
        match bias {
            None => product,
            Some(bias) => {
                let bias = self.along_last_axis(bias, product);
                self.add(product, bias)
            }
        }
    }

    /// The mean of `x` along `axes`; NaN over no elements. `x` holds floats.
    ///
    /// # Panics
    /// Where `x` does not hold floats or has no such axes.
    #[track_caller]
    pub fn mean(&mut self, x: Val, axes: &[usize]) -> Val {
        let sum = self.reduce_sum(x, axes);
        let count: usize = axes.iter().map(|&axis| self.shape(x)[axis]).product();
        let count = self.splat_like(sum, count as f64);
        self.divide(sum, count)
    }

    /// The vector `x` repeated to the shape of `like`, whose last axis has the length of `x`.
    ///
    /// # Panics
    /// Where `x` is not such a vector.
    #[track_caller]
    pub(super) fn along_last_axis(&mut self, x: Val, like: Val) -> Val {
        let shape = self.shape(like).clone();
        assert!(shape.rank() > 0, "a scalar has no last axis");
        self.broadcast(x, &shape, &[shape.rank() - 1])
    }
}
