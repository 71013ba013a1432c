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
    /// `1/(1 + exp(-x))`.
    Sigmoid,
    /// `x·Φ(x)` with the normal distribution function Φ, not its tanh approximation: PyTorch's default.
    Gelu,
    /// The tanh approximation of GELU, as GPT-2 has it (`gelu_new`, `gelu_pytorch_tanh`).
    GeluTanh,
    /// `x/(1 + exp(-x))`, also called swish.
    Silu,
    /// `x` itself, which leaves a chain of linear layers.
    Identity,
}

impl Activation {
    /// The name in specifications: `relu`, `leaky_relu`, `tanh`, `sigmoid`, `gelu`, `gelu_tanh`, `silu`, `identity`.
    #[must_use]
    pub fn name(self) -> &'static str {
        Named::name(self)
    }

    pub(crate) fn emit(self, b: &mut Builder, x: Val) -> Val {
        match self {
            Self::Relu => b.relu(x),
            Self::LeakyRelu => b.leaky_relu(x, LEAKY_RELU_SLOPE),
            Self::Tanh => b.tanh(x),
            Self::Sigmoid => b.logistic(x),
            Self::Gelu => b.gelu(x),
            Self::GeluTanh => b.gelu_tanh(x),
            Self::Silu => b.silu(x),
            Self::Identity => x,
        }
    }
}

impl Named for Activation {
    const KIND: &'static str = "activation";
    const MEMBERS: &'static [Self] = &[
        Self::Relu,
        Self::LeakyRelu,
        Self::Tanh,
        Self::Sigmoid,
        Self::Gelu,
        Self::GeluTanh,
        Self::Silu,
        Self::Identity,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Relu => "relu",
            Self::LeakyRelu => "leaky_relu",
            Self::Tanh => "tanh",
            Self::Sigmoid => "sigmoid",
            Self::Gelu => "gelu",
            Self::GeluTanh => "gelu_tanh",
            Self::Silu => "silu",
            Self::Identity => "identity",
        }
    }
}
