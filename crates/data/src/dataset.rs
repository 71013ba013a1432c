//! Examples with their labels.

use std::{ops::Range, sync::Arc};

use tensor::{Buffer, Key, Tensor, parallel};

use crate::{
    Augmentation, Batch, BytePairs, DataError, Example, Normalization,
    rows::{Numbers, Rows},
    scale::Scale,
    text::Text,
    vocabulary::Vocabulary,
    warp::Warp,
};

/// Labelled examples. Never empty; every label is below the number of classes. Copies share their memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    name: String,
    classes: Arc<Classes>,
    contents: Contents,
    augmentation: Augmentation,
}

/// The classes of a data set.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Classes {
    pub(crate) count: usize,
    /// Their names in order, where the source tells them.
    pub(crate) names: Vec<String>,
}

/// What the examples are.
#[derive(Clone, Debug, PartialEq)]
enum Contents {
    /// Numbers, each example with a label.
    Rows { rows: Arc<Rows>, labels: Arc<Vec<i32>>, scale: Arc<Scale> },
    /// A text, each token the label of those before it.
    Text(Text),
}

/// Rows made by one piece of parallel work: fixed, so that borders depend on the problem alone.
const ROWS_PER_CHUNK: usize = 64;

impl Classes {
    /// Classes without names.
    pub(crate) const fn unnamed(count: usize) -> Self {
        Self { count, names: Vec::new() }
    }

    /// A class for each name.
    pub(crate) const fn named(names: Vec<String>) -> Self {
        Self { count: names.len(), names }
    }
}

impl Dataset {
    /// Examples `x` (`f32[N, features]`) with `labels` (`i32[N]`, each from 0 up to `classes` exclusive).
    ///
    /// # Errors
    /// [`DataError::NotADataset`] where the tensors are of other types or shapes, or there are no examples;
    /// [`DataError::Label`] where a label is out of range.
    pub fn new(
        name: impl Into<String>,
        classes: usize,
        x: Tensor,
        labels: Tensor,
    ) -> Result<Self, DataError> {
        let (name, count) = (name.into(), labels.elements());
        let fits =
            x.shape().rank() == 2 && labels.shape().rank() == 1 && x.shape()[0] == count && x.elements() > 0;
        let found = format!("{}{} and {}{}", x.dtype(), x.shape(), labels.dtype(), labels.shape());
        match (fits, x.into_parts(), labels.into_parts()) {
            (true, (shape, Buffer::F32(numbers)), (_, Buffer::I32(labels))) => {
                let rows = Rows::new(Example::Features(shape[1]), Numbers::Floats(numbers));
                Self::of_rows(name, Classes::unnamed(classes), rows, labels)
            }
            _ => Err(DataError::NotADataset { name, found }),
        }
    }

    /// Rows with as many labels.
    pub(crate) fn of_rows(
        name: impl Into<String>,
        classes: Classes,
        rows: Rows,
        labels: Vec<i32>,
    ) -> Result<Self, DataError> {
        let (name, count) = (name.into(), classes.count);
        debug_assert_eq!(rows.len(), labels.len(), "a label for each example of {name}");
        let in_range = |label: i32| usize::try_from(label).is_ok_and(|label| label < count);
        if let Some(index) = labels.iter().position(|&label| !in_range(label)) {
            let found = i64::from(labels[index]);
            return Err(DataError::Label { file: name, index, found, classes: count });
        }
        let scale = Arc::new(Scale::new(&rows, None));
        let contents = Contents::Rows { rows: Arc::new(rows), labels: Arc::new(labels), scale };
        Ok(Self { name, classes: Arc::new(classes), contents, augmentation: Augmentation::default() })
    }

    /// A text of at least one window.
    pub(crate) fn of_text(name: impl Into<String>, text: Text) -> Self {
        let classes = Arc::new(Classes::unnamed(text.vocabulary().len()));
        Self {
            name: name.into(),
            classes,
            contents: Contents::Text(text),
            augmentation: Augmentation::default(),
        }
    }

