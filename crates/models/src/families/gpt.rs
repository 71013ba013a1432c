//! Transformers that predict the next token.

use graph::{
    Val,
    composite::{Attention, ROTARY_BASE, SelfAttention},
};
use tensor::{DType, Shape};

use super::transformer;
use crate::{
    Activation, Input, Labels, ModelError, Norm,
    architecture::Architecture,
    init::Kind,
    layout::Layout,
    line::{Line, MOST_REPEATED},
    named::Named,
    net::Net,
    norm::EPSILON,
    positive::Positive,
    settings::{Setting, Specified, Written},
};

/// A decoder-only transformer like GPT-2 (Radford and others 2019): normalisation before causal self-attention and before
/// a layer of four times the width, both in residual branches. Names are those of nanoGPT and of transformers'
/// `GPT2LMHeadModel` (`transformer.h.0.attn.c_attn.weight`); matrices are `[outputs, inputs]` as in nanoGPT or
/// `[inputs, outputs]` as in transformers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Gpt {
    pub(crate) layers: usize,
    pub(crate) width: usize,
    pub(crate) heads: usize,
    /// Features of the layer between two activations; 0 for four times the width.
    pub(crate) hidden: usize,
    pub(crate) context: usize,
    pub(crate) vocabulary: usize,
    positions: Positions,
    pub(crate) tied: bool,
    pub(crate) activation: Activation,
    norm: Norm,
    pub(crate) epsilon: Positive,
    bias: bool,
    pub(crate) matrices: Matrices,
    /// Whether names begin with `transformer.`.
    pub(crate) prefix: bool,
}

/// The layout of the matrices in attention and feed-forward layers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Matrices {
    /// `[outputs, inputs]`: `nn.Linear`, as in nanoGPT.
    #[default]
    Linear,
    /// `[inputs, outputs]`: the `Conv1D` of transformers' GPT-2.
    Conv1d,
}

impl Named for Matrices {
    const KIND: &'static str = "layout of matrices";
    const MEMBERS: &'static [Self] = &[Self::Linear, Self::Conv1d];

    fn name(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Conv1d => "conv1d",
        }
    }
}

/// How a token knows its position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Positions {
    /// A trained vector for each position, added to the token's.
    #[default]
    Learned,
    /// Queries and keys rotated by angles that grow with the position.
    Rotary,
}

impl Named for Positions {
    const KIND: &'static str = "kind of positions";
    const MEMBERS: &'static [Self] = &[Self::Learned, Self::Rotary];

    fn name(self) -> &'static str {
        match self {
            Self::Learned => "learned",
            Self::Rotary => "rotary",
        }
    }
}

/// The standard deviation of initial embeddings: GPT-2's.
const DEVIATION: f32 = 0.02;

impl Default for Gpt {
    /// A small model of characters, for 96 of them (the printable ones of ASCII and the end of a line): ours. The
    /// matrix of the logits is one of its own, unlike GPT-2's.
    fn default() -> Self {
        Self {
            layers: 4,
            width: 128,
            heads: 4,
            hidden: 0,
            context: 128,
            vocabulary: 96,
            positions: Positions::Learned,
            tied: false,
            activation: Activation::Gelu,
            norm: Norm::Layer,
            epsilon: EPSILON,
            bias: true,
            matrices: Matrices::Linear,
            prefix: true,
        }
    }
}

impl Gpt {
    /// Reads the options of `gpt`.
    pub(crate) fn parse(line: Line<'_>) -> Result<Self, ModelError> {
        Self::default().read(line, line.options())
    }

    const fn hidden(&self) -> usize {
        if self.hidden == 0 { 4 * self.width } else { self.hidden }
    }

    /// The name of a module below the transformer.
    fn name(&self, part: &str) -> String {
        format!("{}{part}", if self.prefix { "transformer." } else { "" })
    }

