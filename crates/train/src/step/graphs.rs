//! The graphs of a training step: whole, or in two parts between which shards of the batch are summed.

use graph::{Builder, Graph, Role, Ty, Val};
use models::Mode;
use optim::Update;
use tensor::{DType, Shape};

use crate::{curvature::estimate_graph, plan::Plan};

/// What a step is prepared for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Kind {
    /// Examples.
    pub(super) batch: usize,
    /// Whether the optimiser is given an estimate of the curvature.
    pub(super) curvature: bool,
}

/// What examples give to a step: means over them, but for the buffers.
struct Contribution {
    loss: Val,
    buffers: Vec<Val>,
    gradients: Vec<Val>,
    curvatures: Option<Vec<Val>>,
}

/// A step. Inputs: what it changes (see [`Plan::trained`]), the optimiser's scalars, `x`, `labels`, and with an estimate
/// of the curvature `key`. Outputs: what it changes in the same order, then the mean loss before the update.
pub(super) fn step_graph(plan: &Plan, kind: Kind) -> Graph {
    let mut b = Builder::new("training_step");
    let (old, scalars) = (declare(&mut b, plan.trained()), declare_scalars(&mut b, plan));
    let (own, buffers) = old.split_at(old.len() - plan.model.buffers().len());
    let network = [&own[..plan.parameter_count], buffers].concat();
    let contribution = contribute(&mut b, plan, kind, &network);
    finish(b, plan, &scalars, own, &contribution)
}

/// What a shard of the batch gives. Inputs: the parameters, the buffers, `x`, `labels`, and with an estimate of the
/// curvature `key`. Outputs: see [`contribution_types`].
pub(super) fn shard_graph(plan: &Plan, kind: Kind) -> Graph {
    let mut b = Builder::new("training_shard");
    let network = declare(&mut b, plan.network());
    let Contribution { loss, buffers, gradients, curvatures } = contribute(&mut b, plan, kind, &network);
    let values =
        std::iter::once(loss).chain(buffers).chain(gradients).chain(curvatures.into_iter().flatten());
    for ((name, _), value) in contribution_types(plan, kind.curvature).into_iter().zip(values) {
        b.output(name, value);
    }
    transform::simplify(&b.finish())
}

/// The step that follows from what shards give, whose weights are their shares of the examples. Inputs: what the step
/// changes, the optimiser's scalars, then the outputs of [`shard_graph`] for each shard. Outputs: those of [`step_graph`].
///
/// Each shard's batch normalisation sees its own examples, as in `torch.nn.parallel.DistributedDataParallel`; running
/// statistics are the mean of the shards', where that takes those of the first one. So is the estimate of the curvature,
/// each being one of the same diagonal.
pub(super) fn update_graph(plan: &Plan, weights: &[f64], curvature: bool) -> Graph {
    let mut b = Builder::new("training_update");
    let (old, scalars) = (declare(&mut b, plan.trained()), declare_scalars(&mut b, plan));
    let shards: Vec<Vec<Val>> = (0..weights.len())
        .map(|shard| {
            let named = |(name, shape)| (format!("{shard}/{name}"), shape);
            declare(&mut b, contribution_types(plan, curvature).into_iter().map(named))
        })
        .collect();
    let mut means = b.weighted_sums(&shards, weights).into_iter();
    let (count, buffers) = (plan.parameter_count, plan.model.buffers().len());
    let contribution = Contribution {
        loss: means.next().expect("every shard gives its loss"),
        buffers: means.by_ref().take(buffers).collect(),
        gradients: means.by_ref().take(count).collect(),
        curvatures: curvature.then(|| means.collect()),
    };
    finish(b, plan, &scalars, &old[..old.len() - buffers], &contribution)
}

/// Names and shapes of what a shard gives: the mean loss, the new buffers, the gradients, the estimates of the curvature.
fn contribution_types(plan: &Plan, curvature: bool) -> Vec<(String, Shape)> {
    let (count, network) = (plan.parameter_count, plan.network());
    let (parameters, buffers) = network.split_at(count);
    let of = |prefix: &'static str| {
        parameters.iter().map(move |(name, shape)| (format!("{prefix}/{name}"), shape.clone()))
    };
    let loss = ("loss".to_owned(), Shape::from([]));
    let curvatures = of("curvature").take(if curvature { count } else { 0 });
    std::iter::once(loss).chain(buffers.iter().cloned()).chain(of("gradient")).chain(curvatures).collect()
}

/// Declares inputs, of which those in front are parameters.
fn declare(b: &mut Builder, entries: impl IntoIterator<Item = (String, Shape)>) -> Vec<Val> {
    entries
        .into_iter()
        .map(|(name, shape)| {
            let role = if name.starts_with("parameter/") { Role::Parameter } else { Role::State };
            b.input(name, role, Ty::f32(shape))
        })
        .collect()
}

