//! Initial weights.

use tensor::{Key, Tensor, parallel};

use crate::{
    ModelError,
    named::{self, Named},
};

/// How weights are drawn before training. Gains of normalisations are 1 and their biases 0 in each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Init {
    /// PyTorch's default for `nn.Linear` (`kaiming_uniform_(a=√5)` and its bias rule): weights and biases
    /// uniform within ±1/√(inputs).
    #[default]
    PyTorch,
    /// Weights normal with variance 2/(inputs), biases 0, whatever the activation (He, Zhang, Ren and Sun, *Delving deep into
    /// rectifiers*, 2015, section 2.2).
    He,
}

/// What a parameter is to its layer: it decides the distribution of the parameter's initial elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The matrix of a linear layer with this many inputs.
    Weight {
        /// Number of inputs.
        inputs: usize,
    },
    /// The bias of a linear layer with this many inputs.
    Bias {
        /// Number of inputs.
        inputs: usize,
    },
    /// The gain of a normalisation.
    Gain,
    /// The bias of a normalisation.
    Offset,
}

impl Init {
    /// The name in flags: `pytorch`, `he`.
    #[must_use]
    pub fn name(self) -> &'static str {
        Named::name(self)
    }

    /// The initialisation of this name.
    ///
    /// # Errors
    /// [`ModelError::Unknown`] with the nearest name and all names.
    pub fn parse(name: &str) -> Result<Self, ModelError> {
        named::parse(name)
    }

    /// The initial `f32` elements of one parameter. Element `i` depends on `key` and `i` alone.
    pub(crate) fn draw(self, kind: Kind, shape: &[usize], key: Key) -> Tensor {
        match (self, kind) {
            (_, Kind::Gain) => Tensor::full(shape, 1f32),
            (_, Kind::Offset) | (Self::He, Kind::Bias { .. }) => Tensor::full(shape, 0f32),
            (Self::PyTorch, Kind::Weight { inputs } | Kind::Bias { inputs }) => {
                let bound = (inputs as f64).sqrt().recip();
                filled(shape, |i| bound * (2.0 * key.uniform(i) - 1.0))
            }
            (Self::He, Kind::Weight { inputs }) => {
                let deviation = (2.0 / inputs as f64).sqrt();
                filled(shape, |i| deviation * key.normal(i))
            }
        }
    }
}

impl Named for Init {
    const KIND: &'static str = "initialisation";
    const MEMBERS: &'static [Self] = &[Self::PyTorch, Self::He];

    fn name(self) -> &'static str {
        match self {
            Self::PyTorch => "pytorch",
            Self::He => "he",
        }
    }
}

fn filled(shape: &[usize], element: impl Fn(u64) -> f64 + Sync + Send) -> Tensor {
    let elements = parallel::map(shape.iter().product(), |i| element(i as u64) as f32);
    Tensor::from_fn(shape, |i| elements[i])
}
