//! Which matching is asked for.

use clap::{ValueEnum, builder::PossibleValue};

use crate::failure::{CliError, Failure};

/// By what two networks are matched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Method {
    /// Match hidden units by their weights
    #[default]
    Weight,
    /// Match hidden units by what they do on the training data
    Activation,
    /// Descend on the loss halfway between the networks, with a straight-through estimator of its gradient
    Ste,
    /// Descend on soft permutations: on the distance of the weights, or with data on the loss between the networks
    Sinkhorn,
    /// Match hidden units of any number of networks at once by their weights
    Joint,
    /// Match heads by their circuits, and mix and rotate what can be: attention and residual streams of transformers
    Circuit,
    /// As circuit, and then descend on the loss between the networks
    Learned,
    /// Match hidden units by what makes them, layer by layer from the inputs on; of align, for networks of any widths
    Transport,
}

impl Method {
    /// The name on the command line.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// Whether it cannot do without data.
    pub(super) const fn needs_data(self) -> bool {
        match self {
            Self::Weight | Self::Sinkhorn | Self::Joint | Self::Circuit | Self::Transport => false,
            Self::Activation | Self::Ste | Self::Learned => true,
        }
    }

    /// Refuses data that the method would not look at.
    pub(crate) fn check_use_of_data(self, data: Option<&str>) -> Result<(), Failure> {
        match data {
            Some(data) if matches!(self, Self::Weight | Self::Joint | Self::Circuit | Self::Transport) => {
                Err(CliError::UnusedData { method: self.name(), data: data.to_owned() }.into())
            }
            _ => Ok(()),
        }
    }
}

/// What is done with a network before it is averaged with another or compared to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BeforeAveraging {
    /// Matched.
    Align(Method),
    /// Nothing.
    Nothing,
}

impl Default for BeforeAveraging {
    fn default() -> Self {
        Self::Align(Method::default())
    }
}

impl BeforeAveraging {
    /// The matching that is asked for.
    pub(crate) const fn method(self) -> Option<Method> {
        match self {
            Self::Align(method) => Some(method),
            Self::Nothing => None,
        }
    }
}

impl ValueEnum for BeforeAveraging {
    fn value_variants<'a>() -> &'a [Self] {
        &[
            Self::Align(Method::Weight),
            Self::Align(Method::Activation),
            Self::Align(Method::Ste),
            Self::Align(Method::Sinkhorn),
            Self::Align(Method::Joint),
            Self::Align(Method::Circuit),
            Self::Align(Method::Learned),
            Self::Align(Method::Transport),
            Self::Nothing,
        ]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        match self {
            Self::Align(method) => method.to_possible_value(),
            Self::Nothing => Some(PossibleValue::new("none").help("Leave the networks as they are")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_can_go_before_averaging() {
        let all: Vec<_> = BeforeAveraging::value_variants().iter().filter_map(|each| each.method()).collect();
        assert_eq!(all, Method::value_variants());
    }
}