    /// The name shown to people, as `digits (train)`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The number of classes; of a text, of the tokens that there are.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.classes.count
    }

    /// The names of the classes, in order; none where the source does not tell them.
    #[must_use]
    pub fn class_names(&self) -> &[String] {
        &self.classes.names
    }

    /// The different characters of a text that is read in characters, in the order of their tokens.
    #[must_use]
    pub fn vocabulary(&self) -> Option<&[char]> {
        match self.text()?.vocabulary() {
            Vocabulary::Characters(characters) => Some(characters),
            Vocabulary::BytePairs(_) => None,
        }
    }

    /// The tokenizer of a text that is read in byte pairs.
    #[must_use]
    pub fn tokenizer(&self) -> Option<&BytePairs> {
        match self.text()?.vocabulary() {
            Vocabulary::Characters(_) => None,
            Vocabulary::BytePairs(tokenizer) => Some(tokenizer),
        }
    }

    /// The mean length of a token of a text in bytes of UTF-8.
    #[must_use]
    pub fn bytes_per_token(&self) -> Option<f64> {
        self.text().map(Text::bytes_per_token)
    }

    /// What an example is.
    #[must_use]
    pub fn example(&self) -> Example {
        match &self.contents {
            Contents::Rows { rows, .. } => rows.example(),
            Contents::Text(text) => Example::Tokens(text.window()),
        }
    }

    /// All examples as a network reads them, without augmentation: `f32[N, features]`, of a text `i32[N, tokens]`.
    #[must_use]
    pub fn x(&self) -> Tensor {
        self.range(0..self.len()).0
    }

    /// The labels: `i32[N]`, of a text `i32[N, tokens]`.
    #[must_use]
    pub fn labels(&self) -> Tensor {
        match &self.contents {
            Contents::Rows { labels, .. } => Tensor::from_fn([labels.len()], |i| labels[i]),
            Contents::Text(text) => text.labels(),
        }
    }

    /// The number of examples, at least 1; of a text, of windows.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a data set is never empty")]
    pub fn len(&self) -> usize {
        match &self.contents {
            Contents::Rows { labels, .. } => labels.len(),
            Contents::Text(text) => text.len(),
        }
    }

    /// The number of features of an example; of a text, of tokens.
    #[must_use]
    pub fn features(&self) -> usize {
        self.example().elements()
    }

    /// How many examples each class has; of a text, how often each token occurs.
    #[must_use]
    pub fn counts(&self) -> Vec<usize> {
        match &self.contents {
            Contents::Rows { labels, .. } => {
                let mut counts = vec![0; self.classes()];
                labels.iter().for_each(|&label| counts[label as usize] += 1);
                counts
            }
            Contents::Text(text) => text.counts(),
        }
    }

    /// The number of tokens of a text.
    #[must_use]
    pub fn tokens(&self) -> Option<usize> {
        self.text().map(Text::tokens)
    }

    /// All tokens of a text, in order.
    #[must_use]
    pub fn token_ids(&self) -> Option<&[i32]> {
        self.text().map(Text::token_ids)
    }

    /// How numbers are normalised, if they are.
    #[must_use]
    pub fn normalization(&self) -> Option<&Normalization> {
        match &self.contents {
            Contents::Rows { scale, .. } => scale.normalization(),
            Contents::Text(_) => None,
        }
    }

    /// What is changed at random in training.
    #[must_use]
    pub const fn augmentation(&self) -> Augmentation {
        self.augmentation
    }

    /// The examples at `indices`, in that order, with their labels and without augmentation: `f32[n, features]` and
    /// `i32[n]`, of a text `i32[n, tokens]` twice.
    ///
    /// # Panics
    /// Where an index is not below the number of examples.
    #[must_use]
    pub fn gather(&self, indices: &[usize]) -> (Tensor, Tensor) {
        let mut batch = Batch::new(self, indices.len());
        self.write(indices, &mut batch);
        (batch.x, batch.labels)
    }

    /// The examples of a range with their labels, as [`Dataset::gather`].
    ///
    /// # Panics
    /// Where the range exceeds the examples.
    #[must_use]
    pub fn range(&self, range: Range<usize>) -> (Tensor, Tensor) {
        self.gather(&range.collect::<Vec<_>>())
    }

    /// The first `count` examples, or all where there are fewer.
    ///
    /// # Panics
    /// Where `count` is 0: a data set is never empty.
    #[must_use]
    pub fn take(&self, count: usize) -> Self {
        assert!(count > 0, "a data set has at least one example");
        match &self.contents {
            Contents::Rows { .. } => self.select(&(0..count.min(self.len())).collect::<Vec<_>>()),
            Contents::Text(text) => Self { contents: Contents::Text(text.take(count)), ..self.clone() },
        }
    }

    /// A text in windows of `tokens` tokens; other data sets as they are. `None` for a text that is too short.
    #[must_use]
    pub fn with_window(&self, tokens: usize) -> Option<Self> {
        match &self.contents {
            Contents::Rows { .. } => Some(self.clone()),
            Contents::Text(text) => {
                Some(Self { contents: Contents::Text(text.with_window(tokens)?), ..self.clone() })
            }
        }
    }

    pub(crate) fn text(&self) -> Option<&Text> {
        match &self.contents {
            Contents::Text(text) => Some(text),
            Contents::Rows { .. } => None,
        }
    }

    /// Rows and labels; none of a text.
    pub(crate) fn rows(&self) -> Option<(&Rows, &[i32])> {
        match &self.contents {
            Contents::Rows { rows, labels, .. } => Some((rows, labels)),
            Contents::Text(_) => None,
        }
    }

    /// The examples of these indices, of a data set that is not a text and at least one.
    pub(crate) fn select(&self, indices: &[usize]) -> Self {
        let Contents::Rows { rows, labels, scale } = &self.contents else { return self.clone() };
        let rows = Arc::new(rows.select(indices));
        let labels = Arc::new(indices.iter().map(|&index| labels[index]).collect());
        Self { contents: Contents::Rows { rows, labels, scale: Arc::clone(scale) }, ..self.clone() }
    }

    /// The same examples with other numbers.
    pub(crate) fn with_rows(&self, rows: Rows) -> Self {
        let Contents::Rows { labels, .. } = &self.contents else { return self.clone() };
        let scale = Arc::new(Scale::new(&rows, self.normalization().cloned()));
        let contents = Contents::Rows { rows: Arc::new(rows), labels: Arc::clone(labels), scale };
        Self { contents, ..self.clone() }
    }

    /// The same examples with every number that is no grey value changed.
    pub(crate) fn map_floats(&self, change: impl Fn(f32) -> f32) -> Self {
        match self.rows().map(|(rows, _)| (rows.example(), rows.numbers())) {
            Some((example, Numbers::Floats(floats))) => {
                let floats = floats.iter().map(|&number| change(number)).collect();
                self.with_rows(Rows::new(example, Numbers::Floats(floats)))
            }
            Some((_, Numbers::Bytes { .. })) | None => self.clone(),
        }
    }

    /// The same text in other tokens.
    pub(crate) fn with_text(&self, text: Text) -> Self {
        Self { augmentation: self.augmentation, ..Self::of_text(self.name.clone(), text) }
    }

    /// The same examples, normalised; a text as it is.
    pub(crate) fn normalized(&self, normalization: Option<Normalization>) -> Self {
        let Contents::Rows { rows, labels, .. } = &self.contents else { return self.clone() };
        let scale = Arc::new(Scale::new(rows, normalization));
        let contents = Contents::Rows { rows: Arc::clone(rows), labels: Arc::clone(labels), scale };
        Self { contents, ..self.clone() }
    }

    pub(crate) fn renamed(self, name: String) -> Self {
        Self { name, ..self }
    }

    pub(crate) fn augmented(self, augmentation: Augmentation) -> Self {
        Self { augmentation, ..self }
    }

    /// Writes examples without augmentation, in parallel.
    fn write(&self, indices: &[usize], batch: &mut Batch) {
        let (x, labels) = (&mut batch.x, &mut batch.labels);
        match &self.contents {
            Contents::Rows { rows, labels: all, scale } => {
                let features = rows.example().elements();
                let plain = Warp::whole(false, [0, 0]);
                parallel::for_each_chunk(slice(x), ROWS_PER_CHUNK * features, |start, out: &mut [f32]| {
                    let indices = &indices[start / features..];
                    for (out, &index) in out.chunks_exact_mut(features).zip(indices) {
                        write_row(rows, scale, &plain, index, out);
                    }
                });
                write_labels(all, indices, labels);
            }
            Contents::Text(text) => write_text(text, 0, indices, x, labels),
        }
    }

    /// Writes examples as training sees them in the epoch of this key, on the calling thread alone.
    pub(crate) fn write_augmented(&self, indices: &[usize], epoch: Key, batch: &mut Batch) {
        let (x, labels) = (&mut batch.x, &mut batch.labels);
        match &self.contents {
            Contents::Rows { rows, labels: all, scale } => {
                let features = rows.example().elements();
                for (out, &index) in slice::<f32>(x).chunks_exact_mut(features).zip(indices) {
                    write_row(rows, scale, &self.warp(rows, epoch, index), index, out);
                }
                write_labels(all, indices, labels);
            }
            Contents::Text(text) => {
                write_text(text, self.augmentation.offset(epoch, text.window()), indices, x, labels);
            }
        }
    }

    /// How training changes an example.
    fn warp(&self, rows: &Rows, epoch: Key, index: usize) -> Warp {
        match rows.example() {
            Example::Image(image) if self.augmentation.is_of_images() => {
                self.augmentation.draw(epoch.fold(index as u64), image.height, image.width)
            }
            _ => Warp::whole(false, [0, 0]),
        }
    }
}

