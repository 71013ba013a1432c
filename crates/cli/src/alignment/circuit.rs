//! Matching modulo matrices and rotations, with gains folded: by weights, and then by the loss.

use std::time::Instant;

use isoloss::{
    models::Params,
    recipes::certified,
    symmetry::{
        Folding, Group,
        matching::{
            circuit::{self, CircuitMatching, Optimality, Proof},
            learned::{self, Learned},
        },
    },
};
use serde_json::{Value, json};

use super::{
    Alignment, Method, Nearness, Plan, Search, moved,
    search::{self, Descent, Steps},
};
use crate::{failure::Failure, json::number, networks::Network, session::Session};

/// How a search went.
#[derive(Clone, Debug)]
pub(crate) struct Circuits {
    found: CircuitMatching,
    /// What a descent on the loss then made of it.
    learned: Option<Learned>,
    /// The gains that were folded to rotate what they multiply.
    folded: usize,
    /// The first gain that stands in the way of a rotation.
    unfolded: Option<String>,
}

/// Moves each of `others` to where it matches `a`. Gains are folded in both networks meanwhile; what comes out has the gains of
/// `a`, so that `a` can stay as it is.
pub(super) fn align(
    session: &Session,
    a: &Network,
    others: &[&Network],
    plan: Plan<'_>,
) -> Result<Vec<Alignment>, Failure> {
    let (folding, certified) = certified::folding(session.executor(), &a.model, session.key())?;
    let group = &certified.group;
    let ours = folding.fold(&a.params)?;
    let one = |(number, b): (usize, &&Network)| {
        let start = Instant::now();
        let theirs = folding.fold(&b.params)?;
        let found = by_weight(session, group, [&ours, &theirs], plan)?;
        let learned = match plan.method {
            Method::Learned => {
                let (networks, start) = ([&ours, &theirs], &found.element);
                let task = learned::Task { group, model: &a.model, networks, start, data: plan.examples()? };
                let unfinished = plan.unfinished.and_then(|unfinished| unfinished.of(number));
                Some(by_loss(session, &task, plan, unfinished)?)
            }
            _ => None,
        };
        let element = learned.as_ref().map_or(&found.element, |learned| &learned.element);
        Ok(Alignment {
            element: element.clone(),
            params: folding.unfold(&group.act(element, &theirs)?, &a.params)?,
            nearness: Nearness::new(group, &ours, &theirs, element)?,
            moved: moved(group, element),
            seconds: start.elapsed().as_secs_f64(),
            search: Search::Circuit(Circuits::new(&folding, found, learned)),
            certified: certified.clone(),
        })
    };
    others.iter().enumerate().map(one).collect()
}

fn by_weight(
    session: &Session,
    group: &Group,
    [a, b]: [&Params; 2],
    plan: Plan<'_>,
) -> Result<CircuitMatching, Failure> {
    let published = circuit::Options::default();
    let is_all = plan.method == Method::Circuit;
    let options = circuit::Options {
        restarts: plan.restarts,
        max_rounds: plan.rounds.filter(|_| is_all).unwrap_or(published.max_rounds),
        key: search::key(session),
    };
    let task = session.progress.task("matching", options.max_rounds as u64, "rounds");
    Ok(circuit::circuit_matching(group, a, b, &options, &mut |round, distance| {
        task.at(round as u64, format_args!("distance {distance:.4}"));
    })?)
}

fn by_loss(
    session: &Session,
    task: &learned::Task<'_>,
    plan: Plan<'_>,
    unfinished: Option<learned::Unfinished<'_>>,
) -> Result<Learned, Failure> {
    let published = learned::Options::default();
    let Descent { rounds: epochs, batch, key } =
        Descent::new(session, plan, published.epochs, published.batch);
    let options = learned::Options { epochs, batch, key, ..published };
    let progress = Steps::new(session);
    let mut watch = |done, total, best| progress.at(done, total, best);
    Ok(learned::learned(session.executor(), task, &options, unfinished, &mut watch)?)
}

