//! Options of an architecture: each is listed once, and from the list they are read, printed and shown in tables.

use crate::{
    Image, ModelError,
    line::{Line, MOST},
    named::{self, Named},
    positive::Positive,
};

/// An option and the field that holds its value.
pub(crate) struct Setting<'a> {
    name: &'static str,
    field: Field<'a>,
}

/// What an option sets.
enum Field<'a> {
    /// A number from `least` to `most`.
    Size { value: &'a mut usize, least: usize, most: usize },
    /// A factor of `base` channels.
    Factor { channels: &'a mut usize, base: usize },
    /// The size of an image.
    Image(&'a mut Image),
    /// A number above 0.
    Positive(&'a mut Positive),
    /// One of some names.
    Choice(Box<dyn Choice + 'a>),
}

/// A choice whose type is forgotten.
trait Choice {
    fn set(&mut self, name: &str) -> Result<(), ModelError>;
    fn chosen(&self) -> &'static str;
    fn members(&self) -> Vec<&'static str>;
}

/// One of some members of an enumeration.
struct Among<'a, T: 'static> {
    value: &'a mut T,
    members: &'static [T],
}

impl<T: Named> Choice for Among<'_, T> {
    fn set(&mut self, name: &str) -> Result<(), ModelError> {
        *self.value = named::parse_among(name, self.members)?;
        Ok(())
    }

    fn chosen(&self) -> &'static str {
        self.value.name()
    }

    fn members(&self) -> Vec<&'static str> {
        self.members.iter().map(|member| member.name()).collect()
    }
}

impl<'a> Setting<'a> {
    /// A number from 1 to [`MOST`].
    pub(crate) fn size(name: &'static str, value: &'a mut usize) -> Self {
        Self::bounded(name, value, 1, MOST)
    }

    /// A number from `least` to `most`.
    pub(crate) fn bounded(name: &'static str, value: &'a mut usize, least: usize, most: usize) -> Self {
        Self { name, field: Field::Size { value, least, most } }
    }

    /// A number from 0 to [`MOST`], 0 where there is no such thing or where it follows from others.
    pub(crate) fn optional(name: &'static str, value: &'a mut usize) -> Self {
        Self::bounded(name, value, 0, MOST)
    }

    /// `width`: a factor of `base` channels.
    pub(crate) fn width(channels: &'a mut usize, base: usize) -> Self {
        Self { name: "width", field: Field::Factor { channels, base } }
    }

    /// `in`: channels, rows and columns of the images.
    pub(crate) fn image(image: &'a mut Image) -> Self {
        Self { name: "in", field: Field::Image(image) }
    }

    /// A number above 0.
    pub(crate) fn positive(name: &'static str, value: &'a mut Positive) -> Self {
        Self { name, field: Field::Positive(value) }
    }

    /// One of the members of an enumeration, or `on` and `off` of a `bool`.
    pub(crate) fn choice<T: Named>(name: &'static str, value: &'a mut T) -> Self {
        Self::among(name, value, T::MEMBERS)
    }

    /// One of some members of an enumeration.
    pub(crate) fn among<T: Named>(name: &'static str, value: &'a mut T, members: &'static [T]) -> Self {
        Self { name, field: Field::Choice(Box::new(Among { value, members })) }
    }

    fn set(&mut self, line: Line<'_>, text: &str) -> Result<(), ModelError> {
        match &mut self.field {
            Field::Size { value, least, most } => **value = line.number(self.name, text, *least, *most)?,
            Field::Factor { channels, base } => **channels = line.channels(text, *base)?,
            Field::Image(image) => **image = line.image(text)?,
            Field::Positive(value) => **value = line.positive(self.name, text)?,
            Field::Choice(choice) => choice.set(text)?,
        }
        Ok(())
    }

    fn value(&self) -> String {
        match &self.field {
            Field::Size { value, .. } => value.to_string(),
            Field::Factor { channels, base } => (**channels as f64 / *base as f64).to_string(),
            Field::Image(image) => image.to_string(),
            Field::Positive(value) => value.to_string(),
            Field::Choice(choice) => choice.chosen().to_owned(),
        }
    }

    fn choices(&self) -> Vec<&'static str> {
        match &self.field {
            Field::Choice(choice) => choice.members(),
            Field::Size { .. } | Field::Factor { .. } | Field::Image(_) | Field::Positive(_) => Vec::new(),
        }
    }
}

/// An architecture whose specification is a name and options.
pub(crate) trait Specified: Clone {
    /// What an option is, as "option of gpt".
    const OPTION: &'static str;

    /// The name, and what comes before the options where there is such a thing, as `mlp:784-10`.
    fn head(&self) -> String;

    /// The same with all options at their defaults.
    fn standard(&self) -> Self;

    /// The options in the order in which they are printed.
    fn settings(&mut self) -> Vec<Setting<'_>>;

    /// Whether these values go together.
    fn check(&self, line: Line<'_>) -> Result<(), ModelError>;

    /// Reads options, separated by commas, each at most once.
    fn read(mut self, line: Line<'_>, text: Option<&str>) -> Result<Self, ModelError> {
        let mut seen = Vec::new();
        for part in text.into_iter().flat_map(|text| text.split(',')) {
            let Some((name, value)) = part.split_once('=') else {
                return Err(line.fault("options as name=value, separated by commas", format!("'{part}'")));
            };
            let mut settings = self.settings();
            let Some(setting) = settings.iter_mut().find(|setting| setting.name == name) else {
                let known = settings.iter().map(|setting| setting.name).collect();
                return Err(ModelError::Unknown { what: Self::OPTION, found: name.to_owned(), known });
            };
            if seen.contains(&name) {
                return Err(line.fault("every option once", format!("'{name}' twice")));
            }
            seen.push(name);
            setting.set(line, value)?;
        }
        self.check(line)?;
        Ok(self)
    }

    /// The specification, part by part.
    fn written(&self) -> Written {
        let (mut own, mut standard) = (self.clone(), self.standard());
        let pairs = own.settings().into_iter().zip(standard.settings());
        let options = pairs.map(|(own, standard)| WrittenOption {
            name: own.name,
            value: own.value(),
            default: standard.value(),
            choices: own.choices(),
        });
        Written { head: self.head(), options: options.collect() }
    }
}

/// A specification, part by part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) head: String,
    pub(crate) options: Vec<WrittenOption>,
}

/// An option of a specification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WrittenOption {
    pub(crate) name: &'static str,
    pub(crate) value: String,
    pub(crate) default: String,
    /// The names to choose from, where it is a choice.
    pub(crate) choices: Vec<&'static str>,
}

impl Written {
    /// The canonical line: options at their defaults left out.
    pub(crate) fn line(&self) -> String {
        let changed = self.options.iter().filter(|option| option.value != option.default);
        let options: Vec<String> =
            changed.map(|option| format!("{}={}", option.name, option.value)).collect();
        let separator = if options.is_empty() {
            ""
        } else if self.head.contains(':') {
            ","
        } else {
            ":"
        };
        format!("{}{separator}{}", self.head, options.join(","))
    }
}
