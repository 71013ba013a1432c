//! Running statistics, measured anew.

use data::Dataset;
use graph::Executor;
use models::{Model, Params};
use tensor::{DType, Tensor};

use crate::{EvaluateError, chunks::chunk, fit, passes::Passes, sample::Sample};

/// A model prepared to have the running statistics of its batch normalisations re-estimated on one data set, for any
/// number of parameters.
///
/// Weights that did not come from training as they are, but were merged, interpolated or averaged, need statistics of
/// their own (Izmailov et al. 2018, arXiv:1803.05407, section 3.2; Jordan et al. 2022, arXiv:2211.08403). They are measured
/// as by PyTorch's `torch.optim.swa_utils.update_bn`: the old ones are forgotten, chunks of the data go through the network
/// as in training, and each running mean and variance becomes the average of the chunks' means and unbiased variances over
/// the whole pass. So a layer sees what the layers before it make of a chunk when they normalise it with its own
/// moments; one pass is enough, whatever the depth.
///
/// What PyTorch leaves to the loader is fixed here. Examples are read without augmentation, in a pseudo-random order that
/// depends on their number alone, so that a data set sorted by class does not matter. A chunk is as many examples as
/// [`Evaluator`](crate::Evaluator) takes at once; what is left over goes into the last one, and a chunk counts by its
/// examples. Sums are made in `f64` in the order of the chunks: the bits do not depend on the number of threads.
pub struct Reestimator {
    model: Model,
    sample: Sample,
    /// What stands for the old statistics.
    forgotten: Vec<Tensor>,
    passes: Passes,
}

impl Reestimator {
    /// Compiles the passes; none for a model without running statistics. Of a given number of `examples`, the first so many
    /// in the order of the pass are used.
    ///
    /// # Errors
    /// Those of [`fit`] where the data do not suit the model, [`EvaluateError::Exec`] where the executor refuses the
    /// graph.
    pub fn new(
        executor: &dyn Executor,
        model: &Model,
        data: &Dataset,
        examples: Option<usize>,
    ) -> Result<Option<Self>, EvaluateError> {
        if model.buffers().is_empty() {
            return Ok(None);
        }
        let sample = Sample::new(fit(model, data)?, examples, chunk(model.input()));
        Self::on(executor, model, sample).map(Some)
    }

    fn on(executor: &dyn Executor, model: &Model, sample: Sample) -> Result<Self, EvaluateError> {
        let passes = Passes::new(executor, sample.lengths(), |length| model.moments(length, DType::F32))?;
        let buffers = model.buffers().into_iter();
        let forgotten = buffers.map(|(_, shape)| Tensor::zeros(DType::F32, shape)).collect();
        Ok(Self { model: model.clone(), sample, forgotten, passes })
    }

    /// The number of examples in a pass.
    #[must_use]
    pub const fn examples(&self) -> usize {
        self.sample.examples()
    }

    /// These parameters with running statistics of their own.
    ///
    /// # Errors
    /// [`EvaluateError::Params`] where names, order, shapes or types are not the model's.
    pub fn apply(&mut self, params: &Params) -> Result<Params, EvaluateError> {
        self.model.check_layout(params)?;
        let buffers = self.model.buffers();
        let mut sums: Vec<Vec<f64>> = buffers.iter().map(|(_, shape)| vec![0.0; shape.elements()]).collect();
        let trained = params.values().take(params.len() - self.forgotten.len());
        let fixed: Vec<&Tensor> = trained.chain(&self.forgotten).collect();
        let add = &mut |examples: usize, moments: &[Tensor]| add(&mut sums, examples, moments);
        self.sample.run(&mut self.passes, &self.model, &fixed, add)?;
        let mut result = params.clone();
        let examples = self.examples() as f64;
        for ((name, shape), sum) in buffers.into_iter().zip(sums) {
            if let Some(buffer) = result.get_mut(&name) {
                *buffer = Tensor::from_fn(shape, |i| (sum[i] / examples) as f32);
            }
        }
        Ok(result)
    }
}

/// Adds the moments of a chunk, each counted by its examples.
fn add(sums: &mut [Vec<f64>], examples: usize, moments: &[Tensor]) {
    for (sum, moments) in sums.iter_mut().zip(moments) {
        for (sum, moment) in sum.iter_mut().zip(moments.to_f64_vec()) {
            *sum += examples as f64 * moment;
        }
    }
}

/// One network with running statistics of its own, measured on a whole data set; one without any as it is. See
/// [`Reestimator`].
///
/// # Errors
/// Those of [`Reestimator::new`] and [`Reestimator::apply`].
pub fn reestimate(
    executor: &dyn Executor,
    model: &Model,
    params: &Params,
    data: &Dataset,
) -> Result<Params, EvaluateError> {
    match Reestimator::new(executor, model, data, None)? {
        Some(mut reestimator) => reestimator.apply(params),
        None => Ok(params.clone()),
    }
}

#[cfg(test)]
mod tests;