impl Circuits {
    fn new(folding: &Folding, found: CircuitMatching, learned: Option<Learned>) -> Self {
        let unfolded = folding.unfolded.first().map(|unfolded| unfolded.gain.clone());
        Self { found, learned, folded: folding.folds.len(), unfolded }
    }

    /// What there is to say in a few words.
    pub(super) fn short(&self) -> String {
        let more = if self.found.best().converged { "" } else { ", the most allowed" };
        let rounds = format!("{} rounds{more}", self.found.rounds());
        let Some(learned) = &self.learned else { return rounds };
        let by_weight = learned.improvements.first().map_or(f64::NAN, |first| first.objective);
        let (before, after, steps) = (learned.identity_loss, learned.loss(), learned.steps);
        format!(
            "{rounds}, then loss halfway {before:.4} → {after:.4} (by circuit {by_weight:.4}), {steps} steps"
        )
    }

    /// The method.
    pub(super) const fn method(&self) -> Method {
        if self.learned.is_some() { Method::Learned } else { Method::Circuit }
    }

    /// What is particular, a line for each.
    pub(super) fn lines(&self) -> String {
        let mut lines = String::new();
        if self.folded > 0 {
            let folded = self.folded;
            lines += &format!(
                "distances are those with {folded} gains folded into what reads them; the matched network has the gains of A\n"
            );
        }
        if let Some(gain) = &self.unfolded {
            lines += &format!(
                "not rotated, as something else reads '{gain}', too, which then could not be folded\n"
            );
        }
        let [mixed, rotated] = self.matrices();
        if mixed.0 + rotated.0 > 0 {
            lines += &format!(
                "mixed by {} matrices and {} rotations, from the best by {:.1e} and {:.1e} at most\n",
                mixed.0, rotated.0, mixed.1, rotated.1
            );
        }
        lines
    }

    /// The numbers of matrices and of rotations, and how far the worst of each is from the best: the slope, and the asymmetry of
    /// inner products.
    fn matrices(&self) -> [(usize, f64); 2] {
        let mut all = [(0, 0.0f64); 2];
        for proof in &self.found.proofs {
            let (kind, miss) = match proof {
                Proof::Matrix { optimality: Optimality::Stationary { slope }, .. } => (0, *slope),
                Proof::Matrix { optimality: Optimality::Polar { asymmetry, least_eigenvalue }, .. } => {
                    (1, asymmetry.max(-least_eigenvalue))
                }
                Proof::Exchange { .. } => continue,
            };
            all[kind] = (all[kind].0 + 1, all[kind].1.max(miss));
        }
        all
    }

    /// What is particular, by name.
    pub(super) fn json(&self) -> Vec<(&'static str, Value)> {
        let found = &self.found;
        let start = |start: &circuit::StartSummary| {
            let distances: Vec<Value> = start.distances.iter().copied().map(number).collect();
            json!({ "distances": distances, "converged": start.converged })
        };
        let mut all = vec![
            ("rounds", json!(found.rounds())),
            ("starts", found.starts.iter().map(start).collect()),
            ("best_start", json!(found.best_start)),
            ("folded_gains", json!(self.folded)),
            ("proofs", found.proofs.iter().map(proof).collect()),
        ];
        if let Some(learned) = &self.learned {
            all.extend([
                ("loss_before", number(learned.identity_loss)),
                ("loss", number(learned.loss())),
                ("steps", json!(learned.steps)),
                ("improvements", learned.improvements.iter().map(search::improvement).collect()),
            ]);
        }
        all
    }
}

fn proof(proof: &Proof) -> Value {
    match proof {
        Proof::Exchange { generator, certificate, is_kept } => {
            json!({ "name": generator, "gap": number(certificate.suboptimality()), "kept": is_kept })
        }
        Proof::Matrix { generator, copy, optimality: Optimality::Stationary { slope } } => {
            json!({ "name": generator, "copy": copy, "slope": number(*slope) })
        }
        Proof::Matrix { generator, copy, optimality: Optimality::Polar { asymmetry, least_eigenvalue } } => {
            json!({
                "name": generator,
                "copy": copy,
                "asymmetry": number(*asymmetry),
                "least_eigenvalue": number(*least_eigenvalue),
            })
        }
    }
}
