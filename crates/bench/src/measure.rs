//! Taking turns, and medians.

use std::time::Instant;

use isoloss::graph::Executor;

use crate::{
    BenchError, Benchmark, Load, Options, Run,
    peer::{Answer, Call, PeerReport, Peers},
};

/// What every benchmark works with.
pub(crate) struct Stage<'a> {
    /// Runs our graphs.
    pub(crate) executor: &'a dyn Executor,
    /// Runs them elsewhere, where a device was asked for.
    pub(crate) device: Option<&'a dyn Executor>,
    /// What was asked for.
    pub(crate) options: &'a Options,
    /// The peers.
    pub(crate) peers: Peers,
    /// What else runs on the machine.
    pub(crate) load: Load,
    /// Is told what is being done.
    pub(crate) notify: &'a mut dyn FnMut(&str),
    /// Is given all that is finished, time and again.
    pub(crate) keep: &'a mut dyn FnMut(&Run) -> Result<(), BenchError>,
    /// The benchmarks that are finished.
    pub(crate) finished: Vec<Benchmark>,
}

/// What a peer did in its turns.
#[derive(Clone, Debug)]
pub(crate) struct Played {
    /// How it was asked.
    pub(crate) call: Call,
    /// What it printed, once for each round.
    pub(crate) reports: Vec<PeerReport>,
    /// Why it is absent, if it is.
    pub(crate) absent: Option<String>,
}

impl Stage<'_> {
    /// Ours and each peer in turn, round after round; rounds are counted from 0. A peer that is absent is asked once.
    pub(crate) fn play(
        &mut self,
        benchmark: &str,
        calls: Vec<Call>,
        mut ours: impl FnMut(&Self, usize) -> Result<(), BenchError>,
    ) -> Result<Vec<Played>, BenchError> {
        let mut played: Vec<Played> =
            calls.into_iter().map(|call| Played { call, reports: Vec::new(), absent: None }).collect();
        for round in 0..self.options.rounds {
            self.announce(benchmark, round, "isoloss");
            ours(self, round)?;
            for side in played.iter_mut().filter(|side| side.absent.is_none()) {
                self.announce(benchmark, round, side.call.name);
                match self.peers.ask(&side.call)? {
                    Answer::Present(report) => side.reports.push(report),
                    Answer::Absent(reason) => side.absent = Some(reason),
                }
            }
        }
        Ok(played)
    }

    pub(crate) fn announce(&mut self, benchmark: &str, round: usize, side: &str) {
        (self.notify)(&format!("{benchmark}, round {} of {}: {side}", round + 1, self.options.rounds));
        self.load.between_turns();
    }
}

/// The time of an action in milliseconds, and what it returned.
pub(crate) fn time_ms<T>(action: impl FnOnce() -> T) -> (f64, T) {
    let start = Instant::now();
    let returned = action();
    (1e3 * start.elapsed().as_secs_f64(), returned)
}

/// Seconds of repetitions in a turn. The peers' scripts have the same; of what takes longer they make one.
const TURN_SECONDS: f64 = 1.5;

/// The least and the most repetitions in a turn.
const REPETITIONS: [usize; 2] = [3, 400];

/// The times in milliseconds of as many runs as a turn has room for. What is run should be warm.
pub(crate) fn runs_within<E>(mut run: impl FnMut() -> Result<(), E>) -> Result<Vec<f64>, E> {
    let [least, most] = REPETITIONS;
    let mut times = Vec::new();
    while times.len() < least || (times.len() < most && times.iter().sum::<f64>() < 1e3 * TURN_SECONDS) {
        let (ms, result) = time_ms(&mut run);
        result?;
        times.push(ms);
    }
    Ok(times)
}

/// The middle value, or the mean of the two in the middle; NaN for none.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        count if count % 2 == 1 => sorted[count / 2],
        count => f64::midpoint(sorted[count / 2 - 1], sorted[count / 2]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_does_not_depend_on_the_order() {
        assert_eq!(median(&[5.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 100.0]), 3.0);
        assert_eq!(median(&[7.0]), 7.0);
        assert!(median(&[]).is_nan());
    }
}
