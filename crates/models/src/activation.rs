//! Activation functions.

use graph::{Builder, Val, composite::LEAKY_RELU_SLOPE};

use crate::named::Named;

/// The function between linear layers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Activation {
    /// `max(x, 0)`.
    #[default]
    Relu,
    /// `x` where positive, else `0.01·x`: PyTorch's default slope.
    LeakyRelu,
    /// The hyperbolic tangent.
    Tanh,
    /// `x·Φ(x)` with the normal distribution function Φ, not its tanh approximation: PyTorch's default.
    Gelu,
}

impl Activation {
    /// The name in specifications: `relu`, `leaky_relu`, `tanh`, `gelu`.
    #[must_use]
    pub fn name(self) -> &'static str {
        Named::name(self)
    }

    pub(crate) fn emit(self, b: &mut Builder, x: Val) -> Val {
        match self {
            Self::Relu => b.relu(x),
            Self::LeakyRelu => b.leaky_relu(x, LEAKY_RELU_SLOPE),
            Self::Tanh => b.tanh(x),
            Self::Gelu => b.gelu(x),
        }
    }
}

impl Named for Activation {
    const KIND: &'static str = "activation";
    const MEMBERS: &'static [Self] = &[Self::Relu, Self::LeakyRelu, Self::Tanh, Self::Gelu];

    fn name(self) -> &'static str {
        match self {
            Self::Relu => "relu",
            Self::LeakyRelu => "leaky_relu",
            Self::Tanh => "tanh",
            Self::Gelu => "gelu",
        }
    }
}
