//! Initial weights.

use tensor::{Key, Tensor, parallel};

use crate::{
    ModelError,
    named::{self, Named},
};

/// How weights are drawn before training. In each, gains of normalisations are 1 and their biases 0, and embeddings are
/// normal with a deviation that the architecture states.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Init {
    /// PyTorch's default for `nn.Linear` and `nn.Conv2d` (`kaiming_uniform_(a=√5)` and its bias rule): weights and biases
    /// uniform within ±1/√(inputs).
    #[default]
    PyTorch,
    /// Weights normal with variance 2/(inputs), biases 0, whatever the activation (He, Zhang, Ren and Sun, *Delving deep into
    /// rectifiers*, 2015, section 2.2).
    He,
    /// The weights of the ONNX file that the model was read from; see [`crate::Model::check_init`].
    File,
}

/// What a parameter is to its layer: it decides the distribution of the parameter's initial elements.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    /// The matrix of a linear layer, or the kernel of a convolution, with this many inputs.
    Weight {
        /// Number of inputs of one output: channels times positions for a convolution.
        inputs: usize,
    },
    /// The bias of a layer with this many inputs.
    Bias {
        /// Number of inputs.
        inputs: usize,
    },
    /// A row for each token or position: normal in every initialisation.
    Embedding {
        /// The standard deviation.
        deviation: f32,
    },
    /// The gain of a normalisation.
    Gain,
    /// The bias of a normalisation.
    Offset,
}

impl Init {
    /// The name in flags: `pytorch`, `he`, `file`.
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
            (Self::PyTorch | Self::File, Kind::Weight { inputs } | Kind::Bias { inputs }) => {
                let bound = (inputs as f64).sqrt().recip();
                filled(shape, |i| bound * (2.0 * key.uniform(i) - 1.0))
            }
            (Self::He, Kind::Weight { inputs }) => normal(shape, (2.0 / inputs as f64).sqrt(), key),
            (_, Kind::Embedding { deviation }) => normal(shape, deviation.into(), key),
        }
    }
}

impl Named for Init {
    const KIND: &'static str = "initialisation";
    const MEMBERS: &'static [Self] = &[Self::PyTorch, Self::He, Self::File];

    fn name(self) -> &'static str {
        match self {
            Self::PyTorch => "pytorch",
            Self::He => "he",
            Self::File => "file",
        }
    }
}

fn normal(shape: &[usize], deviation: f64, key: Key) -> Tensor {
    filled(shape, |i| deviation * key.normal(i))
}

fn filled(shape: &[usize], element: impl Fn(u64) -> f64 + Sync + Send) -> Tensor {
    let elements = parallel::map(shape.iter().product(), |i| element(i as u64) as f32);
    Tensor::from_fn(shape, |i| elements[i])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Model, Params};

    fn drawn(init: Init, seed: u64) -> Params {
        Model::parse("mlp:100-80-10,norm=layer").unwrap().init(init, Key::new(seed))
    }

    /// Mean, mean square and largest magnitude.
    fn moments(params: &Params, name: &str) -> (f64, f64, f64) {
        let elements = params.get(name).unwrap().to_f64_vec();
        let mean = |f: fn(f64) -> f64| elements.iter().map(|&x| f(x)).sum::<f64>() / elements.len() as f64;
        (mean(|x| x), mean(|x| x * x), elements.iter().fold(0.0, |most, x| most.max(x.abs())))
    }

    #[test]
    fn pytorch_s_default_is_uniform_within_one_over_root_inputs() {
        let params = drawn(Init::PyTorch, 1);
        let (mean, square, most) = moments(&params, "0.weight");
        assert!(most <= 0.1f32.into() && most > 0.0999, "{most}");
        assert!(mean.abs() < 5.0 * 0.1 / (3.0 * 8000f64).sqrt(), "{mean}");
        assert!((square - 0.01 / 3.0).abs() < 0.05 * 0.01 / 3.0, "{square}");
        let (_, square, most) = moments(&params, "0.bias");
        assert!(most <= 0.1f32.into() && square > 0.001, "{most} {square}");
        let (_, _, most) = moments(&params, "3.bias");
        assert!(most <= (1f64 / 80.0).sqrt() && most > 0.0, "{most}");
    }

    #[test]
    fn he_s_is_normal_with_variance_two_over_inputs() {
        let params = drawn(Init::He, 1);
        let (mean, square, most) = moments(&params, "0.weight");
        assert!(mean.abs() < 5.0 * (0.02f64 / 8000.0).sqrt(), "{mean}");
        assert!((square - 0.02).abs() < 0.1 * 0.02, "{square}");
        assert!(most > 3.0 * 0.02f64.sqrt(), "{most}");
        assert_eq!(moments(&params, "0.bias"), (0.0, 0.0, 0.0));
    }

    #[test]
    fn normalisations_start_as_the_identity() {
        for init in [Init::PyTorch, Init::He] {
            let params = drawn(init, 0);
            assert_eq!(params.get("1.weight"), Some(&Tensor::full([80], 1f32)));
            assert_eq!(params.get("1.bias"), Some(&Tensor::full([80], 0f32)));
        }
    }

    #[test]
    fn a_seed_gives_the_same_bits_on_any_number_of_threads() {
        for init in [Init::PyTorch, Init::He] {
            let alone = parallel::with_threads(1, || drawn(init, 5)).unwrap();
            assert_eq!(parallel::with_threads(3, || drawn(init, 5)).unwrap(), alone);
            assert_ne!(drawn(init, 6), alone);
        }
    }

    #[test]
    fn an_unknown_initialisation_gets_a_suggestion() {
        let error = Init::parse("pytroch").unwrap_err().to_string();
        assert_eq!(
            error,
            "there is no initialisation called 'pytroch' (did you mean 'pytorch'?); known: pytorch, he, file"
        );
        assert_eq!(Init::parse("he").unwrap(), Init::He);
    }
}
