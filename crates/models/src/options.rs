//! Options of a specification, read and printed.

use std::marker::PhantomData;

use crate::{
    Image, ModelError,
    named::{self, Named},
};

/// A specification under reading.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line<'a> {
    /// The whole of it.
    pub(crate) spec: &'a str,
    /// What follows the name and its colon.
    pub(crate) rest: &'a str,
    /// A specification of this family, for messages.
    pub(crate) example: &'static str,
}

/// Most that a size in a specification may be. Ours, so that products of a few of them fit the address space.
pub(crate) const MOST: usize = 1 << 20;

/// Most layers or steps. Ours: lists of parameters and graphs grow with them.
pub(crate) const MOST_REPEATED: usize = 1 << 12;

/// Most numbers in an image, for the same reason.
const MOST_PIXELS: usize = 1 << 24;

impl<'a> Line<'a> {
    /// The options after the colon, none where there is nothing.
    pub(crate) fn options(self) -> Option<&'a str> {
        (!self.rest.is_empty()).then_some(self.rest)
    }

    pub(crate) fn fault(self, expected: impl Into<String>, found: impl Into<String>) -> ModelError {
        let (spec, expected, found) = (self.spec.to_owned(), expected.into(), found.into());
        ModelError::Spec { spec, expected, found, example: self.example }
    }

    /// A number from 1 up, of digits alone.
    pub(crate) fn size(self, expected: &str, text: &str) -> Result<usize, ModelError> {
        match text.parse() {
            Ok(size) if size > 0 && text.bytes().all(|byte| byte.is_ascii_digit()) => Ok(size),
            _ => Err(self.fault(expected, format!("'{text}'"))),
        }
    }

    /// The value of an option that is a number from 1 to `most`.
    pub(crate) fn option_size<O: Named>(
        self,
        option: O,
        text: &str,
        most: usize,
    ) -> Result<usize, ModelError> {
        let expected = format!("{} from 1 to {most}", option.name());
        match self.size(&expected, text)? {
            size if size <= most => Ok(size),
            _ => Err(self.fault(expected, format!("'{text}'"))),
        }
    }

    /// The size of an image, as `3x32x32`.
    pub(crate) fn image(self, text: &str) -> Result<Image, ModelError> {
        let expected =
            format!("channels x rows x columns from 1 up, {MOST_PIXELS} numbers at most, as in=3x32x32");
        let sizes = text.split('x').map(|size| self.size(&expected, size)).collect::<Result<Vec<_>, _>>()?;
        let elements = sizes.iter().try_fold(1usize, |product, &size| product.checked_mul(size));
        match (&sizes[..], elements) {
            (&[channels, height, width], Some(..=MOST_PIXELS)) => Ok(Image { channels, height, width }),
            _ => Err(self.fault(expected, format!("'{text}'"))),
        }
    }

    /// `factor` times `base` channels, which must be a whole number.
    pub(crate) fn channels(self, text: &str, base: usize) -> Result<usize, ModelError> {
        let channels = text.parse::<f64>().map(|factor| factor * base as f64);
        match channels {
            Ok(channels) if channels >= 1.0 && channels <= MOST as f64 && channels.fract() == 0.0 => {
                Ok(channels as usize)
            }
            _ => {
                let expected = format!(
                    "as width a factor that makes {base} channels a whole number of them, at most {MOST}"
                );
                Err(self.fault(expected, format!("'{text}'")))
            }
        }
    }
}

/// The options of an architecture, printed after the first part of its specification.
pub(crate) struct Options<O> {
    name: String,
    parts: Vec<String>,
    kind: PhantomData<O>,
}

impl<O: Named + PartialEq> Options<O> {
    /// The options and their values in the order written, each at most once.
    pub(crate) fn read<'a>(line: Line<'a>, text: Option<&'a str>) -> Result<Vec<(O, &'a str)>, ModelError> {
        let mut options: Vec<(O, &str)> = Vec::new();
        for part in text.into_iter().flat_map(|text| text.split(',')) {
            let Some((name, value)) = part.split_once('=') else {
                return Err(line.fault("options as name=value, separated by commas", format!("'{part}'")));
            };
            let option: O = named::parse(name)?;
            if options.iter().any(|(earlier, _)| *earlier == option) {
                return Err(line.fault("every option once", format!("'{name}' twice")));
            }
            options.push((option, value));
        }
        Ok(options)
    }

    /// Begins a specification; `first` comes before the options where it is not empty.
    pub(crate) fn print(name: &str, first: impl Into<String>) -> Self {
        let first = first.into();
        let parts = if first.is_empty() { Vec::new() } else { vec![first] };
        Self { name: name.to_owned(), parts, kind: PhantomData }
    }

    /// Adds an option unless it has its default.
    pub(crate) fn show<V: Copy + PartialEq + ToString>(&mut self, option: O, value: V, default: V) {
        if value != default {
            self.parts.push(format!("{}={}", option.name(), value.to_string()));
        }
    }

    /// The specification.
    pub(crate) fn line(self) -> String {
        if self.parts.is_empty() { self.name } else { format!("{}:{}", self.name, self.parts.join(",")) }
    }
}
