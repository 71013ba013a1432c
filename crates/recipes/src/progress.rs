//! Watching an experiment.

/// Is told how an experiment goes: for progress bars and tests.
pub trait Progress: train::Observer {
    /// A part starts, of `total` ticks where that is known (training tells its own steps).
    fn stage(&mut self, title: &str, total: Option<u64>);
    /// A tick of the part is done.
    fn tick(&mut self);
}

/// Watches nothing.
impl Progress for () {
    fn stage(&mut self, _: &str, _: Option<u64>) {}
    fn tick(&mut self) {}
}
