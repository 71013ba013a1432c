//! Transformers with rotary positions and gated layers that predict the next token.

use graph::Val;
use tensor::Shape;

use super::transformer::{self, Heads};
use crate::{
    Activation, Input, Labels, ModelError, Norm,
    architecture::Architecture,
    init::Kind,
    layout::Layout,
    line::{Line, MOST_REPEATED},
    net::Net,
    positive::Positive,
    rope::{Rope, Scaling},
    settings::{Setting, Specified, Written},
};

/// A decoder-only transformer as Llama (Touvron and others 2023, arXiv:2302.13971), Mistral and Qwen2, with the names of Hugging
/// Face's transformers: rotary positions that pair the halves of a head, groups of queries that share keys and values,
/// normalisation by the root of the mean square, gated feed-forward layers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Llama {
    pub(crate) layers: usize,
    pub(crate) width: usize,
    pub(crate) heads: usize,
    /// Heads of keys and values.
    pub(crate) key_heads: usize,
    /// Features of a head; 0 for an even share of the width.
    pub(crate) depth: usize,
    pub(crate) hidden: usize,
    pub(crate) context: usize,
    pub(crate) vocabulary: usize,
    pub(crate) rope: Rope,
    pub(crate) activation: Activation,
    pub(crate) epsilon: Positive,
    /// Whether queries, keys and values have biases: those of Qwen2 do.
    pub(crate) bias: bool,
    pub(crate) tied: bool,
}

/// The standard deviation of initial embeddings: transformers' default.
const DEVIATION: f32 = 0.02;

const EMBEDDING: &str = "model.embed_tokens.weight";

const ATTENTION: [&str; 4] = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj"];

const FEED_FORWARD: [&str; 3] = ["mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"];

const NORMS: [&str; 2] = ["input_layernorm", "post_attention_layernorm"];

impl Default for Llama {
    /// A small model of characters, for 96 of them (the printable ones of ASCII and the end of a line): ours. Base and ε are
    /// those of Llama 2.
    fn default() -> Self {
        Self {
            layers: 4,
            width: 128,
            heads: 4,
            key_heads: 2,
            depth: 0,
            hidden: 384,
            context: 128,
            vocabulary: 96,
            rope: Rope::new(1e4),
            activation: Activation::Silu,
            epsilon: Positive::new(1e-5),
            bias: false,
            tied: false,
        }
    }
}

fn part(layer: usize, part: &str) -> String {
    format!("model.layers.{layer}.{part}")
}

impl Llama {
    /// Reads the options of `llama`.
    pub(crate) fn parse(line: Line<'_>) -> Result<Self, ModelError> {
        Self::default().read(line, line.options())
    }

    pub(crate) const fn depth(&self) -> usize {
        if self.depth == 0 { self.width / self.heads } else { self.depth }
    }

    fn norm(&self, net: &mut Net, name: &str, x: Val) -> Val {
        net.norm_with(name, Norm::Rms, self.epsilon, x)
    }

    /// A layer over rows `[N T, C]`.
    fn emit_layer(&self, net: &mut Net, layer: usize, length: usize, x: Val) -> Val {
        let rates = self.rope.rates(self.depth());
        let heads = Heads {
            heads: self.heads,
            key_heads: self.key_heads,
            length,
            rotary: Some(&rates),
            causal: true,
        };
        let [first, second] = NORMS.map(|name| part(layer, name));
        let names = ATTENTION.map(|name| part(layer, name));
        let y = self.norm(net, &first, x);
        let y = heads.emit(net, names.each_ref().map(String::as_str), y);
        let x = net.b.add(x, y);
        let names = FEED_FORWARD.map(|name| part(layer, name));
        let y = self.norm(net, &second, x);
        let y =
            transformer::gated_feed_forward(net, names.each_ref().map(String::as_str), self.activation, y);
        net.b.add(x, y)
    }

    /// What scaling does not use must be as it is.
    fn check_scaling(&self, line: Line<'_>) -> Result<(), ModelError> {
        let Rope { base, scaling, factor, low, high, .. } = self.rope;
        let unused = match scaling {
            Scaling::None => Rope::new(base.get()),
            Scaling::Linear => Rope { scaling, factor, ..Rope::new(base.get()) },
            Scaling::Llama3 if low.get() < high.get() => return Ok(()),
            Scaling::Llama3 => return Err(line.fault("low below high", format!("low {low} and high {high}"))),
        };
        if unused == self.rope {
            return Ok(());
        }
        Err(line
            .fault("factor with scaling=linear or llama3, low, high and trained with llama3", "them without"))
    }

    fn declare_layer(&self, layout: &mut Layout, layer: usize) {
        let (queries, keys) =
            (self.heads.saturating_mul(self.depth()), self.key_heads.saturating_mul(self.depth()));
        let [query, key, value, output] = ATTENTION.map(|name| part(layer, name));
        layout.linear(&query, self.width, queries, self.bias);
        layout.linear(&key, self.width, keys, self.bias);
        layout.linear(&value, self.width, keys, self.bias);
        layout.linear(&output, queries, self.width, false);
        let [gate, up, down] = FEED_FORWARD.map(|name| part(layer, name));
        layout.linear(&gate, self.width, self.hidden, false);
        layout.linear(&up, self.width, self.hidden, false);
        layout.linear(&down, self.hidden, self.width, false);
        for name in NORMS {
            layout.norm(&part(layer, name), Norm::Rms, self.width, false);
        }
    }
}

