//! `isoloss inspect`, `align`, `merge` and `barrier` on trained networks.

use std::{collections::BTreeMap, fs, process::Stdio};

use crate::support::{Place, number};
use isoloss::models::{load_model, weights};
use serde_json::{Value, json};

/// A place with two trained networks, `a` and `b`.
fn pair() -> Place {
    let place = Place::new();
    place.train("a", 1);
    place.train("b", 2);
    place
}

#[test]
fn the_symmetry_of_the_mnist_network_has_its_known_order_and_a_certificate() {
    let result = Place::new().json("inspect --model mlp:784-512-512-512-10");
    assert!((number(&result, "/log10_order") - 3499.6).abs() < 0.1, "{result:#}");
    assert_eq!(result["certificate"]["passed"], true);
    assert!(number(&result, "/certificate/worst_relative") <= number(&result, "/certificate/tolerance"));
    assert_eq!(result["weights"], 932_362);
    assert_eq!(
        result["parameters"][0],
        json!({ "name": "0.weight", "shape": [512, 784], "weights": 401_408 })
    );
    assert_eq!(result["groups"].as_array().unwrap().len(), 3);
    assert_eq!(result["groups"][0]["size"], 512);
    assert_eq!(
        result["groups"][0]["axes"][2],
        json!({ "parameter": "2.weight", "axis": 1, "indices_of_each": 1 })
    );
    assert_eq!(result["groups"][0]["scales"], json!([[1, 1, -1]]));
    assert_eq!((&result["dimension"], &result["signs"]), (&json!(3 * 512), &json!(0)));
    let normalised = Place::new().json("inspect --model mlp:6-5-4,norm=batch");
    assert_eq!((&normalised["dimension"], &normalised["signs"]), (&json!(5), &json!(5)));
    assert!(number(&normalised, "/approximate/0/relative_change") > 1e-8, "{normalised:#}");
}

#[test]
fn inspecting_a_run_folder_shows_its_parameters_and_writes_a_report() {
    let place = pair();
    let text = place.text("inspect a --out report");
    assert!(text.contains("0.weight") && text.contains("[16, 64]"), "{text}");
    assert!(text.contains("passed: outputs change by at most"), "{text}");
    let html = fs::read_to_string(place.path("report/report.html")).unwrap();
    assert!(html.contains("Symmetry of a"));
    let report: Value = serde_json::from_slice(&fs::read(place.path("report/report.json")).unwrap()).unwrap();
    assert_eq!(report["kind"], "inspect");
}

#[test]
fn a_network_without_hidden_units_has_no_symmetry() {
    let place = Place::new();
    assert!(place.text("inspect --model mlp:4-3").contains("Nothing can be exchanged, scaled or turned."));
    assert_eq!(number(&place.json("inspect --model mlp:4-3"), "/log10_order"), 0.0);
}

#[test]
fn alignment_raises_the_objective_and_keeps_the_function_and_the_metadata() {
    let place = pair();
    let mut file = weights::load(&place.path("b/model.safetensors")).unwrap();
    file.metadata.insert("note".to_owned(), "from far away".to_owned());
    weights::save(&place.path("b.safetensors"), &file.params, &file.metadata).unwrap();
    let result = place.json("align a b.safetensors --out b2.safetensors");
    assert!(
        number(&result, "/matching/objective") > number(&result, "/matching/objective_before"),
        "{result:#}"
    );
    assert!(
        number(&result, "/groups/0/moved") > 0.0 && number(&result, "/groups/0/size") == 16.0,
        "{result:#}"
    );
    assert_eq!(result["certificate"]["passed"], true);
    let aligned = weights::load(&place.path("b2.safetensors")).unwrap();
    assert_eq!(aligned.metadata["note"], "from far away");
    assert_eq!(aligned.metadata["isoloss.aligned_to"], "a");
    let parents = place.json("barrier b b2.safetensors --data digits --align none");
    let [before, after] = [0, 1].map(|parent| number(&parents, &format!("/parents/{parent}/test/loss")));
    assert!((before - after).abs() < 1e-6, "{before} {after}");
}

#[test]
fn units_are_matched_by_what_they_do_on_the_training_data() {
    let place = pair();
    let result = place.json("align a b --method activation --data digits --out b2.safetensors");
    let matching = &result["matching"];
    assert_eq!(matching["method"], "activation");
    let class = &matching["classes"][0];
    assert_eq!((&class["size"], &class["values"]), (&json!(16), &json!(1)), "{result:#}");
    assert!(number(class, "/correlation") > number(class, "/correlation_before"), "{result:#}");
    let parents = place.json("barrier b b2.safetensors --data digits --align none");
    let [before, after] = [0, 1].map(|parent| number(&parents, &format!("/parents/{parent}/test/loss")));
    assert!((before - after).abs() < 1e-6, "{before} {after}");
    let merged = place.json("merge a b --align activation --data digits --out m.safetensors");
    assert_eq!(merged["matchings"][0]["method"], "activation");
}

