//! Finding the element of a group that brings one network nearest to another.
//!
//! [`weight_matching`] maximises `⟨vec(A), vec(g · B)⟩` over the group, which minimises the distance `‖A − g · B‖`, by
//! the coordinate ascent of Git Re-Basin (Ainsworth, Hayase and Srinivasa, *Git Re-Basin*, ICLR 2023, algorithm 1): with
//! the permutations of all other generators held, the best one of a generator is a linear assignment problem. The
//! joint problem is NP-hard, and what is found is a local optimum; further starts look for better ones.
//!
//! Ours differs in where it begins. From the identity the gains of most generators say next to nothing at first, because
//! their neighbours are not matched, and in residual networks what comes of that is often an optimum far from the best. So the
//! first start is grown: generators are matched one after the other, the one with the most matched neighbours next, and
//! as long as a neighbour is not matched, sorted entries stand for the entries that it moves. A permutation that was
//! planted is found so, also where nothing but the weights themselves tells units apart ([`planted`]), and the optima are
//! mostly better than those from the identity.
//!
//! It differs, too, in what decides: gains are computed in f32, but a permutation is adopted only if the objective, summed
//! in f64, rises by more than [`RELATIVE_PROGRESS`] of `‖A‖‖B‖`, so every adopted step is real progress and the ascent ends. A
//! generator whose gains cannot have changed since it was last solved is not solved again, and where a permutation
//! changed little, the gains are brought up to date by a product over the changed slots alone. Where a generator acts on
//! two axes of one parameter the objective is quadratic in its permutation; the assignment then maximises the
//! linearisation at the current permutation, along each of the axes in turn summed, and the same test on the true
//! objective guards it.
//!
//! [`joint`] matches any number of networks to each other at once, [`transport`] ones of unequal widths, [`partial`] merges units without
//! a permutation, and [`kinship`] tells whether there is anything to match.
//! [`circuit`] matches modulo everything else that the group has, the matrices of attention and rotations of residual streams.
//! [`layered`] does so for decoders of any size, layer by layer.
//! [`activation`] compares what units do on data instead; [`straight_through`], [`sinkhorn`] and [`learned`] descend on the loss
//! between the networks, the last modulo the whole group.

pub mod activation;
mod ascent;
mod carry;
mod change;
pub mod circuit;
mod gains;
mod growth;
mod improvement;
pub mod joint;
pub mod kinship;
pub mod layered;
pub mod learned;
mod midpoint;
mod objective;
pub mod partial;
pub mod planted;
mod problem;
mod shared;
mod signature;
pub mod sinkhorn;
mod sorting;
pub mod straight_through;
pub mod transport;

use graph::Executor;
use models::Params;
use tensor::Key;

use crate::{Element, Group, SymmetryError, assignment::Certificate};
use ascent::{Ascent, Start};
pub use improvement::Improvement;
use problem::Problem;

/// A step counts as progress if it raises the objective by more than this fraction of `‖A‖‖B‖`, which bounds the
/// objective: 1e-12. Ours: two orders above the rounding of the sums in f64, and far below what moving one weight
/// changes.
pub const RELATIVE_PROGRESS: f64 = 1e-12;

/// How to search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// The number of further starts after the first. The first is grown from what no permutation moves, as the module's
    /// documentation says; the second begins at the identity, each further one at a random element. The second is made,
    /// asked for or not, where the first ends below the objective of the identity. The best result counts, and the earliest
    /// of equals.
    pub restarts: usize,
    /// Draws the order in which the generators of a sweep are visited, and the random elements.
    pub key: Key,
    /// A start ends after this many sweeps even if it still makes progress; at least 1.
    pub max_sweeps: usize,
}

/// No further start, seed 0, and at most 100 sweeps as in the published code.
impl Default for Options {
    fn default() -> Self {
        Self { restarts: 0, key: Key::new(0), max_sweeps: 100 }
    }
}

/// The objective after one generator was solved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// The sweep, from 1.
    pub sweep: usize,
    /// The position of the generator among those that can be exchanged.
    pub generator: usize,
    /// The objective after the step.
    pub objective: f64,
    /// Whether the step changed the element.
    pub adopted: bool,
}

