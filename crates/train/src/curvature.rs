//! The estimate of the curvature that second-order methods need.

use graph::{Builder, Graph, Role, Ty, Val, ops::Direction};
use models::{Mode, Model};
use tensor::{DType, Key, Shape, Tensor};

/// The Gauss-Newton-Bartlett estimate of the diagonal of the Gauss-Newton matrix of the mean cross-entropy (arXiv:2305.14342,
/// algorithm 2): labels are drawn from what the network predicts, and the gradient ĝ of the mean loss by them gives
/// B · ĝ ⊙ ĝ for B labels. With smoothed targets the matrix is the same, as these do not depend on the parameters.
///
/// Inputs: the parameters, the buffers, `x`, and `key` (`i32[2]`), from which the labels are drawn. Outputs: the estimate of
/// each parameter.
pub(crate) fn estimate_graph(model: &Model, batch: usize) -> Graph {
    let objective = sampled_objective(model, batch);
    let parameters: Vec<usize> = objective.inputs_with(Role::Parameter).collect();
    let gradient = transform::grad(&objective, 0, &parameters);
    let labels = model.labels_shape(batch).elements() as f64;
    let mut b = Builder::new("curvature");
    let values = b.copy(&gradient);
    let names = model.parameters().into_iter().map(|(name, _)| name);
    for (name, output) in names.zip(&gradient.outputs()[1..]) {
        let g = values[output.val.position()];
        let square = b.multiply(g, g);
        let scaled = b.scale(square, labels);
        b.output(name, scaled);
    }
    b.finish()
}

/// The mean cross-entropy with drawn labels.
fn sampled_objective(model: &Model, batch: usize) -> Graph {
    let forward = model.forward_in(Mode::Training, batch, DType::F32);
    let mut b = Builder::new("sampled_objective");
    let values = b.copy(&forward);
    let key = b.data("key", Ty::i32([2]));
    let logits = values[forward.outputs()[0].val.position()];
    let labels = draw(&mut b, logits, key);
    let losses = b.cross_entropy(logits, labels);
    let axes: Vec<usize> = (0..b.shape(losses).rank()).collect();
    let mean = b.mean(losses, &axes);
    b.output("loss", mean);
    b.finish()
}

/// Labels from the softmax of `logits: f32[N.., C]`, one for each row: `i32[N..]`. The largest logit after Gumbel noise
/// is that of a class drawn with the softmax's probabilities; of equals the first is taken.
fn draw(b: &mut Builder, logits: Val, key: Val) -> Val {
    let shape = b.shape(logits).clone();
    let last = shape.rank() - 1;
    let logits = b.stop_gradient(logits);
    let noise = gumbel(b, key, &shape);
    let noisy = b.add(logits, noise);
    let largest = b.reduce_max(noisy, &[last]);
    let largest = b.broadcast_back(largest, &shape, &[last]);
    let is_largest = b.compare(Direction::Ge, noisy, largest);
    let class = b.iota(DType::I32, &shape, last);
    let none = b.splat_like(class, shape[last] as f64);
    let candidates = b.select(is_largest, class, none);
    let negative = b.negate(candidates);
    let first = b.reduce_max(negative, &[last]);
    b.negate(first)
}

/// −ln(−ln u) for uniform u; −∞ where u is 0.
fn gumbel(b: &mut Builder, key: Val, shape: &Shape) -> Val {
    let counter = b.scalar(DType::I32, 0.0);
    let uniform = b.uniform(key, counter, shape);
    let log = b.log(uniform);
    let positive = b.negate(log);
    let log = b.log(positive);
    b.negate(log)
}

/// The argument for `key`.
pub(crate) fn key_words(key: Key) -> Tensor {
    let bits = key.bits(0);
    Tensor::from_fn([2], |word| (bits >> (32 * word)) as i32)
}

#[cfg(test)]
mod tests;
