//! `isoloss align` of many networks, and `isoloss align --check`.

use crate::support::{Place, TRAIN, number};
use isoloss::models::load_model;
use serde_json::Value;

/// A place with the networks `a` and `b`, trained from different seeds.
fn pair() -> Place {
    let place = Place::new();
    place.train("a", 1);
    place.train("b", 2);
    place
}

/// The result of a check, and its exit code.
fn check(place: &Place, networks: &str) -> (Value, i32) {
    let output = place.run(&format!("align {networks} --check --json"));
    assert!(output.stderr.is_empty(), "{output:?}");
    (serde_json::from_slice(&output.stdout).unwrap(), output.status.code().unwrap())
}

#[test]
fn a_network_trained_on_from_another_has_a_common_ancestor() {
    let place = pair();
    place.text(&format!("{} --out longer --seed 1", TRAIN.replace("--epochs 3", "--epochs 8")));
    let (result, code) = check(&place, "a longer");
    assert_eq!((&result["relation"], code), (&"same ancestor".into(), 0), "{result:#}");
    assert_eq!(result["headers"]["training_differences"]["epochs"], serde_json::json!([3, 8]));
    assert!(number(&result, "/evidence/arrangements/p") <= number(&result, "/evidence/level"));
    assert!(number(&result, "/evidence/share") > 0.9, "{result:#}");
}

#[test]
fn networks_of_two_seeds_are_independent() {
    let place = Place::new();
    for seed in [1, 2] {
        let train = TRAIN.replace("--epochs 3", "--epochs 20");
        place.text(&format!("{train} --out {seed} --seed {seed}"));
    }
    let (result, code) = check(&place, "1 2");
    assert_eq!((&result["relation"], code), (&"independent".into(), 0), "{result:#}");
    assert!(number(&result, "/evidence/arrangements/p") > number(&result, "/evidence/level"), "{result:#}");
    assert!(number(&result, "/evidence/surrogates/p") <= number(&result, "/evidence/level"), "{result:#}");
    assert_eq!(result["evidence"]["parameters"][0]["name"], "0.weight");
}

#[test]
fn a_rearranged_copy_aligns_exactly() {
    let place = pair();
    place.text("align a b --out b2.safetensors");
    let (result, code) = check(&place, "b b2.safetensors");
    assert_eq!((&result["relation"], code), (&"rearranged".into(), 0), "{result:#}");
    assert_eq!(result["headers"]["aligned_to"], "a");
    let text = place.text("align b b2.safetensors --check");
    assert!(text.contains("the same function with its units in another order"), "{text}");
}

#[test]
fn a_network_of_another_architecture_is_unrelated() {
    let place = pair();
    place.text("train --model mlp:64-8-10 --data digits --epochs 1 --out c");
    let (result, code) = check(&place, "a c");
    assert_eq!((&result["relation"], code), (&"unrelated".into(), 1), "{result:#}");
    assert!(result["evidence"]["difference"].as_str().unwrap().contains("first difference is 0.weight"));
}

#[test]
fn many_networks_are_arranged_as_the_first_one_is() {
    let place = pair();
    place.train("c", 3);
    let result = place.json("align a b c --method joint --out aligned");
    let networks = result["networks"].as_array().unwrap();
    assert_eq!(networks.len(), 2);
    assert_eq!((&networks[1]["b"], &networks[1]["matching"]["networks"]), (&"c".into(), &3.into()));
    for (name, network) in ["b", "c"].iter().zip(networks) {
        assert!(number(network, "/matching/objective") > number(network, "/matching/objective_before"));
        let barrier = format!("barrier {name} aligned/{name}.safetensors --data digits --align none");
        let parents = place.json(&barrier);
        let [before, after] = [0, 1].map(|parent| number(&parents, &format!("/parents/{parent}/test/loss")));
        assert!((before - after).abs() < 1e-6, "{before} {after}");
    }
    let merged = place.json("merge a b c --align joint --data digits --out joint.safetensors");
    assert_eq!(merged["matchings"][1]["iterations"], networks[1]["matching"]["iterations"]);
    place.text("merge a aligned/b.safetensors aligned/c.safetensors --align none --out by-hand.safetensors");
    let [joint, by_hand] = ["joint", "by-hand"]
        .map(|name| load_model(&place.path(&format!("{name}.safetensors")), None).unwrap().1);
    assert_eq!(joint, by_hand);
}

