//! Watching a run.

use crate::{Outcome, Record};

/// A step that is done.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// Steps done, this one included.
    pub number: u64,
    /// The mean loss of its examples, before the update.
    pub loss: f64,
    /// Its learning rate.
    pub learning_rate: f64,
}

/// Is told how a run goes: for progress bars and tests. The methods do nothing unless they are written, and are
/// called between steps, so they should be quick.
pub trait Observer {
    /// The run starts, or goes on after `done` of its `total` steps.
    fn started(&mut self, _total: u64, _done: u64) {}
    /// A step is done.
    fn step(&mut self, _step: Step) {}
    /// An epoch is done and stands in the log.
    fn epoch(&mut self, _record: &Record) {}
    /// The run has ended, or was interrupted and can be resumed.
    fn finished(&mut self, _outcome: &Outcome) {}
}

/// Watches nothing.
impl Observer for () {}
