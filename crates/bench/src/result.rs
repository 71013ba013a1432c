//! What a benchmark found.

use serde::Serialize;
use serde_json::Value;

use crate::{
    BenchError, Bound, Name, Target,
    measure::{Played, median},
    target::all_met,
};

/// Times of repeated runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Series {
    /// The median over all rounds, in milliseconds.
    pub median_ms: f64,
    /// Every run, in milliseconds, in order.
    pub runs_ms: Vec<f64>,
}

impl Series {
    pub(crate) fn new(runs_ms: Vec<f64>) -> Self {
        Self { median_ms: median(&runs_ms), runs_ms }
    }
}

/// A peer's times of one case.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rival {
    /// The peer.
    pub peer: &'static str,
    /// Its times.
    #[serde(flatten)]
    pub series: Series,
    /// Our median divided by the peer's: below 1 where ours is faster.
    pub ratio: f64,
    /// What the ratio should keep, if anything.
    pub bound: Option<Bound>,
}

/// A time that cannot be gone below.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Floor {
    /// In milliseconds.
    pub ms: f64,
    /// What it is made of.
    pub how: String,
}

/// One thing that was timed on all sides.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Case {
    /// What it is.
    pub name: String,
    /// Our times.
    pub ours: Series,
    /// The times of the peers that are present.
    pub peers: Vec<Rival>,
    /// The least time possible, where it is known.
    pub floor: Option<Floor>,
}

impl Case {
    /// Our times beside those of the peers.
    ///
    /// # Errors
    /// Where a peer that was present gave no times for the case.
    pub(crate) fn new(
        name: impl Into<String>,
        ours_ms: Vec<f64>,
        played: &[Played],
    ) -> Result<Self, BenchError> {
        let (name, ours) = (name.into(), Series::new(ours_ms));
        let present = played.iter().filter(|side| side.absent.is_none());
        let peers = present.map(|side| {
            let series = Series::new(times(side, &name)?);
            Ok(Rival {
                peer: side.call.name,
                ratio: ours.median_ms / series.median_ms,
                series,
                bound: side.call.bound,
            })
        });
        let peers = peers.collect::<Result<_, BenchError>>()?;
        Ok(Self { name, ours, peers, floor: None })
    }

    /// The largest of the ratios; none without peers.
    #[must_use]
    pub fn worst_ratio(&self) -> Option<f64> {
        self.peers.iter().map(|rival| rival.ratio).reduce(f64::max)
    }

    pub(crate) fn ratio_to(&self, peer: &str) -> Option<f64> {
        self.peers.iter().find(|rival| rival.peer == peer).map(|rival| rival.ratio)
    }
}

fn times(side: &Played, case: &str) -> Result<Vec<f64>, BenchError> {
    let cases = side.reports.iter().flat_map(|report| &report.cases).filter(|found| found.name == case);
    let times: Vec<f64> = cases.flat_map(|found| &found.runs_ms).copied().collect();
    if times.is_empty() {
        let problem = format!("it printed no times for {case}");
        return Err(BenchError::Peer { peer: side.call.name, problem, said: String::new() });
    }
    Ok(times)
}

/// What is known of a peer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PeerRecord {
    /// The peer.
    pub name: &'static str,
    /// Why it is absent, if it is.
    pub absent: Option<String>,
    /// What it printed, once for each round.
    pub turns: Vec<Value>,
}

impl PeerRecord {
    pub(crate) fn new(side: &Played) -> Self {
        let turns = side.reports.iter().map(|report| report.raw.clone()).collect();
        Self { name: side.call.name, absent: side.absent.clone(), turns }
    }
}

/// What a benchmark found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Benchmark {
    /// Which one.
    pub name: Name,
    /// What was timed, in words.
    pub title: String,
    /// Whether all targets are met; none where that depends on an absent peer.
    pub met: Option<bool>,
    /// The largest ratio of our median to a peer's, over all cases and peers.
    pub worst_ratio: Option<f64>,
    /// What is to be reached.
    pub targets: Vec<Target>,
    /// The cases, the worst ratio first.
    pub cases: Vec<Case>,
    /// What else was found: results that show that all sides did the same work.
    pub checks: Value,
    /// The peers.
    pub peers: Vec<PeerRecord>,
}

