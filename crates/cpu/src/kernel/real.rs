//! Arithmetic of the linear algebra kernels.

use std::ops::{Div, Mul, Sub};

use crate::{isa::versions, loops::cell::Cell};

/// `f32` and `f64`.
pub(super) trait Real: Cell + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self> {
    const NAN: Self;
    fn root(self) -> Self;
}

macro_rules! real {
    ($type:ident) => {
        impl Real for $type {
            const NAN: Self = Self::NAN;
            fn root(self) -> Self {
                self.sqrt()
            }
        }
    };
}

real!(f32);
real!(f64);

/// Partial sums kept side by side; fixed, so that every processor adds in the same order.
const LANES: usize = 16;

#[inline(always)]
fn dot_body<T: Real>(x: &[T], y: &[T]) -> T {
    let mut lanes = [T::default(); LANES];
    let ((x, x_rest), (y, y_rest)) = (x.as_chunks::<LANES>(), y.as_chunks::<LANES>());
    for (x, y) in x.iter().zip(y) {
        for lane in 0..LANES {
            lanes[lane] = lanes[lane].plus(x[lane] * y[lane]);
        }
    }
    for (lane, (&x, &y)) in lanes.iter_mut().zip(x_rest.iter().zip(y_rest)) {
        *lane = lane.plus(x * y);
    }
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            lanes[lane] = lanes[lane].plus(lanes[lane + width]);
        }
        width /= 2;
    }
    lanes[0]
}

#[inline(always)]
fn subtract_body<T: Real>(from: &mut [T], x: &[T], times: T) {
    from.iter_mut().zip(x).for_each(|(from, &x)| *from = *from - x * times);
}

versions! {
    /// The inner product: term `i` into lane `i % 16`, then the lanes as a binary tree.
    fn dot<T: Real>(x: &[T], y: &[T]) -> T = dot_body;
    /// `from -= times x`.
    fn subtract<T: Real>(from: &mut [T], x: &[T], times: T) = subtract_body;
}
