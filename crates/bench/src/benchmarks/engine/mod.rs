//! Gradients and Hessian-vector products against PyTorch and JAX, with everything else that is asked of the engine.

mod contest;
pub(super) mod devices;
mod memory;
mod network;
mod ours;
mod overhead;
mod profile;
mod several;
mod shared;
mod threads;

use serde_json::{Map, Value};

use super::mlp_step;
use crate::{
    BenchError, Benchmark, Bound, Case, Name, Part, PeerRecord, Target, measure::Stage, peak::Peak,
    target::all_met,
};
use network::NETWORKS;

/// The peers' names.
const TORCH: &str = "PyTorch";
const JAX: &str = "JAX";

/// What a part of the benchmark found.
#[derive(Clone, Default)]
struct Found {
    cases: Vec<Case>,
    targets: Vec<Target>,
    checks: Map<String, Value>,
    peers: Vec<PeerRecord>,
}

impl Found {
    fn add(&mut self, other: Self) {
        self.cases.extend(other.cases);
        self.targets.extend(other.targets);
        self.checks.extend(other.checks);
        self.peers.extend(other.peers);
    }
}

pub(super) fn run(stage: &mut Stage<'_>) -> Result<Benchmark, BenchError> {
    let peak = Peak::measure(stage.executor)?;
    let mut all = Found::default();
    all.checks
        .insert("peak".to_owned(), serde_json::to_value(peak).map_err(|source| BenchError::Json { source })?);
    for part in stage.options.parts.clone() {
        all.add(run_part(stage, part, peak)?);
        stage.keep_unfinished(all.clone().into())?;
    }
    Ok(all.into())
}

impl From<Found> for Benchmark {
    fn from(found: Found) -> Self {
        let Found { cases, targets, checks, peers } = found;
        Self {
            name: Name::Engine,
            title: "gradients and Hessian-vector products at a fixed point, f32".to_owned(),
            met: all_met(targets.iter().map(|target| target.met)),
            worst_ratio: cases.iter().filter_map(Case::worst_ratio).reduce(f64::max),
            targets,
            cases,
            checks: checks.into(),
            peers,
        }
    }
}

fn run_part(stage: &mut Stage<'_>, part: Part, peak: Peak) -> Result<Found, BenchError> {
    match part {
        Part::SmallMlp => small_step(stage, peak),
        Part::Sixteen => several::run(stage),
        Part::Overhead => overhead::run(stage),
        Part::Mlp | Part::Resnet20 | Part::Vgg16 | Part::Gpt | Part::Lstm => {
            let Some(network) = NETWORKS.iter().find(|network| network.part == part) else {
                unreachable!("every network has its part")
            };
            contest::run(stage, network, peak)
        }
    }
}

/// The training step of a small network, as `isoloss train` takes it.
fn small_step(stage: &mut Stage<'_>, peak: Peak) -> Result<Found, BenchError> {
    let (case, played, checks) = mlp_step::contest(stage, Name::Engine.name(), &mlp_step::SMALL, peak)?;
    let sides = played.iter().filter_map(|side| {
        let what = format!("{}: time / time of {}", case.name, side.call.name);
        Some(Target::strict(what, case.ratio_to(side.call.name), side.call.bound?))
    });
    Ok(Found {
        targets: sides.collect(),
        checks: [(case.name.clone(), checks)].into_iter().collect(),
        peers: played.iter().map(PeerRecord::new).collect(),
        cases: vec![case],
    })
}

/// A target on a number that needs no peer.
fn own(what: String, measured: f64, bound: Bound) -> Target {
    Target::new(what, Some(measured), bound)
}
