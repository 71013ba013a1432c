//! `isoloss canonical`.

use std::fs;

use crate::support::{Place, number};

#[test]
fn a_canonical_form_computes_the_same_and_is_its_own() {
    let place = Place::new();
    place.train("a", 1);
    let first = place.json("canonical a --out first.safetensors");
    assert!(number(&first, "/norm") < number(&first, "/norm_before"), "{first:#}");
    assert!(number(&first, "/residual") < 1e-7 && number(&first, "/scaled") > 0.0, "{first:#}");
    let accuracy = |network: &str| {
        let scores = place.json(&format!("evaluate {network} --data digits"));
        (number(&scores, "/test/accuracy"), number(&scores, "/test/loss"))
    };
    let (before, after) = (accuracy("a"), accuracy("first.safetensors"));
    assert!((before.0 - after.0).abs() < 0.01 && (before.1 - after.1).abs() < 1e-4, "{before:?} {after:?}");
    let again = place.json("canonical first.safetensors --out second.safetensors");
    assert_eq!([&again["scaled"], &again["turned"], &again["moved"]], [0, 0, 0], "{again:#}");
    let bytes = |name: &str| fs::read(place.path(name)).unwrap();
    assert_eq!(bytes("first.safetensors"), bytes("second.safetensors"));
    let unit = place.text("canonical a --form unit --out unit.safetensors");
    assert!(unit.contains("turned 0, moved 0"), "{unit}");
}

#[test]
fn two_ways_to_choose_scales_are_refused() {
    let place = Place::new();
    place.train("a", 1);
    let output = place.run("canonical a --form balanced,unit --out b.safetensors");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("leave one out"), "{output:?}");
    assert!(!place.path("b.safetensors").exists());
}
