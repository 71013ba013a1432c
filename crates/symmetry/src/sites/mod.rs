//! Values of a network whose units parameters can scale and shift.
//!
//! A layer's weight and bias set scale and mean of each of its units before the activation function; gain and shift do so behind a
//! normalisation. Where a residual stream takes up a branch (a juncture), no parameter stands between the sum and what reads it. But
//! the scales of the stream are a symmetry, and half of it does what is wanted: the parameters behind the juncture alone,
//! those that read the stream by the factor, and those that write to it by its inverse, act as if the sum itself had been scaled.
//! REPAIR (Jordan et al. 2022, arXiv:2211.08403) needs both.
//!
//! All is read off the graph. [`certified`] runs the network and keeps those sites at which a change of parameters does what is said.

mod certify;
mod fold;
mod juncture;
mod linear;

use graph::{Graph, Val};
use tensor::Shape;

use crate::{Group, Slots, uses::Uses, view::View};
pub use certify::certified;
pub use fold::{Correction, Folded, fold};
use linear::Linear;

/// A value of a forward graph, unit by unit along one axis, and the parameters that scale and shift it without changing anything else
/// that it is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Site {
    /// Of which parameters it is made: the module of the last one that scales it, behind `+` for a juncture, and with a number where it
    /// is not the first of this name.
    pub name: String,
    /// The value.
    pub val: Val,
    /// The axis of the units.
    pub axis: usize,
    /// The index of each unit along the axis.
    pub indices: Vec<usize>,
    /// Whether it is the sum of several values that depend on the data.
    pub is_juncture: bool,
    /// Whether what scales it stands behind it.
    is_behind: bool,
    scaled: Vec<Scaled>,
    /// A parameter that the value, or a part of the sum, is proportional to.
    own: Place,
    /// What is added to each unit.
    shift: Option<Place>,
}

/// Indices of an axis of a parameter that belong to the units.
#[derive(Clone, Debug, PartialEq)]
struct Place {
    parameter: String,
    axis: usize,
    slots: Slots,
}

/// What is multiplied by a power of the factors.
#[derive(Clone, Debug, PartialEq)]
struct Scaled {
    place: Place,
    exponent: i32,
}

impl Site {
    /// Whether there is a parameter that shifts it.
    #[must_use]
    pub const fn shifts(&self) -> bool {
        self.shift.is_some()
    }

    /// Whether a site of another graph of the network is made of the same parameters in the same way.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        *self == Self { val: self.val, ..other.clone() }
    }

    /// A parameter that makes the units, or a part of their sum: its name, its axis, and the index along it of each unit.
    #[must_use]
    pub fn made_by(&self) -> (&str, usize, &[usize]) {
        (&self.own.parameter, self.own.axis, &self.own.slots.indices)
    }

    /// The number of units.
    #[must_use]
    pub const fn units(&self) -> usize {
        self.indices.len()
    }

    /// A number for each unit, in the order of the axis, where `other` indices that are no units get `rest`.
    #[must_use]
    pub fn along(&self, by_unit: &[f64], shape: &Shape, rest: f64) -> Vec<f64> {
        let mut along = vec![rest; shape[self.axis]];
        self.indices.iter().zip(by_unit).for_each(|(&index, number)| along[index] = *number);
        along
    }
}

/// The sites of a forward graph, in its order; `group` is a group of its architecture, whose exact scales make junctures. Nothing that
/// the network returns is a site, and no product that is normalised at once, as its scale is taken away there or is the
/// normalisation's to set.
#[must_use]
pub fn sites(graph: &Graph, group: &Group) -> Vec<Site> {
    let (linear, uses) = (Linear::new(graph), Uses::new(graph));
    let view = View::new(graph);
    let junctures = juncture::Junctures::new(graph, group, &view, &linear, &uses);
    let own = graph.vals().filter(|&val| !uses.is_returned(val));
    let mut sites: Vec<Site> =
        own.filter_map(|val| linear.site(val, &uses).or_else(|| junctures.site(val))).collect();
    for number in 1..sites.len() {
        let (before, own) = sites.split_at_mut(number);
        let again = before.iter().filter(|site| is_named(site, &own[0].name)).count();
        if again > 0 {
            own[0].name += &format!(" ({})", again + 1);
        }
    }
    sites
}

/// Whether a site has this name, or has it with a number.
fn is_named(site: &Site, name: &str) -> bool {
    site.name.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(" ("))
}
