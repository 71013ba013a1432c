//! A whole recipe, small enough for a test: results, verdicts, controls, budgets and resumption.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::BTreeMap,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use cpu::Cpu;
use data::Splits;
use isoloss_recipes::{
    Progress, RecipeError, Setting,
    matched_pairs::FoundPairs,
    recipe::{Recipe, Scale},
    reproduce::{self, Reproduction, Request},
    views,
};
use report::Outcome;

fn recipe(minutes: f64, bound: f64) -> Recipe {
    Recipe::parse(&format!(
        r#"
name = "tiny"
title = "Tiny networks"
paper = "none"
experiment = "matched-pairs"
summary = "a test"

[training]
model = "mlp:64-24-24-10"
optimizer = "adam:lr=0.003,weight_decay=0.003"
schedule = "constant"
init = "pytorch"
batch = 100
epochs = [2, 4]
methods = ["weight"]
points = 25
planted_trials = 3

[scale.smoke]
minutes = {minutes}
data = "digits"
repetitions = 2

[[claim]]
id = "barrier"
text = "There is next to no barrier."
source = "here"
measure = "test-loss-barrier"
at_most = {bound}

[[claim]]
id = "planted"
text = "Planted permutations are recovered."
source = "here"
measure = "planted-recovery"
at_least = 1.0
"#
    ))
    .unwrap()
}

/// Asks for a stop at the first tick of a stage.
struct StopAt<'a> {
    stage: &'static str,
    reached: bool,
    stop: &'a AtomicBool,
}

impl train::Observer for StopAt<'_> {}

impl Progress for StopAt<'_> {
    fn stage(&mut self, title: &str, _: Option<u64>) {
        self.reached = title.starts_with(self.stage);
    }

    fn tick(&mut self) {
        self.stop.fetch_or(self.reached, Ordering::Relaxed);
    }
}

fn digits() -> Splits {
    data::load("digits").unwrap()
}

fn request(recipe: &Recipe) -> Request<'_> {
    Request { recipe, scale: Scale::Smoke, data: Some("digits".to_owned()), seed: 3, minutes: None }
}

fn run(
    recipe: &Recipe,
    folder: &Path,
    stop: &AtomicBool,
    progress: &mut dyn Progress,
) -> Result<Reproduction, RecipeError> {
    let setting = Setting { executor: &Cpu::new(), versions: &BTreeMap::new(), stop };
    reproduce::run(setting, &request(recipe), &digits(), folder, progress)
}

fn whole(recipe: &Recipe, folder: &Path) -> Reproduction {
    run(recipe, folder, &AtomicBool::new(false), &mut ()).unwrap()
}

fn pairs(found: &Reproduction, arm: usize) -> &FoundPairs {
    found.arms[arm].found.as_ref().unwrap().as_any().downcast_ref().unwrap()
}

fn outcomes(found: &Reproduction) -> Vec<Outcome> {
    found.judged.iter().map(|(claim, judgement)| judgement.outcome(claim)).collect()
}

#[test]
fn claims_are_judged_on_the_longest_training_and_controls_flip() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = recipe(10.0, 0.5);
    let found = whole(&recipe, folder.path());
    assert_eq!(found.arms.len(), 1);
    let arm = pairs(&found, 0);
    assert_eq!(
        arm.stages.iter().map(|pairs| (pairs[0].epoch, pairs.len())).collect::<Vec<_>>(),
        [(2, 2), (4, 2)]
    );
    assert_eq!(outcomes(&found), [Outcome::Held, Outcome::Held]);
    let (claim, judgement) = &found.judged[0];
    assert!(judgement.control_flips(claim), "{judgement:?}");
    assert_eq!(judgement.values()[1], arm.last()[1].first().segment.test.barrier);
    let report = views::reproduction(&request(&recipe), &digits(), &found).unwrap();
    report.check().unwrap();
    assert_eq!(report.verdicts().count(), 2);
}

