//! `dump`, `profile` and `compare`.

use std::fs;

use crate::support::{Place, number};
use isoloss::graph::Graph;
use serde_json::Value;

const MODEL: &str = "--model mlp:6-5-3,act=tanh --batch 4";

fn list<'a>(json: &'a Value, pointer: &str) -> &'a [Value] {
    json.pointer(pointer).and_then(Value::as_array).unwrap()
}

#[test]
fn a_dump_reads_back_as_the_same_graph() {
    let place = Place::new();
    for derivative in ["", "--grad", "--hvp", "--linear", "--linear --vectors 3"] {
        let text = place.text(&format!("dump {MODEL} {derivative}"));
        assert_eq!(Graph::parse(&text).unwrap().to_string(), text);
        place.write("graph.txt", text.as_bytes());
        assert_eq!(place.text("dump --graph graph.txt"), text);
    }
}

#[test]
fn the_table_counts_what_products_cost() {
    let place = Place::new();
    let json = place.json(&format!("dump {MODEL}"));
    let products = 2.0 * 4.0 * (6.0 * 5.0 + 5.0 * 3.0);
    assert_eq!(number(&json, "/total/product_flops"), products);
    let values = list(&json, "/values");
    let all: f64 = values.iter().map(|value| number(value, "/cost/product_flops")).sum();
    assert_eq!(all, products);
    let table = place.text(&format!("dump {MODEL} --table"));
    assert_eq!(table.matches("\n%").count(), values.len());
    assert!(table.contains("dot_general(%4, %0)") && table.contains("parameter \"0.weight\""), "{table}");
}

#[test]
fn a_product_contains_its_gradient_and_its_linear_half_less() {
    let place = Place::new();
    let flops =
        |derivative: &str| number(&place.json(&format!("dump {MODEL} {derivative}")), "/total/product_flops");
    let [gradient, product, linear] = ["--grad", "--hvp", "--linear"].map(flops);
    assert!(
        gradient < product && linear < product && gradient + linear >= product,
        "{gradient} {product} {linear}"
    );
}

#[test]
fn a_graph_from_a_file_can_be_differentiated() {
    let place = Place::new();
    let text = place.text(&format!("dump {MODEL}"));
    place.write("objective.txt", text.as_bytes());
    assert_eq!(place.text("dump --graph objective.txt --grad"), place.text(&format!("dump {MODEL} --grad")));
}

#[test]
fn a_profile_has_every_step_with_its_floor() {
    let place = Place::new();
    for derivative in ["--grad", "--linear"] {
        let json = place.json(&format!("profile {MODEL} {derivative} --runs 2 --threads 1 --out report"));
        let steps = list(&json, "/steps");
        assert!(
            steps.iter().any(|step| step["primitives"].as_array().unwrap().contains(&"dot_general".into()))
        );
        for step in steps {
            assert!(number(step, "/ms") >= 0.0 && number(step, "/floor_ms") >= 0.0, "{step}");
        }
        let together: f64 = steps.iter().map(|step| number(step, "/ms")).sum();
        assert!((together - number(&json, "/steps_ms")).abs() <= 1e-9 * together);
        let flops: f64 = steps.iter().map(|step| number(step, "/product_flops")).sum();
        assert!(
            flops > 0.0
                && flops
                    <= number(&place.json(&format!("dump {MODEL} {derivative}")), "/total/product_flops")
        );
        assert!(number(&json, "/run_ms") > 0.0 && number(&json, "/peak/gflops") > 0.0);
    }
    let page = fs::read_to_string(place.path("report/report.html")).unwrap();
    assert!(page.contains("Where the time goes") && page.contains("class=\"bar\""));
    assert!(place.path("report/report.json").exists());
}

#[test]
fn a_profile_shows_the_slowest_steps_and_says_how_many_are_left_out() {
    let text = Place::new().text(&format!("profile {MODEL} --grad --runs 1 --rows 2"));
    assert!(text.contains("faster steps are not shown.") && text.contains("GFLOP/s"), "{text}");
}

#[test]
fn the_memory_of_runs_is_told_with_what_was_planned() {
    let place = Place::new();
    for derivative in ["--grad", "--linear"] {
        let json =
            place.json(&format!("profile --model mlp:64-512-512-10 --batch 2000 {derivative} --memory"));
        assert!(number(&json, "/growth_bytes") > 1e6 && number(&json, "/workspace_bytes") > 0.0, "{json}");
        assert_eq!(number(&json, "/residual_bytes") > 0.0, derivative == "--linear");
    }
    let text = place.text(&format!("profile {MODEL} --memory"));
    assert!(text.contains("growth of the process"), "{text}");
}

