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
    /// Transformers as GPT-2 and nanoGPT start: weights and embeddings normal with a deviation of 0.02, divided by √N in the
    /// matrices that end the N branches of a residual stream (two of each layer of `gpt`, `llama` and `vit`); biases 0
    /// (Radford and others, *Language models are unsupervised multitask learners*, 2019, section 2.3; the deviation is
    /// `initializer_range` of Hugging Face's `GPT2Config`).
    Gpt2,
    /// Transformers as BERT starts: weights and embeddings normal with a deviation of 0.02, those beyond two deviations drawn
    /// again; biases 0 (`truncated_normal_initializer` with `initializer_range` in BERT's own `modeling.py`). timm's and
    /// Hugging Face's vision transformers start alike, but that their bound of ±2 is a hundred deviations away.
    Truncated,
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
    /// A weight whose result is added to a residual stream.
    Residual {
        /// Number of inputs of one output.
        inputs: usize,
        /// How many such weights the stream has.
        branches: usize,
    },
    /// The bias of a layer with this many inputs.
    Bias {
        /// Number of inputs.
        inputs: usize,
    },
    /// A row for each token or position: normal in every initialisation, truncated or not.
    Embedding {
        /// The standard deviation.
        deviation: f32,
    },
    /// The gain of a normalisation.
    Gain,
    /// The bias of a normalisation.
    Offset,
}

/// The deviation of [`Init::Gpt2`] and [`Init::Truncated`].
const DEVIATION: f64 = 0.02;

/// Where [`Init::Truncated`] ends, in deviations.
const BOUND: f64 = 2.0;

impl Init {
    /// The name in flags: `pytorch`, `he`, `gpt2`, `truncated`, `file`.
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
            (_, Kind::Offset) | (Self::He | Self::Gpt2 | Self::Truncated, Kind::Bias { .. }) => {
                Tensor::full(shape, 0f32)
            }
            (
                Self::PyTorch | Self::File,
                Kind::Weight { inputs } | Kind::Residual { inputs, .. } | Kind::Bias { inputs },
            ) => {
                let bound = (inputs as f64).sqrt().recip();
                filled(shape, |i| bound * (2.0 * key.uniform(i) - 1.0))
            }
            (Self::He, Kind::Weight { inputs } | Kind::Residual { inputs, .. }) => {
                normal(shape, (2.0 / inputs as f64).sqrt(), key)
            }
            (Self::Gpt2, Kind::Residual { branches, .. }) => {
                normal(shape, DEVIATION / (branches as f64).sqrt(), key)
            }
            (Self::Gpt2, Kind::Weight { .. } | Kind::Embedding { .. }) => normal(shape, DEVIATION, key),
            (Self::Truncated, _) => filled(shape, |i| DEVIATION * truncated(key, i)),
            (_, Kind::Embedding { deviation }) => normal(shape, deviation.into(), key),
        }
    }
}

impl Named for Init {
    const KIND: &'static str = "initialisation";
    const MEMBERS: &'static [Self] = &[Self::PyTorch, Self::He, Self::Gpt2, Self::Truncated, Self::File];

    fn name(self) -> &'static str {
        match self {
            Self::PyTorch => "pytorch",
            Self::He => "he",
            Self::Gpt2 => "gpt2",
            Self::Truncated => "truncated",
            Self::File => "file",
        }
    }
}

fn normal(shape: &[usize], deviation: f64, key: Key) -> Tensor {
    filled(shape, |i| deviation * key.normal(i))
}

