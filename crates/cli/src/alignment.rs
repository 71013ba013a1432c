//! Matching the hidden units of one network to another's.

use std::time::Instant;

use clap::ValueEnum;
use isoloss::{
    models::Params,
    recipes::{pair, result::Match},
    symmetry::{
        Certified,
        matching::{self, Options},
    },
};

use crate::{failure::Failure, networks::Network, session::Session};

/// How a network is aligned before it is averaged with another or compared to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Method {
    /// Match hidden units by their weights
    #[default]
    Weight,
    /// Leave the networks as they are
    None,
}

/// A network matched to another one.
#[derive(Clone, Debug)]
pub(crate) struct Alignment {
    /// The symmetry that was used, with its certificate.
    pub(crate) certified: Certified,
    /// The weights after matching.
    pub(crate) params: Params,
    /// How the matching went.
    pub(crate) matching: Match,
    /// For each class of hidden units: its name, its size, and how many of its units moved.
    pub(crate) moved: Vec<Moved>,
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

/// Moves the hidden units of `b` to where they match those of `a`, which leaves what `b` computes unchanged. The
/// symmetry is certified first. `restarts` further starts of the search follow the one from `b` as it is.
pub(crate) fn align(
    session: &Session,
    a: &Network,
    b: &Network,
    restarts: usize,
) -> Result<Alignment, Failure> {
    let certified = pair::certified_group(session.executor(), &a.model, session.key())?;
    let options = Options { restarts, key: session.key().child("matching"), ..Options::default() };
    let start = Instant::now();
    let group = &certified.group;
    let found = matching::weight_matching(session.executor(), group, &a.params, &b.params, &options)?;
    let matching = pair::summarise(&found, start.elapsed().as_secs_f64());
    let params = group.act(&found.element, &b.params)?;
    let classes = group.generators().iter().zip(found.element.permutations());
    let moved = classes
        .filter(|(class, _)| class.is_exchangeable)
        .map(|(class, places)| Moved { name: class.name.clone(), size: class.size, moved: displaced(places) })
        .collect();
    Ok(Alignment { params, matching, moved, certified })
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
