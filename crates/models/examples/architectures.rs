//! Writes the table of architectures in `docs/architectures.md`:
//!
//! ```text
//! cargo run -p isoloss-models --example architectures > docs/architectures.md
//! ```

use std::io::{self, Write as _};

use isoloss_models::{Family, FamilyOption, HUB_TYPES, Model, families};

const HEAD: &str = "\
# Architectures

Generated from the code by `cargo run -p isoloss-models --example architectures > docs/architectures.md`; a test compares.

A specification is a name, for `mlp`, `convnet` and `gcn` sizes behind a colon, and options: `resnet20:width=2,norm=layer`,
`mlp:784-512-10,act=tanh`. What is left out has its default. Each network is tested against PyTorch: outputs, gradients and a step
agree to 1e-10 in double precision.
";

const TAIL: &str = "
## Options in common

- `act`: the activation. `gelu` is the exact one, `gelu_tanh` its approximation in GPT-2; `silu` is also called swish; the slope of
  `leaky_relu` is 0.01.
- `norm`: `layer` and `rms` normalise the channels of each pixel or token by itself, `group` 16 channels at a time with the pixels,
  `instance` each channel over the pixels, `batch` each channel over the batch. Each has a gain, and all but `rms` a bias. `eps` is
  what is added to the variance.
- `width`: a factor of the channels, possibly below 1. `in`: channels, rows and columns of the images.
- Sizes that are 0 follow from others (`hidden` of a `gpt` is then four times the width, `depth` of a `llama` the width by the heads)
  or stand for a part that is not there (`dense` of a `convnet`).
";

const HUB: &str = "
## Folders of the Hugging Face Hub

A folder with a `config.json` beside its weights, in one file or several, of 32 or 16 bits, needs no specification where the
`model_type` is one of these: TYPES. Heads are those for the next token, and for `bert` masked tokens, classes of texts and of tokens, for
`vit` classes of images. Refused by name are rotary positions of type `yarn`,
`dynamic` and `longrope`, `attention_bias` of Llama, and relative positions of BERT.
Networks whose weights do not fix the number of tokens take 1024 of them, or as many as their window has; `--model` with another
`context` takes more.
";

fn page() -> String {
    let sections = families().iter().map(section).collect::<String>();
    let types: Vec<String> = HUB_TYPES.iter().map(|name| format!("`{name}`")).collect();
    HEAD.to_owned() + &sections + TAIL + &HUB.replace("TYPES", &types.join(", "))
}

fn section(family: &Family) -> String {
    let names: Vec<String> = family.names.iter().map(|name| format!("`{name}`")).collect();
    let mut text = format!("\n## {}\n\n{}", names.join(", "), capitalised(family.about));
    if !family.source.is_empty() {
        text += &format!(" ({})", family.source);
    }
    text += &format!(".\n\n- Example: `{}`, with {} parameters.\n", family.example, weights(family));
    text += &format!("- Names and layouts of parameters: {}.\n", family.parameters);
    text += "\n| option | default | choices |\n|---|---|---|\n";
    text + &family.options.iter().map(row).collect::<String>()
}

fn row(option: &FamilyOption) -> String {
    let choices: Vec<String> = option.choices.iter().map(|choice| format!("`{choice}`")).collect();
    format!("| `{}` | `{}` | {} |\n", option.name, option.default, choices.join(", "))
}

fn weights(family: &Family) -> usize {
    Model::parse(family.example).map_or(0, |model| model.elements())
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn main() -> io::Result<()> {
    io::stdout().write_all(page().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_in_docs_is_the_generated_one() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/architectures.md");
        let found = std::fs::read_to_string(path).unwrap_or_default();
        assert!(found == page(), "regenerate docs/architectures.md with the command it names");
    }
}
