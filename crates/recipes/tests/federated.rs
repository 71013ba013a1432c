//! Federated rounds: results, controls, resumption.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use cpu::Cpu;
use isoloss_recipes::{
    Progress, RecipeError, Setting,
    federated::FoundRounds,
    recipe::{Recipe, Scale},
    reproduce::{self, Reproduction, Request},
    views,
};

fn parsed(change: &str, into: &str) -> Result<Recipe, RecipeError> {
    let text = r#"
name = "tiny"
title = "Tiny networks"
paper = "none"
experiment = "federated"
summary = "a test"

[training]
model = "mlp:64-32-32-10"
optimizer = "adam:lr=0.003"
schedule = "constant"
init = "he"
batch = 20
clients = 3
share = "bias=0.6,parts=3,part={part}"
rounds = 3
epochs = 2
start = "common"
methods = ["universe", "naive"]
scored = 500

[scale.smoke]
minutes = 10
data = "digits"
repetitions = 1
arm = [{ name = "common", training = {} }, { name = "different", training = { start = "different" } }]

[[claim]]
id = "different"
text = "Alignment pays in the first round."
source = "here"
measure = "global-accuracy"
at = { arm = "different", after = "first", method = "universe" }
minus = { arm = "different", after = "first", method = "naive" }
at_least = 10.0

[[claim]]
id = "common"
text = "A common start needs none."
source = "here"
measure = "global-accuracy-lost"
at = { arm = "common", after = "first", method = "naive" }
at_most = 3.0
"#;
    Recipe::parse(&text.replace(change, into))
}

fn run(folder: &Path, stop: &AtomicBool, progress: &mut dyn Progress) -> Result<Reproduction, RecipeError> {
    let recipe = parsed("", "").unwrap();
    let setting = Setting { executor: &Cpu::new(), versions: &BTreeMap::new(), stop };
    let request = Request {
        recipe: &recipe,
        scale: Scale::Smoke,
        data: Some("digits".to_owned()),
        seed: 3,
        minutes: None,
    };
    let data = data::load("digits").unwrap();
    let found = reproduce::run(setting, &request, &data, folder, progress)?;
    views::reproduction(&request, &data, &found).unwrap().check().unwrap();
    Ok(found)
}

/// Asks for a stop at a stage.
struct StopAt<'a> {
    stage: &'static str,
    stop: &'a AtomicBool,
}

impl train::Observer for StopAt<'_> {}

impl Progress for StopAt<'_> {
    fn stage(&mut self, title: &str, _: Option<u64>) {
        self.stop.fetch_or(title == self.stage, Ordering::Relaxed);
    }

    fn tick(&mut self) {}
}

fn rounds(found: &Reproduction, arm: usize) -> &FoundRounds {
    found.arms[arm].found.as_ref().unwrap().as_any().downcast_ref().unwrap()
}

#[test]
fn alignment_makes_up_for_different_starts_and_an_interrupted_run_goes_on_to_the_same_bits() {
    let (straight, broken) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let found = run(straight.path(), &AtomicBool::new(false), &mut ()).unwrap();
    for (claim, judgement) in &found.judged {
        assert!(judgement.held(claim), "{}: {judgement:?}", claim.id);
        assert!(judgement.control_flips(claim), "{}: {judgement:?}", claim.id);
    }
    for arm in [0, 1] {
        let result = &rounds(&found, arm).results[0];
        let [universe, naive] = &result.trajectories[..] else { panic!() };
        assert_eq!(universe.rounds.len(), 3);
        assert_eq!(universe.rounds[0].clients, naive.rounds[0].clients, "nothing was averaged yet");
        assert_eq!(result.random.rounds[0].clients, naive.rounds[0].clients);
        assert!(result.examples.iter().sum::<usize>() == 1437, "{:?}", result.examples);
        let [first, last] = [&naive.rounds[0], &naive.rounds[2]];
        assert!(last.global.test_loss() < first.global.test_loss());
        let lost = |rounds: &[isoloss_recipes::federated::result::Round]| rounds[0].distances;
        let [before, after] = lost(&universe.rounds);
        assert_eq!(after < 0.9 * before, arm == 1, "{before} {after}");
        let own = straight.path().join(["common", "different"][arm]).join("seed-3");
        let mut kept: Vec<_> = fs::read_dir(own)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        kept.sort();
        let expected = [
            "all",
            "naive-3.safetensors",
            "naive.json",
            "random-3.safetensors",
            "random.json",
            "start",
            "universe-3.safetensors",
            "universe.json",
        ];
        assert_eq!(kept, expected);
    }
    for stage in [
        "universe: round 1 of 3, client 2 of 3",
        "universe: round 2 of 3, client 3 of 3",
        "naive: round 3 of 3, client 1 of 3",
    ] {
        let stop = AtomicBool::new(false);
        let error = run(broken.path(), &stop, &mut StopAt { stage, stop: &stop }).unwrap_err();
        assert!(matches!(error, RecipeError::Interrupted { .. }), "{error}");
    }
    let resumed = run(broken.path(), &AtomicBool::new(false), &mut ()).unwrap();
    for arm in [0, 1] {
        let [a, b] = [&found, &resumed].map(|found| &rounds(found, arm).results[0]);
        assert_eq!(a.trajectories, b.trajectories);
        assert_eq!((&a.random, &a.joint), (&b.random, &b.joint));
    }
}

#[test]
fn impossible_settings_are_refused() {
    let refused = |from: &str, to: &str| parsed(from, to).unwrap_err().to_string();
    assert!(refused("clients = 3", "clients = 1").contains("at least two clients"));
    assert!(refused("rounds = 3", "rounds = 0").contains("a round"));
    assert!(refused("start = \"common\"", "start = \"comon\"").contains("comon"));
    assert!(refused("{part}", "1").contains("needs a share with {seed} or {part}"));
}
