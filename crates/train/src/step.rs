//! The training step as one graph.

use std::collections::BTreeMap;

use data::Batch;
use graph::{Argument, Builder, Donation, Executable, Executor, Graph, Role, Ty, Val};
use models::Mode;
use tensor::{DType, Tensor};

use crate::{TrainError, plan::Plan};

/// The step on batches of one size. Inputs: the state, the optimiser's scalars, `x`, `labels`. Outputs: the new
/// state in the same order, then the mean loss before the update.
pub(crate) fn step_graph(plan: &Plan, batch: usize) -> Graph {
    let objective = plan.model.objective_in(Mode::Training, batch, DType::F32, plan.loss);
    let parameters: Vec<usize> = objective.inputs_with(Role::Parameter).collect();
    let gradient = transform::grad(&objective, 0, &parameters);
    let (count, buffers) = (parameters.len(), objective.inputs_with(Role::State).count());
    let mut b = Builder::new("training_step");
    let state = declare_state(&mut b, plan, count);
    let (trained, old_buffers) = state.split_at(state.len() - buffers);
    let scalars: Vec<Val> =
        plan.optimizer.hyper_names().iter().map(|name| b.data(*name, Ty::f32([]))).collect();
    let mut arguments = [&trained[..count], old_buffers].concat();
    for input in &gradient.inputs()[count + buffers..] {
        arguments.push(b.data(input.name.clone(), gradient.ty(input.val).clone()));
    }
    let values = b.inline(&gradient, &arguments);
    let results: Vec<Val> = gradient.outputs().iter().map(|output| values[output.val.position()]).collect();
    let (results, gradients) = results.split_at(results.len() - count);
    let updated = update(&mut b, plan, &scalars, trained, gradients);
    let new_buffers = &results[results.len() - buffers..];
    for ((name, _), value) in plan.state().into_iter().zip(updated.iter().chain(new_buffers)) {
        b.output(name, *value);
    }
    b.output("loss", results[0]);
    transform::simplify(&b.finish())
}

fn declare_state(b: &mut Builder, plan: &Plan, parameters: usize) -> Vec<Val> {
    let role = |position: usize| if position < parameters { Role::Parameter } else { Role::State };
    plan.state()
        .into_iter()
        .enumerate()
        .map(|(position, (name, shape))| b.input(name, role(position), Ty::f32(shape)))
        .collect()
}

/// The new parameters and slots in the order of the old ones.
fn update(b: &mut Builder, plan: &Plan, scalars: &[Val], state: &[Val], gradients: &[Val]) -> Vec<Val> {
    let count = gradients.len();
    let mut updated = state.to_vec();
    for (position, &gradient) in gradients.iter().enumerate() {
        let slots: Vec<Val> = state[count..].iter().skip(position).step_by(count).copied().collect();
        let (parameter, slots) = plan.optimizer.emit(b, scalars, state[position], gradient, &slots);
        updated[position] = parameter;
        for (slot, value) in slots.into_iter().enumerate() {
            updated[count * (slot + 1) + position] = value;
        }
    }
    updated
}

/// The prepared steps, one for each size of batch that has occurred: the full one and what is left at the end of
/// an epoch.
pub(crate) struct Steps<'a> {
    executor: &'a dyn Executor,
    plan: &'a Plan,
    prepared: BTreeMap<usize, Box<dyn Executable>>,
}

impl<'a> Steps<'a> {
    /// With the full batch prepared.
    pub(crate) fn new(executor: &'a dyn Executor, plan: &'a Plan) -> Result<Self, TrainError> {
        let mut steps = Self { executor, plan, prepared: BTreeMap::new() };
        steps.prepare(plan.config.batch)?;
        Ok(steps)
    }

    fn prepare(&mut self, size: usize) -> Result<&mut dyn Executable, TrainError> {
        if !self.prepared.contains_key(&size) {
            let graph = step_graph(self.plan, size);
            let state = self.plan.state().len();
            let donations: Vec<Donation> =
                (0..state).map(|position| Donation { input: position, output: position }).collect();
            let executable = self.executor.compile(&graph, &donations)?;
            self.prepared.insert(size, executable);
        }
        match self.prepared.get_mut(&size) {
            Some(executable) => Ok(executable.as_mut()),
            None => unreachable!("inserted above"),
        }
    }

    /// Takes step `number`, counted from 0, on these examples; returns the new state and the mean loss
    /// before the update.
    pub(crate) fn take(
        &mut self,
        number: u64,
        state: Vec<Tensor>,
        batch: &Batch,
    ) -> Result<(Vec<Tensor>, f64), TrainError> {
        let scalars: Vec<Tensor> = self
            .plan
            .optimizer
            .hyper(number + 1, self.plan.rate(number))
            .into_iter()
            .map(|scalar| Tensor::scalar(scalar as f32))
            .collect();
        let executable = self.prepare(batch.count())?;
        let mut arguments: Vec<Argument<'_>> = state.into_iter().map(Argument::Donated).collect();
        arguments.extend(scalars.iter().chain([&batch.x, &batch.labels]).map(Argument::Borrowed));
        let mut state = executable.run(arguments)?;
        let loss = state.pop().map_or(f64::NAN, |loss| loss.to_f64_vec()[0]);
        Ok((state, loss))
    }
}
