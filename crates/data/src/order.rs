//! The order of examples in training.

use tensor::Key;

/// The order in which an epoch visits `n` examples: a uniform permutation that depends on the key and the epoch
/// alone, so that a resumed run goes on where it was.
#[must_use]
pub fn epoch_order(key: Key, epoch: usize, n: usize) -> Vec<usize> {
    key.child("order").fold(epoch as u64).permutation(n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_epoch_visits_each_example_once_in_an_order_of_its_own() {
        let order = |epoch| epoch_order(Key::new(3), epoch, 100);
        assert_ne!(order(0), order(1));
        assert_eq!(order(4), order(4));
        let mut sorted = order(2);
        sorted.sort_unstable();
        assert_eq!(sorted, (0..100).collect::<Vec<_>>());
    }
}
