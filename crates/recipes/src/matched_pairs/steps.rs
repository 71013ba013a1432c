//! The work on a pair.

use data::Splits;
use models::Model;

use super::{compare, result::PairPlan};
use crate::{RecipeError, estimate::FORWARD};

/// The work on a pair in training steps: both trainings with their tests after every epoch, the points of all segments, and what
/// is learned to match.
pub(crate) fn steps(plan: &PairPlan, data: &Splits) -> Result<f64, RecipeError> {
    let model = Model::parse(&plan.training.model)?;
    let compared = compare::compared_on(plan, &model, data)?;
    let examples = evaluate::fit(&model, &data.train)?.len();
    let (test, scored) = (compared.test.len() as f64, compared.train.len() as f64);
    let epochs = 2.0 * plan.last_epoch() as f64;
    let trained = epochs * examples.div_ceil(plan.training.batch) as f64;
    let segments = (plan.epochs.len() * (plan.methods.len() + 2) * plan.points) as f64;
    let re_estimated = if model.buffers().is_empty() { 0.0 } else { scored };
    let forward = epochs * test + segments * (test + scored + re_estimated);
    let learned = plan.learned.map_or([0.0; 2], |descent| descent.work(examples));
    let [descended, judged] = learned.map(|examples| plan.epochs.len() as f64 * examples);
    Ok(trained + (descended + FORWARD * (forward + judged)) / plan.training.batch as f64)
}
