//! Attention of a sequence to itself, with its linear maps.

use tensor::Shape;

use super::Attention;
use crate::{Builder, Val};

/// The parameters of self-attention over features of size `C`, `H` heads of depth `D` and `K` key heads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SelfAttention {
    /// Queries, keys and values in this order: `F[(H + 2 K) D, C]`, as PyTorch's `in_proj_weight`.
    pub projection: Val,
    /// `F[(H + 2 K) D]`.
    pub projection_bias: Option<Val>,
    /// `F[C, H D]`.
    pub output: Val,
    /// `F[C]`.
    pub output_bias: Option<Val>,
    /// `H`.
    pub heads: usize,
    /// `K`, a divisor of `H`.
    pub key_heads: usize,
    /// The base of rotary positions; none where positions come otherwise.
    pub rotary: Option<f64>,
    /// Which keys a query sees.
    pub mask: Attention,
}

impl Builder {
    /// Multi-head attention of a sequence to itself (arXiv:1706.03762, section 3.2.2), as PyTorch's
    /// `MultiheadAttention`. `x: F[N, T, C]`; the result is like `x`.
    ///
    /// # Panics
    /// Where the operands do not fit.
    #[track_caller]
    pub fn self_attention(&mut self, x: Val, parameters: SelfAttention) -> Val {
        let shape = self.shape(x).clone();
        let [batch, length, features] = shape[..] else { panic!("attention of [N, T, C], found {shape}") };
        let SelfAttention { heads, key_heads, .. } = parameters;
        let rows = self.reshape(x, &Shape::from([batch * length, features]));
        let projected = self.linear(rows, parameters.projection, parameters.projection_bias);
        let depth = self.shape(projected)[1] / (heads + 2 * key_heads);
        let projected = self.reshape(projected, &Shape::from([batch, length, heads + 2 * key_heads, depth]));
        let all = heads + 2 * key_heads;
        let ranges = [0..heads, heads..heads + key_heads, heads + key_heads..all];
        let [q, k, v] = ranges.map(|range| self.slice_axis(projected, 2, range));
        let [q, k] = match parameters.rotary {
            Some(base) => [self.rotary(q, base), self.rotary(k, base)],
            None => [q, k],
        };
        let mixed = self.attention(q, k, v, parameters.mask);
        let mixed = self.reshape(mixed, &Shape::from([batch * length, heads * depth]));
        let result = self.linear(mixed, parameters.output, parameters.output_bias);
        self.reshape(result, &shape)
    }
}
