//! Values of a network brought to given means and deviations, one behind the other.

use data::Dataset;
use graph::{Builder, Executor, Graph, Input, Role, Ty, Val, ops::Direction};
use models::{Mode, Model, Params};
use tensor::{DType, Shape, Tensor};

use crate::{EvaluateError, chunks::chunk, fit, passes::Passes, sample::Sample};

/// A value of a graph whose units, along one axis, are to be brought to given moments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The value.
    pub val: Val,
    /// The axis of the units.
    pub axis: usize,
    /// The index of each unit.
    pub indices: Vec<usize>,
    /// Whether the means are to be brought there too; otherwise units are only scaled.
    pub shifts: bool,
}

/// What the units of a place are to have: by unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Goal {
    /// The means.
    pub mean: Vec<f64>,
    /// The standard deviations.
    pub deviation: Vec<f64>,
}

/// What the units of a place have: by unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Spread {
    /// The means.
    pub mean: Vec<f64>,
    /// The variances, divided by the number of samples.
    pub variance: Vec<f64>,
}

impl Spread {
    /// The factor of each unit that brings it to its goal: 1 where it is constant up to the rounding of `f32`, so that no factor gives
    /// it a deviation, or is to be constant.
    #[must_use]
    pub fn factors(&self, goal: &Goal) -> Vec<f64> {
        let moments = self.mean.iter().zip(&self.variance).zip(&goal.deviation);
        let factor = |((mean, variance), deviation): ((&f64, &f64), &f64)| {
            if *variance > DEAD * mean * mean && *deviation > 0.0 { deviation / variance.sqrt() } else { 1.0 }
        };
        moments.map(factor).collect()
    }
}

/// The share of a squared mean up to which a variance is rounding.
const DEAD: f64 = (f32::EPSILON * f32::EPSILON) as f64;

/// A model prepared to be brought to given moments on one data set, for any number of parameters and goals.
///
/// This is the pass of REPAIR (Jordan et al. 2022, arXiv:2211.08403, section 4): at each place the units are standardised over the chunk
/// and given the mean and deviation that they shall have, so that what comes behind sees corrected values, and what they had is
/// averaged over the chunks. One pass is enough, whatever the depth. Batch normalisation uses the moments of the chunk, as its
/// running statistics are measured anew afterwards. Units that are constant, or shall be, are shifted alone.
///
/// Examples, their order and their chunks are those of [`Reestimator`](crate::Reestimator); so are the bits.
pub struct Renormaliser {
    model: Model,
    sample: Sample,
    units: Vec<usize>,
    passes: Passes,
}

impl Renormaliser {
    /// Compiles the passes on at most so many `examples`. `places` is asked for each forward graph that is used; these differ in their number of
    /// examples, and in evaluation and training.
    ///
    /// # Errors
    /// Those of [`fit`] where the data do not suit the model, [`EvaluateError::Exec`] where the executor refuses the graph.
    ///
    /// # Panics
    /// Where `places` names an axis or an index that its graph does not have.
    pub fn new(
        executor: &dyn Executor,
        model: &Model,
        data: &Dataset,
        examples: Option<usize>,
        places: &dyn Fn(&Graph) -> Vec<Place>,
    ) -> Result<Self, EvaluateError> {
        let sample = Sample::new(fit(model, data)?, examples, chunk(model.input()));
        let mut units = Vec::new();
        let passes = Passes::new(executor, sample.lengths(), |length| {
            let forward = forward(model, length);
            let places = places(&forward);
            units = places.iter().map(|place| place.indices.len()).collect();
            corrected(&forward, &places)
        })?;
        Ok(Self { model: model.clone(), sample, units, passes })
    }

    /// The number of examples in a pass.
    #[must_use]
    pub const fn examples(&self) -> usize {
        self.sample.examples()
    }

    /// What the units of each place have when those of all places before are brought to their goals.
    ///
    /// # Errors
    /// [`EvaluateError::Params`] where names, order, shapes or types are not the model's.
    ///
    /// # Panics
    /// Where the goals are not as many as the places, or have not as many numbers as units.
    pub fn measure(&mut self, params: &Params, goals: &[Goal]) -> Result<Vec<Spread>, EvaluateError> {
        self.model.check_layout(params)?;
        assert_eq!(goals.len(), self.units.len(), "one goal for each place");
        let goals: Vec<Tensor> =
            goals.iter().zip(&self.units).flat_map(|(goal, units)| goal.tensors(*units)).collect();
        let fixed: Vec<&Tensor> = params.values().chain(&goals).collect();
        let mut sums: Vec<Spread> = self.units.iter().map(|&units| Spread::zero(units)).collect();
        let add = &mut |examples: usize, moments: &[Tensor]| add(&mut sums, examples, moments);
        self.sample.run(&mut self.passes, &self.model, &fixed, add)?;
        let examples = self.examples() as f64;
        let numbers = sums.iter_mut().flat_map(|sum| sum.mean.iter_mut().chain(&mut sum.variance));
        numbers.for_each(|number| *number /= examples);
        Ok(sums)
    }
}

impl Goal {
    fn tensors(&self, units: usize) -> [Tensor; 2] {
        [&self.mean, &self.deviation].map(|numbers| {
            assert_eq!(numbers.len(), units, "one number for each unit");
            Tensor::from_fn([units], |at| numbers[at])
        })
    }
}

