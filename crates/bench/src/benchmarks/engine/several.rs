//! Sixteen Hessian-vector products at once.

use isoloss::{
    graph::{ExecError, Executor},
    tensor::{Key, Tensor},
    transform::{Linearisation, Linearised, RESIDUAL_BUDGET_BYTES},
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

/// The products of a network at a point, and the directions.
struct Products<'a> {
    problem: &'a Problem,
    compiled: Linearisation,
    directions: Vec<Vec<Tensor>>,
}

pub(super) fn run(stage: &mut Stage<'_>) -> Result<Found, BenchError> {
    let mut found = Found::default();
    for (spec, batch, most) in NETWORKS {
        let problem = Problem::new(spec, batch, Key::new(stage.options.seed).child(spec))?;
        let mut products = Products::new(stage.executor, &problem)?;
        let mut times: [Vec<f64>; 2] = Default::default();
        // The ratio of each round, whose two sides follow each other closely: the machine's pace changes over minutes.
        let mut ratios = Vec::new();
        for round in 0..stage.options.rounds {
            stage.announce(Part::Sixteen.name(), round, spec);
            let turn = products.turn()?;
            ratios.push(median(&turn[1]) / median(&turn[0]));
            for (times, found) in times.iter_mut().zip(turn) {
                times.extend(found);
            }
        }
        let [one, several] = times;
        let ratio = median(&ratios);
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

impl<'a> Products<'a> {
    fn new(executor: &dyn Executor, problem: &'a Problem) -> Result<Self, ExecError> {
        let halves = Linearised::hvp(&problem.objective, 0, &problem.wrt, RESIDUAL_BUDGET_BYTES);
        let compiled = Linearisation::compile_for(executor, halves, COUNT)?;
        let multiple = |factor: usize| problem.direction.iter().map(|x| times(x, factor as f32)).collect();
        Ok(Self { problem, compiled, directions: (1..=COUNT).map(multiple).collect() })
    }

    /// The times in milliseconds of one product, and of all at once.
    fn turn(&mut self) -> Result<[Vec<f64>; 2], ExecError> {
        let point: Vec<&Tensor> = self.problem.point.iter().collect();
        let directions: Vec<Vec<&Tensor>> =
            self.directions.iter().map(|each| each.iter().collect()).collect();
        let mut products = self.compiled.at(&point)?;
        products.apply(&directions[0])?;
        let one = runs_within(|| products.apply(&directions[0]).map(drop))?;
        products.apply_each(&directions, |_, _| ())?;
        let several = runs_within(|| products.apply_each(&directions, |_, _| ()))?;
        Ok([one, several])
    }
}

/// A multiple of a direction: which ones they are does not matter for the time.
fn times(direction: &Tensor, factor: f32) -> Tensor {
    let values = direction.to_f64_vec();
    Tensor::from_fn(direction.shape().clone(), |i| factor * values[i] as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixteen_at_once_are_sixteen_products() {
        let executor = isoloss::executor();
        let problem = Problem::new("mlp:5-4-3,act=tanh", 6, Key::new(1)).unwrap();
        let mut products = Products::new(&executor, &problem).unwrap();
        let point: Vec<&Tensor> = problem.point.iter().collect();
        let mut products_at = products.compiled.at(&point).unwrap();
        let first: Vec<&Tensor> = products.directions[0].iter().collect();
        let one: Vec<Vec<f64>> = products_at.apply(&first).unwrap().iter().map(Tensor::to_f64_vec).collect();
        let directions: Vec<Vec<&Tensor>> = products.directions.iter().map(|d| d.iter().collect()).collect();
        let mut count = 0;
        let check = |position: usize, images: &[Tensor]| {
            count += 1;
            for (one, image) in one.iter().zip(images) {
                for (one, found) in one.iter().zip(image.to_f64_vec()) {
                    let expected = one * (position + 1) as f64;
                    assert!((found - expected).abs() <= 1e-4 * expected.abs().max(1.0), "{found} {expected}");
                }
            }
        };
        products_at.apply_each(&directions, check).unwrap();
        assert_eq!(count, COUNT);
    }
}
