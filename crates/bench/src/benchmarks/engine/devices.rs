//! The executor for the processor against that of a device, on the networks of the engine.

use isoloss::{graph::Executor, tensor::Key};
use serde_json::{Value, json};

use super::{
    contest::agreement,
    network::{NETWORKS, Network, Problem},
    ours::{Ours, QUANTITIES, Turn, times},
    shared::Shared,
};
use crate::{
    BenchError, Benchmark, Case, Name, Target,
    measure::{Played, Stage},
    peer::{Call, PeerCase, PeerReport},
};

/// What the device is called in results.
const DEVICE: &str = "device";

/// The product that the devices of a team share, each with its part of the batch.
const SHARED: &str = "product shared by the devices";

/// What one network gave.
struct Found {
    cases: Vec<Case>,
    targets: Vec<Target>,
    played: Played,
}

pub(in crate::benchmarks) fn run(stage: &mut Stage<'_>) -> Result<Benchmark, BenchError> {
    let device = stage.device.ok_or(BenchError::NoDevice)?;
    let title =
        format!("gradients and Hessian-vector products: {} and {}", stage.executor.name(), device.name());
    let (mut cases, mut targets, mut played) = (Vec::new(), Vec::new(), Vec::new());
    let so_far = |cases: &Vec<Case>, played: &Vec<Played>, targets: &Vec<Target>| {
        Benchmark::new(Name::Devices, &title, cases.clone(), played, targets.clone(), Value::Null)
    };
    for network in NETWORKS.iter().filter(|network| stage.options.parts.contains(&network.part)) {
        let found = contest(stage, network, device)?;
        cases.extend(found.cases);
        targets.extend(found.targets);
        played.push(found.played);
        stage.keep_unfinished(so_far(&cases, &played, &targets))?;
    }
    Ok(so_far(&cases, &played, &targets))
}

fn contest(stage: &mut Stage<'_>, network: &Network, device: &dyn Executor) -> Result<Found, BenchError> {
    let name = network.part.name();
    let key = Key::new(stage.options.seed).child(network.spec);
    let problem = Problem::new(network.spec, network.batch, key)?;
    (stage.notify)(&format!("{name}: compiling for both"));
    let mut ours = Ours::new(stage.executor, &problem)?;
    let mut theirs = Ours::new(device, &problem)?;
    let is_team = !device.companions().is_empty();
    let mut shared = is_team.then(|| Shared::new(device, &problem, network.batch)).transpose()?;
    let (mut turns, mut reports) = (Vec::new(), Vec::new());
    for round in 0..stage.options.rounds {
        stage.announce(name, round, "processor");
        turns.push(ours.turn()?);
        stage.announce(name, round, DEVICE);
        let turn = theirs.turn()?;
        let mut report = report(name, &device.name(), &theirs, turn);
        if let Some(shared) = &mut shared {
            let (times, along) = shared.turn()?;
            add_shared(&mut report, name, shared.compile_seconds, times, along);
        }
        reports.push(report);
    }
    let played = Played { call: Call::new(DEVICE, "", &[]), reports, absent: None };
    let cases = cases(name, &ours, &turns, &played, is_team)?;
    Ok(Found { cases, targets: agreement(name, &turns, std::slice::from_ref(&played)), played })
}

/// The name of a case: what is timed, and what was compiled for it.
fn names(network: &str, quantity: &str) -> [String; 2] {
    [format!("{network} {quantity}"), format!("{network} {quantity}: building and compiling")]
}

/// A turn in the form of a peer's report.
fn report(network: &str, device: &str, theirs: &Ours<'_>, turn: Turn) -> PeerReport {
    let raw = json!({
        "network": network,
        "configuration": device,
        "checks": { "along_tangents": { QUANTITIES[0]: turn.along[0], QUANTITIES[1]: turn.along[1] } },
        "compile_seconds": theirs.compile_seconds,
        "workspace_bytes": theirs.workspace_bytes(),
    });
    let times = [turn.gradient_ms, turn.product_ms];
    let cases = QUANTITIES.into_iter().zip(times).zip(theirs.compile_seconds).flat_map(
        |((quantity, times), seconds)| {
            let [timed, compiled] = names(network, quantity);
            let case = |name, runs_ms| PeerCase { name, runs_ms, objective: None };
            [case(timed, times), case(compiled, vec![1e3 * seconds])]
        },
    );
    PeerReport { version: Value::Null, configuration: device.to_owned(), cases: cases.collect(), raw }
}

/// Adds what the devices of a team took together.
fn add_shared(report: &mut PeerReport, network: &str, seconds: f64, times: Vec<f64>, along: f64) {
    let [timed, compiled] = names(network, SHARED);
    let case = |name, runs_ms| PeerCase { name, runs_ms, objective: None };
    report.cases.extend([case(timed, times), case(compiled, vec![1e3 * seconds])]);
    report.raw["shared_along_tangent"] = json!(along);
}

fn cases(
    network: &str,
    ours: &Ours<'_>,
    turns: &[Turn],
    played: &Played,
    is_team: bool,
) -> Result<Vec<Case>, BenchError> {
    let mut cases = Vec::new();
    let [gradient, product] = times(turns);
    let [gradient_seconds, product_seconds] = ours.compile_seconds;
    let shared = is_team.then(|| (SHARED, product.clone(), product_seconds));
    let alone = [(QUANTITIES[0], gradient, gradient_seconds), (QUANTITIES[1], product, product_seconds)];
    for (quantity, times, seconds) in alone.into_iter().chain(shared) {
        let [timed, compiled] = names(network, quantity);
        let played = std::slice::from_ref(played);
        cases.push(Case::new(timed, times, played)?);
        cases.push(Case::new(compiled, vec![1e3 * seconds], played)?);
    }
    Ok(cases)
}
