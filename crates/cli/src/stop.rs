//! Stopping on request.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use crate::{
    failure::{CliError, Failure},
    outcome::ERROR_CODE,
    output,
};

/// A flag that the first Ctrl-C (or termination request) sets; a second one ends the process at once.
///
/// Only commands that look at the flag ask for it: for all others an interruption does what it always does, which
/// leaves nothing half-written because files are written whole or not at all.
///
/// # Errors
/// Where signals cannot be caught.
pub(crate) fn flag() -> Result<Arc<AtomicBool>, Failure> {
    let flag = Arc::new(AtomicBool::new(false));
    let handler = Arc::clone(&flag);
    ctrlc::set_handler(move || request(&handler)).map_err(|source| CliError::Signal { source })?;
    Ok(flag)
}

fn request(flag: &AtomicBool) {
    if flag.swap(true, Ordering::SeqCst) {
        quit();
    }
    output::note("stopping after this step; press Ctrl-C again to quit at once");
}

#[expect(clippy::exit, reason = "a second Ctrl-C means now, without waiting for the work under way")]
fn quit() -> ! {
    std::process::exit(i32::from(ERROR_CODE))
}
