//! Transformers that predict the next token.

use graph::{
    Val,
    composite::{Attention, ROTARY_BASE, SelfAttention},
};
use tensor::{DType, Shape};

use crate::{
    Input, ModelError, Norm,
    architecture::Architecture,
    init::Kind,
    layout::Layout,
    named::{self, Named, Switch},
    net::Net,
    options::{Line, MOST, MOST_REPEATED, Options},
};

/// A decoder-only transformer like GPT-2 (Radford and others 2019): layer normalisation before causal self-attention and
/// before a GELU (erf) layer of four times the width, both in residual branches. Names and layouts are those of
/// nanoGPT (`transformer.h.0.attn.c_attn.weight`, `[outputs, inputs]`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Gpt {
    layers: usize,
    width: usize,
    heads: usize,
    context: usize,
    vocabulary: usize,
    positions: Positions,
    tied: bool,
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

/// The options of a transformer.
#[derive(Clone, Copy, PartialEq)]
enum Opt {
    Layers,
    Width,
    Heads,
    Context,
    Vocabulary,
    Positions,
    Tied,
}

impl Named for Opt {
    const KIND: &'static str = "option of gpt";
    const MEMBERS: &'static [Self] = &[
        Self::Layers,
        Self::Width,
        Self::Heads,
        Self::Context,
        Self::Vocabulary,
        Self::Positions,
        Self::Tied,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Layers => "layers",
            Self::Width => "width",
            Self::Heads => "heads",
            Self::Context => "context",
            Self::Vocabulary => "vocab",
            Self::Positions => "positions",
            Self::Tied => "tied",
        }
    }
}

/// The standard deviation of initial embeddings: GPT-2's.
const DEVIATION: f32 = 0.02;

const EMBEDDING: &str = "transformer.wte.weight";
const POSITIONS: &str = "transformer.wpe.weight";

impl Default for Gpt {
    /// A small model of characters, for 96 of them (the printable ones of ASCII and the end of a line): ours. The
    /// matrix of the logits is one of its own, unlike GPT-2's.
    fn default() -> Self {
        let positions = Positions::default();
        Self { layers: 4, width: 128, heads: 4, context: 128, vocabulary: 96, positions, tied: false }
    }
}

impl Gpt {
    /// Reads the options of `gpt`.
    pub(crate) fn parse(line: Line<'_>) -> Result<Self, ModelError> {
        let mut gpt = Self::default();
        for (option, value) in Options::<Opt>::read(line, line.options())? {
            match option {
                Opt::Layers => gpt.layers = line.option_size(option, value, MOST_REPEATED)?,
                Opt::Width => gpt.width = line.option_size(option, value, MOST)?,
                Opt::Heads => gpt.heads = line.option_size(option, value, MOST)?,
                Opt::Context => gpt.context = line.option_size(option, value, MOST)?,
                Opt::Vocabulary => gpt.vocabulary = line.option_size(option, value, MOST)?,
                Opt::Positions => gpt.positions = named::parse(value)?,
                Opt::Tied => gpt.tied = named::parse::<Switch>(value)?.0,
            }
        }
        gpt.check(line)?;
        Ok(gpt)
    }

    fn check(&self, line: Line<'_>) -> Result<(), ModelError> {
        let found = || format!("width {} and {} heads", self.width, self.heads);
        if !self.width.is_multiple_of(self.heads) {
            return Err(line.fault("a width that is a multiple of the number of heads", found()));
        }
        if self.positions == Positions::Rotary && !(self.width / self.heads).is_multiple_of(2) {
            return Err(line.fault("heads of even depth for rotary positions", found()));
        }
        Ok(())
    }

    fn emit_layer(&self, net: &mut Net, layer: usize, x: Val) -> Val {
        let part = |part: &str| format!("transformer.h.{layer}.{part}");
        let y = net.norm(&part("ln_1"), Norm::Layer, x);
        let attended = self.emit_attention(net, &part("attn"), y);
        let x = net.b.add(x, attended);
        let y = net.norm(&part("ln_2"), Norm::Layer, x);
        let y = net.linear(&part("mlp.c_fc"), y);
        let y = net.b.gelu(y);
        let y = net.linear(&part("mlp.c_proj"), y);
        net.b.add(x, y)
    }

