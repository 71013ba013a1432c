//! Long short-term memory.

use super::Recurrent;
use crate::{Builder, Val};

/// The state between two steps of an LSTM: `F[N, H]` each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LstmState {
    /// What the layer returns.
    pub hidden: Val,
    /// What the layer keeps.
    pub cell: Val,
}

impl Builder {
    /// One step of an LSTM as PyTorch's `LSTMCell`, with the gates in its order: input, forget, candidate, output
    /// (Hochreiter and Schmidhuber 1997, with the forget gate of Gers and others 2000, without peepholes).
    /// `x: F[N, I]`.
    ///
    /// # Panics
    /// Where the operands do not fit.
    #[track_caller]
    pub fn lstm_cell(&mut self, x: Val, state: LstmState, parameters: Recurrent) -> LstmState {
        let bias = self.joint_bias(parameters.input_bias, parameters.recurrent_bias);
        let projected = self.linear(x, parameters.input, bias);
        self.lstm_step(projected, Some(state), parameters.recurrent)
    }

    /// An LSTM layer unrolled over all steps, as PyTorch's `LSTM`. `x: F[T, N, I]`, `T` at least 1; the initial state is
    /// zero where none is given. Returns the hidden states `F[T, N, H]` and the last state.
    ///
    /// # Panics
    /// Where the operands do not fit or there are no steps.
    #[track_caller]
    pub fn lstm(&mut self, x: Val, initial: Option<LstmState>, parameters: Recurrent) -> (Val, LstmState) {
        let bias = self.joint_bias(parameters.input_bias, parameters.recurrent_bias);
        let projected = self.project_steps(x, parameters.input, bias);
        self.lstm_projected(projected, initial, parameters.recurrent)
    }

    /// [`Builder::lstm`] from what the inputs contribute to the gates, with all biases: `projected: F[T, N, 4 H]`,
    /// `recurrent: F[4 H, H]`. For inputs that have been projected otherwise than step by step, rows of a table for one.
    ///
    /// # Panics
    /// Where the operands do not fit or there are no steps.
    #[track_caller]
    pub fn lstm_projected(
        &mut self,
        projected: Val,
        initial: Option<LstmState>,
        recurrent: Val,
    ) -> (Val, LstmState) {
        let mut states: Vec<LstmState> = Vec::new();
        for t in 0..self.shape(projected)[0] {
            let projected = self.step(projected, t);
            let before = states.last().copied().or(initial);
            states.push(self.lstm_step(projected, before, recurrent));
        }
        let Some(&last) = states.last() else { panic!("an LSTM over no steps") };
        let hidden: Vec<Val> = states.iter().map(|state| state.hidden).collect();
        (self.stack_steps(&hidden), last)
    }

    /// One step from the projected input with all biases, `F[N, 4 H]`. Without a state it is zero, and what it would be
    /// multiplied with is left out.
    fn lstm_step(&mut self, projected: Val, state: Option<LstmState>, recurrent: Val) -> LstmState {
        let gates = match state {
            None => projected,
            Some(state) => {
                let product = self.dot_transposed(state.hidden, recurrent);
                self.add(projected, product)
            }
        };
        let [input, forget, candidate, output] = self.gates(gates);
        let [input, output] = [self.logistic(input), self.logistic(output)];
        let candidate = self.tanh(candidate);
        let written = self.multiply(input, candidate);
        let cell = match state {
            None => written,
            Some(state) => {
                let forget = self.logistic(forget);
                let kept = self.multiply(forget, state.cell);
                self.add(kept, written)
            }
        };
        let squashed = self.tanh(cell);
        LstmState { hidden: self.multiply(output, squashed), cell }
    }
}
