//! Batches made ahead of the steps that use them.

use std::{
    sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel},
    thread,
};

use tensor::{DType, Key, Tensor, parallel};

use crate::{Dataset, Example};

/// The examples of a step.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// `f32[batch, features]`, of a text `i32[batch, tokens]`.
    pub x: Tensor,
    /// `i32[batch]`, of a text `i32[batch, tokens]`.
    pub labels: Tensor,
}

impl Batch {
    /// Memory for `count` examples of a data set.
    pub(crate) fn new(data: &Dataset, count: usize) -> Self {
        let features = data.features();
        let (dtype, labels) = match data.example() {
            Example::Tokens(_) => (DType::I32, vec![count, features]),
            Example::Features(_) | Example::Image(_) => (DType::F32, vec![count]),
        };
        Self { x: Tensor::zeros(dtype, [count, features]), labels: Tensor::zeros(DType::I32, labels) }
    }

    /// The number of examples.
    #[must_use]
    pub fn count(&self) -> usize {
        self.x.shape()[0]
    }
}

/// One pass over a training set.
#[derive(Clone, Copy, Debug)]
pub struct Epoch<'a> {
    /// The examples.
    pub data: &'a Dataset,
    /// The order in which they are visited; see [`crate::epoch_order`].
    pub order: &'a [usize],
    /// Examples of a batch; the last one takes what is left.
    pub batch: usize,
    /// Batches that are passed over at the beginning: those that a resumed run has done.
    pub skip: usize,
    /// What augmentation is drawn from: the changes of an example depend on this key and the example's index alone.
    pub key: Key,
}

/// Most threads that make batches. Ours, so that the memory for batches stays small on machines of many cores.
const MOST_WORKERS: usize = 4;

impl Epoch<'_> {
    /// Calls `work` with the batches, which threads of their own make ahead: one thread less than the pool that this is
    /// called in has, at least 1 and at most 4. Each makes every so-manieth batch and keeps at most two that nobody has
    /// taken, so memory is bounded by ten batches; the batches are the same for any number of threads. When `work`
    /// returns before the end, the threads stop.
    ///
    /// # Panics
    /// Where the batch is of no examples, or the order names an example that is not there.
    pub fn with_batches<R>(self, work: impl FnOnce(&mut Batches) -> R) -> R {
        let batches: Vec<&[usize]> = self.order.chunks(self.batch).skip(self.skip).collect();
        let workers = parallel::threads().saturating_sub(1).clamp(1, MOST_WORKERS);
        thread::scope(|scope| {
            let lanes = (0..workers).map(|worker| {
                let (made, taken) = sync_channel(1);
                let (back, used) = channel();
                let own: Vec<&[usize]> = batches.iter().skip(worker).step_by(workers).copied().collect();
                scope.spawn(move || self.make(&own, &made, &used));
                Lane { taken, back }
            });
            work(&mut Batches { lanes: lanes.collect(), next: 0 })
        })
    }

    /// Makes these batches one after the other, until nobody takes them any more.
    fn make(&self, batches: &[&[usize]], made: &SyncSender<Batch>, used: &Receiver<Batch>) {
        for indices in batches {
            let reused = used.try_iter().find(|batch| batch.count() == indices.len());
            let mut batch = reused.unwrap_or_else(|| Batch::new(self.data, indices.len()));
            self.data.write_augmented(indices, self.key, &mut batch);
            if made.send(batch).is_err() {
                return;
            }
        }
    }
}

/// What one thread makes.
struct Lane {
    taken: Receiver<Batch>,
    back: Sender<Batch>,
}

/// The batches of an epoch, in order.
pub struct Batches {
    lanes: Vec<Lane>,
    next: usize,
}

impl Batches {
    /// The next batch, waited for if need be; `None` after the last.
    #[expect(clippy::should_implement_trait, reason = "batches are given back while others are taken")]
    pub fn next(&mut self) -> Option<Batch> {
        let batch = self.lanes[self.next].taken.recv().ok()?;
        self.next = (self.next + 1) % self.lanes.len();
        Some(batch)
    }

    /// Gives a batch back, so that its memory is used again.
    pub fn give_back(&mut self, batch: Batch) {
        let lane = (self.next + self.lanes.len() - 1) % self.lanes.len();
        // A thread that has made all its batches wants none.
        let _ = self.lanes[lane].back.send(batch);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Augmentation, Image,
        dataset::Classes,
        epoch_order,
        rows::{Numbers, Rows},
    };

    /// 23 images of 3 × 4 with two channels, augmented.
    fn data() -> Dataset {
        let image = Image { channels: 2, height: 3, width: 4 };
        let bytes = (0..23 * image.elements()).map(|i| (i * 7 % 256) as u8).collect();
        let rows = Rows::new(Example::Image(image), Numbers::Bytes { bytes, white: 255.0 });
        let labels = (0..23).map(|i| i % 5).collect();
        let data = Dataset::of_rows("images", Classes::unnamed(5), rows, labels).unwrap();
        data.augmented(Augmentation::parse("crop:1+flip+scale+rotate").unwrap())
    }

    fn all(data: &Dataset, batch: usize, skip: usize, threads: usize) -> Vec<Batch> {
        let order = epoch_order(Key::new(3), 0, data.len());
        let epoch = Epoch { data, order: &order, batch, skip, key: Key::new(9) };
        let collect = || {
            epoch.with_batches(|batches| {
                let mut all = Vec::new();
                while let Some(batch) = batches.next() {
                    all.push(batch.clone());
                    batches.give_back(batch);
                }
                all
            })
        };
        parallel::with_threads(threads, collect).unwrap()
    }

    #[test]
    fn batches_are_the_same_for_any_number_of_threads_and_after_a_resumption() {
        let data = data();
        let one = all(&data, 4, 0, 1);
        assert_eq!(one.iter().map(Batch::count).collect::<Vec<_>>(), [4, 4, 4, 4, 4, 3]);
        for threads in [2, 3, 5, 9] {
            assert_eq!(all(&data, 4, 0, threads), one, "{threads} threads");
        }
        assert_eq!(all(&data, 4, 2, 3), one[2..]);
        assert!(all(&data, 4, 6, 3).is_empty());
    }

    #[test]
    fn the_change_of_an_example_does_not_depend_on_its_batch() {
        let data = data();
        let numbers = |batches: &[Batch]| -> Vec<f32> {
            batches.iter().flat_map(|batch| batch.x.as_slice::<f32>().unwrap().to_vec()).collect()
        };
        assert_eq!(numbers(&all(&data, 23, 0, 1)), numbers(&all(&data, 2, 0, 4)));
    }

    #[test]
    fn without_augmentation_batches_are_what_gathering_gives() {
        let data = data().augmented(Augmentation::default());
        let order = epoch_order(Key::new(3), 0, data.len());
        let batches = all(&data, 10, 0, 2);
        for (batch, indices) in batches.iter().zip(order.chunks(10)) {
            assert_eq!((batch.x.clone(), batch.labels.clone()), data.gather(indices));
        }
    }

    #[test]
    fn leaving_early_ends_the_threads() {
        let data = data();
        let order = epoch_order(Key::new(3), 0, data.len());
        let epoch = Epoch { data: &data, order: &order, batch: 1, skip: 0, key: Key::new(0) };
        let first = epoch.with_batches(Batches::next);
        assert_eq!(first.map(|batch| batch.count()), Some(1));
    }
}
