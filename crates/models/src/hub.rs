//! Folders as the Hugging Face Hub lays them out: a `config.json` beside the weights says which network they are of.

use std::{fs, path::Path};

use serde_json::Value;

use crate::{Model, ModelError, config::Config};

/// The file that describes the network.
const CONFIG: &str = "config.json";

/// Tokens of an example where the network does not fix them. Ours: attention grows with their square; `--model` with another
/// `context` takes more.
const CONTEXT: usize = 1024;

/// The output layer of a decoder, which may stand in its file although it is tied to the embedding.
pub const TIED_HEAD: &str = "lm_head.weight";

/// The networks that are known from a `config.json`, by its `model_type`.
pub const HUB_TYPES: [&str; 6] = ["gpt2", "llama", "mistral", "qwen2", "bert", "vit"];

/// The network that the `config.json` beside `path` (a folder, or a file in it) describes; `None` where there is no such file
/// or it says of no network. `names` are those of the tensors.
///
/// # Errors
/// [`ModelError::Read`] where the file cannot be read, [`ModelError::Config`] where it is malformed or describes a network that
/// is not built here, [`ModelError::InFile`] where its sizes are impossible.
pub(crate) fn model(path: &Path, names: &[&str]) -> Result<Option<Model>, ModelError> {
    let folder = if path.is_dir() { path } else { path.parent().unwrap_or(path) };
    let file = folder.join(CONFIG);
    if !file.is_file() {
        return Ok(None);
    }
    let text = fs::read(&file).map_err(|source| ModelError::Read { path: file.clone(), source })?;
    let Ok(Value::Object(fields)) = serde_json::from_slice(&text) else {
        return Err(Config::new(file, serde_json::Map::new()).fault("a JSON object", "something else"));
    };
    let config = Config::new(file.clone(), fields);
    let Some(kind) = config.text("model_type")? else { return Ok(None) };
    let spec = match kind {
        "gpt2" => gpt2(&config, names)?,
        "llama" | "mistral" | "qwen2" => llama(&config, kind)?,
        "bert" => bert(&config)?,
        "vit" => vit(&config)?,
        other => {
            let expected = format!("as model_type one of {}", HUB_TYPES.join(", "));
            return Err(config.fault(expected, format!("'{other}'")));
        }
    };
    Model::parse(&spec)
        .map(Some)
        .map_err(|source| ModelError::InFile { path: file, source: Box::new(source) })
}

/// Whether a tensor of this name in a file is one that a network makes again from nothing: a mask, positions or frequencies.
#[must_use]
pub fn is_made_again(name: &str) -> bool {
    const ENDS: [&str; 4] = [".attn.bias", ".attn.masked_bias", ".position_ids", ".rotary_emb.inv_freq"];
    ENDS.iter().any(|end| name.ends_with(end))
}

/// Whether a tensor that a network does not have may lie in its file: masks, positions and frequencies that are made again, heads
/// that are tied to the embedding, and the heads of BERT's pretraining.
pub(crate) fn is_unused(name: &str) -> bool {
    const TIED: [&str; 3] = [TIED_HEAD, "cls.predictions.decoder.weight", "cls.predictions.decoder.bias"];
    const PRETRAINING: [&str; 2] = ["bert.pooler.", "cls.seq_relationship."];
    is_made_again(name) || TIED.contains(&name) || PRETRAINING.iter().any(|start| name.starts_with(start))
}

/// The name that transformers gives a tensor today: old files of BERT have others for normalisations.
pub(crate) fn today(name: &str) -> String {
    for (old, new) in [("LayerNorm.gamma", "LayerNorm.weight"), ("LayerNorm.beta", "LayerNorm.bias")] {
        if let Some(module) = name.strip_suffix(old) {
            return format!("{module}{new}");
        }
    }
    name.to_owned()
}

fn gpt2(config: &Config, names: &[&str]) -> Result<String, ModelError> {
    config.architecture(&["GPT2LMHeadModel", "GPT2Model"])?;
    config.only("scale_attn_weights", true, true)?;
    config.only("scale_attn_by_inverse_layer_idx", false, false)?;
    config.only("add_cross_attention", false, false)?;
    let prefix = names.iter().any(|name| name.starts_with("transformer."));
    Ok(format!(
        "gpt:layers={},width={},heads={},hidden={},context={},vocab={},tied={},act={},eps={:e},matrices=conv1d,prefix={}",
        config.size("n_layer")?,
        config.size("n_embd")?,
        config.size("n_head")?,
        config.size_or("n_inner", 0)?,
        config.size_or("n_positions", 1024)?,
        config.size("vocab_size")?,
        switch(config.flag("tie_word_embeddings", true)?),
        config.activation("activation_function", "gelu_new")?,
        config.number("layer_norm_epsilon", 1e-5)?,
        switch(prefix),
    ))
}

