//! Networks trained apart, merged: results, controls, resumption.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{collections::BTreeMap, path::Path, sync::atomic::AtomicBool};

use cpu::Cpu;
use isoloss_recipes::{
    Progress, RecipeError, Setting,
    experiment::{Found, Spot},
    merged_networks::FoundMerges,
    recipe::{Recipe, Scale},
    reproduce::{self, Reproduction, Request},
    scored::Scored,
    views,
};

fn recipe(own: &str, claim: &str) -> Recipe {
    parsed(own, claim).unwrap()
}

fn parsed(own: &str, claim: &str) -> Result<Recipe, RecipeError> {
    Recipe::parse(&format!(
        r#"
name = "tiny"
title = "Tiny networks"
paper = "none"
experiment = "merged-networks"
summary = "a test"

[training]
model = "mlp:64-32-32-10"
optimizer = "adam:lr=0.003,weight_decay=0.003"
schedule = "constant"
init = "pytorch"
batch = 50
epochs = 8
{own}

[scale.smoke]
minutes = 10
data = "digits"
repetitions = 2

[[claim]]
id = "one"
text = "One."
source = "here"
{claim}
"#
    ))
}

fn run(recipe: &Recipe, data: &str, folder: &Path, progress: &mut dyn Progress) -> Reproduction {
    let stop = AtomicBool::new(false);
    let setting = Setting { executor: &Cpu::new(), versions: &BTreeMap::new(), stop: &stop };
    let request =
        Request { recipe, scale: Scale::Smoke, data: Some(data.to_owned()), seed: 3, minutes: None };
    let data = data::load(data).unwrap();
    let found = reproduce::run(setting, &request, &data, folder, progress).unwrap();
    views::reproduction(&request, &data, &found).unwrap().check().unwrap();
    found
}

fn shares(found: &Reproduction) -> &FoundMerges {
    found.arms[0].found.as_ref().unwrap().as_any().downcast_ref().unwrap()
}

const THREE: &str = r#"
networks = 3
share = "fraction=0.5,split_seed={seed}"
methods = ["universe", "merge-many", "hierarchical", "hierarchical-activation", "naive"]
repair = true"#;

#[test]
fn networks_of_shares_are_merged_and_compared() {
    let folder = tempfile::tempdir().unwrap();
    let claim = "measure = 'merged-accuracy-lost'\nat_most = 60.0";
    let found = run(&recipe(THREE, claim), "digits", folder.path(), &mut ());
    let shares = shares(&found);
    assert_eq!(shares.results.len(), 2);
    for result in &shares.results {
        assert_eq!(result.examples, [719, 719, 719, 1437]);
        assert_eq!((result.parents.len(), result.histories.len(), result.merged.len()), (3, 4, 5));
        // The loss is convex in the probabilities, so an ensemble is no worse than its members on average.
        let mean = result.parents.iter().map(Scored::test_loss).sum::<f64>() / 3.0;
        assert!(result.ensemble.test_loss() < mean);
        assert!(result.joint.as_ref().unwrap().test_loss() < mean, "twice the data");
        let of = |name: &str| result.by(Some(name)).unwrap();
        let naive = of("naive").test_loss();
        for name in ["universe", "merge-many", "hierarchical", "hierarchical-activation"] {
            assert!(of(name).test_loss() < naive, "{name}");
        }
        let [first, .., last] = &result.merged[..] else { panic!() };
        assert!(first.distances[1] < first.distances[0], "{first:?}");
        assert_eq!(last.distances[0], last.distances[1], "naive");
        assert!(last.repaired.as_ref().unwrap().test_loss() < naive, "renormalised");
        assert_eq!(result.by(Some("naive+repair")), last.repaired.as_ref());
        assert!(result.by(Some("circuit")).is_none());
    }
    let (claim, judgement) = &found.judged[0];
    assert!(judgement.held(claim), "{judgement:?}");
    assert!(judgement.control_flips(claim), "{judgement:?}");
}

#[test]
fn what_is_done_is_not_done_again_and_two_networks_have_a_segment() {
    let own = r#"
networks = 2
share = "bias=0.9,part={part}"
methods = ["hierarchical", "naive"]
points = 3"#;
    let folder = tempfile::tempdir().unwrap();
    let recipe = recipe(own, "measure = 'merged-loss-to-best-parent'\nat_most = 9.0");
    let found = run(&recipe, "digits:normalize=on", folder.path(), &mut ());
    let result = &shares(&found).results[1];
    assert_eq!(result.plan.seeds, [6, 7, 8]);
    assert_eq!(result.plan.data, "digits:normalize=on");
    let segment = result.merged[1].segment.as_ref().unwrap();
    let is_near = |a: f64, b: f64| (a - b).abs() < 1e-6;
    assert!(
        is_near(segment.test.loss[1], result.merged[1].average.test_loss()),
        "the midpoint is the average"
    );
    assert!(is_near(segment.test.loss[0], result.parents[0].test_loss()));
    let again = run(&recipe, "digits:normalize=on", folder.path(), &mut ());
    assert_eq!(again.estimate_minutes, 0.0);
    assert_eq!(shares(&again).results, shares(&found).results);
}

#[test]
fn networks_of_all_data_need_no_other_and_a_claim_can_name_its_control() {
    let own = r#"
networks = 2
methods = ["naive", "hierarchical"]
repair = true"#;
    let folder = tempfile::tempdir().unwrap();
    let claim = "measure = 'merged-accuracy-lost'\nat = { method = 'hierarchical' }\nat_most = 10.0\ncontrol = { method = 'naive' }";
    let found = run(&recipe(own, claim), "digits", folder.path(), &mut ());
    let result = &shares(&found).results[1];
    assert_eq!(
        (&result.plan.seeds, &result.joint, &result.examples),
        (&vec![5, 6], &None, &vec![1437, 1437])
    );
    let (claim, judgement) = &found.judged[0];
    assert!(judgement.held(claim), "{judgement:?}");
    let spot = |method| {
        let measure = claim.measure;
        shares(&found).values(&Spot { measure, stage: 0, method: Some(method), is_control: false })
    };
    assert_eq!((judgement.values(), judgement.control()), (&spot("hierarchical")[..], &spot("naive")[..]));
    assert_eq!(claim.control_words(), "the same, at the last comparison by naive");
    let joint = "measure = 'merged-loss-to-joint'\nat_most = 1.0";
    let error = parsed(own, joint).unwrap_err().to_string();
    assert!(error.contains("'merged-loss-to-joint' is not taken"), "{error}");
}

#[test]
fn impossible_settings_are_refused() {
    let claim = "measure = 'merged-accuracy-lost'\nat_most = 1.0";
    let refused = |from: &str, to: &str| parsed(&THREE.replace(from, to), claim).unwrap_err().to_string();
    assert!(refused("networks = 3", "networks = 1").contains("at least two networks"));
    assert!(refused("{seed}", "1").contains("needs a share with {seed} or {part}"));
    assert!(refused("repair = true", "points = 5").contains("points on a segment, but 3 networks"));
    assert!(refused("\"universe\", ", "\"universal\", ").contains("universal"));
    let other = "measure = 'test-loss-barrier'\nat_most = 1.0";
    let error = parsed(THREE, other).unwrap_err().to_string();
    assert!(error.contains("test-loss-barrier"), "{error}");
    let repaired = "measure = 'merged-accuracy-lost'\nat_most = 1.0\nat = { method = 'universe+repair' }";
    let error = parsed(&THREE.replace("repair = true", ""), repaired).unwrap_err().to_string();
    assert!(error.contains("has no method 'universe+repair'"), "{error}");
}
