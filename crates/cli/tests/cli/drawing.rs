//! The drawing in the report of `isoloss inspect`.

use std::fs;

use serde_json::{Value, json};

use crate::support::Place;

/// The diagram in the report of a model.
fn diagram(model: &str) -> Value {
    let place = Place::new();
    place.text(&format!("inspect --model {model} --trials 1 --out report"));
    assert!(fs::read_to_string(place.path("report/figures/network.svg")).unwrap().contains("</svg>"));
    let report: Value = serde_json::from_slice(&fs::read(place.path("report/report.json")).unwrap()).unwrap();
    let sections = report["sections"].as_array().unwrap().iter();
    let mut blocks = sections.flat_map(|section| section["blocks"].as_array().unwrap());
    blocks.find(|block| block["type"] == "diagram").unwrap().clone()
}

fn names(diagram: &Value) -> Vec<&str> {
    diagram["rows"].as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect()
}

#[test]
fn a_residual_network_is_drawn_with_its_shortcuts_and_the_classes_of_its_axes() {
    let diagram = diagram("resnet8:width=0.125,in=2x6x5,norm=none");
    let names = names(&diagram);
    assert_eq!(names[..5], ["x", "conv1", "layer1.0.conv1", "layer1.0.conv2", "add"]);
    for edge in [[0, 1], [1, 2], [2, 3], [3, 4], [1, 4]] {
        assert!(diagram["edges"].as_array().unwrap().contains(&json!(edge)), "{edge:?}: {diagram:#}");
    }
    // The stage is the first class, the branch the second, which the writer back to the stage has on its other axis.
    let axes = &diagram["rows"][3]["tensors"][0]["axes"];
    assert_eq!((&axes[0]["classes"], &axes[1]["classes"]), (&json!([0]), &json!([1])), "{diagram:#}");
    assert_eq!(axes[2], json!({ "size": 3 }));
}

#[test]
fn blocks_that_repeat_are_drawn_once() {
    let diagram = diagram("gpt:layers=8,width=4,heads=2,context=3,vocab=5");
    let names = names(&diagram);
    let repeated = "the same 7 times more: transformer.h.1.ln_1 to transformer.h.7.mlp.c_proj";
    assert!(names.contains(&"transformer.h.0.attn.c_attn") && names.contains(&repeated), "{names:?}");
    assert!(!names.contains(&"transformer.h.1.ln_1") && names.len() < 20, "{names:?}");
}
