//! Descriptions: `name:key=value,flag,…` taken apart.

use crate::{
    OptimError,
    number::{self, Range},
};

/// A description split at its colon, commas and equals signs; nothing in it is understood yet.
pub(crate) struct Spec<'a> {
    text: &'a str,
    name: &'a str,
    options: Vec<(&'a str, Option<&'a str>)>,
}

impl<'a> Spec<'a> {
    /// Splits a description.
    pub(crate) fn split(text: &'a str) -> Result<Self, OptimError> {
        let text = text.trim();
        let (name, rest) = match text.split_once(':') {
            Some((name, rest)) => (name.trim(), Some(rest)),
            None => (text, None),
        };
        let options = rest.map(|rest| rest.split(',').map(split_option).collect()).unwrap_or_default();
        let spec = Self { text, name, options };
        spec.check_syntax()?;
        Ok(spec)
    }

    /// The name before the colon.
    pub(crate) const fn name(&self) -> &'a str {
        self.name
    }

    fn check_syntax(&self) -> Result<(), OptimError> {
        for (position, (option, _)) in self.options.iter().enumerate() {
            if option.is_empty() {
                return Err(self.syntax("an option after ':' and after each ','", "none"));
            }
            if self.options[..position].iter().any(|(earlier, _)| earlier == option) {
                return Err(self.syntax("every option once", &format!("'{option}' twice")));
            }
        }
        Ok(())
    }

    /// Refuses options that are not in `known`.
    pub(crate) fn check_options(&self, known: &[&'static str]) -> Result<(), OptimError> {
        match self.options.iter().find(|(option, _)| !known.contains(option)) {
            None => Ok(()),
            Some((option, _)) => Err(OptimError::Unknown {
                what: format!("option of {}", self.name),
                found: (*option).to_owned(),
                known: known.to_vec(),
            }),
        }
    }

    fn get(&self, option: &str) -> Option<Option<&'a str>> {
        self.options.iter().find(|(other, _)| *other == option).map(|(_, value)| *value)
    }

    /// Whether the option is given.
    pub(crate) fn has(&self, option: &str) -> bool {
        self.get(option).is_some()
    }

    /// The text of an option, if it is given.
    pub(crate) fn text(&self, option: &str) -> Result<Option<&'a str>, OptimError> {
        match self.get(option) {
            None => Ok(None),
            Some(Some(value)) => Ok(Some(value)),
            Some(None) => Err(self.syntax(&format!("{option}=VALUE"), &format!("'{option}' alone"))),
        }
    }

    /// An option without a value: whether it is given.
    pub(crate) fn flag(&self, option: &str) -> Result<bool, OptimError> {
        match self.get(option) {
            None => Ok(false),
            Some(None) => Ok(true),
            Some(Some(value)) => Err(self.syntax(&format!("'{option}' alone"), &format!("{option}={value}"))),
        }
    }

    /// A number, or `default` where the option is not given.
    pub(crate) fn number(&self, option: &'static str, default: f64, range: Range) -> Result<f64, OptimError> {
        let Some(text) = self.text(option)? else { return Ok(default) };
        match text.parse() {
            Ok(value) if range.contains(value) => Ok(value),
            _ => Err(self.value(option, range.words, text)),
        }
    }

    /// A whole number of epochs or steps from 1 up; `of` says which.
    pub(crate) fn whole(&self, option: &'static str, of: &str, text: &str) -> Result<u64, OptimError> {
        match text.parse() {
            Ok(value) if value > 0 => Ok(value),
            _ => Err(self.value(option, format!("a whole number of {of} from 1 up"), text)),
        }
    }

    /// The error of an option with an impossible value.
    pub(crate) fn value(&self, option: &'static str, expected: impl Into<String>, found: &str) -> OptimError {
        let (expected, found) = (expected.into(), format!("'{found}'"));
        OptimError::Value { spec: self.text.to_owned(), option, expected, found }
    }

    /// The error of an option that needs another one.
    pub(crate) fn needs(&self, option: &'static str, needs: &'static str) -> OptimError {
        OptimError::Needs { spec: self.text.to_owned(), option, needs }
    }

    fn syntax(&self, expected: &str, found: &str) -> OptimError {
        let (expected, found) = (expected.to_owned(), found.to_owned());
        OptimError::Syntax { spec: self.text.to_owned(), expected, found }
    }
}

fn split_option(text: &str) -> (&str, Option<&str>) {
    match text.split_once('=') {
        Some((option, value)) => (option.trim(), Some(value.trim())),
        None => (text.trim(), None),
    }
}

/// Prints a description, option by option.
pub(crate) struct Printer(String);

impl Printer {
    /// A description without options.
    pub(crate) fn new(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// Adds an option as it is written.
    pub(crate) fn option(&mut self, text: &str) {
        self.0.push(if self.0.contains(':') { ',' } else { ':' });
        self.0.push_str(text);
    }

    /// Adds a number.
    pub(crate) fn number(&mut self, option: &str, value: f64) {
        self.option(&format!("{option}={}", number::print(value)));
    }

    /// Adds a number that is not the default.
    pub(crate) fn number_unless(&mut self, option: &str, value: f64, default: f64) {
        if value != default {
            self.number(option, value);
        }
    }

    /// The description.
    pub(crate) fn finish(self) -> String {
        self.0
    }
}
