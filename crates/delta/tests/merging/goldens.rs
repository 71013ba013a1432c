//! Every method gives what mergekit gives (`tests/goldens/make.py`).

use std::{collections::BTreeMap, path::Path};

use isoloss_delta::{Method, Options, Plan, Recipe};
use tensor::Stored;
use weights::Reader;

use crate::support;

/// The recipes of a set of models, by their names.
type Cases = BTreeMap<String, BTreeMap<String, String>>;

fn goldens() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/goldens"))
}

fn cases() -> Cases {
    serde_json::from_str(&std::fs::read_to_string(goldens().join("cases.json")).unwrap()).unwrap()
}

/// The recipe with the paths of models for their short names.
fn recipe(text: &str, set: &str, ending: &str) -> Recipe {
    let place = ["base", "a", "b", "c"].into_iter().fold(text.to_owned(), |text, model| {
        let path = goldens().join(format!("{set}-{model}{ending}"));
        text.replace(&format!("'@{model}'"), &path.display().to_string())
    });
    Recipe::parse(&place).unwrap_or_else(|error| panic!("{error}\n{place}"))
}

/// Merges and compares: the same tensors, types and shapes, and numbers within `units` in the last place of the largest of a
/// tensor. The names of the recipes whose numbers differ.
fn different(set: &str, ending: &str, units: f32, seed: u64) -> Vec<String> {
    let mut different = Vec::new();
    let golden = Reader::open(&goldens().join(format!("golden-{set}.safetensors"))).unwrap();
    for (name, text) in &cases()[set] {
        let folder = tempfile::tempdir().unwrap();
        let options = Options { seed, ..Options::default() };
        let plan =
            Plan::new(recipe(text, set, ending), options).unwrap_or_else(|error| panic!("{name}: {error}"));
        support::run(&plan, &folder.path().join("out")).unwrap_or_else(|error| panic!("{name}: {error}"));
        let merged = Reader::open(&folder.path().join("out")).unwrap();
        let prefix = format!("{name}/");
        let wanted: Vec<_> =
            golden.entries().iter().filter(|entry| entry.name.starts_with(&prefix)).collect();
        assert_eq!(merged.entries().len(), wanted.len(), "{name}");
        for entry in wanted {
            let tensor = &entry.name[prefix.len()..];
            let found = merged.entry(tensor).unwrap_or_else(|| panic!("{name} lacks {tensor}"));
            assert_eq!((found.stored, &found.shape), (entry.stored, &entry.shape), "{name}: {tensor}");
            if !entry.stored.is_float() {
                assert_eq!(
                    merged.bytes(tensor).unwrap(),
                    golden.bytes(&entry.name).unwrap(),
                    "{name}: {tensor}"
                );
                continue;
            }
            let (merged, golden) = (merged.read(tensor).unwrap(), golden.read(&entry.name).unwrap());
            let (merged, golden): (&[f32], &[f32]) = (merged.as_slice().unwrap(), golden.as_slice().unwrap());
            let step = match entry.stored {
                Stored::BF16 => 2f32.powi(-8),
                Stored::F16 => 2f32.powi(-11),
                _ => f32::EPSILON,
            };
            let most = golden.iter().fold(0f32, |most, number| most.max(number.abs()));
            let near = |(found, expected): (&f32, &f32)| (found - expected).abs() <= units * step * most;
            if let Some(place) = merged.iter().zip(golden).position(|pair| !near(pair)) {
                eprintln!("{name}: {tensor}[{place}] is {}, mergekit has {}", merged[place], golden[place]);
                different.push(name.clone());
            }
        }
    }
    different.dedup();
    different
}

/// The seed with which the goldens were drawn.
const SEED: u64 = 7;

#[test]
fn all_methods_give_what_mergekit_gives() {
    assert!(different("plain", ".safetensors", 8.0, SEED).is_empty());
}

#[test]
fn narrow_types_are_rounded_once() {
    assert!(different("half", ".safetensors", 0.0, SEED).is_empty());
}

#[test]
fn gradients_and_runs_of_layers_give_what_mergekit_gives() {
    assert!(different("llama", "", 8.0, SEED).is_empty());
}

/// The control: other masks must be told apart, and nothing else depends on the seed.
#[test]
fn only_methods_that_draw_differ_with_the_seed() {
    let expected = ["dare_linear", "dare_ties", "dare_ties-plain", "della", "della_linear"];
    assert_eq!(different("plain", ".safetensors", 8.0, SEED + 1), expected);
}

#[test]
fn every_method_has_its_golden() {
    let cases = cases();
    let known: Vec<&String> = cases["plain"].keys().collect();
    for method in Method::ALL {
        assert!(known.iter().any(|name| name.split('-').next() == Some(method.name())), "{}", method.name());
    }
}
