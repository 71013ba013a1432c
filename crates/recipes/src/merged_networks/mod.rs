//! Networks trained apart, on all data or on shares of them, merged, and compared with themselves, their ensemble and a network of all
//! data.

pub mod result;
mod run;
mod settings;
mod values;
mod views;

use models::Model;
use report::Section;
use toml::Table;
use train::Config;

use crate::{
    Progress, RecipeError,
    estimate::FORWARD,
    experiment::{Arm, Column, Experiment, Found, Offer, Spot, Work},
    recipe::Measure,
    share,
};
use result::{MergePlan, MergeResult};
use settings::Settings;

/// The experiment.
pub(crate) struct MergedNetworks;

impl Experiment for MergedNetworks {
    fn measures(&self) -> &'static [Measure] {
        &values::MEASURES
    }

    fn check(&self, settings: &Table) -> Result<Offer, String> {
        let settings = Settings::of(settings)?;
        let without = if settings.has_shares() { Vec::new() } else { vec![values::LOSS_TO_JOINT.name] };
        Ok(Offer { methods: settings.methods(), without })
    }

    fn arm<'a>(&self, arm: Arm<'a>) -> Result<Box<dyn Work + 'a>, RecipeError> {
        let settings = Settings::of(arm.settings).map_err(RecipeError::settings)?;
        let seeds = (0..arm.repetitions).map(|own| arm.seed + (own * settings.seeds()) as u64);
        let plans = seeds.map(|seed| settings.plan(&arm.data.spec, seed)).collect();
        Ok(Box::new(Merges { arm, settings, plans }))
    }
}

/// An arm's repetitions; each takes as many seeds as it trains networks.
struct Merges<'a> {
    arm: Arm<'a>,
    settings: Settings,
    plans: Vec<MergePlan>,
}

impl Work for Merges<'_> {
    fn line(&self) -> String {
        self.settings.line()
    }

    fn config(&self) -> Config {
        self.plans[0].config(self.plans[0].seeds.len() - 1)
    }

    fn steps_left(&self) -> Result<f64, RecipeError> {
        let mut left = Vec::new();
        for plan in &self.plans {
            if plan.stored(self.arm.folder)?.is_none() {
                left.push(plan);
            }
        }
        let Some(&plan) = left.first() else { return Ok(0.0) };
        Ok(left.len() as f64 * self.steps(plan)?)
    }

    fn run(&self, progress: &mut dyn Progress) -> Result<Box<dyn Found>, RecipeError> {
        let Arm { setting, data, folder, .. } = self.arm;
        let results = self.plans.iter().map(|plan| run::run(setting, plan, data, folder, progress));
        Ok(Box::new(FoundMerges { results: results.collect::<Result<_, _>>()? }))
    }
}

impl Merges<'_> {
    /// The work of a repetition in training steps: all trainings with their tests after every epoch, and the scores. Shares are taken to be as
    /// large as the first.
    fn steps(&self, plan: &MergePlan) -> Result<f64, RecipeError> {
        let data = self.arm.data;
        let (all, test) = (data.train.len(), data.test.len() as f64);
        let own = plan.share(0).map(|spec| share::load(&spec, data)).transpose()?;
        let own = own.map_or(all, |own| own.train.len());
        let others = plan.seeds.len() - plan.networks;
        let (batch, epochs) = (plan.training.batch, plan.epochs as f64);
        let trained = epochs * (plan.networks * own.div_ceil(batch) + others * all.div_ceil(batch)) as f64;
        let tested = epochs * plan.seeds.len() as f64 * test;
        let variants = if plan.repair { 2 } else { 1 };
        let averages = (plan.methods.len() + 1) * (variants + plan.points);
        let scored = plan.scored.unwrap_or(all) as f64 + test;
        let forward = tested + (plan.seeds.len() + averages) as f64 * scored;
        Ok(trained + FORWARD * forward / batch as f64)
    }
}

/// What was found in an arm.
#[derive(Clone, Debug)]
pub struct FoundMerges {
    /// The result of each repetition.
    pub results: Vec<MergeResult>,
}

impl Found for FoundMerges {
    fn stages(&self) -> usize {
        1
    }

    fn stage(&self, _: usize) -> f64 {
        self.results.first().map_or(f64::NAN, |result| result.plan.epochs as f64)
    }

    fn parameters(&self) -> f64 {
        let model = self.results.first().map(|result| Model::parse(&result.plan.training.model));
        // An architecture may not be known any more.
        model.and_then(Result::ok).map_or(f64::NAN, |model| model.elements() as f64)
    }

    fn values(&self, spot: &Spot<'_>) -> Vec<f64> {
        values::values(self, spot)
    }

    fn columns(&self, _: usize) -> Vec<Column> {
        views::columns(&self.results)
    }

    fn sections(&self, id: &str, several: bool) -> Vec<Section> {
        views::sections(self, id, several)
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}
