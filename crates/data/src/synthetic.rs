//! Data sets that are drawn: known in every respect, and there at once.

use tensor::Key;

use crate::{
    DataError, Dataset, Example, Splits,
    dataset::Classes,
    line::Line,
    rows::{Numbers, Rows},
};

/// The sizes that every drawn data set has.
pub(crate) const OF_DRAWN: [&str; 3] = ["train", "test", "seed"];

/// How many examples are drawn, and from what.
pub(crate) struct Sizes {
    pub(crate) train: usize,
    pub(crate) test: usize,
    pub(crate) key: Key,
}

impl Sizes {
    /// Reads `train`, `test` and `seed`.
    pub(crate) fn read(line: &Line<'_>, train: usize, test: usize) -> Result<Self, DataError> {
        let key = Key::new(line.seed("seed")?).child(line.name);
        Ok(Self { train: line.count("train", train)?, test: line.count("test", test)?, key })
    }

    /// Both parts from `draw(key of an example, its number, its features) -> label`. No two examples share a key.
    pub(crate) fn draw(
        &self,
        line: &Line<'_>,
        features: usize,
        classes: usize,
        draw: impl Fn(Key, usize, &mut [f32]) -> i32,
    ) -> Result<Splits, DataError> {
        let part = |part: &str, count: usize| {
            let key = self.key.child(part);
            let mut numbers = vec![0f32; self.checked(line, features, count)?];
            let rows = numbers.chunks_exact_mut(features).enumerate();
            let labels = rows.map(|(index, row)| draw(key.fold(index as u64), index, row)).collect();
            let rows = Rows::new(Example::Features(features), Numbers::Floats(numbers));
            Dataset::of_rows(format!("{} ({part})", line.name), Classes::unnamed(classes), rows, labels)
        };
        let (train, test) = (part("train", self.train)?, part("test", self.test)?);
        Ok(Splits::new(line.spec, train, test))
    }

    /// The numbers of a part, if they are not too many.
    fn checked(&self, line: &Line<'_>, features: usize, count: usize) -> Result<usize, DataError> {
        match features.checked_mul(count) {
            Some(total) if total <= MOST_NUMBERS => Ok(total),
            _ => {
                let expected = format!("at most {MOST_NUMBERS} numbers in a part");
                Err(line.fault(&expected, format!("{count} examples of {features}")))
            }
        }
    }
}

/// Most numbers of a part: 4 GiB. Ours, so that a slip is a message and not an exhausted machine.
const MOST_NUMBERS: usize = 1 << 30;
