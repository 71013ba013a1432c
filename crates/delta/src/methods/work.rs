//! A method with its parameters for one tensor.

use tensor::Shape;

use super::{
    chunks::{Chunk, Chunks, Inputs, subtract_base},
    geometry::{self, Products},
    guess::COLLECTED_BYTES,
    rows::{self, last_axis},
    sce::{self, ReadySce},
    table::Method,
    task::{Differences, Pruning, ReadyDifferences},
    wide::wide,
};
use crate::{DeltaError, recipe::Scalar};

/// What all parameters come to for one tensor, by their names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Effective {
    /// Those given once.
    pub shared: Vec<(&'static str, Scalar)>,
    /// Those of each model in order; a base may have none.
    pub models: Vec<Vec<(&'static str, Scalar)>>,
}

/// What is to be done to one tensor.
#[derive(Clone, Debug, PartialEq)]
pub enum Work {
    /// The bytes of the first model stay as they are.
    Copy,
    /// A weighted sum, divided by the weights where asked.
    Linear {
        /// The weights.
        weights: Vec<f32>,
        /// Whether to divide.
        normalize: bool,
    },
    /// Along the great circle from the base, by `t`.
    Slerp {
        /// 0 is the base, 1 the other model.
        t: f64,
    },
    /// Along the great circle between the two models that are no base.
    Nuslerp {
        /// 0 is the first, 1 the second.
        t: f64,
        /// What is a vector.
        vectors: Vectors,
    },
    /// Weighted differences from the base.
    Differences(Differences),
    /// Between base and average.
    Stock {
        /// For each vector along the last axis by itself.
        rows: bool,
    },
    /// The mean on the sphere.
    Karcher {
        /// The most steps.
        steps: usize,
        /// Where steps are small enough.
        tolerance: f64,
    },
    /// Select, calculate, erase.
    Sce {
        /// The share of elements that is selected.
        share: f64,
    },
    /// One model times a factor.
    Scale(f32),
}

/// What counts as a vector that has a direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vectors {
    /// The whole tensor.
    Whole,
    /// Each run along the last axis.
    Rows,
    /// Each run along the first axis.
    Columns,
}

/// Reads effective parameters, which were checked against the table.
struct Given<'a>(&'a Effective, Option<usize>);

impl Given<'_> {
    fn number(&self, name: &str) -> f64 {
        number(&self.0.shared, name).unwrap_or_default()
    }

    fn flag(&self, name: &str) -> bool {
        self.0.shared.iter().any(|(known, value)| *known == name && *value == Scalar::Bool(true))
    }

    /// The numbers of all models but the base.
    fn numbers(&self, name: &str) -> Vec<f64> {
        let models = self.0.models.iter().enumerate().filter(|(index, _)| Some(*index) != self.1);
        models.map(|(_, values)| number(values, name).unwrap_or_default()).collect()
    }
}

fn number(values: &[(&str, Scalar)], name: &str) -> Option<f64> {
    values.iter().find_map(|(known, value)| match value {
        Scalar::Number(number) if *known == name => Some(*number),
        _ => None,
    })
}

impl Work {
    /// The work of a method.
    ///
    /// # Errors
    /// A parameter, what is expected of it, and what was found, where a value is out of bounds.
    pub fn new(method: Method, effective: &Effective, base: Option<usize>) -> Result<Self, [String; 3]> {
        let given = Given(effective, base);
        Ok(match method {
            Method::Linear => {
                let weights: Vec<f32> = given.numbers("weight").iter().map(|&weight| weight as f32).collect();
                let normalize = given.flag("normalize");
                if normalize && weights.iter().sum::<f32>() == 0.0 {
                    return Err(fault(
                        "weight",
                        "weights whose sum is not 0, as they are divided by it",
                        "0",
                    ));
                }
                Self::Linear { weights, normalize }
            }
            Method::Slerp => Self::Slerp { t: given.number("t") },
            Method::Nuslerp => Self::nuslerp(&given),
            Method::ModelStock => Self::Stock { rows: given.flag("filter_wise") },
            Method::Karcher => {
                Self::Karcher { steps: given.number("max_iter") as usize, tolerance: given.number("tol") }
            }
            Method::Sce => Self::Sce { share: given.number("select_topk") },
            Method::Passthrough => {
                match effective.models.first().and_then(|values| number(values, "scale")) {
                    Some(factor) => Self::Scale(factor as f32),
                    None => Self::Copy,
                }
            }
            _ => Self::Differences(differences(method, &given)?),
        })
    }

