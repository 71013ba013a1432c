//! Linear maps over a batch that is cut into shards, which several devices share.

use std::ops::Range;

use graph::{Builder, ExecError, Executable, Executor, Graph, Held, Placed, Role, Val, Value, team};
use tensor::Tensor;

use crate::{AtPoint, Linearisation, Linearised};

/// The ranges of `count` examples that `parts` shards take: one after the other, as equal as can be, longer ones first.
/// Shards without an example are left out.
///
/// ```
/// assert_eq!(isoloss_transform::shards(7, 3), [0..3, 3..5, 5..7]);
/// assert_eq!(isoloss_transform::shards(2, 4), [0..1, 1..2]);
/// ```
#[must_use]
pub fn shards(count: usize, parts: usize) -> Vec<Range<usize>> {
    let parts = parts.min(count);
    let start = |part: usize| part * (count / parts) + part.min(count % parts);
    (0..parts).map(|part| start(part)..start(part + 1)).collect()
}

/// A weighted sum of linear maps, such as the Hessian of a mean over a batch that is cut into shards: each map on a device
/// of a team in turn, all at the same time, and their images summed on the first, in the order of the shards. So the bits
/// depend on the shards, and not on how many devices of one kind share them.
pub struct ParallelLinearisation {
    shards: Vec<Linearisation>,
    sum: Box<dyn Executable>,
}

impl ParallelLinearisation {
    /// Prepares the map of each shard, and their sum with these weights: of a mean, the shard's share of the examples. The
    /// maps have the same tangents and images. The devices are `executor` and its companions.
    ///
    /// # Errors
    /// Where an executor refuses a graph.
    ///
    /// # Panics
    /// Where there is no shard.
    pub fn compile(executor: &dyn Executor, shards: Vec<(Linearised, f64)>) -> Result<Self, ExecError> {
        let team = team(executor);
        let weights: Vec<f64> = shards.iter().map(|(_, weight)| *weight).collect();
        let sum = executor.compile(&sum_graph(&shards[0].0.linear, &weights), &[])?;
        let compile = |(turn, (linearised, _)): (usize, (Linearised, f64))| {
            Linearisation::compile(team[turn % team.len()], linearised)
        };
        let shards = shards.into_iter().enumerate().map(compile).collect::<Result<_, _>>()?;
        Ok(Self { shards, sum })
    }

    /// A tangent for product after product, see [`Executable::hold`]: on the first device.
    ///
    /// # Errors
    /// Where the device has no memory for it.
    pub fn hold<'t>(&self, tangent: &'t Tensor) -> Result<Held<'t>, ExecError> {
        self.sum.hold(tangent)
    }

    /// Runs the primal halves; `points` has for each shard one tensor for each of its inputs.
    ///
    /// # Errors
    /// Where the number or the types of the tensors are not those of the inputs.
    ///
    /// # Panics
    /// Where there are not as many points as shards.
    pub fn at<'a>(&'a mut self, points: &[Vec<&'a Tensor>]) -> Result<ParallelPoint<'a>, ExecError> {
        assert_eq!(points.len(), self.shards.len(), "there is one point for each shard");
        let shards = self.shards.iter_mut().zip(points).map(|(shard, point)| shard.at(point));
        Ok(ParallelPoint { shards: shards.collect::<Result<_, _>>()?, sum: &mut *self.sum })
    }
}

/// The sum of the images of every shard. Inputs: the images of each shard in turn.
fn sum_graph(linear: &Graph, weights: &[f64]) -> Graph {
    let mut b = Builder::new("sum_of_shards");
    let images: Vec<Vec<Val>> = (0..weights.len())
        .map(|shard| {
            let input = |output: &graph::Output| {
                b.input(format!("{shard}/{}", output.name), Role::Data, linear.ty(output.val).clone())
            };
            linear.outputs().iter().map(input).collect()
        })
        .collect();
    for (output, sum) in linear.outputs().iter().zip(b.weighted_sums(&images, weights)) {
        b.output(output.name.clone(), sum);
    }
    b.finish()
}

/// The sum of the linear maps at one point.
pub struct ParallelPoint<'a> {
    shards: Vec<AtPoint<'a>>,
    sum: &'a mut dyn Executable,
}

impl ParallelPoint<'_> {
    /// What does not depend on tangents, shard by shard: see [`AtPoint::results`].
    pub fn results(&self) -> impl Iterator<Item = &[Tensor]> {
        self.shards.iter().map(AtPoint::results)
    }

    /// The image of `tangents`, one tensor for each tangent in order.
    ///
    /// # Errors
    /// Where the number or the types of the tensors are not those of the tangents.
    pub fn apply(&mut self, tangents: &[&Tensor]) -> Result<Vec<Tensor>, ExecError> {
        let tangents: Vec<Placed<'_>> = tangents.iter().map(|&tensor| Placed::Tensor(tensor)).collect();
        self.apply_placed(&tangents)?.into_iter().map(Value::into_tensor).collect()
    }

    /// As [`Self::apply`], with the image on the first device, and tangents anywhere.
    ///
    /// # Errors
    /// Where the number or the types of the values are not those of the tangents.
    pub fn apply_placed(&mut self, tangents: &[Placed<'_>]) -> Result<Vec<Value>, ExecError> {
        let mut images = Vec::new();
        for shard in &mut self.shards {
            images.extend(shard.apply_placed(tangents.iter().map(Placed::borrowed).collect())?);
        }
        self.sum.run_placed(images.into_iter().map(Placed::Donated).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_example_is_in_one_shard() {
        for (count, parts) in [(1, 1), (5, 2), (12, 4), (13, 4), (3, 8), (0, 2)] {
            let shards = shards(count, parts);
            assert_eq!(
                shards.iter().flat_map(Clone::clone).collect::<Vec<_>>(),
                (0..count).collect::<Vec<_>>()
            );
            assert!(
                shards.iter().all(|shard| shard.len() == count / parts || shard.len() == count / parts + 1)
            );
        }
    }
}
