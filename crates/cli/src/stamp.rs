//! When and by what a result was made.

use std::{
    collections::BTreeMap,
    env::consts,
    time::{SystemTime, UNIX_EPOCH},
};

use isoloss::{graph::Executor, tensor::parallel};
use report::{Entries, Report};

use crate::session::Session;

/// Names and versions of what runs.
pub(crate) fn versions(session: &Session) -> BTreeMap<String, String> {
    let entries = [
        ("isoloss", isoloss::VERSION.to_owned()),
        ("executor", session.executor.name()),
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

/// The time in UTC, as `2026-08-01 12:34:56 UTC`.
pub(crate) fn now() -> String {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or_else(|_| String::new(), |time| utc(time.as_secs()))
}

fn utc(seconds: u64) -> String {
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = date(days);
    let (hour, minute) = (second / 3600, second / 60 % 60);
    format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{:02} UTC", second % 60)
}

/// Year, month and day of a number of days since 1970-01-01, in the Gregorian calendar. Years are counted from March, so
/// that the leap day is the last of a year, in eras of 400 years, after which the calendar repeats.
const fn date(days: u64) -> (u64, u64, u64) {
    /// Days of an era.
    const ERA: u64 = 146_097;
    /// Days from the beginning of the first era, 0000-03-01, to 1970-01-01.
    const EPOCH: u64 = 719_468;
    let (era, day_of_era) = ((days + EPOCH) / ERA, (days + EPOCH) % ERA);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (400 * era + year_of_era + if month <= 2 { 1 } else { 0 }, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        assert_eq!(utc(0), "1970-01-01 00:00:00 UTC");
        assert_eq!(utc(951_827_696), "2000-02-29 12:34:56 UTC");
        assert_eq!(utc(4_107_542_399), "2100-02-28 23:59:59 UTC");
        assert_eq!(utc(4_107_542_400), "2100-03-01 00:00:00 UTC");
    }
}
