//! Counter-based random numbers.

/// A key of a counter-based random generator (Philox 4×32-10; Salmon et al., *Parallel random numbers: as easy
/// as 1, 2, 3*, SC 2011).
///
/// A key is a value, not a state: element `i` of a draw depends on the key and on `i` alone, so the same seed
/// gives the same bits in any order, on any number of threads, and after a resumption. Independent streams are
/// made with [`Key::child`] and [`Key::fold`]; never draw twice from one key for two purposes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key([u32; 2]);

/// The constants of Philox 4×32-10 (Salmon et al., SC 2011, section 4.3), for executors that compute it elsewhere.
#[derive(Clone, Copy, Debug)]
pub struct Philox;

impl Philox {
    /// How often the counter is stirred.
    pub const ROUNDS: usize = 10;
    /// What the first and the third word of the counter are multiplied by.
    pub const MULTIPLIER: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
    /// What is added to the key from round to round.
    pub const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
    /// The last word of the counters of [`Key::words`], which keeps them apart from everything else drawn from a key.
    pub const WORDS: u32 = 2;
}

/// Blocks that are computed side by side: two of the widest vectors.
const LANES: usize = 32;

/// The generator at several counters, word by word.
#[inline(always)]
#[expect(
    clippy::needless_range_loop,
    reason = "one lane of several arrays; iterators over them are no vector loops"
)]
fn philox<const N: usize>(key: [u32; 2], counters: [[u32; N]; 4]) -> [[u32; N]; 4] {
    let (mut c, mut k) = (counters, key);
    for round in 0..Philox::ROUNDS {
        if round > 0 {
            k = [k[0].wrapping_add(Philox::WEYL[0]), k[1].wrapping_add(Philox::WEYL[1])];
        }
        for lane in 0..N {
            let p0 = u64::from(Philox::MULTIPLIER[0]) * u64::from(c[0][lane]);
            let p1 = u64::from(Philox::MULTIPLIER[1]) * u64::from(c[2][lane]);
            c[0][lane] = (p1 >> 32) as u32 ^ c[1][lane] ^ k[0];
            c[2][lane] = (p0 >> 32) as u32 ^ c[3][lane] ^ k[1];
            (c[1][lane], c[3][lane]) = (p1 as u32, p0 as u32);
        }
    }
    c
}

impl Key {
    /// The root key of a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self([seed as u32, (seed >> 32) as u32])
    }

    /// The key with these two words.
    #[must_use]
    pub const fn from_words(words: [u32; 2]) -> Self {
        Self(words)
    }

    /// The key of a named sub-stream.
    #[must_use]
    pub fn child(self, name: &str) -> Self {
        self.fold(fnv1a(name.as_bytes()))
    }

    /// The key of a numbered sub-stream.
    #[must_use]
    pub fn fold(self, number: u64) -> Self {
        // The high counter words separate derived keys from drawn numbers, whose counters stay below 2^64.
        let [a, b, ..] = self.block([number as u32, (number >> 32) as u32, 0x6B65_7900, 1]);
        Self([a, b])
    }

    /// The 128 random bits at `counter`: the raw generator.
    #[must_use]
    pub fn block(self, counter: [u32; 4]) -> [u32; 4] {
        philox(self.0, counter.map(|word| [word])).map(|[word]| word)
    }

    /// Random words `first`, `first + 1`, … of the stream numbered `counter`, each as an integer of 32 random bits.
    /// Word `i` is word `i % 4` of the block at counter `(i / 4, counter, 2)`, whose last word keeps these streams
    /// apart from everything else that is drawn from a key.
    #[inline(always)]
    pub fn words(self, counter: u32, first: u64, out: &mut [i32]) {
        let (mut position, mut rest) = (first, out);
        while !rest.is_empty() {
            let words = self.word_blocks(counter, position / 4);
            let words = &words[(position % 4) as usize..];
            let (piece, after) = rest.split_at_mut(rest.len().min(words.len()));
            piece.copy_from_slice(&words[..piece.len()]);
            (position, rest) = (position.wrapping_add(piece.len() as u64), after);
        }
    }

    /// The words of [`LANES`] blocks, from block `first` on.
    #[inline(always)]
    #[expect(
        clippy::needless_range_loop,
        reason = "one lane of several arrays; iterators over them are no vector loops"
    )]
    fn word_blocks(self, counter: u32, first: u64) -> [i32; 4 * LANES] {
        let mut counters = [[0; LANES], [0; LANES], [counter; LANES], [Philox::WORDS; LANES]];
        for lane in 0..LANES {
            let block = first.wrapping_add(lane as u64);
            (counters[0][lane], counters[1][lane]) = (block as u32, (block >> 32) as u32);
        }
        let blocks = philox(self.0, counters);
        let mut words = [0; 4 * LANES];
        for lane in 0..LANES {
            for word in 0..4 {
                words[4 * lane + word] = blocks[word][lane] as i32;
            }
        }
        words
    }

    /// 64 random bits at position `index` of this key's stream.
    #[must_use]
    pub fn bits(self, index: u64) -> u64 {
        let [a, b, ..] = self.block([index as u32, (index >> 32) as u32, 0, 0]);
        u64::from(a) | u64::from(b) << 32
    }

    /// A uniform number in [0, 1) with 53 random bits.
    #[must_use]
    pub fn uniform(self, index: u64) -> f64 {
        (self.bits(index) >> 11) as f64 * 2f64.powi(-53)
    }

    /// A standard normal number (Box–Muller transform of 128 bits).
    #[must_use]
    pub fn normal(self, index: u64) -> f64 {
        let [a, b, c, d] = self.block([index as u32, (index >> 32) as u32, 0, 0]);
        let unit =
            |low: u32, high: u32| ((u64::from(low) | u64::from(high) << 32) >> 11) as f64 * 2f64.powi(-53);
        let radius = (-2.0 * (1.0 - unit(a, b)).ln()).sqrt();
        radius * (std::f64::consts::TAU * unit(c, d)).cos()
    }

    /// A uniform integer below `bound`, exactly uniform (Lemire's method with rejection).
    ///
    /// # Panics
    /// Where `bound` is 0.
    #[must_use]
    pub fn below(self, index: u64, bound: u64) -> u64 {
        assert!(bound > 0, "a random integer needs a positive bound");
        let threshold = bound.wrapping_neg() % bound;
        let mut bits = self.bits(index);
        let mut attempt = 0;
        loop {
            let product = u128::from(bits) * u128::from(bound);
            if product as u64 >= threshold {
                return (product >> 64) as u64;
            }
            attempt += 1;
            bits = self.fold(attempt).bits(index);
        }
    }

    /// A uniform permutation of `0..count` (Fisher–Yates).
    #[must_use]
    pub fn permutation(self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        for last in (1..count).rev() {
            order.swap(last, self.below(last as u64, last as u64 + 1) as usize);
        }
        order
    }
}

