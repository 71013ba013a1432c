//! Random composite graphs in f64: smooth compositions of many primitives.

use graph::{Builder, Graph, Ty, Val, ops::DotGeneral};
use tensor::Key;

/// A random graph of about `size` applications with matrix inputs, whose every value is reached by the output.
#[must_use]
pub fn random_graph(key: Key, size: usize) -> Graph {
    let mut b = Builder::new("composite");
    let mut pool: Vec<Val> = ["a", "b", "c"].map(|name| b.data(name, Ty::f64([3, 3]))).to_vec();
    for step in 0..size {
        let key = key.fold(step as u64);
        let pick = |what: &str| pool[key.child(what).below(0, pool.len() as u64) as usize];
        let (x, y) = (pick("x"), pick("y"));
        let next = apply(&mut b, key.child("op").below(0, OPERATIONS), x, y);
        pool.push(next);
    }
    let mut sum = pool[0];
    for &val in &pool[1..] {
        let bounded = b.tanh(val);
        sum = b.add(sum, bounded);
    }
    b.output("result", sum);
    b.finish()
}

const OPERATIONS: u64 = 14;

/// One smooth operation on 3×3 matrices, bounded so that compositions stay of order one.
fn apply(b: &mut Builder, operation: u64, x: Val, y: Val) -> Val {
    let third = |b: &mut Builder, x| b.scale(x, 1.0 / 3.0);
    match operation {
        0 => b.add(x, y),
        1 => b.subtract(x, y),
        2 => {
            let (x, y) = (b.tanh(x), b.tanh(y));
            b.multiply(x, y)
        }
        3 => {
            let square = b.multiply(y, y);
            let one = b.splat_like(square, 1.0);
            let positive = b.add(square, one);
            b.divide(x, positive)
        }
        4 => b.negate(x),
        5 => {
            let bounded = b.tanh(x);
            b.exp(bounded)
        }
        6 => b.erf(x),
        7 => b.logistic(x),
        8 => {
            let op = DotGeneral { lhs_contract: vec![1], rhs_contract: vec![1], ..DotGeneral::default() };
            let product = b.dot_general(op, x, y);
            third(b, product)
        }
        9 => b.transpose(x, &[1, 0]),
        10 => {
            let sum = b.reduce_sum(x, &[1]);
            let shape = b.shape(x).clone();
            let back = b.broadcast_back(sum, &shape, &[1]);
            third(b, back)
        }
        11 => b.log_softmax(x),
        12 => b.gelu(x),
        _ => b.layer_norm(x, None, None, 0.1),
    }
}
