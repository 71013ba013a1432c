//! The small files beside the weights: index, configuration, tokenizer, recipe, model card.

use std::{fmt::Write, fs, path::Path};

use serde_json::{Value, json};
use tensor::Stored;
use weights::Shard;

use crate::{
    DeltaError, Plan,
    plan::{CONFIG, LAYERS, TOKENIZER},
};

/// The verbatim recipe, under the name by which mergekit's users look for it.
pub(super) const RECIPE: &str = "mergekit_config.yml";

/// The model card.
const CARD: &str = "README.md";

/// Files of tokenizers and of what prepares inputs, copied where they are there.
const COPIED: [&str; 17] = [
    "tokenizer.json",
    "tokenizer_config.json",
    "tokenizer.model",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "spiece.model",
    "sentencepiece.bpe.model",
    "chat_template.jinja",
    "chat_template.json",
    "generation_config.json",
    "preprocessor_config.json",
    "video_preprocessor_config.json",
    "processor_config.json",
    "image_processor_config.json",
];

/// Those that list tokens, which are not those of a new vocabulary.
const OF_TOKENS: [&str; 8] = [
    "tokenizer.json",
    "tokenizer.model",
    "added_tokens.json",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "spiece.model",
    "sentencepiece.bpe.model",
];

/// All small files, by their names.
pub(super) fn files(plan: &Plan, out: &Path) -> Result<Vec<(String, Vec<u8>)>, DeltaError> {
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    let index = Shard::index(&plan.shards, &plan.entries());
    files.extend(index.map(|(name, text)| (name, text.into_bytes())));
    if let Some(config) = &plan.models[plan.donor].config {
        files.push((CONFIG.to_owned(), format!("{:#}\n", configuration(config, plan)).into_bytes()));
    }
    let new = plan.vocabulary.as_ref().filter(|vocabulary| vocabulary.is_new);
    files.extend(
        new.map(|vocabulary| (TOKENIZER.to_owned(), format!("{:#}\n", vocabulary.json).into_bytes())),
    );
    if let Some(folder) = &plan.models[plan.tokenizer].folder {
        for name in COPIED.into_iter().filter(|name| new.is_none() || !OF_TOKENS.contains(name)) {
            let path = folder.join(name);
            match fs::read(&path) {
                Ok(contents) => files.push((name.to_owned(), contents)),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(source) => return Err(DeltaError::Read { path, source }),
            }
        }
    }
    files.push((RECIPE.to_owned(), plan.recipe.text.clone().into_bytes()));
    let name = out.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    files.push((CARD.to_owned(), card(plan, &name).into_bytes()));
    Ok(files)
}

/// The configuration of the donor with the type and number of layers of the result.
fn configuration(config: &Value, plan: &Plan) -> Value {
    let mut config = config.clone();
    if let (Some(dtype), Some(fields)) = (plan.dtype(), config.as_object_mut()) {
        let key = if fields.contains_key("dtype") { "dtype" } else { "torch_dtype" };
        fields.insert(key.to_owned(), json!(pytorch_name(dtype)));
    }
    if let (Some(vocabulary), Some(fields)) = (&plan.vocabulary, config.as_object_mut()) {
        let rows = plan.outputs.iter().find(|output| crate::vocabulary::is_embedding(&output.entry.name));
        let rows = rows.and_then(|output| output.entry.shape.first().copied()).unwrap_or(vocabulary.rows);
        fields.insert("vocab_size".to_owned(), json!(rows));
    }
    if let (Some(layers), Some(fields)) = (plan.layers, config.as_object_mut()) {
        for key in LAYERS {
            if let Some(count) = fields.get_mut(key) {
                *count = json!(layers);
            }
        }
    }
    config
}

fn pytorch_name(stored: Stored) -> &'static str {
    match stored {
        Stored::F16 => "float16",
        Stored::BF16 => "bfloat16",
        _ => "float32",
    }
}

/// What the Hub shows: the models, the method, the recipe.
fn card(plan: &Plan, name: &str) -> String {
    let mut card = "---\nbase_model:\n".to_owned();
    for model in &plan.models {
        // A string of JSON is one of YAML.
        let _ = writeln!(card, "- {}", json!(model.reference.path));
        if let Some(adapter) = &model.reference.adapter {
            let _ = writeln!(card, "- {}", json!(adapter.path));
        }
    }
    card.push_str("base_model_relation: merge\n");
    if plan.models[plan.donor].config.is_some() {
        card.push_str("library_name: transformers\n");
    }
    card.push_str("tags:\n- isoloss\n- merge\n---\n\n");
    let _ = writeln!(card, "# {name}\n\nA merge by the method `{}` of:\n", plan.recipe.method.name());
    for model in &plan.models {
        let base = plan.recipe.base.as_ref() == Some(&model.reference);
        let _ = writeln!(card, "- `{}`{}", model.reference, if base { ", the base" } else { "" });
    }
    let fence = if plan.recipe.text.contains("```") { "~~~~" } else { "```" };
    let text = plan.recipe.text.trim_end();
    let _ = write!(
        card,
        "\nMade by Isoloss {} with seed {} from this recipe (`{RECIPE}`):\n\n{fence}yaml\n{text}\n{fence}\n",
        env!("CARGO_PKG_VERSION"),
        plan.options.seed
    );
    card
}