/// Number `index` of a standard normal distribution, drawn again until it is within the bound.
fn truncated(key: Key, index: u64) -> f64 {
    let mut draws = (0..).map(|round| key.fold(round).normal(index));
    draws.find(|number| number.abs() <= BOUND).unwrap_or_else(|| unreachable!("19 of 20 are within it"))
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

    /// Asserts a mean of 0 and this deviation of a parameter of some thousand elements.
    #[track_caller]
    fn assert_deviation(params: &Params, name: &str, deviation: f64) {
        let (mean, square, _) = moments(params, name);
        let count = params.get(name).unwrap().elements() as f64;
        assert!(mean.abs() < 5.0 * deviation / count.sqrt(), "{name}: {mean}");
        assert!((square.sqrt() / deviation - 1.0).abs() < 5.0 / (2.0 * count).sqrt(), "{name}: {square}");
    }

    fn transformer(spec: &str, init: Init) -> Params {
        Model::parse(spec).unwrap().init(init, Key::new(2))
    }

    const GPT: &str = "gpt:layers=8,width=64,heads=4,context=64,vocab=96";

    #[test]
    fn gpt2_s_is_normal_and_smaller_where_branches_end() {
        let params = transformer(GPT, Init::Gpt2);
        for name in ["wte.weight", "wpe.weight", "h.3.attn.c_attn.weight", "h.3.mlp.c_fc.weight"] {
            assert_deviation(&params, &format!("transformer.{name}"), 0.02);
        }
        assert_deviation(&params, "lm_head.weight", 0.02);
        for name in ["h.0.attn.c_proj.weight", "h.7.mlp.c_proj.weight"] {
            assert_deviation(&params, &format!("transformer.{name}"), 0.02 / 4.0);
        }
        assert_eq!(moments(&params, "transformer.h.0.mlp.c_fc.bias"), (0.0, 0.0, 0.0));
    }

    #[test]
    fn branches_end_in_every_transformer_that_normalises_before_them() {
        for (spec, ends) in [
            ("llama:layers=2,width=64,hidden=96", ["self_attn.o_proj", "mlp.down_proj"]),
            ("vit:layers=2,width=64,heads=4,hidden=96", ["attn.proj", "mlp.fc2"]),
            (
                "vit:layers=2,width=64,heads=4,hidden=96,names=transformers",
                ["attention.output.dense", "0.output.dense"],
            ),
            ("gpt:layers=2,width=64,matrices=conv1d", ["attn.c_proj", "mlp.c_proj"]),
        ] {
            let params = transformer(spec, Init::Gpt2);
            for end in ends {
                let names = params.names().filter(|name| name.ends_with(&format!("{end}.weight")));
                let names: Vec<&str> = names.collect();
                assert!(!names.is_empty(), "{spec} {end}");
                names.iter().for_each(|name| assert_deviation(&params, name, 0.01));
            }
        }
    }

    #[test]
    fn bert_s_is_normal_up_to_two_deviations() {
        // The variance of a standard normal distribution within ±2.
        let variance = 0.773_741_3_f64;
        let params = transformer("bert:layers=1,width=64,heads=4,hidden=128", Init::Truncated);
        for name in ["encoder.layer.0.intermediate.dense.weight", "embeddings.word_embeddings.weight"] {
            let name = format!("bert.{name}");
            assert_deviation(&params, &name, 0.02 * variance.sqrt());
            let (_, _, most) = moments(&params, &name);
            assert!(most <= f64::from(0.04f32) && most > 0.0395, "{most}");
        }
        assert_eq!(moments(&params, "bert.encoder.layer.0.intermediate.dense.bias"), (0.0, 0.0, 0.0));
    }

    #[test]
    fn normalisations_start_as_the_identity() {
        for init in [Init::PyTorch, Init::He, Init::Gpt2, Init::Truncated] {
            let params = drawn(init, 0);
            assert_eq!(params.get("1.weight"), Some(&Tensor::full([80], 1f32)));
            assert_eq!(params.get("1.bias"), Some(&Tensor::full([80], 0f32)));
        }
    }

    #[test]
    fn a_seed_gives_the_same_bits_on_any_number_of_threads() {
        for init in [Init::PyTorch, Init::He, Init::Gpt2, Init::Truncated] {
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
            "there is no initialisation called 'pytroch' (did you mean 'pytorch'?); known: pytorch, he, gpt2, truncated, file"
        );
        assert_eq!(Init::parse("he").unwrap(), Init::He);
    }
}
