//! From arguments to an exit code.

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser};
use isoloss::tensor::parallel;

use crate::{
    commands::{Command, Run},
    common::Common,
    failure::{CliError, Failure},
    guard, help,
    outcome::{ERROR_CODE, Outcome},
    output,
    session::Session,
};

/// Measure, move and merge neural networks along directions that leave the loss unchanged
///
/// A network computes the same when its hidden units are exchanged, so two trained networks that look different may
/// differ mainly in the order of their units. Isoloss derives this symmetry from the network itself, matches one network
/// to another, averages them, and measures what lies between them.
#[derive(Debug, Parser)]
#[command(name = "isoloss", version, arg_required_else_help = true, after_help = AFTER_HELP, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
A MODEL is a run folder of `isoloss train`, or weights of PyTorch, safetensors or numpy (see `isoloss convert`).
Exit codes: 0 yes, 1 a negative answer (a barrier above the bound, a failed certificate), 2 an error.

Examples:
  isoloss demo
  isoloss train --model mlp:64-128-128-10 --data digits --out a --seed 1
  isoloss train --model mlp:64-128-128-10 --data digits --out b --seed 2
  isoloss inspect a
  isoloss barrier a b --data digits
  isoloss merge a b --out merged.safetensors --data digits";

impl Cli {
    /// The commands and flags with their help.
    pub(crate) fn definition() -> clap::Command {
        help::explained(Self::command())
    }

    fn read() -> Result<Self, clap::Error> {
        Self::from_arg_matches(&Self::definition().try_get_matches()?)
    }
}

/// Runs what the arguments ask for.
pub(crate) fn main() -> ExitCode {
    let cli = match Cli::read() {
        Ok(cli) => cli,
        Err(message) => return usage(&message),
    };
    let common = cli.command.common();
    let done = if guard::is_wanted(&common, cli.command.uses_plugins()) {
        guard::watch(&common)
    } else {
        answer(&cli.command, &common).map(ExitCode::from)
    };
    match done {
        Ok(code) => code,
        Err(failure) => {
            output::note(&format!("error: {failure}"));
            ExitCode::from(ERROR_CODE)
        }
    }
}

/// Shows what clap has to say: help on standard output, errors on standard error.
fn usage(message: &clap::Error) -> ExitCode {
    let _ = message.print();
    ExitCode::from(if message.use_stderr() { ERROR_CODE } else { 0 })
}

fn answer(command: &Command, common: &Common) -> Result<u8, Failure> {
    let outcome = in_threads(usize::from(common.threads), || command.run(&Session::new(common)?))?;
    output::result(&outcome, common.json)?;
    Ok(outcome.answer.code())
}

fn in_threads(
    threads: usize,
    work: impl FnOnce() -> Result<Outcome, Failure> + Send,
) -> Result<Outcome, Failure> {
    parallel::with_threads(threads, work)
        .map_err(|error| CliError::Threads { threads, reason: error.to_string() })?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_do_not_contradict_each_other() {
        Cli::definition().debug_assert();
    }
}
