//! Vision transformers.

use graph::{
    Val,
    composite::{Attention, Conv2d, SelfAttention},
};
use tensor::Shape;

use super::transformer::{self, Heads};
use crate::{
    Activation, Image, Input, Labels, ModelError, Norm,
    architecture::Architecture,
    init::Kind,
    layout::Layout,
    line::{Line, MOST_REPEATED},
    named::Named,
    net::Net,
    positive::Positive,
    settings::{Setting, Specified, Written},
};

/// A vision transformer (Dosovitskiy and others 2020, arXiv:2010.11929): patches of an image as tokens behind a token for the
/// class, learned positions, normalisation before attention and before the feed-forward layer, and logits of the class's token.
/// Names are those of timm, with one matrix for queries, keys and values, or those of transformers'
/// `ViTForImageClassification`, with three.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Vit {
    pub(crate) layers: usize,
    pub(crate) width: usize,
    pub(crate) heads: usize,
    pub(crate) hidden: usize,
    /// Rows and columns of a patch.
    pub(crate) patch: usize,
    pub(crate) activation: Activation,
    pub(crate) norm: Norm,
    pub(crate) epsilon: Positive,
    /// Whether queries, keys and values have biases.
    pub(crate) bias: bool,
    pub(crate) names: Names,
    pub(crate) input: Image,
    pub(crate) classes: usize,
}

/// Whose names the parameters have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Names {
    /// timm's.
    #[default]
    Timm,
    /// Those of Hugging Face's transformers.
    Transformers,
}

impl Named for Names {
    const KIND: &'static str = "scheme of names";
    const MEMBERS: &'static [Self] = &[Self::Timm, Self::Transformers];

    fn name(self) -> &'static str {
        match self {
            Self::Timm => "timm",
            Self::Transformers => "transformers",
        }
    }
}

impl Names {
    const fn class(self) -> &'static str {
        match self {
            Self::Timm => "cls_token",
            Self::Transformers => "vit.embeddings.cls_token",
        }
    }

    const fn positions(self) -> &'static str {
        match self {
            Self::Timm => "pos_embed",
            Self::Transformers => "vit.embeddings.position_embeddings",
        }
    }

    const fn patches(self) -> &'static str {
        match self {
            Self::Timm => "patch_embed.proj",
            Self::Transformers => "vit.embeddings.patch_embeddings.projection",
        }
    }

    const fn norm(self) -> &'static str {
        match self {
            Self::Timm => "norm",
            Self::Transformers => "vit.layernorm",
        }
    }

    const fn head(self) -> &'static str {
        match self {
            Self::Timm => "head",
            Self::Transformers => "classifier",
        }
    }

    /// A module of a layer by its name in timm.
    fn part(self, layer: usize, part: &str) -> String {
        match self {
            Self::Timm => format!("blocks.{layer}.{part}"),
            Self::Transformers => format!("vit.encoder.layer.{layer}.{}", in_transformers(part)),
        }
    }

    /// What the names of a module of all layers end in.
    fn end(self, part: &str) -> &str {
        match self {
            Self::Timm => part,
            Self::Transformers => in_transformers(part),
        }
    }
}

/// What transformers calls a module of timm.
fn in_transformers(part: &str) -> &str {
    match part {
        "norm1" => "layernorm_before",
        "norm2" => "layernorm_after",
        "attn.proj" => "attention.output.dense",
        "mlp.fc1" => "intermediate.dense",
        "mlp.fc2" => "output.dense",
        // Queries, keys and values, which have no name of their own in timm.
        other => other,
    }
}

/// The parts of attention in transformers.
const ATTENTION: [&str; 4] =
    ["attention.attention.query", "attention.attention.key", "attention.attention.value", "attn.proj"];

/// The ε of timm; transformers has 1e-12.
const TIMM_EPSILON: Positive = Positive::new(1e-6);

/// The standard deviation of initial positions: timm's.
const DEVIATION: f32 = 0.02;

