//! Weights, examples and labels that are a formula, which `goldens/formula/make.py` shares.

use isoloss_models::{Input, Model};
use tensor::{Shape, Tensor};

/// The number `i` in [-1, 1) of a name, a multiple of 2^-23: FNV-1a of the name, then SplitMix64.
pub(crate) fn uniform(name: &str, i: usize) -> f64 {
    let seed = name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let z = seed.wrapping_add((i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    let z = z ^ (z >> 31);
    (z >> 40) as f64 / f64::from(1 << 23) - 1.0
}

/// A parameter or buffer: see the script.
pub(crate) fn value(name: &str, shape: &Shape) -> Tensor {
    let row = if shape.rank() > 1 { shape.elements() / shape[0] } else { 0 };
    let element = |i: usize| {
        let number = uniform(name, i);
        if row > 0 {
            (3.0 / row as f64).sqrt() * number
        } else if name.ends_with("weight") || name.ends_with("running_var") {
            1.0 + number / 2.0
        } else {
            number / 2.0
        }
    };
    Tensor::from_fn(shape.clone(), |i| f64::from(element(i) as f32))
}

/// Numbers of classes.
pub(crate) fn classes(name: &str, shape: &Shape, count: usize) -> Tensor {
    Tensor::from_fn(shape.clone(), |i| (((uniform(name, i) + 1.0) / 2.0) * count as f64) as i32)
}

/// The examples of a batch.
pub(crate) fn examples(model: &Model, batch: usize) -> Tensor {
    let shape = Shape::from([batch, model.input_features()]);
    match model.input() {
        Input::Tokens { vocabulary, .. } => classes("x", &shape, vocabulary),
        Input::Graph { nodes, features } => graphs(&shape, nodes, features),
        _ => Tensor::from_fn(shape, |i| uniform("x", i)),
    }
}

/// Features of nodes, and an edge wherever a number of the upper triangle is positive.
fn graphs(shape: &Shape, nodes: usize, features: usize) -> Tensor {
    let (row, border) = (shape[1], nodes * features);
    Tensor::from_fn(shape.clone(), |i| {
        let (start, at) = (i - i % row, i % row);
        let Some(edge) = at.checked_sub(border) else { return uniform("x", i) };
        let (from, to) = (edge / nodes, edge % nodes);
        let upper = start + border + from.min(to) * nodes + from.max(to);
        f64::from(from != to && uniform("x", upper) > 0.0)
    })
}
