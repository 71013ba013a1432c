//! Matching by weights modulo the whole group: permutations, also inside of blocks, signs, matrices and rotations.
//!
//! What is made small is `‖A − g·B‖²` over all trained parameters, where `g` is made of everything in the group but its scales. It is
//! the weight version of the matching of transformers by Theus et al. (*Generalized Linear Mode Connectivity for Transformers*,
//! arXiv 2506.22712), for any group: one step for each generator that is inside of no other, until no step brings
//! anything.
//! - Slots that are exchanged are assigned by inner products. Where something is mixed inside of them, as in heads of attention,
//!   the inner product of circuits stands for that of their parts: of `QᵀK` and of the product of values and
//!   outputs, which no matrix inside of the head changes. With rotary positions it is the circuit at equal positions. Slots
//!   inside of slots, as queries that share a key, are assigned for each pair of outer slots.
//! - What can be rotated, as a residual stream is once gains are folded ([`crate::Folding::fold`]), is rotated by the
//!   polar factor of the inner products, around ones that of what is orthogonal to them.
//! - What can be mixed by other matrices is mixed by the best that a descent finds from several starts. For equal circuits it is the
//!   exact one.
//!
//! A step that does not lower the distance by more than [`RELATIVE_PROGRESS`](super::RELATIVE_PROGRESS) of `‖A‖² + ‖B‖²` is taken
//! back, so the distance never rises. As in weight matching the first start is grown: next is the generator of which the largest
//! part is not moved by what is not matched yet. In a transformer that is the residual stream, by its embeddings and
//! biases; so whatever was planted is found at once, if these span the stream. It is grown with either sign of all that a
//! sign turns together, and the nearer one counts.

mod exchange;
mod matrices;
mod moments;
mod place;
mod step;

use std::collections::BTreeSet;

use models::Params;
use tensor::Key;

use crate::{Element, Group, SymmetryError, assignment::Certificate};
pub use matrices::Optimality;
pub(super) use matrices::{Moments, Products, dual, nearest, optimality};
use moments::Known;
pub(super) use moments::{products, ranks};
pub(super) use place::in_double;
use place::{Place, Undo};

/// How to search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// The number of further starts after the first, which is grown. The second is at the identity, each further one at a random
    /// permutation. The second is made, asked for or not, where the first ends farther away than the identity is.
    pub restarts: usize,
    /// A start ends after so many rounds even if it still makes progress; at least 1. The publication has about 5.
    pub max_rounds: usize,
    /// Draws random permutations.
    pub key: Key,
}

/// No further start, seed 0, at most 100 rounds: ours, because rounds end by themselves.
impl Default for Options {
    fn default() -> Self {
        Self { restarts: 0, max_rounds: 100, key: Key::new(0) }
    }
}

/// A start ends with a round that lowers the squared distance by less than this fraction of `‖A‖² + ‖B‖²`: 1e-8. Ours: what is
/// gained then does not show in a network.
pub const ROUND_PROGRESS: f64 = 1e-8;

/// What one start reached.
#[derive(Clone, Debug, PartialEq)]
pub struct StartSummary {
    /// The distance of A and `g · B` where it began, then after each round; it never rises.
    pub distances: Vec<f64>,
    /// Whether the last round made no progress; if not, `max_rounds` ended the start.
    pub converged: bool,
}

/// How good the result of a step is, with everything else as it is at the end.
#[derive(Clone, Debug, PartialEq)]
pub enum Proof {
    /// Of an exchange.
    Exchange {
        /// The generator's name.
        generator: String,
        /// The dual certificate of the best assignment for its gains.
        certificate: Certificate,
        /// Whether that assignment leaves everything in its place. If not, it had been tried and had not lowered the distance,
        /// which can be where circuits stand for their parts or a weight moves along two axes.
        is_kept: bool,
    },
    /// Of the matrix of a copy.
    Matrix {
        /// The generator's name.
        generator: String,
        /// The copy.
        copy: usize,
        /// How far it is from the best.
        optimality: Optimality,
    },
}

/// The result of a matching.
#[derive(Clone, Debug, PartialEq)]
pub struct CircuitMatching {
    /// The element `g` for which `g · B` is near to A.
    pub element: Element,
    /// The distance of A and B as they are.
    pub identity_distance: f64,
    /// All starts in order.
    pub starts: Vec<StartSummary>,
    /// Which start was best, from 0.
    pub best_start: usize,
    /// For the best start, a proof for each step.
    pub proofs: Vec<Proof>,
}

impl CircuitMatching {
    /// The start that was best.
    #[must_use]
    pub fn best(&self) -> &StartSummary {
        &self.starts[self.best_start]
    }

    /// The distance of A and `g · B`, over trained parameters.
    #[must_use]
    pub fn distance(&self) -> f64 {
        self.best().distances.last().copied().unwrap_or(self.identity_distance)
    }

    /// The number of rounds of the best start.
    #[must_use]
    pub fn rounds(&self) -> usize {
        self.best().distances.len() - 1
    }
}

