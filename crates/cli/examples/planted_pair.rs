//! Makes two folders of the Hugging Face Hub for trying out how decoders are matched: A with random weights, and B, which is A with noise, moved by a
//! random element of its whole group. One layer at a time is in memory; elements are BF16.
//!
//!     cargo run --release -p isoloss-cli --example planted_pair -- llama:layers=22,width=2048,... FOLDER 0.01
//!
//! `FOLDER/a` and `FOLDER/b` are made. The last argument is the noise, as a fraction of the root of the mean square of each tensor; `independent` in its place
//! makes a B that has nothing to do with A.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "an example that stops at what it does not expect"
)]

use std::{collections::BTreeMap, fs, path::Path};

use isoloss::{
    models::{
        Decoder, Model,
        weights::{self, Entry, Reader},
    },
    symmetry::{
        infer_folded,
        matching::layered::{Layered, Network, Products},
    },
    tensor::{DType, Key, Stored, Tensor, parallel},
};
use serde_json::json;

/// Bytes of tensors in a file.
const SHARD: usize = 1 << 30;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [spec, folder, noise] = &arguments[..] else {
        panic!("expected SPEC FOLDER NOISE, found {arguments:?}")
    };
    let (model, folder) = (Model::parse(spec).unwrap(), Path::new(folder));
    let decoder = model.decoder().expect("a llama with tied=off");
    write(&model, &decoder, &folder.join("a"), &mut |name, shape| random(name, shape, Key::new(1)));
    let b = folder.join("b");
    match noise.parse::<f64>() {
        Ok(noise) => plant(&model, &decoder, &folder.join("a"), &b, noise),
        Err(_) => write(&model, &decoder, &b, &mut |name, shape| random(name, shape, Key::new(2))),
    }
    println!("{} weights in each of {}/a and b", model.elements(), folder.display());
}

fn plant(model: &Model, decoder: &Decoder, a: &Path, b: &Path, noise: f64) {
    let reader = Reader::open(a).unwrap();
    let source = |name: &str| reader.read(name).map(|tensor| noisy(name, &tensor, noise));
    let network = Network { name: "A", source: &source };
    let folding = infer_folded(&decoder.small().forward(1, DType::F64));
    let element = Layered::random(decoder, &folding, network, Key::new(3)).unwrap();
    let executor = isoloss::executor();
    let mut products = Products::new(&executor);
    let mut held: (String, BTreeMap<String, Tensor>) = Default::default();
    write(model, decoder, b, &mut |name, _| {
        if let Some(end) = element.end(&mut products, network, name).unwrap() {
            return end;
        }
        let layer = name.split('.').nth(2).unwrap().to_owned();
        if held.0 != layer {
            let moved = element.layer(&mut products, network, layer.parse().unwrap()).unwrap();
            held = (layer, moved.tensors.into_iter().collect());
        }
        held.1.remove(name).unwrap()
    });
}

/// Numbers made in parallel.
fn made(shape: &[usize], number: impl Fn(usize) -> f32 + Sync) -> Tensor {
    let mut numbers = vec![0f32; shape.iter().product()];
    parallel::for_each_chunk(&mut numbers, 1 << 16, |start, part: &mut [f32]| {
        part.iter_mut().enumerate().for_each(|(at, out)| *out = number(start + at));
    });
    Tensor::new(shape, numbers).unwrap()
}

fn random(name: &str, shape: &[usize], key: Key) -> Tensor {
    let key = key.child(name);
    match shape {
        [_, width] if name.contains("embed") => {
            made(shape, |at| key.normal(at as u64) as f32 / (*width as f32).sqrt())
        }
        [_, width] => made(shape, |at| key.normal(at as u64) as f32 / (*width as f32).sqrt()),
        _ if name.ends_with("norm.weight") => made(shape, |at| (0.2 * key.normal(at as u64)).exp() as f32),
        _ => made(shape, |at| 0.1 * key.normal(at as u64) as f32),
    }
}

fn noisy(name: &str, tensor: &Tensor, noise: f64) -> Tensor {
    let values = tensor.as_slice::<f32>().unwrap();
    let squares = parallel::sum(values.len(), 1 << 16, |at| f64::from(values[at]).powi(2));
    let size = (noise * (squares / values.len() as f64).sqrt()) as f32;
    let key = Key::new(4).child(name);
    made(tensor.shape(), |at| values[at] + size * key.normal(at as u64) as f32)
}

fn write(model: &Model, decoder: &Decoder, folder: &Path, tensor: &mut dyn FnMut(&str, &[usize]) -> Tensor) {
    fs::create_dir_all(folder).unwrap();
    let entry = |(name, shape)| Entry { name, stored: Stored::BF16, shape };
    let entries: Vec<Entry> = model.entries().into_iter().map(entry).collect();
    let metadata = BTreeMap::from([("format".to_owned(), "pt".to_owned())]);
    let mut bytes = |entry: &Entry| {
        let tensor = tensor(&entry.name, &entry.shape);
        Ok(entry.stored.encode(tensor.as_slice().unwrap()))
    };
    weights::write_sharded(folder, &entries, &metadata, SHARD, &mut bytes).unwrap();
    let vocabulary = model.classes().unwrap();
    let config = json!({
        "model_type": if decoder.has_bias() { "qwen2" } else { "llama" },
        "architectures": [if decoder.has_bias() { "Qwen2ForCausalLM" } else { "LlamaForCausalLM" }],
        "num_hidden_layers": decoder.layers(), "hidden_size": decoder.width(), "intermediate_size": decoder.hidden(),
        "num_attention_heads": decoder.heads(), "num_key_value_heads": decoder.key_heads(), "head_dim": decoder.depth(),
        "vocab_size": vocabulary, "max_position_embeddings": model.input_features(), "rms_norm_eps": 1e-5, "torch_dtype": "bfloat16",
    });
    fs::write(folder.join("config.json"), format!("{config:#}\n")).unwrap();
}