    /// Attention over rows `[N T, C]`.
    fn emit_attention(&self, net: &mut Net, name: &str, x: Val) -> Val {
        let rows = net.b.shape(x).clone();
        let (projection, projection_bias) = net.affine(&format!("{name}.c_attn"));
        let (output, output_bias) = net.affine(&format!("{name}.c_proj"));
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
        let texts = Shape::from([rows[0] / self.context, self.context, self.width]);
        let x = net.b.reshape(x, &texts);
        let y = net.b.self_attention(x, parameters);
        net.b.reshape(y, &rows)
    }

    /// The vectors of the tokens with their positions, `[N T, C]`.
    fn emit_embedding(&self, net: &mut Net, tokens: Val) -> Val {
        let batch = net.b.shape(tokens)[0];
        let table = net.get(EMBEDDING);
        let mut x = net.b.embedding(table, tokens);
        if self.positions == Positions::Learned {
            let positions = net.get(POSITIONS);
            let shape = net.b.shape(x).clone();
            let positions = net.b.broadcast(positions, &shape, &[1, 2]);
            x = net.b.add(x, positions);
        }
        net.b.reshape(x, &Shape::from([batch * self.context, self.width]))
    }
}

impl Architecture for Gpt {
    fn spec(&self) -> String {
        let default = Self::default();
        let mut options = Options::print("gpt", "");
        options.show(Opt::Layers, self.layers, default.layers);
        options.show(Opt::Width, self.width, default.width);
        options.show(Opt::Heads, self.heads, default.heads);
        options.show(Opt::Context, self.context, default.context);
        options.show(Opt::Vocabulary, self.vocabulary, default.vocabulary);
        options.show(Opt::Positions, self.positions.name(), default.positions.name());
        options.show(Opt::Tied, Switch(self.tied).name(), Switch(default.tied).name());
        options.line()
    }

    fn input(&self) -> Input {
        Input::Tokens { count: self.context, vocabulary: self.vocabulary }
    }

    fn classes(&self) -> usize {
        self.vocabulary
    }

    fn layout(&self) -> Layout {
        let (width, embedding) = (self.width, Kind::Embedding { deviation: DEVIATION });
        let mut layout = Layout::default();
        layout.parameter(EMBEDDING, [self.vocabulary, width], embedding);
        if self.positions == Positions::Learned {
            layout.parameter(POSITIONS, [self.context, width], embedding);
        }
        for layer in 0..self.layers {
            let part = |part: &str| format!("transformer.h.{layer}.{part}");
            layout.norm(&part("ln_1"), Norm::Layer, width, true);
            layout.linear(&part("attn.c_attn"), width, 3 * width, true);
            layout.linear(&part("attn.c_proj"), width, width, true);
            layout.norm(&part("ln_2"), Norm::Layer, width, true);
            layout.linear(&part("mlp.c_fc"), width, 4 * width, true);
            layout.linear(&part("mlp.c_proj"), 4 * width, width, true);
        }
        layout.norm("transformer.ln_f", Norm::Layer, width, true);
        if !self.tied {
            layout.linear("lm_head", width, self.vocabulary, false);
        }
        layout
    }

    fn emit(&self, net: &mut Net, tokens: Val) -> Val {
        debug_assert_eq!(net.b.ty(tokens).dtype, DType::I32);
        let batch = net.b.shape(tokens)[0];
        let x = self.emit_embedding(net, tokens);
        let x = (0..self.layers).fold(x, |x, layer| self.emit_layer(net, layer, x));
        let x = net.norm("transformer.ln_f", Norm::Layer, x);
        let head = net.get(if self.tied { EMBEDDING } else { "lm_head.weight" });
        let logits = net.b.linear(x, head, None);
        net.b.reshape(logits, &Shape::from([batch, self.context, self.vocabulary]))
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
    fn heads_that_do_not_fit_are_refused() {
        let error = |spec: &str| Model::parse(spec).unwrap_err().to_string();
        assert!(error("gpt:width=10,heads=4").contains("found width 10 and 4 heads"));
        assert!(error("gpt:width=12,heads=4,positions=rotary").contains("even depth"));
        assert!(error("gpt:layers=0").contains("layers from 1"));
    }
}