#[test]
fn transformers_are_matched_with_their_gains_folded_and_keep_their_functions() {
    let place = Place::new();
    for (run, seed) in [("a", 1), ("b", 2)] {
        let model = "vit:layers=1,width=8,heads=2,hidden=8,patch=4,in=1x8x8,classes=10";
        place.text(&format!("train --model {model} --data digits --epochs 1 --out {run} --seed {seed}"));
    }
    let result = place.json("align a b --method circuit --out b2.safetensors");
    let matching = &result["matching"];
    assert!(number(matching, "/distance") < number(matching, "/distance_before"), "{matching:#}");
    assert_eq!((&matching["folded_gains"], &matching["best_start"]), (&3.into(), &0.into()));
    let parents = place.json("barrier b b2.safetensors --data digits --align none");
    let [before, after] = [0, 1].map(|parent| number(&parents, &format!("/parents/{parent}/test/loss")));
    assert!((before - after).abs() < 1e-4, "{before} {after}");
    let [a, b] =
        ["a/model.safetensors", "b2.safetensors"].map(|file| load_model(&place.path(file), None).unwrap().1);
    assert_eq!(a.get("norm.weight"), b.get("norm.weight"), "the gains are those of A");
    let text = place.text("align a b --method circuit --rounds 2 --restarts 1 --out b3.safetensors");
    assert!(text.contains("3 gains folded") && text.contains("1 rotations"), "{text}");
    place.text("merge a b --align circuit --out merged.safetensors");
    place.text("merge a b2.safetensors --align none --out by-hand.safetensors");
    let [merged, by_hand] = ["merged", "by-hand"]
        .map(|name| load_model(&place.path(&format!("{name}.safetensors")), None).unwrap().1);
    assert_eq!(merged, by_hand);
    place.refuses("align a b --method circuit --data digits --out b4.safetensors", &["circuit"]);
    let learned = place.json("align a b --method learned --data digits --rounds 1 --out b5.safetensors");
    let matching = &learned["matching"];
    assert!(number(matching, "/loss") <= number(matching, "/improvements/0/value"), "{matching:#}");
    assert_eq!(matching["method"], "learned");
    let parents = place.json("barrier b b5.safetensors --data digits --align none");
    let [before, after] = [0, 1].map(|parent| number(&parents, &format!("/parents/{parent}/test/loss")));
    assert!((before - after).abs() < 1e-4, "{before} {after}");
    place.refuses("align a b --method learned --out b6.safetensors", &["learned"]);
}

#[cfg(unix)]
#[test]
fn an_interrupted_learned_matching_goes_on_to_the_same_bits() {
    let place = Place::new();
    for (run, seed) in [("a", 1), ("b", 2)] {
        let model = "vit:layers=1,width=8,heads=2,hidden=8,patch=4,in=1x8x8,classes=10";
        place.text(&format!("train --model {model} --data digits --epochs 1 --out {run} --seed {seed}"));
    }
    let learn = |out: &str| {
        format!(
            "align a b --method learned --data digits --rounds 4 --align-batch 10 --out {out}.safetensors"
        )
    };
    let kept = "b2.unfinished-1.safetensors";
    let child = place.begin(&learn("b2"), kept);
    crate::support::signal(&child, "INT");
    let output = child.wait_with_output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(message.contains("error: interrupted after step ") && message.contains(kept), "{message}");
    assert!(!place.path("b2.safetensors").exists() && place.path(kept).exists());
    place.refuses(&learn("b2").replace("--rounds 4", "--rounds 3"), &[kept, "remove it"]);
    place.text(&learn("b2"));
    place.text(&learn("whole"));
    let weights = |name: &str| std::fs::read(place.path(name)).unwrap();
    assert_eq!(weights("b2.safetensors"), weights("whole.safetensors"));
    assert!(!place.path(kept).exists());
    place.text("merge a b --align learned --data digits --rounds 1 --out merged.safetensors");
    assert!(!place.path("merged.unfinished-1.safetensors").exists());
}

