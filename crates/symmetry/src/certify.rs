//! Testing in numbers that a group leaves a network's function unchanged.

use std::collections::BTreeSet;

use graph::{Argument, Executable, Executor, Graph, Input, Role, Ty};
use models::Params;
use tensor::{DType, Key, Tensor, parallel};

use crate::{
    Element, Generator, Group, LinearGroup, Matrix, Subject, SymmetryError, generator::Part,
    scaling::old_state,
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
    /// The number of random elements in each test, with new parameters and data for every third one.
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
    if trials == 0 {
        return Err(SymmetryError::Zero { what: "trials of a certificate" });
    }
    let mut bench = Bench::new(executor, graphs, group, key)?;
    let parts = group.parts().map(|(position, part)| bench.part(position, part, trials));
    let parts = parts.collect::<Result<_, SymmetryError>>()?;
    Ok(Certificate { parts, jointly: bench.jointly(&group.exact(), trials)?, trials })
}

/// The part of `group` that leaves the network unchanged, and that alone: what fails is never used, and neither is what
/// holds only approximately.
///
/// Everything exact is tested together, with a cycle of all slots of every generator, an exchange of their first two, and
/// `trials` random elements, which may be none. That is as sharp as [`certify`] but for parts that are false each and true together, which
/// pass a random element with probability 1/2 at most. If it fails, each part is tested alone, those that fail are left out,
/// and the rest is tested together again; if that fails too, nothing is left. What approximate factors change is measured by
/// [`approximation`].
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
    let mut bench = Bench::new(executor, graphs, group, key)?;
    let is_approximate =
        |&(position, part): &(usize, Part)| group.generators()[position].is_approximate(part);
    let (mut kept, mut refused) = (group.exact(), Vec::new());
    let mut jointly = bench.jointly(&kept, trials)?;
    if !jointly.passed() {
        let mut passed = BTreeSet::new();
        for (position, part) in group.parts().filter(|part| !is_approximate(part)) {
            let checked = bench.part(position, part, trials.max(1))?;
            if checked.passed() {
                passed.insert((position, part));
            } else {
                refused.push(checked);
            }
        }
        kept = group.keeping(|position, part| passed.contains(&(position, part)));
        jointly = bench.jointly(&kept, trials)?;
    }
    if !jointly.passed() {
        kept = group.keeping(|_, _| false);
        refused.push(std::mem::replace(&mut jointly, bench.jointly(&kept, trials)?));
    }
    Ok(Certified { group: kept, certificate: Certificate { parts: Vec::new(), jointly, trials }, refused })
}

/// What the factors that normalisations take out but for their epsilons change all at once, random ones (see [`Group::random`])
/// at random parameters and data: the largest change of an output relative to the outputs. `None` where there are none.
///
/// # Errors
/// As [`certify`].
pub fn approximation(
    executor: &dyn Executor,
    graph: &Graph,
    group: &Group,
    key: Key,
) -> Result<Option<Checked>, SymmetryError> {
    let factors = group.keeping(|generator, part| group.generators()[generator].is_approximate(part));
    if factors.generators().is_empty() {
        return Ok(None);
    }
    let mut bench = Bench::new(executor, &[graph], &factors, key)?;
    let change = bench.once(&factors.random(key.child("element")))?;
    Ok(Some(Checked { name: "all approximate factors".to_owned(), worst_relative: change }))
}

/// The same for each family of such factors alone.
///
/// # Errors
/// As [`certify`].
pub fn approximations(
    executor: &dyn Executor,
    graph: &Graph,
    group: &Group,
    key: Key,
) -> Result<Vec<Checked>, SymmetryError> {
    let mut bench = Bench::new(executor, &[graph], group, key)?;
    let parts = group.parts().filter(|&(position, part)| group.generators()[position].is_approximate(part));
    let measured = parts.map(|(position, part)| {
        let element = single(group, position, part, 0, key.child("element"));
        Ok(Checked { name: bench.name(position, part), worst_relative: bench.once(&element)? })
    });
    measured.collect()
}