/// What one start reached.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StartSummary {
    /// The objective at its beginning; of the first start, when it is grown.
    pub initial_objective: f64,
    /// The objective at its end.
    pub objective: f64,
    /// The number of sweeps, the last one without progress included.
    pub sweeps: usize,
    /// Whether the last sweep made no progress; if not, `max_sweeps` ended the start.
    pub converged: bool,
}

/// The proof that the last assignment problem of a generator was solved.
#[derive(Clone, Debug, PartialEq)]
pub struct Proof {
    /// The generator's name.
    pub generator: String,
    /// The dual certificate of its assignment for the gains at which it was last solved.
    pub certificate: Certificate,
    /// How much the element's own permutation falls short of that assignment in those gains, in units of the
    /// objective: what a better permutation of this generator alone could bring, other than by the rounding of the gains
    /// to f32.
    pub shortfall: f64,
}

/// The result of a matching.
#[derive(Clone, Debug, PartialEq)]
pub struct Matching {
    /// The element `g` for which `g · B` is aligned to A.
    pub element: Element,
    /// `⟨vec(A), vec(g · B)⟩`, over trained parameters, in f64.
    pub objective: f64,
    /// The same at the identity.
    pub identity_objective: f64,
    /// `‖A‖` and `‖B‖` over trained parameters: the distance of A and `g · B` is the root of
    /// `‖A‖² + ‖B‖² − 2 objective`.
    pub norms: [f64; 2],
    /// The steps of the best start, in order.
    pub trajectory: Vec<Step>,
    /// Which start was best, from 0.
    pub best_start: usize,
    /// All starts in order.
    pub starts: Vec<StartSummary>,
    /// For the best start, the proof of every generator's last assignment.
    pub proofs: Vec<Proof>,
}

impl Matching {
    /// The number of sweeps of the best start.
    #[must_use]
    pub fn sweeps(&self) -> usize {
        self.starts[self.best_start].sweeps
    }
}

/// The permutation `g` of `group` for which `g · b` is nearest to `a`, by coordinate ascent; see the module's
/// documentation. It has no factors. States (running statistics) move with `g` but do not count in the objective.
///
/// Equal inputs give equal bits, whatever the number of threads, if the executor's do.
///
/// # Errors
/// Where `a` or `b` is not of the group's architecture, not `f32` or not finite, `options.max_sweeps` is 0, the
/// executor refuses a matrix product, or products overflow.
pub fn weight_matching(
    executor: &dyn Executor,
    group: &Group,
    a: &Params,
    b: &Params,
    options: &Options,
) -> Result<Matching, SymmetryError> {
    if options.max_sweeps == 0 {
        return Err(SymmetryError::Zero { what: "sweeps of a matching" });
    }
    let permuting = group.permutations();
    let problem = Problem::new(&permuting, a, b)?;
    let mut ascent = Ascent::new(executor, &problem);
    let identity = permuting.identity();
    let identity_objective = problem.objective(identity.permutations()).total();
    let mut climb = |start: usize| {
        let key = options.key.child("start").fold(start as u64);
        let random;
        let from = match start {
            0 => Start::Grown,
            1 => Start::At(&identity),
            _ => {
                random = permuting.random(key.child("element"));
                Start::At(&random)
            }
        };
        ascent.run(from, key.child("order"), options.max_sweeps)
    };
    let mut best = climb(0)?;
    let further = options.restarts.max(usize::from(best.summary.objective < identity_objective));
    let (mut best_start, mut starts) = (0, vec![best.summary]);
    for start in 1..=further {
        let run = climb(start)?;
        starts.push(run.summary);
        if run.summary.objective > best.summary.objective {
            (best_start, best) = (start, run);
        }
    }
    Ok(Matching {
        element: group.element(group.with_idle(best.permutations))?,
        objective: best.summary.objective,
        identity_objective,
        norms: problem.norms,
        trajectory: best.trajectory,
        best_start,
        starts,
        proofs: best.proofs,
    })
}

/// `⟨vec(a), vec(g · b)⟩` over trained parameters, summed in f64, for an element `g` of `group`.
///
/// # Errors
/// Where `element` is not one of the group, or `a` or `b` is not of its architecture, not `f32` or not finite.
pub fn objective(group: &Group, a: &Params, b: &Params, element: &Element) -> Result<f64, SymmetryError> {
    let moved = group.act(element, b)?;
    let problem = Problem::new(group, a, &moved)?;
    Ok(problem.objective(group.identity().permutations()).total())
}
