//! `isoloss train`: run folders, resumption, interruption.

use std::{fs, process::Child};

use isoloss::models::{
    Params,
    weights::{load, save},
};

use crate::support::{Place, TRAIN, number};

/// A training of so many steps that with a checkpoint after each it can be caught under way.
const LONG: &str = "train --model mlp:64-64-10 --data digits --epochs 10 --batch 10";

#[test]
fn a_run_folder_is_made_and_scored() {
    let place = Place::new();
    let result = place.json(&format!("{TRAIN} --out run --seed 5"));
    assert_eq!(result["model"], "mlp:64-16-16-10");
    assert_eq!(result["seed"], 5);
    assert!(number(&result, "/test/accuracy") > 0.1 && number(&result, "/train/loss") < 2.31, "{result:#}");
    for file in ["model.safetensors", "run.json", "log.jsonl"] {
        assert!(place.path("run").join(file).is_file(), "{file}");
    }
    assert_eq!(fs::read_to_string(place.path("run/log.jsonl")).unwrap().lines().count(), 3);
}

#[test]
fn the_result_for_people_names_the_scores_and_the_folder() {
    let place = Place::new();
    let text = place.text(&format!("{TRAIN} --out run"));
    assert!(text.starts_with("mlp:64-16-16-10 with 1482 weights on digits: 3 epochs"), "{text}");
    assert!(text.contains("test ") && text.ends_with("written to run\n"), "{text}");
}

#[test]
fn the_same_seed_gives_the_same_bits_for_any_number_of_threads() {
    let place = Place::new();
    place.text(&format!("{TRAIN} --out one --threads 1"));
    place.text(&format!("{TRAIN} --out two --threads 2"));
    place.text(&format!("{TRAIN} --out other --seed 1"));
    let model = |run: &str| fs::read(place.path(run).join("model.safetensors")).unwrap();
    assert_eq!(model("one"), model("two"));
    assert_ne!(model("one"), model("other"));
}

#[test]
fn a_network_is_trained_on_with_its_own_reading_of_the_data() {
    let place = Place::new();
    place.text("train --model mlp:64-16-10 --data digits:first=500,normalize=on --epochs 3 --out first");
    let on =
        "train --model mlp:64-16-10 --data digits --epochs 1 --optimizer sgd:lr=1e-30 --from first --out";
    let result = place.json(&format!("{on} second"));
    let before = place.json("evaluate first --data digits --part test");
    assert_eq!(number(&result, "/test/loss"), number(&before, "/test/loss"), "{result:#} {before:#}");
    place.json(&format!("{on} second --resume"));
    let without = on.replace("--from first ", "");
    place.refuses(&format!("{without} second --resume"), &["the run recorded has"]);
    place.refuses(&on.replace("64-16-10", "64-17-10").replace("--out", "--out third"), &["first", "16"]);
    place.refuses(&on.replace("--from first", "--from none").replace("--out", "--out third"), &["none"]);
}

