//! Coordinate ascent over the generators.

use graph::Executor;
use tensor::{Key, parallel};

use super::{
    Proof, StartSummary, Step, gains::Part, objective::Objective, problem::Problem, shared::SharedProducts,
};
use crate::{Element, SymmetryError, assignment};

/// What one start found.
pub(super) struct Run {
    pub(super) permutations: Vec<Vec<u32>>,
    pub(super) summary: StartSummary,
    pub(super) trajectory: Vec<Step>,
    pub(super) proofs: Vec<Proof>,
}

/// Everything that outlives a start: compiled products, and those that no permutation changes.
pub(super) struct Ascent<'a> {
    pub(super) problem: &'a Problem<'a>,
    pub(super) coordinates: Vec<Coordinate<'a>>,
    pub(super) products: SharedProducts<'a>,
    /// Counts the permutations ever adopted, so that a version is never used twice.
    pub(super) clock: u64,
}

/// One generator.
pub(super) struct Coordinate<'a> {
    name: &'a str,
    size: usize,
    pub(super) parts: Vec<Part<'a>>,
    /// The positions of the parameters that it moves.
    touched: Vec<usize>,
    /// The gains of the last problem.
    pub(super) gains: Vec<f32>,
    solved: Option<Solved>,
}

/// The solution of a generator's last problem.
struct Solved {
    best: assignment::Assignment,
    /// The versions, at the time, of all permutations on which the gains depend.
    versions: Vec<u64>,
}

/// Where a start is.
pub(super) struct State {
    pub(super) permutations: Vec<Vec<u32>>,
    /// For each generator, when its permutation was adopted.
    pub(super) versions: Vec<u64>,
    pub(super) objective: Objective,
}

/// Where a climb begins.
#[derive(Clone, Copy)]
pub(super) enum Start<'a> {
    /// Grown from what no permutation moves.
    Grown,
    /// At an element.
    At(&'a Element),
}

impl<'a> Ascent<'a> {
    pub(super) fn new(executor: &'a dyn Executor, problem: &'a Problem<'a>) -> Self {
        let generators = problem.group.generators().iter();
        let coordinates = generators.map(|generator| {
            let actions = generator.actions.iter();
            let placed = actions.filter_map(|action| Some((problem.position(&action.parameter)?, action)));
            let placed: Vec<_> = placed.collect();
            let parts = placed.iter().map(|(at, action)| Part::new(problem, &problem.pairs[*at], action));
            let parts = parts.collect();
            let mut touched: Vec<usize> = placed.into_iter().map(|(at, _)| at).collect();
            touched.dedup();
            let (name, size, gains) = (&*generator.name, generator.size, vec![0.0; generator.size.pow(2)]);
            Coordinate { name, size, parts, touched, gains, solved: None }
        });
        let (coordinates, products) = (coordinates.collect(), SharedProducts::new(executor));
        Self { problem, coordinates, products, clock: 0 }
    }

    /// Climbs from a start until a sweep makes no progress.
    pub(super) fn run(
        &mut self,
        start: Start<'_>,
        key: Key,
        max_sweeps: usize,
    ) -> Result<Run, SymmetryError> {
        let mut state = self.begin(start)?;
        let initial_objective = state.objective.total();
        let (mut trajectory, mut sweeps, mut converged) = (Vec::new(), 0, false);
        while sweeps < max_sweeps && !converged {
            sweeps += 1;
            converged = true;
            for generator in key.fold(sweeps as u64).permutation(self.coordinates.len()) {
                let Some(adopted) = self.step(generator, &mut state)? else { continue };
                converged &= !adopted;
                let objective = state.objective.total();
                trajectory.push(Step { sweep: sweeps, generator, objective, adopted });
            }
        }
        let objective = state.objective.total();
        let summary = StartSummary { initial_objective, objective, sweeps, converged };
        Ok(Run { proofs: self.proofs(&state)?, permutations: state.permutations, summary, trajectory })
    }

    /// Starts afresh; nothing of an earlier start but products that depend on no permutation is kept, so that a start's
    /// result does not depend on those before it.
    fn begin(&mut self, start: Start<'_>) -> Result<State, SymmetryError> {
        for coordinate in &mut self.coordinates {
            coordinate.solved = None;
            coordinate.parts.iter_mut().for_each(Part::forget);
        }
        self.clock += 1;
        let mut permutations = match start {
            Start::Grown => self.problem.group.identity().permutations().to_vec(),
            Start::At(element) => element.permutations().to_vec(),
        };
        let mut versions = vec![self.clock; permutations.len()];
        if let Start::Grown = start {
            self.grow(&mut permutations, &mut versions)?;
        }
        let objective = self.problem.objective(&permutations);
        Ok(State { permutations, versions, objective })
    }

