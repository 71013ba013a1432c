//! `isoloss align --check`: whether two networks should be aligned.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use isoloss::{
    models::weights,
    recipes::certified,
    symmetry::matching::kinship::{self, Kinship, Null, Options, Relation},
};
use report::{Cell, Column, NumberFormat, Table};
use serde_json::{Value, json};

use super::NOTE_KEY;
use crate::{
    failure::Failure,
    json::{number, optional},
    networks::{self, Network},
    outcome::{Answer, Outcome},
    session::Session,
};

/// The metadata key under which a run says how it was trained.
const TRAINING_KEY: &str = "isoloss.training";

/// What the files say about themselves.
struct Headers {
    /// Settings of the trainings that differ, with both values.
    differences: Vec<(String, [Value; 2])>,
    /// To which network B was matched before.
    aligned_to: Option<String>,
}

/// Examines how network B is related to network A.
pub(super) fn check(session: &Session, paths: &[PathBuf; 2], spec: Option<&str>) -> Result<Outcome, Failure> {
    let [a, b] = [Network::load(&paths[0], spec)?, Network::load(&paths[1], spec)?];
    let headers = Headers::read(paths)?;
    if let Some(difference) = networks::difference(&a, &b) {
        let text = format!("{}{difference}\nunrelated: {}\n", headers.text(), advice(Relation::Unrelated));
        let json = json(&[a, b], &headers, Relation::Unrelated, &json!({ "difference": difference }));
        return Ok(Outcome { answer: Answer::No, text, json });
    }
    let group = certified::group(session.executor(), &a.model, session.key())?.group;
    let options = Options { key: session.key().child("kinship"), ..Options::default() };
    let found = kinship::examine(session.executor(), &group, &a.params, &b.params, &options)?;
    let answer = Answer::from_claim(found.relation != Relation::Unrelated);
    let json = json(&[a, b], &headers, found.relation, &evidence(&found));
    Ok(Outcome { answer, text: headers.text() + &text(&found), json })
}

impl Headers {
    fn read(paths: &[PathBuf; 2]) -> Result<Self, Failure> {
        let [a, b] = [metadata(&paths[0])?, metadata(&paths[1])?];
        let settings = |metadata: &BTreeMap<String, String>| -> BTreeMap<String, Value> {
            let text = metadata.get(TRAINING_KEY).map_or("{}", String::as_str);
            serde_json::from_str(text).unwrap_or_default()
        };
        let (left, right) = (settings(&a), settings(&b));
        let differing = left.iter().filter_map(|(key, value)| {
            let other = right.get(key)?;
            (value != other).then(|| (key.clone(), [value.clone(), other.clone()]))
        });
        Ok(Self { differences: differing.collect(), aligned_to: b.get(NOTE_KEY).cloned() })
    }

    fn text(&self) -> String {
        let differences = self.differences.iter();
        let lines = differences.map(|(key, [a, b])| format!("trained with another {key}: {a} and {b}\n"));
        let aligned = self
            .aligned_to
            .iter()
            .map(|name| format!("B was matched to {name} before, and is arranged as that is\n"));
        lines.chain(aligned).collect()
    }

    fn json(&self) -> Value {
        let differences = self.differences.iter().map(|(key, values)| (key.clone(), json!(values)));
        json!({
            "training_differences": differences.collect::<serde_json::Map<_, _>>(),
            "aligned_to": self.aligned_to,
        })
    }
}

fn metadata(path: &Path) -> Result<BTreeMap<String, String>, Failure> {
    if isoloss::models::is_onnx(path) { Ok(BTreeMap::new()) } else { Ok(weights::metadata(path)?) }
}

/// What to do about it.
const fn advice(relation: Relation) -> &'static str {
    match relation {
        Relation::SameAncestor => "average directly; nothing is gained by aligning",
        Relation::Rearranged => {
            "the same function with its units in another order; align, which undoes it exactly"
        }
        Relation::Independent => "align before averaging",
        Relation::Unrelated => "there is nothing to match; neither align nor average",
    }
}

fn text(found: &Kinship) -> String {
    let (cosine, matched) = (found.cosine, found.matched_cosine);
    let mut text = format!(
        "cosine of the weights as they are  {cosine:.4}{}\n",
        among(&found.arrangements, cosine, "random arrangements")
    );
    text += &format!(
        "cosine of the weights matched      {matched:.4}{}\n",
        among(&found.surrogates, matched, "matched surrogates of B, whose ties to the data are cut")
    );
    if !found.arrangements.values().is_empty() {
        text += &format!("there already of what the matching finds: {:.1} %\n", 100.0 * found.share());
    }
    let columns = [
        Column::text("parameter"),
        Column::number("cosine", NumberFormat::Fixed(4)),
        Column::number("matched", NumberFormat::Fixed(4)),
    ];
    let rows = found.parameters.iter().map(|own| {
        [Cell::from(own.parameter.clone()), Cell::from(own.before), Cell::from(own.after)].to_vec()
    });
    text += &report::text::table(&rows.fold(Table::new("", columns), Table::with_row));
    text + &format!(
        "p of at most {:.2} is more than chance; a common ancestor needs {:.0} % there already besides\n{}: {}\n",
        kinship::LEVEL,
        100.0 * kinship::SHARE,
        found.relation.name(),
        advice(found.relation)
    )
}

/// How an observation lies among draws of chance.
fn among(null: &Null, observed: f64, what: &str) -> String {
    match null.values().len() {
        0 => String::new(),
        draws => format!(
            "; of {draws} {what} {:.4} ± {:.4}, p = {:.2}",
            null.mean(),
            null.deviation(),
            null.chance(observed)
        ),
    }
}

fn json([a, b]: &[Network; 2], headers: &Headers, relation: Relation, evidence: &Value) -> Value {
    json!({
        "a": a.name(),
        "b": b.name(),
        "models": [a.model.spec(), b.model.spec()],
        "relation": relation.name(),
        "advice": advice(relation),
        "headers": headers.json(),
        "evidence": evidence,
    })
}

fn evidence(found: &Kinship) -> Value {
    let draws = |chance: &Null, observed: f64| {
        json!({
            "draws": chance.values().len(),
            "mean": number(chance.mean()),
            "deviation": number(chance.deviation()),
            "p": number(chance.chance(observed)),
        })
    };
    let parameters = found.parameters.iter().map(|own| {
        json!({ "name": own.parameter, "cosine": optional(own.before), "matched_cosine": optional(own.after) })
    });
    json!({
        "cosine": number(found.cosine),
        "arrangements": draws(&found.arrangements, found.cosine),
        "matched_cosine": number(found.matched_cosine),
        "surrogates": draws(&found.surrogates, found.matched_cosine),
        "share": number(found.share()),
        "level": kinship::LEVEL,
        "least_share": kinship::SHARE,
        "parameters": parameters.collect::<Vec<_>>(),
    })
}
