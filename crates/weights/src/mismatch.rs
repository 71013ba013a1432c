//! Why tensors do not fit a network.

use std::{collections::BTreeMap, fmt};

use tensor::Shape;

/// Tensors by name that are not those expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// Expected and not found.
    pub missing: Vec<(String, Shape)>,
    /// Found and not expected.
    pub unexpected: Vec<(String, Shape)>,
    /// Of another shape: the name, the shape expected and the one found.
    pub reshaped: Vec<(String, Shape, Shape)>,
}

/// Tensors of a kind that a message lists before it counts the rest. Ours: enough to see a pattern.
const SHOWN: usize = 4;

/// How alike a name must be to be told as the nearest one: half of it right, less where the shapes agree. Ours.
const ALIKE: f64 = 0.5;
const ALIKE_OF_ONE_SHAPE: f64 = 0.2;

impl Mismatch {
    /// Compares names and shapes; `None` where all agree, in whatever order.
    #[must_use]
    pub fn between(expected: &[(String, Shape)], found: &[(String, Shape)]) -> Option<Self> {
        let by_name =
            |tensors: &[(String, Shape)]| -> BTreeMap<String, Shape> { tensors.iter().cloned().collect() };
        let (known, given) = (by_name(expected), by_name(found));
        let missing: Vec<_> =
            expected.iter().filter(|(name, _)| !given.contains_key(name)).cloned().collect();
        let unexpected: Vec<_> =
            found.iter().filter(|(name, _)| !known.contains_key(name)).cloned().collect();
        let both =
            expected.iter().filter_map(|(name, shape)| given.get(name).map(|found| (name, shape, found)));
        let reshaped: Vec<_> = both
            .filter(|(_, shape, found)| shape != found)
            .map(|(name, shape, found)| (name.clone(), shape.clone(), found.clone()))
            .collect();
        let fits = missing.is_empty() && unexpected.is_empty() && reshaped.is_empty();
        (!fits).then_some(Self { missing, unexpected, reshaped })
    }

    /// The tensor found that a missing one may be meant by.
    fn nearest(&self, name: &str, shape: &Shape) -> Option<&(String, Shape)> {
        let alike = self.unexpected.iter().filter_map(|found| {
            let similarity = strsim::normalized_damerau_levenshtein(name, &found.0);
            let same = found.1 == *shape;
            let enough = similarity >= if same { ALIKE_OF_ONE_SHAPE } else { ALIKE };
            enough.then_some((same, similarity, found))
        });
        let best = alike.max_by(|left, right| left.0.cmp(&right.0).then(left.1.total_cmp(&right.1)));
        best.map(|(_, _, found)| found)
    }

    fn missing_text(&self, (name, shape): &(String, Shape)) -> String {
        match self.nearest(name, shape) {
            Some((other, found)) if found == shape => {
                format!("'{name}' {shape} (nearest found: '{other}', of that shape)")
            }
            Some((other, found)) => format!("'{name}' {shape} (nearest found: '{other}' {found})"),
            None => format!("'{name}' {shape}"),
        }
    }
}

/// All that is wrong in one line, each kind shortened.
impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let missing = listed("missing", &self.missing, |tensor| self.missing_text(tensor));
        let unexpected = listed("unexpected", &self.unexpected, |(name, shape)| format!("'{name}' {shape}"));
        let reshaped = listed("of another shape", &self.reshaped, |(name, expected, found)| {
            format!("'{name}' (expected shape {expected}, found {found})")
        });
        f.write_str(&[missing, unexpected, reshaped].into_iter().flatten().collect::<Vec<_>>().join("; "))
    }
}

/// As `3 missing: 'a' [2], 'b' [2] and 1 more`.
fn listed<T>(kind: &str, tensors: &[T], text: impl Fn(&T) -> String) -> Option<String> {
    let shown: Vec<String> = tensors.iter().take(SHOWN).map(text).collect();
    let rest = tensors.len() - shown.len();
    let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    (!shown.is_empty()).then(|| format!("{} {kind}: {}{more}", tensors.len(), shown.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensors(tensors: &[(&str, &[usize])]) -> Vec<(String, Shape)> {
        tensors.iter().map(|(name, shape)| ((*name).to_owned(), Shape::from(*shape))).collect()
    }

    #[track_caller]
    fn told(expected: &[(&str, &[usize])], found: &[(&str, &[usize])], text: &str) {
        let mismatch = Mismatch::between(&tensors(expected), &tensors(found));
        assert_eq!(mismatch.map(|mismatch| mismatch.to_string()).unwrap_or_default(), text);
    }

    #[test]
    fn equal_names_and_shapes_fit_in_any_order() {
        told(&[("a", &[2]), ("b", &[])], &[("b", &[]), ("a", &[2])], "");
    }

    #[test]
    fn all_that_is_wrong_is_told_with_the_nearest_names() {
        told(
            &[("layer1.0.conv1.weight", &[4, 3]), ("fc.weight", &[10, 4]), ("fc.bias", &[10])],
            &[("layer1.0.conv.weight", &[4, 3]), ("classifier.weight", &[10, 4]), ("fc.bias", &[5])],
            "2 missing: 'layer1.0.conv1.weight' [4, 3] (nearest found: 'layer1.0.conv.weight', of that shape), \
             'fc.weight' [10, 4] (nearest found: 'classifier.weight', of that shape); \
             2 unexpected: 'layer1.0.conv.weight' [4, 3], 'classifier.weight' [10, 4]; \
             1 of another shape: 'fc.bias' (expected shape [10], found [5])",
        );
        told(&[("a", &[1])], &[("zzz", &[2])], "1 missing: 'a' [1]; 1 unexpected: 'zzz' [2]");
    }

    #[test]
    fn a_shape_that_agrees_goes_before_a_name_that_is_nearer() {
        told(
            &[("conv1.weight", &[8])],
            &[("conv2.weight", &[9]), ("first.weight", &[8])],
            "1 missing: 'conv1.weight' [8] (nearest found: 'first.weight', of that shape); \
             2 unexpected: 'conv2.weight' [9], 'first.weight' [8]",
        );
    }

    #[test]
    fn long_lists_are_shortened() {
        let found: Vec<(String, Shape)> = (0..20).map(|i| (format!("x{i}"), Shape::scalar())).collect();
        let text = Mismatch::between(&[], &found).unwrap().to_string();
        assert_eq!(text, "20 unexpected: 'x0' [], 'x1' [], 'x2' [], 'x3' [] and 16 more");
    }
}