    /// Solves one generator and adopts its permutation if that is progress; `None` if nothing that its gains depend
    /// on has changed since it was last solved.
    fn step(&mut self, generator: usize, state: &mut State) -> Result<Option<bool>, SymmetryError> {
        let Some(best) = self.coordinates[generator].solve(&mut self.products, self.problem, state)? else {
            return Ok(None);
        };
        if best == state.permutations[generator] {
            return Ok(Some(false));
        }
        let held = std::mem::replace(&mut state.permutations[generator], best);
        let touched = &self.coordinates[generator].touched;
        let terms = touched.iter().map(|&at| (at, self.problem.inner_product(at, &state.permutations)));
        let objective = state.objective.with(terms);
        if objective.total() > state.objective.total() + self.problem.progress {
            state.objective = objective;
            self.clock += 1;
            state.versions[generator] = self.clock;
            return Ok(Some(true));
        }
        state.permutations[generator] = held;
        Ok(Some(false))
    }

    fn proofs(&self, state: &State) -> Result<Vec<Proof>, SymmetryError> {
        let solved =
            self.coordinates.iter().zip(&state.permutations).filter_map(|(coordinate, permutation)| {
                let Coordinate { name, gains, solved: Some(Solved { best, .. }), .. } = coordinate else {
                    return None;
                };
                Some(Claim { generator: name, gains, best, permutation })
            });
        let claims: Vec<Claim<'_>> = solved.collect();
        parallel::map(claims.len(), |position| claims[position].prove()).into_iter().collect()
    }
}

/// What is to be proved of a generator: that `best` is best for `gains`.
struct Claim<'a> {
    generator: &'a str,
    gains: &'a [f32],
    best: &'a assignment::Assignment,
    /// The generator's part of the element.
    permutation: &'a [u32],
}

impl Claim<'_> {
    fn prove(&self) -> Result<Proof, SymmetryError> {
        let generator = self.generator.to_owned();
        let certificate = match self.best.certificate(self.gains) {
            Ok(certificate) => certificate,
            Err(source) => return Err(SymmetryError::Assignment { generator, source }),
        };
        let rows = self.gains.chunks(self.permutation.len()).zip(self.permutation);
        let own: f64 = rows.map(|(row, &slot)| f64::from(row[slot as usize])).sum();
        Ok(Proof { generator, certificate, shortfall: self.best.objective - own })
    }
}

impl Coordinate<'_> {
    /// The best permutation at the state's permutations of the other generators.
    fn solve(
        &mut self,
        products: &mut SharedProducts<'_>,
        problem: &Problem<'_>,
        state: &State,
    ) -> Result<Option<Vec<u32>>, SymmetryError> {
        let movers = self.parts.iter().flat_map(Part::movers);
        let versions: Vec<u64> = movers.map(|&mover| state.versions[mover]).collect();
        if self.solved.as_ref().is_some_and(|solved| solved.versions == versions) {
            return Ok(None);
        }
        self.sum_parts(products, problem, state)?;
        let best = self.assign(self.solved.as_ref().map(|solved| solved.best.warm()))?;
        let permutation = best.row_to_col.clone();
        self.solved = Some(Solved { best, versions });
        Ok(Some(permutation))
    }

    /// The best assignment for the gains.
    pub(super) fn assign(
        &self,
        warm: Option<assignment::Warm<'_>>,
    ) -> Result<assignment::Assignment, SymmetryError> {
        let best = assignment::maximise(&self.gains, self.size, warm);
        best.map_err(|source| SymmetryError::Assignment { generator: self.name.to_owned(), source })
    }

    /// Makes the gains the sum of all parts.
    fn sum_parts(
        &mut self,
        products: &mut SharedProducts<'_>,
        problem: &Problem<'_>,
        state: &State,
    ) -> Result<(), SymmetryError> {
        self.gains.fill(0.0);
        for part in &mut self.parts {
            let matrix = part.matrix(products, problem, &state.permutations, &state.versions)?;
            add(&mut self.gains, matrix);
        }
        Ok(())
    }
}

/// Adds a part's matrix to the gains.
pub(super) fn add(gains: &mut [f32], matrix: &[f32]) {
    parallel::for_each_chunk(gains, ADDED_AT_ONCE, |start, gains| {
        gains.iter_mut().zip(&matrix[start..]).for_each(|(gain, part)| *gain += part);
    });
}

/// Gains added by one parallel task; ours.
const ADDED_AT_ONCE: usize = 1 << 15;
