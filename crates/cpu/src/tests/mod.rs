//! The executor as a whole.

mod agreement;
mod convolution;
mod donation;
mod kernels;
mod network;
mod products;
mod random_bits;
mod recompute;
mod refusal;
mod same_bits;

use std::sync::Arc;

use graph::{Argument, Donation, Executable, Graph};
use tensor::{DType, Key, Tensor};
use testkit::random::{Drawn, Numbers, random_graph};

use crate::{
    executable::Compiled,
    isa::Isa,
    program::{Options, Program},
};

/// A random graph of these numbers with arguments for it.
fn random(key: Key, dtype: DType, numbers: Numbers, size: usize) -> (Graph, Vec<Tensor>) {
    let case = random_graph(&mut Drawn::new(key), dtype, numbers, size);
    (case.graph, case.arguments)
}

const BEST: fn() -> Options = || Options { fusing: true, isa: Isa::best() };

fn compile(graph: &Graph, donations: &[Donation], options: Options) -> Compiled {
    let program = Program::new(graph, donations, options).expect("the graph fits in memory");
    Compiled::new(Arc::new(program)).expect("the graph fits in memory")
}

fn run(graph: &Graph, arguments: &[Tensor], options: Options) -> Vec<Tensor> {
    let arguments = arguments.iter().map(Argument::Borrowed).collect();
    compile(graph, &[], options).run(arguments).expect("the arguments fit")
}

/// The bits of all elements, so that NaN equals NaN.
fn bits(tensors: &[Tensor]) -> Vec<Vec<u64>> {
    tensors.iter().map(|tensor| tensor.to_f64_vec().into_iter().map(f64::to_bits).collect()).collect()
}
