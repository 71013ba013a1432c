//! The memory of a product.

use std::process::Command;

use serde_json::Value;

use super::{TORCH, network::Network};
use crate::{
    BenchError, Bound, Target,
    benchmarks::{command_line, finish},
    measure::{Played, Stage},
};

/// By how many bytes a new process grows for compiling a product, fixing the point and two products.
pub(super) fn ours(stage: &Stage<'_>, network: &Network) -> Result<Option<u64>, BenchError> {
    let mut command = Command::new(&stage.options.program);
    command.args(["profile", "--memory", "--linear", "--json", "--quiet", "--model", network.spec]);
    for (flag, number) in [("--batch", network.batch), ("--threads", stage.peers.threads)] {
        command.arg(flag).arg(number.to_string());
    }
    let output = finish(&mut command)?;
    let said: Value = serde_json::from_slice(&output.stdout).map_err(|source| BenchError::Json { source })?;
    match said.get("growth_bytes") {
        Some(growth) => Ok(growth.as_u64()),
        None => Err(BenchError::Program {
            command: command_line(&command),
            status: "a result without growth_bytes".to_owned(),
            said: String::new(),
        }),
    }
}

/// Against the least of PyTorch's configurations.
pub(super) fn target(network: &Network, growth: Option<u64>, played: &[Played]) -> Option<Target> {
    let torch = played.iter().find(|side| side.call.name == TORCH)?;
    let theirs = torch.reports.first().and_then(|report| {
        let growths = report.raw["checks"]["product_growth_bytes"].as_object()?;
        growths.values().filter_map(Value::as_f64).reduce(f64::min)
    });
    let ratio = growth.zip(theirs).map(|(ours, theirs)| ours as f64 / theirs);
    let what = format!("{}: memory of a product / least of {TORCH}", network.part.name());
    Some(Target::strict(what, ratio, Bound::at_most(0.8)))
}
