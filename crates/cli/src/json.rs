//! Pieces of JSON results.

use isoloss::recipes::{
    matched_pairs::result::Match,
    result::{Curve, Score, Splits},
};
use serde_json::{Value, json};

/// A number; those that JSON lacks become the texts "NaN", "inf" and "-inf", as in reports.
pub(crate) fn number(x: f64) -> Value {
    if x.is_finite() { json!(x) } else { json!(x.to_string()) }
}

/// Many numbers.
fn numbers(xs: &[f64]) -> Value {
    xs.iter().copied().map(number).collect()
}

/// A value for each split.
pub(crate) fn splits<T>(splits: &Splits<T>, one: impl Fn(&T) -> Value) -> Value {
    json!({ "train": one(&splits.train), "test": one(&splits.test) })
}

/// A number that need not be there; then null.
pub(crate) fn optional(x: Option<f64>) -> Value {
    x.map_or(Value::Null, number)
}

/// Loss and accuracy.
pub(crate) fn score(score: &Score) -> Value {
    json!({ "loss": number(score.loss), "accuracy": optional(score.accuracy) })
}

/// A segment: loss and accuracy at its midpoint, its barriers, and all of it.
pub(crate) fn segment(curve: &Curve) -> Value {
    json!({
        "loss": number(curve.midpoint.loss),
        "accuracy": optional(curve.midpoint.accuracy),
        "barrier": number(curve.barrier),
        "accuracy_barrier": optional(curve.accuracy_barrier),
        "curve": {
            "lambda": numbers(&curve.lambdas),
            "loss": numbers(&curve.loss),
            "accuracy": curve.accuracy.as_deref().map(numbers),
        },
    })
}

/// How a matching by weights went.
pub(crate) fn matching(matching: &Match) -> Value {
    json!({
        "objective_before": number(matching.identity_objective),
        "objective": number(matching.objective),
        "distance_before": number(matching.distance(matching.identity_objective)),
        "distance": number(matching.distance(matching.objective)),
        "sweeps": matching.sweeps,
        "seconds": number(matching.seconds),
    })
}
