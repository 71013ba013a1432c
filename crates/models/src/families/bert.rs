//! Bidirectional encoders of texts.

use graph::Val;
use tensor::Shape;

use super::transformer::{self, Heads};
use crate::{
    Activation, Input, Labels, ModelError, Norm,
    architecture::Architecture,
    init::Kind,
    layout::Layout,
    line::{Line, MOST_REPEATED},
    named::Named,
    net::Net,
    positive::Positive,
    settings::{Setting, Specified, Written},
};

/// An encoder as BERT (Devlin and others 2018, arXiv:1810.04805) with the names of Hugging Face's transformers: learned
/// positions, attention to all tokens, normalisation behind each residual branch. A text is one segment that fills the context,
/// without padding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bert {
    pub(crate) layers: usize,
    pub(crate) width: usize,
    pub(crate) heads: usize,
    pub(crate) hidden: usize,
    pub(crate) context: usize,
    pub(crate) vocabulary: usize,
    /// Kinds of segments that the embedding has; texts are of the first.
    pub(crate) types: usize,
    pub(crate) head: Head,
    /// Classes of the heads `sequence` and `token`.
    pub(crate) classes: usize,
    pub(crate) activation: Activation,
    pub(crate) epsilon: Positive,
}

/// What is predicted of the encoded text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Head {
    /// Each token: `BertForMaskedLM`.
    #[default]
    Masked,
    /// A class of the text: `BertForSequenceClassification`.
    Sequence,
    /// A class of each token: `BertForTokenClassification`.
    Token,
}

impl Named for Head {
    const KIND: &'static str = "head";
    const MEMBERS: &'static [Self] = &[Self::Masked, Self::Sequence, Self::Token];

    fn name(self) -> &'static str {
        match self {
            Self::Masked => "masked",
            Self::Sequence => "sequence",
            Self::Token => "token",
        }
    }
}

/// The standard deviation of initial embeddings: BERT's.
const DEVIATION: f32 = 0.02;

/// BERT's `layer_norm_eps`.
const BERT_EPSILON: Positive = Positive::new(1e-12);

const EMBEDDINGS: [&str; 3] = ["word_embeddings", "position_embeddings", "token_type_embeddings"];

const TRANSFORM: &str = "cls.predictions.transform";

const ATTENTION: [&str; 4] =
    ["attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"];

impl Default for Bert {
    /// A small encoder of characters, for 96 of them (the printable ones of ASCII and the end of a line): ours.
    fn default() -> Self {
        Self {
            layers: 4,
            width: 128,
            heads: 4,
            hidden: 512,
            context: 128,
            vocabulary: 96,
            types: 2,
            head: Head::Masked,
            classes: 2,
            activation: Activation::Gelu,
            epsilon: BERT_EPSILON,
        }
    }
}

fn embedding(part: &str) -> String {
    format!("bert.embeddings.{part}")
}

fn part(layer: usize, part: &str) -> String {
    format!("bert.encoder.layer.{layer}.{part}")
}

impl Bert {
    /// Reads the options of `bert`.
    pub(crate) fn parse(line: Line<'_>) -> Result<Self, ModelError> {
        Self::default().read(line, line.options())
    }

    fn norm(&self, net: &mut Net, name: &str, x: Val) -> Val {
        net.norm_with(name, Norm::Layer, self.epsilon, x)
    }

    fn emit_embedding(&self, net: &mut Net, tokens: Val) -> Val {
        let [words, positions, types] =
            EMBEDDINGS.map(|part| net.get(&format!("{}.weight", embedding(part))));
        let (rows, length) = (net.b.shape(tokens).elements(), net.b.shape(tokens)[1]);
        let positions = transformer::first(net, positions, length);
        let x = net.b.embedding(words, tokens);
        let first = net.b.slice_axis(types, 0, 0..1);
        let first = net.b.reshape(first, &Shape::from([self.width]));
        let first = net.b.broadcast(first, &Shape::from([length, self.width]), &[1]);
        let added = net.b.add(positions, first);
        let x = transformer::add_to_each(net, x, added);
        let x = net.b.reshape(x, &Shape::from([rows, self.width]));
        self.norm(net, &embedding("LayerNorm"), x)
    }

    /// A layer over rows `[N T, C]`.
    fn emit_layer(&self, net: &mut Net, layer: usize, length: usize, x: Val) -> Val {
        let heads = Heads { heads: self.heads, key_heads: self.heads, length, rotary: None, causal: false };
        let names = ATTENTION.map(|name| part(layer, name));
        let y = heads.emit(net, names.each_ref().map(String::as_str), x);
        let x = net.b.add(x, y);
        let x = self.norm(net, &part(layer, "attention.output.LayerNorm"), x);
        let names = [part(layer, "intermediate.dense"), part(layer, "output.dense")];
        let y = transformer::feed_forward(net, names.each_ref().map(String::as_str), self.activation, x);
        let x = net.b.add(x, y);
        self.norm(net, &part(layer, "output.LayerNorm"), x)
    }

