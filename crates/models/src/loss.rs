//! Losses.

use std::fmt;

use graph::{Builder, Val, composite::CrossEntropy};

use crate::{
    ModelError,
    named::{self, Named},
};

/// What training minimises and evaluation averages: a number for each example.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Loss {
    /// Minus the logarithm of the softmax probability of the right class, in nats.
    #[default]
    CrossEntropy,
    /// Cross-entropy with a smoothed target: a share of it is spread evenly over all classes (Szegedy and others 2015,
    /// arXiv:1512.00567, section 7), as PyTorch's `label_smoothing`.
    SmoothedCrossEntropy {
        /// The share, between 0 and 1, both exclusive.
        smoothing: f64,
    },
    /// The squared distance from the logits to the one-hot vector of the right class, summed over the classes.
    SquaredError,
    /// The network's own: it returns the objective, a mean over the batch, and not logits (see [`crate::Model::target`]).
    Own,
}

/// The losses without their options.
#[derive(Clone, Copy, PartialEq)]
enum Family {
    CrossEntropy,
    SquaredError,
    Own,
}

impl Named for Family {
    const KIND: &'static str = "loss";
    const MEMBERS: &'static [Self] = &[Self::CrossEntropy, Self::SquaredError, Self::Own];

    fn name(self) -> &'static str {
        match self {
            Self::CrossEntropy => "cross-entropy",
            Self::SquaredError => "squared-error",
            Self::Own => "own",
        }
    }
}

impl Loss {
    /// Reads `cross-entropy`, `cross-entropy:smoothing=0.1`, `squared-error` or `own`.
    ///
    /// # Errors
    /// [`ModelError::Unknown`] with the nearest name and all names, [`ModelError::Loss`] for an option that the loss does
    /// not have, or a smoothing that is not at least 0 and below 1.
    pub fn parse(text: &str) -> Result<Self, ModelError> {
        let (name, option) = match text.split_once(':') {
            Some((name, option)) => (name, Some(option)),
            None => (text, None),
        };
        match (named::parse(name)?, option) {
            (Family::CrossEntropy, None) => Ok(Self::CrossEntropy),
            (Family::SquaredError, None) => Ok(Self::SquaredError),
            (Family::CrossEntropy, Some(option)) => smoothed(text, option),
            (Family::Own, None) => Ok(Self::Own),
            (Family::SquaredError | Family::Own, Some(option)) => Err(fault(text, "no option", option)),
        }
    }

    /// Whether it is the cross-entropy of the softmax of the logits, smoothed or not.
    #[must_use]
    pub const fn is_cross_entropy(self) -> bool {
        matches!(self, Self::CrossEntropy | Self::SmoothedCrossEntropy { .. })
    }

    /// Emits the loss of each example or token: logits `[N.., C]`, labels `i32[N..]`, result `[N..]`.
    pub(crate) fn emit(self, b: &mut Builder, logits: Val, labels: Val) -> Val {
        match self {
            Self::CrossEntropy => b.cross_entropy(logits, labels),
            Self::SmoothedCrossEntropy { smoothing } => {
                b.cross_entropy_with(logits, labels, CrossEntropy { smoothing, ..CrossEntropy::default() })
            }
            Self::SquaredError => b.squared_error(logits, labels),
            Self::Own => unreachable!("a network that is its own objective has no logits"),
        }
    }
}

fn smoothed(text: &str, option: &str) -> Result<Loss, ModelError> {
    let expected = "smoothing=SHARE with a share from 0 up, but below 1";
    let value = option.strip_prefix("smoothing=").ok_or_else(|| fault(text, expected, option))?;
    match value.parse() {
        Ok(0.0) => Ok(Loss::CrossEntropy),
        Ok(smoothing) if smoothing > 0.0 && smoothing < 1.0 => Ok(Loss::SmoothedCrossEntropy { smoothing }),
        _ => Err(fault(text, expected, option)),
    }
}

fn fault(text: &str, expected: &'static str, found: &str) -> ModelError {
    ModelError::Loss { text: text.to_owned(), expected, found: found.to_owned() }
}

/// The form that [`Loss::parse`] reads.
impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CrossEntropy => f.write_str(Family::CrossEntropy.name()),
            Self::SmoothedCrossEntropy { smoothing } => {
                write!(f, "{}:smoothing={smoothing}", Family::CrossEntropy.name())
            }
            Self::SquaredError => f.write_str(Family::SquaredError.name()),
            Self::Own => f.write_str(Family::Own.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_read_and_print() {
        for text in ["cross-entropy", "cross-entropy:smoothing=0.1", "squared-error", "own"] {
            assert_eq!(Loss::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Loss::parse("cross-entropy:smoothing=0").unwrap(), Loss::CrossEntropy);
        assert!(!Loss::SquaredError.is_cross_entropy());
    }

    #[test]
    fn malformed_losses_are_refused() {
        let error = |text: &str| Loss::parse(text).unwrap_err().to_string();
        assert!(error("cross-entropi").contains("did you mean 'cross-entropy'?"));
        for text in [
            "cross-entropy:smoothing=1",
            "cross-entropy:smoothing=nan",
            "cross-entropy:smoothing",
            "cross-entropy:",
        ] {
            assert!(error(text).contains("smoothing=SHARE with a share from 0 up, but below 1"), "{text}");
        }
        assert!(error("squared-error:smoothing=0.1").contains("expected no option, found 'smoothing=0.1'"));
    }
}