#[test]
fn training_that_diverges_stops_and_keeps_the_last_good_checkpoint() {
    let place = Place::new();
    let train =
        "train --model mlp:64-16-10 --data digits --optimizer sgd:lr=1e38 --checkpoint-seconds 0 --out run";
    let output = place.run(train);
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(message.starts_with("error: training diverged in epoch 1 at step "), "{message}");
    assert!(message.contains("checkpoint") && message.contains("kept"), "{message}");
    assert!(output.stdout.is_empty());
    assert!(place.path("run/checkpoint.safetensors").is_file());
    assert!(!place.path("run/model.safetensors").exists());
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_resumes_to_the_same_bits() {
    let place = Place::new();
    let child = begun(&place);
    crate::support::signal(&child, "INT");
    let output = child.wait_with_output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(message.contains("error: interrupted after step ") && message.contains("--resume"), "{message}");
    assert!(output.stdout.is_empty());
    assert_resumes_like_an_uninterrupted_run(&place);
}

#[cfg(unix)]
#[test]
fn a_killed_run_resumes_to_the_same_bits() {
    let place = Place::new();
    let mut child = begun(&place);
    crate::support::signal(&child, "KILL");
    child.wait().unwrap();
    assert_resumes_like_an_uninterrupted_run(&place);
}

#[cfg(unix)]
#[test]
fn training_on_and_moving_an_unfinished_run_change_places() {
    let place = Place::new();
    let short = "train --model mlp:64-64-10 --data digits --epochs 2 --batch 10";
    place.text(&format!("{short} --out a --seed 7"));
    let train = format!("{short} --ema 0.99 --out");
    let child = place.begin(&format!("{train} run --checkpoint-seconds 0"), "run/checkpoint.safetensors");
    crate::support::signal(&child, "INT");
    child.wait_with_output().unwrap();
    place.refuses("align a run --method circuit --out moved", &["unfinished run", "circuit"]);
    place.refuses("align a run --out a", &["a new folder", "with files"]);
    place.refuses("align a run --out b2.safetensors", &["a new folder"]);
    let carried = place.json("align a run --out moved");
    assert_eq!(carried["run"]["state"], serde_json::json!(["mean", "mean_square", "ema"]), "{carried:#}");
    assert!(number(&carried, "/groups/0/moved") > 2.0, "{carried:#}");
    // The control: the weights are moved, and what the optimiser remembers of them is not.
    let file = |run: &str| place.path(run).join("checkpoint.safetensors");
    let (still, moved) = (load(&file("run")).unwrap().params, load(&file("moved")).unwrap());
    let halves = moved.params.iter().map(|(name, tensor)| {
        let own = if name.starts_with("mean") { still.get(name).unwrap() } else { tensor };
        (name, own.clone())
    });
    place.write("half/run.json", &fs::read(place.path("moved/run.json")).unwrap());
    save(&file("half"), &Params::from_pairs(halves), &moved.metadata).unwrap();
    for run in ["run", "moved", "half"] {
        place.text(&format!("{train} {run} --resume"));
    }
    for weights in ["model", "ema"] {
        let of = |run: &str| load(&place.path(run).join(format!("{weights}.safetensors"))).unwrap().params;
        let apart = ["moved", "half"].map(|run| apart(&of("run"), &of(run)));
        assert!(apart[0] < 0.05 * apart[1], "{weights}: {apart:?}");
    }
}

/// The largest distance of a hidden unit's weights to those of the unit that is most like it.
#[cfg(unix)]
fn apart(one: &Params, other: &Params) -> f64 {
    let units = |params: &Params| params.get("0.weight").unwrap().to_f64_vec();
    let (one, other) = (units(one), units(other));
    let distance = |(a, b): (&[f64], &[f64])| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    let nearest = |unit| other.chunks(64).map(|like| distance((unit, like))).fold(f64::INFINITY, f64::min);
    one.chunks(64).map(nearest).fold(0.0, f64::max)
}

/// A long training that has written its first checkpoint.
fn begun(place: &Place) -> Child {
    place.begin(&format!("{LONG} --out run --checkpoint-seconds 0"), "run/checkpoint.safetensors")
}

fn assert_resumes_like_an_uninterrupted_run(place: &Place) {
    assert!(!place.path("run/model.safetensors").exists(), "the run ended before it was interrupted");
    let resumed = place.json(&format!("{LONG} --out run --resume"));
    let whole = place.json(&format!("{LONG} --out whole"));
    assert_eq!(resumed["steps"], whole["steps"]);
    let model = |run: &str| fs::read(place.path(run).join("model.safetensors")).unwrap();
    assert_eq!(model("run"), model("whole"));
}

#[test]
fn what_a_run_is_asked_to_keep_and_to_score_is_there() {
    let place = Place::new();
    let result = place.json(&format!(
        "{TRAIN} --out run --optimizer lion:lr=0.003 --clip-norm 1 --ema 0.9 --swa 2 --keep-best --watch noisy.loss \
         --evaluate noisy=digits:shift=noise:5 --loss cross-entropy:smoothing=0.1 --tensorboard"
    ));
    for file in ["best.safetensors", "ema.safetensors", "swa.safetensors", "events.out.tfevents.isoloss"] {
        assert!(place.path("run").join(file).is_file(), "{file}");
    }
    assert_eq!(result["best"]["watch"], "noisy.loss");
    assert!(number(&result, "/sets/noisy/loss") > number(&result, "/test/loss"), "{result:#}");
    assert!(number(&result, "/averages/swa/sets/noisy/accuracy") >= 0.0);
    let score = place.json("evaluate run/ema.safetensors --data digits --loss cross-entropy:smoothing=0.1");
    assert_eq!(score["test"]["loss"], result["averages"]["ema"]["test"]["loss"]);
    let text = place.text(&format!("{TRAIN} --out other --ema 0.9 --patience 1 --evaluate same=digits"));
    assert!(text.contains("\nema same  loss ") && text.contains("\nbest epoch "), "{text}");
    assert!(text.contains("\nthe test set chose that epoch"), "{text}");
    let text = place.text(&(TRAIN.replace("digits", "digits:validation=0.2") + " --out third --patience 1"));
    assert!(text.contains(": validation.accuracy 0.") && text.contains("\nvalidation  loss "), "{text}");
    assert!(!text.contains("chose"), "{text}");
    let scored = place.json("evaluate third --data digits:validation=0.2 --part validation");
    assert!(number(&scored, "/validation/accuracy") > 0.0 && scored.get("test").is_none());
    place.refuses(
        "evaluate third --data digits --part validation",
        &["no part for validation", "validation=0.1"],
    );
    assert!(place.text("data digits:validation=0.2").contains("validation  287 examples"));
}
