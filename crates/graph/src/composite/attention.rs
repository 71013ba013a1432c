//! Scaled dot-product attention over several heads.

use tensor::{DType, Shape};

use crate::{
    Builder, Val,
    ops::{Direction, DotGeneral},
};

/// What attention is given besides queries, keys and values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attention {
    /// Whether query `t` sees the keys up to `t` only; all of them by default.
    pub causal: bool,
    /// Which keys there are: `bool[N, S]`, false for padding; all of them by default. A query that sees no key gets
    /// zeros, as in PyTorch.
    pub present: Option<Val>,
}

impl Builder {
    /// `softmax(q kᵀ / √D) v` for each example and head (Vaswani and others 2017, arXiv:1706.03762, equation 1).
    /// `q: F[N, T, H, D]`, `k: F[N, S, K, D]`, `v: F[N, S, K, E]`, with a divisor `K` of `H`: query head `h` uses key
    /// head `h / (H / K)` (grouped queries, arXiv:2305.13245). Result `F[N, T, H, E]`.
    ///
    /// # Panics
    /// Where the operands do not fit, or there are no keys.
    #[track_caller]
    pub fn attention(&mut self, q: Val, k: Val, v: Val, options: Attention) -> Val {
        let [batch, queries, heads, depth] = self.four_sizes(q);
        let [_, _, key_heads, value_depth] = self.four_sizes(v);
        assert!(key_heads > 0 && heads.is_multiple_of(key_heads), "{heads} heads of {key_heads} key heads");
        let group = heads / key_heads;
        let mut q = self.scale(q, (depth as f64).sqrt().recip());
        if group > 1 {
            q = self.reshape(q, &Shape::from([batch, queries, key_heads, group, depth]));
        }
        let last = self.last_axis(q);
        let op = |lhs_heads: usize, rhs_contract: usize| DotGeneral {
            lhs_batch: vec![0, lhs_heads],
            rhs_batch: vec![0, 2],
            lhs_contract: vec![last],
            rhs_contract: vec![rhs_contract],
        };
        let scores = self.dot_general(op(2, 3), q, k);
        let weights = self.attention_weights(scores, options);
        let mixed = self.dot_general(op(1, 1), weights, v);
        let order: Vec<usize> = [0, 2, 1].into_iter().chain(3..=last).collect();
        let mixed = self.transpose(mixed, &order);
        self.reshape(mixed, &Shape::from([batch, queries, heads, value_depth]))
    }

    /// The softmax of the scores `F[N, K, T, S]` or, in groups, `F[N, K, T, G, S]` over the keys that are seen.
    fn attention_weights(&mut self, scores: Val, options: Attention) -> Val {
        let (shape, last) = (self.shape(scores).clone(), self.last_axis(scores));
        let Some(seen) = self.seen_keys(&shape, options) else { return self.softmax(scores, last) };
        let hidden = self.splat_like(scores, f64::NEG_INFINITY);
        let scores = self.select(seen, scores, hidden);
        match options.present {
            None => self.softmax(scores, last),
            Some(_) => self.softmax_or_zeros(scores, last),
        }
    }

    /// Whether a query sees a key, in the shape of the scores; `None` where each sees all.
    fn seen_keys(&mut self, shape: &Shape, options: Attention) -> Option<Val> {
        let last = shape.rank() - 1;
        let causal = options.causal.then(|| {
            let mask = Shape::from([shape[2], shape[last]]);
            let [query, key] = [0, 1].map(|axis| self.iota(DType::I32, &mask, axis));
            let mask = self.compare(Direction::Ge, query, key);
            self.broadcast(mask, shape, &[2, last])
        });
        let present = options.present.map(|present| self.broadcast(present, shape, &[0, last]));
        match (causal, present) {
            (Some(causal), Some(present)) => {
                let nothing = self.splat_like(causal, 0.0);
                Some(self.select(causal, present, nothing))
            }
            (causal, present) => causal.or(present),
        }
    }

    /// [`Builder::softmax`], but zeros where all elements are minus infinity.
    fn softmax_or_zeros(&mut self, x: Val, axis: usize) -> Val {
        let shape = self.shape(x).clone();
        let largest = self.constant_max(x, axis);
        let infinite = self.splat_like(largest, f64::NEG_INFINITY);
        let is_empty = self.compare(Direction::Eq, largest, infinite);
        let zero = self.splat_like(largest, 0.0);
        let largest = self.select(is_empty, zero, largest);
        let largest = self.broadcast_back(largest, &shape, &[axis]);
        let shifted = self.subtract(x, largest);
        let exponentials = self.exp(shifted);
        let sum = self.reduce_sum(exponentials, &[axis]);
        let one = self.splat_like(sum, 1.0);
        let divisor = self.select(is_empty, one, sum);
        let reciprocal = self.divide(one, divisor);
        let reciprocal = self.broadcast_back(reciprocal, &shape, &[axis]);
        self.multiply(exponentials, reciprocal)
    }

    #[track_caller]
    fn four_sizes(&self, x: Val) -> [usize; 4] {
        let shape = self.shape(x);
        match shape[..] {
            [batch, length, heads, depth] => [batch, length, heads, depth],
            _ => panic!("attention takes [batch, length, heads, depth], found {shape}"),
        }
    }
}
