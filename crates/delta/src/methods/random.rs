//! Which elements a random mask keeps: a function of the seed, the tensor's name, the model's place and the element's position.

use tensor::Key;

/// Values of a random word.
const WORDS: f64 = 4_294_967_296.0;

/// The key of a mask.
pub(super) fn mask_key(seed: u64, tensor: &str, model: usize) -> Key {
    Key::new(seed).child("delta").child(tensor).fold(model as u64)
}

/// The random words of the elements from `start` on.
pub(super) fn words(key: Key, start: usize, count: usize) -> Vec<u32> {
    let mut words = vec![0i32; count];
    key.words(0, start as u64, &mut words);
    words.into_iter().map(|word| word as u32).collect()
}

/// What a word must be below to come with this probability, exact to 2⁻³².
pub(super) fn threshold(probability: f64) -> u64 {
    (probability.clamp(0.0, 1.0) * WORDS).round() as u64
}
