//! Matching the hidden units of one network to another's.

mod circuit;
mod flags;
mod joint;
mod layered;
mod method;
mod search;
mod transport;
mod unfinished;

use isoloss::{
    data::Dataset,
    models::Params,
    recipes::certified,
    symmetry::{Certified, Element, Group, matching},
};
use serde_json::{Value, json};

use crate::{
    failure::{CliError, Failure},
    json::number,
    networks::Network,
    session::Session,
};
pub(crate) use flags::SearchFlags;
pub(crate) use layered::Task as Layers;
pub(crate) use method::{BeforeAveraging, Method};
use search::{Found, Search};
pub(crate) use transport::{Planned, across, json as plans_json};
pub(crate) use unfinished::Unfinished;

/// How to match; [`SearchFlags::plan`] makes it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan<'a> {
    /// By what.
    method: Method,
    /// Further starts of the search.
    restarts: usize,
    /// Passes over the data, or rounds or steps without any, if not as published.
    rounds: Option<usize>,
    /// Examples of a step, if not as published.
    batch: Option<usize>,
    /// The examples to train on, where there are any.
    data: Option<&'a Dataset>,
    /// Where searches that take long are kept.
    unfinished: Option<&'a Unfinished>,
}

impl<'a> Plan<'a> {
    /// The same, with a place for what takes long.
    pub(crate) const fn kept(self, unfinished: Option<&'a Unfinished>) -> Self {
        Self { unfinished, ..self }
    }

    /// The examples of a method that needs some.
    fn examples(&self) -> Result<&'a Dataset, Failure> {
        match self.data {
            Some(data) => Ok(data),
            None => Err(CliError::MatchingNeedsData { method: self.method.name() }.into()),
        }
    }
}

/// A network matched to another one.
#[derive(Clone, Debug)]
pub(crate) struct Alignment {
    /// The symmetry that was used, with its certificate.
    pub(crate) certified: Certified,
    /// What moved the weights: one of the group that was certified, which is that of folded gains where these were folded.
    pub(crate) element: Element,
    /// The weights after matching.
    pub(crate) params: Params,
    /// How near the weights are before and after.
    pub(crate) nearness: Nearness,
    /// How the search went.
    pub(crate) search: Search,
    /// Seconds of the search.
    pub(crate) seconds: f64,
    /// For each class of hidden units: its name, its size, and how many of its units moved.
    pub(crate) moved: Vec<Moved>,
}

/// How near the weights of two networks are before and after a matching.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Nearness {
    /// Inner products of the weights.
    pub(crate) inner: [f64; 2],
    /// Their distances.
    pub(crate) distance: [f64; 2],
}

/// A class of interchangeable units after a matching.
#[derive(Clone, Debug)]
pub(crate) struct Moved {
    /// Its name.
    pub(crate) name: String,
    /// The number of units.
    pub(crate) size: usize,
    /// How many of them changed places.
    pub(crate) moved: usize,
}

/// Moves the hidden units of `others` to where they match those of `a`, which leaves what they compute unchanged. The
/// symmetry is certified first. The joint method matches all at once, the others one after the other.
pub(crate) fn align(
    session: &Session,
    a: &Network,
    others: &[&Network],
    plan: Plan<'_>,
) -> Result<Vec<Alignment>, Failure> {
    if let Method::Circuit | Method::Learned = plan.method {
        return circuit::align(session, a, others, plan);
    }
    let certified = certified::group(session.executor(), &a.model, session.key())?;
    let found = search::search(session, &certified.group, a, others, plan)?;
    let pairs = others.iter().zip(found);
    pairs.map(|(network, found)| Alignment::new(&certified, a, network, found)).collect()
}

/// What of a certified group moves one network to where it matches another.
pub(crate) fn within(
    session: &Session,
    group: &Group,
    a: &Network,
    b: &Network,
    plan: Plan<'_>,
) -> Result<Element, Failure> {
    Ok(search::search(session, group, a, &[b], plan)?.swap_remove(0).element)
}

impl Alignment {
    fn new(certified: &Certified, a: &Network, b: &Network, found: Found) -> Result<Self, Failure> {
        let Found { element, search, seconds } = found;
        let group = &certified.group;
        let nearness = Nearness::new(group, &a.params, &b.params, &element)?;
        let params = group.act(&element, &b.params)?;
        let moved = moved(group, &element);
        Ok(Self { element, moved, params, nearness, search, seconds, certified: certified.clone() })
    }

    /// The group of the architecture; none where what was certified is that of folded gains.
    pub(crate) const fn group(&self) -> Option<&Group> {
        match self.search {
            Search::Circuit(_) => None,
            _ => Some(&self.certified.group),
        }
    }

    /// How it went, as JSON.
    pub(crate) fn json(&self) -> Value {
        let Nearness { inner, distance } = self.nearness;
        let mut value = json!({
            "method": self.search.method().name(),
            "objective_before": number(inner[0]),
            "objective": number(inner[1]),
            "distance_before": number(distance[0]),
            "distance": number(distance[1]),
        });
        for (key, part) in self.search.json() {
            value[key] = part;
        }
        value["seconds"] = number(self.seconds);
        value
    }

    /// How it went, in a line.
    pub(crate) fn sentence(&self) -> String {
        let [before, after] = self.nearness.distance;
        let (search, seconds) = (self.search.short(), self.seconds);
        format!("matching: distance of the weights {before:.4} → {after:.4}, {search}, {seconds:.3} s\n")
    }
}

impl Nearness {
    fn new(group: &Group, a: &Params, b: &Params, element: &Element) -> Result<Self, Failure> {
        let still = group.identity();
        let moved = group.act(element, b)?;
        let inner = |left: &Params, right: &Params| matching::objective(group, left, right, &still);
        let inner_of_a = inner(a, a)?;
        let to = |b: &Params| -> Result<[f64; 2], Failure> {
            let between = inner(a, b)?;
            Ok([between, (inner_of_a + inner(b, b)? - 2.0 * between).max(0.0).sqrt()])
        };
        let [before, after] = [to(b)?, to(&moved)?];
        Ok(Self { inner: [before[0], after[0]], distance: [before[1], after[1]] })
    }
}

/// The classes of units that are exchanged, but for those that are mixed, and how many of them an element moves.
fn moved(group: &Group, element: &Element) -> Vec<Moved> {
    let classes = group.generators().iter().zip(element.permutations());
    let exchanged = classes
        .filter(|(class, _)| class.is_exchangeable && class.parent.is_none() && class.mixing.is_none());
    exchanged
        .map(|(class, places)| Moved { name: class.name.clone(), size: class.size, moved: displaced(places) })
        .collect()
}

fn displaced(places: &[u32]) -> usize {
    places.iter().enumerate().filter(|&(place, &from)| place != from as usize).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_that_stay_are_not_counted_as_moved() {
        assert_eq!(displaced(&[0, 1, 2]), 0);
        assert_eq!(displaced(&[1, 0, 2]), 2);
    }
}