impl Specified for Llama {
    const OPTION: &'static str = "option of llama";

    fn head(&self) -> String {
        "llama".to_owned()
    }

    fn standard(&self) -> Self {
        Self::default()
    }

    fn settings(&mut self) -> Vec<Setting<'_>> {
        vec![
            Setting::bounded("layers", &mut self.layers, 1, MOST_REPEATED),
            Setting::size("width", &mut self.width),
            Setting::size("heads", &mut self.heads),
            Setting::size("key_heads", &mut self.key_heads),
            Setting::optional("depth", &mut self.depth),
            Setting::size("hidden", &mut self.hidden),
            Setting::size("context", &mut self.context),
            Setting::size("vocab", &mut self.vocabulary),
            Setting::positive("base", &mut self.rope.base),
            Setting::choice("scaling", &mut self.rope.scaling),
            Setting::positive("factor", &mut self.rope.factor),
            Setting::positive("low", &mut self.rope.low),
            Setting::positive("high", &mut self.rope.high),
            Setting::size("trained", &mut self.rope.trained),
            Setting::choice("act", &mut self.activation),
            Setting::positive("eps", &mut self.epsilon),
            Setting::choice("bias", &mut self.bias),
            Setting::choice("tied", &mut self.tied),
        ]
    }

    fn check(&self, line: Line<'_>) -> Result<(), ModelError> {
        if self.depth == 0 {
            transformer::check_heads(line, self.width, self.heads)?;
        }
        transformer::check_rotary(line, self.depth())?;
        if !self.heads.is_multiple_of(self.key_heads) {
            let found = format!("{} heads and {} key heads", self.heads, self.key_heads);
            return Err(line.fault("heads that are a multiple of the key heads", found));
        }
        self.check_scaling(line)
    }
}

impl Architecture for Llama {
    fn written(&self) -> Written {
        Specified::written(self)
    }

    fn input(&self) -> Input {
        Input::Tokens { count: self.context, vocabulary: self.vocabulary }
    }

    fn labels(&self) -> Labels {
        Labels::NextTokens(self.context)
    }

    fn classes(&self) -> Option<usize> {
        Some(self.vocabulary)
    }

    fn takes_shorter_texts(&self) -> bool {
        true
    }

    fn layout(&self) -> Layout {
        let mut layout = Layout::default();
        layout.parameter(EMBEDDING, [self.vocabulary, self.width], Kind::Embedding { deviation: DEVIATION });
        for layer in 0..self.layers {
            self.declare_layer(&mut layout, layer);
        }
        layout.end_branches(&["o_proj", "down_proj"]);
        layout.norm("model.norm", Norm::Rms, self.width, false);
        if !self.tied {
            layout.linear("lm_head", self.width, self.vocabulary, false);
        }
        layout
    }

    fn emit(&self, net: &mut Net, tokens: Val) -> Val {
        let (table, texts) = (net.get(EMBEDDING), net.b.shape(tokens).clone());
        let x = net.b.embedding(table, tokens);
        let x = net.b.reshape(x, &Shape::from([texts.elements(), self.width]));
        let x = (0..self.layers).fold(x, |x, layer| self.emit_layer(net, layer, texts[1], x));
        let x = self.norm(net, "model.norm", x);
        let head = if self.tied { table } else { net.get("lm_head.weight") };
        let logits = net.b.linear(x, head, None);
        net.b.reshape(logits, &Shape::from([texts[0], texts[1], self.vocabulary]))
    }
}

#[cfg(test)]
mod tests {
    use crate::Model;

    #[test]
    fn a_qwen2_has_the_published_number_of_weights() {
        let spec =
            "llama:layers=24,width=896,heads=14,hidden=4864,vocab=151936,base=1e6,eps=1e-6,bias=on,tied=on";
        let model = Model::parse(spec).unwrap();
        assert_eq!((model.elements(), model.spec().as_str()), (494_032_768, spec));
    }

    #[test]
    fn heads_that_do_not_fit_are_refused() {
        let error = |spec: &str| Model::parse(spec).unwrap_err().to_string();
        assert!(error("llama:heads=4,key_heads=3").contains("found 4 heads and 3 key heads"));
        assert!(error("llama:width=10,heads=4").contains("found width 10 and 4 heads"));
        assert!(error("llama:depth=3").contains("even depth"));
        assert!(error("llama:factor=2").contains("factor with scaling=linear"));
        assert!(error("llama:scaling=linear,low=2").contains("found them without"));
        assert!(error("llama:scaling=llama3,low=4").contains("low below high"));
        assert!(error("llama:base=0").contains("base as a number above 0, found '0'"));
    }
}
