//! Squeeze-and-excitation.

use crate::{Builder, Val};

/// The two linear maps of a squeeze-and-excitation block over `C` channels with `S` squeezed ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SqueezeExcite {
    /// `F[S, C]`.
    pub squeeze: Val,
    /// `F[S]`.
    pub squeeze_bias: Option<Val>,
    /// `F[C, S]`.
    pub excite: Val,
    /// `F[C]`.
    pub excite_bias: Option<Val>,
}

impl Builder {
    /// Each channel of `x` multiplied by a gate in (0, 1) that depends on all channels' means over the spatial axes:
    /// linear, ReLU, linear, logistic (Hu, Shen and Sun 2017, arXiv:1709.01507, equation 3). `x: F[N, S.., C]`; the
    /// result is like `x`.
    ///
    /// # Panics
    /// Where `x` has fewer than two axes or does not hold floats, or a parameter does not fit.
    #[track_caller]
    pub fn squeeze_excite(&mut self, x: Val, parameters: SqueezeExcite) -> Val {
        let shape = self.shape(x).clone();
        let means = self.global_average_pool(x);
        let squeezed = self.linear(means, parameters.squeeze, parameters.squeeze_bias);
        let squeezed = self.relu(squeezed);
        let excited = self.linear(squeezed, parameters.excite, parameters.excite_bias);
        let gate = self.logistic(excited);
        let gate = self.broadcast(gate, &shape, &[0, shape.rank() - 1]);
        self.multiply(x, gate)
    }
}
