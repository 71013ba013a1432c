//! A network against its peers, in turns.

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    Found, JAX, TORCH, memory,
    network::{Bounds, Network, Problem},
    ours::{Ours, QUANTITIES, Turn, times},
    own, profile, threads,
};
use crate::{
    BenchError, Bound, Case, Floor, PeerRecord, Target,
    benchmarks::temporary_folder,
    measure::{Played, Stage},
    peak::Peak,
    peer::{Answer, Call, LivePeer},
};
use isoloss::{graph::Graph, tensor::Key};

/// How far results of two sides may differ along the direction, relatively. Ours: rounding in single precision, which
/// normalisation over the batch magnifies in second derivatives.
const AGREEMENT: f64 = 1e-2;

pub(super) fn run(stage: &mut Stage<'_>, network: &Network, peak: Peak) -> Result<Found, BenchError> {
    let key = Key::new(stage.options.seed).child(network.spec);
    (stage.notify)(&format!("{}: memory and profile", network.part.name()));
    let growth = memory::ours(stage, network)?;
    let profiles = ["--grad", "--linear"].map(|of| profile::slowest(stage, network, of));
    let [gradient, product] = profiles;
    let profile = json!({ QUANTITIES[0]: gradient?, QUANTITIES[1]: product? });
    let problem = Problem::new(network.spec, network.batch, key)?;
    let folder = temporary_folder()?;
    let mut peers = start(stage, network, &problem, &folder)?;
    let mut ours = Ours::new(stage.executor, &problem)?;
    let turns = play(stage, network, &mut ours, &mut peers)?;
    let played: Vec<Played> = peers.into_iter().map(|(played, _)| played).collect();
    let mut found = judge(network, &problem, &ours, &turns, &played, peak)?;
    found.targets.extend(memory::target(network, growth, &played));
    if network.scales {
        found.targets.extend(threads::targets(stage, network, &mut ours, &turns)?);
    }
    let mut checks = checks(&ours, &turns, growth);
    checks["profile"] = profile;
    found.checks.insert(network.part.name().to_owned(), checks);
    Ok(found)
}

/// Starts the peers, which then look for their best configuration one after the other.
fn start(
    stage: &mut Stage<'_>,
    network: &Network,
    problem: &Problem,
    folder: &TempDir,
) -> Result<Vec<(Played, Option<LivePeer>)>, BenchError> {
    let file = folder.path().join("problem.safetensors");
    problem.write(&file)?;
    let name = network.part.name();
    let mut started = Vec::new();
    for (peer, script) in [(TORCH, "torch_engine.py"), (JAX, "jax_engine.py")] {
        (stage.notify)(&format!("{name}: {peer} looks for its best configuration"));
        let arguments = ["--network", name, "--patience", &stage.options.patience.to_string()];
        let call = Call::new(peer, script, &arguments).with_path("--problem", &file);
        let (answer, live) = stage.peers.start(&call)?;
        let (reports, absent) = match answer {
            Answer::Present(report) => (vec![report], None),
            Answer::Absent(reason) => (Vec::new(), Some(reason)),
        };
        started.push((Played { call, reports, absent }, live));
    }
    Ok(started)
}

/// Ours, PyTorch, JAX, and again.
fn play(
    stage: &mut Stage<'_>,
    network: &Network,
    ours: &mut Ours<'_>,
    peers: &mut [(Played, Option<LivePeer>)],
) -> Result<Vec<Turn>, BenchError> {
    let mut turns = Vec::new();
    for round in 0..stage.options.rounds {
        stage.announce(network.part.name(), round, "isoloss");
        turns.push(ours.turn()?);
        for (played, live) in peers.iter_mut() {
            let Some(live) = live else { continue };
            stage.announce(network.part.name(), round, played.call.name);
            played.reports.push(live.turn()?);
        }
    }
    Ok(turns)
}

fn judge(
    network: &Network,
    problem: &Problem,
    ours: &Ours<'_>,
    turns: &[Turn],
    played: &[Played],
    peak: Peak,
) -> Result<Found, BenchError> {
    let name = network.part.name();
    let times = times(turns);
    let graphs = [&ours.gradient_graph, &ours.linearised().linear];
    let bounds = [network.gradient, network.product];
    let mut found = Found::default();
    for (position, quantity) in QUANTITIES.into_iter().enumerate() {
        let mut case = Case::new(format!("{name} {quantity}"), times[position].clone(), played)?;
        case.floor = Some(floor(problem, graphs[position], position, peak));
        found.targets.extend(ratio_targets(&mut case, bounds[position], played));
        found.cases.push(case);
    }
    let ratio = found.cases[1].ours.median_ms / found.cases[0].ours.median_ms;
    found.targets.push(own(format!("{name}: one product / one gradient"), ratio, Bound::at_most(2.5)));
    if let Some(seconds) = network.compile_seconds {
        let what = format!("{name}: building and compiling the product, s");
        found.targets.push(own(what, ours.compile_seconds[1], Bound::below(seconds)));
    }
    found.targets.extend(agreement(name, turns, played));
    found.peers = played.iter().map(PeerRecord::new).collect();
    Ok(found)
}

