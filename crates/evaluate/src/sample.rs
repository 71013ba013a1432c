//! Examples in an order of their own, for statistics of a data set.

use std::ops::Range;

use data::Dataset;
use models::Model;
use tensor::{Key, Tensor};

use crate::{EvaluateError, passes::Passes};

/// Every data set of one size is visited in one order.
const KEY: Key = Key::new(0);

/// Examples of a data set, without augmentation, in chunks and in a pseudo-random order that depends on their number alone, so that a
/// data set sorted by class does not matter.
pub(crate) struct Sample {
    data: Dataset,
    order: Vec<usize>,
    chunks: Vec<Range<usize>>,
}

impl Sample {
    /// The first `examples` in that order, at least one and at most all, in chunks of a length, the last with what is left over.
    pub(crate) fn new(data: Dataset, examples: Option<usize>, chunk: usize) -> Self {
        let mut order = KEY.child("statistics").permutation(data.len());
        order.truncate(examples.unwrap_or(data.len()).max(1));
        Self::in_order(data, order, chunk)
    }

    /// Examples in a given order.
    pub(crate) fn in_order(data: Dataset, order: Vec<usize>, chunk: usize) -> Self {
        let chunks = cut(order.len(), chunk);
        Self { data, order, chunks }
    }

    pub(crate) const fn examples(&self) -> usize {
        self.order.len()
    }

    /// The lengths of the chunks, in order.
    pub(crate) fn lengths(&self) -> impl Iterator<Item = usize> + '_ {
        self.chunks.iter().map(ExactSizeIterator::len)
    }

    /// Runs a graph of the model on all chunks, with arguments that are the same for each before the data; `take` is given the number of examples of
    /// each chunk and its results, in order.
    pub(crate) fn run(
        &self,
        passes: &mut Passes,
        model: &Model,
        fixed: &[&Tensor],
        take: &mut dyn FnMut(usize, &[Tensor]),
    ) -> Result<(), EvaluateError> {
        let mut pass = passes.begin(fixed)?;
        for chunk in &self.chunks {
            let (x, labels) = self.data.gather(&self.order[chunk.clone()]);
            let data = if model.target().is_some() { vec![x, labels] } else { vec![x] };
            if let Some((data, results)) = pass.put(chunk.len(), data, |data| data.iter().collect())? {
                take(data[0].shape()[0], &results);
            }
        }
        while let Some((data, results)) = pass.take()? {
            take(data[0].shape()[0], &results);
        }
        Ok(())
    }
}

/// Chunks of one length, the last with what is left over besides.
fn cut(count: usize, chunk: usize) -> Vec<Range<usize>> {
    let chunks = (count / chunk).max(1);
    let end = |position: usize| if position + 1 == chunks { count } else { (position + 1) * chunk };
    (0..chunks).map(|position| position * chunk..end(position)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_over_goes_into_the_last_chunk() {
        assert_eq!(cut(5, 2), [0..2, 2..5]);
        assert_eq!((cut(4, 2), cut(1, 2).len()), (vec![0..2, 2..4], 1));
    }

    #[test]
    fn the_order_is_mixed_and_its_beginning_is_taken() {
        let data = data::load("digits").unwrap().test;
        let sample = |examples| Sample::new(data.clone(), examples, 100);
        let (all, some) = (sample(None), sample(Some(7)));
        assert_eq!((all.examples(), some.examples(), sample(Some(0)).examples()), (data.len(), 7, 1));
        assert_eq!(some.order, all.order[..7]);
        assert!(!all.order.is_sorted());
        assert_eq!(sample(Some(data.len() + 1)).order, all.order);
    }
}
