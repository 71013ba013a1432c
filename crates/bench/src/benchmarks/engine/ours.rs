//! Our side: a gradient and a Hessian-vector product at a fixed point.

use std::time::Instant;

use isoloss::{
    graph::{ExecError, Executable, Executor, Graph, Held, Value},
    tensor::Tensor,
    transform::{self, Linearisation, Linearised, RESIDUAL_BUDGET_BYTES},
};

use super::network::Problem;
use crate::measure::runs_within;

/// What is timed, as the peers name it.
pub(super) const QUANTITIES: [&str; 2] = ["gradient", "product"];

/// Both, compiled.
pub(super) struct Ours<'a> {
    problem: &'a Problem,
    point: Vec<Held<'a>>,
    direction: Vec<Held<'a>>,
    gradient: Box<dyn Executable>,
    pub(super) gradient_graph: Graph,
    product: Linearisation,
    /// Seconds for building and compiling the gradient, and the product.
    pub(super) compile_seconds: [f64; 2],
}

/// The times of a turn in milliseconds, and the inner products of both results with the direction.
pub(super) struct Turn {
    pub(super) gradient_ms: Vec<f64>,
    pub(super) product_ms: Vec<f64>,
    pub(super) along: [f64; 2],
}

/// The times of all turns, in the order of [`QUANTITIES`].
pub(super) fn times(turns: &[Turn]) -> [Vec<f64>; 2] {
    let all = |of: fn(&Turn) -> &Vec<f64>| turns.iter().flat_map(of).copied().collect();
    [all(|turn| &turn.gradient_ms), all(|turn| &turn.product_ms)]
}

impl<'a> Ours<'a> {
    pub(super) fn new(executor: &dyn Executor, problem: &'a Problem) -> Result<Self, ExecError> {
        let start = Instant::now();
        let gradient_graph = transform::grad(&problem.objective, 0, &problem.wrt);
        let gradient = executor.compile(&gradient_graph, &[])?;
        let gradient_seconds = start.elapsed().as_secs_f64();
        let start = Instant::now();
        let halves = Linearised::hvp(&problem.objective, 0, &problem.wrt, RESIDUAL_BUDGET_BYTES);
        let product = Linearisation::compile(executor, halves)?;
        let compile_seconds = [gradient_seconds, start.elapsed().as_secs_f64()];
        let hold = |tensors: &'a [Tensor]| -> Result<Vec<_>, _> {
            tensors.iter().map(|tensor| gradient.hold(tensor)).collect()
        };
        let (point, direction) = (hold(&problem.point)?, hold(&problem.direction)?);
        Ok(Self { problem, point, direction, gradient, gradient_graph, product, compile_seconds })
    }

    pub(super) fn turn(&mut self) -> Result<Turn, ExecError> {
        let point: Vec<&Tensor> = self.problem.point.iter().collect();
        let mut gradient = || self.gradient.run_placed(self.point.iter().map(Held::placed).collect());
        let along_gradient = self.problem.along(&tensors(gradient()?)?[1..]);
        let gradient_ms = runs_within(|| wait(&gradient()?))?;
        let mut product = self.product.at(&point)?;
        let direction: Vec<&Tensor> = self.problem.direction.iter().collect();
        let along_product = self.problem.along(product.apply(&direction)?);
        let product_ms = match self.direction.first() {
            Some(Held::Value(_)) => runs_within(|| {
                wait(&product.apply_placed(self.direction.iter().map(Held::placed).collect())?)
            })?,
            _ => runs_within(|| product.apply(&direction).map(drop))?,
        };
        Ok(Turn { gradient_ms, product_ms, along: [along_gradient, along_product] })
    }

    pub(super) const fn linearised(&self) -> &Linearised {
        self.product.linearised()
    }

    pub(super) fn workspace_bytes(&self) -> usize {
        self.product.workspace_bytes()
    }
}

fn tensors(values: Vec<Value>) -> Result<Vec<Tensor>, ExecError> {
    values.into_iter().map(Value::into_tensor).collect()
}

/// Waits until a run is complete: until its smallest result can be read.
pub(super) fn wait(results: &[Value]) -> Result<(), ExecError> {
    let smallest = results.iter().min_by_key(|value| value.ty().size_bytes());
    smallest.map_or(Ok(()), |value| value.tensor().map(drop))
}