/// The element `g` of `group` for which `g · b` is nearest to `a`, by alternating steps; see the module's documentation. It has no
/// scales. States (running statistics) move with `g` but do not count in the distance.
///
/// After each round `progress` is told the number of rounds of the start and the distance. Equal inputs give equal bits, whatever
/// the number of threads.
///
/// # Errors
/// Where `a` or `b` is not of the group's architecture or not finite, or `options.max_rounds` is 0.
pub fn circuit_matching(
    group: &Group,
    a: &Params,
    b: &Params,
    options: &Options,
    progress: &mut dyn FnMut(usize, f64),
) -> Result<CircuitMatching, SymmetryError> {
    if options.max_rounds == 0 {
        return Err(SymmetryError::Zero { what: "rounds of a matching" });
    }
    group.check_params(a)?;
    group.check_params(b)?;
    let (a, b) = (in_double("A", a)?, in_double("B", b)?);
    let at = |element: Element| Place::new(group, &a, &b, element);
    let identity_distance = at(group.identity())?.distance().sqrt();
    let mut first = grown(at(group.identity())?)?;
    for sign in roots(group).filter(|&root| step::turns_all(&group.generators()[root])) {
        // Around ones no rotation makes up for it, and what is grown with the wrong sign is mismatched.
        let turned = grown(at(step::turned(group, sign)?)?)?;
        first = if turned.distance() < first.distance() { turned } else { first };
    }
    let (mut best, summary) = run(first, options, progress)?;
    let (mut best_start, mut starts) = (0, vec![summary]);
    let further = options.restarts.max(usize::from(best.distance().sqrt() > identity_distance));
    for start in 1..=further {
        let from = match start {
            1 => group.identity(),
            _ => group.random_permutation(options.key.child("start").fold(start as u64)),
        };
        let (reached, summary) = run(at(from)?, options, progress)?;
        starts.push(summary);
        if reached.distance() < best.distance() {
            (best, best_start) = (reached, start);
        }
    }
    let proofs: Result<Vec<Vec<Proof>>, _> = roots(group).map(|root| step::proofs(&best, root)).collect();
    Ok(CircuitMatching {
        proofs: proofs?.concat(),
        element: best.element,
        identity_distance,
        starts,
        best_start,
    })
}

/// The generators that are inside of no other.
fn roots(group: &Group) -> impl Iterator<Item = usize> + '_ {
    (0..group.generators().len()).filter(|&position| group.generators()[position].parent.is_none())
}

/// Matches generators one after the other, each once: next is the one of which the largest part can be compared, the first of equals.
fn grown(mut place: Place<'_>) -> Result<Place<'_>, SymmetryError> {
    let mut open: Vec<usize> = roots(place.group).collect();
    let mut settled = BTreeSet::new();
    while let Some(next) = most_known(&place, &open, &settled) {
        let root = open.remove(next);
        step::step(&mut place, Known(Some(&settled)), root)?;
        settled.extend(step::tree(&place, root));
    }
    place.renewed()
}

/// The place among `open` of the generator of which the largest part can be compared.
fn most_known(place: &Place<'_>, open: &[usize], settled: &BTreeSet<usize>) -> Option<usize> {
    let known = |root: usize| {
        let actions = &place.group.generators()[root].actions;
        let entries = |action: &crate::ParameterAxis| {
            let shape = place.a.get(&action.parameter).map(|tensor| tensor.shape().elements());
            shape.filter(|_| place.is_trained(&action.parameter)).unwrap_or(0) as f64
        };
        let known = actions.iter().filter(|action| Known(Some(settled)).has(place, action));
        known.map(entries).sum::<f64>() / actions.iter().map(entries).sum::<f64>().max(1.0)
    };
    let all = open.iter().enumerate().rev();
    all.max_by(|(_, one), (_, other)| known(**one).total_cmp(&known(**other))).map(|(at, _)| at)
}

/// Rounds of steps from a place, until they bring no more.
fn run<'a>(
    mut place: Place<'a>,
    options: &Options,
    progress: &mut dyn FnMut(usize, f64),
) -> Result<(Place<'a>, StartSummary), SymmetryError> {
    let squares = |params: &Params| -> f64 { params.values().map(square).sum() };
    let scale = squares(place.a) + squares(&place.moved);
    let mut distances = vec![place.distance().sqrt()];
    let mut converged = false;
    while distances.len() <= options.max_rounds && !converged {
        let before = place.distance();
        round(&mut place, scale)?;
        place = place.renewed()?;
        converged = before - place.distance() <= ROUND_PROGRESS * scale;
        distances.push(place.distance().sqrt());
        progress(distances.len() - 1, place.distance().sqrt());
    }
    Ok((place, StartSummary { distances, converged }))
}

/// One step of each generator, taken back where it brings nothing.
fn round(place: &mut Place<'_>, scale: f64) -> Result<(), SymmetryError> {
    for root in roots(place.group).collect::<Vec<_>>() {
        if !guarded(place, scale, |place| step::step(place, Known(None), root))? {
            // What is inside may be improved where an exchange is not.
            guarded(place, scale, |place| step::mix_all(place, Known(None), root))?;
        }
        if step::turns_all(&place.group.generators()[root]) {
            guarded(place, scale, |place| step::turn_all(place, root))?;
        }
    }
    Ok(())
}

/// Makes a move, and takes it back if it does not bring B nearer; whether it does.
fn guarded<'a>(
    place: &mut Place<'a>,
    scale: f64,
    make: impl FnOnce(&mut Place<'a>) -> Result<Vec<Undo>, SymmetryError>,
) -> Result<bool, SymmetryError> {
    let before = place.distance();
    let undo = make(place)?;
    let is_progress = place.distance() < before - super::RELATIVE_PROGRESS * scale;
    if !is_progress {
        undo.into_iter().rev().for_each(|undo| place.take_back(undo));
    }
    Ok(is_progress)
}

fn square(tensor: &tensor::Tensor) -> f64 {
    tensor.as_slice::<f64>().map_or(0.0, |values| values.iter().map(|value| value * value).sum())
}
