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

/// The moments between units of two networks of one architecture, in evaluation, over a whole data set: for each of `units`
/// of the model's forward graph one matrix between the units of `params[0]` and those of `params[1]`. Given one network
/// twice, they are those within it.
///
/// `units` is asked for every forward graph that is used; they differ in their number of examples, and so perhaps in the
/// numbers of their values. The rest is as for [`feature_moments`].
///
/// # Errors
/// Those of [`feature_moments`].
///
/// # Panics
/// Where `units` names an axis or an index that its graph does not have, or not as many units for each graph.
pub fn activation_moments(
    executor: &dyn Executor,
    model: &Model,
    params: [&Params; 2],
    data: &Dataset,
    units: &dyn Fn(&Graph) -> Vec<Units>,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Vec<Moments>, EvaluateError> {
    moments(executor, model, params, data, &same(units), Between::All, progress)
}

/// The moments of the units of two networks of one architecture, in evaluation, each with those of the unit of the same number: means
/// and variances of both, and how they vary together. The rest is as for [`activation_moments`], but the work only grows with the
/// number of units.
///
/// # Errors
/// Those of [`feature_moments`].
///
/// # Panics
/// As [`activation_moments`].
pub fn unit_moments(
    executor: &dyn Executor,
    model: &Model,
    params: [&Params; 2],
    data: &Dataset,
    units: &dyn Fn(&Graph) -> Vec<Units>,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Vec<Moments>, EvaluateError> {
    moments(executor, model, params, data, &same(units), Between::Same, progress)
}

/// The moments between features of two networks of one architecture, in evaluation, over a whole data set: one matrix for each
/// pair that `compared` lists.
///
/// The examples go through both networks in chunks that depend on the model alone. A chunk's
/// moments are computed about its own means, in `f64` from activations in `f32`, and merged in the order of the chunks:
/// equal inputs give equal bits for any number of threads. After each chunk `progress` is told how many examples of how
/// many are done.
///
/// # Errors
/// Those of [`fit`] where the data do not suit the model, [`EvaluateError::Params`] where parameters are not the model's,
/// [`EvaluateError::Exec`] where the executor refuses a graph.
///
/// # Panics
/// Where `compared` builds what does not fit, or not as many pairs for each graph.
pub fn feature_moments(
    executor: &dyn Executor,
    model: &Model,
    params: [&Params; 2],
    data: &Dataset,
    compared: &Compared<'_>,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Vec<Moments>, EvaluateError> {
    moments(executor, model, params, data, compared, Between::All, progress)
}

/// The same units of both networks.
fn same(
    units: &dyn Fn(&Graph) -> Vec<Units>,
) -> impl Fn(&mut Builder, &Graph, [&[Val]; 2]) -> Vec<[Features; 2]> + '_ {
    move |b, forward, values| {
        let pair = |units: &Units| values.map(|of| units.features(b, of[units.val.position()]));
        units(forward).iter().map(pair).collect()
    }
}

fn moments(
    executor: &dyn Executor,
    model: &Model,
    params: [&Params; 2],
    data: &Dataset,
    compared: &Compared<'_>,
    between: Between,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Vec<Moments>, EvaluateError> {
    params.iter().try_for_each(|params| model.check_layout(params))?;
    let (data, chunk) = (fit(model, data)?, chunk(model.input()));
    let count = data.len();
    let lengths = ranges(count, chunk).map(|range| range.len());
    let mut passes =
        Passes::new(executor, lengths, |length| graphs::moments(model, length, compared, between))?;
    let fixed: Vec<&Tensor> = params.iter().flat_map(|params| params.values()).collect();
    let mut pass = passes.begin(&fixed)?;
    let mut sums: Vec<Moments> = Vec::new();
    for range in ranges(count, chunk) {
        let (length, end) = (range.len(), range.end);
        let (x, labels) = data.range(range);
        let examples = if model.target().is_some() { vec![x, labels] } else { vec![x] };
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

#[cfg(test)]
mod tests;
