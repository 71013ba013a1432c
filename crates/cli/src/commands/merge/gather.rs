//! Bringing networks to where they can be averaged.

use isoloss::{
    data::Splits as Data,
    merge::{self, Together},
    models::Params,
    recipes::certified,
    symmetry::{Element, Group},
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
pub(super) enum Gathered {
    /// As they are.
    Given,
    /// The first as it is, and the others matched to it.
    Matched(Vec<Alignment>),
    /// All of them brought together, by elements of the group.
    Together(Together, Group),
}

impl Gathered {
    /// Of matchings to the first network, if there are any.
    pub(super) fn of(alignments: Vec<Alignment>) -> Self {
        if alignments.is_empty() { Self::Given } else { Self::Matched(alignments) }
    }

    /// All networks where they can be averaged, in order.
    pub(super) fn all<'a>(&'a self, networks: &'a [Network]) -> Vec<&'a Params> {
        match self {
            Self::Given => networks.iter().map(|network| &network.params).collect(),
            Self::Matched(alignments) => {
                let matched = alignments.iter().map(|alignment| &alignment.params);
                std::iter::once(&networks[0].params).chain(matched).collect()
            }
            Self::Together(together, _) => together.networks.iter().collect(),
        }
    }

    /// The matchings to the first network.
    fn alignments(&self) -> &[Alignment] {
        match self {
            Self::Matched(alignments) => alignments,
            _ => &[],
        }
    }

    /// Whether the others are matched to the first network.
    pub(super) const fn is_matched(&self) -> bool {
        matches!(self, Self::Matched(_))
    }

    /// How far all were from their mean, where all were brought together.
    fn distances(&self) -> &[f64] {
        match self {
            Self::Together(together, _) => &together.distances,
            _ => &[],
        }
    }

    /// The group of the architecture, where it was certified on the way.
    pub(super) fn group(&self) -> Option<&Group> {
        match self {
            Self::Together(_, group) => Some(group),
            _ => self.alignments().first()?.group(),
        }
    }

    /// How it went, in lines.
    pub(super) fn sentence(&self) -> String {
        let [first, .., last] = *self.distances() else { return String::new() };
        let rounds = self.distances().len() - 1;
        format!("distance of the weights to their mean {first:.4} → {last:.4} in {rounds} rounds\n")
    }

    /// How it went, for programs: the matchings, and the distances.
    pub(super) fn json(&self) -> (Vec<Value>, Vec<Value>) {
        let matchings = self.alignments().iter().map(Alignment::json);
        (matchings.collect(), self.distances().iter().copied().map(number).collect())
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
            Method::MergeMany | Method::Hierarchical => self.together(session, networks, data),
            _ => Ok(Gathered::of(self.align(session, networks, data, unfinished)?)),
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
    ) -> Result<Gathered, Failure> {
        let name = self.clustering.method.name();
        let BeforeAveraging::Align(
            method @ (Matching::Weight | Matching::Activation | Matching::Ste | Matching::Sinkhorn),
        ) = self.before_averaging()?
        else {
            return Err(CliError::MethodsOfTwo { method: name }.into());
        };
        let plan = self.search.plan(method, data.map(|data| &data.train))?;
        let group = certified::group(session.executor(), &networks[0].model, session.key())?.group;
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
        let together = match self.clustering.method {
            Method::MergeMany => {
                merge::merge_many(&group, &all, session.key().child("merge-many"), &mut matching)
            }
            _ => merge::hierarchical(&group, &all, &mut matching),
        }?;
        Ok(Gathered::Together(together, group))
    }
}
