//! Today's date.

use std::time::SystemTime;

/// Today's date in universal time, as `2026-03-01`.
pub(crate) fn today() -> String {
    let time = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    time.split('T').next().unwrap_or(&time).to_owned()
}
