//! YAML as a tree, within limits, and reading it with the place of everything that is wrong.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};

use crate::DeltaError;

/// The longest recipe. Ours: recipes have a few kilobytes, and a list of weights for each of a thousand layers fits.
pub(crate) const MOST_BYTES: u64 = 1 << 20;

/// Scalars, lists and maps of a recipe, aliases counted as often as they are used. Ours, with the same reason.
const MOST_NODES: usize = 100_000;

/// Lists and maps inside of each other. Ours: mergekit's recipes have six.
const MOST_DEPTH: usize = 32;

/// A part of a recipe.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

impl Node {
    /// Reads one document.
    pub(super) fn parse(text: &str) -> Result<Self, DeltaError> {
        let options = serde_saphyr::options! {
            budget: serde_saphyr::budget! { max_nodes: MOST_NODES, max_events: 4 * MOST_NODES, max_depth: MOST_DEPTH, max_documents: 1 },
            with_snippet: false,
        };
        serde_saphyr::from_str_with_options(text, options)
            .map_err(|error| DeltaError::Yaml { reason: error.to_string().trim_end().replace('\n', " ") })
    }

    fn kind(&self) -> String {
        match self {
            Self::Null => "nothing".to_owned(),
            Self::Bool(value) => format!("the truth value {value}"),
            Self::Number(number) => format!("the number {number}"),
            Self::Text(text) => format!("'{}'", shortened(text)),
            Self::List(items) => format!("a list of {}", items.len()),
            Self::Map(fields) => {
                let keys: Vec<&str> = fields.iter().take(3).map(|(key, _)| key.as_str()).collect();
                format!("a map with {}", if keys.is_empty() { "nothing".to_owned() } else { keys.join(", ") })
            }
        }
    }
}

/// Enough of a text to know it by.
fn shortened(text: &str) -> String {
    let mut shown: String = text.chars().take(60).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("YAML")
    }

    fn visit_unit<E: Error>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Number(value as f64))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Number(value as f64))
    }

    fn visit_i128<E: Error>(self, value: i128) -> Result<Node, E> {
        Ok(Node::Number(value as f64))
    }

    fn visit_u128<E: Error>(self, value: u128) -> Result<Node, E> {
        Ok(Node::Number(value as f64))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Number(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(Node::Map(fields))
    }
}

/// A node and where it stands.
#[derive(Clone, Debug)]
pub(super) struct At<'a> {
    pub(super) node: &'a Node,
    pub(super) place: String,
}

impl<'a> At<'a> {
    /// That this is not what belongs here.
    pub(super) fn fault(&self, expected: impl Into<String>) -> DeltaError {
        DeltaError::Recipe { at: self.place.clone(), expected: expected.into(), found: self.node.kind() }
    }

    pub(super) fn text(&self) -> Result<&'a str, DeltaError> {
        match self.node {
            Node::Text(text) => Ok(text),
            Node::Number(_) | Node::Bool(_) => Err(self.fault("a text (put it in quotes)")),
            _ => Err(self.fault("a text")),
        }
    }

    /// A whole number, 0 or more.
    pub(super) fn count(&self) -> Result<usize, DeltaError> {
        match self.node {
            Node::Number(number) if number.fract() == 0.0 && (0.0..=1e9).contains(number) => {
                Ok(*number as usize)
            }
            _ => Err(self.fault("a whole number from 0 to 1000000000")),
        }
    }

    pub(super) fn list(&self) -> Result<Vec<At<'a>>, DeltaError> {
        let Node::List(items) = self.node else { return Err(self.fault("a list")) };
        let item = |(index, node)| At { node, place: format!("{}[{index}]", self.place) };
        Ok(items.iter().enumerate().map(item).collect())
    }

    pub(super) fn fields(&self) -> Result<Vec<(&'a str, At<'a>)>, DeltaError> {
        let Node::Map(fields) = self.node else { return Err(self.fault("a map")) };
        let field = |(key, node): &'a (String, Node)| (key.as_str(), At { node, place: self.inside(key) });
        Ok(fields.iter().map(field).collect())
    }

    /// The fields of a map that may have these keys alone, in this order; what is `null` counts as left out.
    pub(super) fn keys<const N: usize>(
        &self,
        known: [&'static str; N],
    ) -> Result<[Option<At<'a>>; N], DeltaError> {
        let mut values = [const { None }; N];
        for (key, value) in self.fields()? {
            let Some(index) = known.iter().position(|known| *known == key) else {
                let (at, found) = (self.place.clone(), key.to_owned());
                return Err(DeltaError::UnknownKey { at, found, known: known.to_vec() });
            };
            values[index] = Some(value).filter(|value| *value.node != Node::Null);
        }
        Ok(values)
    }

    fn inside(&self, key: &str) -> String {
        if self.place == super::ROOT { key.to_owned() } else { format!("{}.{key}", self.place) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_texts_and_truth_values_are_told_apart() {
        let node = Node::parse("a: 1e-5\nb: [1, 2.5, -3]\nc: yes\nd: text\ne: '1'\nf:\n").unwrap();
        let Node::Map(fields) = node else { panic!("a map") };
        let value = |key: &str| fields.iter().find(|(name, _)| name == key).unwrap().1.clone();
        assert_eq!(value("a"), Node::Number(1e-5));
        assert_eq!(value("b"), Node::List([1.0, 2.5, -3.0].map(Node::Number).to_vec()));
        assert_eq!(value("c"), Node::Bool(true));
        assert_eq!(value("d"), Node::Text("text".to_owned()));
        assert_eq!(value("e"), Node::Text("1".to_owned()));
        assert_eq!(value("f"), Node::Null);
    }

    #[test]
    fn bombs_are_refused() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let before = level - 1;
            let line = format!("a{level}: &a{level} [{}]\n", vec![format!("*a{before}"); 10].join(", "));
            bomb.push_str(&line);
        }
        assert!(Node::parse(&bomb).is_err());
        assert!(Node::parse(&("[".repeat(1000) + &"]".repeat(1000))).is_err());
        assert!(Node::parse("a: 1\na: 2").unwrap_err().to_string().contains('a'), "a key twice");
        assert!(Node::parse("a: 1\n---\nb: 2").is_err(), "two documents");
        assert!(Node::parse("a: .inf").is_err() && Node::parse("a: 1e999").is_err());
    }
}
