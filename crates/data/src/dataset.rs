//! Examples with their labels.

use std::ops::Range;

use tensor::{DType, Tensor, parallel};

use crate::DataError;

/// Labelled examples: row `i` of [`Dataset::x`] belongs to element `i` of [`Dataset::labels`]. Never empty; every
/// label is below the number of classes.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    name: String,
    classes: usize,
    x: Tensor,
    labels: Tensor,
}

/// A data set's two parts.
#[derive(Clone, Debug, PartialEq)]
pub struct Splits {
    /// The specification that they were loaded from, as `mnist:data/mnist`.
    pub spec: String,
    /// The examples to train on.
    pub train: Dataset,
    /// The examples held out.
    pub test: Dataset,
}

/// Rows copied by one piece of parallel work: fixed, so that borders depend on the problem alone.
const ROWS_PER_CHUNK: usize = 256;

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
        let fits = x.dtype() == DType::F32
            && x.shape().rank() == 2
            && labels.shape().rank() == 1
            && x.shape()[0] == count
            && x.elements() > 0;
        let (true, Ok(values)) = (fits, labels.as_slice::<i32>()) else {
            let found = format!("{}{} and {}{}", x.dtype(), x.shape(), labels.dtype(), labels.shape());
            return Err(DataError::NotADataset { name, found });
        };
        let in_range = |label: i32| usize::try_from(label).is_ok_and(|label| label < classes);
        if let Some(index) = values.iter().position(|&label| !in_range(label)) {
            return Err(DataError::Label { file: name, index, found: i64::from(values[index]), classes });
        }
        Ok(Self { name, classes, x, labels })
    }

    /// The name shown to people, as `digits (train)`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The number of classes.
    #[must_use]
    pub const fn classes(&self) -> usize {
        self.classes
    }

    /// The examples: `f32[N, features]`.
    #[must_use]
    pub const fn x(&self) -> &Tensor {
        &self.x
    }

    /// The labels: `i32[N]`.
    #[must_use]
    pub const fn labels(&self) -> &Tensor {
        &self.labels
    }

    /// The number of examples, at least 1.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a data set is never empty")]
    pub fn len(&self) -> usize {
        self.labels.elements()
    }

    /// The number of features of an example.
    #[must_use]
    pub fn features(&self) -> usize {
        self.x.shape()[1]
    }

    /// The examples at `indices`, in that order, with their labels: `f32[n, features]` and `i32[n]`.
    ///
    /// # Panics
    /// Where an index is not below the number of examples.
    #[must_use]
    pub fn gather(&self, indices: &[usize]) -> (Tensor, Tensor) {
        let features = self.features();
        let (from, labels) = (self.pixels(), self.label_slice());
        let mut x = vec![0f32; indices.len() * features];
        parallel::for_each_chunk(&mut x, ROWS_PER_CHUNK * features, |start, rows| {
            for (row, &index) in rows.chunks_exact_mut(features).zip(&indices[start / features..]) {
                row.copy_from_slice(&from[index * features..][..features]);
            }
        });
        let picked = indices.iter().map(|&index| labels[index]).collect();
        tensors(indices.len(), features, x, picked)
    }

    /// The examples of a range with their labels: `f32[n, features]` and `i32[n]`.
    ///
    /// # Panics
    /// Where the range exceeds the examples.
    #[must_use]
    pub fn range(&self, range: Range<usize>) -> (Tensor, Tensor) {
        let features = self.features();
        let x = self.pixels()[range.start * features..range.end * features].to_vec();
        tensors(range.len(), features, x, self.label_slice()[range].to_vec())
    }

    /// The first `count` examples, or all where there are fewer.
    ///
    /// # Panics
    /// Where `count` is 0: a data set is never empty.
    #[must_use]
    pub fn take(&self, count: usize) -> Self {
        assert!(count > 0, "a data set has at least one example");
        let (x, labels) = self.range(0..count.min(self.len()));
        Self { name: self.name.clone(), classes: self.classes, x, labels }
    }

    fn pixels(&self) -> &[f32] {
        self.x.as_slice().unwrap_or_else(|_| unreachable!("checked by Dataset::new"))
    }

    fn label_slice(&self) -> &[i32] {
        self.labels.as_slice().unwrap_or_else(|_| unreachable!("checked by Dataset::new"))
    }
}

fn tensors(count: usize, features: usize, x: Vec<f32>, labels: Vec<i32>) -> (Tensor, Tensor) {
    match (Tensor::new([count, features], x), Tensor::new([count], labels)) {
        (Ok(x), Ok(labels)) => (x, labels),
        _ => unreachable!("as many elements as rows times features"),
    }
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
