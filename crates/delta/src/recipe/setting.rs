//! Parameters as a recipe gives them, and what they come to for a tensor.

use std::fmt;

use super::yaml::{At, Node};
use crate::DeltaError;

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar {
    /// A truth value.
    Bool(bool),
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => write!(f, "{value}"),
            // Nine digits hide what interpolating in binary leaves behind.
            Self::Number(number) => write!(f, "{}", (number * 1e9).round() / 1e9),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// What a parameter must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A truth value.
    Bool,
    /// A number.
    Number,
    /// A whole number, 0 or more.
    Count,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Bool => "true or false",
            Self::Number => "a number",
            Self::Count => "a whole number, 0 or more",
        }
    }

    /// The value as one of this kind: a number may be written as a text, as YAML 1.1 makes of `1e-5`, and a truth value as 0
    /// and 1.
    fn read(self, scalar: &Scalar) -> Option<Scalar> {
        let number = match scalar {
            Scalar::Number(number) => Some(*number),
            Scalar::Text(text) => text.trim().parse().ok(),
            Scalar::Bool(_) => None,
        }
        .filter(|number| number.is_finite());
        match (self, scalar, number) {
            (Self::Bool, Scalar::Bool(_), _) => Some(scalar.clone()),
            (Self::Bool, _, Some(number)) if number == 0.0 || number == 1.0 => {
                Some(Scalar::Bool(number == 1.0))
            }
            (Self::Number, _, Some(number)) => Some(Scalar::Number(number)),
            (Self::Count, _, Some(number)) if number >= 0.0 && number.fract() == 0.0 => {
                Some(Scalar::Number(number))
            }
            _ => None,
        }
    }
}

/// A parameter as it is given.
#[derive(Clone, Debug, PartialEq)]
pub enum Setting {
    /// The same for all tensors.
    One(Scalar),
    /// Along the layers: numbers are interpolated between, other values picked.
    Gradient(Vec<Scalar>),
    /// The first whose filter is a part of the tensor's name; no filter fits all.
    Filters(Vec<(Option<String>, Self)>),
}

/// Parameters by name, each with its place in the recipe.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings(pub(super) Vec<(String, Setting, String)>);

impl Settings {
    pub(super) fn read(at: Option<At<'_>>) -> Result<Self, DeltaError> {
        let Some(at) = at else { return Ok(Self::default()) };
        let settings = at.fields()?.into_iter();
        let settings = settings.map(|(name, at)| Ok((name.to_owned(), Setting::read(&at)?, at.place)));
        Ok(Self(settings.collect::<Result<_, DeltaError>>()?))
    }

    /// Names and places in order.
    pub fn names(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, _, place)| (name.as_str(), place.as_str()))
    }

    /// What a parameter comes to for a tensor at `t`, its place among the layers from 0 to 1; `None` where it is not set for
    /// that tensor.
    ///
    /// # Errors
    /// [`DeltaError::Recipe`] where the value is not of that kind.
    pub fn value(&self, name: &str, kind: Kind, tensor: &str, t: f64) -> Result<Option<Scalar>, DeltaError> {
        let Some((_, setting, place)) = self.0.iter().find(|(known, ..)| known == name) else {
            return Ok(None);
        };
        setting.value(kind, tensor, t).map_err(|found| {
            let (at, expected) = (place.clone(), kind.name().to_owned());
            DeltaError::Recipe { at, expected, found: format!("'{found}'") }
        })
    }
}

impl Setting {
    fn read(at: &At<'_>) -> Result<Self, DeltaError> {
        if let Some(scalar) = scalar(at.node) {
            return Ok(Self::One(scalar));
        }
        let items = match at.node {
            Node::Map(_) => vec![at.clone()],
            Node::List(_) => at.list()?,
            _ => return Err(at.fault("a value, a list of values, or a list of filters with values")),
        };
        if items.is_empty() {
            return Err(at.fault("a list with something in it"));
        }
        let scalars: Option<Vec<Scalar>> = items.iter().map(|item| scalar(item.node)).collect();
        if let Some(scalars) = scalars {
            return Ok(Self::Gradient(scalars));
        }
        Ok(Self::Filters(items.iter().map(Self::filter).collect::<Result<_, _>>()?))
    }

