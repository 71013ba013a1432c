//! Which parameters make the value of a unit, and which read it.

use graph::{Argument, Executable, Executor, Graph, Input, Role};
use models::Params;
use tensor::{Key, Shape, Tensor};

use crate::{Generator, Group, ParameterAxis, SymmetryError};

/// What an axis of a parameter does with a class of units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// It is part of what makes the units' values: incoming weights, biases, gains, running statistics.
    Makes,
    /// It reads the units' values and adds up what it reads: outgoing weights.
    Reads,
}

/// Outputs that change by at most this fraction are unchanged: 1e-9, rounding of f64 with room to spare; ours.
const TOLERANCE: f64 = 1e-9;

/// Random networks on which an axis is tried. Ours: with four examples each it is next to impossible that units so far apart
/// make no difference in all.
const DRAWS: u64 = 2;

/// What is moved, in standard deviations of a random weight. Ours: enough to bring the two units to different sides of any kink,
/// near which alone a unit is not linear.
const SHIFT: f64 = 10.0;

/// The side of each action of each generator of `group`, which is one of permutations, in order.
///
/// It is found by experiment: of two units that are made equal in everything, an axis that reads them can move weight from the
/// one to the other, and the outputs do not change; an axis that makes them cannot. Running statistics belong to what makes
/// units. `graph` is the network in f64, for four examples or more.
///
/// # Errors
/// [`SymmetryError::NoSides`] where no axis makes the units, or moving weight along all axes that read them at once changes
/// the outputs, as with linear layers in a row; and where the executor refuses the graph.
pub fn sides(
    executor: &dyn Executor,
    graph: &Graph,
    group: &Group,
    key: Key,
) -> Result<Vec<Vec<Side>>, SymmetryError> {
    let mut bench = Bench { graph, executable: executor.compile(graph, &[])? };
    let mut sides = Vec::new();
    for generator in group.generators() {
        let trials =
            (0..DRAWS).map(|draw| bench.trial(generator, key.fold(draw))).collect::<Result<Vec<_>, _>>()?;
        let mut own = Vec::new();
        for action in &generator.actions {
            let reads = !is_state(group, action) && bench.keeps(generator, &[action], &trials)?;
            own.push(if reads { Side::Reads } else { Side::Makes });
        }
        let all = generator.actions.iter().zip(&own);
        let reading: Vec<&ParameterAxis> =
            all.filter(|(_, side)| **side == Side::Reads).map(|(action, _)| action).collect();
        if !own.contains(&Side::Makes) || !bench.keeps(generator, &reading, &trials)? {
            return Err(SymmetryError::NoSides { generator: generator.name.clone() });
        }
        sides.push(own);
    }
    Ok(sides)
}

fn is_state(group: &Group, action: &ParameterAxis) -> bool {
    let mut states = group.subjects().iter().filter(|subject| subject.role == Role::State);
    states.any(|subject| subject.name == action.parameter)
}

/// The network that is experimented on.
struct Bench<'a> {
    graph: &'a Graph,
    executable: Box<dyn Executable>,
}

/// A random network with two equal units.
struct Trial {
    key: Key,
    params: Params,
    data: Params,
    outputs: Vec<f64>,
}

