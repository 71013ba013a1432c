//! Which units of two networks become one.

use crate::matching::transport::Side;

/// The units of a class of two networks, parted into clusters that become one unit each. Units are numbered through: those of A
/// from 0, then as many of B.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clusters {
    units: usize,
    members: Vec<Vec<usize>>,
}

impl Clusters {
    /// Clusters of the units of two networks with so many each, in the order of their first members.
    ///
    /// # Panics
    /// Where not every unit is in one cluster.
    #[must_use]
    pub fn new(units: usize, mut members: Vec<Vec<usize>>) -> Self {
        members.iter_mut().for_each(|members| members.sort_unstable());
        members.sort_unstable();
        let mut all = members.concat();
        all.sort_unstable();
        assert!(
            all.into_iter().eq(0..2 * units) && members.iter().all(|members| !members.is_empty()),
            "every unit is in one cluster"
        );
        Self { units, members }
    }

    /// Each unit of A with the one of B in its place, but for the places that stay apart.
    #[must_use]
    pub fn by_place(units: usize, apart: &[usize]) -> Self {
        let members = (0..units).flat_map(|place| {
            let (a, b) = (place, units + place);
            if apart.contains(&place) { vec![vec![a], vec![b]] } else { vec![vec![a, b]] }
        });
        Self::new(units, members.collect())
    }

    /// The units of each network.
    #[must_use]
    pub const fn units(&self) -> usize {
        self.units
    }

    /// The units after merging.
    #[must_use]
    pub fn width(&self) -> usize {
        self.members.len()
    }

    /// The members of each cluster, in ascending order.
    #[must_use]
    pub fn members(&self) -> &[Vec<usize>] {
        &self.members
    }

    /// Clusters with units of both networks.
    #[must_use]
    pub fn across(&self) -> usize {
        let is_across = |members: &&Vec<usize>| self.has(members, 0) && self.has(members, 1);
        self.members.iter().filter(is_across).count()
    }

    /// Clusters of several units of one network alone.
    #[must_use]
    pub fn inside(&self) -> usize {
        let is_inside =
            |members: &&Vec<usize>| members.len() > 1 && !(self.has(members, 0) && self.has(members, 1));
        self.members.iter().filter(is_inside).count()
    }

    /// Units that are merged with no other.
    #[must_use]
    pub fn apart(&self) -> usize {
        self.members.iter().filter(|members| members.len() == 1).count()
    }

    fn has(&self, members: &[usize], network: usize) -> bool {
        members.iter().any(|unit| unit / self.units == network)
    }

    /// What goes from each unit of a network to its cluster: `(cluster, unit, share)`. What makes units is averaged over a
    /// cluster; what reads them reads the one unit that they have become, each as before.
    pub(super) fn shares(&self, network: usize, side: Side) -> Vec<(usize, usize, f64)> {
        let mut shares = Vec::new();
        for (cluster, members) in self.members.iter().enumerate() {
            let share = match side {
                Side::Makes => (members.len() as f64).recip(),
                Side::Reads => 1.0,
            };
            let own = members.iter().filter(|unit| *unit / self.units == network);
            shares.extend(own.map(|unit| (cluster, unit % self.units, share)));
        }
        shares
    }
}
