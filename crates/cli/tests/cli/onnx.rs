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
    assert_eq!(place.json("convert a --out a.onnx")["files"][0], "a.onnx");
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

/// A place with networks that are their own objectives, as `NAME.onnx`.
fn objectives(names: &[&str]) -> Place {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/tests/goldens/objectives");
    let place = Place::new();
    for name in names {
        let file = fs::read(folder.join(format!("{name}.onnx"))).unwrap();
        place.write(&format!("{}.onnx", name.rsplit('/').next().unwrap()), &file);
    }
    place
}

#[test]
fn a_file_of_a_loss_is_trained_merged_and_measured_by_itself() {
    let place = objectives(&["classifier-legacy"]);
    let result = place.json("inspect classifier-legacy.onnx");
    assert_eq!(result["objective"]["examples"], "images 1x8x8");
    assert_eq!(result["objective"]["labels"], "numbers of 10 classes");
    assert_eq!(result["certificate"]["passed"], true);
    for (run, seed) in [("a", 1), ("b", 2)] {
        place.text(&format!(
            "train --model classifier-legacy.onnx --data digits --epochs 4 --optimizer adam:lr=0.01 --keep-best \
             --out {run} --seed {seed}"
        ));
    }
    fs::remove_file(place.path("classifier-legacy.onnx")).unwrap();
    let text = place.text("evaluate a --data digits");
    assert!(text.contains("there is no accuracy"), "{text}");
    let after = place.json("evaluate a --data digits");
    assert_eq!((&after["loss"], &after["test"]["accuracy"]), (&"own".into(), &serde_json::Value::Null));
    assert!(number(&after, "/test/loss") < 1.5, "{after:#}");
    let barrier = place.json("barrier a b --data digits --points 3");
    assert!(number(&barrier, "/naive/test/barrier") > 0.0, "{barrier:#}");
    assert!(barrier["aligned"]["test"]["accuracy_barrier"].is_null(), "{barrier:#}");
    let merged = place.json("merge a b --data digits --out merged.safetensors");
    assert_eq!(merged["parents"][0]["score"]["test"]["loss"], after["test"]["loss"]);
    place.text("convert a --out a.onnx");
    assert_eq!(place.json("evaluate a.onnx --data digits")["test"], after["test"]);
}

#[test]
fn the_microscope_differentiates_what_a_file_returns() {
    let place = objectives(&["autoencoder-dynamo", "language-legacy"]);
    for name in ["autoencoder-dynamo", "language-legacy"] {
        for derivative in ["", "--grad", "--hvp", "--linear"] {
            let text = place.text(&format!("compare --model {name}.onnx {derivative} --dtype f64"));
            assert!(text.contains("[held]"), "{text}");
        }
        assert!(place.text(&format!("dump --model {name}.onnx --grad")).contains("grad"));
        place.text(&format!("profile --model {name}.onnx --grad --batch 3"));
    }
}

#[test]
fn what_does_not_go_with_a_file_of_a_loss_is_refused() {
    let place = objectives(&["regression-legacy", "refused/summed", "refused/masked"]);
    let train = "train --model regression-legacy.onnx --data digits --out a";
    place.refuses(&format!("{train} --loss squared-error"), &["is its own objective", "leave --loss out"]);
    place.refuses(&format!("{train} --watch test.accuracy"), &["has no accuracy", "test.loss"]);
    place.refuses(&format!("{train} --optimizer sophia"), &["needs the loss cross-entropy"]);
    place
        .refuses("train --model regression-legacy.onnx --data mnist1d --out a", &["40 features", "found 64"]);
    place.refuses("evaluate summed.onnx --data digits", &["no mean over the batch"]);
    place.refuses("inspect masked.onnx", &["3 of them", "'mask' (floats [batch])"]);
    place.refuses("train --model mlp:64-10 --loss own --data digits --out a", &["returns logits"]);
}
