//! The loss of a network between two others, as graphs, and its value on a fixed part of a data set.

use data::Dataset;
use evaluate::EvaluateError;
use graph::{Argument, Builder, Executable, Executor, Graph, Role, Ty, Val};
use models::{Mode, Model, Params};
use tensor::{DType, Key, Tensor};

use crate::SymmetryError;

/// The mean loss at `(1 − λ)·A + λ·P`. Inputs: the trained parameters of A (`a/NAME`), those of P (`p/NAME`), `lambda`, then
/// the examples and their labels; outputs: `loss`. Of everything but the examples the type is `dtype`. Batch
/// normalisation uses the moments of the batch, as running statistics of networks between others are not known.
pub(super) fn loss_between(model: &Model, examples: usize, dtype: DType) -> Graph {
    let mode = if model.buffers().is_empty() { Mode::Evaluation } else { Mode::Training };
    let objective = model.objective_in(mode, examples, dtype, model.loss());
    let mut b = Builder::new("loss_between");
    let ends = ["a", "p"].map(|side| {
        let named = model.parameters().into_iter().map(|(name, shape)| (format!("{side}/{name}"), shape));
        named.map(|(name, shape)| b.parameter(name, Ty::new(dtype, shape))).collect::<Vec<Val>>()
    });
    let lambda = b.data("lambda", Ty::new(dtype, []));
    let [a, p] = &ends;
    let mut arguments: Vec<Val> = a.iter().zip(p).map(|(&a, &p)| interpolate(&mut b, a, p, lambda)).collect();
    for input in &objective.inputs()[arguments.len()..] {
        let ty = objective.ty(input.val).clone();
        let argument = match input.role {
            Role::Data => b.data(input.name.clone(), ty),
            // The moments of the batch stand for running statistics.
            Role::Parameter | Role::State => b.splat(&ty, 0.0),
        };
        arguments.push(argument);
    }
    let values = b.inline(&objective, &arguments);
    b.output("loss", values[objective.outputs()[0].val.position()]);
    transform::simplify(&b.finish())
}

fn interpolate(b: &mut Builder, a: Val, p: Val, lambda: Val) -> Val {
    let shape = b.shape(a).clone();
    let (difference, lambda) = (b.subtract(p, a), b.broadcast(lambda, &shape, &[]));
    let step = b.multiply(lambda, difference);
    b.add(a, step)
}

/// Checks that both networks are of the model, their parameters in its order.
pub(super) fn check_layouts(model: &Model, networks: [&Params; 2]) -> Result<(), SymmetryError> {
    let all = networks.iter().try_for_each(|params| model.check_layout(params));
    Ok(all.map_err(EvaluateError::from)?)
}

/// The trained parameters, in the model's order.
pub(super) fn trained<'a>(model: &Model, params: &'a Params) -> Vec<&'a Tensor> {
    params.values().take(model.parameters().len()).collect()
}

/// The loss at midpoints, on a part of a data set that stays the same, in batches of one size.
pub(super) struct Judge {
    batches: Vec<(Tensor, Tensor)>,
    executable: Box<dyn Executable>,
}

impl Judge {
    /// About so many examples of `data`, drawn with `key`, in whole batches.
    pub(super) fn new(
        executor: &dyn Executor,
        model: &Model,
        data: &Dataset,
        batch: usize,
        examples: usize,
        key: Key,
    ) -> Result<Self, SymmetryError> {
        let order = key.permutation(data.len());
        let count = (examples.min(data.len()) / batch).max(1);
        Self::of(executor, model, data, batch, &order[..count * batch])
    }

    /// These examples of `data`, in whole batches.
    pub(super) fn of(
        executor: &dyn Executor,
        model: &Model,
        data: &Dataset,
        batch: usize,
        examples: &[usize],
    ) -> Result<Self, SymmetryError> {
        let batches = examples.chunks_exact(batch).map(|indices| data.gather(indices)).collect();
        let executable = executor.compile(&loss_between(model, batch, DType::F32), &[])?;
        Ok(Self { batches, executable })
    }

    /// The examples and their labels, batch by batch.
    pub(super) fn batches(&self) -> &[(Tensor, Tensor)] {
        &self.batches
    }

    /// The mean loss halfway between two networks, given by their trained parameters.
    pub(super) fn midpoint(&mut self, a: &[&Tensor], p: &[&Tensor]) -> Result<f64, SymmetryError> {
        let half = Tensor::scalar(0.5f32);
        let mut sum = 0.0;
        for (x, labels) in &self.batches {
            let arguments = a.iter().chain(p).copied().chain([&half, x, labels]);
            let results = self.executable.run(arguments.map(Argument::Borrowed).collect())?;
            sum += results[0].to_f64_vec()[0];
        }
        Ok(sum / self.batches.len() as f64)
    }
}
