//! The training step as one graph.

use std::collections::BTreeMap;

use data::Batch;
use graph::{Builder, Donation, Executable, Executor, Graph, Placed, Role, Ty, Val, Value};
use models::Mode;
use optim::Update;
use tensor::{DType, Tensor};

use crate::{
    TrainError,
    curvature::{estimate_graph, key_words},
    plan::Plan,
};

/// What a step is prepared for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Kind {
    /// Examples.
    batch: usize,
    /// Whether the optimiser is given an estimate of the curvature.
    curvature: bool,
}

/// A step. Inputs: what it changes (see [`Plan::trained`]), the optimiser's scalars, `x`, `labels`, and with an estimate
/// of the curvature `key`. Outputs: what it changes in the same order, then the mean loss before the update.
fn step_graph(plan: &Plan, kind: Kind) -> Graph {
    let mut b = Builder::new("training_step");
    let (parameters, buffers) = (plan.model.parameters().len(), plan.model.buffers().len());
    let old = declare(&mut b, plan, parameters);
    let (own, old_buffers) = old.split_at(old.len() - buffers);
    let scalars: Vec<Val> =
        plan.optimizer.hyper_names().iter().map(|name| b.data(*name, Ty::f32([]))).collect();
    let network = [&own[..parameters], old_buffers].concat();
    let (results, gradients, x) = gradients(&mut b, plan, kind.batch, &network);
    let gradients = plan.config.clip().map_or(gradients.clone(), |clip| clip.emit(&mut b, &gradients));
    let curvatures = kind.curvature.then(|| curvatures(&mut b, plan, kind.batch, &network, x));
    let updated = update(&mut b, plan, &scalars, own, &gradients, curvatures.as_deref());
    let new_buffers = &results[results.len() - buffers..];
    for ((name, _), value) in plan.trained().into_iter().zip(updated.iter().chain(new_buffers)) {
        b.output(name, *value);
    }
    b.output("loss", results[0]);
    transform::simplify(&b.finish())
}

fn declare(b: &mut Builder, plan: &Plan, parameters: usize) -> Vec<Val> {
    let role = |position: usize| if position < parameters { Role::Parameter } else { Role::State };
    plan.trained()
        .into_iter()
        .enumerate()
        .map(|(position, (name, shape))| b.input(name, role(position), Ty::f32(shape)))
        .collect()
}

/// The objective's outputs, the gradients of its first, and `x`; declares `x` and `labels`.
fn gradients(b: &mut Builder, plan: &Plan, batch: usize, network: &[Val]) -> (Vec<Val>, Vec<Val>, Val) {
    let objective = plan.model.objective_in(Mode::Training, batch, DType::F32, plan.loss);
    let parameters: Vec<usize> = objective.inputs_with(Role::Parameter).collect();
    let gradient = transform::grad(&objective, 0, &parameters);
    let data = &gradient.inputs()[network.len()..];
    let data: Vec<Val> =
        data.iter().map(|input| b.data(input.name.clone(), gradient.ty(input.val).clone())).collect();
    let values = b.inline(&gradient, &[network, &data].concat());
    let mut results: Vec<Val> =
        gradient.outputs().iter().map(|output| values[output.val.position()]).collect();
    let gradients = results.split_off(results.len() - parameters.len());
    (results, gradients, data[0])
}

/// The estimate of the curvature by each parameter; declares `key`.
fn curvatures(b: &mut Builder, plan: &Plan, batch: usize, network: &[Val], x: Val) -> Vec<Val> {
    let estimate = estimate_graph(&plan.model, batch);
    let key = b.data("key", Ty::i32([2]));
    let values = b.inline(&estimate, &[network, &[x, key]].concat());
    estimate.outputs().iter().map(|output| values[output.val.position()]).collect()
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

/// The prepared steps: for the full batch and for what is left at the end of an epoch, each with and without an estimate of
/// the curvature as they occur.
pub(crate) struct Steps<'a> {
    executor: &'a dyn Executor,
    plan: &'a Plan,
    prepared: BTreeMap<Kind, Box<dyn Executable>>,
}

impl<'a> Steps<'a> {
    /// With the full batch prepared.
    pub(crate) fn new(executor: &'a dyn Executor, plan: &'a Plan) -> Result<Self, TrainError> {
        let mut steps = Self { executor, plan, prepared: BTreeMap::new() };
        steps.prepare(Kind { batch: plan.config.batch, curvature: false })?;
        Ok(steps)
    }

    fn prepare(&mut self, kind: Kind) -> Result<&mut dyn Executable, TrainError> {
        if !self.prepared.contains_key(&kind) {
            let graph = step_graph(self.plan, kind);
            let changed = self.plan.trained().len();
            let donations: Vec<Donation> =
                (0..changed).map(|position| Donation { input: position, output: position }).collect();
            let executable = self.executor.compile(&graph, &donations)?;
            self.prepared.insert(kind, executable);
        }
        match self.prepared.get_mut(&kind) {
            Some(executable) => Ok(executable.as_mut()),
            None => unreachable!("inserted above"),
        }
    }

    /// Takes step `number`, counted from 0, on these examples; returns what it changes and the mean loss before the
    /// update.
    pub(crate) fn take(
        &mut self,
        number: u64,
        trained: Vec<Value>,
        batch: &Batch,
    ) -> Result<(Vec<Value>, f64), TrainError> {
        let hyper = self.plan.optimizer.hyper(number + 1, self.plan.rate(number)).into_iter();
        let scalars: Vec<Tensor> = hyper.map(|scalar| Tensor::scalar(scalar as f32)).collect();
        let curvature = self.plan.optimizer.curvature_every().is_some_and(|n| number.is_multiple_of(n));
        let key = curvature.then(|| key_words(self.plan.curvature_key(number)));
        let executable = self.prepare(Kind { batch: batch.count(), curvature })?;
        let mut arguments: Vec<Placed<'_>> = trained.into_iter().map(Placed::Donated).collect();
        let data = scalars.iter().chain([&batch.x, &batch.labels]).chain(&key);
        arguments.extend(data.map(Placed::Tensor));
        let mut trained = executable.run_placed(arguments)?;
        let loss = trained.pop().map(Value::into_tensor).transpose()?;
        Ok((trained, loss.map_or(f64::NAN, |loss| loss.to_f64_vec()[0])))
    }
}

#[cfg(test)]
mod tests {
    use graph::{Def, Prim};

    use super::*;
    use crate::Config;

    /// Matrix products in a step of a network with two layers.
    fn products(curvature: bool) -> usize {
        let config = Config { optimizer: "sophia".to_owned(), ..Config::new("mlp:64-16-10", "digits") };
        let plan = Plan::new(&config, &data::load("digits").expect("digits")).expect("a plan");
        let graph = step_graph(&plan, Kind { batch: 8, curvature });
        let is_product = |val: &Val| matches!(graph.def(*val), Def::Apply { op: Prim::DotGeneral(_), .. });
        graph.vals().filter(is_product).count()
    }

    #[test]
    fn an_estimate_of_the_curvature_shares_the_forward_pass() {
        let (forward, backward) = (2, 3);
        assert_eq!(products(false), forward + backward);
        assert_eq!(products(true), forward + 2 * backward);
    }
}