fn declare_scalars(b: &mut Builder, plan: &Plan) -> Vec<Val> {
    plan.optimizer.hyper_names().iter().map(|name| b.data(*name, Ty::f32([]))).collect()
}

/// Declares the examples, and emits what they give.
fn contribute(b: &mut Builder, plan: &Plan, kind: Kind, network: &[Val]) -> Contribution {
    let objective = plan.model.objective_in(Mode::Training, kind.batch, DType::F32, plan.loss);
    let parameters: Vec<usize> = objective.inputs_with(Role::Parameter).collect();
    let gradient = transform::grad(&objective, 0, &parameters);
    let data = &gradient.inputs()[network.len()..];
    let data: Vec<Val> =
        data.iter().map(|input| b.data(input.name.clone(), gradient.ty(input.val).clone())).collect();
    let values = b.inline(&gradient, &[network, &data].concat());
    let mut results: Vec<Val> =
        gradient.outputs().iter().map(|output| values[output.val.position()]).collect();
    let gradients = results.split_off(results.len() - parameters.len());
    let buffers = results.split_off(results.len() - plan.model.buffers().len());
    let curvatures = kind.curvature.then(|| curvatures(b, plan, kind.batch, network, data[0]));
    Contribution { loss: results[0], buffers, gradients, curvatures }
}

/// The estimate of the curvature by each parameter; declares `key`.
fn curvatures(b: &mut Builder, plan: &Plan, batch: usize, network: &[Val], x: Val) -> Vec<Val> {
    let estimate = estimate_graph(&plan.model, batch);
    let key = b.data("key", Ty::i32([2]));
    let values = b.inline(&estimate, &[network, &[x, key]].concat());
    estimate.outputs().iter().map(|output| values[output.val.position()]).collect()
}

/// Emits the update, and declares the outputs.
fn finish(mut b: Builder, plan: &Plan, scalars: &[Val], own: &[Val], from: &Contribution) -> Graph {
    let gradients =
        plan.config.clip().map_or(from.gradients.clone(), |clip| clip.emit(&mut b, &from.gradients));
    let updated = update(&mut b, plan, scalars, own, &gradients, from.curvatures.as_deref());
    for ((name, _), value) in plan.trained().into_iter().zip(updated.iter().chain(&from.buffers)) {
        b.output(name, *value);
    }
    b.output("loss", from.loss);
    transform::simplify(&b.finish())
}

/// The new parameters and slots in the order of the old ones.
fn update(
    b: &mut Builder,
    plan: &Plan,
    scalars: &[Val],
    own: &[Val],
    gradients: &[Val],
    curvatures: Option<&[Val]>,
) -> Vec<Val> {
    let count = gradients.len();
    let mut updated = own.to_vec();
    for (position, &gradient) in gradients.iter().enumerate() {
        let state: Vec<Val> = own[count..].iter().skip(position).step_by(count).copied().collect();
        let curvature = curvatures.map(|curvatures| curvatures[position]);
        let of = Update { parameter: own[position], gradient, curvature, state: &state };
        let (parameter, state) = plan.optimizer.emit(b, scalars, of);
        updated[position] = parameter;
        for (slot, value) in state.into_iter().enumerate() {
            updated[count * (slot + 1) + position] = value;
        }
    }
    updated
}

#[cfg(test)]
mod tests {
    use graph::{Def, Prim};

    use super::*;
    use crate::Config;

    fn plan() -> Plan {
        let config = Config { optimizer: "sophia".to_owned(), ..Config::new("mlp:64-16-10", "digits") };
        Plan::new(&config, &data::load("digits").expect("digits")).expect("a plan")
    }

    /// Matrix products in a graph.
    fn products(graph: &Graph) -> usize {
        let is_product = |val: &Val| matches!(graph.def(*val), Def::Apply { op: Prim::DotGeneral(_), .. });
        graph.vals().filter(is_product).count()
    }

    #[test]
    fn an_estimate_of_the_curvature_shares_the_forward_pass() {
        let (forward, backward) = (2, 3);
        let products = |curvature| products(&step_graph(&plan(), Kind { batch: 8, curvature }));
        assert_eq!(products(false), forward + backward);
        assert_eq!(products(true), forward + 2 * backward);
    }

    #[test]
    fn the_update_takes_what_shards_give() {
        let plan = plan();
        let update = update_graph(&plan, &[0.5, 0.5], true);
        let shard = shard_graph(&plan, Kind { batch: 4, curvature: true });
        let given: Vec<&Ty> = shard.outputs().iter().map(|output| shard.ty(output.val)).collect();
        let first = update.inputs().len() - 2 * given.len();
        for (position, input) in update.inputs()[first..].iter().enumerate() {
            assert_eq!(update.ty(input.val), given[position % given.len()], "{}", input.name);
        }
        assert_eq!(products(&update), 0);
    }
}