#[test]
fn arms_are_trained_apart_and_matched_by_every_method() {
    let folder = tempfile::tempdir().unwrap();
    let text = r#"
[[claim]]
id = "wider-is-better"
text = "The barrier falls with the width."
source = "here"
measure = "test-barrier-share"
along = "arms"
at_most = 0.5

[[claim]]
id = "curves"
text = "Training curves coincide."
source = "here"
measure = "training-curve-distance"
at = { arm = "narrow" }
at_most = 0.2
"#;
    let mut recipe = recipe(10.0, 0.5);
    let claims: toml::Table = toml::from_str(text).unwrap();
    recipe.claims = claims["claim"].clone().try_into().unwrap();
    let arms = r#"
arm = [
    { name = "narrow", training = { model = "mlp:64-8-10,norm=batch", epochs = [1, 3], scored = 200 } },
    { name = "wide", training = { methods = ["activation", "weight"], epochs = [3] } },
]"#;
    let arms: toml::Table = toml::from_str(arms).unwrap();
    let settings = recipe.scale.get_mut(&Scale::Smoke).unwrap();
    settings.arms = arms["arm"].clone().try_into().unwrap();
    settings.training.insert("planted_trials".to_owned(), toml::Value::Integer(0));
    let found = whole(&recipe, folder.path());
    let stages = [0, 1].map(|arm| pairs(&found, arm).stages.len());
    assert_eq!(stages, [2, 1]);
    let methods = [0, 1].map(|arm| pairs(&found, arm).last()[0].aligned.len());
    assert_eq!(methods, [1, 2]);
    let of = |arm: &str| folder.path().join(arm).join("seed-3").join("model.safetensors");
    assert!(of("narrow").exists() && of("wide").exists());
    assert!(found.judged.iter().all(|(_, judgement)| judgement.values().len() == 2));
    let early = &pairs(&found, 0).stages[0][0];
    let late = &pairs(&found, 0).stages[1][0];
    assert!(early.parents[0].train.loss > late.parents[0].train.loss, "a snapshot is of its own epoch");
    let report = views::reproduction(&request(&recipe), &digits(), &found).unwrap();
    report.check().unwrap();
}

#[test]
fn what_is_matched_by_any_method_computes_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let mut recipe = recipe(10.0, 0.5);
    recipe.claims.clear();
    let training = r#"
model = "vit:layers=1,width=16,heads=2,hidden=16,patch=4,in=1x8x8"
epochs = [1]
methods = ["circuit", "weight", "activation", "learned"]
planted_trials = 0
points = 3
learned = { epochs = 1, judged = 300 }
"#;
    let settings = recipe.scale.get_mut(&Scale::Smoke).unwrap();
    settings.repetitions = 1;
    settings.training = toml::from_str(training).unwrap();
    let stop = AtomicBool::new(false);
    let mut watch = StopAt { stage: "descending", reached: false, stop: &stop };
    let error = run(&recipe, folder.path(), &stop, &mut watch).unwrap_err();
    assert!(matches!(error, RecipeError::Interrupted { .. }), "{error}");
    let kept = folder.path().join("networks").join("pair-3-4-epoch-1.unfinished.safetensors");
    assert!(kept.exists(), "a descent goes on from here");
    let found = whole(&recipe, folder.path());
    assert!(!kept.exists());
    let pair = &pairs(&found, 0).last()[0];
    let uninterrupted = tempfile::tempdir().unwrap();
    let other = whole(&recipe, uninterrupted.path());
    assert_eq!(pair.aligned[3].segment, pairs(&other, 0).last()[0].aligned[3].segment);
    assert_eq!(pair.aligned.len(), 4);
    let descended = pair.aligned[3].matching.descended.unwrap();
    assert!(descended.steps == 8 && descended.loss <= descended.start_loss, "{descended:?}");
    assert_eq!(pair.aligned[0].matching.descended, None);
    let report = views::reproduction(&request(&recipe), &digits(), &found).unwrap();
    assert!(report::text::report(&report).contains("in 8 steps"));
    for aligned in &pair.aligned {
        let end = aligned.segment.test.score(2).loss;
        assert!((end - pair.naive.test.score(2).loss).abs() < 1e-4, "{:?}: {end}", aligned.method);
        assert!(aligned.segment.test.barrier.is_finite());
    }
    let [circuit, weight] = [0, 1].map(|method| &pair.aligned[method].matching);
    for matching in [circuit, weight] {
        let [before, after] = [matching.identity_objective, matching.objective].map(|o| matching.distance(o));
        assert!(after < before, "{after} against {before}");
    }
}

