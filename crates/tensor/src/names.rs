//! Names that people mistype.

/// The known name nearest to `found`: one that it abbreviates by three letters or more, or else the one of which at
/// least half is right. What follows a colon in a known name (`mnist:DIR`) does not count.
#[must_use]
pub fn nearest<'a>(found: &str, known: &[&'a str]) -> Option<&'a str> {
    let found = found.to_lowercase();
    let similarity = |name: &str| match found.len() >= 3 && name.starts_with(&found) {
        true => 1.0,
        false => strsim::normalized_damerau_levenshtein(&found, name.split(':').next().unwrap_or(name)),
    };
    known
        .iter()
        .map(|&name| (similarity(name), name))
        .filter(|&(similarity, _)| similarity >= 0.5)
        .max_by(|(left, _), (right, _)| left.total_cmp(right))
        .map(|(_, name)| name)
}

/// " (did you mean 'x'?)" where a known name is near enough to be a slip of the keyboard, else nothing.
#[must_use]
pub fn suggestion(found: &str, known: &[&str]) -> String {
    nearest(found, known).map(|name| format!(" (did you mean '{name}'?)")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_or_an_abbreviation_gets_a_suggestion_and_a_wild_guess_does_not() {
        let known = ["relu", "leaky_relu", "tanh", "mnist:DIR", "cosine"];
        assert_eq!(suggestion("rleu", &known), " (did you mean 'relu'?)");
        assert_eq!(suggestion("MNITS", &known), " (did you mean 'mnist:DIR'?)");
        assert_eq!(suggestion("cos", &known), " (did you mean 'cosine'?)");
        assert_eq!(suggestion("transformer", &known), "");
    }
}
