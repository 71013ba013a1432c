//! Sixteen Hessian-vector products at once.

use isoloss::{
    graph::{Argument, ExecError, Executor, Graph},
    tensor::{DType, Key, Tensor},
    transform::{Linearised, RESIDUAL_BUDGET_BYTES},
};
use serde_json::json;

use super::{Found, network::Problem, own};
use crate::{
    BenchError, Bound, Case, Part,
    measure::{Stage, median, runs_within},
};

const COUNT: usize = 16;

/// A network, its batch, and how many single products the sixteen may cost.
const NETWORKS: [(&str, usize, f64); 2] =
    [("mlp:784-512-512-512-10", 500, 16.5), ("mlp:64-32-32-10", 32, 8.0)];

/// The linear half for one direction and for sixteen, with arguments.
struct Products {
    graphs: [Graph; 2],
    arguments: [Vec<Tensor>; 2],
}

pub(super) fn run(stage: &mut Stage<'_>) -> Result<Found, BenchError> {
    let mut found = Found::default();
    for (spec, batch, most) in NETWORKS {
        let problem = Problem::new(spec, batch, Key::new(stage.options.seed).child(spec))?;
        let products = Products::new(stage.executor, &problem)?;
        let mut times: [Vec<f64>; 2] = Default::default();
        for round in 0..stage.options.rounds {
            stage.announce(Part::Sixteen.name(), round, spec);
            for (times, which) in times.iter_mut().zip(0..) {
                times.extend(products.time(stage.executor, which)?);
            }
        }
        let [one, several] = times;
        let ratio = median(&several) / median(&one);
        found.targets.push(own(
            format!("{spec}, batch {batch}: {COUNT} products at once / one"),
            ratio,
            Bound::at_most(most),
        ));
        found.checks.insert(format!("{COUNT} products of {spec}"), json!({ "ratio": ratio }));
        found.cases.push(Case::new(format!("{spec}, batch {batch}: one product"), one, &[])?);
        found.cases.push(Case::new(format!("{spec}, batch {batch}: {COUNT} at once"), several, &[])?);
    }
    Ok(found)
}

impl Products {
    fn new(executor: &dyn Executor, problem: &Problem) -> Result<Self, ExecError> {
        let halves = Linearised::hvp(&problem.objective, 0, &problem.wrt, RESIDUAL_BUDGET_BYTES);
        let several = halves.batched(COUNT).linear;
        let point = problem.point.iter().map(Argument::Borrowed).collect();
        let results = executor.compile(&halves.primal, &[])?.run(point)?;
        let kept = halves.kept.iter().map(|&position| &problem.point[position]);
        let residuals = halves.residuals.iter().map(|&position| &results[position]);
        let fixed: Vec<Tensor> = kept.chain(residuals).cloned().collect();
        let with = |directions: Vec<Tensor>| fixed.iter().cloned().chain(directions).collect();
        let repeated = problem.direction.iter().map(repeated).collect();
        let arguments = [with(problem.direction.clone()), with(repeated)];
        Ok(Self { graphs: [halves.linear, several], arguments })
    }

    /// The times of a turn with one direction, or with all.
    fn time(&self, executor: &dyn Executor, which: usize) -> Result<Vec<f64>, ExecError> {
        let mut executable = executor.compile(&self.graphs[which], &[])?;
        let mut run =
            || executable.run(self.arguments[which].iter().map(Argument::Borrowed).collect()).map(drop);
        run()?;
        runs_within(run)
    }
}

/// As many directions, each the last one's multiple: what they are does not matter for the time.
fn repeated(direction: &Tensor) -> Tensor {
    debug_assert_eq!(direction.dtype(), DType::F32);
    let (values, count) = (direction.to_f64_vec(), direction.elements().max(1));
    let shape: Vec<usize> = std::iter::once(COUNT).chain(direction.shape().iter().copied()).collect();
    Tensor::from_fn(shape, |i| (values[i % count] * (1 + i / count) as f64) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixteen_at_once_are_sixteen_products() {
        let executor = isoloss::executor();
        let problem = Problem::new("mlp:5-4-3,act=tanh", 6, Key::new(1)).unwrap();
        let products = Products::new(&executor, &problem).unwrap();
        let run = |which: usize| {
            let arguments = products.arguments[which].iter().map(Argument::Borrowed).collect();
            executor.compile(&products.graphs[which], &[]).unwrap().run(arguments).unwrap()
        };
        for (one, all) in run(0).iter().zip(run(1)) {
            let (one, all) = (one.to_f64_vec(), all.to_f64_vec());
            assert_eq!(all.len(), COUNT * one.len());
            for (i, found) in all.iter().enumerate() {
                let expected = one[i % one.len()] * (1 + i / one.len()) as f64;
                assert!((found - expected).abs() <= 1e-4 * expected.abs().max(1.0), "{found} {expected}");
            }
        }
    }
}
