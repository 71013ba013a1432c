//! The peers: scripts that time other tools, each printing one JSON object.

mod live;

pub(crate) use live::LivePeer;

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde::Deserialize;
use serde_json::Value;

use crate::{BenchError, Bound};

/// The longest end of a failed process's standard error that is shown, in lines.
const LINES_SHOWN: usize = 8;

/// A peer and how it is asked.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// The peer's name in results.
    pub(crate) name: &'static str,
    /// The script's file name.
    pub(crate) script: &'static str,
    /// Its arguments, beside the number of threads.
    pub(crate) arguments: Vec<OsString>,
    /// What the times are of, for a script with only one case.
    pub(crate) case: &'static str,
    /// What our time divided by the peer's should keep in every case.
    pub(crate) bound: Option<Bound>,
}

impl Call {
    /// A script and its arguments, with neither case nor bound.
    pub(crate) fn new(name: &'static str, script: &'static str, arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(OsString::from).collect();
        Self { name, script, arguments, case: "", bound: None }
    }

    /// Adds an option with a path.
    pub(crate) fn with_path(mut self, option: &str, path: &Path) -> Self {
        self.arguments.extend([option.into(), path.as_os_str().to_owned()]);
        self
    }

    /// Names the case of a script that has only one.
    pub(crate) fn with_case(self, case: &'static str) -> Self {
        Self { case, ..self }
    }

    /// Sets what the ratio should keep.
    pub(crate) fn with_bound(self, bound: Bound) -> Self {
        Self { bound: Some(bound), ..self }
    }
}

/// What a peer printed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PeerReport {
    pub(crate) version: Value,
    pub(crate) configuration: String,
    pub(crate) cases: Vec<PeerCase>,
    /// Everything that was printed.
    pub(crate) raw: Value,
}

/// The times of one case.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PeerCase {
    pub(crate) name: String,
    pub(crate) runs_ms: Vec<f64>,
    pub(crate) objective: Option<f64>,
}

/// What came of asking a peer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    /// It did its work.
    Present(PeerReport),
    /// It is not installed, and why that is known.
    Absent(String),
}

/// Where the peers are.
#[derive(Clone, Debug)]
pub(crate) struct Peers {
    pub(crate) environment: PathBuf,
    pub(crate) scripts: PathBuf,
    pub(crate) threads: usize,
    pub(crate) required: bool,
}

impl Peers {
    /// Runs a script to its end.
    ///
    /// # Errors
    /// Where the peer is installed and fails, or is absent and required.
    pub(crate) fn ask(&self, call: &Call) -> Result<Answer, BenchError> {
        match self.answer(call)? {
            Answer::Absent(reason) if self.required => {
                Err(BenchError::PeerAbsent { peer: call.name, reason })
            }
            answer => Ok(answer),
        }
    }

    /// Fails where peers are required and none is installed, before anything has run.
    ///
    /// # Errors
    /// As it says.
    pub(crate) fn check(&self) -> Result<(), BenchError> {
        let python = self.python();
        if self.required && !python.exists() {
            let reason = format!("{} is not there", python.display());
            return Err(BenchError::PeerAbsent { peer: "Python", reason });
        }
        Ok(())
    }

    fn python(&self) -> PathBuf {
        self.environment.join("bin/python")
    }

    fn answer(&self, call: &Call) -> Result<Answer, BenchError> {
        let mut command = match self.command(call) {
            Ok(command) => command,
            Err(reason) => return Ok(Answer::Absent(reason)),
        };
        let output = command.stdin(Stdio::null()).output();
        let started = |source| BenchError::Start { program: command.get_program().into(), source };
        parse(call, &output.map_err(started)?)
    }

    /// The script with its arguments, or why it cannot be run.
    fn command(&self, call: &Call) -> Result<Command, String> {
        let (python, script) = (self.python(), self.scripts.join(call.script));
        if let Some(missing) = [&python, &script].into_iter().find(|path| !path.exists()) {
            return Err(format!("{} is not there", missing.display()));
        }
        let mut command = Command::new(&python);
        command.arg(script).args(["--threads", &self.threads.to_string()]).args(&call.arguments);
        Ok(command)
    }
}

/// The object as it is printed.
#[derive(Deserialize)]
struct Printed {
    error: Option<String>,
    #[serde(default)]
    absent: bool,
    #[serde(default)]
    version: Value,
    #[serde(default)]
    configuration: String,
    runs_ms: Option<Vec<f64>>,
    #[serde(default)]
    cases: Vec<PrintedCase>,
}

#[derive(Deserialize)]
struct PrintedCase {
    #[serde(flatten)]
    label: Label,
    runs_ms: Vec<f64>,
    objective: Option<f64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Label {
    Name { name: String },
    KindAndSize { kind: String, n: usize },
}

impl Label {
    fn name(self) -> String {
        match self {
            Self::Name { name } => name,
            Self::KindAndSize { kind, n } => format!("{kind}-{n}"),
        }
    }
}

fn parse(call: &Call, output: &Output) -> Result<Answer, BenchError> {
    let said = || last_lines(&output.stderr);
    match read(call, &output.stdout, &output.status.to_string(), &said)? {
        Answer::Present(_) if !output.status.success() => {
            Err(BenchError::Peer { peer: call.name, problem: output.status.to_string(), said: said() })
        }
        answer => Ok(answer),
    }
}

/// Reads the object that a peer printed; `status` and `said` are for the error where it is none.
fn read(call: &Call, json: &[u8], status: &str, said: &dyn Fn() -> String) -> Result<Answer, BenchError> {
    let fault = |problem: String| BenchError::Peer { peer: call.name, problem, said: said() };
    let malformed = |error: serde_json::Error| {
        fault(format!("expected one JSON object on standard output, {status}: {error}"))
    };
    let raw: Value = serde_json::from_slice(json).map_err(malformed)?;
    let printed: Printed = serde_json::from_value(raw.clone()).map_err(malformed)?;
    match printed.error {
        Some(error) if printed.absent => Ok(Answer::Absent(error)),
        Some(error) => Err(fault(error)),
        None => Ok(Answer::Present(report(call.case, printed, raw))),
    }
}

fn report(sole_case: &str, printed: Printed, raw: Value) -> PeerReport {
    let sole =
        printed.runs_ms.map(|runs_ms| PeerCase { name: sole_case.to_owned(), runs_ms, objective: None });
    let several = printed.cases.into_iter().map(|case| PeerCase {
        name: case.label.name(),
        runs_ms: case.runs_ms,
        objective: case.objective,
    });
    let cases = sole.into_iter().chain(several).collect();
    PeerReport { version: printed.version, configuration: printed.configuration, cases, raw }
}

/// The last lines of a text that are not empty, each on a line of its own.
pub(crate) fn last_lines(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let shown = &lines[lines.len().saturating_sub(LINES_SHOWN)..];
    shown.iter().map(|line| format!("\n  {line}")).collect()
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
