//! `isoloss merge --method zipit` and `--method pleas`.

use crate::support::{Place, number};
use isoloss::models::load_model;
use serde_json::Value;

/// A place with the networks `a` and `b`, trained from different seeds.
fn pair() -> Place {
    let place = Place::new();
    place.train("a", 1);
    place.train("b", 2);
    place
}

fn test_loss(result: &Value, of: &str) -> f64 {
    number(result, &format!("{of}/test/loss"))
}

#[test]
fn zipit_merges_into_the_same_architecture_and_says_what_it_keeps() {
    let place = pair();
    let command = "merge a b --method zipit --data digits --out zipped.safetensors";
    let result = place.json(command);
    assert_eq!((&result["method"], &result["merged_model"]), (&"zipit".into(), &result["model"]));
    for class in result["classes"].as_array().unwrap() {
        assert_eq!((&class["units"], &class["width"]), (&16.into(), &16.into()), "{class:#}");
        assert!(
            number(class, "/kept") <= number(class, "/bound") && number(class, "/kept") > 0.5,
            "{class:#}"
        );
    }
    let naive = place.json("merge a b --align none --data digits --out naive.safetensors");
    assert!(test_loss(&result, "/merged") < test_loss(&naive, "/merged"), "{result:#} {naive:#}");
    assert_eq!(result["parents"], naive["parents"]);
    let text = place.text(&format!("{command} --force --alpha 1 --beta 1 --examples 500"));
    assert!(text.contains("16 and 16 units in 16") && text.contains("% at most"), "{text}");
}

#[test]
fn a_network_zipped_with_a_rearranged_copy_is_that_network() {
    let place = pair();
    place.text("align a b --out b2.safetensors");
    let result = place.json("merge b b2.safetensors --method zipit --data digits --out zipped.safetensors");
    let [before, after] = ["/parents/0/score", "/merged"].map(|of| test_loss(&result, of));
    assert!((before - after).abs() < 1e-5, "{before} {after}");
    assert_eq!(result["classes"][0]["across"], 16);
}

#[test]
fn pleas_solves_for_the_weights_and_keeps_units_apart_within_the_budget() {
    let place = pair();
    let averaged = place.json("merge a b --data digits --out averaged.safetensors");
    let mut losses = vec![test_loss(&averaged, "/merged")];
    for share in ["0", "0.5", "1"] {
        let command =
            format!("merge a b --method pleas --apart {share} --data digits --out p{share}.safetensors");
        let result = place.json(&command);
        losses.push(test_loss(&result, "/merged"));
        let layers = result["layers"].as_array().unwrap();
        assert_eq!((layers.len(), &result["matchings"][0]["method"]), (3, &"weight".into()), "{result:#}");
        assert!(layers.iter().all(|fit| number(fit, "/error") <= number(fit, "/error_before") + 1e-9));
        let (model, params) = load_model(&place.path(&format!("p{share}.safetensors")), None).unwrap();
        assert_eq!(result["merged_model"], model.spec());
        assert_eq!(model.entries().len(), params.iter().len());
        if share != "0" {
            assert!(number(&result, "/budget/spent") <= number(&result, "/budget/allowed"), "{result:#}");
            assert!(number(&result, "/budget/value") <= number(&result, "/budget/bound"), "{result:#}");
        }
    }
    assert!(losses[1] < losses[0] && losses[3] < losses[1], "{losses:?}");
    let text =
        place.text("merge a b --method pleas --apart 1 --align none --data digits --out wide.safetensors");
    assert!(text.contains("mlp:64-16-16-10 became mlp:64-32-32-10"), "{text}");
    let scores = place.json("evaluate wide.safetensors --data digits");
    assert!(scores.is_object());
}

#[test]
fn running_statistics_of_a_wider_network_are_measured_anew() {
    let place = Place::new();
    for (run, seed) in [("a", 1), ("b", 2)] {
        place.text(&format!(
            "train --model mlp:64-16-10,norm=batch --data digits --epochs 2 --optimizer adam:lr=0.01 --out {run} --seed {seed}"
        ));
    }
    let result = place.json("merge a b --method pleas --apart 0.25 --data digits --out p.safetensors");
    assert_eq!(result["merged_model"], "mlp:64-20-10,norm=batch");
    assert_eq!(result["statistics"]["reestimated"], true);
    assert_eq!(result["not_solved"], serde_json::json!(["1.weight", "1.bias"]));
}

#[test]
fn what_merging_by_clusters_cannot_do_is_refused() {
    let place = pair();
    place.text("train --model resnet8:width=0.25,in=1x8x8,classes=10 --data digits --epochs 1 --out c");
    for (flags, says) in [
        ("a b --method zipit", "matching by zipit needs data"),
        ("a b a --method zipit --data digits", "merging by zipit takes two networks, found 3"),
        (
            "a b --method zipit --at 0.2 --data digits",
            "--at has no influence on this matching (method zipit)",
        ),
        ("a b --method zipit --align weight --data digits", "--align has no influence"),
        (
            "a b --method zipit --restarts 2 --data digits",
            "--restarts has no influence on this matching (method zipit)",
        ),
        (
            "a b --method pleas --alpha 0.2 --data digits",
            "--alpha has no influence on this matching (method pleas)",
        ),
        ("a b --apart 0.2", "--apart has no influence on this matching (method average)"),
        ("a b --method zipit --beta 2 --data digits", "beta: expected a number from 0 to 1, found 2"),
        ("a b --method pleas --apart -1 --data digits", "expected a number from 0 to 1, found -1"),
        ("c c --method zipit --apart 0.1 --data digits", "smallest step"),
    ] {
        place.refuses(&format!("merge {flags} --out refused.safetensors"), &[says]);
    }
    assert!(!place.path("refused.safetensors").exists());
}
