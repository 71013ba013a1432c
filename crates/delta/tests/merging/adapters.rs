//! Models with LoRA adapters are what PEFT makes of them (`tests/goldens/adapters.py`).

use std::fs;

use isoloss_delta::{Options, Plan, Recipe};
use tensor::Stored;
use weights::Reader;

use crate::support::{self, Place, normal, tensors};

const GOLDENS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/goldens");

fn recipe(model: &str, adapter: &str) -> Recipe {
    let text = format!(
        "merge_method: passthrough\nmodels:\n- model: {GOLDENS}/{model}+{GOLDENS}/adapter-{adapter}\n"
    );
    Recipe::parse(&text).unwrap()
}

#[test]
fn adapters_give_what_peft_gives() {
    let golden = Reader::open(&std::path::Path::new(GOLDENS).join("golden-adapters.safetensors")).unwrap();
    for (adapter, model) in [("llama", "llama-a"), ("llama-rslora", "llama-a"), ("gpt2", "gpt2")] {
        let folder = tempfile::tempdir().unwrap();
        let plan = Plan::new(recipe(model, adapter), Options::default()).unwrap();
        support::run(&plan, &folder.path().join("out")).unwrap();
        let merged = tensors(&folder.path().join("out"));
        let plain = tensors(&std::path::Path::new(GOLDENS).join(model));
        let mut changed = 0;
        for (name, numbers) in &merged {
            let expected = golden.read(&format!("{adapter}/{name}")).unwrap();
            let expected: &[f32] = expected.as_slice().unwrap();
            let near = |(x, y): (&f32, &f32)| (x - y).abs() <= 4.0 * f32::EPSILON * (1.0 + y.abs());
            assert!(numbers.iter().zip(expected).all(near), "{adapter}: {name}\n{numbers:?}\n{expected:?}");
            changed += usize::from(plain[name] != *numbers);
        }
        // The control: what is compared differs from the model without the adapter.
        assert_eq!(changed, if adapter == "gpt2" { 3 } else { 13 }, "{adapter}");
    }
}

/// A model of one matrix of several chunks, and an adapter for it.
fn place(stored: Stored) -> Place {
    let place = Place::new();
    place.model("model", &[("m.weight", stored, vec![300, 500], normal(stored, 150_000, 1))]);
    let factors = [
        ("base_model.model.m.lora_A.weight", Stored::F32, vec![4, 500], normal(Stored::F32, 2000, 2)),
        ("base_model.model.m.lora_B.weight", Stored::F32, vec![300, 4], normal(Stored::F32, 1200, 3)),
    ];
    place.model("adapter/adapter_model.safetensors", &factors);
    settings(&place, "");
    place
}

fn settings(place: &Place, more: &str) {
    let text = format!(r#"{{"peft_type": "LORA", "r": 4, "lora_alpha": 8{more}}}"#);
    fs::write(place.path("adapter/adapter_config.json"), text).unwrap();
}

const LINEAR: &str = "merge_method: linear\nparameters: {weight: 1}\nmodels: [{model: '@model+@adapter'}, {model: '@model'}]\n";

#[test]
fn an_adapted_model_is_merged_as_if_it_had_been_written_in_32_bits() {
    for stored in [Stored::F32, Stored::BF16] {
        let place = place(stored);
        let adapted = "merge_method: passthrough\nout_dtype: float32\nmodels: [{model: '@model+@adapter'}]\n";
        place.merge(adapted, "adapted").unwrap();
        let text = format!("{LINEAR}out_dtype: bfloat16\n");
        place.merge(&text, "at-once").unwrap();
        place.merge(&text.replace("@model+@adapter", "@adapted"), "in-two-steps").unwrap();
        assert_eq!(tensors(&place.path("at-once")), tensors(&place.path("in-two-steps")));
        assert_ne!(tensors(&place.path("adapted")), tensors(&place.path("model")));
    }
}

#[test]
fn adapters_that_are_no_plain_lora_are_refused_by_name() {
    let place = place(Stored::F32);
    let refused = |more: &str, part: &str| {
        settings(&place, more);
        let message = place.refused(LINEAR);
        assert!(message.contains(part) && message.contains("adapter"), "{message}");
    };
    refused(r#", "use_dora": true"#, "DoRA");
    refused(r#", "modules_to_save": ["lm_head"]"#, "modules saved whole");
    refused(r#", "bias": "all""#, "biases");
    refused(r#", "init_lora_weights": "pissa""#, "pissa");
    refused(r#", "rank_pattern": {"m.*": 2}"#, "regular expressions");
    refused(r#", "rank_pattern": {"m": 2}"#, "rank 2");
    refused(r#", "fan_in_fan_out": true"#, "fan_in_fan_out");
    fs::write(place.path("adapter/adapter_config.json"), r#"{"peft_type": "LOHA"}"#).unwrap();
    assert!(place.refused(LINEAR).contains("LOHA"));
    fs::write(place.path("adapter/adapter_config.json"), "{").unwrap();
    assert!(place.refused(LINEAR).contains("adapter_config.json"));
    settings(&place, "");
    place.merge(LINEAR, "out").unwrap();
    let other =
        [("base_model.model.other.lora_A.weight", Stored::F32, vec![4, 5], normal(Stored::F32, 20, 2))];
    place.model("adapter/adapter_model.safetensors", &other);
    assert!(place.refused(LINEAR).contains("a model with tensor 'other.weight'"));
}
