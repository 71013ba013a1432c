//! Experiments that do the same for each repetition, from seeds of its own, and store one result for each.

use std::path::Path;

use data::Splits;
use train::Config;

use crate::{
    Progress, RecipeError,
    experiment::{Arm, Found, Work},
    setting::Setting,
};

/// What is done in a repetition.
pub(crate) trait Plan {
    type Result;

    /// A run whose steps are those that the work is counted in.
    fn config(&self) -> Config;

    /// The result in `folder`, if it stands there.
    fn stored(&self, folder: &Path) -> Result<Option<Self::Result>, RecipeError>;

    /// The whole work in such steps.
    fn steps(&self, data: &Splits) -> Result<f64, RecipeError>;

    /// Does it in `folder`. What an interrupted run left there is used.
    fn run(
        &self,
        setting: Setting<'_>,
        data: &Splits,
        folder: &Path,
        progress: &mut dyn Progress,
    ) -> Result<Self::Result, RecipeError>;
}

/// An arm's repetitions.
pub(crate) struct Repetitions<'a, P: Plan> {
    pub(crate) arm: Arm<'a>,
    /// The settings in a line.
    pub(crate) line: String,
    /// At least one.
    pub(crate) plans: Vec<P>,
    /// What the results are to recipes.
    pub(crate) found: fn(Vec<P::Result>) -> Box<dyn Found>,
}

impl<P: Plan> Work for Repetitions<'_, P> {
    fn line(&self) -> String {
        self.line.clone()
    }

    fn config(&self) -> Config {
        self.plans[0].config()
    }

    fn steps_left(&self) -> Result<f64, RecipeError> {
        let mut left = 0;
        for plan in &self.plans {
            left += usize::from(plan.stored(self.arm.folder)?.is_none());
        }
        // Repetitions differ in their seeds alone.
        Ok(if left == 0 { 0.0 } else { left as f64 * self.plans[0].steps(self.arm.data)? })
    }

    fn run(&self, progress: &mut dyn Progress) -> Result<Box<dyn Found>, RecipeError> {
        let Arm { setting, data, folder, .. } = self.arm;
        let mut results = Vec::new();
        for plan in &self.plans {
            results.push(match plan.stored(folder)? {
                Some(result) => result,
                None => plan.run(setting, data, folder, progress)?,
            });
        }
        Ok((self.found)(results))
    }
}
