//! A Hessian-vector product that the devices of a team share.

use std::time::Instant;

use isoloss::{
    graph::{ExecError, Executor, Held, Input, Role, team},
    tensor::Tensor,
    transform::{Linearised, ParallelLinearisation, RESIDUAL_BUDGET_BYTES, shards},
};

use super::{network::Problem, ours::wait};
use crate::measure::runs_within;

/// The product, compiled for the shards of a batch.
pub(super) struct Shared<'a> {
    problem: &'a Problem,
    /// The examples of each shard, in the order of the objective's inputs.
    examples: Vec<Vec<Tensor>>,
    direction: Vec<Held<'a>>,
    product: ParallelLinearisation,
    /// Seconds for building and compiling.
    pub(super) compile_seconds: f64,
}

impl<'a> Shared<'a> {
    /// With a shard for each device.
    pub(super) fn new(
        executor: &dyn Executor,
        problem: &'a Problem,
        batch: usize,
    ) -> Result<Self, ExecError> {
        let start = Instant::now();
        let ranges = shards(batch, team(executor).len());
        let halves = |length: usize| {
            let halves =
                Linearised::hvp(&problem.objective_for(length), 0, &problem.wrt, RESIDUAL_BUDGET_BYTES);
            (halves, length as f64 / batch as f64)
        };
        let product = ParallelLinearisation::compile(
            executor,
            ranges.iter().map(|range| halves(range.len())).collect(),
        )?;
        let data: Vec<&Tensor> =
            problem.objective.inputs_with(Role::Data).map(|position| &problem.point[position]).collect();
        let examples = ranges
            .into_iter()
            .map(|range| {
                let rows = |tensor: &&Tensor| tensor.parts(range.clone()).expect("examples of the batch");
                data.iter().map(rows).collect()
            })
            .collect();
        let compile_seconds = start.elapsed().as_secs_f64();
        let direction =
            problem.direction.iter().map(|tensor| product.hold(tensor)).collect::<Result<_, _>>()?;
        Ok(Self { problem, examples, direction, product, compile_seconds })
    }

    /// The times in milliseconds, and the inner product of the result with the direction.
    pub(super) fn turn(&mut self) -> Result<(Vec<f64>, f64), ExecError> {
        let inputs = || self.problem.objective.inputs().iter().zip(&self.problem.point);
        let points: Vec<Vec<&Tensor>> = self
            .examples
            .iter()
            .map(|examples| {
                let mut examples = examples.iter();
                let of = |(input, whole): (&Input, &'a Tensor)| {
                    if input.role == Role::Data { None } else { Some(whole) }
                };
                inputs().filter_map(|each| of(each).or_else(|| examples.next())).collect()
            })
            .collect();
        let mut product = self.product.at(&points)?;
        let direction: Vec<&Tensor> = self.problem.direction.iter().collect();
        let along = self.problem.along(&product.apply(&direction)?);
        let placed: Vec<_> = self.direction.iter().map(Held::placed).collect();
        Ok((runs_within(|| wait(&product.apply_placed(&placed)?))?, along))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use isoloss::tensor::Key;

    #[test]
    fn the_shared_product_is_that_of_the_batch() {
        let executor = isoloss::executor();
        for spec in ["mlp:5-4-3,act=tanh", "mlp:5-4-3,act=tanh,norm=batch"] {
            let problem = Problem::new(spec, 7, Key::new(1)).unwrap();
            let mut alone = super::super::ours::Ours::new(&executor, &problem).unwrap();
            let mut shared = Shared::new(&executor, &problem, 7).unwrap();
            let (alone, (times, along)) = (alone.turn().unwrap(), shared.turn().unwrap());
            assert!(!times.is_empty() && (along - alone.along[1]).abs() < 1e-5 * along.abs(), "{spec}");
        }
    }
}
