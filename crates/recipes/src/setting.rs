//! What experiments run with.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use graph::Executor;

use crate::RecipeError;

/// What an experiment runs with.
#[derive(Clone, Copy)]
pub struct Setting<'a> {
    /// Runs the graphs.
    pub executor: &'a dyn Executor,
    /// Names and versions of what runs, for the run folders.
    pub versions: &'a BTreeMap<String, String>,
    /// When this becomes true, the experiment stops at the next step; what is done is kept.
    pub stop: &'a AtomicBool,
}

impl Setting<'_> {
    /// Fails once a stop was asked for.
    pub(crate) fn check_stop(&self, folder: &Path) -> Result<(), RecipeError> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(RecipeError::Interrupted { folder: folder.to_owned() });
        }
        Ok(())
    }
}
