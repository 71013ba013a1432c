//! What every command works with.

use isoloss::{Cpu, tensor::Key};

use crate::{common::Common, progress::Progress};

/// What every command works with.
#[derive(Debug)]
pub(crate) struct Session {
    /// Runs the graphs.
    pub(crate) executor: Cpu,
    /// The seed as it was given.
    pub(crate) seed: u64,
    /// Shows progress.
    pub(crate) progress: Progress,
}

impl Session {
    /// What these flags ask for.
    pub(crate) fn new(common: Common) -> Self {
        let progress = Progress::new(common.quiet);
        let executor = isoloss::executor();
        let executor = if common.check_finite { executor.checking_finite() } else { executor };
        Self { executor, seed: common.seed, progress }
    }

    /// The key from which everything random is drawn.
    pub(crate) const fn key(&self) -> Key {
        Key::new(self.seed)
    }
}
