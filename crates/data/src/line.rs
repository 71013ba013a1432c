//! A specification taken apart: name, place, options.

use std::{path::Path, str::FromStr};

use crate::{Augmentation, DataError, Shift, augmentation, shift};

/// `name`, `name:PLACE`, `name:option=value,…` or `name:PLACE,option=value,…`.
#[derive(Clone, Debug)]
pub(crate) struct Line<'a> {
    /// The whole of it.
    pub(crate) spec: &'a str,
    /// What stands before the colon.
    pub(crate) name: &'a str,
    place: Option<&'a str>,
    options: Vec<(&'a str, &'a str)>,
}

/// Options of every data set but texts.
pub(crate) const OF_EXAMPLES: [&str; 8] =
    ["first", "fraction", "bias", "parts", "part", "validation", "split_seed", "normalize"];
/// Further options of images.
pub(crate) const OF_IMAGES: [&str; 2] = ["augment", "shift"];

/// What stands before the first colon, or all there is.
pub(crate) fn name(spec: &str) -> &str {
    spec.split_once(':').map_or(spec, |(name, _)| name)
}

/// A specification with further options, as `fraction=0.5,part=2`; none where these are empty.
#[must_use]
pub fn with_options(spec: &str, options: &str) -> String {
    match (options, spec.contains(':')) {
        ("", _) => spec.to_owned(),
        (options, true) => format!("{spec},{options}"),
        (options, false) => format!("{spec}:{options}"),
    }
}

impl<'a> Line<'a> {
    /// Takes a specification apart. A place ends at the first comma.
    pub(crate) fn new(spec: &'a str, has_place: bool) -> Result<Self, DataError> {
        let rest = spec.split_once(':').map_or("", |(_, rest)| rest);
        let mut line = Self { spec, name: name(spec), place: None, options: Vec::new() };
        let mut parts = rest.split(',').filter(|_| !rest.is_empty());
        if has_place {
            line.place = parts.next().filter(|place| !place.is_empty());
        }
        for part in parts {
            let Some((option, value)) = part.split_once('=') else {
                let expected = "options as name=value, separated by commas";
                return Err(line.fault(expected, format!("'{part}'")));
            };
            if line.text(option).is_some() {
                return Err(line.fault("every option once", format!("'{option}' twice")));
            }
            line.options.push((option, value));
        }
        Ok(line)
    }

    /// Refuses options that are not among these.
    pub(crate) fn allow(&self, groups: &[&[&'static str]]) -> Result<(), DataError> {
        let known: Vec<&'static str> = groups.concat();
        match self.options.iter().find(|(option, _)| !known.contains(option)) {
            None => Ok(()),
            Some((option, _)) => {
                Err(DataError::Option { name: self.name.to_owned(), found: (*option).to_owned(), known })
            }
        }
    }

    /// The file or folder, which is `what` in messages.
    pub(crate) fn place(&self, what: &str) -> Result<&'a Path, DataError> {
        let none = || self.fault(&format!("{}:{what}", self.name), "nothing after the colon");
        self.place.map(Path::new).ok_or_else(none)
    }

    /// An existing folder, which is `what` in messages.
    pub(crate) fn folder(&self, what: &str) -> Result<&'a Path, DataError> {
        let folder = self.place(what)?;
        if folder.is_dir() {
            return Ok(folder);
        }
        let state = if folder.exists() { "a file" } else { "nothing of that name" };
        Err(self.fault("a folder after the colon", format!("{state} at {}", folder.display())))
    }

    /// The value of an option as it is written.
    pub(crate) fn text(&self, option: &str) -> Option<&'a str> {
        self.options.iter().find(|(name, _)| *name == option).map(|(_, value)| *value)
    }

    /// The value of an option that reads as a `T` and is `right`; `expected` says which are.
    pub(crate) fn value<T: FromStr>(
        &self,
        option: &str,
        expected: &str,
        right: impl Fn(&T) -> bool,
    ) -> Result<Option<T>, DataError> {
        let Some(text) = self.text(option) else { return Ok(None) };
        match text.parse().ok().filter(right) {
            Some(value) => Ok(Some(value)),
            None => Err(self.fault(&format!("{option} as {expected}"), format!("'{text}'"))),
        }
    }

    /// A whole number from 1 to 2^24, or its default.
    pub(crate) fn count(&self, option: &str, default: usize) -> Result<usize, DataError> {
        let right = |&count: &usize| count > 0 && count <= MOST;
        Ok(self.value(option, &format!("a whole number from 1 to {MOST}"), right)?.unwrap_or(default))
    }

    /// A seed, or 0.
    pub(crate) fn seed(&self, option: &str) -> Result<u64, DataError> {
        Ok(self.value(option, "a whole number from 0 up", |_| true)?.unwrap_or(0))
    }

    /// A share strictly between 0 and 1.
    pub(crate) fn share(&self, option: &str) -> Result<Option<f64>, DataError> {
        self.value(option, "a share between 0 and 1", |&share: &f64| share > 0.0 && share < 1.0)
    }

    /// Whether a switch is on, where it is given.
    pub(crate) fn switch(&self, option: &str) -> Result<Option<bool>, DataError> {
        match self.text(option) {
            None => Ok(None),
            Some("on") => Ok(Some(true)),
            Some("off") => Ok(Some(false)),
            Some(found) => Err(self.fault(&format!("{option} as on or off"), format!("'{found}'"))),
        }
    }

    /// What is changed at random in training: parts of images or, of a text, its offset.
    pub(crate) fn augmentation(&self, of_text: bool) -> Result<Augmentation, DataError> {
        let Some(text) = self.text("augment") else { return Ok(Augmentation::default()) };
        let fits = |all: &Augmentation| if of_text { !all.is_of_images() } else { !all.is_of_text() };
        Augmentation::parse(text).filter(fits).ok_or_else(|| {
            let (parts, example) = if of_text {
                (&augmentation::PARTS[4..], "offset")
            } else {
                (&augmentation::PARTS[..4], "crop+flip")
            };
            let expected = format!("augment as parts of {} joined by +, as {example}", parts.join(", "));
            self.fault(&expected, format!("'{text}'"))
        })
    }

    /// How test images are changed, if they are.
    pub(crate) fn shift(&self) -> Result<Option<Shift>, DataError> {
        let Some(text) = self.text("shift") else { return Ok(None) };
        match Shift::parse(text) {
            Some(shift) => Ok(Some(shift)),
            None => Err(self.fault(&shift::expected(), format!("'{text}'"))),
        }
    }

    pub(crate) fn fault(&self, expected: &str, found: impl Into<String>) -> DataError {
        DataError::Spec { spec: self.spec.to_owned(), expected: expected.to_owned(), found: found.into() }
    }
}

/// Most that a number of examples or features may be. Ours, so that a slip is a message and not an exhausted machine.
const MOST: usize = 1 << 24;
