//! Testing in numbers that a group leaves a network's function unchanged.

use std::collections::BTreeSet;

use graph::{Executor, Graph};
use models::Params;
use tensor::{Key, parallel};

use crate::{
    Element, Folding, Generator, Group, LinearGroup, Matrix, Subject, SymmetryError, bench::Bench,
    generator::Part,
};

/// The largest relative change of the outputs that passes for rounding in f64: 1e-10. Ours: sums in another order
/// change outputs of deep networks by 1e-15 to 1e-13, and false symmetries change them by orders of 1.
pub const TOLERANCE: f64 = 1e-10;

/// What the test of one part of a generator, or of all together, measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Checked {
    /// The generator's name, with the factors where they are tested: `scale of …`, `sign of …`; `everything jointly` for all
    /// together.
    pub name: String,
    /// The largest change of any output over all trials, relative to the output's largest magnitude and to the condition
    /// number of the element: the largest ratio of two factors within one parameter, 1 for permutations and signs.
    /// Infinite where an output was not finite.
    pub worst_relative: f64,
}

impl Checked {
    /// Whether the change is within [`TOLERANCE`].
    #[must_use]
    pub fn passed(&self) -> bool {
        self.worst_relative <= TOLERANCE
    }
}

/// The result of testing a group on a network.
#[derive(Clone, Debug, PartialEq)]
pub struct Certificate {
    /// The permutations of each generator and each of its families alone, in the group's order, where they were tested so.
    pub parts: Vec<Checked>,
    /// Everything together.
    pub jointly: Checked,
    /// The number of random elements in each test; each third element begins with new parameters and data, and the others move
    /// what the one before has moved.
    pub trials: usize,
}

impl Certificate {
    /// Whether every test passed.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.checks().all(Checked::passed)
    }

    /// The largest relative change that any test measured.
    #[must_use]
    pub fn worst_relative(&self) -> f64 {
        self.checks().map(|check| check.worst_relative).fold(0.0, f64::max)
    }

    /// The tests that failed.
    pub fn failures(&self) -> impl Iterator<Item = &Checked> {
        self.checks().filter(|check| !check.passed())
    }

    fn checks(&self) -> impl Iterator<Item = &Checked> {
        self.parts.iter().chain([&self.jointly])
    }
}

/// A group of which every part has passed, and what became of the others.
#[derive(Clone, Debug, PartialEq)]
pub struct Certified {
    /// The group of what passed: safe to use.
    pub group: Group,
    /// The certificate of that group.
    pub certificate: Certificate,
    /// What was refused, with the change that it made.
    pub refused: Vec<Checked>,
}

/// Elements that are tried in a row, each where the one before has moved the parameters. Ours: a point drawn at random is as good as
/// another, but that units may be inactive there, and rounding adds up.
const ELEMENTS_PER_POINT: usize = 3;

/// Tests every part of `group`, and all together, on `graphs`, which compute one network in its modes: at random
/// parameters, states and data the outputs must be those at the parameters moved by an element, within [`TOLERANCE`]; new
/// states must be moved as the old ones are.
///
/// Permutations of a generator are tested with a cycle of all its slots and an exchange of the first two, which generate all,
/// and then with `trials` random ones; factors, and everything together, with `trials` random elements.
///
/// Parameters are uniform with mean 0 and deviation 1, matrices scaled by one over the root of their fan-in, so that activations stay
/// of order 1; states, which may be variances, are at least 1/2; data is like parameters, integers are 0 or 1.
///
/// # Errors
/// Where `trials` is 0, a floating-point input of a graph is not `f64`, the group was made from another architecture,
/// or a graph cannot be run.
pub fn certify(
    executor: &dyn Executor,
    graphs: &[&Graph],
    group: &Group,
    key: Key,
    trials: usize,
) -> Result<Certificate, SymmetryError> {
    Certifier::new(executor, graphs).certify(group, key, trials)
}