/// Writes one example; a warp changes images alone.
fn write_row(rows: &Rows, scale: &Scale, warp: &Warp, index: usize, out: &mut [f32]) {
    match (rows.example(), rows.numbers()) {
        (Example::Image(image), _) => warp.write(rows, image, scale, index, out),
        (_, Numbers::Floats(floats)) => {
            let row = &floats[index * out.len()..][..out.len()];
            if scale.normalization().is_none() {
                return out.copy_from_slice(row);
            }
            for (channel, (out, &number)) in out.iter_mut().zip(row).enumerate() {
                *out = scale.float(channel, number);
            }
        }
        (_, Numbers::Bytes { bytes, .. }) => {
            let row = &bytes[index * out.len()..][..out.len()];
            for (channel, (out, &byte)) in out.iter_mut().zip(row).enumerate() {
                *out = scale.table(channel)[usize::from(byte)];
            }
        }
    }
}

fn write_labels(all: &[i32], indices: &[usize], labels: &mut Tensor) {
    slice(labels).iter_mut().zip(indices).for_each(|(label, &index)| *label = all[index]);
}

fn write_text(text: &Text, offset: usize, indices: &[usize], x: &mut Tensor, labels: &mut Tensor) {
    let pairs = slice(x).chunks_exact_mut(text.window()).zip(slice(labels).chunks_exact_mut(text.window()));
    pairs.zip(indices).for_each(|((x, labels), &index)| text.write(index, offset, x, labels));
}