    fn nuslerp(given: &Given<'_>) -> Self {
        let weights = given.numbers("weight");
        let sum: f64 = weights.iter().sum();
        let t = if sum.abs() < 1e-6 { 0.5 } else { weights.get(1).copied().unwrap_or_default() / sum };
        let vectors = match (given.flag("nuslerp_flatten"), given.flag("nuslerp_row_wise")) {
            (true, _) => Vectors::Whole,
            (false, false) => Vectors::Rows,
            (false, true) => Vectors::Columns,
        };
        Self::Nuslerp { t, vectors }
    }

    /// How a tensor of this shape is cut.
    pub(crate) fn chunks(&self, shape: &Shape) -> Chunks {
        let row = match self {
            Self::Nuslerp { vectors: Vectors::Rows, .. } | Self::Stock { rows: true } => last_axis(shape),
            Self::Differences(differences) => differences.row(shape),
            _ => 1,
        };
        Chunks::new(shape.elements(), row)
    }

    /// How often the models are read before the result is made.
    pub(crate) fn passes(&self) -> usize {
        match self {
            Self::Copy | Self::Linear { .. } | Self::Scale(_) | Self::Stock { rows: true } => 0,
            Self::Nuslerp { vectors: Vectors::Rows, .. } => 0,
            Self::Slerp { .. } | Self::Nuslerp { .. } | Self::Stock { .. } | Self::Karcher { .. } => 1,
            Self::Differences(differences) => differences.passes(),
            Self::Sce { share } => {
                if *share < 1.0 {
                    3
                } else {
                    1
                }
            }
        }
    }

    /// Bytes that are kept from the first look to the result, beside chunks.
    pub(crate) fn kept_bytes(&self, shape: &Shape) -> usize {
        match self {
            Self::Nuslerp { vectors: Vectors::Columns, .. } => 32 * columns(shape),
            Self::Differences(differences) => differences.kept_bytes(shape.elements()),
            Self::Sce { share } if *share < 1.0 => COLLECTED_BYTES,
            _ => 0,
        }
    }

    /// Looks at the whole tensor for what the result needs. `base` is the place of the base among the inputs; `name`, the seed and
    /// the place of a model decide about random masks.
    ///
    /// # Errors
    /// Where the inputs cannot be read.
    pub fn prepare(
        &self,
        inputs: &dyn Inputs,
        base: Option<usize>,
        shape: &Shape,
        (seed, name): (u64, &str),
    ) -> Result<Ready, DeltaError> {
        let chunks = self.chunks(shape);
        let others: Vec<usize> = (0..inputs.count()).filter(|&index| Some(index) != base).collect();
        Ok(match self {
            Self::Copy => Ready::Sum { weights: vec![1.0], divisor: None },
            Self::Scale(factor) => Ready::Sum { weights: vec![*factor], divisor: None },
            Self::Linear { weights, normalize } => {
                let divisor = normalize.then(|| weights.iter().sum());
                Ready::Sum { weights: weights.clone(), divisor }
            }
            Self::Slerp { t } => {
                let base = base.unwrap_or(0);
                let order = [base, others.first().copied().unwrap_or(0)];
                let pair = geometry::slerp(&Products::of_tensor(chunks, inputs, &order, None)?, *t);
                Ready::Sum { weights: placed(inputs.count(), &order, &pair), divisor: None }
            }
            Self::Nuslerp { t, vectors } => nuslerp(chunks, inputs, base, shape, (*t, *vectors))?,
            Self::Stock { rows: true } => Ready::StockRows { base: base.unwrap_or(0), row: last_axis(shape) },
            Self::Stock { rows: false } => {
                let base = base.unwrap_or(0);
                let products = Products::of_tensor(chunks, inputs, &others, Some(base))?;
                let t = geometry::stock(&products, others.len());
                let mut weights = vec![(t / others.len() as f64) as f32; inputs.count()];
                weights[base] = (1.0 - t) as f32;
                Ready::Sum { weights, divisor: None }
            }
            Self::Karcher { steps, tolerance } => {
                let all: Vec<usize> = (0..inputs.count()).collect();
                let products = Products::of_tensor(chunks, inputs, &all, None)?;
                let weights = geometry::karcher(&products, all.len(), *steps, *tolerance);
                let alone = all.len() == 1;
                let weights = weights.iter().map(|&weight| if alone { 1.0 } else { weight as f32 }).collect();
                Ready::Sum { weights, divisor: None }
            }
            Self::Sce { share } => Ready::Sce(sce::prepare(chunks, inputs, base.unwrap_or(0), *share)?),
            Self::Differences(work) => {
                Ready::Differences(work.prepare(chunks, inputs, base.unwrap_or(0), shape, (seed, name))?)
            }
        })
    }
}

