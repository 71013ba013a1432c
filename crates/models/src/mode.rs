//! Training and evaluation.

/// What a network is run for; it decides what normalisation over the batch does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Batch normalisation uses the batch's moments, and graphs return the new running statistics.
    Training,
    /// As in training, but graphs return the batch's moments themselves, the variance divided by the number of elements
    /// less one, in place of the running statistics: what these are re-estimated from.
    Moments,
    /// Batch normalisation uses the running statistics.
    Evaluation,
}
