//! Running benchmarks, and keeping what they found.

use std::path::{Path, PathBuf};

use isoloss::{
    graph::Executor,
    tensor::{atomic_file, parallel},
};
use serde::Serialize;

use crate::{
    BenchError, Benchmark, Load, Machine, Name, Options, Part, benchmarks, date, measure::Stage, peer::Peers,
    target::all_met,
};

/// The form of [`Run`] in JSON.
const SCHEMA: &str = "isoloss.bench/1";

/// Where results are kept, from the repository's root.
pub const RUNS_FOLDER: &str = "bench/runs";

/// Benchmarks with all that is needed to judge their numbers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Run {
    /// The form of this record: `isoloss.bench/1`.
    pub schema: &'static str,
    /// The day, in universal time.
    pub date: String,
    /// Our version.
    pub isoloss: &'static str,
    /// Threads of each side.
    pub threads: usize,
    /// Turns of each side.
    pub rounds: usize,
    /// Whether all targets are met; none where that depends on an absent peer.
    pub met: Option<bool>,
    /// What it ran on.
    pub machine: Machine,
    /// What else ran there.
    pub load: Load,
    /// What was found.
    pub benchmarks: Vec<Benchmark>,
}

/// Runs the benchmarks in order, on the threads of the pool that this is called in, and tells `notify` what is being
/// done.
///
/// # Errors
/// Where rounds are 0 or data is missing (before anything has run), a peer fails or is absent and required, or our own
/// work fails. A missed target is no error.
pub fn run(
    executor: &dyn Executor,
    options: &Options,
    notify: &mut dyn FnMut(&str),
) -> Result<Run, BenchError> {
    check(options)?;
    let peers = Peers {
        environment: options.peers.clone(),
        scripts: options.scripts.clone(),
        threads: parallel::threads(),
        required: options.require_peers,
    };
    notify("looking whether the machine is quiet");
    let mut stage = Stage { executor, options, peers, load: Load::at_start(), notify };
    let found = options.names.iter().map(|&name| benchmarks::run(name, &mut stage));
    let benchmarks = found.collect::<Result<Vec<Benchmark>, BenchError>>()?;
    stage.load.at_end();
    Ok(Run {
        schema: SCHEMA,
        date: date::today(),
        isoloss: isoloss::VERSION,
        threads: stage.peers.threads,
        rounds: options.rounds,
        met: all_met(benchmarks.iter().map(|benchmark| benchmark.met)),
        machine: Machine::here(),
        load: stage.load,
        benchmarks,
    })
}

fn check(options: &Options) -> Result<(), BenchError> {
    if options.rounds == 0 {
        return Err(BenchError::NoRounds);
    }
    if options.parts.len() < Part::ALL.len() && !options.names.contains(&Name::Engine) {
        return Err(BenchError::NoParts);
    }
    if options.names.contains(&Name::MnistTrain) && options.mnist.is_none() {
        return Err(BenchError::NeedsData { found: "nothing".to_owned() });
    }
    Ok(())
}

/// The first of `bench/runs/DATE-NAME.json`, `DATE-NAME-2.json`, … that is not there yet.
#[must_use]
pub fn default_file(name: &str) -> PathBuf {
    free_file(Path::new(RUNS_FOLDER), &format!("{}-{name}", date::today()))
}

fn free_file(folder: &Path, stem: &str) -> PathBuf {
    let further = (2..).map(|number| format!("{stem}-{number}.json"));
    let mut names = std::iter::once(format!("{stem}.json")).chain(further).map(|name| folder.join(name));
    names.find(|path| !path.exists()).unwrap_or_else(|| unreachable!("the names do not end"))
}

/// Writes a run as JSON, whole or not at all; missing folders are made.
///
/// # Errors
/// Where the file cannot be written.
pub fn write(run: &Run, path: &Path) -> Result<(), BenchError> {
    let mut json = serde_json::to_vec_pretty(run).map_err(|source| BenchError::Json { source })?;
    json.push(b'\n');
    Ok(atomic_file::write(path, &json)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_never_takes_the_name_of_an_earlier_one() {
        let folder = tempfile::tempdir().unwrap();
        for expected in ["day-mlp-step.json", "day-mlp-step-2.json", "day-mlp-step-3.json"] {
            let path = free_file(folder.path(), "day-mlp-step");
            assert_eq!(path, folder.path().join(expected));
            std::fs::write(path, "").unwrap();
        }
    }
}
