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
    /// Whether it came to its end. A run that was cut off has what was finished before.
    pub complete: bool,
    /// Whether all targets are met; none where that depends on an absent peer or on what was not run.
    pub met: Option<bool>,
    /// What it ran on.
    pub machine: Machine,
    /// What else ran there.
    pub load: Load,
    /// What was found.
    pub benchmarks: Vec<Benchmark>,
}

/// Runs the benchmarks in order, with `executor` for the processor and, for [`Name::Devices`], that of a device, on the threads of the pool that this is called in. `notify` is told what is being done;
/// `keep` is given all that is finished after each benchmark, and after each part of [`Name::Engine`], so that nothing is
/// lost where a later one fails or the process is ended.
///
/// # Errors
/// Where rounds are 0, data is missing or no peer is there and peers are required (before anything has run), a peer fails or is absent and required, our own work
/// fails, or `keep` does. A missed target is no error.
pub fn run(
    executor: &dyn Executor,
    device: Option<&dyn Executor>,
    options: &Options,
    notify: &mut dyn FnMut(&str),
    keep: &mut dyn FnMut(&Run) -> Result<(), BenchError>,
) -> Result<Run, BenchError> {
    check(options, device)?;
    let peers = Peers {
        environment: options.peers.clone(),
        scripts: options.scripts.clone(),
        threads: parallel::threads(),
        required: options.require_peers,
    };
    peers.check()?;
    notify("looking whether the machine is quiet");
    let load = Load::at_start();
    let mut stage = Stage { executor, device, options, peers, load, notify, keep, finished: Vec::new() };
    for &name in &options.names {
        let found = benchmarks::run(name, &mut stage)?;
        stage.finish(found)?;
    }
    stage.load.at_end();
    let last = Run::new(&stage, stage.finished.clone(), true);
    (stage.keep)(&last)?;
    Ok(last)
}

impl Run {
    fn new(stage: &Stage<'_>, benchmarks: Vec<Benchmark>, complete: bool) -> Self {
        let open = (!complete).then_some(None);
        Self {
            schema: SCHEMA,
            date: date::today(),
            isoloss: isoloss::VERSION,
            threads: stage.peers.threads,
            rounds: stage.options.rounds,
            complete,
            met: all_met(benchmarks.iter().map(|benchmark| benchmark.met).chain(open)),
            machine: Machine::here(),
            load: stage.load.clone(),
            benchmarks,
        }
    }
}

impl Stage<'_> {
    fn finish(&mut self, found: Benchmark) -> Result<(), BenchError> {
        self.finished.push(found);
        let so_far = Run::new(self, self.finished.clone(), false);
        (self.keep)(&so_far)
    }

    /// Hands over what is finished, with a benchmark of which some parts are.
    pub(crate) fn keep_unfinished(&mut self, found: Benchmark) -> Result<(), BenchError> {
        let mut benchmarks = self.finished.clone();
        benchmarks.push(found);
        let so_far = Run::new(self, benchmarks, false);
        (self.keep)(&so_far)
    }
}

fn check(options: &Options, device: Option<&dyn Executor>) -> Result<(), BenchError> {
    if options.rounds == 0 {
        return Err(BenchError::NoRounds);
    }
    if options.parts.len() < Part::ALL.len()
        && ![Name::Engine, Name::Devices].iter().any(|name| options.names.contains(name))
    {
        return Err(BenchError::NoParts);
    }
    if options.names.contains(&Name::Devices) && device.is_none() {
        return Err(BenchError::NoDevice);
    }
    if options.names.contains(&Name::MnistTrain) && options.mnist.is_none() {
        return Err(BenchError::needs_mnist("nothing"));
    }
    if options.names.contains(&Name::CifarEpoch) && options.cifar.is_none() {
        return Err(BenchError::needs_cifar("nothing"));
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
    use serde_json::Value;

    use super::*;
    use crate::Target;

    fn options() -> Options {
        Options {
            names: vec![Name::Engine],
            peers: PathBuf::new(),
            scripts: PathBuf::new(),
            require_peers: false,
            rounds: 1,
            program: PathBuf::new(),
            mnist: None,
            cifar: None,
            networks: None,
            parts: Part::ALL.to_vec(),
            patience: 1,
            file_bytes: None,
            seed: 0,
        }
    }

    fn found(name: Name) -> Benchmark {
        let met = Target::new("t", Some(1.0), crate::Bound::at_most(1.0));
        Benchmark::new(name, "title", Vec::new(), &[], vec![met], Value::Null)
    }

    #[test]
    fn what_is_finished_is_handed_over_before_the_end() {
        let (executor, options) = (isoloss::executor(), options());
        let mut kept = Vec::new();
        let mut keep = |run: &Run| {
            kept.push((run.complete, run.met, run.benchmarks.iter().map(|one| one.name).collect::<Vec<_>>()));
            Ok(())
        };
        let mut stage = Stage {
            executor: &executor,
            device: None,
            options: &options,
            peers: Peers {
                environment: PathBuf::new(),
                scripts: PathBuf::new(),
                threads: 1,
                required: false,
            },
            load: Load::default(),
            notify: &mut |_| {},
            keep: &mut keep,
            finished: Vec::new(),
        };
        stage.finish(found(Name::Startup)).unwrap();
        stage.keep_unfinished(found(Name::Engine)).unwrap();
        stage.keep_unfinished(found(Name::Engine)).unwrap();
        let both = vec![Name::Startup, Name::Engine];
        assert_eq!(
            kept,
            [(false, None, vec![Name::Startup]), (false, None, both.clone()), (false, None, both)]
        );
    }

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