#[test]
fn two_networks_are_matched_jointly_into_one_file() {
    let place = pair();
    let result = place.json("align a b --method joint --restarts 1 --out b2.safetensors");
    assert_eq!((&result["b"], &result["out"]), (&"b".into(), &"b2.safetensors".into()));
    let matching = &result["matching"];
    assert_eq!((&matching["method"], &matching["runs"]), (&"joint".into(), &2.into()), "{result:#}");
    assert!((number(matching, "/joint_objective") - number(matching, "/objective")).abs() < 1e-9);
}

#[test]
fn a_network_is_carried_to_other_widths_and_one_of_the_same_widths_keeps_its_function() {
    let place = pair();
    let same = place.json("align a b --method transport --out b2.safetensors");
    assert_eq!(
        (&same["matching"]["method"], &same["matching"]["plans"][1]["units"]),
        (&"transport".into(), &16.into())
    );
    let parents = place.json("barrier b b2.safetensors --data digits --align none");
    let [before, after] = [0, 1].map(|parent| number(&parents, &format!("/parents/{parent}/test/loss")));
    assert!((before - after).abs() < 1e-6, "{before} {after}");

    place.text("train --model mlp:64-24-12-10 --data digits --epochs 3 --out other");
    let carried = place.json("align a other --method transport --out carried.safetensors");
    assert_eq!(
        (&carried["model"], &carried["matching"]["plans"][0]["units"]),
        (&"mlp:64-16-16-10".into(), &24.into())
    );
    place.text("merge a carried.safetensors --align none --out fused.safetensors");
    place.text("train --model mlp:64-16-10 --data digits --epochs 1 --out shallow");
    place.refuses(
        "align a shallow --method transport --out s.safetensors",
        &["differ in more than the numbers of units"],
    );
    let flag = "align a other --method transport --restarts 2 --out s.safetensors";
    place.refuses(flag, &["--restarts has no influence on this matching (method transport)"]);
}

#[test]
fn entropy_mixes_units_and_says_how_far_from_the_least_cost_it_ends() {
    let place = pair();
    let soft = place.json("align a b --method transport --entropy 0.1 --out soft.safetensors");
    let plan = &soft["matching"]["plans"][0];
    assert!(number(plan, "/gap") > 0.0 && number(plan, "/entropy/gap") < 1e-6, "{soft:#}");
    let exact = place.json("align a b --method transport --out exact.safetensors");
    let over = number(plan, "/cost") - number(&exact, "/matching/plans/0/cost");
    assert!((0.0..=number(plan, "/gap")).contains(&over), "{over} {soft:#}");
    let text = place.text("align a b --method transport --entropy 0.1 --out soft.safetensors --force");
    assert!(text.contains("above the least cost"), "{text}");
    for (flags, says) in [
        (
            "--method transport --entropy 0",
            "weight of the entropy: expected a finite number above 0, found 0",
        ),
        ("--method transport --entropy NaN", "found NaN"),
        ("--entropy 0.1", "--entropy has no influence on this matching (method weight)"),
    ] {
        place.refuses(&format!("align a b {flags} --out refused.safetensors"), &[says]);
    }
    assert!(!place.path("refused.safetensors").exists());
}

#[test]
fn networks_that_a_method_or_a_folder_has_no_place_for_are_refused() {
    let place = pair();
    place.refuses(
        "align a b a --out aligned",
        &["matching by weight takes two networks, found 3", "--method joint"],
    );
    place.refuses("align a b a --check", &["--check takes two networks, found 3"]);
    let twice = ["two networks would be written to aligned/b.safetensors"];
    place.refuses("align a b b/model.safetensors b --method joint --out aligned", &twice);
    place.refuses("align a b --method joint --out aligned", &["ends in .safetensors"]);
}
