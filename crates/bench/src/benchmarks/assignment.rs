//! Linear assignment, on matrices of the kinds that matching solves.

use std::{
    fs,
    path::{Path, PathBuf},
};

use isoloss::symmetry::assignment::{Assignment, maximise};
use serde_json::{Value, json};

use super::temporary_folder;
use crate::{
    BenchError, Benchmark, Bound, Case, Name, Target,
    measure::{Played, Stage, time_ms},
    peer::{Answer, Call},
};

const SCRIPT: &str = "assignment.py";
const KINDS: [&str; 3] = ["weights", "relu", "planted"];

/// The solvers that are peers, as the script names them.
const SOLVERS: [(&str, &str); 4] = [("SciPy", "scipy"), ("lap", "lap"), ("lapjv", "lapjv"), ("lapx", "lapx")];

/// Which matrices are solved, and how often.
pub(super) struct Contest {
    sizes: &'static [usize],
    /// Timed solutions of each matrix in a turn.
    runs: usize,
    /// Whether one more comes before them, not timed.
    is_warm: bool,
    /// What our time divided by that of each of [`SOLVERS`] is to keep.
    bounds: [Option<Bound>; 4],
}

const FASTER: Option<Bound> = Some(Bound::below(1.0));

const SMALL: Contest =
    Contest { sizes: &[512, 1024, 2048], runs: 5, is_warm: true, bounds: [FASTER, FASTER, FASTER, None] };

/// Matrices on which a peer takes minutes.
pub(super) const LARGE: Contest =
    Contest { sizes: &[4096, 8192], runs: 1, is_warm: false, bounds: [Some(Bound::at_most(0.5)); 4] };

/// How far ours may stay below a peer's objective, relative to it. Ours: both are sums of the same 32-bit gains in 64-bit
/// floats, so only the order of adding differs.
const ROUNDING: f64 = 1e-9;

/// A matrix and what ours found.
struct Problem {
    name: String,
    n: usize,
    gains: Vec<f32>,
    times: Vec<f64>,
    found: Option<Assignment>,
}

/// What a contest came to.
pub(super) struct Found {
    pub(super) cases: Vec<Case>,
    pub(super) played: Vec<Played>,
    pub(super) targets: Vec<Target>,
    pub(super) checks: Value,
}

pub(super) fn run(stage: &mut Stage<'_>) -> Result<Benchmark, BenchError> {
    let Found { cases, played, targets, checks } = SMALL.hold(stage, Name::Assignment)?;
    let title = "the best sum of one entry in each row and column";
    Ok(Benchmark::new(Name::Assignment, title, cases, &played, targets, checks))
}

impl Contest {
    /// Ours and the peers in turn, on matrices that the peers' script draws.
    pub(super) fn hold(&self, stage: &mut Stage<'_>, name: Name) -> Result<Found, BenchError> {
        let folder = temporary_folder()?;
        let generator = self.call("the generator of matrices", &[]).with_path("--generate", folder.path());
        let mut problems = match stage.peers.ask(&generator)? {
            Answer::Present(_) => self.read_all(folder.path())?,
            Answer::Absent(_) => Vec::new(),
        };
        let played = stage.play(name.name(), self.calls(folder.path()), |_, _| {
            problems.iter_mut().try_for_each(|problem| problem.solve(self.runs, self.is_warm))
        })?;
        let cases = problems.iter().map(|problem| Case::new(&problem.name, problem.times.clone(), &played));
        let cases = cases.collect::<Result<Vec<Case>, BenchError>>()?;
        let (targets, checks) = (targets(&problems, &played)?, checks(&problems, &played));
        Ok(Found { cases, played, targets, checks })
    }

    fn call(&self, name: &'static str, arguments: &[&str]) -> Call {
        let mut call = Call::new(name, SCRIPT, arguments);
        call.arguments.push("--n".into());
        call.arguments.extend(self.sizes.iter().map(|n| n.to_string().into()));
        call
    }

    fn calls(&self, folder: &Path) -> Vec<Call> {
        let runs = self.runs.to_string();
        let calls = SOLVERS.into_iter().zip(self.bounds).map(|((name, solver), bound)| {
            let arguments = ["--solver", solver, "--runs", &runs, "--cold"];
            let arguments = if self.is_warm { &arguments[..4] } else { &arguments };
            Call { bound, ..self.call(name, arguments).with_path("--matrices", folder) }
        });
        calls.collect()
    }

    fn read_all(&self, folder: &Path) -> Result<Vec<Problem>, BenchError> {
        let names = self.sizes.iter().flat_map(|&n| KINDS.map(|kind| (format!("{kind}-{n}"), n)));
        names.map(|(name, n)| Problem::read(folder, name, n)).collect()
    }
}