/// The part of `group` that leaves the network unchanged, and that alone: what fails is never used, and neither is what
/// holds only approximately.
///
/// Everything exact is tested together, with a cycle of all slots of every generator, an exchange of their first two, and
/// `trials` random elements, which may be none. That is as sharp as [`certify`] but for parts that are false each and true together, which
/// pass a random element with probability 1/2 at most. If it fails, each part is tested alone, those that fail are left out,
/// and the rest is tested together again; if that fails too, nothing is left. What approximate factors change is measured by
/// [`Certifier::approximation`].
///
/// # Errors
/// As [`certify`], but for `trials`.
pub fn certified(
    executor: &dyn Executor,
    graphs: &[&Graph],
    group: &Group,
    key: Key,
    trials: usize,
) -> Result<Certified, SymmetryError> {
    Certifier::new(executor, graphs).certified(group, key, trials)
}

/// Tests one after the other what is said of one network, in the same memory.
pub struct Certifier<'a> {
    executor: &'a dyn Executor,
    graphs: Vec<&'a Graph>,
    room: Params,
}

impl<'a> Certifier<'a> {
    /// For the network that `graphs` compute in its modes.
    #[must_use]
    pub fn new(executor: &'a dyn Executor, graphs: &[&'a Graph]) -> Self {
        Self { executor, graphs: graphs.to_vec(), room: Params::default() }
    }

    /// Runs the network, with the same memory for its parameters as before.
    pub(crate) fn in_all_modes<T>(
        &mut self,
        test: impl FnOnce(&mut Bench<'_>) -> Result<T, SymmetryError>,
    ) -> Result<T, SymmetryError> {
        let graphs = self.graphs.clone();
        self.on(&graphs, test)
    }

    /// The same with other graphs of the network.
    fn on<T>(
        &mut self,
        graphs: &[&Graph],
        test: impl FnOnce(&mut Bench<'_>) -> Result<T, SymmetryError>,
    ) -> Result<T, SymmetryError> {
        let mut bench = Bench::new(self.executor, graphs, std::mem::take(&mut self.room))?;
        let result = test(&mut bench);
        self.room = bench.into_room();
        result
    }

    /// As the function [`certify`](crate::certify()).
    ///
    /// # Errors
    /// As it.
    pub fn certify(&mut self, group: &Group, key: Key, trials: usize) -> Result<Certificate, SymmetryError> {
        if trials == 0 {
            return Err(SymmetryError::Zero { what: "trials of a certificate" });
        }
        self.in_all_modes(|bench| {
            let mut trial = Trial { bench, group, key };
            let parts = group.parts().map(|(position, part)| trial.part(position, part, trials));
            let parts = parts.collect::<Result<_, SymmetryError>>()?;
            Ok(Certificate { parts, jointly: trial.jointly(&group.exact(), trials)?, trials })
        })
    }

    /// As the function [`certified`](crate::certified()).
    ///
    /// # Errors
    /// As it.
    pub fn certified(&mut self, group: &Group, key: Key, trials: usize) -> Result<Certified, SymmetryError> {
        self.in_all_modes(|bench| Trial { bench, group, key }.certified(trials))
    }

    /// What of the group of a network with folded gains passes, tested on the network with ones in place of the gains.
    ///
    /// # Errors
    /// As [`certified`](crate::certified()).
    pub fn folded(&mut self, folding: &Folding, key: Key, trials: usize) -> Result<Certified, SymmetryError> {
        let graphs: Vec<Graph> = self.graphs.iter().map(|graph| folding.without_gains(graph)).collect();
        let group = folding.without_subjects();
        let tested = self.on(&graphs.iter().collect::<Vec<_>>(), |bench| {
            Trial { bench, group: &group, key }.certified(trials)
        })?;
        Ok(Certified { group: folding.with_all_subjects(&tested.group), ..tested })
    }

    /// What the factors that normalisations take out but for their epsilons change all at once, random ones (see [`Group::random`])
    /// at random parameters and data, in the first mode: the largest change of an output relative to the outputs. `None` where there are none.
    ///
    /// # Errors
    /// As [`certify`](crate::certify()).
    pub fn approximation(&mut self, group: &Group, key: Key) -> Result<Option<Checked>, SymmetryError> {
        let factors = group.keeping(|generator, part| group.generators()[generator].is_approximate(part));
        if factors.generators().is_empty() {
            return Ok(None);
        }
        let element = factors.random(key.child("element"));
        let worst_relative =
            self.in_first_mode(|bench| Trial { bench, group: &factors, key }.once(&element))?;
        Ok(Some(Checked { name: "all approximate factors".to_owned(), worst_relative }))
    }

    /// The same for each family of such factors alone.
    ///
    /// # Errors
    /// As [`certify`](crate::certify()).
    pub fn approximations(&mut self, group: &Group, key: Key) -> Result<Vec<Checked>, SymmetryError> {
        self.in_first_mode(|bench| {
            let mut trial = Trial { bench, group, key };
            let parts =
                group.parts().filter(|&(position, part)| group.generators()[position].is_approximate(part));
            let measured = parts.map(|(position, part)| {
                let element = single(group, position, part, 0, key.child("element"));
                Ok(Checked { name: trial.name(position, part), worst_relative: trial.once(&element)? })
            });
            measured.collect()
        })
    }

    fn in_first_mode<T>(
        &mut self,
        test: impl FnOnce(&mut Bench<'_>) -> Result<T, SymmetryError>,
    ) -> Result<T, SymmetryError> {
        let first: Vec<&Graph> = self.graphs.iter().copied().take(1).collect();
        self.on(&first, test)
    }
}

/// An element with one part of one generator only; see [`arrange`] for permutations.
fn single(group: &Group, position: usize, part: Part, trial: usize, key: Key) -> Element {
    let mut element = group.identity();
    group.randomise(&mut element, position, part, key, Matrix::random_in_blocks);
    if part == Part::Permutation {
        arrange(trial, &group.generators()[position], element.permutation_mut(position));
    }
    element
}

/// A random element of everything; see [`arrange`] for permutations, and [`Matrix::random_in_blocks`].
fn every(group: &Group, trial: usize, key: Key) -> Element {
    let mut element = group.random_by(key, Matrix::random_in_blocks);
    for (position, generator) in
        group.generators().iter().enumerate().filter(|(_, each)| each.is_exchangeable)
    {
        arrange(trial, generator, element.permutation_mut(position));
    }
    element
}

/// Makes of the permutation of each copy a cycle of all slots in trial 0, an exchange of the first two in trial 1, which together
/// generate all permutations, and leaves those after as they are.
fn arrange(trial: usize, generator: &Generator, permutation: &mut [u32]) {
    if trial > 1 {
        return;
    }
    permutation.iter_mut().zip(0..).for_each(|(entry, slot)| *entry = slot);
    for copy in permutation.chunks_mut(generator.size) {
        match trial {
            0 => copy.rotate_left(1),
            _ => copy.get_mut(..2).into_iter().for_each(<[u32]>::reverse),
        }
    }
}

/// A group whose elements move the parameters of a network.
struct Trial<'a, 'b> {
    bench: &'a mut Bench<'b>,
    group: &'a Group,
    key: Key,
}

impl Trial<'_, '_> {
    fn certified(&mut self, trials: usize) -> Result<Certified, SymmetryError> {
        let group = self.group;
        let is_approximate =
            |&(position, part): &(usize, Part)| group.generators()[position].is_approximate(part);
        let (mut kept, mut refused) = (group.exact(), Vec::new());
        let mut jointly = self.jointly(&kept, trials)?;
        if !jointly.passed() {
            let mut passed = BTreeSet::new();
            for (position, part) in group.parts().filter(|part| !is_approximate(part)) {
                let checked = self.part(position, part, trials.max(1))?;
                if checked.passed() {
                    passed.insert((position, part));
                } else {
                    refused.push(checked);
                }
            }
            kept = group.keeping(|position, part| passed.contains(&(position, part)));
            jointly = self.jointly(&kept, trials)?;
        }
        if !jointly.passed() {
            kept = group.keeping(|_, _| false);
            refused.push(std::mem::replace(&mut jointly, self.jointly(&kept, trials)?));
        }
        let certificate = Certificate { parts: Vec::new(), jointly, trials };
        Ok(Certified { group: kept, certificate, refused })
    }

    fn part(&mut self, position: usize, part: Part, trials: usize) -> Result<Checked, SymmetryError> {
        let group = self.group;
        let trials = if part == Part::Permutation { trials + 2 } else { trials };
        let worst_relative =
            self.worst(group, trials, |trial, key| single(group, position, part, trial, key))?;
        Ok(Checked { name: self.name(position, part), worst_relative })
    }

    fn name(&self, position: usize, part: Part) -> String {
        let generator = &self.group.generators()[position].name;
        match part {
            Part::Permutation => generator.clone(),
            Part::Scale(_) => format!("scale of {generator}"),
            Part::Sign(_) => format!("sign of {generator}"),
            Part::Mixing => format!("mixing of {generator}"),
        }
    }

    /// What an element changes.
    fn once(&mut self, element: &Element) -> Result<f64, SymmetryError> {
        self.draw(0)?;
        self.change(self.group, element)
    }

    fn jointly(&mut self, group: &Group, trials: usize) -> Result<Checked, SymmetryError> {
        let worst_relative = self.worst(group, trials + 2, |trial, key| every(group, trial, key))?;
        Ok(Checked { name: "everything jointly".to_owned(), worst_relative })
    }

    /// The largest relative change of the outputs over trials with elements drawn by `draw`, over the condition number of all that has
    /// moved the parameters.
    fn worst(
        &mut self,
        group: &Group,
        trials: usize,
        draw: impl Fn(usize, Key) -> Element,
    ) -> Result<f64, SymmetryError> {
        let (mut worst, mut moved) = (0.0, group.identity());
        for trial in 0..trials {
            let element = draw(trial, self.key.child("element").fold(trial as u64));
            moved = if trial % ELEMENTS_PER_POINT == 0 {
                self.draw(trial / ELEMENTS_PER_POINT)?;
                element.clone()
            } else {
                group.compose(&element, &moved)?
            };
            let change = self.change(group, &element)?;
            worst = f64::max(worst, change / condition(group, &moved));
        }
        Ok(worst)
    }

    fn draw(&mut self, point: usize) -> Result<(), SymmetryError> {
        self.bench.draw(self.key.child("inputs").fold(point as u64))
    }

    fn change(&mut self, group: &Group, element: &Element) -> Result<f64, SymmetryError> {
        self.bench.change(|params| {
            group.move_all(element, params);
            Ok(())
        })
    }
}

/// The largest ratio by which an element stretches one direction of a parameter more than another.
fn condition(group: &Group, element: &Element) -> f64 {
    let spread = |factors: &Vec<f64>| {
        let sizes = || factors.iter().map(|factor| factor.abs());
        sizes().fold(0.0, f64::max) / sizes().fold(f64::INFINITY, f64::min)
    };
    let mixings: Vec<f64> =
        group.generators().iter().zip(element.matrices()).map(condition_of_mixing).collect();
    let of_subject = |subject: &Subject| {
        let (_, factors) =
            group.axis_moves(&subject.name, &subject.shape, element.permutations(), element.factors());
        let mixed: f64 = group.actions_on(&subject.name).map(|(generator, _)| mixings[generator]).product();
        mixed * factors.iter().flatten().map(spread).product::<f64>()
    };
    group.subjects().iter().map(of_subject).fold(1.0, f64::max)
}

fn condition_of_mixing((generator, matrices): (&Generator, &Vec<Matrix>)) -> f64 {
    match generator.mixing.as_ref().map(|mixing| &mixing.group) {
        Some(LinearGroup::General | LinearGroup::Units(_)) => {
            let conditions = parallel::map(matrices.len(), |copy| matrices[copy].condition());
            conditions.into_iter().fold(1.0, f64::max)
        }
        _ => 1.0,
    }
}
