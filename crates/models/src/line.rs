//! A specification under reading.

use crate::{Image, ModelError, positive::Positive};

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

    /// Features of layers, as `784-512-10`: at least two.
    pub(crate) fn sizes(self, text: &str, family: &str) -> Result<Vec<usize>, ModelError> {
        let expected = format!("layer sizes from 1 up, joined by '-', after '{family}:'");
        let sizes = text.split('-').map(|size| self.size(&expected, size)).collect::<Result<Vec<_>, _>>()?;
        if sizes.len() < 2 {
            let found = format!("only '{text}'");
            return Err(self.fault("at least the input's and the output's size, as 784-10", found));
        }
        Ok(sizes)
    }

    /// The value of an option that is a number from `least` to `most`.
    pub(crate) fn number(
        self,
        option: &str,
        text: &str,
        least: usize,
        most: usize,
    ) -> Result<usize, ModelError> {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse() {
            Ok(number) if digits && (least..=most).contains(&number) => Ok(number),
            _ => Err(self.fault(format!("{option} from {least} to {most}"), format!("'{text}'"))),
        }
    }

    /// The value of an option that is a number above 0.
    pub(crate) fn positive(self, option: &str, text: &str) -> Result<Positive, ModelError> {
        let fault = || self.fault(format!("{option} as a number above 0"), format!("'{text}'"));
        text.parse().ok().and_then(Positive::checked).ok_or_else(fault)
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
