//! Testing in numbers that a group leaves a network's function unchanged.

use graph::{Argument, Executable, Executor, Graph, Input, Role};
use models::Params;
use tensor::{DType, Key, Shape, Tensor, parallel};

use crate::{Element, Group, SymmetryError};

/// The largest relative change of the outputs that passes for rounding in f64: 1e-10. Ours: sums in another order
/// change outputs of deep networks by 1e-15 to 1e-13, and false symmetries change them by orders of 1.
pub const TOLERANCE: f64 = 1e-10;

/// What the test of one generator, or of all together, measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Checked {
    /// The generator's name; `all generators jointly` for all together.
    pub name: String,
    /// The largest change of any output over all trials, relative to the output's largest magnitude. Infinite where
    /// an output was not finite.
    pub worst_relative: f64,
}

impl Checked {
    /// Whether the change is within [`TOLERANCE`].
    #[must_use]
    pub fn passed(&self) -> bool {
        self.worst_relative <= TOLERANCE
    }
}

/// The result of testing a group on a graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Certificate {
    /// Each generator alone, in the group's order.
    pub generators: Vec<Checked>,
    /// All generators together.
    pub jointly: Checked,
    /// The number of random elements in each test, with new parameters and data for every one.
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
        self.generators.iter().chain([&self.jointly])
    }
}

/// A group whose generators have all passed, and what became of the others.
#[derive(Clone, Debug, PartialEq)]
pub struct Certified {
    /// The group of the generators that passed: safe to use.
    pub group: Group,
    /// The certificate of that group.
    pub certificate: Certificate,
    /// What was refused, with the change that it made.
    pub refused: Vec<Checked>,
}

/// Tests every generator of `group`, and all of them together, on `graph`: at random parameters, states and data the
/// outputs must be those at the parameters moved by an element, within [`TOLERANCE`].
///
/// Each generator is tested with a cycle of all its slots and an exchange of the first two, which generate all
/// permutations of them, and then with `trials` random ones; all together with `trials` random elements.
///
/// Parameters are normal, matrices scaled by one over the root of their fan-in, so that activations stay of order 1;
/// states, which may be variances, are at least 1/2; data is normal, integers are 0 or 1.
///
/// # Errors
/// Where `trials` is 0, a floating-point input of `graph` is not `f64`, the group was made from another architecture,
/// or `graph` cannot be run.
pub fn certify(
    executor: &dyn Executor,
    graph: &Graph,
    group: &Group,
    key: Key,
    trials: usize,
) -> Result<Certificate, SymmetryError> {
    if trials == 0 {
        return Err(SymmetryError::Zero { what: "trials of a certificate" });
    }
    check_precision(graph)?;
    let mut bench = Bench { graph, group, executable: executor.compile(graph, &[])?, key };
    let generators = group.generators().iter().enumerate().map(|(position, generator)| {
        let worst_relative = bench.worst(trials + 2, |trial, key| single(group, position, trial, key))?;
        Ok(Checked { name: generator.name.clone(), worst_relative })
    });
    let generators = generators.collect::<Result<_, SymmetryError>>()?;
    let worst_relative = bench.worst(trials, |_, key| Ok(group.random(key)))?;
    let jointly = Checked { name: "all generators jointly".to_owned(), worst_relative };
    Ok(Certificate { generators, jointly, trials })
}

