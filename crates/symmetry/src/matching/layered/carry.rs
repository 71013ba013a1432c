//! Carrying an element out, layer by layer, with a trial of each.

use graph::Argument;
use models::{Decoder, Params};
use tensor::{DType, Key, Tensor};

use super::{
    EMBEDDING, HEAD, LAST_NORM, Layered, Network,
    heads::moved_bias,
    layer::{times_columns, times_rows},
    products::{Products, elements, single},
};
use crate::SymmetryError;

/// The tokens of a trial, and how many there are to choose from. Ours: more than the heads of most groups, and few enough that reading the weights takes longest.
const TOKENS: usize = 16;
const VOCABULARY: usize = 32;

/// How far outputs may be apart, relative to the largest: 1e-3. Ours: a thousand times what is seen of networks that were trained, whose matrices are sums of a few thousand products in `f32`; an element that is no
/// symmetry changes outputs by about their size.
const TOLERANCE: f64 = 1e-3;

/// A layer of B after the move.
pub struct Moved {
    /// Its tensors under the names of the network, as `f32`.
    pub tensors: Vec<(String, Tensor)>,
    /// How much its outputs on random inputs differ from what they were, relative to the largest.
    pub difference: f64,
}

impl Layered {
    /// A layer of `b` after the move, with the gains and scales of A, tried on random inputs.
    ///
    /// # Errors
    /// Where a tensor cannot be read, the executor refuses a graph, or [`SymmetryError::Moved`] where it computes something else.
    pub fn layer(
        &self,
        products: &mut Products<'_>,
        b: Network<'_>,
        layer: usize,
    ) -> Result<Moved, SymmetryError> {
        let rotation = single(&self.rotation);
        let names = self.decoder.one_layer(VOCABULARY, TOKENS).parameters();
        let own = |name: &str| name.strip_prefix("model.layers.0.").map(str::to_owned);
        let parts: Vec<String> = names.iter().filter_map(|(name, _)| own(name)).collect();
        let (mut before, mut tensors) = (Vec::new(), Vec::new());
        for part in &parts {
            let name = Decoder::name(layer, part);
            let tensor = b.read(&name)?;
            tensors.push((name, self.part(products, layer, part, &tensor, &rotation)?));
            before.push(tensor);
        }
        let difference = self.difference(
            products,
            &parts,
            [&before, &tensors.iter().map(|(_, own)| own.clone()).collect::<Vec<_>>()],
            &rotation,
        )?;
        if difference.is_nan() || difference > TOLERANCE {
            return Err(SymmetryError::Moved { layer, found: difference, tolerance: TOLERANCE });
        }
        Ok(Moved { tensors, difference })
    }

    /// A tensor outside of layers after the move; `None` for others.
    ///
    /// # Errors
    /// As [`Layered::layer`].
    pub fn end(
        &self,
        products: &mut Products<'_>,
        b: Network<'_>,
        name: &str,
    ) -> Result<Option<Tensor>, SymmetryError> {
        let rotation = single(&self.rotation);
        Ok(match name {
            LAST_NORM => Some(vector(&self.last[0])),
            EMBEDDING => Some(products.rotated_rows(&b.read(name)?, &rotation)?),
            HEAD => {
                let mut head = b.read(name)?;
                times_columns(&mut head, &self.last[1], |entry, gain| entry * gain);
                let mut head = products.rotated_rows(&head, &rotation)?;
                times_columns(&mut head, &self.last[0], |entry, gain| entry / gain);
                Some(head)
            }
            _ => None,
        })
    }

