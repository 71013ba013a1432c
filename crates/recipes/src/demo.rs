//! The first thing that a new user sees: two networks on the built-in digits, merged.

use data::Splits;
use report::{Entries, Report};

use crate::{
    matched_pairs::{
        method::Method,
        result::{PairPlan, PairResult},
        views,
    },
    training::Training,
};

/// Points on a segment, as in Git Re-Basin's code (arXiv:2209.04836).
const POINTS: usize = 25;

/// The demonstration's plan: two 64-512-512-512-10 networks on the built-in digits. The settings are ours, chosen so
/// that both networks learn the digits well and everything takes well under a minute on two cores.
#[must_use]
pub fn plan(seed: u64) -> PairPlan {
    PairPlan {
        training: Training {
            model: "mlp:64-512-512-512-10".to_owned(),
            optimizer: "adam:lr=0.001,weight_decay=0.003".to_owned(),
            schedule: "constant".to_owned(),
            init: "pytorch".to_owned(),
            batch: 100,
            clip_norm: None,
        },
        data: "digits".to_owned(),
        epochs: vec![60],
        seeds: [2 * seed, 2 * seed + 1],
        restarts: 0,
        points: POINTS,
        methods: vec![Method::Weight],
        scored: None,
        learned: None,
    }
}

/// The demonstration's report.
#[must_use]
pub fn report(result: &PairResult, data: &Splits) -> Report {
    let plan = &result.plan;
    let percent = |accuracy: Option<f64>| format!("{:.2} %", 100.0 * accuracy.unwrap_or(f64::NAN));
    let summary = format!(
        "Two networks were trained from different seeds on {} images. Averaging their weights as they are gives {} \
         test accuracy; after permuting the hidden units of one to match the other, which does not change what it \
         computes, the average has {}.",
        data.train.len(),
        percent(result.naive.test.midpoint.accuracy),
        percent(result.first().segment.test.midpoint.accuracy),
    );
    let settings = Entries::new()
        .with("model", plan.training.model.clone())
        .with("data", plan.data.clone())
        .with("optimizer", plan.training.optimizer.clone())
        .with("schedule", plan.training.schedule.clone())
        .with("initialisation", plan.training.init.clone())
        .with("batch", plan.training.batch)
        .with("epochs", plan.last_epoch())
        .with("points on a segment", plan.points);
    let report = Report::new("demo", "From two networks to one")
        .with_summary(summary)
        .with_settings(settings)
        .with_seed("first network", plan.seeds[0])
        .with_seed("second network", plan.seeds[1]);
    let sections = views::pair_sections("demo", "What averaging does", std::slice::from_ref(result));
    sections.into_iter().fold(report, Report::with_section)
}