    fn declare_matrix(&self, layout: &mut Layout, name: &str, inputs: usize, outputs: usize) {
        match self.matrices {
            Matrices::Linear => layout.linear(name, inputs, outputs, self.bias),
            Matrices::Conv1d => layout.transposed_linear(name, inputs, outputs, self.bias),
        }
    }

    /// A matrix as `[outputs, inputs]`, with its bias.
    fn matrix(&self, net: &mut Net, name: &str) -> (Val, Option<Val>) {
        let (weight, bias) = net.affine(name);
        match self.matrices {
            Matrices::Linear => (weight, bias),
            Matrices::Conv1d => (net.b.transpose(weight, &[1, 0]), bias),
        }
    }

    fn linear(&self, net: &mut Net, name: &str, x: Val) -> Val {
        let (weight, bias) = self.matrix(net, name);
        net.b.linear(x, weight, bias)
    }

    fn emit_layer(&self, net: &mut Net, layer: usize, length: usize, x: Val) -> Val {
        let part = |part: &str| self.name(&format!("h.{layer}.{part}"));
        let y = net.norm_with(&part("ln_1"), self.norm, self.epsilon, x);
        let attended = self.emit_attention(net, &part("attn"), length, y);
        let x = net.b.add(x, attended);
        let y = net.norm_with(&part("ln_2"), self.norm, self.epsilon, x);
        let y = self.linear(net, &part("mlp.c_fc"), y);
        let y = self.activation.emit(&mut net.b, y);
        let y = self.linear(net, &part("mlp.c_proj"), y);
        net.b.add(x, y)
    }

    /// Attention over rows `[N T, C]`.
    fn emit_attention(&self, net: &mut Net, name: &str, length: usize, x: Val) -> Val {
        let (projection, projection_bias) = self.matrix(net, &format!("{name}.c_attn"));
        let (output, output_bias) = self.matrix(net, &format!("{name}.c_proj"));
        let parameters = SelfAttention {
            projection,
            projection_bias,
            output,
            output_bias,
            heads: self.heads,
            key_heads: self.heads,
            rotary: (self.positions == Positions::Rotary).then_some(ROTARY_BASE),
            mask: Attention { causal: true, present: None },
        };
        transformer::over_rows(net, x, length, |b, x| b.self_attention(x, parameters))
    }

    /// The vectors of the tokens with their positions, `[N T, C]`.
    fn emit_embedding(&self, net: &mut Net, tokens: Val) -> Val {
        let (rows, length) = (net.b.shape(tokens).elements(), net.b.shape(tokens)[1]);
        let table = net.get(&self.name("wte.weight"));
        let mut x = net.b.embedding(table, tokens);
        if self.positions == Positions::Learned {
            let positions = net.get(&self.name("wpe.weight"));
            let positions = transformer::first(net, positions, length);
            x = transformer::add_to_each(net, x, positions);
        }
        net.b.reshape(x, &Shape::from([rows, self.width]))
    }
}

impl Specified for Gpt {
    const OPTION: &'static str = "option of gpt";

    fn head(&self) -> String {
        "gpt".to_owned()
    }

    fn standard(&self) -> Self {
        Self::default()
    }

    fn settings(&mut self) -> Vec<Setting<'_>> {
        vec![
            Setting::bounded("layers", &mut self.layers, 1, MOST_REPEATED),
            Setting::size("width", &mut self.width),
            Setting::size("heads", &mut self.heads),
            Setting::optional("hidden", &mut self.hidden),
            Setting::size("context", &mut self.context),
            Setting::size("vocab", &mut self.vocabulary),
            Setting::choice("positions", &mut self.positions),
            Setting::choice("tied", &mut self.tied),
            Setting::choice("act", &mut self.activation),
            Setting::among("norm", &mut self.norm, Norm::OF_TOKENS),
            Setting::positive("eps", &mut self.epsilon),
            Setting::choice("bias", &mut self.bias),
            Setting::choice("matrices", &mut self.matrices),
            Setting::choice("prefix", &mut self.prefix),
        ]
    }

    fn check(&self, line: Line<'_>) -> Result<(), ModelError> {
        transformer::check_heads(line, self.width, self.heads)?;
        if self.positions == Positions::Rotary {
            transformer::check_rotary(line, self.width / self.heads)?;
        }
        Ok(())
    }
}