    fn part(
        &self,
        products: &mut Products<'_>,
        layer: usize,
        part: &str,
        tensor: &Tensor,
        rotation: &Tensor,
    ) -> Result<Tensor, SymmetryError> {
        let [a, b] = &self.norms[layer];
        let (heads, units) = (&self.layers[layer].heads, &self.layers[layer].units);
        // What reads from the stream, with a gain before it.
        let mut reader = |side: usize, act: &dyn Fn(&Tensor) -> Tensor| -> Result<Tensor, SymmetryError> {
            let mut folded = tensor.clone();
            times_columns(&mut folded, &b.gains[side], |entry, gain| entry * gain);
            let mut moved = products.rotated_rows(&act(&folded), rotation)?;
            times_columns(&mut moved, &a.gains[side], |entry, gain| entry / gain);
            Ok(moved)
        };
        let bias = |act: &dyn Fn(&Tensor) -> Tensor| vector(&moved_bias(elements(tensor), act));
        // The scales of B's units are those of the places that these go to.
        let scales: Vec<f32> =
            units.list(&b.scales).iter().zip(&a.scales).map(|(theirs, ours)| theirs / ours).collect();
        Ok(match part {
            "input_layernorm.weight" => vector(&a.gains[0]),
            "post_attention_layernorm.weight" => vector(&a.gains[1]),
            "self_attn.q_proj.weight" => reader(0, &|own| heads.moved_queries(own))?,
            "self_attn.k_proj.weight" => reader(0, &|own| heads.moved_keys(own))?,
            "self_attn.v_proj.weight" => reader(0, &|own| heads.moved_values(own))?,
            "self_attn.q_proj.bias" => bias(&|own| heads.moved_queries(own)),
            "self_attn.k_proj.bias" => bias(&|own| heads.moved_keys(own)),
            "self_attn.v_proj.bias" => bias(&|own| heads.moved_values(own)),
            "self_attn.o_proj.weight" => products.rotated_columns(&heads.moved_outputs(tensor), rotation)?,
            "mlp.gate_proj.weight" => reader(1, &|own| units.rows(own, false))?,
            "mlp.up_proj.weight" => reader(1, &|own| {
                let mut moved = units.rows(own, true);
                times_rows(&mut moved, &scales, |entry, scale| entry * scale);
                moved
            })?,
            "mlp.down_proj.weight" => {
                let mut moved = units.columns(tensor);
                times_columns(&mut moved, &scales, |entry, scale| entry / scale);
                products.rotated_columns(&moved, rotation)?
            }
            other => unreachable!("a decoder has no '{other}'"),
        })
    }

    /// How much the outputs of a layer differ, between random embeddings and a random output layer.
    fn difference(
        &self,
        products: &mut Products<'_>,
        parts: &[String],
        [before, after]: [&[Tensor]; 2],
        rotation: &Tensor,
    ) -> Result<f64, SymmetryError> {
        let model = self.decoder.one_layer(VOCABULARY, TOKENS);
        let random = |name: &str| {
            let key = Key::new(0).child(name);
            Tensor::from_fn([VOCABULARY, self.decoder.width()], |at| key.normal(at as u64) as f32)
        };
        let ends = [random(EMBEDDING), random(HEAD)];
        let turned = [products.rotated_rows(&ends[0], rotation)?, products.rotated_rows(&ends[1], rotation)?];
        let graph = model.forward(1, DType::F32);
        let mut executable = products.executor().compile(&graph, &[])?;
        let texts = Tensor::from_fn([1, TOKENS], |at| (at * 7 % VOCABULARY) as i32);
        let ones = Tensor::full([self.decoder.width()], 1f32);
        let mut logits = |ends: &[Tensor; 2], own: &[Tensor]| -> Result<Vec<f64>, SymmetryError> {
            let tensor = |name: &str| match name {
                EMBEDDING => &ends[0],
                HEAD => &ends[1],
                LAST_NORM => &ones,
                name => {
                    let at = parts.iter().position(|part| name.ends_with(part.as_str()));
                    &own[at.unwrap_or_else(|| unreachable!("the parts are those of the layer"))]
                }
            };
            let names = model.parameters();
            let arguments = names.iter().map(|(name, _)| tensor(name)).chain([&texts]);
            let results = executable.run(arguments.map(Argument::Borrowed).collect())?;
            Ok(results[0].to_f64_vec())
        };
        let (one, other) = (logits(&ends, before)?, logits(&turned, after)?);
        let largest = one.iter().fold(0.0f64, |most, logit| most.max(logit.abs()));
        let apart = one.iter().zip(&other).fold(0.0f64, |most, (one, other)| most.max((one - other).abs()));
        Ok(if one.iter().chain(&other).all(|logit| logit.is_finite()) { apart / largest } else { f64::NAN })
    }

    /// All of `b` after the move, for what fits into memory; in the order of `like`.
    ///
    /// # Errors
    /// As [`Layered::layer`].
    pub fn whole(
        &self,
        products: &mut Products<'_>,
        b: Network<'_>,
        like: &Params,
    ) -> Result<Params, SymmetryError> {
        let mut all = std::collections::BTreeMap::new();
        for layer in 0..self.decoder.layers() {
            all.extend(self.layer(products, b, layer)?.tensors);
        }
        for name in [EMBEDDING, LAST_NORM, HEAD] {
            if let Some(tensor) = self.end(products, b, name)? {
                all.insert(name.to_owned(), tensor);
            }
        }
        let of =
            |name: &str| all.remove(name).unwrap_or_else(|| unreachable!("'{name}' is no part of a decoder"));
        let mut of = of;
        Ok(Params::from_pairs(like.names().map(|name| (name.to_owned(), of(name))).collect::<Vec<_>>()))
    }
}

fn vector(numbers: &[f32]) -> Tensor {
    Tensor::from_fn([numbers.len()], |at| numbers[at])
}
