//! `isoloss demo` and `isoloss reproduce`.

use std::fs;

use crate::support::{Place, number};
use serde_json::Value;

#[test]
fn the_demo_merges_without_loss_what_naive_averaging_breaks() {
    let place = Place::new();
    let result = place.json("demo --out tour --quiet");
    let parents =
        ["/parents/0/test/accuracy", "/parents/1/test/accuracy"].map(|pointer| number(&result, pointer));
    let parents = (parents[0] + parents[1]) / 2.0;
    assert!(parents - number(&result, "/aligned/test/accuracy") <= 0.01, "{result:#}");
    assert!(parents - number(&result, "/naive/test/accuracy") >= 0.05, "{result:#}");
    assert!(number(&result, "/aligned/test/barrier") < 0.05 && number(&result, "/naive/test/barrier") > 0.5);
    for name in ["report.html", "report.json", "figures/demo-segment-loss.png", "seed-0/model.safetensors"] {
        assert!(place.path("tour").join(name).exists(), "{name}");
    }
    let merged = place.json("barrier tour/seed-0 tour/merged.safetensors --data digits --align none --quiet");
    let middle = number(&result, "/aligned/test/accuracy");
    assert!(
        (number(&merged, "/parents/1/test/accuracy") - middle).abs() < 0.006,
        "the average is what was measured"
    );
    assert_eq!(result, place.json("demo --out tour --quiet"), "a finished demo is shown again");
}

#[test]
fn recipes_are_listed_and_a_mistyped_one_gets_a_suggestion() {
    let place = Place::new();
    let list: Value = place.json("reproduce");
    assert_eq!(list["recipes"][0]["name"], "rebasin-mnist-mlp");
    assert!(place.text("reproduce").contains("not run yet"));
    place.refuses("reproduce rebasin-mnist", &["no recipe called 'rebasin-mnist'", "rebasin-mnist-mlp"]);
}

#[test]
fn a_recipe_says_which_data_it_needs() {
    let place = Place::new();
    place.refuses("reproduce rebasin-mnist-mlp --scale small", &["--data mnist:DIR"]);
    place.refuses("reproduce rebasin-mnist-mlp --data mnist:nowhere", &["nowhere"]);
}

#[test]
fn a_damaged_result_is_not_overwritten() {
    let place = Place::new();
    fs::create_dir(place.path("tour")).unwrap();
    place.write("tour/pair-0-1-epoch-60.json", b"{ \"half\":");
    place.refuses("demo --out tour --quiet", &["pair-0-1-epoch-60.json", "remove it"]);
}