impl Default for Vit {
    /// A small one for CIFAR: the sizes of arXiv:2506.22712, and patches of 4 pixels, which is ours.
    fn default() -> Self {
        Self {
            layers: 6,
            width: 256,
            heads: 8,
            hidden: 512,
            patch: 4,
            activation: Activation::Gelu,
            norm: Norm::Layer,
            epsilon: TIMM_EPSILON,
            bias: true,
            names: Names::Timm,
            input: Image::CIFAR,
            classes: 10,
        }
    }
}

impl Vit {
    /// Reads the options of `vit`.
    pub(crate) fn parse(line: Line<'_>) -> Result<Self, ModelError> {
        Self::default().read(line, line.options())
    }

    /// Tokens: one for the class and one for each patch.
    const fn tokens(&self) -> usize {
        1 + (self.input.height / self.patch) * (self.input.width / self.patch)
    }

    /// The class's token and the patches with their positions, as rows `[N T, C]`.
    fn emit_embedding(&self, net: &mut Net, x: Val) -> Val {
        let batch = net.b.shape(x)[0];
        let x = net.image(x, self.input);
        let patches = Conv2d { stride: [self.patch; 2], ..Conv2d::default() };
        let x = net.conv2d(self.names.patches(), x, patches);
        let x = net.b.reshape(x, &Shape::from([batch, self.tokens() - 1, self.width]));
        let class = net.get(self.names.class());
        let class = net.b.reshape(class, &Shape::from([1, self.width]));
        let class = net.b.broadcast(class, &Shape::from([batch, 1, self.width]), &[1, 2]);
        let x = net.b.concatenate(&[class, x], 1);
        let positions = net.get(self.names.positions());
        let positions = net.b.reshape(positions, &Shape::from([self.tokens(), self.width]));
        let x = transformer::add_to_each(net, x, positions);
        net.b.reshape(x, &Shape::from([batch * self.tokens(), self.width]))
    }

    fn emit_layer(&self, net: &mut Net, layer: usize, x: Val) -> Val {
        let part = |part: &str| self.names.part(layer, part);
        let y = net.norm_with(&part("norm1"), self.norm, self.epsilon, x);
        let y = self.emit_attention(net, layer, y);
        let x = net.b.add(x, y);
        let y = net.norm_with(&part("norm2"), self.norm, self.epsilon, x);
        let y = transformer::feed_forward(net, [&part("mlp.fc1"), &part("mlp.fc2")], self.activation, y);
        net.b.add(x, y)
    }

    /// Attention over rows.
    fn emit_attention(&self, net: &mut Net, layer: usize, x: Val) -> Val {
        let (heads, length) = (self.heads, self.tokens());
        match self.names {
            Names::Timm => {
                let (projection, projection_bias) = net.affine(&self.names.part(layer, "attn.qkv"));
                let (output, output_bias) = net.affine(&self.names.part(layer, "attn.proj"));
                let parameters = SelfAttention {
                    projection,
                    projection_bias,
                    output,
                    output_bias,
                    heads,
                    key_heads: heads,
                    rotary: None,
                    mask: Attention::default(),
                };
                transformer::over_rows(net, x, length, |b, x| b.self_attention(x, parameters))
            }
            Names::Transformers => {
                let names = ATTENTION.map(|part| self.names.part(layer, part));
                let heads = Heads { heads, key_heads: heads, length, rotary: None, causal: false };
                heads.emit(net, names.each_ref().map(String::as_str), x)
            }
        }
    }

    fn declare_layer(&self, layout: &mut Layout, layer: usize) {
        let (width, names) = (self.width, self.names);
        let norms = ["norm1", "norm2"].map(|part| names.part(layer, part));
        let [proj, first, second] = ["attn.proj", "mlp.fc1", "mlp.fc2"].map(|part| names.part(layer, part));
        match names {
            Names::Timm => {
                layout.norm(&norms[0], self.norm, width, true);
                layout.linear(&names.part(layer, "attn.qkv"), width, 3 * width, self.bias);
                layout.linear(&proj, width, width, true);
                layout.norm(&norms[1], self.norm, width, true);
                layout.linear(&first, width, self.hidden, true);
                layout.linear(&second, self.hidden, width, true);
            }
            Names::Transformers => {
                let parts = ATTENTION.map(|part| names.part(layer, part));
                transformer::declare_attention(
                    layout,
                    parts.each_ref().map(String::as_str),
                    width,
                    self.bias,
                );
                layout.linear(&first, width, self.hidden, true);
                layout.linear(&second, self.hidden, width, true);
                for norm in &norms {
                    layout.norm(norm, self.norm, width, true);
                }
            }
        }
    }
}

