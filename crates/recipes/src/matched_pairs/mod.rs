//! Pairs of networks from different seeds, matched and connected by a segment.

mod compare;
pub mod method;
pub mod pair;
pub mod planted;
pub mod result;
mod settings;
mod steps;
#[cfg(test)]
pub(crate) mod test_pairs;
pub mod training_curves;
mod values;
pub mod views;

use report::Section;
use tensor::Key;
use toml::Table;
use train::Config;

use crate::{
    Progress, RecipeError, certified,
    experiment::{Arm, Column, Experiment, Found, Offer, Spot, Work},
    recipe::Measure,
    training,
};
use result::{PairPlan, PairResult, PlantedResult};
use settings::Settings;

/// The experiment.
pub(crate) struct MatchedPairs;

impl Experiment for MatchedPairs {
    fn measures(&self) -> &'static [Measure] {
        &values::MEASURES
    }

    fn check(&self, settings: &Table) -> Result<Offer, String> {
        let settings = Settings::of(settings)?;
        let plants = settings.planted_trials() > 0;
        let without = if plants { Vec::new() } else { vec![values::PLANTED_RECOVERY.name] };
        Ok(Offer { methods: settings.methods(), without })
    }

    fn arm<'a>(&self, arm: Arm<'a>) -> Result<Box<dyn Work + 'a>, RecipeError> {
        let settings = Settings::of(arm.settings).map_err(RecipeError::settings)?;
        let seeds = (0..arm.repetitions as u64).map(|pair| arm.seed + 2 * pair);
        let plans = seeds.map(|seed| settings.plan(&arm.data.spec, seed)).collect();
        Ok(Box::new(Pairs { arm, settings, plans }))
    }
}

/// An arm's pairs; pair `p` has the seeds `seed + 2p` and `seed + 2p + 1`.
struct Pairs<'a> {
    arm: Arm<'a>,
    settings: Settings,
    plans: Vec<PairPlan>,
}

impl Work for Pairs<'_> {
    fn line(&self) -> String {
        self.settings.line()
    }

    fn config(&self) -> Config {
        self.plans[0].config(self.plans[0].seeds[0])
    }

    fn steps_left(&self) -> Result<f64, RecipeError> {
        let mut steps = 0.0;
        for plan in &self.plans {
            if pair::stored(plan, self.arm.folder)?.contains(&None) {
                steps += steps::steps(plan, self.arm.data)?;
            }
        }
        Ok(steps)
    }

    fn run(&self, progress: &mut dyn Progress) -> Result<Box<dyn Found>, RecipeError> {
        let Arm { setting, data, folder, .. } = self.arm;
        let pairs = self.plans.iter().map(|plan| pair::run(setting, plan, data, folder, progress));
        let pairs = pairs.collect::<Result<Vec<_>, _>>()?;
        let stage = |stage: usize| pairs.iter().map(|pair| pair[stage].clone()).collect();
        let stages = (0..self.plans[0].epochs.len()).map(stage).collect();
        let planted = match self.settings.planted_trials() {
            0 => Vec::new(),
            trials => self.plant(trials, progress)?,
        };
        Ok(Box::new(FoundPairs { stages, planted }))
    }
}

impl Pairs<'_> {
    /// Plants permutations in the first network of the first pair.
    fn plant(&self, trials: usize, progress: &mut dyn Progress) -> Result<Vec<PlantedResult>, RecipeError> {
        let Arm { setting, folder, seed, .. } = self.arm;
        let plan = &self.plans[0];
        let (model, params) = models::load_model(&plan.run_folder(folder, plan.seeds[0]), None)?;
        let key = Key::new(seed).child("planted");
        let group = certified::group(setting.executor, &model, key)?.group;
        planted::run(setting, &group, &params, trials, key, folder, progress)
    }
}

/// What was found in an arm.
#[derive(Clone, Debug)]
pub struct FoundPairs {
    /// The results of all pairs after each of the arm's epochs, ascending.
    pub stages: Vec<Vec<PairResult>>,
    /// The planted recoveries; none where none are asked for.
    pub planted: Vec<PlantedResult>,
}

impl FoundPairs {
    /// The results of all pairs after the last of the epochs.
    #[must_use]
    pub fn last(&self) -> &[PairResult] {
        self.stages.last().map_or(&[], Vec::as_slice)
    }
}

impl Found for FoundPairs {
    fn stages(&self) -> usize {
        self.stages.len()
    }

    fn stage(&self, stage: usize) -> f64 {
        self.stages[stage].first().map_or(f64::NAN, |pair| pair.epoch as f64)
    }

    fn parameters(&self) -> f64 {
        self.last().first().map_or(f64::NAN, |pair| training::parameters(&pair.plan.training.model))
    }

    fn values(&self, spot: &Spot<'_>) -> Vec<f64> {
        values::values(self, spot)
    }

    fn columns(&self, stage: usize) -> Vec<Column> {
        views::columns(&self.stages[stage])
    }

    fn sections(&self, id: &str, several: bool) -> Vec<Section> {
        views::sections(self, id, several)
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}
