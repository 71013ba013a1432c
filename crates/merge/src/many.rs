//! Bringing any number of networks together by a matching of two.

use models::Params;
use symmetry::{Element, Group};
use tensor::Key;

use crate::{MergeError, average, layout::columns};

/// Most rounds of [`merge_many`]. Ours: a round leaves all as they are long before.
pub const ROUNDS: usize = 100;

/// Networks that were brought together.
#[derive(Clone, Debug, PartialEq)]
pub struct Together {
    /// The networks, moved within their group, in the order in which they were given.
    pub networks: Vec<Params>,
    /// The root mean square over the networks of the distance of their weights to the mean of all, at first and after each round or level.
    pub distances: Vec<f64>,
}

/// What moves one network (given second) to another within a group.
pub type Matching<'a, E> = dyn FnMut(&Params, &Params) -> Result<Element, E> + 'a;

/// MergeMany (Ainsworth, Hayase, Srinivasa 2022, arXiv:2209.04836, algorithm 3): in a random order each network is matched to the mean of
/// the others, again and again until a round moves none.
///
/// # Errors
/// Where there is no network, they are not alike, or `matching` fails.
pub fn merge_many<E: From<MergeError>>(
    group: &Group,
    networks: &[&Params],
    key: Key,
    matching: &mut Matching<'_, E>,
) -> Result<Together, E> {
    let mut together = Together::new(networks)?;
    if networks.len() < 2 {
        return Ok(together);
    }
    for round in 0..ROUNDS {
        let mut has_moved = false;
        for own in key.child(&round.to_string()).permutation(networks.len()) {
            let all = together.networks.iter().enumerate();
            let others: Vec<&Params> =
                all.filter(|(other, _)| *other != own).map(|(_, other)| other).collect();
            let mean = average(&others)?;
            let element = matching(&mean, &together.networks[own])?;
            let moved = group.act(&element, &together.networks[own]).map_err(MergeError::from)?;
            // Only what brings it nearer counts, so that the distances fall and the rounds end.
            if distance(&[&mean], &[&moved])? < distance(&[&mean], &[&together.networks[own]])? * (1.0 - 1e-9)
            {
                (has_moved, together.networks[own]) = (true, moved);
            }
        }
        if !has_moved {
            break;
        }
        together.note()?;
    }
    Ok(together)
}

/// Pairs of networks, pairs of pairs, and so on: the mean of the second half of each pair is matched to that of the first, and all that it is
/// made of moves with it.
///
/// # Errors
/// Where there is no network, they are not alike, or `matching` fails.
pub fn hierarchical<E: From<MergeError>>(
    group: &Group,
    networks: &[&Params],
    matching: &mut Matching<'_, E>,
) -> Result<Together, E> {
    let mut together = Together::new(networks)?;
    let mut width = 1;
    while width < networks.len() {
        for start in (0..networks.len()).step_by(2 * width).filter(|start| start + width < networks.len()) {
            let end = networks.len().min(start + 2 * width);
            let mean =
                |range: std::ops::Range<usize>| average(&together.networks[range].iter().collect::<Vec<_>>());
            let element = matching(&mean(start..start + width)?, &mean(start + width..end)?)?;
            for network in &mut together.networks[start + width..end] {
                *network = group.act(&element, network).map_err(MergeError::from)?;
            }
        }
        width *= 2;
        together.note()?;
    }
    Ok(together)
}

impl Together {
    fn new(networks: &[&Params]) -> Result<Self, MergeError> {
        columns(networks)?;
        let networks = networks.iter().map(|&network| network.clone()).collect();
        let mut together = Self { networks, distances: Vec::new() };
        together.note()?;
        Ok(together)
    }

    /// The root mean square over networks of the distance of their weights to the mean of all.
    ///
    /// # Errors
    /// Where there is no network, or they are not alike.
    pub fn spread(networks: &[&Params]) -> Result<f64, MergeError> {
        let mean = average(networks)?;
        distance(&vec![&mean; networks.len()], networks)
    }

    fn note(&mut self) -> Result<(), MergeError> {
        self.distances.push(Self::spread(&self.networks.iter().collect::<Vec<_>>())?);
        Ok(())
    }
}

/// The root mean square of the distances of pairs.
fn distance(left: &[&Params], right: &[&Params]) -> Result<f64, MergeError> {
    let mut sum = 0.0;
    for (left, right) in left.iter().zip(right) {
        for column in columns(&[left, right])? {
            let pairs = column[0].iter().zip(column[1]);
            sum += pairs.map(|(x, y)| (f64::from(*x) - f64::from(*y)).powi(2)).sum::<f64>();
        }
    }
    Ok((sum / left.len() as f64).sqrt())
}