fn llama(config: &Config, kind: &str) -> Result<String, ModelError> {
    config.architecture(&["LlamaForCausalLM", "MistralForCausalLM", "Qwen2ForCausalLM"])?;
    config.only("attention_bias", false, false)?;
    config.only("mlp_bias", false, false)?;
    let heads = config.size("num_attention_heads")?;
    let longest = config.size_or("max_position_embeddings", CONTEXT)?;
    let window = config.size_or("sliding_window", longest)?;
    Ok(format!(
        "llama:layers={},width={},heads={heads},key_heads={},depth={},hidden={},context={},vocab={},{},act={},eps={:e},\
         bias={},tied={}",
        config.size("num_hidden_layers")?,
        config.size("hidden_size")?,
        config.size_or("num_key_value_heads", heads)?,
        head_depth(config, heads)?,
        config.size("intermediate_size")?,
        longest.min(window).min(CONTEXT),
        config.size("vocab_size")?,
        rotary(config)?,
        config.activation("hidden_act", "silu")?,
        config.number("rms_norm_eps", 1e-6)?,
        switch(kind == "qwen2"),
        switch(config.flag("tie_word_embeddings", false)?),
    ))
}

/// Features of a head, 0 where they share the width evenly.
fn head_depth(config: &Config, heads: usize) -> Result<usize, ModelError> {
    let depth = config.size_or("head_dim", 0)?;
    Ok(if depth.checked_mul(heads) == Some(config.size("hidden_size")?) { 0 } else { depth })
}

/// The wavelengths of rotary positions.
fn rotary(config: &Config) -> Result<String, ModelError> {
    let (inner, outer) = (config.inner("rope_parameters")?, config.inner("rope_scaling")?);
    let base = config.number("rope_theta", 1e4)?;
    let Some(rope) = inner.or(outer) else { return Ok(format!("base={base:e}")) };
    let base = rope.number("rope_theta", base)?;
    let kind = rope.text("rope_type")?.or(rope.text("type")?).unwrap_or("default");
    let factor = || rope.number("factor", 1.0);
    match kind {
        "default" => Ok(format!("base={base:e}")),
        "linear" => Ok(format!("base={base:e},scaling=linear,factor={:e}", factor()?)),
        "llama3" => Ok(format!(
            "base={base:e},scaling=llama3,factor={:e},low={:e},high={:e},trained={}",
            factor()?,
            rope.number("low_freq_factor", 1.0)?,
            rope.number("high_freq_factor", 4.0)?,
            rope.size("original_max_position_embeddings")?,
        )),
        other => {
            let expected = "as rope_type one of default, linear, llama3";
            Err(config.fault(expected, format!("'{other}'")))
        }
    }
}

fn bert(config: &Config) -> Result<String, ModelError> {
    let head = match config.architecture(&[
        "BertForMaskedLM",
        "BertForPreTraining",
        "BertForSequenceClassification",
        "BertForTokenClassification",
    ])? {
        "BertForSequenceClassification" => format!("sequence,classes={}", classes(config)?),
        "BertForTokenClassification" => format!("token,classes={}", classes(config)?),
        _ => "masked".to_owned(),
    };
    config.only("is_decoder", false, false)?;
    config.only("tie_word_embeddings", true, true)?;
    if let Some(other @ ("relative_key" | "relative_key_query")) = config.text("position_embedding_type")? {
        return Err(config.fault("absolute positions", format!("position_embedding_type '{other}'")));
    }
    Ok(format!(
        "bert:layers={},width={},heads={},hidden={},context={},vocab={},types={},act={},eps={:e},head={head}",
        config.size("num_hidden_layers")?,
        config.size("hidden_size")?,
        config.size("num_attention_heads")?,
        config.size("intermediate_size")?,
        config.size_or("max_position_embeddings", 512)?,
        config.size("vocab_size")?,
        config.size_or("type_vocab_size", 2)?,
        config.activation("hidden_act", "gelu")?,
        config.number("layer_norm_eps", 1e-12)?,
    ))
}

fn vit(config: &Config) -> Result<String, ModelError> {
    config.architecture(&["ViTForImageClassification"])?;
    let size = config.size_or("image_size", 224)?;
    Ok(format!(
        "vit:layers={},width={},heads={},hidden={},patch={},in={}x{size}x{size},classes={},act={},eps={:e},bias={},\
         names=transformers",
        config.size("num_hidden_layers")?,
        config.size("hidden_size")?,
        config.size("num_attention_heads")?,
        config.size("intermediate_size")?,
        config.size_or("patch_size", 16)?,
        config.size_or("num_channels", 3)?,
        classes(config)?,
        config.activation("hidden_act", "gelu")?,
        config.number("layer_norm_eps", 1e-12)?,
        switch(config.flag("qkv_bias", true)?),
    ))
}

