//! What a peer's script says of the configurations among which it chose.

use serde_json::Value;

/// A configuration that was tried, or was to be.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Trial {
    /// What was timed: `lstm product`.
    pub(crate) case: String,
    /// The configuration.
    pub(crate) name: String,
    /// The shortest time in milliseconds, or why it is out of the running.
    pub(crate) outcome: Result<f64, String>,
}

/// The configurations in the first object that a script printed: by case, the fastest first, then those that are out.
pub(crate) fn trials(printed: &Value) -> Vec<Trial> {
    let network = printed["network"].as_str().unwrap_or_default();
    let quantities = printed["checks"]["trials"].as_object().into_iter().flatten();
    let mut trials: Vec<Trial> = quantities
        .flat_map(|(quantity, trials)| {
            let case = format!("{network} {quantity}");
            trials.as_object().into_iter().flatten().map(move |(name, found)| Trial {
                case: case.clone(),
                name: name.clone(),
                outcome: outcome(found),
            })
        })
        .collect();
    let order = |trial: &Trial| *trial.outcome.as_ref().unwrap_or(&f64::INFINITY);
    trials.sort_by(|one, other| one.case.cmp(&other.case).then(order(one).total_cmp(&order(other))));
    trials
}

fn outcome(found: &Value) -> Result<f64, String> {
    let refused = || found["refused"].as_str().unwrap_or("no time given").to_owned();
    found["ms"].as_f64().ok_or_else(refused)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_fastest_configuration_comes_first_and_those_given_up_last() {
        let found = trials(&json!({ "network": "lstm", "checks": { "trials": {
            "product": {
                "compiled": { "refused": "not ready within 120 s", "seconds": 120.0 },
                "eager": { "ms": 9.5, "seconds": 2.0 },
                "linearized": { "ms": 7.5, "seconds": 2.0 },
            },
            "gradient": { "eager": { "ms": 4.0 } },
        } } }));
        let shown: Vec<_> = found
            .iter()
            .map(|trial| (trial.case.as_str(), trial.name.as_str(), trial.outcome.clone()))
            .collect();
        assert_eq!(
            shown,
            [
                ("lstm gradient", "eager", Ok(4.0)),
                ("lstm product", "linearized", Ok(7.5)),
                ("lstm product", "eager", Ok(9.5)),
                ("lstm product", "compiled", Err("not ready within 120 s".to_owned())),
            ]
        );
        assert_eq!(trials(&json!({ "configuration": "one" })), []);
    }
}