fn check_precision(graph: &Graph) -> Result<(), SymmetryError> {
    let imprecise = graph.inputs().iter().find(|input| graph.ty(input.val).dtype == DType::F32);
    match imprecise {
        None => Ok(()),
        Some(input) => Err(SymmetryError::Precision {
            graph: graph.name().to_owned(),
            input: input.name.clone(),
            found: graph.ty(input.val).clone(),
        }),
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

/// Elements that are tried at one point. Ours: a point drawn at random is as good as another, but that units may be inactive there.
const ELEMENTS_PER_POINT: usize = 3;

/// The network in its modes, with the group whose subjects move.
pub(crate) struct Bench<'a> {
    pub(crate) modes: Vec<Mode<'a>>,
    pub(crate) group: &'a Group,
    pub(crate) key: Key,
}

/// The network in one of its modes, with the point at which it was tried last.
pub(crate) struct Mode<'a> {
    pub(crate) graph: &'a Graph,
    executable: Box<dyn Executable>,
    pub(crate) last: Option<Point>,
}

/// Random inputs of a trial, and the outputs there.
pub(crate) struct Point {
    trial: usize,
    pub(crate) params: Params,
    pub(crate) data: Params,
    pub(crate) outputs: Vec<Tensor>,
}

impl Mode<'_> {
    pub(crate) fn point(&mut self, group: &Group, trial: usize, key: Key) -> Result<Point, SymmetryError> {
        if let Some(last) = self.last.take().filter(|last| last.trial == trial) {
            return Ok(last);
        }
        let [params, data] = inputs(group, self.graph, key.fold(trial as u64));
        let outputs = self.outputs(&params, &data)?;
        Ok(Point { trial, params, data, outputs })
    }

    pub(crate) fn outputs(&mut self, params: &Params, data: &Params) -> Result<Vec<Tensor>, SymmetryError> {
        outputs(self.graph, self.executable.as_mut(), params, data)
    }

    /// The largest relative change of an output when an element moves the parameters.
    fn change(
        &mut self,
        group: &Group,
        element: &Element,
        trial: usize,
        key: Key,
    ) -> Result<f64, SymmetryError> {
        let point = self.point(group, trial, key)?;
        let moved = group.act(element, &point.params)?;
        let here = with_moved_states(group, element, self.graph, &point.outputs);
        let there = self.outputs(&moved, &point.data)?;
        self.last = Some(point);
        Ok(here.iter().zip(&there).map(|(here, there)| relative_change(here, there)).fold(0.0, f64::max))
    }
}