impl Problem {
    fn read(folder: &Path, name: String, n: usize) -> Result<Self, BenchError> {
        let path = folder.join(format!("{name}.f32"));
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(source) => return Err(BenchError::Read { path, source }),
        };
        let gains = floats(path, &bytes, n * n)?;
        Ok(Self { name, n, gains, times: Vec::new(), found: None })
    }

    fn solve(&mut self, runs: usize, is_warm: bool) -> Result<(), BenchError> {
        let solve = || maximise(&self.gains, self.n, None);
        if is_warm {
            solve()?;
        }
        for _ in 0..runs {
            let (ms, found) = time_ms(solve);
            self.found = Some(found?);
            self.times.push(ms);
        }
        Ok(())
    }

    /// Whether the duals prove that nothing better exists.
    fn is_proved(&self) -> Result<bool, BenchError> {
        match &self.found {
            Some(found) => Ok(found.certificate(&self.gains)?.holds()),
            None => Ok(false),
        }
    }

    fn objective(&self) -> f64 {
        self.found.as_ref().map_or(f64::NAN, |found| found.objective)
    }

    /// By how much ours falls short of the best that peers found, relative to that; negative where ours is better.
    fn shortfall(&self, played: &[Played]) -> Option<f64> {
        let reports = played.iter().flat_map(|side| &side.reports).flat_map(|report| &report.cases);
        let best = reports
            .filter(|case| case.name == self.name)
            .filter_map(|case| case.objective)
            .reduce(f64::max)?;
        Some((best - self.objective()) / best.abs())
    }
}

fn floats(path: PathBuf, bytes: &[u8], count: usize) -> Result<Vec<f32>, BenchError> {
    let (chunks, rest) = bytes.as_chunks::<4>();
    if chunks.len() != count || !rest.is_empty() {
        return Err(BenchError::MatrixSize { path, expected: 4 * count, found: bytes.len() });
    }
    Ok(chunks.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect())
}

fn targets(problems: &[Problem], played: &[Played]) -> Result<Vec<Target>, BenchError> {
    let proved = problems.iter().map(Problem::is_proved).collect::<Result<Vec<bool>, BenchError>>()?;
    let unproved = proved.iter().filter(|&&proved| !proved).count();
    let unproved = (!problems.is_empty()).then_some(unproved as f64);
    let shortfall = problems.iter().filter_map(|problem| problem.shortfall(played)).reduce(f64::max);
    Ok(vec![
        Target::new(
            "assignments of ours that their duals do not prove optimal",
            unproved,
            Bound::at_most(0.0),
        ),
        Target::new(
            "relative shortfall to the best peer's sum, worst case",
            shortfall,
            Bound::at_most(ROUNDING),
        ),
    ])
}

fn checks(problems: &[Problem], played: &[Played]) -> Value {
    let entry = |problem: &Problem| {
        let found = json!({ "objective": problem.objective(), "shortfall": problem.shortfall(played) });
        (problem.name.clone(), found)
    };
    problems.iter().map(entry).collect::<serde_json::Map<_, _>>().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peer::{PeerCase, PeerReport};

    fn solved() -> Problem {
        let gains = vec![4.0, 1.0, 3.0, 2.0, 0.0, 5.0, 3.0, 2.0, 2.0];
        let mut problem =
            Problem { name: "weights-3".to_owned(), n: 3, gains, times: Vec::new(), found: None };
        problem.solve(SMALL.runs, SMALL.is_warm).unwrap();
        problem
    }

    fn played(objective: f64) -> Played {
        let case = PeerCase { name: "weights-3".to_owned(), runs_ms: vec![1.0], objective: Some(objective) };
        let report = PeerReport {
            version: Value::Null,
            configuration: String::new(),
            cases: vec![case],
            raw: Value::Null,
        };
        Played { call: SMALL.calls(Path::new("m")).swap_remove(0), reports: vec![report], absent: None }
    }

    fn met(problem: Problem, objective: f64) -> Vec<Option<bool>> {
        targets(&[problem], &[played(objective)]).unwrap().iter().map(|target| target.met).collect()
    }

    #[test]
    fn a_peer_that_finds_more_shows_that_ours_is_not_optimal() {
        assert_eq!(solved().times.len(), SMALL.runs);
        assert_eq!(met(solved(), 11.0), [Some(true), Some(true)]);
        assert_eq!(met(solved(), 11.001), [Some(true), Some(false)]);
        assert_eq!(met(solved(), 10.0), [Some(true), Some(true)]);
    }

    #[test]
    fn an_unproved_assignment_is_noticed() {
        let mut problem = solved();
        if let Some(found) = &mut problem.found {
            found.row_duals[0] -= 1.0;
        }
        assert_eq!(met(problem, 11.0), [Some(false), Some(true)]);
    }

    #[test]
    fn without_matrices_nothing_is_decided() {
        let decided = targets(&[], &[]).unwrap();
        assert!(decided.iter().all(|target| target.met.is_none()));
    }

    #[test]
    fn peers_are_asked_for_the_sizes_and_runs_of_the_contest() {
        let words = |contest: &Contest| {
            let call = &contest.calls(Path::new("m"))[3];
            let words: Vec<_> = call.arguments.iter().map(|word| word.to_string_lossy()).collect();
            (words.join(" "), call.bound)
        };
        assert_eq!(words(&SMALL), ("--solver lapx --runs 5 --n 512 1024 2048 --matrices m".to_owned(), None));
        let large = "--solver lapx --runs 1 --cold --n 4096 8192 --matrices m".to_owned();
        assert_eq!(words(&LARGE), (large, Some(Bound::at_most(0.5))));
    }

    #[test]
    fn a_matrix_of_another_size_is_refused() {
        let bytes: Vec<u8> = [1f32, 2.0, 3.0, 4.0].iter().flat_map(|x| x.to_le_bytes()).collect();
        assert_eq!(floats("m".into(), &bytes, 4).unwrap(), [1.0, 2.0, 3.0, 4.0]);
        let message = floats("m".into(), &bytes[..15], 4).unwrap_err().to_string();
        assert_eq!(message, "m: expected 16 bytes, found 15");
    }
}
