//! Gradient clipping.

use graph::{Builder, Val};

/// How gradients are bounded before they change parameters. Bounds are above 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Clip {
    /// All gradients are scaled by min(1, bound / (norm + 1e-6)), where `norm` is the Euclidean norm of all of them taken
    /// together: `torch.nn.utils.clip_grad_norm_`, its small constant included.
    Norm(f64),
    /// Every element is moved into [−bound, bound]: `torch.nn.utils.clip_grad_value_`.
    Value(f64),
}

/// Added to the norm; PyTorch's.
const NORM_EPSILON: f64 = 1e-6;

impl Clip {
    /// Emits the clipped gradients, in order. All are of one floating-point type.
    #[must_use]
    pub fn emit(self, b: &mut Builder, gradients: &[Val]) -> Vec<Val> {
        match self {
            Self::Norm(bound) => clip_norm(b, gradients, bound),
            Self::Value(bound) => gradients.iter().map(|&g| clip_value(b, g, bound)).collect(),
        }
    }
}

fn clip_norm(b: &mut Builder, gradients: &[Val], bound: f64) -> Vec<Val> {
    let Some(square) = sum_of_squares(b, gradients) else { return Vec::new() };
    let norm = b.sqrt(square);
    let epsilon = b.splat_like(norm, NORM_EPSILON);
    let norm = b.add(norm, epsilon);
    let bound = b.splat_like(norm, bound);
    let factor = b.divide(bound, norm);
    let one = b.splat_like(factor, 1.0);
    let factor = b.minimum(factor, one);
    let scaled = gradients.iter().map(|&g| {
        let factor = b.broadcast(factor, &b.shape(g).clone(), &[]);
        b.multiply(g, factor)
    });
    scaled.collect()
}

/// A scalar; none where there are no gradients.
fn sum_of_squares(b: &mut Builder, gradients: &[Val]) -> Option<Val> {
    gradients.iter().fold(None, |sum, &g| {
        let square = b.multiply(g, g);
        let axes: Vec<usize> = (0..b.shape(g).rank()).collect();
        let own = b.reduce_sum(square, &axes);
        Some(sum.map_or(own, |sum| b.add(sum, own)))
    })
}

fn clip_value(b: &mut Builder, g: Val, bound: f64) -> Val {
    let most = b.splat_like(g, bound);
    let least = b.splat_like(g, -bound);
    let below = b.minimum(g, most);
    b.maximum(below, least)
}
