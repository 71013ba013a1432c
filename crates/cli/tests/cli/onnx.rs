//! Networks from ONNX files in every command that takes a network.

use std::{fs, path::Path};

use crate::support::{Place, number};

/// A place with the file `net.onnx`, a small network for the digits.
fn place() -> Place {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../onnx/tests/goldens/digits.onnx");
    let place = Place::new();
    place.write("net.onnx", &fs::read(file).unwrap());
    place
}

#[test]
fn a_file_is_inspected_like_any_network() {
    let result = place().json("inspect net.onnx");
    assert_eq!(result["model"], "onnx:net.onnx");
    assert_eq!(result["certificate"]["passed"], true);
    assert_eq!(result["parameters"][0]["name"], "conv.weight");
    let sizes: Vec<f64> =
        result["groups"].as_array().unwrap().iter().map(|group| number(group, "/size")).collect();
    assert!(sizes.contains(&16.0), "{result:#}");
}

#[test]
fn a_run_from_a_file_learns_and_stands_by_itself() {
    let place = place();
    let before = place.json("evaluate net.onnx --data digits");
    place.text("train --model net.onnx --init file --data digits --epochs 4 --optimizer adam:lr=0.01 --out a --seed 1");
    place.text("train --model net.onnx --init file --data digits --epochs 4 --optimizer adam:lr=0.01 --out b --seed 2");
    fs::remove_file(place.path("net.onnx")).unwrap();
    let after = place.json("evaluate a --data digits");
    assert!(number(&after, "/test/loss") < 0.5 * number(&before, "/test/loss"), "{before:#} {after:#}");
    place.text("align a b --out b2.safetensors");
    place.text("merge a b2.safetensors --out merged.safetensors");
    let barrier = place.json("barrier a b --data digits --points 3");
    assert!(barrier.to_string().contains("barrier"), "{barrier:#}");
    assert_eq!(place.json("inspect merged.safetensors")["certificate"]["passed"], true);
}

#[test]
fn a_file_names_the_architecture_of_weights() {
    let place = place();
    place.text("train --model net.onnx --init file --data digits --epochs 1 --out a");
    let own = place.json("evaluate a --data digits");
    let named = place.json("evaluate a --data digits --graph net.onnx");
    assert_eq!(own["test"], named["test"]);
    place.text("compare --model net.onnx");
}

#[test]
fn what_is_no_network_is_refused() {
    let place = place();
    place.write("damaged.onnx", b"nothing of the kind");
    place.refuses("inspect damaged.onnx", &["damaged.onnx", "not a whole ONNX file"]);
    place.refuses("train --model mlp:64-10 --init file --data digits --out a", &["no file with weights"]);
}

#[test]
fn a_network_is_written_as_a_file_and_a_file_with_other_weights_stays_that_file() {
    let place = place();
    place.text("train --model net.onnx --init file --data digits --epochs 1 --out a");
    place.text("convert a --out a.onnx");
    assert_eq!(
        place.json("evaluate a --data digits")["test"],
        place.json("evaluate a.onnx --data digits")["test"]
    );
    let (old, new) = (fs::read(place.path("net.onnx")).unwrap(), fs::read(place.path("a.onnx")).unwrap());
    assert!(old.len() == new.len() && old != new);
    place.text("convert net.onnx --out net.safetensors");
    place.text("convert net.safetensors --out again.onnx");
    assert_eq!(fs::read(place.path("again.onnx")).unwrap(), old);
    place.train("b", 1);
    place.text("convert b --out b.onnx");
    let (own, written) =
        (place.json("evaluate b --data digits"), place.json("evaluate b.onnx --data digits"));
    assert_eq!(own["test"]["accuracy"], written["test"]["accuracy"]);
    place.refuses("convert b --out c.onnx --dtype f16", &["--dtype does not go with .onnx files"]);
}
