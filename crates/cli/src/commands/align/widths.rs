//! `isoloss align --method transport` where what B computes may change: between other widths, and with
//! entropy.

use std::path::Path;

use isoloss::{models::weights, symmetry::matching::transport::Solver};
use serde_json::json;

use super::metadata;
use crate::{
    alignment::{self, Planned},
    failure::Failure,
    networks::Network,
    outcome::{Answer, Outcome},
    session::Session,
};

/// Carries network B into the widths of network A.
pub(super) fn carry(
    session: &Session,
    [a, b]: [&Network; 2],
    solver: Solver,
    out: &Path,
) -> Result<Outcome, Failure> {
    let (found, plans) = alignment::across(session, a, b, solver)?;
    weights::save(out, &found.params, &metadata(b, a)?)?;
    let line = |Planned { name, sizes: [places, units], gap, .. }: &Planned| match solver {
        Solver::Exact => format!("{units} units in {places} places: {name}\n"),
        Solver::Entropic { .. } => {
            format!("{units} units in {places} places, at most {gap:.4} above the least cost: {name}\n")
        }
    };
    let lines: String = plans.iter().map(line).collect();
    let text = format!(
        "{lines}{} became {}; what it computes changes where units are mixed or split\nwritten to {}\n",
        b.model,
        a.model,
        out.display()
    );
    let json = json!({
        "model": a.model.spec(),
        "model_before": b.model.spec(),
        "a": a.name(),
        "b": b.name(),
        "out": out.display().to_string(),
        "matching": { "method": "transport", "plans": alignment::plans_json(&plans) },
    });
    Ok(Outcome { answer: Answer::Yes, text, json })
}