fn fault(parameter: &str, expected: &str, found: impl Into<String>) -> [String; 3] {
    [parameter.to_owned(), expected.to_owned(), found.into()]
}

fn differences(method: Method, given: &Given<'_>) -> Result<Differences, [String; 3]> {
    let densities = given.numbers("density");
    if let Some(density) = densities.iter().find(|density| **density < 0.0) {
        return Err(fault("density", "a share of 0 or more", density.to_string()));
    }
    let pruning = match method {
        Method::Ties => Pruning::Magnitude,
        Method::DareLinear | Method::DareTies => Pruning::Random,
        Method::Breadcrumbs | Method::BreadcrumbsTies => Pruning::Outliers(given.numbers("gamma")),
        Method::Della | Method::DellaLinear => Pruning::Ranked(given.numbers("epsilon")),
        _ => Pruning::Nothing,
    };
    match &pruning {
        Pruning::Outliers(gammas) => {
            if let Some(gamma) = gammas.iter().find(|gamma| !(0.0..=1.0).contains(*gamma)) {
                return Err(fault("gamma", "a share from 0 to 1", gamma.to_string()));
            }
        }
        Pruning::Ranked(epsilons) => {
            for (density, epsilon) in
                densities.iter().zip(epsilons).filter(|(density, _)| **density > 0.0 && **density < 1.0)
            {
                if *epsilon < 0.0 || density + epsilon >= 1.0 || density - epsilon <= 0.0 {
                    let expected =
                        "one with which density - epsilon and density + epsilon lie between 0 and 1";
                    return Err(fault(
                        "epsilon",
                        expected,
                        format!("{epsilon} beside a density of {density}"),
                    ));
                }
            }
        }
        _ => {}
    }
    Ok(Differences {
        consensus: matches!(
            method,
            Method::Ties | Method::DareTies | Method::Della | Method::BreadcrumbsTies
        ),
        pruning,
        weights: given.numbers("weight").iter().map(|&weight| weight as f32).collect(),
        densities,
        normalize: given.flag("normalize"),
        rescale: given.flag("rescale"),
        lambda: given.number("lambda") as f32,
    })
}

fn columns(shape: &Shape) -> usize {
    shape.iter().skip(1).product::<usize>().max(1)
}

fn nuslerp(
    chunks: Chunks,
    inputs: &dyn Inputs,
    base: Option<usize>,
    shape: &Shape,
    (t, vectors): (f64, Vectors),
) -> Result<Ready, DeltaError> {
    let mut others = (0..inputs.count()).filter(|&index| Some(index) != base);
    let models = [others.next().unwrap_or(0), others.next().unwrap_or(0)];
    Ok(match vectors {
        Vectors::Whole => {
            let products = Products::of_tensor(chunks, inputs, &models, base)?;
            Ready::Arcs {
                base,
                models,
                t,
                arcs: Arcs::One(geometry::nuslerp(&products, t).map(|w| w as f32)),
            }
        }
        Vectors::Rows => Ready::Arcs { base, models, t, arcs: Arcs::Rows(last_axis(shape)) },
        Vectors::Columns => {
            let weights = rows::column_weights(chunks, inputs, models, base, columns(shape), t)?;
            Ready::Arcs { base, models, t, arcs: Arcs::Columns(weights) }
        }
    })
}

/// Weights at their places, and 0 for models that have none.
fn placed(count: usize, places: &[usize], weights: &[f64]) -> Vec<f32> {
    let mut all = vec![0.0; count];
    places.iter().zip(weights).for_each(|(&place, &weight)| all[place] = weight as f32);
    all
}

