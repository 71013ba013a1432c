//! Tables for documents, made from kept runs, so that no number is typed.

mod read;

use report::{Cell, Column, NumberFormat, Table, markdown};

use crate::{BenchError, trial::Trial};
use read::{CaseFile, Kept, Kind, Peer, RivalFile, TargetFile};

/// Between these lines of a document stand the tables.
const BEGIN: &str = "<!-- generated tables begin -->";
const END: &str = "<!-- generated tables end -->";

/// A document with the tables of runs of the benchmark `engine` between its two marks. A case that several runs have is
/// that of the last.
///
/// # Errors
/// Where a run cannot be read, or the document lacks the marks.
pub fn with_engine_tables(document: &str, runs: &[String]) -> Result<String, BenchError> {
    let tables = engine_tables(&Kept::read(runs)?);
    let (before, rest) = document.split_once(BEGIN).ok_or(BenchError::Marks { mark: BEGIN })?;
    let (_, after) = rest.split_once(END).ok_or(BenchError::Marks { mark: END })?;
    Ok(format!("{before}{BEGIN}\n\n{tables}\n\n{END}{after}"))
}

fn engine_tables(kept: &Kept) -> String {
    let mut parts = vec![kept.provenance.join("\n")];
    parts.push(markdown::table(&times(&kept.cases)));
    parts.push(markdown::table(&targets("Everything that is asked", &kept.targets)));
    parts.push(missed(&kept.targets));
    let asked = kept.profiles.iter().filter(|(name, _)| is_missed(name, &kept.targets));
    parts.extend(asked.map(|(name, kinds)| markdown::table(&profile(name, kinds))));
    parts.push(markdown::table(&peers(kept)));
    parts.push(markdown::table(&configurations(kept)));
    parts.join("\n\n")
}

fn times(cases: &[CaseFile]) -> Table {
    let (ms, ratio) = (NumberFormat::Significant(4), NumberFormat::Fixed(2));
    let columns = [
        Column::text("case"),
        Column::number("ours, ms", ms),
        Column::number("floor, ms", ms),
        Column::number("ours / floor", ratio),
        Column::text("peer"),
        Column::number("peer, ms", ms),
        Column::number("ours / peer", NumberFormat::Fixed(3)),
        Column::text("asked"),
    ];
    cases.iter().flat_map(rows).fold(Table::new("Times", columns), Table::with_row)
}

/// A row for each peer, or one where there is none; ours stands in the first.
fn rows(case: &CaseFile) -> Vec<Vec<Cell>> {
    let floor = case.floor.as_ref().map(|floor| floor.ms);
    let own = [
        Cell::from(case.name.as_str()),
        Cell::from(case.ours.median_ms),
        Cell::from(floor),
        Cell::from(floor.map(|floor| case.ours.median_ms / floor)),
    ];
    let again = [Cell::from(""), Cell::from(None::<f64>), Cell::from(None::<f64>), Cell::from(None::<f64>)];
    let theirs = |rival: &RivalFile| {
        let bound = rival.bound.map_or_else(String::new, crate::Bound::shown);
        vec![rival.peer.as_str().into(), rival.median_ms.into(), rival.ratio.into(), bound.into()]
    };
    let mut rows: Vec<Vec<Cell>> = case.peers.iter().map(theirs).collect();
    if rows.is_empty() {
        rows.push(vec!["".into(), None::<f64>.into(), None::<f64>.into(), "".into()]);
    }
    let heads = std::iter::once(own).chain(std::iter::repeat(again));
    heads.zip(rows).map(|(head, row)| head.into_iter().chain(row).collect()).collect()
}

fn targets(title: &str, targets: &[TargetFile]) -> Table {
    let columns = [
        Column::text("what"),
        Column::number("measured", NumberFormat::Significant(3)),
        Column::text("asked"),
        Column::text("verdict"),
    ];
    let row = |target: &TargetFile| {
        let verdict = match target.met {
            Some(true) => "held",
            Some(false) => "missed",
            None => "not measured",
        };
        [target.what.as_str().into(), target.measured.into(), target.bound.shown().into(), verdict.into()]
    };
    targets.iter().map(row).fold(Table::new(title, columns), Table::with_row)
}

/// By how much targets are missed.
fn missed(targets: &[TargetFile]) -> String {
    let lines: Vec<String> = targets.iter().filter(|target| target.met != Some(true)).map(miss).collect();
    match lines.as_slice() {
        [] => "No target is missed.".to_owned(),
        lines => format!("**Missed**\n\n{}", lines.join("\n")),
    }
}

fn miss(target: &TargetFile) -> String {
    let far = target.measured.map(|measured| measured / target.bound.value);
    let far = far.map_or_else(|| "not measured".to_owned(), |far| format!("{far:.2} times the bound"));
    format!("- {}: {far}", target.what)
}

/// Whether a target on the time of a case, such as `lstm product`, is missed: then it is of interest where the time goes.
/// Of a product that costs too many gradients, the product is.
fn is_missed(case: &str, targets: &[TargetFile]) -> bool {
    let (network, quantity) = case.split_once(' ').unwrap_or_default();
    let of_both = format!("{network}: one product / one gradient");
    let concerns = |what: &str| what.starts_with(case) || (quantity == "product" && what == of_both);
    targets.iter().any(|target| target.met == Some(false) && concerns(&target.what))
}