impl<'a> Bench<'a> {
    pub(crate) fn new(
        executor: &dyn Executor,
        graphs: &[&'a Graph],
        group: &'a Group,
        key: Key,
    ) -> Result<Self, SymmetryError> {
        graphs.iter().try_for_each(|graph| check_precision(graph))?;
        let mode =
            |graph: &&'a Graph| Ok(Mode { graph, executable: executor.compile(graph, &[])?, last: None });
        let modes = graphs.iter().map(mode).collect::<Result<_, SymmetryError>>()?;
        Ok(Self { modes, group, key })
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

    /// What an element changes in the first mode.
    fn once(&mut self, element: &Element) -> Result<f64, SymmetryError> {
        match self.modes.first_mut() {
            Some(mode) => mode.change(self.group, element, 0, self.key.child("inputs")),
            None => Ok(0.0),
        }
    }

    fn jointly(&mut self, group: &Group, trials: usize) -> Result<Checked, SymmetryError> {
        let worst_relative = self.worst(group, trials + 2, |trial, key| every(group, trial, key))?;
        Ok(Checked { name: "everything jointly".to_owned(), worst_relative })
    }

    /// The largest relative change of the outputs over trials with elements drawn by `draw`.
    fn worst(
        &mut self,
        group: &Group,
        trials: usize,
        draw: impl Fn(usize, Key) -> Element,
    ) -> Result<f64, SymmetryError> {
        let mut worst = 0.0;
        for trial in 0..trials {
            let element = draw(trial, self.key.child("element").fold(trial as u64));
            let condition = condition(group, &element);
            for mode in &mut self.modes {
                let point = trial / ELEMENTS_PER_POINT;
                let change = mode.change(group, &element, point, self.key.child("inputs"))?;
                worst = f64::max(worst, change / condition);
            }
        }
        Ok(worst)
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

/// Outputs as they are to be after a move: new states as the old ones are moved.
fn with_moved_states(group: &Group, element: &Element, graph: &Graph, outputs: &[Tensor]) -> Vec<Tensor> {
    let moved = |(output, tensor): (&graph::Output, &Tensor)| match old_state(graph, &output.name, output.val)
    {
        Some(_) => group.moved(element, &output.name, tensor),
        None => tensor.clone(),
    };
    graph.outputs().iter().zip(outputs).map(moved).collect()
}

/// Random values for all inputs: those that the group knows, and the others.
fn inputs(group: &Group, graph: &Graph, key: Key) -> [Params; 2] {
    let known = |input: &&Input| group.subjects().iter().any(|subject| subject.name == input.name);
    let draw = |input: &Input| (input.name.clone(), random_tensor(graph, input, key.child(&input.name)));
    let (params, data): (Vec<&Input>, Vec<&Input>) = graph.inputs().iter().partition(known);
    [params, data].map(|inputs| Params::from_pairs(inputs.into_iter().map(draw)))
}

fn outputs(
    graph: &Graph,
    executable: &mut dyn Executable,
    params: &Params,
    data: &Params,
) -> Result<Vec<Tensor>, SymmetryError> {
    let given = |input: &Input| params.get(&input.name).or_else(|| data.get(&input.name));
    let arguments = graph.inputs().iter().filter_map(given).map(Argument::from).collect();
    Ok(executable.run(arguments)?)
}

/// Numbers that are drawn by one parallel task.
const DRAWN_AT_ONCE: usize = 1 << 16;

fn random_tensor(graph: &Graph, input: &Input, key: Key) -> Tensor {
    let ty = graph.ty(input.val);
    let (count, number) = (ty.shape.elements(), random_number(input.role, ty));
    let mut values = vec![0.0; count];
    parallel::for_each_chunk(&mut values, DRAWN_AT_ONCE, |first, values| {
        let mut words = vec![0; values.len()];
        key.words(0, first as u64, &mut words);
        values.iter_mut().zip(words).for_each(|(value, word)| *value = number(word));
    });
    let values = Tensor::new(ty.shape.clone(), values).expect("one number for each element");
    values.converted(ty.dtype)
}

/// What becomes of a random word in an input of a role: see [`certify`].
fn random_number(role: Role, ty: &Ty) -> impl Fn(i32) -> f64 + Sync {
    let fan_in = if role == Role::Parameter { ty.shape.iter().skip(1).product::<usize>() } else { 1 };
    let (is_float, is_state) = (ty.dtype.is_float(), role == Role::State);
    let factor = 3f64.sqrt() * 2f64.powi(-31) / (fan_in as f64).sqrt();
    move |word| match (is_float, is_state) {
        (false, _) => f64::from(u8::from(word > 0)),
        (true, false) => factor * f64::from(word),
        (true, true) => 0.5 + (factor * f64::from(word)).abs(),
    }
}

/// The largest difference of two outputs over the largest magnitude of the first.
pub(crate) fn relative_change(here: &Tensor, there: &Tensor) -> f64 {
    let (here_values, there_values) = (here.to_f64_vec(), there.to_f64_vec());
    if [&here_values, &there_values].iter().any(|values| values.iter().any(|x| !x.is_finite())) {
        return f64::INFINITY;
    }
    let change =
        here_values.iter().zip(&there_values).fold(0.0, |most, (h, t)| f64::max(most, (h - t).abs()));
    let scale = here_values.iter().fold(0.0, |most, x| f64::max(most, x.abs()));
    if change == 0.0 { 0.0 } else { change / scale }
}