    /// Logits of rows `[N T, C]`.
    fn emit_head(&self, net: &mut Net, length: usize, x: Val) -> Val {
        let rows = net.b.shape(x)[0];
        let texts = |last| Shape::from([rows / length, length, last]);
        match self.head {
            Head::Masked => {
                let x = net.linear(&format!("{TRANSFORM}.dense"), x);
                let x = self.activation.emit(&mut net.b, x);
                let x = self.norm(net, &format!("{TRANSFORM}.LayerNorm"), x);
                let table = net.get(&format!("{}.weight", embedding(EMBEDDINGS[0])));
                let bias = net.get("cls.predictions.bias");
                let logits = net.b.linear(x, table, Some(bias));
                net.b.reshape(logits, &texts(self.vocabulary))
            }
            Head::Sequence => {
                let x = net.b.reshape(x, &texts(self.width));
                let x = transformer::token(net, x, 0);
                let x = net.linear("bert.pooler.dense", x);
                let x = net.b.tanh(x);
                net.linear("classifier", x)
            }
            Head::Token => {
                let logits = net.linear("classifier", x);
                net.b.reshape(logits, &texts(self.classes))
            }
        }
    }

    fn declare_layer(&self, layout: &mut Layout, layer: usize) {
        let width = self.width;
        let names = ATTENTION.map(|name| part(layer, name));
        transformer::declare_attention(layout, names.each_ref().map(String::as_str), width, true);
        layout.norm(&part(layer, "attention.output.LayerNorm"), Norm::Layer, width, true);
        layout.linear(&part(layer, "intermediate.dense"), width, self.hidden, true);
        layout.linear(&part(layer, "output.dense"), self.hidden, width, true);
        layout.norm(&part(layer, "output.LayerNorm"), Norm::Layer, width, true);
    }

    fn declare_head(&self, layout: &mut Layout) {
        match self.head {
            Head::Masked => {
                layout.parameter("cls.predictions.bias", [self.vocabulary], Kind::Offset);
                layout.linear(&format!("{TRANSFORM}.dense"), self.width, self.width, true);
                layout.norm(&format!("{TRANSFORM}.LayerNorm"), Norm::Layer, self.width, true);
            }
            Head::Sequence => {
                layout.linear("bert.pooler.dense", self.width, self.width, true);
                layout.linear("classifier", self.width, self.classes, true);
            }
            Head::Token => layout.linear("classifier", self.width, self.classes, true),
        }
    }
}

impl Specified for Bert {
    const OPTION: &'static str = "option of bert";

    fn head(&self) -> String {
        "bert".to_owned()
    }

    fn standard(&self) -> Self {
        Self::default()
    }

    fn settings(&mut self) -> Vec<Setting<'_>> {
        vec![
            Setting::bounded("layers", &mut self.layers, 1, MOST_REPEATED),
            Setting::size("width", &mut self.width),
            Setting::size("heads", &mut self.heads),
            Setting::size("hidden", &mut self.hidden),
            Setting::size("context", &mut self.context),
            Setting::size("vocab", &mut self.vocabulary),
            Setting::size("types", &mut self.types),
            Setting::choice("head", &mut self.head),
            Setting::size("classes", &mut self.classes),
            Setting::choice("act", &mut self.activation),
            Setting::positive("eps", &mut self.epsilon),
        ]
    }

    fn check(&self, line: Line<'_>) -> Result<(), ModelError> {
        if self.head == Head::Masked && self.classes != Self::default().classes {
            return Err(line.fault("classes with head=sequence or head=token only", "them with head=masked"));
        }
        transformer::check_heads(line, self.width, self.heads)
    }
}

impl Architecture for Bert {
    fn written(&self) -> Written {
        Specified::written(self)
    }

    fn input(&self) -> Input {
        Input::Tokens { count: self.context, vocabulary: self.vocabulary }
    }

    fn labels(&self) -> Labels {
        match self.head {
            Head::Sequence => Labels::Whole,
            Head::Masked | Head::Token => Labels::Places(Shape::from([self.context])),
        }
    }

    fn classes(&self) -> Option<usize> {
        Some(if self.head == Head::Masked { self.vocabulary } else { self.classes })
    }

    fn takes_shorter_texts(&self) -> bool {
        true
    }

    fn layout(&self) -> Layout {
        let mut layout = Layout::default();
        for (part, rows) in EMBEDDINGS.into_iter().zip([self.vocabulary, self.context, self.types]) {
            let name = format!("{}.weight", embedding(part));
            layout.parameter(&name, [rows, self.width], Kind::Embedding { deviation: DEVIATION });
        }
        layout.norm(&embedding("LayerNorm"), Norm::Layer, self.width, true);
        for layer in 0..self.layers {
            self.declare_layer(&mut layout, layer);
        }
        self.declare_head(&mut layout);
        layout
    }

    fn emit(&self, net: &mut Net, tokens: Val) -> Val {
        let length = net.b.shape(tokens)[1];
        let x = self.emit_embedding(net, tokens);
        let x = (0..self.layers).fold(x, |x, layer| self.emit_layer(net, layer, length, x));
        self.emit_head(net, length, x)
    }
}

#[cfg(test)]
mod tests {
    use crate::Model;

    #[test]
    fn the_base_model_has_the_published_number_of_weights() {
        let base = "bert:layers=12,width=768,heads=12,hidden=3072,context=512,vocab=30522";
        assert_eq!(Model::parse(base).unwrap().elements(), 109_514_298);
        assert_eq!(Model::parse(&format!("{base},head=sequence")).unwrap().elements(), 109_483_778);
    }

    #[test]
    fn classes_without_a_head_for_them_are_refused() {
        let error = Model::parse("bert:classes=3").unwrap_err().to_string();
        assert!(error.contains("head=sequence or head=token only"), "{error}");
        assert_eq!(Model::parse("bert:head=token,classes=3").unwrap().classes(), Some(3));
    }
}