impl Architecture for Gpt {
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
        let (width, embedding) = (self.width, Kind::Embedding { deviation: DEVIATION });
        let mut layout = Layout::default();
        layout.parameter(&self.name("wte.weight"), [self.vocabulary, width], embedding);
        if self.positions == Positions::Learned {
            layout.parameter(&self.name("wpe.weight"), [self.context, width], embedding);
        }
        for layer in 0..self.layers {
            let part = |part: &str| self.name(&format!("h.{layer}.{part}"));
            layout.norm(&part("ln_1"), self.norm, width, self.bias);
            self.declare_matrix(&mut layout, &part("attn.c_attn"), width, 3 * width);
            self.declare_matrix(&mut layout, &part("attn.c_proj"), width, width);
            layout.norm(&part("ln_2"), self.norm, width, self.bias);
            self.declare_matrix(&mut layout, &part("mlp.c_fc"), width, self.hidden());
            self.declare_matrix(&mut layout, &part("mlp.c_proj"), self.hidden(), width);
        }
        layout.end_branches(&["c_proj"]);
        layout.norm(&self.name("ln_f"), self.norm, width, self.bias);
        if !self.tied {
            layout.linear("lm_head", width, self.vocabulary, false);
        }
        layout
    }

    fn emit(&self, net: &mut Net, tokens: Val) -> Val {
        debug_assert_eq!(net.b.ty(tokens).dtype, DType::I32);
        let (batch, length) = (net.b.shape(tokens)[0], net.b.shape(tokens)[1]);
        let x = self.emit_embedding(net, tokens);
        let x = (0..self.layers).fold(x, |x, layer| self.emit_layer(net, layer, length, x));
        let x = net.norm_with(&self.name("ln_f"), self.norm, self.epsilon, x);
        let head = if self.tied { self.name("wte.weight") } else { "lm_head.weight".to_owned() };
        let head = net.get(&head);
        let logits = net.b.linear(x, head, None);
        net.b.reshape(logits, &Shape::from([batch, length, self.vocabulary]))
    }
}

#[cfg(test)]
mod tests {
    use crate::Model;

    #[test]
    fn a_gpt_has_the_parameters_of_nanogpt() {
        let model =
            Model::parse("gpt:layers=12,width=768,heads=12,context=1024,vocab=50257,tied=on").unwrap();
        assert_eq!(model.elements(), 124_439_808);
        let names: Vec<String> = model.parameters().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names[2..4], ["transformer.h.0.ln_1.weight", "transformer.h.0.ln_1.bias"]);
        assert_eq!(names[names.len() - 1], "transformer.ln_f.bias");
    }

    #[test]
    fn a_gpt_of_transformers_has_its_layouts() {
        let model = Model::parse("gpt:layers=1,width=4,heads=2,matrices=conv1d,prefix=off,tied=on").unwrap();
        let listed: Vec<String> =
            model.parameters().iter().map(|(name, shape)| format!("{name} {shape}")).collect();
        assert!(listed.contains(&"h.0.attn.c_attn.weight [4, 12]".to_owned()), "{listed:?}");
        assert_eq!(listed[0], "wte.weight [96, 4]");
    }

    #[test]
    fn heads_that_do_not_fit_are_refused() {
        let error = |spec: &str| Model::parse(spec).unwrap_err().to_string();
        assert!(error("gpt:width=10,heads=4").contains("found width 10 and 4 heads"));
        assert!(error("gpt:width=12,heads=4,positions=rotary").contains("even depth"));
        assert!(error("gpt:layers=0").contains("layers from 1"));
    }
}
