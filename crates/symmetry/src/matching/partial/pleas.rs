//! PLeaS: pairs of matched units, of which those that are least alike stay apart.

use models::Model;

use super::{
    Budget, Clusters, Similarity,
    budget::spend,
    widths::{self, Wider},
};
use crate::{Generator, Group, SymmetryError};

/// Which units stay apart.
#[derive(Clone, Debug, PartialEq)]
pub struct Chosen {
    /// The architecture of the merged network.
    pub model: Model,
    /// The clusters of each class, in the order of the permutations of the group: pairs, and single units.
    pub clusters: Vec<Clusters>,
    /// How the budget was spent, where classes have widths of their own.
    pub budget: Option<Budget>,
}

/// Pairs each unit of A with the one in its place in B, which was matched to A before, but for those that stay apart: those with the
/// least similarity (Nasery et al. 2025, section 3.1).
///
/// `share` (from 0 to 1) is how much may stay apart. Where every class of units can have a width of its own, which classes get how much of it
/// is a knapsack: a pair is worth the variance that merging it would lose, costs the weights that touch a unit, and a share of
/// all these is to spend. The paper's quadratic program weighs classes by trial mergings, and counts blocks of zeros as
/// nothing; ours needs no trials, and its bound proves how good it is. Other architectures keep the same share of each class apart.
///
/// # Errors
/// [`SymmetryError::NotAShare`] where `share` is not from 0 to 1, and [`SymmetryError::Widths`] where the architecture has no
/// specification with such widths.
///
/// # Panics
/// Where there are not as many similarities as classes of the group.
pub fn pleas(
    similarities: &[Similarity],
    group: &Group,
    model: &Model,
    share: f64,
) -> Result<Chosen, SymmetryError> {
    let permuting = group.permutations();
    assert_eq!(permuting.generators().len(), similarities.len(), "a similarity for each class");
    let orders: Vec<Vec<usize>> = similarities.iter().map(worst_first).collect();
    let uniform = widths::by_share(model, group, share);
    let is_free = share > 0.0 && widths::are_free(model, group);
    if !is_free {
        let Wider { model, extra } = uniform?;
        return Ok(Chosen { model, clusters: clusters(similarities, &orders, &extra), budget: None });
    }
    if let Err(error @ SymmetryError::NotAShare { .. }) = uniform {
        return Err(error);
    }
    let class = |((own, order), generator): ((&Similarity, &Vec<usize>), &Generator)| {
        let lost = order.iter().map(|&place| own.lost(place)).collect::<Vec<_>>();
        (lost, weights_of_a_unit(&permuting, generator))
    };
    let classes: Vec<(Vec<f64>, f64)> =
        similarities.iter().zip(&orders).zip(permuting.generators()).map(class).collect();
    let total: f64 = classes.iter().map(|(values, cost)| values.len() as f64 * cost).sum();
    let (extra, budget) = spend(&classes, share * total);
    let model = widths::widened(model, group, &extra).ok_or_else(|| widths::none(model))?;
    Ok(Chosen { model, clusters: clusters(similarities, &orders, &extra), budget: Some(budget) })
}

/// The places of a class, those first whose merging loses most.
fn worst_first(similarity: &Similarity) -> Vec<usize> {
    let mut places: Vec<usize> = (0..similarity.units).collect();
    places.sort_by(|&a, &b| similarity.lost(b).total_cmp(&similarity.lost(a)));
    places
}

fn clusters(similarities: &[Similarity], orders: &[Vec<usize>], extra: &[usize]) -> Vec<Clusters> {
    let classes = similarities.iter().zip(orders).zip(extra);
    classes.map(|((own, order), &extra)| Clusters::by_place(own.units, &order[..extra])).collect()
}

/// The elements of parameters that belong to one unit.
fn weights_of_a_unit(group: &Group, generator: &Generator) -> f64 {
    let of = |action: &crate::ParameterAxis| {
        let subject = group.subjects().iter().find(|subject| subject.name == action.parameter);
        subject.map_or(0, |subject| {
            subject.shape.elements() / subject.shape[action.axis].max(1) * action.slots.block
        })
    };
    generator.actions.iter().map(of).sum::<usize>() as f64
}
