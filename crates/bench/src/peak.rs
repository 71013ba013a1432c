//! What the machine can do at most, as far as our own executor can reach it.

use isoloss::{
    graph::{Argument, Builder, Donation, ExecError, Executor, Ty},
    tensor::Tensor,
};
use serde::Serialize;

use crate::{Floor, measure::time_ms};

/// Rows, columns and depth of the matrix product.
const SIDE: usize = 1024;

/// Elements of the sum: enough to exceed every cache.
const ELEMENTS: usize = 1 << 23;

/// Runs of each, of which the fastest counts. The first ones also warm up.
const RUNS: usize = 20;

/// Rates that bound a computation's time from below.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Peak {
    /// Of a 1024³ matrix product in f32, in 10⁹ floating-point operations each second.
    pub gflops: f64,
    /// Of adding two large vectors into the first, in 10⁹ bytes read or written each second.
    pub gbytes_per_second: f64,
}

impl Peak {
    /// Measures the rates with the threads of the pool that this is called in.
    ///
    /// # Errors
    /// Where the executor refuses a graph.
    pub fn measure(executor: &dyn Executor) -> Result<Self, ExecError> {
        let operations = 2.0 * (SIDE as f64).powi(3);
        let bytes = 3.0 * (ELEMENTS * size_of::<f32>()) as f64;
        Ok(Self {
            gflops: operations / product_ms(executor)? / 1e6,
            gbytes_per_second: bytes / sum_ms(executor)? / 1e6,
        })
    }

    /// The least time of so many operations, in milliseconds.
    #[must_use]
    pub fn flops_ms(self, operations: f64) -> f64 {
        operations / self.gflops / 1e6
    }

    /// The least time of so many bytes, in milliseconds.
    #[must_use]
    pub fn bytes_ms(self, bytes: f64) -> f64 {
        bytes / self.gbytes_per_second / 1e6
    }

    /// The least time of so many operations and so many bytes, one after the other.
    pub(crate) fn floor(self, operations: f64, bytes: f64) -> Floor {
        let ms = self.flops_ms(operations) + self.bytes_ms(bytes);
        let how = format!(
            "{:.3} GFLOP at the {:.0} GFLOP/s of a {SIDE}³ matrix product, and {:.1} MB at the {:.1} GB/s of a large sum",
            operations / 1e9,
            self.gflops,
            bytes / 1e6,
            self.gbytes_per_second
        );
        Floor { ms, how }
    }
}

fn product_ms(executor: &dyn Executor) -> Result<f64, ExecError> {
    let mut b = Builder::new("matrix_product");
    let (x, w) = (b.data("x", Ty::f32([SIDE, SIDE])), b.data("w", Ty::f32([SIDE, SIDE])));
    let product = b.dot_transposed(x, w);
    b.output("product", product);
    let mut executable = executor.compile(&b.finish(), &[])?;
    let matrix = Tensor::full([SIDE, SIDE], 1f32);
    fastest(|| executable.run(vec![Argument::Borrowed(&matrix), Argument::Borrowed(&matrix)]).map(drop))
}

fn sum_ms(executor: &dyn Executor) -> Result<f64, ExecError> {
    let mut b = Builder::new("sum");
    let (x, y) = (b.data("x", Ty::f32([ELEMENTS])), b.data("y", Ty::f32([ELEMENTS])));
    let sum = b.add(x, y);
    b.output("sum", sum);
    let mut executable = executor.compile(&b.finish(), &[Donation { input: 0, output: 0 }])?;
    let y = Tensor::full([ELEMENTS], 1f32);
    let mut x = vec![y.clone()];
    fastest(|| {
        let mut arguments: Vec<Argument<'_>> = x.drain(..).map(Argument::Donated).collect();
        arguments.push(Argument::Borrowed(&y));
        x = executable.run(arguments)?;
        Ok(())
    })
}

fn fastest(mut run: impl FnMut() -> Result<(), ExecError>) -> Result<f64, ExecError> {
    let mut least = f64::INFINITY;
    for _ in 0..RUNS {
        let (ms, result) = time_ms(&mut run);
        result?;
        least = least.min(ms);
    }
    Ok(least)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_floor_adds_computing_and_moving() {
        let peak = Peak { gflops: 400.0, gbytes_per_second: 20.0 };
        let floor = peak.floor(2e9, 10e6);
        assert!((floor.ms - 5.5).abs() < 1e-12);
        assert!(floor.how.contains("2.000 GFLOP") && floor.how.contains("10.0 MB"), "{}", floor.how);
    }
}