/// The part of `group` that passes [`certify`]. Generators that fail are left out; if those that remain fail together,
/// all are. What fails is never used.
///
/// # Errors
/// As [`certify`].
pub fn certified(
    executor: &dyn Executor,
    graph: &Graph,
    group: &Group,
    key: Key,
    trials: usize,
) -> Result<Certified, SymmetryError> {
    let first = certify(executor, graph, group, key, trials)?;
    if first.passed() {
        return Ok(Certified { group: group.clone(), certificate: first, refused: Vec::new() });
    }
    let mut refused: Vec<Checked> =
        first.generators.iter().filter(|check| !check.passed()).cloned().collect();
    let kept = group.restricted(|position| first.generators[position].passed());
    let second = certify(executor, graph, &kept, key, trials)?;
    if second.passed() {
        return Ok(Certified { group: kept, certificate: second, refused });
    }
    refused.extend(second.failures().cloned());
    let trivial = group.restricted(|_| false);
    let certificate = certify(executor, graph, &trivial, key, trials)?;
    Ok(Certified { group: trivial, certificate, refused })
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

/// An element that moves the slots of one generator only: a cycle first, then an exchange, then random ones.
fn single(group: &Group, position: usize, trial: usize, key: Key) -> Result<Element, SymmetryError> {
    let mut permutations = group.identity().permutations().to_vec();
    let own = &mut permutations[position];
    match trial {
        0 => own.rotate_left(1),
        1 => own.get_mut(..2).into_iter().for_each(<[u32]>::reverse),
        _ => own.clone_from(&group.random(key).permutations()[position]),
    }
    group.element(permutations)
}

struct Bench<'a> {
    graph: &'a Graph,
    group: &'a Group,
    executable: Box<dyn Executable>,
    key: Key,
}

impl Bench<'_> {
    /// The largest relative change of the outputs over trials with elements drawn by `draw`.
    fn worst(
        &mut self,
        trials: usize,
        draw: impl Fn(usize, Key) -> Result<Element, SymmetryError>,
    ) -> Result<f64, SymmetryError> {
        let mut worst = 0.0;
        for trial in 0..trials {
            let key = self.key.fold(trial as u64);
            let [params, data] = self.inputs(key.child("inputs"));
            let moved = self.group.act(&draw(trial, key.child("element"))?, &params)?;
            let (here, there) = (self.outputs(&params, &data)?, self.outputs(&moved, &data)?);
            worst = here
                .iter()
                .zip(&there)
                .map(|(here, there)| relative_change(here, there))
                .fold(worst, f64::max);
        }
        Ok(worst)
    }

    /// Random values for all inputs: those that the group knows, and the others.
    fn inputs(&self, key: Key) -> [Params; 2] {
        let known = |input: &&Input| self.group.subjects().iter().any(|subject| subject.name == input.name);
        let draw =
            |input: &Input| (input.name.clone(), random_tensor(self.graph, input, key.child(&input.name)));
        let (params, data): (Vec<&Input>, Vec<&Input>) = self.graph.inputs().iter().partition(known);
        [params, data].map(|inputs| Params::from_pairs(inputs.into_iter().map(draw)))
    }

    fn outputs(&mut self, params: &Params, data: &Params) -> Result<Vec<Tensor>, SymmetryError> {
        let given = |input: &Input| params.get(&input.name).or_else(|| data.get(&input.name));
        let arguments = self.graph.inputs().iter().filter_map(given).map(Argument::from).collect();
        Ok(self.executable.run(arguments)?)
    }
}

fn random_tensor(graph: &Graph, input: &Input, key: Key) -> Tensor {
    let ty = graph.ty(input.val);
    let number = |index: usize| random_number(input.role, &ty.shape, key, index as u64);
    let values = parallel::map(ty.shape.elements(), |index| {
        if ty.dtype.is_float() { number(index) } else { f64::from(u8::from(number(index) > 0.0)) }
    });
    let values = Tensor::new(ty.shape.clone(), values).expect("one number for each element");
    values.convert(ty.dtype)
}

fn random_number(role: Role, shape: &Shape, key: Key, index: u64) -> f64 {
    let normal = key.normal(index);
    match role {
        Role::Parameter if shape.rank() > 1 => normal / (shape[1..].iter().product::<usize>() as f64).sqrt(),
        Role::Parameter | Role::Data => normal,
        Role::State => 0.5 + normal.abs(),
    }
}

/// The largest difference of two outputs over the largest magnitude of the first.
fn relative_change(here: &Tensor, there: &Tensor) -> f64 {
    let (here_values, there_values) = (here.to_f64_vec(), there.to_f64_vec());
    if [&here_values, &there_values].iter().any(|values| values.iter().any(|x| !x.is_finite())) {
        return f64::INFINITY;
    }
    let change =
        here_values.iter().zip(&there_values).fold(0.0, |most, (h, t)| f64::max(most, (h - t).abs()));
    let scale = here_values.iter().fold(0.0, |most, x| f64::max(most, x.abs()));
    if change == 0.0 { 0.0 } else { change / scale }
}