fn profile(name: &str, kinds: &[Kind]) -> Table {
    let ms = NumberFormat::Fixed(2);
    let columns = [
        Column::text("steps"),
        Column::number("number", NumberFormat::Fixed(0)),
        Column::number("ms", ms),
        Column::number("floor, ms", ms),
        Column::number("ms / floor", ms),
    ];
    let row = |kind: &Kind| {
        let number = kind.steps as f64;
        [
            kind.what.as_str().into(),
            number.into(),
            kind.ms.into(),
            kind.floor_ms.into(),
            (kind.ms / kind.floor_ms).into(),
        ]
    };
    let title = format!("{name}: the slowest steps");
    kinds.iter().map(row).fold(Table::new(title, columns), Table::with_row)
}

fn peers(kept: &Kept) -> Table {
    let columns = [Column::text("peer"), Column::text("network"), Column::text("fastest configuration")];
    let rows = kept
        .peers
        .iter()
        .map(|peer| [&peer.name, &peer.network, &peer.configuration].map(|text| Cell::from(text.as_str())));
    rows.fold(Table::new("The peers' fastest configurations", columns), Table::with_row)
}

/// Every configuration that a peer was to try.
fn configurations(kept: &Kept) -> Table {
    let columns = [
        Column::text("peer"),
        Column::text("case"),
        Column::text("configuration"),
        Column::number("shortest of a trial, ms", NumberFormat::Significant(4)),
        Column::text("out because"),
    ];
    let rows = kept.peers.iter().flat_map(|peer| peer.trials.iter().map(move |trial| (peer, trial)));
    let row = |(peer, trial): (&Peer, &Trial)| {
        let why = trial.outcome.as_ref().err().map_or("", String::as_str);
        let [peer, case, name] = [&peer.name, &trial.case, &trial.name].map(|text| Cell::from(text.as_str()));
        [peer, case, name, trial.outcome.clone().ok().into(), why.into()]
    };
    rows.map(row).fold(Table::new("All configurations of the peers", columns), Table::with_row)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn run(ms: f64, met: bool) -> String {
        let value = json!({
            "date": "2026-03-01", "isoloss": "0.1.0", "threads": 2, "rounds": 3,
            "machine": { "cpu": "C", "cores": 2, "os": "O", "rustc": "R" },
            "load": { "busy_cores_before": 0.01, "busy_cores_between": 0.04 },
            "complete": met,
            "benchmarks": [{
                "name": "engine",
                "cases": [{
                    "name": "mlp product",
                    "ours": { "median_ms": ms },
                    "peers": [{ "peer": "PyTorch", "median_ms": 20.0, "ratio": ms / 20.0, "bound": { "relation": "at_most", "value": 0.5 } }],
                    "floor": { "ms": 5.0 },
                }],
                "targets": [{ "what": "mlp product: time / time of PyTorch", "measured": ms / 20.0, "bound": { "relation": "at_most", "value": 0.5 }, "met": met }],
                "checks": { "mlp": { "profile": { "product": [{ "what": "product", "steps": 9, "ms": 6.0, "floor_ms": 4.0 }] } } },
                "peers": [{ "name": "PyTorch", "absent": null, "turns": [{
                    "network": "mlp", "configuration": "product: compiled", "version": { "torch": "2" },
                    "checks": { "trials": { "product": { "compiled": { "ms": 19.0 }, "eager": { "refused": "not ready" } } } },
                }] }],
            }],
        });
        value.to_string()
    }

    const DOCUMENT: &str =
        "# Title\n\n<!-- generated tables begin -->\nold\n<!-- generated tables end -->\n\nafter\n";

    #[test]
    fn tables_stand_between_the_marks_and_the_last_run_of_a_case_counts() {
        let document = with_engine_tables(DOCUMENT, &[run(15.0, false), run(8.0, true)]).unwrap();
        assert!(document.starts_with("# Title\n\n<!-- generated tables begin -->\n\n"), "{document}");
        assert!(document.ends_with("<!-- generated tables end -->\n\nafter\n") && !document.contains("old"));
        for expected in [
            "| mlp product | 8.000 | 5.000 | 1.60 | PyTorch | 20.00 | 0.400 | ≤ 0.5 |",
            "| mlp product: time / time of PyTorch | 0.400 | ≤ 0.5 | held |",
            "No target is missed.",
            "| PyTorch | mlp | product: compiled |",
            "| PyTorch | mlp product | compiled | 19.00 |  |",
            "| PyTorch | mlp product | eager |  | not ready |",
        ] {
            assert!(document.contains(expected), "no {expected} in\n{document}");
        }
        assert!(!document.contains("slowest steps"), "nothing is missed:\n{document}");
        assert_eq!(with_engine_tables(&document, &[run(15.0, false), run(8.0, true)]).unwrap(), document);
    }

    #[test]
    fn a_missed_target_is_told_with_its_distance() {
        let document = with_engine_tables(DOCUMENT, &[run(15.0, false)]).unwrap();
        assert!(
            document.contains("- mlp product: time / time of PyTorch: 1.50 times the bound"),
            "{document}"
        );
        assert!(document.contains("| product | 9 | 6.00 | 4.00 | 1.50 |"), "{document}");
        assert!(document.contains("cut off, with what was finished"), "{document}");
    }

    #[test]
    fn parts_of_a_benchmark_from_several_runs_stand_together() {
        let other = run(3.0, true).replace("mlp", "gpt");
        let document = with_engine_tables(DOCUMENT, &[run(8.0, true), other]).unwrap();
        for expected in ["| mlp product | 8.000 |", "| gpt product | 3.000 |", "| PyTorch | gpt |"] {
            assert!(document.contains(expected), "no {expected} in\n{document}");
        }
    }

    #[test]
    fn a_document_without_marks_and_a_file_that_is_no_run_are_refused() {
        let message = with_engine_tables("text", &[]).unwrap_err().to_string();
        assert!(message.contains(BEGIN), "{message}");
        assert!(with_engine_tables(DOCUMENT, &["{}".to_owned()]).is_err());
    }
}
