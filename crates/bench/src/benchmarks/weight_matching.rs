//! Matching the hidden units of two networks by their weights.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use isoloss::{
    models::{self, Init, Model, Params, weights},
    symmetry::{
        self, Group,
        matching::{Matching, Options, weight_matching},
    },
    tensor::{DType, Key},
};
use serde_json::{Value, json};

use super::{MODEL, temporary_folder};
use crate::{
    BenchError, Benchmark, Bound, Case, Name, Target,
    measure::{Played, Stage, median, time_ms},
    peer::Call,
};

const CASE: &str = "one start";

/// Timed matchings in a turn, as many as the peer makes, each with its own seed for the order of the layers.
const RUNS: u64 = 7;

/// Least part of the peer's objective that ours reaches. Ours: both climb from the identity to some local optimum, and
/// in another order to another one; what ends early falls short by more.
const LEAST_OBJECTIVE: f64 = 0.99;

pub(super) fn run(stage: &mut Stage<'_>) -> Result<Benchmark, BenchError> {
    let folder = temporary_folder()?;
    let files = match &stage.options.networks {
        Some(networks) => networks.clone().map(weights_file),
        None => untrained(Key::new(stage.options.seed), folder.path())?,
    };
    let networks = [load(&files[0])?, load(&files[1])?];
    let group = symmetry::infer(&Model::parse(MODEL)?.forward(1, DType::F64));
    let (mut times, mut objectives) = (Vec::new(), Vec::new());
    let played = stage.play(Name::WeightMatching.name(), vec![call(&files)], |stage, _| {
        turn(stage, &group, &networks, &mut times, &mut objectives)
    })?;
    let case = Case::new(CASE, times, &played)?;
    let below = Target::new("one matching, ms", Some(case.ours.median_ms), Bound::below(100.0));
    let title = format!("weight matching of two {MODEL}, one start from the identity, warm");
    let targets = vec![below, objective_target(&objectives, &played)];
    Ok(Benchmark::new(
        Name::WeightMatching,
        &title,
        vec![case],
        &played,
        targets,
        checks(&objectives, &played),
    ))
}

fn call([a, b]: &[PathBuf; 2]) -> Call {
    Call::new("Git Re-Basin, JAX and SciPy", "rebasin_weight_matching.py", &[])
        .with_path("--a", a)
        .with_path("--b", b)
        .with_bound(Bound::below(0.5))
        .with_case(CASE)
}

/// One matching to warm up, then those that are timed.
fn turn(
    stage: &Stage<'_>,
    group: &Group,
    [a, b]: &[Params; 2],
    times: &mut Vec<f64>,
    objectives: &mut Vec<f64>,
) -> Result<(), BenchError> {
    let matching = |seed: u64| -> Result<Matching, BenchError> {
        let options = Options { key: Key::new(stage.options.seed + seed), ..Options::default() };
        Ok(weight_matching(stage.executor, group, a, b, &options)?)
    };
    matching(0)?;
    for seed in 0..RUNS {
        let (ms, found) = time_ms(|| matching(seed));
        times.push(ms);
        objectives.push(found?.objective);
    }
    Ok(())
}

/// Two networks with PyTorch's initialisation, written where the peer can read them.
fn untrained(key: Key, folder: &Path) -> Result<[PathBuf; 2], BenchError> {
    let model = Model::parse(MODEL)?;
    let files = ["a", "b"].map(|name| folder.join(name).with_extension("safetensors"));
    for (path, name) in files.iter().zip(["a", "b"]) {
        weights::save(path, &model.init(Init::PyTorch, key.child(name)), &BTreeMap::new())?;
    }
    Ok(files)
}

fn load(path: &Path) -> Result<Params, BenchError> {
    Ok(models::load_model(path, Some(MODEL))?.1)
}

/// The weights file of a run folder, or the file itself.
fn weights_file(network: PathBuf) -> PathBuf {
    if network.is_dir() { network.join(models::RUN_WEIGHTS) } else { network }
}

fn peer_objectives(played: &[Played]) -> Vec<f64> {
    let reports = played.iter().flat_map(|side| &side.reports);
    let lists = reports.filter_map(|report| report.raw["checks"]["objectives"].as_array());
    lists.flatten().filter_map(Value::as_f64).collect()
}

/// A peer that is present says what it reached; if it does not, the target is missed.
fn objective_target(ours: &[f64], played: &[Played]) -> Target {
    let present = played.iter().any(|side| side.absent.is_none());
    let part = present.then(|| median(ours) / median(&peer_objectives(played)));
    Target::new("objective / the peer's, medians", part, Bound::at_least(LEAST_OBJECTIVE))
}

fn checks(ours: &[f64], played: &[Played]) -> Value {
    json!({ "objectives": ours, "objectives_of_peer": peer_objectives(played) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peer::PeerReport;

    fn played(checks: &Value) -> Played {
        let call = call(&["a".into(), "b".into()]);
        let raw = json!({ "checks": checks });
        let report =
            PeerReport { version: Value::Null, configuration: String::new(), cases: Vec::new(), raw };
        Played { call, reports: vec![report], absent: None }
    }

    #[test]
    fn speed_does_not_count_without_the_objective() {
        let peer = [played(&json!({ "objectives": [100.0, 102.0, 90.0] }))];
        assert_eq!(objective_target(&[99.5], &peer).met, Some(true));
        assert_eq!(objective_target(&[98.0], &peer).met, Some(false));
    }

    #[test]
    fn an_unstated_objective_is_not_taken_on_trust() {
        assert_eq!(objective_target(&[99.5], &[played(&Value::Null)]).met, Some(false));
        let absent =
            Played { absent: Some("no jax".to_owned()), reports: Vec::new(), ..played(&Value::Null) };
        assert_eq!(objective_target(&[99.5], &[absent]).met, None);
    }

    #[test]
    fn untrained_networks_are_drawn_from_the_seed() {
        let folder = tempfile::tempdir().unwrap();
        let files = untrained(Key::new(1), folder.path()).unwrap();
        let [a, b] = [load(&files[0]).unwrap(), load(&files[1]).unwrap()];
        assert_ne!(a, b);
        let again = untrained(Key::new(1), folder.path()).unwrap();
        assert_eq!(load(&again[0]).unwrap(), a);
    }
}
