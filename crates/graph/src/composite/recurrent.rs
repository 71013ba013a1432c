//! What recurrent layers share.

use tensor::Shape;

use crate::{Builder, Val};

/// The parameters of a recurrent layer with `I` inputs, `H` hidden units and `G` gates, with the layouts and the gate
/// orders of PyTorch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recurrent {
    /// `weight_ih`: `F[G H, I]`.
    pub input: Val,
    /// `weight_hh`: `F[G H, H]`.
    pub recurrent: Val,
    /// `bias_ih`: `F[G H]`.
    pub input_bias: Option<Val>,
    /// `bias_hh`: `F[G H]`.
    pub recurrent_bias: Option<Val>,
}

impl Builder {
    /// `x wᵀ + bias` of all steps in one product. `x: F[T, N, I]`; result `F[T, N, O]`.
    #[track_caller]
    pub(super) fn project_steps(&mut self, x: Val, w: Val, bias: Option<Val>) -> Val {
        let shape = self.shape(x).clone();
        let [steps, batch, inputs] = shape[..] else { panic!("steps of [T, N, I], found {shape}") };
        let outputs = self.shape(w)[0];
        let rows = self.reshape(x, &Shape::from([steps * batch, inputs]));
        let projected = self.linear(rows, w, bias);
        self.reshape(projected, &Shape::from([steps, batch, outputs]))
    }

    /// Step `t` of `x: F[T, N, O]`: `F[N, O]`.
    #[track_caller]
    pub(super) fn step(&mut self, x: Val, t: usize) -> Val {
        let shape = Shape::from(&self.shape(x)[1..]);
        let step = self.slice_axis(x, 0, t..t + 1);
        self.reshape(step, &shape)
    }

    /// The steps `F[N, H]` one after the other: `F[T, N, H]`.
    #[track_caller]
    pub(super) fn stack_steps(&mut self, steps: &[Val]) -> Val {
        let shape = self.shape(steps[0]).clone();
        let stacked = self.concatenate(steps, 0);
        self.reshape(stacked, &Shape::from([steps.len(), shape[0], shape[1]]))
    }

    /// The `G` blocks of equal size along the last axis of `gates: F[N, G H]`.
    #[track_caller]
    pub(super) fn gates<const G: usize>(&mut self, gates: Val) -> [Val; G] {
        let size = self.shape(gates)[1] / G;
        std::array::from_fn(|gate| self.slice_axis(gates, 1, gate * size..(gate + 1) * size))
    }

    /// The sum of two biases that are always added together.
    pub(super) fn joint_bias(&mut self, x: Option<Val>, y: Option<Val>) -> Option<Val> {
        match (x, y) {
            (Some(x), Some(y)) => Some(self.add(x, y)),
            (x, y) => x.or(y),
        }
    }
}
