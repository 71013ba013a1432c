//! Kept runs, as far as documents show them.

use serde::Deserialize;
use serde_json::Value;

use crate::{
    BenchError, Bound, Name,
    trial::{Trial, trials},
};

#[derive(Deserialize)]
struct RunFile {
    date: String,
    isoloss: String,
    threads: usize,
    rounds: usize,
    machine: MachineFile,
    load: LoadFile,
    complete: bool,
    benchmarks: Vec<BenchmarkFile>,
}

#[derive(Deserialize)]
struct MachineFile {
    cpu: Option<String>,
    cores: usize,
    os: String,
    rustc: String,
}

#[derive(Deserialize)]
struct LoadFile {
    busy_cores_before: Option<f64>,
    busy_cores_between: Option<f64>,
}

#[derive(Deserialize)]
struct BenchmarkFile {
    name: String,
    cases: Vec<CaseFile>,
    targets: Vec<TargetFile>,
    checks: Value,
    peers: Vec<PeerFile>,
}

#[derive(Deserialize)]
pub(super) struct CaseFile {
    pub(super) name: String,
    pub(super) ours: SeriesFile,
    pub(super) peers: Vec<RivalFile>,
    pub(super) floor: Option<FloorFile>,
}

#[derive(Deserialize)]
pub(super) struct SeriesFile {
    pub(super) median_ms: f64,
}

#[derive(Deserialize)]
pub(super) struct RivalFile {
    pub(super) peer: String,
    pub(super) median_ms: f64,
    pub(super) ratio: f64,
    pub(super) bound: Option<Bound>,
}

#[derive(Deserialize)]
pub(super) struct FloorFile {
    pub(super) ms: f64,
}

#[derive(Deserialize)]
pub(super) struct TargetFile {
    pub(super) what: String,
    pub(super) measured: Option<f64>,
    pub(super) bound: Bound,
    pub(super) met: Option<bool>,
}

#[derive(Deserialize)]
pub(super) struct Kind {
    pub(super) what: String,
    pub(super) steps: usize,
    pub(super) ms: f64,
    pub(super) floor_ms: f64,
}

#[derive(Deserialize)]
struct PeerFile {
    name: String,
    absent: Option<String>,
    turns: Vec<Value>,
}

/// A peer on a network.
pub(super) struct Peer {
    pub(super) name: String,
    pub(super) network: String,
    /// The fastest configurations, or why it is absent.
    pub(super) configuration: String,
    pub(super) trials: Vec<Trial>,
}

/// What several runs found together.
#[derive(Default)]
pub(super) struct Kept {
    pub(super) provenance: Vec<String>,
    pub(super) cases: Vec<CaseFile>,
    pub(super) targets: Vec<TargetFile>,
    pub(super) profiles: Vec<(String, Vec<Kind>)>,
    pub(super) peers: Vec<Peer>,
}

impl Kept {
    pub(super) fn read(runs: &[String]) -> Result<Self, BenchError> {
        let mut kept = Self::default();
        for run in runs {
            let run: RunFile = serde_json::from_str(run).map_err(|source| BenchError::Json { source })?;
            kept.provenance.push(provenance(&run));
            let engine = run.benchmarks.into_iter().filter(|benchmark| benchmark.name == Name::Engine.name());
            for benchmark in engine {
                kept.add(benchmark)?;
            }
        }
        Ok(kept)
    }

    fn add(&mut self, found: BenchmarkFile) -> Result<(), BenchError> {
        for case in found.cases {
            put(&mut self.cases, case, |one, other| one.name == other.name);
        }
        for target in found.targets {
            put(&mut self.targets, target, |one, other| one.what == other.what);
        }
        for (name, checks) in found.checks.as_object().into_iter().flatten() {
            for (quantity, profile) in checks["profile"].as_object().into_iter().flatten() {
                let kinds =
                    serde_json::from_value(profile.clone()).map_err(|source| BenchError::Json { source })?;
                put(&mut self.profiles, (format!("{name} {quantity}"), kinds), |one, other| one.0 == other.0);
            }
        }
        for peer in found.peers.iter().map(Peer::new) {
            put(&mut self.peers, peer, |one, other| {
                (&one.name, &one.network) == (&other.name, &other.network)
            });
        }
        Ok(())
    }
}

/// In the place of what it replaces, or at the end.
fn put<T>(all: &mut Vec<T>, new: T, same: fn(&T, &T) -> bool) {
    match all.iter_mut().find(|old| same(old, &new)) {
        Some(old) => *old = new,
        None => all.push(new),
    }
}

impl Peer {
    fn new(file: &PeerFile) -> Self {
        let first = file.turns.first();
        let text = |key: &str| first.and_then(|turn| turn[key].as_str()).unwrap_or_default().to_owned();
        let configuration =
            file.absent.as_ref().map_or_else(|| text("configuration"), |why| format!("absent: {why}"));
        let trials = first.map(trials).unwrap_or_default();
        Self { name: file.name.clone(), network: text("network"), configuration, trials }
    }
}

fn provenance(run: &RunFile) -> String {
    let RunFile { date, isoloss, threads, rounds, machine, .. } = run;
    let MachineFile { cores, os, rustc, .. } = machine;
    let cpu = machine.cpu.as_deref().unwrap_or("unknown processor");
    let busy =
        [run.load.busy_cores_before, run.load.busy_cores_between].into_iter().flatten().reduce(f64::max);
    let quiet = busy.map_or_else(
        || "unknown load".to_owned(),
        |cores| format!("others kept at most {cores:.2} cores busy before the turns"),
    );
    let end = if run.complete { "" } else { "; cut off, with what was finished" };
    format!(
        "- {date}, isoloss {isoloss}: {threads} threads, {rounds} rounds, {cpu}, {cores} cores, {os}, {rustc}; {quiet}{end}"
    )
}
