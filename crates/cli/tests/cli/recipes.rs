//! `isoloss merge RECIPE.yaml`.

use std::{collections::BTreeMap, fs};

use isoloss::{
    models::weights::{self, Entry, Reader},
    tensor::{Shape, Stored},
};

use crate::support::Place;

const RECIPE: &str = "merge_method: linear\nmodels:\n- {model: a, parameters: {weight: [0, 1]}}\n- {model: b, parameters: {weight: 1}}\nparameters: {density: 1}\n";

/// Two models of two layers: all elements of `a` are 1, of `b` 3.
fn place() -> Place {
    let place = Place::new();
    for (name, number) in [("a", 1f32), ("b", 3.0)] {
        let entry = |layer| Entry {
            name: format!("h.{layer}.weight"),
            stored: Stored::F32,
            shape: Shape::from([3, 2]),
        };
        let bytes = Stored::F32.encode(&[number; 6]);
        let file = place.path(name).join("model.safetensors");
        weights::write(&file, &[entry(0), entry(1)], &BTreeMap::new(), &mut |_| Ok(bytes.clone())).unwrap();
    }
    place.write("recipe.yaml", RECIPE.as_bytes());
    place
}

#[test]
fn a_recipe_is_rehearsed_and_carried_out() {
    let place = place();
    let rehearsal = place.text("merge recipe.yaml --dry-run");
    for part in
        ["linear of 2 models", "weight 0 | 1", "weight 1 | 1", "F32[3, 2]", "48 B", "no influence on linear"]
    {
        assert!(rehearsal.contains(part), "no '{part}' in: {rehearsal}");
    }
    assert!(!place.path("out").exists());
    let result = place.json("merge recipe.yaml --out out --max-shard-size 30B");
    assert_eq!(result["tensors"][1]["model_parameters"][0]["weight"], 1.0);
    assert_eq!(result["shards"].as_array().unwrap().len(), 2);
    let merged = Reader::open(&place.path("out")).unwrap();
    assert_eq!(merged.read("h.0.weight").unwrap().as_slice::<f32>().unwrap(), [3.0; 6]);
    assert_eq!(merged.read("h.1.weight").unwrap().as_slice::<f32>().unwrap(), [2.0; 6]);
    assert_eq!(fs::read_to_string(place.path("out/mergekit_config.yml")).unwrap(), RECIPE);
    place.refuses("merge recipe.yaml --out out", &["out is there already", "--force"]);
    place.text("merge recipe.yaml --out out --force");
    assert!(place.path("out/model.safetensors").exists(), "one file now");
}

#[test]
fn what_is_wrong_with_a_recipe_is_told_in_a_line() {
    let place = place();
    place.refuses("merge recipe.yaml --out a", &["the folder of the input"]);
    place.refuses("merge recipe.yaml --out out --data digits", &["--data does not go with a recipe"]);
    place
        .refuses("merge a b --align none --out m.safetensors --memory 1GB", &["--memory goes with a recipe"]);
    place.refuses("merge a --out m.safetensors", &["two networks or more", "found 'a' alone"]);
    place.refuses("merge recipe.yaml a --out out", &["recipe.yaml is a recipe", "give it alone"]);
    place.refuses("merge recipe.yaml --out out --memory 100B", &["needs", "100 may be taken"]);
    let wrong = [
        (RECIPE.replace("linear", "tise"), "did you mean 'ties'"),
        (RECIPE.replace("model: b", "model: org/none"), "nothing is downloaded"),
        (RECIPE.replace("parameters: {density: 1}", "- ["), "not read as YAML"),
        (RECIPE.replace("density: 1", "denstiy: 1"), "'denstiy'"),
    ];
    for (text, part) in wrong {
        place.write("wrong.yaml", text.as_bytes());
        place.refuses("merge wrong.yaml --out out", &[part]);
    }
}
