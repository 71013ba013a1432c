//! Random bits: Philox 4×32-10 in integer arithmetic, so that they are those of every other executor.

use graph::ops::Slice;
use tensor::Philox;

use super::program::{Element, Program, Term, Type};

/// Four words, one for each block.
type Block = [Term; 4];

impl Program {
    pub(super) fn random_bits(&mut self, key: &Term, counter: &Term, ty: &Type) -> Term {
        let count = ty.elements();
        let blocks = Type::new(Element::U32, &[count.div_ceil(4)]);
        let mut words = self.counters(counter, &blocks);
        let mut key = [0, 1].map(|word| self.key_word(key, word, &blocks));
        for round in 0..Philox::ROUNDS {
            if round > 0 {
                key = self.next_key(&key);
            }
            words = self.philox_round(&words, &key);
        }
        let columns = words.map(|word| self.reshape(&word, &[blocks.shape[0], 1]));
        let all = self.concatenate(&columns.iter().collect::<Vec<_>>(), 1);
        let all = self.reshape(&all, &[4 * blocks.shape[0]]);
        let taken = self.part(&all, 0, count);
        let shaped = self.reshape(&taken, &ty.shape);
        self.op("bitcast_convert", &[&shaped], "", ty.clone())
    }

    /// Block `i` of the stream numbered `counter` has counter `(i, counter, 2)`; see [`tensor::Key::words`].
    fn counters(&mut self, counter: &Term, blocks: &Type) -> Block {
        let stream = self.op("bitcast_convert", &[counter], "", counter.ty.with_element(Element::U32));
        [
            self.iota(Element::U32, &blocks.shape, 0),
            self.number(0, blocks),
            self.broadcast(&stream, &[], &blocks.shape),
            self.number(i64::from(Philox::WORDS), blocks),
        ]
    }

    fn key_word(&mut self, key: &Term, word: usize, blocks: &Type) -> Term {
        let bits = self.part(key, word, word + 1);
        let bits = self.op("bitcast_convert", &[&bits], "", bits.ty.with_element(Element::U32));
        let bits = self.reshape(&bits, &[]);
        self.broadcast(&bits, &[], &blocks.shape)
    }

    /// A range of a vector.
    fn part(&mut self, vector: &Term, start: usize, limit: usize) -> Term {
        let slice = Slice { start: vec![start], limit: vec![limit], stride: vec![1] };
        self.slice(&slice, vector, vector.ty.with_shape(&[limit - start]))
    }

    fn next_key(&mut self, key: &[Term; 2]) -> [Term; 2] {
        [0, 1].map(|word| self.with_number("add", &key[word], i64::from(Philox::WEYL[word])))
    }

    fn philox_round(&mut self, words: &Block, key: &[Term; 2]) -> Block {
        let [high_0, low_0] = self.product(&words[0], Philox::MULTIPLIER[0]);
        let [high_1, low_1] = self.product(&words[2], Philox::MULTIPLIER[1]);
        let first = self.exclusive_or(&[&high_1, &words[1], &key[0]]);
        let third = self.exclusive_or(&[&high_0, &words[3], &key[1]]);
        [first, low_1, third, low_0]
    }

    /// The high and the low word of a product.
    fn product(&mut self, word: &Term, multiplier: u32) -> [Term; 2] {
        let wide = self.op("convert", &[word], "", word.ty.with_element(Element::U64));
        let product = self.with_number("multiply", &wide, i64::from(multiplier));
        let high = self.with_number("shift_right_logical", &product, 32);
        let high = self.op("convert", &[&high], "", word.ty.clone());
        [high, self.with_number("multiply", word, i64::from(multiplier))]
    }

    fn exclusive_or(&mut self, terms: &[&Term; 3]) -> Term {
        let pair = self.binary("xor", terms[0], terms[1]);
        self.binary("xor", &pair, terms[2])
    }
}