impl Spread {
    fn zero(units: usize) -> Self {
        Self { mean: vec![0.0; units], variance: vec![0.0; units] }
    }
}

/// Adds the moments of a chunk, each counted by its examples.
fn add(sums: &mut [Spread], examples: usize, moments: &[Tensor]) {
    for (sum, moments) in sums.iter_mut().zip(moments.chunks(2)) {
        for (sum, moments) in [&mut sum.mean, &mut sum.variance].into_iter().zip(moments) {
            sum.iter_mut()
                .zip(moments.to_f64_vec())
                .for_each(|(sum, moment)| *sum += examples as f64 * moment);
        }
    }
}

/// The network that is corrected: with the moments of the batch where there is batch normalisation.
fn forward(model: &Model, examples: usize) -> Graph {
    let mode = if model.buffers().is_empty() { Mode::Evaluation } else { Mode::Training };
    model.forward_in(mode, examples, DType::F32)
}

/// Inputs: parameters and buffers, mean and deviation of each place's goal, the data. Outputs: mean and variance at each place.
fn corrected(forward: &Graph, places: &[Place]) -> Graph {
    let mut b = Builder::new("corrected");
    let (data, own): (Vec<_>, Vec<_>) = forward.inputs().iter().partition(|input| input.role == Role::Data);
    let declare = |b: &mut Builder, inputs: Vec<&Input>| -> Vec<Val> {
        let types = inputs.into_iter().map(|input| (input, forward.ty(input.val).clone()));
        types.map(|(input, ty)| b.input(input.name.clone(), input.role, ty)).collect()
    };
    let own = declare(&mut b, own);
    let goals: Vec<[Val; 2]> = places
        .iter()
        .enumerate()
        .map(|(number, place)| {
            let ty = Ty::new(DType::F64, [place.indices.len()]);
            ["mean", "deviation"]
                .map(|name| b.input(format!("goal {number} {name}"), Role::State, ty.clone()))
        })
        .collect();
    let data = declare(&mut b, data);
    let mut found = Vec::new();
    b.inline_with(forward, &[own, data].concat(), |b, val, copy| {
        let Some(number) = places.iter().position(|place| place.val == val) else { return copy };
        let (corrected, moments) = correct(b, copy, &places[number], goals[number]);
        found.push((number, moments));
        corrected
    });
    found.sort_unstable_by_key(|(number, _)| *number);
    for (number, moments) in found {
        for (name, moment) in ["mean", "variance"].into_iter().zip(moments) {
            b.output(format!("{number} {name}"), moment);
        }
    }
    b.finish()
}

/// The value with the moments of its goal, and the mean and variance that it had.
fn correct(b: &mut Builder, value: Val, place: &Place, [mean, deviation]: [Val; 2]) -> (Val, [Val; 2]) {
    let shape = b.shape(value).clone();
    let others: Vec<usize> = (0..shape.rank()).filter(|&axis| axis != place.axis).collect();
    let wide = b.convert(value, DType::F64);
    let all = b.mean(wide, &others);
    let repeated = b.broadcast(all, &shape, &[place.axis]);
    let centred = b.subtract(wide, repeated);
    let squares = b.multiply(centred, centred);
    let variances = b.mean(squares, &others);
    let indices = b.constant(Tensor::from_fn([place.indices.len()], |at| place.indices[at] as i32));
    let [had, variance] = [all, variances].map(|moment| b.gather(moment, indices, 0, 0));
    let scale = factors(b, had, variance, deviation);
    let shift = if place.shifts {
        let moved = b.multiply(had, scale);
        b.subtract(mean, moved)
    } else {
        b.splat_like(had, 0.0)
    };
    let [scale, shift] =
        [(scale, 1.0), (shift, 0.0)].map(|(by_unit, rest)| along(b, place, &shape, by_unit, rest));
    let scaled = b.multiply(wide, scale);
    let corrected = b.add(scaled, shift);
    let dtype = b.ty(value).dtype;
    (b.convert(corrected, dtype), [had, variance])
}

/// As [`Spread::factors`].
fn factors(b: &mut Builder, mean: Val, variance: Val, deviation: Val) -> Val {
    let (zero, one) = (b.splat_like(mean, 0.0), b.splat_like(mean, 1.0));
    let (square, least) = (b.multiply(mean, mean), b.splat_like(mean, DEAD));
    let least = b.multiply(square, least);
    let varies = b.compare(Direction::Gt, variance, least);
    let shall = b.compare(Direction::Gt, deviation, zero);
    let moves = b.and(varies, shall);
    let variance = b.select(moves, variance, one);
    let reciprocal = b.rsqrt(variance);
    let factor = b.multiply(deviation, reciprocal);
    b.select(moves, factor, one)
}

/// A number for each unit along the axis of a value, and `rest` for what is no unit.
fn along(b: &mut Builder, place: &Place, shape: &Shape, by_unit: Val, rest: f64) -> Val {
    let indices = b.constant(Tensor::from_fn([place.indices.len()], |at| place.indices[at] as i32));
    let ground = b.splat_like(by_unit, rest);
    let difference = b.subtract(by_unit, ground);
    let along = b.scatter_add(difference, indices, 0, 0, shape[place.axis]);
    let ground = b.splat_like(along, rest);
    let along = b.add(along, ground);
    b.broadcast(along, shape, &[place.axis])
}
