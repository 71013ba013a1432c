//! Decoders as a row of like layers, for what is done layer by layer.

use crate::{Model, families::llama::Llama, model::Network};

/// A causal transformer with rotary positions, gated layers and normalisation by the root of the mean square, whose output layer is a
/// matrix of its own: what `llama` builds with `tied=off`. Names and layouts are those of Hugging Face's transformers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoder {
    own: Llama,
}

/// The matrices and vectors of a layer, without its name.
pub const LAYER: [&str; 9] = [
    "input_layernorm.weight",
    "self_attn.q_proj.weight",
    "self_attn.k_proj.weight",
    "self_attn.v_proj.weight",
    "self_attn.o_proj.weight",
    "post_attention_layernorm.weight",
    "mlp.gate_proj.weight",
    "mlp.up_proj.weight",
    "mlp.down_proj.weight",
];

impl Model {
    /// The network as a row of layers, where it is one.
    #[must_use]
    pub fn decoder(&self) -> Option<Decoder> {
        match &self.network {
            Network::Llama(own) if !own.tied => Some(Decoder { own: own.clone() }),
            _ => None,
        }
    }
}

impl Decoder {
    /// The number of layers.
    #[must_use]
    pub const fn layers(&self) -> usize {
        self.own.layers
    }

    /// The width of the residual stream.
    #[must_use]
    pub const fn width(&self) -> usize {
        self.own.width
    }

    /// The heads of queries.
    #[must_use]
    pub const fn heads(&self) -> usize {
        self.own.heads
    }

    /// The heads of keys and values, each shared by as many queries.
    #[must_use]
    pub const fn key_heads(&self) -> usize {
        self.own.key_heads
    }

    /// The features of a head.
    #[must_use]
    pub const fn depth(&self) -> usize {
        self.own.depth()
    }

    /// The units of a gated layer.
    #[must_use]
    pub const fn hidden(&self) -> usize {
        self.own.hidden
    }

    /// Whether queries, keys and values have biases.
    #[must_use]
    pub const fn has_bias(&self) -> bool {
        self.own.bias
    }

    /// The name of a tensor of a layer, as [`LAYER`] lists them.
    #[must_use]
    pub fn name(layer: usize, part: &str) -> String {
        format!("model.layers.{layer}.{part}")
    }

    /// A network of one such layer that reads texts of `context` tokens out of `vocabulary`.
    #[must_use]
    pub fn one_layer(&self, vocabulary: usize, context: usize) -> Model {
        Model { network: Network::Llama(Llama { layers: 1, vocabulary, context, ..self.own.clone() }) }
    }

    /// A small network built in the same way: two layers with heads as deep and with the same positions, two groups of as many queries
    /// as share a key, but at most two; 16 wide, 12 units, 8 tokens out of 24. It has no biases: those of queries, keys and values go
    /// with the rows that they are added to.
    #[must_use]
    pub fn small(&self) -> Model {
        let key_heads = 2;
        let heads = key_heads * (self.own.heads / self.own.key_heads).min(2);
        let own = Llama {
            layers: 2,
            heads,
            key_heads,
            depth: self.depth(),
            width: 16,
            hidden: 12,
            ..self.own.clone()
        };
        Model { network: Network::Llama(Llama { context: 8, vocabulary: 24, bias: false, ..own }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_named_as_the_network_names_them() {
        let model = Model::parse("llama:layers=3,width=32,heads=8,key_heads=2,hidden=20,vocab=50").unwrap();
        let decoder = model.decoder().unwrap();
        let names: Vec<String> = model.entries().into_iter().map(|(name, _)| name).collect();
        let ours = (0..3).flat_map(|layer| LAYER.map(|part| Decoder::name(layer, part)));
        assert!(ours.into_iter().all(|name| names.contains(&name)));
        assert_eq!(names.len(), 3 * LAYER.len() + 3);
        assert_eq!((decoder.depth(), decoder.one_layer(7, 5).spec().contains("layers=1")), (4, true));
        assert!(Model::parse(&decoder.small().spec()).is_ok());
        assert_eq!(Model::parse("llama:tied=on").unwrap().decoder(), None);
        assert_eq!(Model::parse("gpt").unwrap().decoder(), None);
    }
}
