//! How the names of a file differ from those that a network has.

use std::{collections::BTreeSet, fmt};

/// A change of all names at once: `/` for `.`, a prefix off, a prefix on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Renaming {
    dots: bool,
    off: String,
    on: String,
}

impl Renaming {
    /// The change under which most of the names found are expected ones; none where no change gives more than the names as
    /// they are.
    #[must_use]
    pub fn find<'a>(found: &[&'a str], expected: &[&'a str]) -> Self {
        let known: BTreeSet<&str> = expected.iter().copied().collect();
        let hits = |renaming: &Self| {
            let renamed: BTreeSet<String> = found.iter().map(|name| renaming.apply(name)).collect();
            // Names that become one would hide a tensor.
            let distinct = renamed.len() == found.len();
            if distinct { renamed.iter().filter(|name| known.contains(&name[..])).count() } else { 0 }
        };
        let (mut best, mut most) = (Self::default(), hits(&Self::default()));
        for candidate in candidates(found, expected) {
            let count = hits(&candidate);
            if count > most {
                (best, most) = (candidate, count);
            }
        }
        best
    }

    /// Whether names stay as they are.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// The new name of a tensor.
    #[must_use]
    pub fn apply(&self, name: &str) -> String {
        let name = if self.dots { name.replace('/', ".") } else { name.to_owned() };
        let name = name.strip_prefix(&self.off).unwrap_or(&name);
        format!("{}{name}", self.on)
    }
}

/// As "'/' became '.'; 'model.' was taken off all names".
impl fmt::Display for Renaming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dots = self.dots.then(|| "'/' became '.'".to_owned());
        let off = (!self.off.is_empty()).then(|| format!("'{}' was taken off all names", self.off));
        let on = (!self.on.is_empty()).then(|| format!("'{}' was put before all names", self.on));
        f.write_str(&dots.into_iter().chain(off).chain(on).collect::<Vec<_>>().join("; "))
    }
}

/// Every separator with every prefix that all names share off or on.
fn candidates(found: &[&str], expected: &[&str]) -> Vec<Renaming> {
    let mut candidates = Vec::new();
    for dots in [false, true] {
        let dotted: Vec<String> =
            found.iter().map(|name| if dots { name.replace('/', ".") } else { (*name).to_owned() }).collect();
        let shared = prefixes(dotted.iter().map(String::as_str));
        let renaming = |off: &str, on: &str| Renaming { dots, off: off.to_owned(), on: on.to_owned() };
        candidates.push(renaming("", ""));
        candidates.extend(shared.iter().map(|prefix| renaming(prefix, "")));
        candidates.extend(prefixes(expected.iter().copied()).iter().map(|prefix| renaming("", prefix)));
    }
    candidates
}

/// The prefixes ending in a dot that all names share, shortest first.
fn prefixes<'a>(mut names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let Some(first) = names.next() else { return Vec::new() };
    let mut shared = first.rfind('.').map_or("", |end| &first[..=end]);
    for name in names {
        while !name.starts_with(shared) {
            let shorter = &shared[..shared.len().saturating_sub(1)];
            shared = shorter.rfind('.').map_or("", |end| &shorter[..=end]);
        }
    }
    shared.match_indices('.').map(|(end, _)| shared[..=end].to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXPECTED: [&str; 3] = ["fc.0.weight", "fc.0.bias", "fc.1.weight"];

    #[track_caller]
    fn finds(found: &[&str], told: &str) {
        let renaming = Renaming::find(found, &EXPECTED);
        assert_eq!(renaming.to_string(), told);
        assert_eq!(renaming.is_none(), told.is_empty());
        assert!(told.is_empty() || EXPECTED.contains(&&renaming.apply(found[0])[..]));
    }

    #[test]
    fn names_that_fit_stay() {
        finds(&EXPECTED, "");
        finds(&["a", "b"], "");
        finds(&[], "");
    }

    #[test]
    fn separators_and_shared_prefixes_are_changed() {
        finds(&["fc/0/weight", "fc/0/bias"], "'/' became '.'");
        finds(&["model.fc.0.weight", "model.fc.0.bias"], "'model.' was taken off all names");
        finds(&["a.b.fc.0.weight", "a.b.fc.1.weight"], "'a.b.' was taken off all names");
        finds(&["net/fc/0/weight", "net/fc/0/bias"], "'/' became '.'; 'net.' was taken off all names");
        finds(&["0.weight", "0.bias", "1.weight"], "'fc.' was put before all names");
    }

    #[test]
    fn a_prefix_of_some_names_is_no_shared_one() {
        finds(&["model.fc.0.weight", "head.weight"], "");
        finds(&["fc/0/weight", "fc.0/weight", "fc/0/bias"], "");
    }
}
