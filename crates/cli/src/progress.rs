//! Progress on standard error.
//!
//! On a terminal there is a bar with rate and estimated time; elsewhere (a file, a pipe, a job's log) a plain line
//! every few seconds, so that a command that takes less says nothing. Progress never goes to standard output, with or
//! without `--json`; `--quiet` turns it off.

use std::{
    fmt,
    io::{self, IsTerminal},
    sync::Mutex,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressState, ProgressStyle, style::TemplateError};

use crate::output;

/// Time between two plain lines. Ours: often enough to see life, seldom enough for a log.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// The message comes last and is cut off where the terminal is narrow; a line that wraps could not be redrawn.
const TEMPLATE: &str = "{prefix} {bar:20} {pos}/{len} UNIT · {rate} · {eta} left · {wide_msg}";

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Not at all.
    Silent,
    /// As a bar that is redrawn in place.
    Bar,
    /// As plain lines.
    Lines,
}

impl Progress {
    /// What fits standard error, or nothing where `quiet`.
    pub(crate) fn new(quiet: bool) -> Self {
        match (quiet, io::stderr().is_terminal()) {
            (true, _) => Self::Silent,
            (false, true) => Self::Bar,
            (false, false) => Self::Lines,
        }
    }

    /// Begins to show a task of `total` units, such as "training" in "steps".
    pub(crate) fn task(self, name: &str, total: u64, unit: &'static str) -> Task {
        match self {
            Self::Silent => Task::Silent,
            Self::Bar => Task::Bar(bar(name, total, unit)),
            Self::Lines => Task::Lines(Mutex::new(Lines::new(name, total, unit))),
        }
    }
}

fn bar(name: &str, total: u64, unit: &'static str) -> ProgressBar {
    let style = style(unit).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(total).with_prefix(name.to_owned()).with_style(style)
}

fn style(unit: &str) -> Result<ProgressStyle, TemplateError> {
    let rate = |state: &ProgressState, text: &mut dyn fmt::Write| {
        let rate = state.per_sec();
        let digits = usize::from(rate < 10.0);
        // What cannot be written now is drawn the next time.
        let _ = write!(text, "{rate:.digits$}/s");
    };
    Ok(ProgressStyle::with_template(&TEMPLATE.replace("UNIT", unit))?.with_key("rate", rate))
}

/// A task under way; what was drawn disappears when it is dropped.
#[derive(Debug)]
pub(crate) enum Task {
    /// Not shown.
    Silent,
    /// Shown as a bar.
    Bar(ProgressBar),
    /// Shown as lines.
    Lines(Mutex<Lines>),
}

impl Task {
    /// So much is done, and `message` says how it stands.
    pub(crate) fn at(&self, done: u64, message: impl fmt::Display) {
        match self {
            Self::Silent => {}
            Self::Bar(bar) => {
                bar.set_message(message.to_string());
                bar.set_position(done);
            }
            Self::Lines(lines) => {
                let line = lines.lock().ok().and_then(|mut lines| lines.at(done, &message, Instant::now()));
                line.iter().for_each(|line| output::note(line));
            }
        }
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

/// A task that is shown as lines.
#[derive(Debug)]
pub(crate) struct Lines {
    name: String,
    total: u64,
    unit: &'static str,
    /// When the first report came and what was done by then: a resumed task does not begin at 0.
    begin: Option<(Instant, u64)>,
    last: Instant,
}

impl Lines {
    fn new(name: &str, total: u64, unit: &'static str) -> Self {
        Self { name: name.to_owned(), total, unit, begin: None, last: Instant::now() }
    }

    /// The line to print, if it is time for one.
    fn at(&mut self, done: u64, message: &dyn fmt::Display, now: Instant) -> Option<String> {
        let (begin, before) = *self.begin.get_or_insert((now, done));
        if now.duration_since(self.last) < LINE_EVERY {
            return None;
        }
        self.last = now;
        let left =
            time_left(now.duration_since(begin), done - before.min(done), self.total.saturating_sub(done));
        let Self { name, total, unit, .. } = self;
        let message = message.to_string();
        let separator = if message.is_empty() { "" } else { "; " };
        Some(format!("{name}: {done}/{total} {unit}{left}{separator}{message}"))
    }
}

/// ", about 12 s left", at the rate so far; nothing where there is no rate yet.
fn time_left(elapsed: Duration, done: u64, left: u64) -> String {
    if done == 0 {
        return String::new();
    }
    let seconds = elapsed.as_secs_f64() / done as f64 * left as f64;
    if seconds < 90.0 {
        format!(", about {seconds:.0} s left")
    } else {
        format!(", about {:.0} min left", seconds / 60.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_comes_every_five_seconds_with_the_time_left() {
        let mut lines = Lines::new("training", 100, "steps");
        let start = lines.last;
        let mut at = |done, seconds| lines.at(done, &"loss 0.5", start + Duration::from_secs(seconds));
        assert_eq!(at(0, 0), None);
        assert_eq!(at(10, 4), None);
        assert_eq!(at(20, 8).as_deref(), Some("training: 20/100 steps, about 32 s left; loss 0.5"));
        assert_eq!(at(25, 12), None);
        assert_eq!(at(26, 13).as_deref(), Some("training: 26/100 steps, about 37 s left; loss 0.5"));
    }

    #[test]
    fn a_resumed_task_is_timed_from_where_it_began() {
        let mut lines = Lines::new("training", 100, "steps");
        let start = lines.last;
        assert_eq!(lines.at(80, &"", start), None);
        let line = lines.at(90, &"", start + Duration::from_secs(10));
        assert_eq!(line.as_deref(), Some("training: 90/100 steps, about 10 s left"));
    }

    #[test]
    fn the_bar_is_well_formed() {
        assert!(style("steps").is_ok());
    }
}
