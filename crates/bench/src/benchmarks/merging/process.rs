//! What a program takes from its start to its end.

use std::{
    fs,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde::Serialize;

use super::super::command_line;
use crate::{BenchError, machine::kibibytes, peer::last_lines};

/// Clock ticks of `/proc` in a second: a constant of Linux's interface, whatever the kernel's clock.
const TICKS: f64 = 100.0;

/// How often the memory of a running program is looked at. The system keeps the most, so only the last moment can be missed.
const LOOK: Duration = Duration::from_millis(2);

/// What was taken.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Usage {
    /// From start to end, in milliseconds.
    pub(super) ms: f64,
    /// Of the processor, in the program and in the system.
    pub(super) cpu_seconds: f64,
    /// The most memory held, where it was looked at.
    pub(super) peak_bytes: Option<u64>,
}

/// Runs a program to its end.
pub(super) fn measured(command: &mut Command) -> Result<Usage, BenchError> {
    let started = |source| BenchError::Start { program: "isoloss".into(), source };
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let (before, start) = (processor_seconds([15, 16]), Instant::now());
    let mut child = command.spawn().map_err(started)?;
    let (file, mut peak_bytes) = (format!("/proc/{}/status", child.id()), None);
    while child.try_wait().map_err(started)?.is_none() {
        let now = fs::read_to_string(&file).ok().and_then(|status| kibibytes(&status, "VmHWM"));
        peak_bytes = now.or(peak_bytes);
        thread::sleep(LOOK);
    }
    let ms = 1e3 * start.elapsed().as_secs_f64();
    let output = child.wait_with_output().map_err(started)?;
    match output.status.success() {
        true => Ok(Usage { ms, cpu_seconds: processor_seconds([15, 16]) - before, peak_bytes }),
        false => Err(BenchError::Program {
            command: command_line(command),
            status: output.status.to_string(),
            said: last_lines(&output.stderr),
        }),
    }
}

/// Processor time of this process so far.
pub(super) fn own_processor_seconds() -> f64 {
    processor_seconds([13, 14])
}

/// The sum of fields of `/proc/self/stat`, counted from 0 as its manual counts from 1; 0 where the system does not tell.
fn processor_seconds(fields: [usize; 2]) -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name in parentheses may hold spaces; two fields stand before what follows it.
    let behind: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = fields.iter().filter_map(|field| behind.get(field - 2)?.parse::<f64>().ok());
    ticks.sum::<f64>() / TICKS
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_works_takes_time_of_the_processor() {
        let usage =
            measured(Command::new("sh").args(["-c", "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"]));
        let usage = usage.unwrap();
        assert!(usage.cpu_seconds > 0.02 && usage.ms > 20.0, "{usage:?}");
        assert!(usage.peak_bytes.is_some_and(|bytes| bytes > 100_000), "{usage:?}");
    }

    #[test]
    fn a_program_that_fails_is_an_error() {
        let error = measured(Command::new("sh").args(["-c", "echo no >&2; exit 3"])).unwrap_err().to_string();
        assert!(error.contains("exit status: 3") && error.contains("no"), "{error}");
    }
}
