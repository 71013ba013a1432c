//! Specifications: an architecture in one line.

use crate::{
    Activation, ModelError, Norm,
    mlp::Mlp,
    named::{self, Named},
};

/// The architectures there are.
#[derive(Clone, Copy)]
enum Architecture {
    Mlp,
}

impl Named for Architecture {
    const KIND: &'static str = "architecture";
    const MEMBERS: &'static [Self] = &[Self::Mlp];

    fn name(self) -> &'static str {
        match self {
            Self::Mlp => "mlp",
        }
    }
}

/// The options of a multilayer perceptron.
#[derive(Clone, Copy, PartialEq)]
enum Opt {
    Activation,
    Norm,
    Bias,
}

impl Named for Opt {
    const KIND: &'static str = "option of mlp";
    const MEMBERS: &'static [Self] = &[Self::Activation, Self::Norm, Self::Bias];

    fn name(self) -> &'static str {
        match self {
            Self::Activation => "act",
            Self::Norm => "norm",
            Self::Bias => "bias",
        }
    }
}

/// Whether layers have biases.
#[derive(Clone, Copy)]
struct Switch(bool);

impl Named for Switch {
    const KIND: &'static str = "setting of bias";
    const MEMBERS: &'static [Self] = &[Self(true), Self(false)];

    fn name(self) -> &'static str {
        if self.0 { "on" } else { "off" }
    }
}

/// Most elements that the parameters of a model may have together: 2^31, 8 GiB in `f32`. Ours, so that a slip
/// in a specification is a message and not an exhausted machine.
const MOST_ELEMENTS: usize = 1 << 31;

/// Reads a specification.
pub(crate) fn parse(spec: &str) -> Result<Mlp, ModelError> {
    let text = spec.trim();
    let (name, rest) = text.split_once(':').unwrap_or((text, ""));
    match named::parse(name)? {
        Architecture::Mlp => parse_mlp(text, rest),
    }
}

/// The shortest specification of a perceptron: options at their defaults are left out.
pub(crate) fn print(mlp: &Mlp) -> String {
    let sizes: Vec<String> = mlp.sizes.iter().map(ToString::to_string).collect();
    let mut spec = format!("{}:{}", Architecture::Mlp.name(), sizes.join("-"));
    let mut option = |option: Opt, value: &str, default: &str| {
        if value != default {
            spec += &format!(",{}={value}", option.name());
        }
    };
    option(Opt::Activation, mlp.activation.name(), Activation::default().name());
    option(Opt::Norm, mlp.norm.name(), Norm::default().name());
    option(Opt::Bias, Switch(mlp.bias).name(), Switch(true).name());
    spec
}

fn parse_mlp(spec: &str, rest: &str) -> Result<Mlp, ModelError> {
    let mut parts = rest.split(',');
    let sizes = parse_sizes(spec, parts.next().unwrap_or_default())?;
    let mut mlp = Mlp { sizes, activation: Activation::default(), norm: Norm::default(), bias: true };
    let mut seen = Vec::new();
    for part in parts {
        let option = set_option(spec, &mut mlp, part)?;
        if seen.contains(&option) {
            return Err(fault(spec, "every option once", format!("'{}' twice", option.name())));
        }
        seen.push(option);
    }
    check_elements(spec, &mlp)?;
    Ok(mlp)
}

fn set_option(spec: &str, mlp: &mut Mlp, part: &str) -> Result<Opt, ModelError> {
    let Some((name, value)) = part.split_once('=') else {
        return Err(fault(spec, "an option as name=value after each comma", format!("'{part}'")));
    };
    let option = named::parse(name)?;
    match option {
        Opt::Activation => mlp.activation = named::parse(value)?,
        Opt::Norm => mlp.norm = named::parse(value)?,
        Opt::Bias => mlp.bias = named::parse::<Switch>(value)?.0,
    }
    Ok(option)
}

fn parse_sizes(spec: &str, text: &str) -> Result<Vec<usize>, ModelError> {
    let sizes = text.split('-').map(|size| parse_size(spec, size)).collect::<Result<Vec<_>, _>>()?;
    if sizes.len() < 2 {
        let found = format!("only '{text}'");
        return Err(fault(spec, "at least the input's and the output's size, as 784-10", found));
    }
    Ok(sizes)
}

fn parse_size(spec: &str, text: &str) -> Result<usize, ModelError> {
    match text.parse() {
        Ok(size) if size > 0 && text.bytes().all(|byte| byte.is_ascii_digit()) => Ok(size),
        _ => Err(fault(spec, "layer sizes from 1 up, joined by '-', after 'mlp:'", format!("'{text}'"))),
    }
}

fn check_elements(spec: &str, mlp: &Mlp) -> Result<(), ModelError> {
    let total = mlp.parameters().iter().try_fold(0usize, |total, parameter| {
        parameter.shape.checked_elements().and_then(|elements| total.checked_add(elements))
    });
    match total {
        Some(elements) if elements <= MOST_ELEMENTS => Ok(()),
        _ => Err(fault(spec, format!("at most {MOST_ELEMENTS} weights"), "more".to_owned())),
    }
}

fn fault(spec: &str, expected: impl Into<String>, found: String) -> ModelError {
    ModelError::Spec { spec: spec.to_owned(), expected: expected.into(), found }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(spec: &str) -> String {
        parse(spec).unwrap_err().to_string()
    }

    #[test]
    fn options_at_their_defaults_are_not_printed() {
        let full = "mlp:784-512-512-512-10,act=relu,norm=none,bias=on";
        assert_eq!(print(&parse(full).unwrap()), "mlp:784-512-512-512-10");
        for spec in ["mlp:4-2", "mlp:4-3-2,act=gelu,norm=layer,bias=off", "mlp:4-3-2,act=tanh"] {
            assert_eq!(print(&parse(spec).unwrap()), spec);
        }
    }

    #[test]
    fn unknown_names_get_a_suggestion() {
        assert!(error("mpl:4-2").contains("no architecture called 'mpl' (did you mean 'mlp'?); known: mlp"));
        assert!(error("mlp:4-2,atc=relu").contains("did you mean 'act'?"));
        assert!(error("mlp:4-2,act=leakyrelu").contains("did you mean 'leaky_relu'?"));
        assert!(error("mlp:4-2,norm=layr").contains("did you mean 'layer'?"));
        assert!(error("mlp:4-2,bias=yes").contains("known: on, off"));
    }

    #[test]
    fn impossible_sizes_are_refused() {
        for spec in
            ["mlp:784-0-10", "mlp:784--10", "mlp:", "mlp", "mlp:a-b", "mlp:+4-2", "mlp:4-2-", "mlp:4 -2"]
        {
            assert!(error(spec).contains("layer sizes from 1 up"), "{spec}: {}", error(spec));
        }
        assert!(error("mlp:784").contains("at least the input's and the output's size"));
        assert!(error("mlp:99999999-99999999-10").contains("at most 2147483648 weights"));
        assert!(error("mlp:9223372036854775807-9223372036854775807").contains("at most"));
        assert!(error("mlp:99999999999999999999999-2").contains("layer sizes"));
    }

    #[test]
    fn malformed_options_are_refused() {
        assert!(error("mlp:4-2,act").contains("name=value"));
        assert!(error("mlp:4-2,").contains("name=value"));
        assert!(error("mlp:4-2,act=relu,act=tanh").contains("'act' twice"));
    }
}