/// The 64-bit FNV-1a hash: a fixed function of the bytes, unlike the standard library's hashers.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The known answers published with Random123 (file `kat_vectors`, generator philox4x32, 10 rounds).
    #[test]
    fn philox_gives_the_published_known_answers() {
        assert_eq!(Key([0, 0]).block([0; 4]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        assert_eq!(
            Key([u32::MAX; 2]).block([u32::MAX; 4]),
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
        );
        assert_eq!(
            Key([0xa409_3822, 0x299f_31d0]).block([0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344]),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }

    #[test]
    fn any_run_of_words_is_a_part_of_the_same_stream() {
        let key = Key::from_words([3, 4]);
        let mut stream = [0; 300];
        key.words(7, 1 << 34, &mut stream);
        let block = key.block([5, 1, 7, 2]).map(|word| word as i32);
        assert_eq!(stream[20..24], block);
        for (start, length) in [(0, 1), (1, 4), (3, 200), (130, 170), (299, 1), (7, 0)] {
            let mut run = vec![0; length];
            key.words(7, (1 << 34) + start as u64, &mut run);
            assert_eq!(run, stream[start..start + length]);
        }
    }

    #[test]
    fn moments_of_draws_are_right_within_five_standard_errors() {
        let (key, count) = (Key::new(7), 100_000u64);
        let mean = |f: &dyn Fn(u64) -> f64| (0..count).map(f).sum::<f64>() / count as f64;
        let root = (count as f64).sqrt();
        assert!((mean(&|i| key.uniform(i)) - 0.5).abs() < 5.0 * (1f64 / 12.0).sqrt() / root);
        assert!(mean(&|i| key.normal(i)).abs() < 5.0 / root);
        assert!((mean(&|i| key.normal(i).powi(2)) - 1.0).abs() < 5.0 * 2f64.sqrt() / root);
        assert!((mean(&|i| key.normal(i).powi(4)) - 3.0).abs() < 5.0 * 96f64.sqrt() / root);
    }

    #[test]
    fn every_permutation_of_three_is_equally_likely() {
        let mut counts = std::collections::BTreeMap::new();
        for seed in 0..6000 {
            *counts.entry(Key::new(seed).permutation(3)).or_insert(0) += 1;
        }
        assert_eq!(counts.len(), 6);
        assert!(counts.values().all(|&count: &i32| (count - 1000).abs() < 150), "{counts:?}");
    }

    #[test]
    fn named_streams_differ() {
        let key = Key::new(0);
        assert_ne!(key.child("a"), key.child("b"));
        assert_ne!(key.fold(0), key);
    }
}
