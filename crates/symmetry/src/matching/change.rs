//! What changed along an axis between two moves of it.

use crate::action::AxisMaps;

/// Places of one axis whose sources changed, padded to a size of few kinds, so that few graphs serve all changes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) axis: usize,
    /// The places; then, as padding, places whose sources did not change.
    pub(super) places: Vec<usize>,
    /// What each place held.
    pub(super) before: Vec<usize>,
    /// What each place holds now.
    pub(super) after: Vec<usize>,
}

impl Change {
    /// The difference of two moves along `axis`, if it is at most half of the axis when padded to a power of two;
    /// beyond that, starting anew costs no more.
    pub(super) fn between(axis: usize, before: &AxisMaps, after: &AxisMaps) -> Option<Self> {
        let (before, after) = (before[axis].as_ref()?, after[axis].as_ref()?);
        let (same, mut places): (Vec<usize>, Vec<usize>) =
            (0..after.len()).partition(|&place| before[place] == after[place]);
        let padded = places.len().next_power_of_two().max(LEAST);
        if 2 * padded > after.len() {
            return None;
        }
        let missing = padded - places.len();
        places.extend(&same[..missing]);
        let sources = |map: &[usize]| places.iter().map(|&place| map[place]).collect();
        Some(Self { axis, before: sources(before), after: sources(after), places })
    }
}

/// The least number of places: 16. Ours: a thinner matrix product costs as much.
const LEAST: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn between(before: &[usize], after: &[usize]) -> Option<Change> {
        Change::between(1, &vec![None, Some(before.to_vec())], &vec![None, Some(after.to_vec())])
    }

    #[test]
    fn changed_places_come_first_and_padding_keeps_its_sources() {
        let before: Vec<usize> = (0..40).collect();
        let mut after = before.clone();
        after.swap(3, 30);
        let change = between(&before, &after).unwrap();
        assert_eq!((change.axis, change.places.len()), (1, 16));
        assert_eq!(change.places[..4], [3, 30, 0, 1]);
        assert_eq!((&change.before[..2], &change.after[..2]), (&[3, 30][..], &[30, 3][..]));
        assert_eq!(change.before[2..], change.after[2..]);
    }

    #[test]
    fn a_change_of_much_is_none() {
        let before: Vec<usize> = (0..64).collect();
        let after = |count: usize| (0..count).rev().chain(count..64).collect::<Vec<_>>();
        assert_eq!(between(&before, &after(32)).unwrap().places.len(), 32);
        assert_eq!(between(&before, &after(34)), None);
        assert_eq!(between(&before[..8], &before[..8]), None, "an axis shorter than the least change");
    }
}
