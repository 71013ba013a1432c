//! Bringing networks to where they can be averaged.

use isoloss::{
    data::Splits as Data,
    merge::{self, Together},
    models::Params,
    recipes::pair,
    symmetry::Element,
};
use serde_json::Value;

use super::{Merge, clusters::Method};
use crate::{
    alignment::{self, Alignment, BeforeAveraging, Method as Matching, Unfinished},
    failure::{CliError, Failure},
    json::number,
    networks::Network,
    session::Session,
};

/// Networks that can be averaged.
pub(super) struct Gathered {
    /// All but the first where that stays as it is; all where none does.
    moved: Vec<Params>,
    /// The matchings to the first one.
    pub(super) alignments: Vec<Alignment>,
    /// How far all were from their mean, where all were brought together.
    pub(super) distances: Vec<f64>,
}

impl Gathered {
    /// Of matchings to the first network.
    pub(super) fn of(alignments: Vec<Alignment>) -> Self {
        let moved = alignments.iter().map(|alignment| alignment.params.clone()).collect();
        Self { moved, alignments, distances: Vec::new() }
    }

    /// All networks where they can be averaged, in order.
    pub(super) fn all<'a>(&'a self, networks: &'a [Network]) -> Vec<&'a Params> {
        let stays = networks.len() - self.moved.len();
        networks[..stays].iter().map(|network| &network.params).chain(&self.moved).collect()
    }

    /// How it went, in lines.
    pub(super) fn sentence(&self) -> String {
        let [first, .., last] = self.distances[..] else { return String::new() };
        let rounds = self.distances.len() - 1;
        format!("distance of the weights to their mean {first:.4} → {last:.4} in {rounds} rounds\n")
    }

    /// How it went, for programs: the matchings, and the distances.
    pub(super) fn json(&self) -> (Vec<Value>, Vec<Value>) {
        let matchings = self.alignments.iter().map(Alignment::json);
        (matchings.collect(), self.distances.iter().copied().map(number).collect())
    }
}

impl Merge {
    /// Brings the networks to where they can be averaged.
    pub(super) fn gather(
        &self,
        session: &Session,
        networks: &[Network],
        data: Option<&Data>,
        unfinished: Option<&Unfinished>,
    ) -> Result<Gathered, Failure> {
        match self.clustering.method {
            Method::MergeMany | Method::Hierarchical => {
                let together = self.together(session, networks, data)?;
                Ok(Gathered {
                    moved: together.networks,
                    alignments: Vec::new(),
                    distances: together.distances,
                })
            }
            _ => {
                let alignments = self.align(session, networks, data, unfinished)?;
                if !alignments.is_empty() {
                    return Ok(Gathered::of(alignments));
                }
                let moved = networks.iter().skip(1).map(|network| network.params.clone()).collect();
                Ok(Gathered { moved, alignments, distances: Vec::new() })
            }
        }
    }

    /// What is done before averaging; with universe all are matched at once.
    pub(super) fn before_averaging(&self) -> Result<BeforeAveraging, CliError> {
        let joint = BeforeAveraging::Align(Matching::Joint);
        match (self.clustering.method, self.align) {
            (Method::Universe, None) => Ok(joint),
            (Method::Universe, Some(align)) if align != joint => {
                Err(super::clusters::unused("--align", Method::Universe))
            }
            (_, align) => Ok(align.unwrap_or_default()),
        }
    }

    /// All networks, brought together by matchings of two.
    fn together(
        &self,
        session: &Session,
        networks: &[Network],
        data: Option<&Data>,
    ) -> Result<Together, Failure> {
        let name = self.clustering.method.name();
        let BeforeAveraging::Align(
            method @ (Matching::Weight | Matching::Activation | Matching::Ste | Matching::Sinkhorn),
        ) = self.before_averaging()?
        else {
            return Err(CliError::MethodsOfTwo { method: name }.into());
        };
        let plan = self.search.plan(method, data.map(|data| &data.train))?;
        let group = pair::certified_group(session.executor(), &networks[0].model, session.key())?.group;
        let task = session.progress.task(name, 0, "matchings");
        let mut done = 0;
        let mut matching = |to: &Params, from: &Params| -> Result<Element, Failure> {
            let of = |params: &Params| Network { params: params.clone(), ..networks[0].clone() };
            let element = alignment::within(session, &group, &of(to), &of(from), plan)?;
            done += 1;
            task.at(done, "");
            Ok(element)
        };
        let all: Vec<&Params> = networks.iter().map(|network| &network.params).collect();
        match self.clustering.method {
            Method::MergeMany => {
                merge::merge_many(&group, &all, session.key().child("merge-many"), &mut matching)
            }
            _ => merge::hierarchical(&group, &all, &mut matching),
        }
    }
}