/// The number of labels: two where the file does not say.
fn classes(config: &Config) -> Result<usize, ModelError> {
    match config.inner("id2label")? {
        Some(labels) => Ok(labels.len()),
        None => config.size_or("num_labels", 2),
    }
}

const fn switch(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(config: &str) -> Result<Option<String>, String> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(CONFIG), config).unwrap();
        let model = model(folder.path(), &["transformer.wte.weight"]);
        model.map(|model| model.map(|model| model.spec())).map_err(|error| error.to_string())
    }

    const LLAMA: &str = r#""model_type": "llama", "architectures": ["LlamaForCausalLM"], "num_attention_heads": 4,
        "num_hidden_layers": 2, "hidden_size": 8, "intermediate_size": 12, "vocab_size": 7, "max_position_embeddings": 4096"#;

    #[test]
    fn what_a_file_leaves_out_is_the_library_s_default() {
        let spec = read(&format!("{{{LLAMA}}}")).unwrap().unwrap();
        assert_eq!(spec, "llama:layers=2,width=8,key_heads=4,hidden=12,context=1024,vocab=7,eps=1e-6");
        let spec =
            read(&format!("{{{LLAMA}, \"sliding_window\": 64, \"head_dim\": 6, \"rope_theta\": 500000.0}}"));
        let expected =
            "llama:layers=2,width=8,key_heads=4,depth=6,hidden=12,context=64,vocab=7,base=5e5,eps=1e-6";
        assert_eq!(spec.unwrap().unwrap(), expected);
    }

    #[test]
    fn longer_wavelengths_are_read_in_old_and_new_places() {
        let rope = "\"rope_type\": \"llama3\", \"factor\": 32.0, \"low_freq_factor\": 1.0, \"high_freq_factor\": 4.0, \
            \"original_max_position_embeddings\": 8192";
        let expected = "llama:layers=2,width=8,key_heads=4,hidden=12,context=1024,vocab=7,base=5e5,scaling=llama3,factor=3.2e1,eps=1e-6";
        for more in [
            format!("\"rope_theta\": 500000.0, \"rope_scaling\": {{{rope}}}"),
            format!("\"rope_parameters\": {{{rope}, \"rope_theta\": 500000.0}}"),
        ] {
            assert_eq!(read(&format!("{{{LLAMA}, {more}}}")).unwrap().unwrap(), expected);
        }
    }

    #[test]
    fn what_is_not_built_here_is_refused_by_name() {
        let error = |more: &str| read(&format!("{{{LLAMA}, {more}}}")).unwrap_err();
        assert!(
            error("\"attention_bias\": true")
                .contains("config.json: expected attention_bias false, found true")
        );
        let scaled = error("\"rope_scaling\": {\"type\": \"yarn\", \"factor\": 8.0}");
        assert!(scaled.contains("as rope_type one of default, linear, llama3, found 'yarn'"), "{scaled}");
        assert!(error("\"hidden_act\": \"xielu\"").contains("as hidden_act one of"));
        let other = read(r#"{"model_type": "t5", "architectures": ["T5Model"]}"#).unwrap_err();
        assert!(
            other.contains("as model_type one of gpt2, llama") && other.contains("found 't5'"),
            "{other}"
        );
        let other = read(r#"{"model_type": "bert", "architectures": ["BertModel"]}"#).unwrap_err();
        assert!(other.contains("BertForMaskedLM") && other.contains("found 'BertModel'"), "{other}");
    }

    #[test]
    fn malformed_files_are_refused() {
        assert!(read("[1]").unwrap_err().contains("expected a JSON object"));
        assert!(read("{\"model_type\": 3}").unwrap_err().contains("model_type as text"));
        let without = LLAMA.replace("\"vocab_size\": 7", "\"vocab_size\": -7");
        assert!(
            read(&format!("{{{without}}}")).unwrap_err().contains("vocab_size as a whole number, found -7")
        );
        let without = LLAMA.replace("\"vocab_size\": 7,", "");
        assert!(
            read(&format!("{{{without}}}")).unwrap_err().contains("vocab_size as a whole number, found none")
        );
        let huge = LLAMA.replace("\"hidden_size\": 8", "\"hidden_size\": 80000000");
        assert!(read(&format!("{{{huge}}}")).unwrap_err().contains("width from 1 to"));
    }

    #[test]
    fn a_file_of_something_else_says_nothing() {
        assert_eq!(read("{\"name\": \"mine\"}"), Ok(None));
    }
}
