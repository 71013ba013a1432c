//! Moments of activations: what two networks do with the same examples, unit by unit.

mod accumulate;
mod graphs;

use data::Dataset;
use graph::{Builder, Executor, Graph, Val};
use models::{Model, Params};
use tensor::Tensor;

use crate::{
    EvaluateError,
    chunks::{chunk, ranges},
    fit,
    passes::Passes,
};
pub use accumulate::{Between, Moments};

/// Like units of a network: places along one axis of a value of its forward graph. Whatever stands along the other axes
/// (examples, pixels, places of a text) are samples of a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Units {
    /// The value of the graph.
    pub val: Val,
    /// Its axis along which the units lie.
    pub axis: usize,
    /// How many indices belong to each unit: 1, or more where a unit is a vector.
    pub block: usize,
    /// The indices of the first unit, then those of the second, and so on.
    pub indices: Vec<usize>,
}

impl Units {
    /// The number of units.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.indices.len() / self.block
    }
}

/// Units on a value of the graph that turns examples into moments. Its type is `f64`; whatever stands along its other axes are
/// samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Features {
    /// The value.
    pub val: Val,
    /// The axis of the units; along the next one stand the indices of each.
    pub axis: usize,
}

/// What of two networks is compared: from a builder, the forward graph, and its values in either network, by position, pairs of
/// features whose moments are taken. The features of a pair have equal samples, in the same order of axes, and blocks of equal size.
pub type Compared<'a> = dyn Fn(&mut Builder, &Graph, [&[Val]; 2]) -> Vec<[Features; 2]> + 'a;

/// A model prepared for the moments between two networks of it in evaluation over one data set, for any parameters.
///
/// The examples go through both networks in chunks that depend on the model alone. A chunk's
/// moments are computed about its own means, in `f64` from activations in `f32`, and merged in the order of the chunks:
/// equal inputs give equal bits for any number of threads.
pub struct Comparer {
    model: Model,
    data: Dataset,
    chunk: usize,
    passes: Passes,
}

impl Comparer {
    /// Compiles the passes for the moments of each pair of features that `compared` lists, which is asked for every graph that is used.
    ///
    /// # Errors
    /// Those of [`fit`] where the data do not suit the model, [`EvaluateError::Exec`] where the executor refuses a graph.
    ///
    /// # Panics
    /// Where `compared` builds what does not fit.
    pub fn new(
        executor: &dyn Executor,
        model: &Model,
        data: &Dataset,
        compared: &Compared<'_>,
        between: Between,
    ) -> Result<Self, EvaluateError> {
        let (data, chunk) = (fit(model, data)?, chunk(model.input()));
        let lengths = ranges(data.len(), chunk).map(|range| range.len());
        let passes =
            Passes::new(executor, lengths, |length| graphs::moments(model, length, compared, between))?;
        Ok(Self { model: model.clone(), data, chunk, passes })
    }

    /// The same for units of the model, which are the same in both networks.
    ///
    /// `units` is asked for every forward graph that is used; they differ in their number of examples, and so perhaps in the
    /// numbers of their values.
    ///
    /// # Errors
    /// As [`Comparer::new`].
    ///
    /// # Panics
    /// Where `units` names an axis or an index that its graph does not have.
    pub fn of_units(
        executor: &dyn Executor,
        model: &Model,
        data: &Dataset,
        units: &dyn Fn(&Graph) -> Vec<Units>,
        between: Between,
    ) -> Result<Self, EvaluateError> {
        let compared = |b: &mut Builder, forward: &Graph, values: [&[Val]; 2]| -> Vec<[Features; 2]> {
            let pair = |units: &Units| values.map(|of| units.features(b, of[units.val.position()]));
            units(forward).iter().map(pair).collect()
        };
        Self::new(executor, model, data, &compared, between)
    }

    /// The moments between two networks, one matrix for each pair of features. Given one network twice, they are those within it.
    /// After each chunk `progress` is told how many examples of how many are done.
    ///
    /// # Errors
    /// [`EvaluateError::Params`] where parameters are not the model's.
    ///
    /// # Panics
    /// Where there were not as many pairs for each graph.
    pub fn moments(
        &mut self,
        params: [&Params; 2],
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Vec<Moments>, EvaluateError> {
        params.iter().try_for_each(|params| self.model.check_layout(params))?;
        let count = self.data.len();
        let fixed: Vec<&Tensor> = params.iter().flat_map(|params| params.values()).collect();
        let mut pass = self.passes.begin(&fixed)?;
        let mut sums: Vec<Moments> = Vec::new();
        for range in ranges(count, self.chunk) {
            let (length, end) = (range.len(), range.end);
            let (x, labels) = self.data.range(range);
            let examples = if self.model.target().is_some() { vec![x, labels] } else { vec![x] };
            if let Some((_, results)) = pass.put(length, examples, |examples| examples.iter().collect())? {
                accumulate::add(&mut sums, &results);
            }
            progress(end, count);
        }
        while let Some((_, results)) = pass.take()? {
            accumulate::add(&mut sums, &results);
        }
        Ok(sums)
    }
}

/// The moments between units of two networks, as [`Comparer::of_units`] and [`Comparer::moments`], each unit of one with each of the other.
///
/// # Errors
/// As there.
///
/// # Panics
/// As there.
pub fn activation_moments(
    executor: &dyn Executor,
    model: &Model,
    params: [&Params; 2],
    data: &Dataset,
    units: &dyn Fn(&Graph) -> Vec<Units>,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Vec<Moments>, EvaluateError> {
    Comparer::of_units(executor, model, data, units, Between::All)?.moments(params, progress)
}

/// The moments between features of two networks, as [`Comparer::new`] and [`Comparer::moments`].
///
/// # Errors
/// As there.
///
/// # Panics
/// As there.
pub fn feature_moments(
    executor: &dyn Executor,
    model: &Model,
    params: [&Params; 2],
    data: &Dataset,
    compared: &Compared<'_>,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Vec<Moments>, EvaluateError> {
    Comparer::new(executor, model, data, compared, Between::All)?.moments(params, progress)
}

#[cfg(test)]
mod tests;
