//! When and by what a result was made.

use std::{collections::BTreeMap, env::consts, time::SystemTime};

use isoloss::tensor::parallel;
use report::{Entries, Report};

use crate::session::Session;

/// Names and versions of what runs.
pub(crate) fn versions(session: &Session) -> BTreeMap<String, String> {
    let entries = [
        ("isoloss", isoloss::VERSION.to_owned()),
        ("executor", session.executor().name()),
        ("system", format!("{} {}", consts::OS, consts::ARCH)),
        ("threads", parallel::threads().to_string()),
    ];
    entries.map(|(name, version)| (name.to_owned(), version)).into()
}

/// A report with the seed, the versions and the time added, in the form in which it is kept.
pub(crate) fn stamped(report: Report, session: &Session) -> Report {
    let mut entries = Entries::new();
    for (name, version) in versions(session) {
        entries.insert(name, version);
    }
    report.with_seed("seed", session.seed).with_versions(entries).with_created(now())
}

/// The time in UTC, as `2026-08-01T12:34:56Z`.
pub(crate) fn now() -> String {
    humantime::format_rfc3339_seconds(SystemTime::now()).to_string()
}
