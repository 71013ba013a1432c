//! Matching the hidden units of two networks by their weights.

use std::path::{Path, PathBuf};

use isoloss::{
    models::{self, Model, Params},
    tensor::Key,
};
use serde_json::json;

use super::{
    MODEL,
    rebasin::{self, Pair},
    temporary_folder,
};
use crate::{BenchError, Benchmark, Bound, Name, Target, measure::Stage};

const CASE: &str = "one start";

/// Timed matchings in a turn, as many as the peer makes, each with its own seed for the order of the layers.
const RUNS: u64 = 7;

pub(super) fn run(stage: &mut Stage<'_>) -> Result<Benchmark, BenchError> {
    let folder = temporary_folder()?;
    let mut pair = match &stage.options.networks {
        Some([a, b]) => Pair::new(CASE, &Model::parse(MODEL)?, [load(a)?, load(b)?]),
        None => Pair::untrained(CASE, MODEL, Key::new(stage.options.seed))?,
    };
    let call = rebasin::call(&[pair.write(folder.path())?], RUNS, Bound::below(0.5));
    let played = stage.play(Name::WeightMatching.name(), vec![call], |stage, _| pair.turn(stage, RUNS))?;
    let case = pair.case(&played)?;
    let below = Target::new("one matching, ms", Some(case.ours.median_ms), Bound::below(100.0));
    let title = format!("weight matching of two {MODEL}, one start, warm");
    let targets = vec![below, pair.objective_target(&played)];
    let checks = json!({ CASE: pair.checks(&played) });
    Ok(Benchmark::new(Name::WeightMatching, &title, vec![case], &played, targets, checks))
}

/// The network in a run folder or a weights file.
fn load(network: &Path) -> Result<Params, BenchError> {
    let file: PathBuf = if network.is_dir() { network.join(models::RUN_WEIGHTS) } else { network.to_owned() };
    Ok(models::load_model(&file, Some(MODEL))?.1)
}