fn slice<T: tensor::Element>(tensor: &mut Tensor) -> &mut [T] {
    tensor.as_mut_slice().unwrap_or_else(|_| unreachable!("batches have the data set's types"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dataset(count: usize) -> Dataset {
        let x = Tensor::from_fn([count, 3], |i| i as f32);
        Dataset::new("counting", 10, x, Tensor::from_fn([count], |i| (i % 10) as i32)).unwrap()
    }

    #[test]
    fn gathered_rows_keep_their_labels() {
        let (x, labels) = dataset(5).gather(&[4, 0, 4]);
        assert_eq!(x, Tensor::new([3, 3], vec![12f32, 13., 14., 0., 1., 2., 12., 13., 14.]).unwrap());
        assert_eq!(labels, Tensor::new([3], vec![4, 0, 4]).unwrap());
    }

    #[test]
    fn a_large_gather_is_the_same_in_parallel() {
        let data = dataset(1000);
        let order: Vec<usize> = (0..1000).rev().collect();
        let (x, _) = data.gather(&order);
        let rows = x.as_slice::<f32>().unwrap().chunks(3);
        assert!(rows.zip(&order).all(|(row, &index)| row[0] == (index * 3) as f32));
    }

    #[test]
    fn ranges_and_heads_agree_with_gathering() {
        let data = dataset(7);
        assert_eq!(data.range(2..5), data.gather(&[2, 3, 4]));
        assert_eq!(data.take(2).len(), 2);
        assert_eq!(data.take(100), data);
    }

    #[test]
    fn features_are_normalised_each_for_itself() {
        let data = dataset(2);
        let (rows, _) = data.rows().unwrap();
        let normalized = data.normalized(Some(Normalization::of(rows)));
        assert_eq!(normalized.x(), Tensor::new([2, 3], vec![-1f32, -1., -1., 1., 1., 1.]).unwrap());
        assert_eq!(normalized.normalized(None), data);
    }

    #[test]
    fn what_is_not_a_dataset_is_refused() {
        let new = |x, labels| Dataset::new("d", 2, x, labels).unwrap_err().to_string();
        let labels = Tensor::new([2], vec![0, 1]).unwrap();
        assert!(new(Tensor::full([3, 1], 0f32), labels.clone()).contains("found f32[3, 1] and i32[2]"));
        assert!(new(Tensor::full([2, 1], 0f64), labels).contains("found f64[2, 1]"));
        assert!(new(Tensor::full([0, 1], 0f32), Tensor::full([0], 0i32)).contains("f32[0, 1]"));
        let text = new(Tensor::full([2, 1], 0f32), Tensor::new([2], vec![0, -1]).unwrap());
        assert!(text.contains("label -1") && text.contains("example 1"), "{text}");
    }
}
