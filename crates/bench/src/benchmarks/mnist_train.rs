//! A whole training on MNIST, as a user would start it.

use std::{path::Path, process::Command};

use isoloss::train::Summary;
use serde_json::json;

use super::{BATCH, MODEL, finish, temporary_folder};
use crate::{
    BenchError, Benchmark, Bound, Case, Name, Target,
    measure::{Stage, median, time_ms},
    peer::Call,
};

const CASE: &str = "10 epochs";
const EPOCHS: usize = 10;

/// What shows that it was trained at all, as the peer's script has it.
const LEAST_TEST_ACCURACY: f64 = 0.975;

pub(super) fn run(stage: &mut Stage<'_>) -> Result<Benchmark, BenchError> {
    let missing = || BenchError::needs_mnist("nothing");
    let data = stage.options.mnist.clone().ok_or_else(missing)?;
    let (mut times, mut accuracies) = (Vec::new(), Vec::new());
    let played = stage.play(Name::MnistTrain.name(), calls(&data), |stage, round| {
        let folder = temporary_folder()?;
        let mut command = command(stage, &data, &folder.path().join("run"), round);
        let (ms, output) = time_ms(|| finish(&mut command));
        output?;
        times.push(ms);
        let scores = Summary::read(&folder.path().join("run"))?.scores;
        accuracies.extend(scores.and_then(|scores| scores.test.accuracy));
        Ok(())
    })?;
    let case = Case::new(CASE, times, &played)?;
    let learned =
        Target::new("test accuracy, median", Some(median(&accuracies)), Bound::at_least(LEAST_TEST_ACCURACY));
    let title = format!("`isoloss train` of {MODEL} on MNIST against PyTorch's loop over tensors in memory");
    let checks = json!({ "test_accuracy": accuracies });
    Ok(Benchmark::new(Name::MnistTrain, &title, vec![case], &played, vec![learned], checks))
}

fn calls(data: &Path) -> Vec<Call> {
    let call = |name, mode| {
        Call::new(name, "torch_mnist_train.py", &["--mode", mode, "--runs", "1"])
            .with_path("--data", data)
            .with_bound(Bound::at_most(0.6))
            .with_case(CASE)
    };
    vec![call("PyTorch, eager", "eager"), call("PyTorch, compiled", "compile")]
}

fn command(stage: &Stage<'_>, data: &Path, out: &Path, round: usize) -> Command {
    let mut command = Command::new(&stage.options.program);
    command.args(["train", "--json", "--quiet", "--evaluate-every", "0", "--model", MODEL, "--data"]);
    command.arg(format!("mnist:{}", data.display())).arg("--out").arg(out);
    let seed = stage.options.seed + round as u64;
    for (flag, number) in [
        ("--epochs", EPOCHS as u64),
        ("--batch", BATCH as u64),
        ("--threads", stage.peers.threads as u64),
        ("--seed", seed),
    ] {
        command.arg(flag).arg(number.to_string());
    }
    command
}