/// The products of the graph, and the bytes that no implementation spares: reading the parameters, and for a product the
/// direction, and writing as much.
fn floor(problem: &Problem, graph: &Graph, position: usize, peak: Peak) -> Floor {
    let touched = (2 + position) * problem.model.elements() * size_of::<f32>();
    peak.floor(graph.total_cost().product_flops, touched as f64)
}

/// Sets the bounds of the rivals that have one, and makes them targets.
fn ratio_targets(case: &mut Case, bounds: Bounds, played: &[Played]) -> Vec<Target> {
    for rival in &mut case.peers {
        rival.bound = bounds.of(rival.peer);
    }
    let side = |side: &Played| {
        let peer = side.call.name;
        let what = format!("{}: time / time of {peer}", case.name);
        Some(Target::strict(what, case.ratio_to(peer), bounds.of(peer)?))
    };
    played.iter().filter_map(side).collect()
}

/// Whether a peer that is there computed the same: speed does not count without.
pub(super) fn agreement(name: &str, turns: &[Turn], played: &[Played]) -> Vec<Target> {
    let Some(turn) = turns.first() else { return Vec::new() };
    let present = played.iter().filter(|side| side.absent.is_none());
    let pairs = present.flat_map(|side| QUANTITIES.into_iter().zip(turn.along).map(move |pair| (side, pair)));
    let target = |(side, (quantity, ours)): (&Played, (&str, f64))| {
        let stated =
            side.reports.first().and_then(|report| report.raw["checks"]["along_tangents"][quantity].as_f64());
        let apart = stated.map_or(f64::NAN, |theirs| ((ours - theirs) / theirs).abs());
        let what =
            format!("{name} {quantity}: apart from {} along the direction, relatively", side.call.name);
        own(what, apart, Bound::at_most(AGREEMENT))
    };
    pairs.map(target).collect()
}

fn checks(ours: &Ours<'_>, turns: &[Turn], growth: Option<u64>) -> Value {
    let halves = ours.linearised();
    json!({
        "along_direction": turns.first().map(|turn| turn.along),
        "compile_seconds": { "gradient": ours.compile_seconds[0], "product": ours.compile_seconds[1] },
        "product_growth_bytes": growth,
        "residual_bytes": halves.residual_bytes,
        "wanted_residual_bytes": halves.wanted_bytes,
        "workspace_bytes": ours.workspace_bytes(),
        "nodes": { "gradient": ours.gradient_graph.len(), "linear_half": halves.linear.len() },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peer::PeerReport;

    fn side(name: &'static str, checks: &Value) -> Played {
        let raw = json!({ "checks": checks });
        let report =
            PeerReport { version: Value::Null, configuration: String::new(), cases: Vec::new(), raw };
        Played { call: Call::new(name, "peer.py", &[]), reports: vec![report], absent: None }
    }

    fn turn() -> Turn {
        Turn { gradient_ms: vec![1.0], product_ms: vec![2.0], along: [2.0, -4.0] }
    }

    #[test]
    fn speed_does_not_count_without_the_same_result() {
        let same = side(TORCH, &json!({ "along_tangents": { "gradient": 2.001, "product": -4.0 } }));
        let other = side(JAX, &json!({ "along_tangents": { "gradient": 2.001, "product": 4.0 } }));
        let met = |played: &[Played]| {
            agreement("n", &[turn()], played).into_iter().map(|target| target.met).collect::<Vec<_>>()
        };
        assert_eq!(met(&[same, other]), [Some(true), Some(true), Some(true), Some(false)]);
        assert_eq!(met(&[side(TORCH, &Value::Null)]), [Some(false), Some(false)]);
    }

    #[test]
    fn an_absent_peer_misses_its_target() {
        let absent = Played {
            absent: Some("not installed".to_owned()),
            reports: Vec::new(),
            ..side(TORCH, &Value::Null)
        };
        let mut case = Case::new("n gradient", vec![1.0], std::slice::from_ref(&absent)).unwrap();
        let bounds = Bounds { torch: 0.5, jax: None };
        let targets = ratio_targets(
            &mut case,
            bounds,
            &[absent.clone(), Played { call: Call::new(JAX, "j", &[]), ..absent }],
        );
        assert_eq!(targets.len(), 1, "a peer without bound has no target");
        assert_eq!((targets[0].met, targets[0].measured), (Some(false), None));
    }
}
