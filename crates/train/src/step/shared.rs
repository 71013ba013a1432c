//! A step that several devices share.

use std::ops::Range;

use data::Batch;
use graph::{Donation, ExecError, Executable, Executor, Placed, Value, team};
use tensor::{Key, Tensor};
use transform::shards;

use super::graphs::{Kind, shard_graph, update_graph};
use crate::{curvature::key_words, plan::Plan};

/// The batch is cut into a shard for each device. Each computes its gradients at the same time as the others; the first
/// one sums them in the order of the devices and updates what is trained, which stays there.
pub(super) struct Shared {
    shards: Vec<Shard>,
    update: Box<dyn Executable>,
}

struct Shard {
    examples: Range<usize>,
    contribution: Box<dyn Executable>,
}

impl Shared {
    pub(super) fn new(executor: &dyn Executor, plan: &Plan, kind: Kind) -> Result<Self, ExecError> {
        let team = team(executor);
        let ranges = shards(kind.batch, team.len());
        let weights: Vec<f64> = ranges.iter().map(|range| range.len() as f64 / kind.batch as f64).collect();
        let update = update_graph(plan, &weights, kind.curvature);
        let update = executor.compile(&update, &Donation::in_order(plan.trained_count))?;
        let shard = |(examples, member): (Range<usize>, &dyn Executor)| {
            let graph = shard_graph(plan, Kind { batch: examples.len(), ..kind });
            Ok(Shard { examples, contribution: member.compile(&graph, &[])? })
        };
        let shards = ranges.into_iter().zip(team).map(shard).collect::<Result<_, ExecError>>()?;
        Ok(Self { shards, update })
    }

    /// Takes the step; labels for the curvature are drawn with the key. Returns what it changes, then the loss.
    pub(super) fn run(
        &mut self,
        plan: &Plan,
        trained: Vec<Value>,
        scalars: &[Tensor],
        batch: &Batch,
        key: Option<Key>,
    ) -> Result<Vec<Value>, ExecError> {
        let mut given = Vec::new();
        for (turn, shard) in (0..).zip(&mut self.shards) {
            let rows = |tensor: &Tensor| tensor.parts(shard.examples.clone()).expect("examples of the batch");
            let data =
                [Some(rows(&batch.x)), Some(rows(&batch.labels)), key.map(|key| key_words(key.fold(turn)))];
            let data = data.iter().flatten().map(Placed::Tensor);
            let arguments: Vec<_> = plan.network_of(&trained).map(Placed::Borrowed).chain(data).collect();
            given.extend(shard.contribution.run_placed(arguments)?);
        }
        let arguments = trained.into_iter().map(Placed::Donated).chain(scalars.iter().map(Placed::Tensor));
        self.update.run_placed(arguments.chain(given.into_iter().map(Placed::Donated)).collect())
    }
}
