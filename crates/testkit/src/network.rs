//! Small networks in f64 with a loss.

use graph::{Builder, Graph, Ty, Val, ops::DotGeneral};
use tensor::{DType, Key, Tensor};

use crate::sample;

/// The number of examples of the networks here.
pub const EXAMPLES: usize = 5;

/// The classes of the networks here.
pub const CLASSES: usize = 3;

/// A ReLU network of these layer sizes (the last one [`CLASSES`]) with a normalisation before the last layer. Inputs:
/// the weights, `x`, `labels`. Outputs: `loss` (the mean cross-entropy), `logits`.
#[must_use]
pub fn relu_network(sizes: &[usize]) -> Graph {
    relu_network_for(sizes, EXAMPLES)
}

/// The same for a number of examples.
#[must_use]
pub fn relu_network_for(sizes: &[usize], examples: usize) -> Graph {
    let mut b = Builder::new("network");
    let weights: Vec<Val> = sizes
        .windows(2)
        .enumerate()
        .map(|(layer, size)| b.parameter(format!("w{layer}"), Ty::f64([size[1], size[0]])))
        .collect();
    let mut x = b.data("x", Ty::f64([examples, sizes[0]]));
    let labels = b.data("labels", Ty::i32([examples]));
    for (layer, &weight) in weights.iter().enumerate() {
        if layer > 0 {
            x = b.relu(x);
        }
        if layer + 1 == weights.len() {
            x = b.layer_norm(x, None, None, 0.1);
        }
        x = b.dot_transposed(x, weight);
    }
    let losses = b.cross_entropy(x, labels);
    let loss = b.mean(losses, &[0]);
    b.output("loss", loss);
    b.output("logits", x);
    b.finish()
}

/// A deep chain of `x ← tanh(x w) + x` from one matrix; the loss is the sum of squares.
#[must_use]
pub fn deep_network(layers: usize, width: usize) -> Graph {
    let mut b = Builder::new("deep");
    let w = b.parameter("w", Ty::f64([width, width]));
    let mut x = b.data("x", Ty::f64([EXAMPLES, width]));
    let op = DotGeneral { lhs_contract: vec![1], rhs_contract: vec![0], ..DotGeneral::default() };
    for _ in 0..layers {
        let pre = b.dot_general(op.clone(), x, w);
        let bent = b.tanh(pre);
        x = b.add(bent, x);
    }
    let square = b.multiply(x, x);
    let loss = b.reduce_sum(square, &[0, 1]);
    b.output("loss", loss);
    b.finish()
}

/// A tensor for each input of a network: small normal numbers, and labels.
#[must_use]
pub fn point(graph: &Graph, key: Key) -> Vec<Tensor> {
    let inputs = graph.inputs().iter().enumerate();
    inputs.map(|(position, input)| draw(graph.ty(input.val), key.fold(position as u64))).collect()
}

fn draw(ty: &Ty, key: Key) -> Tensor {
    match ty.dtype {
        DType::I32 => sample::draw(ty, graph::Domain::Below(CLASSES as i32), key),
        _ => {
            let normal = sample::normal(ty, key).to_f64_vec();
            Tensor::from_fn(ty.shape.clone(), |i| 0.5 * normal[i]).convert(ty.dtype)
        }
    }
}
