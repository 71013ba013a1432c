//! Results for people.

use report::{Cell, Column, Measured, NumberFormat, Outcome, Table, Verdict, text as plain};

use crate::{
    Benchmark, Bound, Case, Machine, PeerRecord, Rival, Run, Target,
    trial::{Trial, trials},
};

/// A run as plain text: for each benchmark the times with their ratios, the worst first, and its targets. Ends in a line
/// break.
#[must_use]
pub fn text(run: &Run) -> String {
    let mut parts: Vec<String> = run.benchmarks.iter().map(benchmark).collect();
    let Run { isoloss, threads, rounds, .. } = run;
    parts.push(format!("isoloss {isoloss}; threads: {threads}; rounds: {rounds}; {}", machine(&run.machine)));
    if !run.machine.release_build {
        parts.push("NOT A RELEASE BUILD: the numbers of ours say nothing.".to_owned());
    }
    if !run.complete {
        parts.push("CUT OFF: only what was finished is here.".to_owned());
    }
    parts.push(run.load.remark());
    parts.join("\n\n") + "\n"
}

fn benchmark(benchmark: &Benchmark) -> String {
    let mut parts = vec![plain::table(&table(benchmark))];
    parts.extend(benchmark.cases.iter().filter_map(floor));
    let absent = benchmark
        .peers
        .iter()
        .filter_map(|peer| Some(format!("{} is absent: {}", peer.name, peer.absent.as_ref()?)));
    parts.extend(absent);
    parts.extend(benchmark.peers.iter().flat_map(given_up));
    let verdicts: Vec<Verdict> = benchmark.targets.iter().map(verdict).collect();
    parts.push(plain::verdicts(&verdicts));
    parts.join("\n")
}

/// A row for each case and peer.
fn table(benchmark: &Benchmark) -> Table {
    let ms = NumberFormat::Significant(4);
    let columns = [
        Column::text("case"),
        Column::number("ours, ms", ms),
        Column::text("peer"),
        Column::number("peer, ms", ms),
        Column::number("ours/peer", NumberFormat::Fixed(3)),
        Column::text("target"),
    ];
    let title = format!("{}: {}", benchmark.name.name(), benchmark.title);
    benchmark.cases.iter().flat_map(rows).fold(Table::new(title, columns), Table::with_row)
}

fn rows(case: &Case) -> Vec<Vec<Cell>> {
    let mut rivals: Vec<&Rival> = case.peers.iter().collect();
    rivals.sort_by(|one, other| other.ratio.total_cmp(&one.ratio));
    let row = |peer: Option<&Rival>| {
        let times = peer.map(|rival| rival.series.median_ms);
        let name = peer.map_or("none", |rival| rival.peer);
        let (ratio, ours) = (peer.map(|rival| rival.ratio), case.ours.median_ms);
        let target = peer.and_then(|rival| rival.bound).map(Bound::shown);
        vec![case.name.as_str().into(), ours.into(), name.into(), times.into(), ratio.into(), target.into()]
    };
    if rivals.is_empty() {
        vec![row(None)]
    } else {
        rivals.into_iter().map(|rival| row(Some(rival))).collect()
    }
}

fn floor(case: &Case) -> Option<String> {
    let floor = case.floor.as_ref()?;
    let times = case.ours.median_ms / floor.ms;
    Some(format!(
        "floor of {}: {:.2} ms ({}); ours takes {times:.2} times as long",
        case.name, floor.ms, floor.how
    ))
}

/// The configurations of a peer that are out of the running, and why.
fn given_up(peer: &PeerRecord) -> Vec<String> {
    let trials = peer.turns.first().map(trials).unwrap_or_default();
    let line = |trial: Trial| {
        let why = trial.outcome.err()?;
        Some(format!("{}, {}: {} is out: {why}", peer.name, trial.case, trial.name))
    };
    trials.into_iter().filter_map(line).collect()
}

fn verdict(target: &Target) -> Verdict {
    let outcome = match target.met {
        Some(true) => Outcome::Held,
        Some(false) => Outcome::Failed,
        None => Outcome::NotReached,
    };
    let verdict = Verdict::new(format!("{} {}", target.what, target.bound.shown()), outcome);
    match target.measured {
        Some(measured) => verdict.with_measured(Measured::new("measured", measured)),
        None => verdict.with_note("not measured: a peer is absent"),
    }
}

fn machine(machine: &Machine) -> String {
    let cpu = machine.cpu.as_deref().unwrap_or("unknown processor");
    let memory = machine
        .memory_bytes
        .map_or(String::new(), |bytes| format!(", {:.0} GiB", bytes as f64 / (1u64 << 30) as f64));
    format!("{cpu}, {} cores{memory}, {}, {}", machine.cores, machine.os, machine.rustc)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{Floor, Load, Name, Series};

    fn run() -> Run {
        let bound = Some(Bound::at_most(1.0));
        let rival = |peer, ms: f64| Rival { peer, series: Series::new(vec![ms]), ratio: 10.0 / ms, bound };
        let case = Case {
            name: "training step".to_owned(),
            ours: Series::new(vec![10.0]),
            peers: vec![rival("PyTorch", 20.0), rival("JAX", 8.0)],
            floor: Some(Floor { ms: 5.0, how: "2 GFLOP at 400 GFLOP/s".to_owned() }),
        };
        let targets = vec![
            Target::new("time / time of JAX, worst case", Some(1.25), Bound::at_most(1.0)),
            Target::new("time / time of other, worst case", None, Bound::at_most(1.0)),
        ];
        let mut found = Benchmark::new(Name::MlpStep, "one step", vec![case], &[], targets, Value::Null);
        found.peers.push(PeerRecord {
            name: "other",
            absent: Some("no module".to_owned()),
            turns: Vec::new(),
        });
        let trials = json!({ "gradient": { "compiled": { "refused": "not ready within 120 s" }, "eager": { "ms": 8.0 } } });
        found.peers.push(PeerRecord {
            name: "PyTorch",
            absent: None,
            turns: vec![json!({ "network": "mlp", "checks": { "trials": trials } })],
        });
        Run {
            schema: "s",
            date: "2026-03-01".to_owned(),
            isoloss: "0.1.0",
            threads: 2,
            rounds: 3,
            complete: false,
            met: found.met,
            machine: Machine::here(),
            load: Load { quiet: Some(false), ..Load::default() },
            benchmarks: vec![found],
        }
    }

    #[test]
    fn the_text_shows_ratios_targets_floor_absence_and_noise() {
        let text = text(&run());
        for expected in [
            "mlp-step: one step",
            "training step     10.00  JAX         8.000      1.250  ≤ 1",
            "training step     10.00  PyTorch     20.00      0.500  ≤ 1",
            "floor of training step: 5.00 ms (2 GFLOP at 400 GFLOP/s); ours takes 2.00 times as long",
            "other is absent: no module",
            "PyTorch, mlp gradient: compiled is out: not ready within 120 s",
            "CUT OFF",
            "[failed] time / time of JAX, worst case ≤ 1",
            "[not reached] time / time of other, worst case ≤ 1",
            "NOT QUIET",
        ] {
            assert!(text.contains(expected), "expected {expected:?} in\n{text}");
        }
        assert!(
            text.find("JAX         8.000") < text.find("PyTorch     20.00"),
            "the worst ratio comes first"
        );
    }
}