#[test]
fn descents_are_no_worse_than_where_they_start() {
    let place = pair();
    let descents = [
        ("ste --data digits --rounds 2 --align-batch 200", "loss halfway"),
        ("sinkhorn --data digits --rounds 1 --align-batch 200", "loss halfway"),
        ("sinkhorn --rounds 3", "mean squared difference"),
    ];
    for (flags, says) in descents {
        let command = format!("align a b --method {flags} --out b2.safetensors --force");
        let result = place.json(&command);
        let improvements = result["matching"]["improvements"].as_array().unwrap();
        let values: Vec<f64> = improvements.iter().map(|each| number(each, "/value")).collect();
        assert!(values.is_sorted_by(|earlier, later| earlier > later), "{result:#}");
        assert!(place.text(&command).contains(says));
    }
}

#[test]
fn flags_that_do_not_suit_a_matching_are_refused() {
    let place = pair();
    let needs = ["matching by activation needs data", "--data SPEC"];
    place.refuses("align a b --method activation --out b2.safetensors", &needs);
    place.refuses("merge a b --align activation --out m.safetensors", &needs);
    place.refuses("align a b --method ste --out b2.safetensors", &["matching by ste needs data"]);
    let unused = ["--data digits has no influence on matching by weight"];
    place.refuses("align a b --data digits --out b2.safetensors", &unused);
    let restarts = "align a b --method activation --data digits --restarts 2 --out b2.safetensors";
    place.refuses(restarts, &["--restarts has no influence on this matching (method activation)"]);
    place.refuses("merge a b --rounds 3 --out m.safetensors", &["--rounds has no influence"]);
    let batch = "align a b --method sinkhorn --align-batch 9 --out b2.safetensors";
    place.refuses(batch, &["--align-batch has no influence on this matching (method sinkhorn)"]);
    let nothing = "barrier a b --data digits --align none --restarts 2";
    place.refuses(nothing, &["--restarts has no influence on this matching (method none)"]);
    let none = "align a b --method sinkhorn --rounds 0 --out b2.safetensors";
    place.refuses(none, &["rounds of a matching: expected at least 1, found 0"]);
}

#[test]
fn a_network_is_aligned_to_itself_by_moving_nothing() {
    let place = pair();
    let result = place.json("align a a --out same.safetensors");
    assert_eq!(number(&result, "/matching/distance"), 0.0);
    assert_eq!(result["groups"][0]["moved"], 0);
    let (_, params) = load_model(&place.path("a"), None).unwrap();
    assert_eq!(load_model(&place.path("same.safetensors"), None).unwrap().1, params);
}

#[test]
fn merging_after_alignment_is_better_than_without() {
    let place = pair();
    let aligned = place.json("merge a b --out m.safetensors --data digits");
    let naive = place.json("merge a b --out n.safetensors --data digits --align none");
    assert!(
        number(&aligned, "/merged/train/loss") < number(&naive, "/merged/train/loss"),
        "{aligned:#} {naive:#}"
    );
    assert_eq!(aligned["parents"][0]["path"], "a");
    assert_eq!(aligned["parents"][1]["score"], naive["parents"][1]["score"]);
    assert!(place.text("inspect m.safetensors").contains("mlp:64-16-16-10"));
}

#[test]
fn the_place_between_two_networks_is_honoured() {
    let place = pair();
    place.text("merge a b --at 0 --out start.safetensors");
    let (_, a) = load_model(&place.path("a"), None).unwrap();
    assert_eq!(load_model(&place.path("start.safetensors"), None).unwrap().1, a);
}

#[test]
fn more_than_two_networks_are_averaged_equally() {
    let place = pair();
    place.train("c", 3);
    let text = place.text("merge a b c --out m.safetensors --align none");
    assert_eq!(text, "written to m.safetensors\n");
    let first = |run: &str| {
        let (_, params) = load_model(&place.path(run), None).unwrap();
        params.get("2.bias").unwrap().to_f64_vec()[3]
    };
    let mean = (first("a") + first("b") + first("c")) / 3.0;
    assert!((first("m.safetensors") - mean).abs() < 1e-7);
    let result = place.json("merge a b c --out aligned.safetensors --data digits");
    assert_eq!(result["matchings"].as_array().unwrap().len(), 2);
}