impl Bench<'_> {
    fn trial(&mut self, generator: &Generator, key: Key) -> Result<Trial, SymmetryError> {
        let params = equalised(generator, &random(self.graph, key, |role| role != Role::Data));
        let data = random(self.graph, key, |role| role == Role::Data);
        let outputs = self.outputs(&params, &data)?;
        Ok(Trial { key, params, data, outputs })
    }

    /// Whether the outputs stay when weight is moved between the two equal units along some axes, in all trials.
    fn keeps(
        &mut self,
        generator: &Generator,
        actions: &[&ParameterAxis],
        trials: &[Trial],
    ) -> Result<bool, SymmetryError> {
        for Trial { key, params, data, outputs } in trials {
            let shift = |params: Params, action: &&ParameterAxis| shifted(generator, action, &params, *key);
            let moved = actions.iter().fold(params.clone(), shift);
            if change(outputs, &self.outputs(&moved, data)?) > TOLERANCE {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn outputs(&mut self, params: &Params, data: &Params) -> Result<Vec<f64>, SymmetryError> {
        let given = |input: &Input| params.get(&input.name).or_else(|| data.get(&input.name));
        let arguments = self.graph.inputs().iter().filter_map(given).map(Argument::from).collect();
        Ok(self.executable.run(arguments)?.iter().flat_map(Tensor::to_f64_vec).collect())
    }
}

/// Random inputs of a graph; of data that are no numbers zeros.
fn random(graph: &Graph, key: Key, is_wanted: fn(Role) -> bool) -> Params {
    let inputs = graph.inputs().iter().filter(|input| is_wanted(input.role));
    Params::from_pairs(inputs.map(|input| {
        let (ty, key) = (graph.ty(input.val), key.child(&input.name));
        let number = |index: usize| match input.role {
            _ if !ty.dtype.is_float() => 0.0,
            Role::State => 0.5 + key.normal(index as u64).abs(),
            Role::Data => key.normal(index as u64),
            Role::Parameter => key.normal(index as u64) / fan_in(&ty.shape).sqrt(),
        };
        (input.name.as_str(), Tensor::from_fn(ty.shape.clone(), number).convert(ty.dtype))
    }))
}

fn fan_in(shape: &Shape) -> f64 {
    shape.iter().skip(1).product::<usize>().max(1) as f64
}

/// The parameters with the second unit of a generator made equal to the first.
fn equalised(generator: &Generator, params: &Params) -> Params {
    let of = |(name, tensor): (&str, &Tensor)| {
        let actions = generator.actions.iter().filter(|action| action.parameter == name);
        let values =
            actions.fold(tensor.to_f64_vec(), |values, action| equal_along(values, tensor.shape(), action));
        rebuilt(tensor, values)
    };
    params.with_values(params.iter().map(of).collect())
}

fn equal_along(mut values: Vec<f64>, shape: &Shape, action: &ParameterAxis) -> Vec<f64> {
    for (first, second) in pairs(shape, action) {
        values[second] = values[first];
    }
    values
}

/// The parameters with something moved from the second unit to the first along one axis, alike for what is equal along
/// others.
fn shifted(generator: &Generator, action: &ParameterAxis, params: &Params, key: Key) -> Params {
    let of = |(name, tensor): (&str, &Tensor)| {
        if name != action.parameter {
            return tensor.clone();
        }
        let key = key.child("shift").child(name);
        let scale = 1.0 / fan_in(tensor.shape()).sqrt();
        let random = (0..tensor.shape().elements()).map(|at| scale * SHIFT * key.normal(at as u64)).collect();
        let others = generator.actions.iter().filter(|other| other.parameter == name && *other != action);
        let shift = others.fold(random, |shift, other| equal_along(shift, tensor.shape(), other));
        let mut values = tensor.to_f64_vec();
        for (first, second) in pairs(tensor.shape(), action) {
            values[first] += shift[first];
            values[second] -= shift[first];
        }
        rebuilt(tensor, values)
    };
    params.with_values(params.iter().map(of).collect())
}

/// The positions of what belongs to the first and the second unit along an axis.
fn pairs(shape: &Shape, action: &ParameterAxis) -> Vec<(usize, usize)> {
    let stride: usize = shape[action.axis + 1..].iter().product();
    let (first, second) = (action.slots.slot(0), action.slots.slot(1));
    let lines = (0..shape.elements()).filter(|at| (at / stride).is_multiple_of(shape[action.axis]));
    lines
        .flat_map(|line| first.iter().zip(second).map(move |(a, b)| (line + a * stride, line + b * stride)))
        .collect()
}

fn rebuilt(like: &Tensor, values: Vec<f64>) -> Tensor {
    Tensor::new(like.shape().clone(), values)
        .map_or_else(|_| like.clone(), |tensor| tensor.convert(like.dtype()))
}

/// The largest change relative to the largest output; infinite where an output is no number any more.
fn change(before: &[f64], after: &[f64]) -> f64 {
    let largest = before.iter().fold(f64::MIN_POSITIVE, |most, x| most.max(x.abs()));
    let changes = before.iter().zip(after).map(|(x, y)| (x - y).abs());
    changes.fold(0.0, |most: f64, change| if change.is_finite() { most.max(change) } else { f64::INFINITY })
        / largest
}
