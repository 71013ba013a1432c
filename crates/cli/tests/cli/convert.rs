//! `isoloss convert`, and networks of every format where a MODEL is asked for.

use std::{fs, path::Path};

use isoloss::models::{Init, Model, load_model, weights};
use isoloss::tensor::Key;

use crate::support::Place;

const SPEC: &str = "mlp:64-8-10";
const LLAMA: &str = "llama:layers=2,width=8,depth=4,hidden=12,context=5,vocab=7,eps=1e-6";

/// A network in a file of this name, with or without saying which.
fn network(place: &Place, name: &str, named: bool) {
    let model = Model::parse(SPEC).unwrap();
    let params = model.init(Init::PyTorch, Key::new(1));
    let metadata = named.then(|| (weights::MODEL_KEY.to_owned(), SPEC.to_owned()));
    weights::save(&place.path(name), &params, &metadata.into_iter().collect()).unwrap();
}

#[test]
fn every_format_becomes_every_other_with_the_same_bits() {
    let place = Place::new();
    network(&place, "0.safetensors", true);
    let whole = fs::read(place.path("0.safetensors")).unwrap();
    for (step, ending) in ["npz", "safetensors", "pt", "npz", "bin", "safetensors"].into_iter().enumerate() {
        let names = ["safetensors", "npz", "safetensors", "pt", "npz", "bin"];
        let text = place.text(&format!("convert {step}.{} --out {}.{ending}", names[step], step + 1));
        assert!(
            text.starts_with("4 tensors, 2.4 KB\n")
                && text.ends_with(&format!("written to {}.{ending}\n", step + 1))
        );
        assert_eq!(text.contains("no place for metadata; lost: isoloss.model"), step == 2, "{text}");
    }
    assert_eq!(fs::read(place.path("2.safetensors")).unwrap(), whole);
    let expected = load_model(&place.path("0.safetensors"), None).unwrap().1;
    assert_eq!(load_model(&place.path("6.safetensors"), Some(SPEC)).unwrap().1, expected);
}

#[test]
fn halves_and_shards_are_networks_too() {
    let place = Place::new();
    network(&place, "a.safetensors", true);
    let result = place.json("convert a.safetensors --dtype bf16 --shard-size 1100B --out halves");
    assert_eq!(result["bytes"], 1220);
    assert_eq!(result["files"].as_array().unwrap().len(), 2);
    assert_eq!(result["tensors"][0]["type"], "BF16");
    assert_eq!(result["overflowed"], 0);
    assert!(place.text("inspect halves").contains(SPEC));
    let scored = |model: &str| {
        place.json(&format!("evaluate {model} --data digits"))["test"]["loss"].as_f64().unwrap()
    };
    assert!((scored("halves") - scored("a.safetensors")).abs() < 0.02);
    place.refuses(
        "convert a.safetensors --shard-size 1KB --out halves",
        &["halves", "is there already", "--force"],
    );
    place.text("convert a.safetensors --shard-size 1KB --out halves --force");
}

#[test]
fn a_model_gives_names_order_and_architecture() {
    let place = Place::new();
    network(&place, "bare.npz", false);
    place.refuses(
        "convert bare.npz --model mlp:64-9-10 --out a.safetensors",
        &["do not fit model", "expected shape [9, 64]"],
    );
    place.text(&format!("convert bare.npz --model {SPEC} --out a.safetensors"));
    place.text("inspect a.safetensors");
    place.text(&format!("inspect bare.npz --model {SPEC}"));
}

#[test]
fn places_and_formats_are_checked_before_anything_is_read() {
    let place = Place::new();
    network(&place, "a.safetensors", true);
    place.write("b.npz", b"");
    place.refuses("convert a.safetensors --out b.npz", &["b.npz is there already", "--force"]);
    place.refuses("convert a.safetensors --out a.safetensors --force", &["same file as the input"]);
    place.refuses(
        "convert a.safetensors --out a.onnxx",
        &["expected a name that ends in .safetensors", "'onnxx'"],
    );
    place.refuses("convert a.safetensors --out c.npz --dtype bf16", &["cannot hold BF16", "f16 or f32"]);
    place.refuses("convert b.npz --out c.safetensors", &["b.npz is not a whole NPZ file"]);
    place.refuses("convert nowhere.pt --out c.safetensors", &["cannot read nowhere.pt"]);
    let text = place.text("convert a.safetensors --out b.npz --force");
    assert!(text.contains("written to b.npz"));
}

#[test]
fn a_folder_of_the_hub_passes_its_architecture_on() {
    let place = Place::new();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/tests/goldens/hub/llama/config.json");
    let config = fs::read_to_string(golden).unwrap();
    fs::create_dir(place.path("hub")).unwrap();
    place.write("hub/config.json", config.as_bytes());
    let model = Model::parse(LLAMA).unwrap();
    let params = model.init(Init::PyTorch, Key::new(1));
    weights::save(&place.path("hub/model.safetensors"), &params, &[].into()).unwrap();
    let result = place.json("convert hub --dtype bf16 --out a.safetensors");
    assert_eq!(result["metadata"]["isoloss.model"], LLAMA);
    assert_eq!(load_model(&place.path("a.safetensors"), None).unwrap().0, model);
    place.write(
        "hub/config.json",
        config.replace("\"model_type\": \"llama\"", "\"model_type\": \"x\"").as_bytes(),
    );
    let text = place.text("convert hub --out b.safetensors");
    assert!(text.contains("the new file does not say which network it is"), "{text}");
    assert!(text.contains("model_type"), "{text}");
}
