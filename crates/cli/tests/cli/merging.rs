//! `isoloss merge`: renormalising, many networks, reports.

use crate::support::{Place, number};
use serde_json::Value;

/// A place with so many networks, `r1`, `r2` and so on, deep enough that averages of them collapse.
fn trained(count: u64) -> Place {
    let place = Place::new();
    for seed in 1..=count {
        place.text(&format!(
            "train --model mlp:64-32-32-32-32-10 --data digits --epochs 8 --seed {seed} --out r{seed}"
        ));
    }
    place
}

fn test_loss(result: &Value, of: &str) -> f64 {
    number(result, &format!("{of}/test/loss"))
}

#[test]
fn repair_gives_hidden_units_their_variance_and_takes_away_loss() {
    let place = trained(2);
    for form in ["measured", "closed"] {
        let command = format!("merge r1 r2 --data digits --repair={form} --out {form}.safetensors");
        let result = place.json(&command);
        assert_eq!(result["repair"]["form"], form);
        let sites = result["repair"]["sites"].as_array().unwrap();
        assert_eq!(sites.len(), 4);
        for site in sites {
            let (before, after) = (number(site, "/variance_before"), number(site, "/variance"));
            assert!(before < 0.95 && (after - 1.0).abs() < (before - 1.0).abs() / 2.0, "{site:#}");
            assert!(form == "closed" || (after - 1.0).abs() < 0.02, "{site:#}");
        }
        assert!(test_loss(&result, "/repaired") < test_loss(&result, "/merged"), "{result:#}");
        let score = place.json(&format!("evaluate {form}.safetensors --data digits"));
        assert!(score.to_string().contains(&result["repaired"]["test"]["loss"].to_string()), "{score:#}");
    }
    let text = place.text("merge r1 r2 --data digits --repair --repair-examples 200 --out again.safetensors");
    assert!(
        text.contains("renormalised at 4 values on 200 examples") && text.contains("repaired*"),
        "{text}"
    );
}

#[test]
fn clusters_of_units_are_given_their_variance_too() {
    let place = trained(2);
    for method in ["zipit", "pleas --apart 0.25"] {
        let command =
            format!("merge r1 r2 --method {method} --data digits --repair --out m.safetensors --force");
        let result = place.json(&command);
        let sites = result["repair"]["sites"].as_array().unwrap();
        assert_eq!(sites.len(), 4);
        for site in sites {
            let (before, after) = (number(site, "/variance_before"), number(site, "/variance"));
            assert!(before < 0.97 && (after - 1.0).abs() < 0.02, "{site:#}");
        }
        assert!(test_loss(&result, "/repaired") < test_loss(&result, "/merged"), "{result:#}");
        let score = place.json("evaluate m.safetensors --data digits");
        assert!(score.to_string().contains(&result["repaired"]["test"]["loss"].to_string()), "{score:#}");
        assert!(place.text(&command).contains("renormalised at 4 values"));
    }
}

#[test]
fn a_report_shows_what_lies_between_and_how_far_probabilities_can_be_trusted() {
    let place = trained(2);
    let command = "merge r1 r2 --data digits --repair --report report --points 5 --out m.safetensors";
    let result = place.json(command);
    let curves = result["curves"].as_object().unwrap();
    assert_eq!(curves.keys().collect::<Vec<_>>(), ["naive", "aligned", "repaired"]);
    let end = |name: &str, at: usize| number(&curves[name], &format!("/test/curve/loss/{at}"));
    assert_eq!((end("naive", 0), end("aligned", 0)), (end("repaired", 0), end("repaired", 0)));
    assert_eq!(number(&curves["repaired"], "/test/loss"), test_loss(&result, "/repaired"));
    assert_eq!(number(&curves["aligned"], "/test/loss"), test_loss(&result, "/merged"));
    let calibration = result["calibration"].as_array().unwrap();
    assert_eq!(calibration.len(), 4);
    for network in calibration {
        let at = |key: &str| number(network, &format!("/calibration/{key}"));
        assert!(at("error") < 0.9 && at("error_at_temperature") < 0.2, "{network:#}");
    }
    let nearness = result["nearness"].as_array().unwrap();
    assert!(nearness.iter().any(|own| number(own, "/cosine") > number(own, "/cosine_before") + 0.05));
    let html = std::fs::read_to_string(place.path("report/report.html")).unwrap();
    for part in
        ["Between the two networks", "Calibration", "Variance of hidden units", "How near the weights are"]
    {
        assert!(html.contains(part), "{part}");
    }
}

#[test]
fn many_networks_are_brought_together_in_several_ways() {
    let place = trained(3);
    let naive = place.json("merge r1 r2 r3 --align none --data digits --out naive.safetensors");
    for method in ["average", "universe", "merge-many", "hierarchical"] {
        let command = format!("merge r1 r2 r3 --method {method} --data digits --out {method}.safetensors");
        let result = place.json(&command);
        assert_eq!(result["method"], method);
        assert!(test_loss(&result, "/merged") < test_loss(&naive, "/merged"), "{method}: {result:#}");
        let distances = result["distances"].as_array().unwrap();
        let rounds = matches!(method, "merge-many" | "hierarchical");
        assert_eq!(distances.len() > 1, rounds, "{result:#}");
        assert!(place.text(&format!("{command} --force --repair")).contains("repaired*"));
    }
}

#[test]
fn flags_that_do_not_go_together_are_refused() {
    let place = Place::new();
    place.train("a", 1);
    place.train("b", 2);
    place.refuses("merge a b --repair --out m.safetensors", &["--repair", "--data"]);
    place.refuses("merge a b --report r --out m.safetensors", &["--report", "--data"]);
    place.refuses(
        "merge a b --method zipit --repair=closed --data digits --out m.safetensors",
        &["--repair=closed", "zipit"],
    );
    place.refuses(
        "merge a b --method merge-many --align joint --out m.safetensors",
        &["merge-many", "--align weight"],
    );
    place.refuses("merge a b --method universe --align weight --out m.safetensors", &["--align", "universe"]);
    place.refuses(
        "merge a b --data digits --report r --points 4 --out m.safetensors",
        &["odd number of points"],
    );
    place.refuses("merge r.yaml --repair --out m", &["--repair", "recipe"]);
}