#[test]
fn a_budget_on_request_replaces_the_scale_s() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = recipe(0.0, 0.5);
    let (versions, stop) = (BTreeMap::new(), AtomicBool::new(false));
    let setting = Setting { executor: &Cpu::new(), versions: &versions, stop: &stop };
    let request = Request { minutes: Some(10.0), ..request(&recipe) };
    let found = reproduce::run(setting, &request, &digits(), folder.path(), &mut ()).unwrap();
    assert!(found.arms[0].found.is_some());
}

#[test]
fn a_recipe_adds_its_options_to_the_data_that_it_asks_for() {
    let mut recipe = recipe(10.0, 0.5);
    recipe.scale.get_mut(&Scale::Smoke).unwrap().options = "normalize=on".to_owned();
    let spec = |data: &str| Request { data: Some(data.to_owned()), ..request(&recipe) }.data_spec().unwrap();
    assert_eq!(spec("digits"), "digits:normalize=on");
    assert_eq!(spec("digits:first=100"), "digits:first=100", "options of its own are kept");
    assert_eq!(spec("mnist:data"), "mnist:data", "other data are taken as they are");
}

#[test]
fn a_claim_beyond_its_bound_fails() {
    let folder = tempfile::tempdir().unwrap();
    let found = whole(&recipe(10.0, -1.0), folder.path());
    assert_eq!(outcomes(&found), [Outcome::Failed, Outcome::Held]);
    assert!(!found.all_held());
}

#[test]
fn what_exceeds_the_budget_is_not_reached_and_says_the_estimate() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = recipe(0.0, 0.5);
    let found = whole(&recipe, folder.path());
    assert_eq!(outcomes(&found), [Outcome::NotReached, Outcome::NotReached]);
    assert!(found.estimate_minutes > 0.0 && found.reached().next().is_none());
    let report = views::reproduction(&request(&recipe), &digits(), &found).unwrap();
    assert!(report.verdicts().all(|verdict| verdict.note.contains("minutes")));
}

#[test]
fn an_interrupted_recipe_resumes_to_the_same_results() {
    let [whole_folder, cut_folder] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let recipe = recipe(10.0, 0.5);
    let expected = whole(&recipe, whole_folder.path());
    for stage in ["segment, naive", "planted"] {
        let stop = AtomicBool::new(false);
        let mut watch = StopAt { stage, reached: false, stop: &stop };
        let error = run(&recipe, cut_folder.path(), &stop, &mut watch).unwrap_err();
        assert!(matches!(error, RecipeError::Interrupted { .. }), "{error}");
    }
    let resumed = whole(&recipe, cut_folder.path());
    let curves = |found: &Reproduction| {
        let pairs = pairs(found, 0).stages.iter().flatten();
        pairs
            .map(|pair| (pair.first().segment.clone(), pair.random.clone(), pair.parents.clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(curves(&resumed), curves(&expected));
    assert_eq!(pairs(&resumed, 0).planted, pairs(&expected, 0).planted);
}

#[test]
fn a_folder_of_another_experiment_is_not_mistaken() {
    let folder = tempfile::tempdir().unwrap();
    let first = recipe(10.0, 0.5);
    whole(&first, folder.path());
    let mut other = first.clone();
    other.training.insert("batch".to_owned(), toml::Value::Integer(50));
    let error = run(&other, folder.path(), &AtomicBool::new(false), &mut ()).unwrap_err();
    assert!(matches!(error, RecipeError::OtherResult { .. }), "{error}");
}

#[test]
fn data_that_a_scale_needs_are_asked_for() {
    let recipe = Recipe::built_in().remove(0);
    let request = Request { recipe: &recipe, scale: Scale::Small, data: None, seed: 0, minutes: None };
    let error = request.data_spec().unwrap_err().to_string();
    assert!(error.contains("--data mnist:DIR"), "{error}");
    let smoke = Request { scale: Scale::Smoke, ..request };
    assert_eq!(smoke.data_spec().unwrap(), "digits");
}
