//! Gated recurrent units.

use tensor::Shape;

use super::Recurrent;
use crate::{Builder, Val};

impl Builder {
    /// One step of a GRU as PyTorch's `GRUCell`, with the gates in its order: reset, update, candidate (Cho and others
    /// 2014, arXiv:1406.1078, with the reset gate behind the recurrent product). `x: F[N, I]`, `hidden: F[N, H]`; the
    /// result is like `hidden`.
    ///
    /// # Panics
    /// Where the operands do not fit.
    #[track_caller]
    pub fn gru_cell(&mut self, x: Val, hidden: Val, parameters: Recurrent) -> Val {
        let projected = self.linear(x, parameters.input, parameters.input_bias);
        self.gru_step(projected, hidden, parameters)
    }

    /// A GRU layer unrolled over all steps, as PyTorch's `GRU`. `x: F[T, N, I]`, `T` at least 1; the initial state
    /// `F[N, H]` is zero where none is given. Returns the hidden states `F[T, N, H]`.
    ///
    /// # Panics
    /// Where the operands do not fit or there are no steps.
    #[track_caller]
    pub fn gru(&mut self, x: Val, initial: Option<Val>, parameters: Recurrent) -> Val {
        let projected = self.project_steps(x, parameters.input, parameters.input_bias);
        let (steps, batch) = (self.shape(x)[0], self.shape(x)[1]);
        let hidden = self.shape(parameters.recurrent)[1];
        let zero = self.ty(x).with_shape(Shape::from([batch, hidden]));
        let mut state = initial.unwrap_or_else(|| self.splat(&zero, 0.0));
        let mut states = Vec::with_capacity(steps);
        for t in 0..steps {
            let projected = self.step(projected, t);
            state = self.gru_step(projected, state, parameters);
            states.push(state);
        }
        self.stack_steps(&states)
    }

    /// One step from the projected input, `F[N, 3 H]`.
    fn gru_step(&mut self, projected: Val, hidden: Val, parameters: Recurrent) -> Val {
        let recurrent = self.linear(hidden, parameters.recurrent, parameters.recurrent_bias);
        let [reset_x, update_x, candidate_x] = self.gates(projected);
        let [reset_h, update_h, candidate_h] = self.gates(recurrent);
        let reset = self.add(reset_x, reset_h);
        let reset = self.logistic(reset);
        let update = self.add(update_x, update_h);
        let update = self.logistic(update);
        let admitted = self.multiply(reset, candidate_h);
        let candidate = self.add(candidate_x, admitted);
        let candidate = self.tanh(candidate);
        // (1 - update) * candidate + update * hidden
        let difference = self.subtract(hidden, candidate);
        let moved = self.multiply(update, difference);
        self.add(candidate, moved)
    }
}
