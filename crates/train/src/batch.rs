//! The examples of a step.

use data::Dataset;
use tensor::{DType, Tensor, TensorError, parallel};

/// Memory for the examples of one step, reused from step to step.
pub(crate) struct Batch {
    features: usize,
    /// `f32[batch, features]`
    pub(crate) x: Tensor,
    /// `i32[batch]`
    pub(crate) labels: Tensor,
}

/// Rows copied by one piece of parallel work: 200 kB of MNIST. Ours: large against the cost of handing it out.
const ROWS_PER_CHUNK: usize = 64;

impl Batch {
    pub(crate) fn new(batch: usize, features: usize) -> Self {
        let (x, labels) = (Tensor::zeros(DType::F32, [batch, features]), Tensor::zeros(DType::I32, [batch]));
        Self { features, x, labels }
    }

    /// Copies the examples at `indices`, as many as the batch holds.
    pub(crate) fn fill(&mut self, data: &Dataset, indices: &[usize]) -> Result<(), TensorError> {
        let (features, from) = (self.features, data.x().as_slice::<f32>()?);
        parallel::for_each_chunk(
            self.x.as_mut_slice()?,
            ROWS_PER_CHUNK * features,
            |start, rows: &mut [f32]| {
                for (row, &index) in rows.chunks_exact_mut(features).zip(&indices[start / features..]) {
                    row.copy_from_slice(&from[index * features..][..features]);
                }
            },
        );
        let from = data.labels().as_slice::<i32>()?;
        for (label, &index) in self.labels.as_mut_slice()?.iter_mut().zip(indices) {
            *label = from[index];
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reused_batch_holds_what_gathering_gives() {
        let x = Tensor::from_fn([300, 3], |i| i as f32);
        let data = Dataset::new("counting", 10, x, Tensor::from_fn([300], |i| (i % 10) as i32)).unwrap();
        let mut batch = Batch::new(130, 3);
        for offset in [0, 170] {
            let indices: Vec<usize> = (0..130).rev().map(|i| i + offset).collect();
            batch.fill(&data, &indices).unwrap();
            assert_eq!((batch.x.clone(), batch.labels.clone()), data.gather(&indices));
        }
    }
}