#[test]
fn the_executor_agrees_with_the_reference() {
    let place = Place::new();
    for arguments in ["", "--hvp", "--linear", "--linear --vectors 3", "--hvp --dtype f64"] {
        let json = place.json(&format!("compare {MODEL} {arguments}"));
        assert_eq!(json["held"], true, "{json:#}");
        assert_eq!(json["first_bad_node"], Value::Null);
        assert!(list(&json, "/primitives").iter().any(|row| row["name"] == "dot_general"));
    }
}

#[test]
fn beyond_the_tolerance_the_answer_is_no_and_names_the_first_node() {
    let place = Place::new();
    let output = place.run(&format!("compare {MODEL} --hvp --tolerance 0"));
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("[failed]") && text.contains("first bad node: %"), "{text}");
}

/// A graph whose logarithm of a negative number is not a number.
const LOG: &str = "graph \"g\" {\n  %0 = constant() {value = f32[1] (-1.0)} : f32[1]\n  %1 = log(%0) : f32[1]\n  %2 = negate(%1) : f32[1]\n  return \"y\" = %2\n}\n";

#[test]
fn the_first_node_that_makes_a_nan_is_named() {
    let place = Place::new();
    place.write("log.txt", LOG.as_bytes());
    assert_eq!(place.json("compare --graph log.txt")["first_not_finite"], 1);
    let text = place.text("compare --graph log.txt");
    assert!(text.contains("the first NaN or infinity out of finite numbers: %1 = log : f32[1]"), "{text}");
}

#[test]
fn a_run_that_checks_ends_with_the_name_of_the_first_value_that_is_not_finite() {
    let place = Place::new();
    place.write("log.txt", LOG.as_bytes());
    place.text("profile --graph log.txt --runs 1");
    place.refuses("compare --graph log.txt --check-finite", &["%1", "log"]);
}

#[test]
fn every_fault_of_a_graph_is_told_with_its_place() {
    let place = Place::new();
    let faulty = LOG
        .replace("log(%0) : f32[1]", "log(%0) : f32[2]")
        .replace("negate(%1)", "negate(%7)")
        .replace("%2\n}", "= %2\n}");
    place.write("faulty.txt", faulty.as_bytes());
    for command in ["dump", "profile", "compare"] {
        let output = place.run(&format!("{command} --graph faulty.txt"));
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{command}: {message}");
        assert!(output.stdout.is_empty() && message.starts_with("error: faulty.txt: "), "{message}");
        for line in 3..=5 {
            assert!(message.contains(&format!("\n  line {line}, column ")), "{message}");
        }
    }
}

#[test]
fn a_graph_beyond_memory_is_refused_with_its_bytes() {
    let place = Place::new();
    let input = "graph \"g\" {\n  %0 = input \"x\" data : f64[1099511627776, 1024]\n  return \"y\" = %0\n}\n";
    place.write("input.txt", input.as_bytes());
    place.refuses("profile --graph input.txt", &["'g'", "9007199254740992 bytes"]);
    let inner = "graph \"g\" {\n  %0 = input \"x\" data : f32[1048576]\n  %1 = input \"y\" data : f32[1048576]\n  %2 = dot_general(%0, %1) {lhs_batch = [], rhs_batch = [], lhs_contract = [], rhs_contract = []} : f32[1048576, 1048576]\n  %3 = dot_general(%2, %1) {lhs_batch = [], rhs_batch = [], lhs_contract = [1], rhs_contract = [0]} : f32[1048576]\n  return \"z\" = %3\n}\n";
    place.write("inner.txt", inner.as_bytes());
    place.refuses("profile --graph inner.txt", &["'g'", " bytes of working memory"]);
}

#[test]
fn a_graph_that_is_no_objective_is_not_differentiated() {
    let place = Place::new();
    place.write("log.txt", LOG.as_bytes());
    place.refuses("dump --graph log.txt --grad", &["'g'", "scalar", "found f32[1]"]);
    let constant = "graph \"g\" {\n  %0 = constant() {value = f32[] (1.0)} : f32[]\n  return \"y\" = %0\n}\n";
    place.write("constant.txt", constant.as_bytes());
    place.refuses("dump --graph constant.txt --hvp", &["'g'", "no floating-point input"]);
}

#[test]
fn what_cannot_be_read_is_named() {
    let place = Place::new();
    place.refuses("dump --graph nowhere.txt", &["nowhere.txt", "cannot read"]);
    place.write("binary.txt", &[0xff, 0xfe, 0x00]);
    place.refuses("compare --graph binary.txt", &["binary.txt", "UTF-8"]);
    place.refuses("dump --model mpl:4-4", &["'mpl'", "mlp"]);
    for wrong in [
        "dump",
        "dump --model mlp:4-4 --graph g",
        "compare --model mlp:4-4 --tolerance nan",
        "compare --model mlp:4-4 --tolerance -1",
        "dump --model mlp:4-4 --batch 0",
        "profile --model mlp:4-4 --grad --hvp",
    ] {
        assert_eq!(place.run(wrong).status.code(), Some(2), "{wrong}");
    }
}
