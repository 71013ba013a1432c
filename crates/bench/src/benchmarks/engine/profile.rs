//! Where the time goes, in short.

use std::{collections::BTreeMap, process::Command};

use serde::{Deserialize, Serialize};

use super::network::Network;
use crate::{BenchError, benchmarks::finish, measure::Stage};

/// Kinds of steps that are kept, the slowest first.
const KEPT: usize = 8;

/// Steps of one kind that compute mostly the same primitive.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Kind {
    /// The kind and the primitive.
    what: String,
    steps: usize,
    ms: f64,
    floor_ms: f64,
}

/// What `isoloss profile --json` prints, as far as it is used.
#[derive(Deserialize)]
struct Printed {
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    what: String,
    primitives: Vec<String>,
    ms: f64,
    floor_ms: f64,
}

/// The slowest kinds of steps of a gradient (`--grad`) or of the linear half of a product (`--linear`), timed in a process
/// of its own.
pub(super) fn slowest(stage: &Stage<'_>, network: &Network, of: &str) -> Result<Vec<Kind>, BenchError> {
    let mut command = Command::new(&stage.options.program);
    command.args(["profile", of, "--json", "--quiet", "--model", network.spec]);
    for (flag, number) in [("--batch", network.batch), ("--threads", stage.peers.threads)] {
        command.arg(flag).arg(number.to_string());
    }
    let output = finish(&mut command)?;
    let printed: Printed =
        serde_json::from_slice(&output.stdout).map_err(|source| BenchError::Json { source })?;
    Ok(kinds(printed.steps))
}

fn kinds(steps: Vec<Step>) -> Vec<Kind> {
    let mut kinds: BTreeMap<String, Kind> = BTreeMap::new();
    for step in steps {
        let kind = step.what.split_whitespace().next().unwrap_or_default();
        let primitive = step.primitives.first().map_or("copy", String::as_str);
        // A sum of several contractions is one step, under the name of the sum.
        let what = if ["product", "convolution"].contains(&kind) {
            kind.to_owned()
        } else {
            format!("{kind}: {primitive}")
        };
        let empty = Kind { what: what.clone(), steps: 0, ms: 0.0, floor_ms: 0.0 };
        let entry = kinds.entry(what).or_insert(empty);
        entry.steps += 1;
        entry.ms += step.ms;
        entry.floor_ms += step.floor_ms;
    }
    let mut kinds: Vec<Kind> = kinds.into_values().collect();
    kinds.sort_by(|one, other| other.ms.total_cmp(&one.ms));
    kinds.truncate(KEPT);
    kinds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_of_a_kind_are_added_up_and_the_slowest_kind_comes_first() {
        let step = |what: &str, primitive: &str, ms: f64| Step {
            what: what.to_owned(),
            primitives: vec![primitive.to_owned(), "add".to_owned()],
            ms,
            floor_ms: ms / 2.0,
        };
        let found = kinds(vec![
            step("loop over [1, 2]", "exp", 1.0),
            step("product 1 x [2, 2]", "dot_general", 3.0),
            step("loop over [5, 5]", "exp", 4.0),
        ]);
        let kind = |what: &str, steps, ms| Kind { what: what.to_owned(), steps, ms, floor_ms: ms / 2.0 };
        assert_eq!(found, [kind("loop: exp", 2, 5.0), kind("product", 1, 3.0)]);
    }
}
