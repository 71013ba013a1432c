//! Averages of the weights over the steps.

use graph::{Builder, Donation, Executable, Executor, Graph, Placed, Role, Ty, Value};
use models::Params;
use tensor::{Shape, Tensor};

use crate::{
    Config, Scores, TrainError,
    folder::{EMA_FILE, SWA_FILE},
    plan::Plan,
};

/// A kind of average.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Average {
    /// Exponential, over all steps.
    Exponential,
    /// Even, over the ends of the last epochs.
    Stochastic,
}

impl Average {
    /// Those that a run keeps, in the order of its state.
    pub(crate) fn kept(config: &Config) -> Vec<Self> {
        let all = [(config.ema.is_some(), Self::Exponential), (config.swa.is_some(), Self::Stochastic)];
        all.into_iter().filter_map(|(kept, average)| kept.then_some(average)).collect()
    }

    /// The name in the state, in results and of its file.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Exponential => "ema",
            Self::Stochastic => "swa",
        }
    }

    /// The file of a finished run.
    pub(crate) const fn file(self) -> &'static str {
        match self {
            Self::Exponential => EMA_FILE,
            Self::Stochastic => SWA_FILE,
        }
    }

    /// Whether there is anything in it after so many epochs.
    pub(crate) fn has_begun(self, config: &Config, epochs: usize) -> bool {
        match self {
            Self::Exponential => epochs > 0,
            Self::Stochastic => config.swa.is_some_and(|start| epochs >= start),
        }
    }

    /// How far the average moves towards the weights after a step, counted from 0; `None` where it stays. The first move
    /// is the whole way, as in `torch.optim.swa_utils.AveragedModel`.
    pub(crate) fn share(self, plan: &Plan, step: u64) -> Option<f64> {
        match self {
            Self::Exponential => plan.config.ema.map(|kept| if step == 0 { 1.0 } else { 1.0 - kept }),
            Self::Stochastic => {
                let steps = plan.horizon.steps_per_epoch;
                let epoch = (step + 1) / steps;
                let start = plan.config.swa? as u64;
                ((step + 1).is_multiple_of(steps) && epoch >= start).then(|| 1.0 / (epoch - start + 1) as f64)
            }
        }
    }
}

/// An average at the end of a run.
pub(crate) struct Averaged {
    pub(crate) average: Average,
    /// With running statistics of its own.
    pub(crate) params: Params,
    pub(crate) scores: Scores,
}

/// Moves averages towards the weights: average ← average + share · (weight − average). They start at zero, so that the
/// first move, by a share of 1, copies the weights exactly.
pub(crate) struct Averager {
    kept: Vec<Average>,
    executable: Option<Box<dyn Executable>>,
}

impl Averager {
    pub(crate) fn new(executor: &dyn Executor, plan: &Plan) -> Result<Self, TrainError> {
        let kept = Average::kept(&plan.config);
        let count = plan.model.parameters().len();
        let compile = || executor.compile(&graph(plan), &Donation::in_order(count));
        let executable = (!kept.is_empty()).then(compile).transpose()?;
        Ok(Self { kept, executable })
    }

    /// The averages after a step, counted from 0; `averages` and the result hold those of each kind in turn.
    pub(crate) fn update(
        &mut self,
        plan: &Plan,
        step: u64,
        mut averages: Vec<Value>,
        parameters: &[Value],
    ) -> Result<Vec<Value>, TrainError> {
        let mut updated = Vec::with_capacity(averages.len());
        for average in &self.kept {
            let rest = averages.split_off(parameters.len());
            let own = std::mem::replace(&mut averages, rest);
            updated.extend(match (average.share(plan, step), &mut self.executable) {
                (Some(share), Some(executable)) => {
                    let share = Tensor::scalar(share as f32);
                    let mut arguments: Vec<Placed<'_>> = own.into_iter().map(Placed::Donated).collect();
                    arguments.extend(parameters.iter().map(Placed::Borrowed));
                    arguments.push(Placed::Tensor(&share));
                    executable.run_placed(arguments)?
                }
                _ => own,
            });
        }
        Ok(updated)
    }
}

/// Inputs: the averages, the parameters, the share. Outputs: the new averages.
fn graph(plan: &Plan) -> Graph {
    let mut b = Builder::new("average");
    let entries = plan.model.parameters();
    let mut declare = |prefix: &str, role: Role| -> Vec<_> {
        let of = |(name, shape): &(String, Shape)| (format!("{prefix}/{name}"), Ty::f32(shape.clone()));
        entries.iter().map(of).map(|(name, ty)| b.input(name, role, ty)).collect()
    };
    let averages = declare("average", Role::State);
    let parameters = declare("parameter", Role::Parameter);
    let share = b.data("share", Ty::f32([]));
    for ((name, shape), (average, parameter)) in entries.iter().zip(averages.into_iter().zip(parameters)) {
        let difference = b.subtract(parameter, average);
        let share = b.broadcast(share, shape, &[]);
        let change = b.multiply(share, difference);
        let moved = b.add(average, change);
        b.output(name.clone(), moved);
    }
    b.finish()
}
