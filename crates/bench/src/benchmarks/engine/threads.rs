//! The same on one thread.

use isoloss::tensor::parallel;

use super::{
    network::Network,
    ours::{Ours, Turn},
    own,
};
use crate::{
    BenchError, Bound, Target,
    measure::{Stage, median},
};

/// How many times as long a gradient and a product take on one thread, where the benchmark has two.
pub(super) fn targets(
    stage: &mut Stage<'_>,
    network: &Network,
    ours: &mut Ours<'_>,
    turns: &[Turn],
) -> Result<Vec<Target>, BenchError> {
    if stage.peers.threads != 2 {
        return Ok(Vec::new());
    }
    let name = network.part.name();
    stage.announce(name, 0, "isoloss on one thread");
    let alone = parallel::with_threads(1, || ours.turn())
        .map_err(|error| BenchError::Threads { reason: error.to_string() })??;
    let ratio = |alone: &[f64], together: fn(&Turn) -> &Vec<f64>| {
        let together: Vec<f64> = turns.iter().flat_map(together).copied().collect();
        median(alone) / median(&together)
    };
    let pairs = [
        ("gradient", ratio(&alone.gradient_ms, |turn| &turn.gradient_ms)),
        ("product", ratio(&alone.product_ms, |turn| &turn.product_ms)),
    ];
    let target = |(quantity, times)| {
        own(format!("{name} {quantity}: time on one thread / on two"), times, Bound::at_least(1.8))
    };
    Ok(pairs.map(target).to_vec())
}
