//! The only place that prints.

use std::io::{self, ErrorKind, Write};

use serde_json::Value;

use crate::{
    failure::{CliError, Failure},
    outcome::Outcome,
};

/// Prints a result on standard output: as JSON, or for people.
pub(crate) fn result(outcome: &Outcome, json: bool) -> Result<(), Failure> {
    if json { stdout(&(pretty(&outcome.json) + "\n")) } else { stdout(&outcome.text) }
}

/// Prints a line on standard error. Where that is closed there is nobody left to tell.
pub(crate) fn note(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Prints to standard output. A reader that has seen enough and closed the pipe, as `head` does, is no error.
fn stdout(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(source) if source.kind() != ErrorKind::BrokenPipe => Err(CliError::Output { source }.into()),
        _ => Ok(()),
    }
}

fn pretty(json: &Value) -> String {
    format!("{json:#}")
}
