//! Which matching is asked for.

use clap::{ValueEnum, builder::PossibleValue};

use super::Plan;
use crate::failure::{CliError, Failure};

/// By what two networks are matched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Method {
    /// Match hidden units by their weights
    #[default]
    Weight,
    /// Match hidden units by what they do on the training data
    Activation,
}

impl Method {
    /// The name on the command line.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    const fn needs_data(self) -> bool {
        match self {
            Self::Weight => false,
            Self::Activation => true,
        }
    }

    /// Refuses a plan that lacks the data that the method needs, or asks for restarts of a method that has none.
    pub(crate) fn check(self, plan: &Plan<'_>) -> Result<(), Failure> {
        if self.needs_data() {
            plan.examples()?;
        }
        if self != Self::Weight && plan.restarts > 0 {
            return Err(CliError::NoRestarts { method: self.name() }.into());
        }
        Ok(())
    }

    /// Refuses data that the method would not look at.
    pub(crate) fn check_use_of_data(self, data: Option<&str>) -> Result<(), Failure> {
        match data {
            Some(data) if !self.needs_data() => {
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
        &[Self::Align(Method::Weight), Self::Align(Method::Activation), Self::Nothing]
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
