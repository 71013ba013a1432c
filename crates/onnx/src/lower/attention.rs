//! Scaled dot-product attention.

use graph::{Val, ops, ops::Direction};
use tensor::{DType, Shape};

use super::node::{Node, Outputs, Value, size};
use crate::error::{Fault, invalid, unsupported};

impl Node<'_> {
    /// Queries, keys or values as `[batch, heads, length, depth]`: given so, or with the heads side by side in the last of
    /// three axes.
    fn heads(&mut self, position: usize, count: &str) -> Result<Val, Fault> {
        let x = self.float_x(position)?;
        let shape = self.b.shape(x).clone();
        match shape[..] {
            [_, _, _, _] => Ok(x),
            [batch, length, width] => match size(self.int(count, 0)?)? {
                heads @ 1.. if width.is_multiple_of(heads) => {
                    let x = self.reshape(x, [batch, length, heads, width / heads])?;
                    self.permute(x, vec![0, 2, 1, 3])
                }
                heads => invalid(format!("a number of heads that divides {width}"), heads),
            },
            _ => invalid("three or four axes", shape),
        }
    }

    /// Keys or values repeated so that each head of the queries has its own.
    fn repeated_heads(&mut self, x: Val, heads: usize) -> Result<Val, Fault> {
        let shape = self.b.shape(x).clone();
        let own = shape[1];
        if own == heads {
            return Ok(x);
        }
        if own == 0 || !heads.is_multiple_of(own) {
            return invalid(format!("a number of key heads that divides {heads}"), own);
        }
        let grouped = Shape::from([shape[0], own, heads / own, shape[2], shape[3]]);
        let x = self.apply(ops::BroadcastInDim { shape: grouped, axes: vec![0, 1, 3, 4] }, &[x])?;
        self.reshape(x, [shape[0], heads, shape[2], shape[3]])
    }

    /// The scores with everything hidden that a mask or causality hides.
    fn masked(&mut self, scores: Val) -> Result<Val, Fault> {
        let mut scores = scores;
        let shape = self.b.shape(scores).clone();
        let hidden = self.b.splat_like(scores, f64::NEG_INFINITY);
        if let Some(mask) = self.optional(3)? {
            let is_truth = self.b.ty(mask).dtype == DType::Bool;
            let mask = self.stretch(mask, &shape)?;
            scores = if is_truth {
                self.apply(ops::Select, &[mask, scores, hidden])?
            } else {
                self.apply(ops::Add, &[scores, mask])?
            };
        }
        if self.flag("is_causal")? {
            let iota = |axis| ops::Iota { dtype: DType::I32, shape: shape.clone(), axis };
            let (query, key) = (self.apply(iota(2), &[])?, self.apply(iota(3), &[])?);
            let seen = self.apply(ops::Compare { direction: Direction::Ge }, &[query, key])?;
            scores = self.apply(ops::Select, &[seen, scores, hidden])?;
        }
        Ok(scores)
    }

    /// `cap tanh(x / cap)` where a cap is asked for.
    fn capped(&mut self, scores: Val) -> Result<Val, Fault> {
        let cap = self.float("softcap", 0.0)?;
        if cap == 0.0 {
            return Ok(scores);
        }
        let scaled = self.scale(scores, cap.recip())?;
        let squashed = self.apply(ops::Tanh, &[scaled])?;
        self.scale(squashed, cap)
    }
}

pub(super) fn attention(node: &mut Node<'_>) -> Outputs {
    if (4..node.inputs.len()).any(|position| node.value(position).is_some())
        || (1..4).any(|output| node.wants(output))
    {
        return unsupported("earlier keys and values, and scores as an output");
    }
    let is_flat = node.required(0).map(|q| node.shape_of(&q).rank() == 3)?;
    let q = node.heads(0, "q_num_heads")?;
    let [k, v] = [1, 2].map(|position| node.heads(position, "kv_num_heads"));
    let shape = node.b.shape(q).clone();
    let (k, v) = (node.repeated_heads(k?, shape[1])?, node.repeated_heads(v?, shape[1])?);
    let scale = node.float("scale", (shape[3] as f64).sqrt().recip())?;
    let q = node.scale(q, scale)?;
    let product = |lhs: usize, rhs: usize| ops::DotGeneral {
        lhs_batch: vec![0, 1],
        rhs_batch: vec![0, 1],
        lhs_contract: vec![lhs],
        rhs_contract: vec![rhs],
    };
    let scores = node.apply(product(3, 3), &[q, k])?;
    let scores = node.capped(scores)?;
    let scores = node.masked(scores)?;
    if node.b.shape(scores)[3] == 0 {
        return invalid("keys", "none");
    }
    let weights = node.softmax(scores, 3)?;
    let mixed = node.apply(product(3, 2), &[weights, v])?;
    if !is_flat {
        return Ok(vec![Value::Plain(mixed)]);
    }
    let mixed = node.permute(mixed, vec![0, 2, 1, 3])?;
    let sizes = node.b.shape(mixed).clone();
    Ok(vec![Value::Plain(node.reshape(mixed, [sizes[0], sizes[1], sizes[2] * sizes[3]])?)])
}
