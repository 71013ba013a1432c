//! Our side: a gradient and a Hessian-vector product at a fixed point.

use std::time::Instant;

use isoloss::{
    graph::{Argument, ExecError, Executable, Executor, Graph},
    tensor::Tensor,
    transform::{self, Linearisation, Linearised, RESIDUAL_BUDGET_BYTES},
};

use super::network::Problem;
use crate::measure::runs_within;

/// Both, compiled.
pub(super) struct Ours<'a> {
    problem: &'a Problem,
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
        Ok(Self { problem, gradient, gradient_graph, product, compile_seconds })
    }

    pub(super) fn turn(&mut self) -> Result<Turn, ExecError> {
        let point: Vec<&Tensor> = self.problem.point.iter().collect();
        let mut gradient =
            || self.gradient.run(point.iter().map(|&tensor| Argument::Borrowed(tensor)).collect());
        let along_gradient = self.problem.along(&gradient()?[1..]);
        let gradient_ms = runs_within(|| gradient().map(drop))?;
        let direction: Vec<&Tensor> = self.problem.direction.iter().collect();
        let mut product = self.product.at(&point)?;
        let along_product = self.problem.along(product.apply(&direction)?);
        let product_ms = runs_within(|| product.apply(&direction).map(drop))?;
        Ok(Turn { gradient_ms, product_ms, along: [along_gradient, along_product] })
    }

    pub(super) const fn linearised(&self) -> &Linearised {
        self.product.linearised()
    }

    pub(super) fn workspace_bytes(&self) -> usize {
        self.product.workspace_bytes()
    }
}
