//! Which elements a random mask keeps: a function of the seed, the tensor's name, the model's place and the element's position.

use tensor::Key;

use super::wide::wide;

/// Values of a random word.
const WORDS: f64 = 4_294_967_296.0;

/// The key of a mask.
pub(super) fn mask_key(seed: u64, tensor: &str, model: usize) -> Key {
    Key::new(seed).child("delta").child(tensor).fold(model as u64)
}

/// Words drawn at a time: few enough to stay in the first cache.
const BLOCK: usize = 1 << 10;

/// The random words of the elements from `start` on.
pub(super) fn words(key: Key, start: usize, count: usize) -> Vec<u32> {
    let mut words = vec![0i32; count];
    wide(
        #[inline(always)]
        || key.words(0, start as u64, &mut words),
    );
    words.into_iter().map(|word| word as u32).collect()
}

/// A bit for each element, from `start` on: whether its word is below a [`threshold`].
pub(super) fn mask(key: Key, start: usize, threshold: u64, elements: usize) -> Vec<u64> {
    let mut mask = vec![u64::MAX; elements.div_ceil(64)];
    let Ok(threshold) = u32::try_from(threshold) else { return mask };
    wide(
        #[inline(always)]
        || {
            let mut words = [0i32; BLOCK];
            for (block, mask) in mask.chunks_mut(BLOCK / 64).enumerate() {
                key.words(0, (start + block * BLOCK) as u64, &mut words);
                for (bits, words) in mask.iter_mut().zip(words.as_chunks::<64>().0) {
                    let bit = |(place, &word): (usize, &i32)| u64::from((word as u32) < threshold) << place;
                    *bits = words.iter().enumerate().map(bit).fold(0, |all, bit| all | bit);
                }
            }
        },
    );
    mask
}

/// Sets those elements to zero whose bits are not set.
pub(super) fn keep(mask: &[u64], elements: &mut [f32]) {
    wide(
        #[inline(always)]
        || {
            for (elements, bits) in
                elements.chunks_mut(32).zip(mask.iter().flat_map(|&bits| [bits as u32, (bits >> 32) as u32]))
            {
                let both = elements.iter_mut().enumerate();
                both.for_each(|(place, x)| *x = if bits & (1 << place) == 0 { 0.0 } else { *x });
            }
        },
    );
}

/// What a word must be below to come with this probability, exact to 2⁻³².
pub(super) fn threshold(probability: f64) -> u64 {
    (probability.clamp(0.0, 1.0) * WORDS).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_stays_where_its_word_is_below() {
        let (key, start, count) = (mask_key(3, "w", 1), 5, 3000);
        for share in [0.0, 0.3, 1.0] {
            let mut elements = vec![1.0; count];
            keep(&mask(key, start, threshold(share), count), &mut elements);
            let kept = |word: u32| if u64::from(word) < threshold(share) { 1.0 } else { 0.0 };
            assert!(words(key, start, count).into_iter().map(kept).eq(elements), "{share}");
        }
    }
}