#[test]
fn the_barrier_is_measured_naive_and_aligned_on_both_parts() {
    let place = pair();
    let result = place.json("barrier a b --data digits --out report");
    for part in ["train", "test"] {
        let naive = number(&result, &format!("/naive/{part}/barrier"));
        assert!(number(&result, &format!("/aligned/{part}/barrier")) < naive, "{result:#}");
        assert!(number(&result, &format!("/parents/1/{part}/accuracy")) > 0.1);
    }
    assert_eq!(result["naive"]["test"]["curve"]["loss"].as_array().unwrap().len(), 25);
    assert_eq!(result["naive"]["test"]["curve"]["loss"][0], result["parents"][0]["test"]["loss"]);
    let midpoint = &result["aligned"]["test"]["curve"]["loss"][12];
    assert_eq!(&result["aligned"]["test"]["loss"], midpoint);
    for file in ["report.html", "report.json", "figures/segment-loss.svg", "figures/segment-accuracy.png"] {
        assert!(place.path("report").join(file).is_file(), "{file}");
    }
}

#[test]
fn the_bound_decides_the_exit_code() {
    let place = pair();
    assert!(
        place.text("barrier a b --data digits --points 3 --bound 100").contains("within the bound of 100")
    );
    let above = place.run("barrier a b --data digits --points 3 --bound 0");
    assert_eq!(above.status.code(), Some(1));
    assert!(String::from_utf8(above.stdout).unwrap().contains("above the bound of 0"));
    let naive = place.json("barrier a b --data digits --points 3 --align none --bound 100");
    assert_eq!((&naive["aligned"], &naive["within_bound"]), (&Value::Null, &Value::Bool(true)));
}

#[test]
fn weights_without_metadata_are_read_with_model() {
    let place = pair();
    for run in ["a", "b"] {
        let (_, params) = load_model(&place.path(run), None).unwrap();
        weights::save(&place.path(&format!("{run}.safetensors")), &params, &BTreeMap::new()).unwrap();
    }
    let result =
        place.json("barrier a.safetensors b.safetensors --model mlp:64-16-16-10 --data digits --points 3");
    assert_eq!(result["naive"], place.json("barrier a b --data digits --points 3")["naive"]);
}

#[test]
fn the_same_seed_gives_the_same_bits_for_any_number_of_threads() {
    let place = pair();
    for threads in [1, 2] {
        place.text(&format!("merge a b --restarts 2 --threads {threads} --out m{threads}.safetensors"));
    }
    let bytes = |name: &str| fs::read(place.path(name)).unwrap();
    assert_eq!(bytes("m1.safetensors"), bytes("m2.safetensors"));
}

#[test]
fn a_reader_that_closes_the_pipe_is_no_error() {
    let place = Place::new();
    let mut command = place.command("completions bash");
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}

/// A place with two trained networks with batch normalisation, `a` and `b`.
fn normalised_pair() -> Place {
    let place = Place::new();
    for (run, seed) in [("a", 1), ("b", 2)] {
        place.text(&format!(
            "train --model mlp:64-16-10,norm=batch --data digits --epochs 2 --optimizer adam:lr=0.01 --out {run} --seed {seed}"
        ));
    }
    place
}

#[test]
fn a_merged_network_has_running_statistics_of_its_own() {
    let place = normalised_pair();
    let result = place.json("merge a b --out own.safetensors --data digits");
    assert_eq!(result["statistics"], json!({ "reestimated": true, "examples": 1437 }));
    let kept = place.json("merge a b --out kept.safetensors --data digits --keep-statistics");
    assert_eq!(kept["statistics"], json!({ "reestimated": false }));
    assert!(
        number(&result, "/merged/train/loss") < number(&kept, "/merged/train/loss"),
        "{result:#} {kept:#}"
    );
    let [own, kept] =
        ["own", "kept"].map(|file| load_model(&place.path(&format!("{file}.safetensors")), None).unwrap().1);
    assert_eq!(own.get("0.weight"), kept.get("0.weight"));
    assert_ne!(own.get("1.running_mean"), kept.get("1.running_mean"));
    let text = place.text("merge a b --out untold.safetensors");
    assert!(text.contains("which seldom suits them; --data re-estimates them"), "{text}");
    let (_, untold) = load_model(&place.path("untold.safetensors"), None).unwrap();
    assert_eq!(untold, kept);
}

#[test]
fn a_barrier_is_measured_with_statistics_of_each_point() {
    let place = normalised_pair();
    let result = place.json("barrier a b --data digits --points 3");
    let kept = place.json("barrier a b --data digits --points 3 --keep-statistics");
    assert_eq!(result["statistics"]["examples"], 1437);
    assert_eq!(result["parents"], kept["parents"]);
    assert!(number(&result, "/naive/test/loss") != number(&kept, "/naive/test/loss"));
    assert_eq!(
        place.json("barrier a a --data digits --points 3 --align none")["statistics"]["reestimated"],
        true
    );
    let text = place.text("barrier a b --data digits --points 3 --align none");
    assert!(text.contains("running statistics re-estimated on 1437 training examples"), "{text}");
    place.train("plain", 3);
    assert_eq!(place.json("barrier plain plain --data digits --points 3")["statistics"], Value::Null);
}