impl Specified for Vit {
    const OPTION: &'static str = "option of vit";

    fn head(&self) -> String {
        "vit".to_owned()
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
            Setting::size("patch", &mut self.patch),
            Setting::choice("act", &mut self.activation),
            Setting::among("norm", &mut self.norm, Norm::OF_TOKENS),
            Setting::positive("eps", &mut self.epsilon),
            Setting::choice("bias", &mut self.bias),
            Setting::choice("names", &mut self.names),
            Setting::image(&mut self.input),
            Setting::size("classes", &mut self.classes),
        ]
    }

    fn check(&self, line: Line<'_>) -> Result<(), ModelError> {
        transformer::check_heads(line, self.width, self.heads)?;
        let Image { height, width, .. } = self.input;
        if height.is_multiple_of(self.patch) && width.is_multiple_of(self.patch) {
            return Ok(());
        }
        let found = format!("patches of {} on images of {}", self.patch, self.input);
        Err(line.fault("patches that tile the images", found))
    }
}

impl Architecture for Vit {
    fn written(&self) -> Written {
        Specified::written(self)
    }

    fn input(&self) -> Input {
        Input::Image(self.input)
    }

    fn labels(&self) -> Labels {
        Labels::Whole
    }

    fn classes(&self) -> Option<usize> {
        Some(self.classes)
    }

    fn layout(&self) -> Layout {
        let embedding = Kind::Embedding { deviation: DEVIATION };
        let mut layout = Layout::default();
        layout.parameter(self.names.class(), [1, 1, self.width], embedding);
        layout.parameter(self.names.positions(), [1, self.tokens(), self.width], embedding);
        layout.convolution(self.names.patches(), [self.input.channels, self.width], self.patch, true);
        for layer in 0..self.layers {
            self.declare_layer(&mut layout, layer);
        }
        layout.end_branches(&["attn.proj", "mlp.fc2"].map(|part| self.names.end(part)));
        layout.norm(self.names.norm(), self.norm, self.width, true);
        layout.linear(self.names.head(), self.width, self.classes, true);
        layout
    }

    fn emit(&self, net: &mut Net, x: Val) -> Val {
        let batch = net.b.shape(x)[0];
        let x = self.emit_embedding(net, x);
        let x = (0..self.layers).fold(x, |x, layer| self.emit_layer(net, layer, x));
        // Each token is normalised by itself, so that of the class may be taken first.
        let x = net.b.reshape(x, &Shape::from([batch, self.tokens(), self.width]));
        let x = transformer::token(net, x, 0);
        let x = net.norm_with(self.names.norm(), self.norm, self.epsilon, x);
        net.linear(self.names.head(), x)
    }
}

#[cfg(test)]
mod tests {
    use crate::Model;

    #[test]
    fn the_base_model_has_timm_s_parameters() {
        let model =
            Model::parse("vit:layers=12,width=768,heads=12,hidden=3072,patch=16,in=3x224x224,classes=1000")
                .unwrap();
        assert_eq!(model.elements(), 86_567_656);
        let names: Vec<String> = model.parameters().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names[..3], ["cls_token", "pos_embed", "patch_embed.proj.weight"]);
        assert_eq!(names[6], "blocks.0.attn.qkv.weight");
    }

    #[test]
    fn patches_must_tile_the_images() {
        let error = Model::parse("vit:patch=5").unwrap_err().to_string();
        assert!(
            error.contains("patches that tile the images, found patches of 5 on images of 3x32x32"),
            "{error}"
        );
    }
}