    fn filter(at: &At<'_>) -> Result<(Option<String>, Self), DeltaError> {
        let [value, filter] = at.keys(["value", "filter"])?;
        let value = value.ok_or_else(|| at.fault("a filter with a value"))?;
        let setting = Self::read(&value)?;
        if matches!(setting, Self::Filters(_)) {
            return Err(value.fault("a value or a list of values"));
        }
        let filter = filter.map(|filter| filter.text().map(str::to_owned)).transpose()?;
        Ok((filter.filter(|filter| filter != "*"), setting))
    }

    fn value(&self, kind: Kind, tensor: &str, t: f64) -> Result<Option<Scalar>, Scalar> {
        let read = |scalar: &Scalar| kind.read(scalar).ok_or_else(|| scalar.clone());
        match self {
            Self::One(scalar) => read(scalar).map(Some),
            Self::Gradient(scalars) => {
                let values = scalars.iter().map(read).collect::<Result<Vec<_>, _>>()?;
                read(&along(&values, t)).map(Some)
            }
            Self::Filters(filters) => {
                let fits = |filter: &Option<String>| filter.as_ref().is_none_or(|part| tensor.contains(part));
                let first = filters.iter().find(|(filter, _)| fits(filter));
                first.map_or(Ok(None), |(_, setting)| setting.value(kind, tensor, t))
            }
        }
    }
}

/// The value at `t` of values that stand at equal distances from 0 to 1.
fn along(values: &[Scalar], t: f64) -> Scalar {
    let place = t * (values.len() - 1) as f64;
    let first = (place as usize).min(values.len() - 1);
    match (&values[first], values.get(first + 1)) {
        (Scalar::Number(low), Some(Scalar::Number(high))) => {
            let part = place - first as f64;
            Scalar::Number((1.0 - part) * low + part * high)
        }
        (value, _) => value.clone(),
    }
}

fn scalar(node: &Node) -> Option<Scalar> {
    match node {
        Node::Bool(value) => Some(Scalar::Bool(*value)),
        Node::Number(number) => Some(Scalar::Number(*number)),
        Node::Text(text) => Some(Scalar::Text(text.clone())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(yaml: &str) -> Result<Settings, DeltaError> {
        let node = Node::parse(yaml)?;
        Settings::read(Some(At { node: &node, place: "parameters".to_owned() }))
    }

    #[track_caller]
    fn weight(yaml: &str, tensor: &str, t: f64) -> Option<f64> {
        match settings(yaml).unwrap().value("weight", Kind::Number, tensor, t).unwrap() {
            Some(Scalar::Number(number)) => Some(number),
            None => None,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_gradient_is_interpolated_over_the_layers() {
        let yaml = "weight: [0, 1, 4]";
        assert_eq!(
            [0.0, 0.25, 0.5, 0.75, 1.0].map(|t| weight(yaml, "", t).unwrap()),
            [0.0, 0.5, 1.0, 2.5, 4.0]
        );
        assert_eq!(weight("weight: [3]", "", 1.0), Some(3.0));
    }

    #[test]
    fn the_first_filter_that_fits_counts() {
        let yaml = "weight:\n  - {filter: self_attn, value: [0, 1]}\n  - {filter: mlp, value: 1e-5}\n";
        assert_eq!(weight(yaml, "layers.3.self_attn.q", 0.5), Some(0.5));
        assert_eq!(weight(yaml, "layers.3.mlp.up", 0.5), Some(1e-5));
        assert_eq!(weight(yaml, "norm", 0.5), None);
        assert_eq!(weight("weight:\n  - {filter: '*', value: 2}", "norm", 0.0), Some(2.0));
        assert_eq!(weight("weight: {value: 2}", "norm", 0.0), Some(2.0));
    }

    #[test]
    fn numbers_may_be_texts_and_what_is_none_is_refused_with_its_place() {
        assert_eq!(weight("weight: '1e-5'", "", 0.0), Some(1e-5));
        let error =
            settings("weight: [1, high]").unwrap().value("weight", Kind::Number, "", 0.0).unwrap_err();
        assert_eq!(error.to_string(), "parameters.weight: expected a number, found 'high'");
        let flags = settings("a: 1\nb: false\nc: [true, false]\nd: 2").unwrap();
        let flag = |name| flags.value(name, Kind::Bool, "", 0.0);
        assert_eq!(flag("a").unwrap(), Some(Scalar::Bool(true)));
        assert_eq!(flag("b").unwrap(), Some(Scalar::Bool(false)));
        assert_eq!(flag("c").unwrap(), Some(Scalar::Bool(true)));
        assert!(flag("d").is_err());
        assert!(
            settings("a: []").is_err()
                && settings("a: [[1]]").is_err()
                && settings("a: {filter: x}").is_err()
        );
    }
}
