//! The benchmarks: one file each.

mod assignment;
mod cifar_epoch;
mod engine;
mod matching;
mod merging;
mod mlp_step;
mod mnist_train;
mod rebasin;
mod startup;
mod weight_matching;
mod weights;

use std::process::{Command, Output};

use tempfile::TempDir;

use crate::{BenchError, Benchmark, Name, measure::Stage, peer::last_lines};

/// The network of all benchmarks with a network.
const MODEL: &str = "mlp:784-512-512-512-10";

/// The examples in a training step.
const BATCH: usize = 500;

/// Runs a benchmark.
pub(crate) fn run(name: Name, stage: &mut Stage<'_>) -> Result<Benchmark, BenchError> {
    match name {
        Name::MlpStep => mlp_step::run(stage),
        Name::MnistTrain => mnist_train::run(stage),
        Name::CifarEpoch => cifar_epoch::run(stage),
        Name::WeightMatching => weight_matching::run(stage),
        Name::Assignment => assignment::run(stage),
        Name::Startup => startup::run(stage),
        Name::Engine => engine::run(stage),
        Name::Devices => engine::devices::run(stage),
        Name::Weights => weights::run(stage),
        Name::Matching => matching::run(stage),
        Name::Merging => merging::run(stage),
    }
}

pub(crate) fn temporary_folder() -> Result<TempDir, BenchError> {
    tempfile::Builder::new()
        .prefix("isoloss-bench-")
        .tempdir()
        .map_err(|source| BenchError::Temporary { source })
}

/// Runs a program to its end and fails where it does.
fn finish(command: &mut Command) -> Result<Output, BenchError> {
    let output = match command.output() {
        Ok(output) => output,
        Err(source) => return Err(BenchError::Start { program: command.get_program().into(), source }),
    };
    match output.status.success() {
        true => Ok(output),
        false => Err(BenchError::Program {
            command: command_line(command),
            status: output.status.to_string(),
            said: last_lines(&output.stderr),
        }),
    }
}

fn command_line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_fails_is_quoted_with_what_it_said() {
        let error = finish(Command::new("/bin/sh").args(["-c", "echo no space >&2; exit 2"])).unwrap_err();
        let message = error.to_string();
        assert!(
            message.starts_with("`/bin/sh -c echo") && message.ends_with("exit status: 2\n  no space"),
            "{message}"
        );
    }
}