/// What is known of a tensor before its result is made.
#[derive(Clone, Debug)]
pub enum Ready {
    /// A weighted sum of all models.
    Sum {
        /// The weights.
        weights: Vec<f32>,
        /// What it is divided by.
        divisor: Option<f32>,
    },
    /// Weighted sums of two models, or of their differences onto a base.
    Arcs {
        /// The base.
        base: Option<usize>,
        /// The two models.
        models: [usize; 2],
        /// The place between them.
        t: f64,
        /// The weights.
        arcs: Arcs,
    },
    /// Model stock for each row.
    StockRows {
        /// The base.
        base: usize,
        /// Elements of a row.
        row: usize,
    },
    /// Differences.
    Differences(ReadyDifferences),
    /// SCE.
    Sce(ReadySce),
}

/// Weights of two models.
#[derive(Clone, Debug)]
pub enum Arcs {
    /// For all elements.
    One([f32; 2]),
    /// For each row of so many elements, found when it is at hand.
    Rows(usize),
    /// For each column.
    Columns(Vec<[f32; 2]>),
}

impl Ready {
    /// The result of a chunk, number `number`, that begins at element `start`. The columns are used up.
    pub fn apply(&self, number: usize, start: usize, columns: &mut [Vec<f32>], out: &mut [f32]) {
        match self {
            Self::Sum { weights, divisor } => sum(weights, *divisor, columns, out),
            Self::Arcs { base, models, t, arcs } => {
                subtract_base(columns, *base);
                let [first, second] = models.map(|model| &columns[model]);
                match arcs {
                    Arcs::One(pair) => between(*pair, first, second, out),
                    Arcs::Rows(row) => {
                        let pieces = first.chunks(*row).zip(second.chunks(*row)).zip(out.chunks_mut(*row));
                        for ((first, second), out) in pieces {
                            let pair = geometry::nuslerp(&Products::of(&[first, second]), *t);
                            between(pair.map(|weight| weight as f32), first, second, out);
                        }
                    }
                    Arcs::Columns(pairs) => {
                        for (offset, out) in out.iter_mut().enumerate() {
                            let [a, b] = pairs[(start + offset) % pairs.len()];
                            *out = a * first[offset] + b * second[offset];
                        }
                    }
                }
                if let Some(base) = base {
                    out.iter_mut().zip(&columns[*base]).for_each(|(out, &base)| *out += base);
                }
            }
            Self::StockRows { base, row } => stock_rows(*base, *row, columns, out),
            Self::Differences(ready) => ready.apply(&mut Chunk { number, start, columns }, out),
            Self::Sce(ready) => ready.apply(&mut Chunk { number, start, columns }, out),
        }
    }
}

fn sum(weights: &[f32], divisor: Option<f32>, columns: &[Vec<f32>], out: &mut [f32]) {
    wide(
        #[inline(always)]
        || {
            let mut terms = columns.iter().zip(weights).filter(|(_, weight)| **weight != 0.0);
            match terms.next() {
                // Added to 0, so that there is no negative one.
                Some((column, &weight)) => {
                    out.iter_mut().zip(column).for_each(|(out, &x)| *out = 0.0 + weight * x);
                }
                None => out.fill(0.0),
            }
            for (column, &weight) in terms {
                out.iter_mut().zip(column).for_each(|(out, &x)| *out += weight * x);
            }
            if let Some(divisor) = divisor.filter(|divisor| *divisor != 1.0) {
                out.iter_mut().for_each(|out| *out /= divisor);
            }
        },
    );
}

fn between([a, b]: [f32; 2], first: &[f32], second: &[f32], out: &mut [f32]) {
    wide(
        #[inline(always)]
        || out.iter_mut().zip(first.iter().zip(second)).for_each(|(out, (&x, &y))| *out = a * x + b * y),
    );
}

fn stock_rows(base: usize, row: usize, columns: &mut [Vec<f32>], out: &mut [f32]) {
    let models: Vec<usize> = (0..columns.len()).filter(|&model| model != base).collect();
    subtract_base(columns, Some(base));
    for (number, out) in out.chunks_mut(row).enumerate() {
        let place = number * row..number * row + out.len();
        let deltas: Vec<&[f32]> = models.iter().map(|&model| &columns[model][place.clone()]).collect();
        let t = geometry::stock(&Products::of(&deltas), models.len());
        let weight = (t / models.len() as f64) as f32;
        out.copy_from_slice(&columns[base][place]);
        for delta in deltas {
            out.iter_mut().zip(delta).for_each(|(out, &x)| *out += weight * x);
        }
    }
}
