//! Folders as the Hugging Face Hub lays them out against the results of transformers, which `goldens/hub/make.py` made.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod formula_values;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use graph::Reference;
use isoloss_models::{
    Model, ModelError, Params, load_model,
    weights::{self, Entry},
};
use serde_json::Value;
use tensor::{DType, Shape, Stored, Tensor};

use self::formula_values::{examples, value};

/// The networks that the script makes, and what they are.
const NETWORKS: [(&str, &str); 10] = [
    ("bert-masked", "bert:layers=2,width=8,heads=2,hidden=12,context=5,vocab=7"),
    ("bert-sequence", "bert:layers=2,width=8,heads=2,hidden=12,context=5,vocab=7,head=sequence,classes=3"),
    ("bert-token", "bert:layers=2,width=8,heads=2,hidden=12,context=5,vocab=7,head=token,classes=3"),
    ("gpt2", "gpt:layers=2,width=8,heads=2,context=5,vocab=7,tied=on,act=gelu_tanh,matrices=conv1d"),
    (
        "gpt2-without-prefix",
        "gpt:layers=2,width=8,heads=2,context=5,vocab=7,tied=on,act=gelu_tanh,matrices=conv1d,prefix=off",
    ),
    ("llama", "llama:layers=2,width=8,depth=4,hidden=12,context=5,vocab=7,eps=1e-6"),
    (
        "llama3",
        "llama:layers=2,width=8,depth=8,hidden=12,context=5,vocab=7,scaling=llama3,trained=128,eps=1e-6",
    ),
    ("mistral", "llama:layers=2,width=8,hidden=12,context=5,vocab=7,eps=1e-6"),
    ("qwen2", "llama:layers=2,width=8,hidden=12,context=5,vocab=7,base=1e6,eps=1e-6,bias=on,tied=on"),
    ("vit", "vit:layers=2,width=8,heads=2,hidden=12,eps=1e-12,names=transformers,in=2x8x8,classes=3"),
];

/// Two layers in f32, on either side.
const SINGLE: f64 = 2e-5;

fn folder_of(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens/hub").join(name)
}

fn golden(name: &str) -> Value {
    serde_json::from_slice(&fs::read(folder_of(name).join("golden.json")).unwrap()).unwrap()
}

/// The tensors that transformers writes.
fn tensors(golden: &Value) -> Params {
    let tensors = golden["tensors"].as_object().unwrap();
    Params::from_pairs(tensors.iter().map(|(name, shape)| {
        let shape: Shape =
            shape.as_array().unwrap().iter().map(|size| size.as_u64().unwrap() as usize).collect();
        (name.clone(), value(name, &shape).convert(DType::F32))
    }))
}

/// A folder with the configuration of a network.
fn described(name: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(folder_of(name).join("config.json"), folder.path().join("config.json")).unwrap();
    folder
}

/// The logits for the script's examples, computed in f64.
fn logits(model: &Model, params: &Params) -> Vec<f64> {
    let mut arguments: Vec<Tensor> = params.values().map(|tensor| tensor.convert(DType::F64)).collect();
    arguments.push(examples(model, 2));
    let graph = model.forward(2, DType::F64);
    Reference::evaluate(&graph, &arguments.iter().collect::<Vec<_>>()).unwrap()[0].to_f64_vec()
}

#[track_caller]
fn assert_close(name: &str, found: &[f64], golden: &Value, tolerance: f64) {
    let expected: Vec<f64> =
        golden["logits"].as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect();
    assert_eq!(found.len(), expected.len(), "{name}");
    let scale = expected.iter().fold(0f64, |most, x| most.max(x.abs()));
    let worst = expected.iter().zip(found).fold(0f64, |most, (x, y)| most.max((x - y).abs()));
    assert!(worst <= tolerance * scale, "{name}: off by {worst:e} of {scale}");
}

#[test]
fn a_folder_says_its_architecture_and_its_logits_are_those_of_transformers() {
    for (name, spec) in NETWORKS {
        let (folder, golden) = (described(name), golden(name));
        let file = folder.path().join("model.safetensors");
        weights::save(&file, &tensors(&golden), &BTreeMap::new()).unwrap();
        for path in [folder.path(), &file] {
            let (model, params) = load_model(path, None).unwrap();
            assert_eq!(model.spec(), spec, "{name}");
            assert_close(name, &logits(&model, &params), &golden, SINGLE);
        }
    }
}

#[test]
fn several_files_of_sixteen_bits_are_read_as_one() {
    let name = "qwen2";
    let (folder, golden) = (described(name), golden(name));
    let params = tensors(&golden);
    let entry = |(name, tensor): (&str, &Tensor)| Entry {
        name: name.to_owned(),
        stored: Stored::BF16,
        shape: tensor.shape().clone(),
    };
    let entries: Vec<Entry> = params.iter().map(entry).collect();
    let mut encoded = |entry: &Entry| {
        let tensor = params.get(&entry.name).unwrap();
        Ok(entry.stored.encode(tensor.as_slice().unwrap()))
    };
    let files = weights::write_sharded(folder.path(), &entries, &BTreeMap::new(), 512, &mut encoded).unwrap();
    assert!(files.len() > 2, "{files:?}");
    let (model, params) = load_model(folder.path(), None).unwrap();
    // Eight bits of mantissa, two layers.
    assert_close(name, &logits(&model, &params), &golden, 0.05);
}

#[test]
fn tensors_that_are_made_again_or_tied_are_passed_over_and_others_are_not() {
    let load = |name: &str, shape: &[usize]| -> Result<(Model, Params), ModelError> {
        let folder = described("gpt2");
        let extra = (name.to_owned(), Tensor::full(shape, 1f32));
        let tensors = tensors(&golden("gpt2"));
        let all = tensors.iter().map(|(name, tensor)| (name.to_owned(), tensor.clone())).chain([extra]);
        let file = folder.path().join("model.safetensors");
        weights::save(&file, &Params::from_pairs(all), &BTreeMap::new()).unwrap();
        load_model(folder.path(), None)
    };
    assert!(load("transformer.h.0.attn.bias", &[1, 1, 5, 5]).is_ok());
    assert!(load("lm_head.weight", &[7, 8]).is_ok());
    let error = load("transformer.h.0.attn.scale", &[1]).unwrap_err().to_string();
    assert!(error.contains("transformer.h.0.attn.scale"), "{error}");
}

#[test]
fn old_names_of_normalisations_are_today_s() {
    let (folder, golden) = (described("bert-masked"), golden("bert-masked"));
    let old = |name: &str| {
        name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")
    };
    let tensors = tensors(&golden);
    let renamed = Params::from_pairs(tensors.iter().map(|(name, tensor)| (old(name), tensor.clone())));
    weights::save(&folder.path().join("model.safetensors"), &renamed, &BTreeMap::new()).unwrap();
    let (model, params) = load_model(folder.path(), None).unwrap();
    assert_close("bert", &logits(&model, &params), &golden, SINGLE);
}

#[test]
fn a_given_architecture_goes_before_the_folder_s() {
    let folder = described("vit");
    let file = folder.path().join("model.safetensors");
    weights::save(&file, &tensors(&golden("llama")), &BTreeMap::new()).unwrap();
    assert!(load_model(folder.path(), None).is_err());
    let (_, spec) = NETWORKS.iter().find(|(name, _)| *name == "llama").unwrap();
    assert_eq!(load_model(folder.path(), Some(spec)).unwrap().0.spec(), *spec);
}
