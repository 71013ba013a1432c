//! Training and evaluation.

/// What a network is run for; it decides what normalisation over the batch does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Batch normalisation uses the batch's moments, and graphs return the new running statistics.
    Training,
    /// Batch normalisation uses the running statistics.
    Evaluation,
}