impl Benchmark {
    /// Orders the cases and decides the targets: those on the ratio to each peer, then `further` ones.
    pub(crate) fn new(
        name: Name,
        title: &str,
        mut cases: Vec<Case>,
        played: &[Played],
        further: Vec<Target>,
        checks: Value,
    ) -> Self {
        let order = |case: &Case| case.worst_ratio().unwrap_or(f64::NEG_INFINITY);
        cases.sort_by(|one, other| order(other).total_cmp(&order(one)));
        let mut targets: Vec<Target> = played.iter().filter_map(|side| ratio_target(side, &cases)).collect();
        targets.extend(further);
        Self {
            name,
            title: title.to_owned(),
            met: all_met(targets.iter().map(|target| target.met)),
            worst_ratio: cases.first().and_then(Case::worst_ratio),
            targets,
            cases,
            checks,
            peers: played.iter().map(PeerRecord::new).collect(),
        }
    }
}

/// The target on our time over the peer's in the case where it is largest.
fn ratio_target(side: &Played, cases: &[Case]) -> Option<Target> {
    let bound = side.call.bound?;
    let worst = cases.iter().filter_map(|case| case.ratio_to(side.call.name)).reduce(f64::max);
    Some(Target::new(format!("time / time of {}, worst case", side.call.name), worst, bound))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::peer::{Call, PeerCase, PeerReport};

    fn side(name: &'static str, bound: Bound, rounds: &[&[(&str, f64)]]) -> Played {
        let report = |cases: &&[(&str, f64)]| PeerReport {
            version: Value::Null,
            configuration: String::new(),
            cases: cases.iter().map(|&(name, ms)| case(name, ms)).collect(),
            raw: json!({ "round": cases.len() }),
        };
        let call = Call::new(name, "peer.py", &[]).with_bound(bound);
        Played { call, reports: rounds.iter().map(report).collect(), absent: None }
    }

    fn case(name: &str, ms: f64) -> PeerCase {
        PeerCase { name: name.to_owned(), runs_ms: vec![ms], objective: None }
    }

    fn absent(name: &'static str) -> Played {
        let call = Call::new(name, "peer.py", &[]).with_bound(Bound::at_most(1.0));
        Played { call, reports: Vec::new(), absent: Some("not installed".to_owned()) }
    }

    fn benchmark(played: &[Played]) -> Benchmark {
        let cases =
            [("small", 2.0), ("large", 9.0)].map(|(name, ms)| Case::new(name, vec![ms], played).unwrap());
        Benchmark::new(Name::Assignment, "title", cases.to_vec(), played, Vec::new(), Value::Null)
    }

    #[test]
    fn ratios_compare_medians_over_all_rounds_and_the_worst_comes_first() {
        let rounds: [&[(&str, f64)]; 3] = [
            &[("small", 4.0), ("large", 10.0)],
            &[("small", 5.0), ("large", 12.0)],
            &[("small", 90.0), ("large", 1.0)],
        ];
        let found = benchmark(&[side("peer", Bound::below(1.0), &rounds)]);
        let ratios: Vec<_> =
            found.cases.iter().map(|case| (case.name.as_str(), case.peers[0].ratio)).collect();
        assert_eq!(ratios, [("large", 0.9), ("small", 0.4)]);
        assert_eq!((found.worst_ratio, found.met), (Some(0.9), Some(true)));
        assert_eq!(found.peers[0].turns.len(), 3);
    }

    #[test]
    fn a_target_is_decided_by_the_worst_case() {
        let rounds: [&[(&str, f64)]; 1] = [&[("small", 20.0), ("large", 10.0)]];
        assert_eq!(benchmark(&[side("peer", Bound::at_most(0.9), &rounds)]).met, Some(true));
        let missed = benchmark(&[side("peer", Bound::at_most(0.5), &rounds)]);
        assert_eq!((missed.met, missed.targets[0].measured), (Some(false), Some(0.9)));
    }

    #[test]
    fn an_absent_peer_leaves_its_target_open() {
        let found = benchmark(&[absent("peer")]);
        assert_eq!((found.met, found.worst_ratio), (None, None));
        assert_eq!(found.targets[0].met, None);
        assert_eq!(found.peers[0].absent.as_deref(), Some("not installed"));
    }

    #[test]
    fn a_missed_target_counts_whatever_else_is_open() {
        let rounds: [&[(&str, f64)]; 1] = [&[("small", 1.0), ("large", 1.0)]];
        assert_eq!(benchmark(&[absent("one"), side("other", Bound::at_most(1.0), &rounds)]).met, Some(false));
    }

    #[test]
    fn a_peer_that_skips_a_case_is_an_error() {
        let rounds: [&[(&str, f64)]; 1] = [&[("small", 1.0)]];
        let error = Case::new("large", vec![1.0], &[side("peer", Bound::at_most(1.0), &rounds)]).unwrap_err();
        assert!(error.to_string().contains("no times for large"), "{error}");
    }
}
