//! Merges in a process of their own, which is killed or meets a full disk in the middle.
#![cfg(unix)]

use std::{
    env, fs,
    path::Path,
    process::{Child, Command, Output, Stdio},
    sync::atomic::AtomicBool,
    thread,
    time::Duration,
};

use isoloss_delta::{Options, Plan, Recipe, Watch};
use tensor::Stored;

use crate::support::{Place, Stand, normal};

/// What tells the test that is a child what to do: the recipe, the folder of the result, and how long to wait at every step.
const VARIABLES: [&str; 3] = ["DELTA_TEST_RECIPE", "DELTA_TEST_OUT", "DELTA_TEST_WAIT"];

const CHILD: &str = "processes::a_child_merges_what_its_parent_says";

/// Files of the result, each with one of the tensors.
const OPTIONS: fn() -> Options = || Options { most_shard_bytes: 500_000, seed: 3, ..Options::default() };

const TIES: &str = "merge_method: dare_ties\nbase_model: '@a'\nparameters: {weight: 0.5, density: 0.3}\nmodels:\n- model: '@b'\n- model: '@c'\n";

/// Three files of the result: 0.4, 0.4 and 0.8 MB.
fn three() -> Place {
    let place = Place::new();
    for (seed, name) in ["a", "b", "c"].into_iter().enumerate() {
        let tensor = |name, rows: usize, stream: u64| -> Stand {
            (name, Stored::F32, vec![rows, 1000], normal(Stored::F32, 1000 * rows, 10 * seed as u64 + stream))
        };
        place.model(name, &[tensor("first", 100, 0), tensor("second", 100, 1), tensor("third", 200, 2)]);
    }
    place
}

/// This very program, doing nothing but [`CHILD`], under a shell's `limits`.
fn child(place: &Place, limits: &str, wait: Duration) -> Child {
    let recipe = place.recipe(TIES).unwrap().text;
    let script = format!("{limits} exec \"$0\" --exact {CHILD} --nocapture --test-threads 1");
    let mut command = Command::new("sh");
    command.arg("-c").arg(script).arg(env::current_exe().unwrap());
    let values = [recipe, place.path("out").display().to_string(), wait.as_millis().to_string()];
    command.envs(VARIABLES.into_iter().zip(values)).stdout(Stdio::null()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// Not a test by itself: what the others start.
#[test]
fn a_child_merges_what_its_parent_says() {
    let [Ok(recipe), Ok(out), Ok(wait)] = VARIABLES.map(env::var) else { return };
    let plan = Plan::new(Recipe::parse(&recipe).unwrap(), OPTIONS()).unwrap();
    let wait = Duration::from_millis(wait.parse().unwrap());
    let progress = |_| thread::sleep(wait);
    let watch = Watch { progress: &progress, stop: &AtomicBool::new(false) };
    if let Err(error) = plan.run(Path::new(&out), false, &watch) {
        eprintln!("ERROR: {error}");
    }
}

/// The files that the journal of the unfinished result names.
fn finished(place: &Place) -> usize {
    let journal = fs::read_to_string(place.path(".out.unfinished/journal.json")).unwrap_or_default();
    let journal: serde_json::Value = serde_json::from_str(&journal).unwrap_or_default();
    journal["finished"].as_array().map_or(0, Vec::len)
}

/// The same command again gives what an undisturbed one gives, and does not do again what was finished.
fn goes_on(place: &Place, finished: usize) {
    let merged = place.merge_with(TIES, "out", OPTIONS()).unwrap();
    assert_eq!(merged.resumed, finished);
    place.merge_with(TIES, "whole", OPTIONS()).unwrap();
    for name in place.files("whole").iter().filter(|name| name.contains("safetensors")) {
        let [out, whole] = ["out", "whole"].map(|folder| fs::read(place.path(folder).join(name)).unwrap());
        assert!(out == whole, "{name}");
    }
    assert_eq!(place.files("out"), place.files("whole"));
    assert!(!place.path(".out.unfinished").exists());
}

#[test]
fn what_was_killed_goes_on_to_the_same_bits() {
    let place = three();
    let mut child = child(&place, "", Duration::from_millis(20));
    while finished(&place) == 0 {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it was killed");
        thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!place.path("out").exists(), "nothing appears before it is whole");
    let finished = finished(&place);
    assert!((1..3).contains(&finished), "{finished}");
    goes_on(&place, finished);
}

#[test]
fn a_full_disk_in_the_middle_is_told_and_gone_on_from() {
    let place = three();
    // Files of at most 0.6 MB, in blocks of 512 bytes: the third one finds no room.
    let child = child(&place, "trap '' XFSZ; ulimit -f 1200;", Duration::ZERO);
    let Output { stderr, .. } = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&stderr);
    let errors: Vec<&str> = said.lines().filter(|line| line.contains("ERROR")).collect();
    assert!(
        matches!(errors[..], [one] if one.contains("cannot write") && one.contains("the same command to go on from")),
        "{said}"
    );
    assert!(!place.path("out").exists(), "nothing appears before it is whole");
    assert_eq!(finished(&place), 2);
    goes_on(&place, 2);
}
