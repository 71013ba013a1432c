//! Federated rounds: clients with shares of the data train apart, and are averaged, again and again.

pub mod result;
mod run;
pub mod settings;
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
use result::{FederatedPlan, FederatedResult};
use settings::Settings;

/// The experiment.
pub(crate) struct Federated;

impl Experiment for Federated {
    fn measures(&self) -> &'static [Measure] {
        &values::MEASURES
    }

    fn check(&self, settings: &Table) -> Result<Offer, String> {
        Ok(Offer { methods: Settings::of(settings)?.methods(), without: Vec::new() })
    }

    fn arm<'a>(&self, arm: Arm<'a>) -> Result<Box<dyn Work + 'a>, RecipeError> {
        let settings = Settings::of(arm.settings).map_err(RecipeError::settings)?;
        let seeds = (0..arm.repetitions).map(|own| arm.seed + (own * settings.seeds()) as u64);
        let plans = seeds.map(|seed| settings.plan(&arm.data.spec, seed)).collect();
        Ok(Box::new(AllRounds { arm, settings, plans }))
    }
}

/// An arm's repetitions.
struct AllRounds<'a> {
    arm: Arm<'a>,
    settings: Settings,
    plans: Vec<FederatedPlan>,
}

impl Work for AllRounds<'_> {
    fn line(&self) -> String {
        self.settings.line()
    }

    fn config(&self) -> Config {
        self.plans[0].joint()
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
        Ok(Box::new(FoundRounds { results: results.collect::<Result<_, _>>()? }))
    }
}

impl AllRounds<'_> {
    /// The work of a repetition in training steps: the network of all data with a test after every epoch, the clients' trainings, of
    /// which those before the first average are shared, and the scores after them. Shares are taken to be as large as the first.
    fn steps(&self, plan: &FederatedPlan) -> Result<f64, RecipeError> {
        let data = self.arm.data;
        let (all, test) = (data.train.len(), data.test.len() as f64);
        let own = share::load(&plan.share(0), data)?.train.len();
        let FederatedPlan { clients, rounds, epochs, training, .. } = plan;
        let ways = plan.methods.len() + 1;
        let trainings = (clients * (1 + ways * (rounds - 1))) as f64;
        let trained = trainings * (epochs * own.div_ceil(training.batch)) as f64;
        let joint = (rounds * epochs) as f64;
        let averages = (ways * rounds + 1) as f64;
        let forward = trainings * (own as f64 + test)
            + joint * test
            + averages * (plan.scored.unwrap_or(all) as f64 + test);
        let joint = joint * all.div_ceil(training.batch) as f64;
        Ok(trained + joint + FORWARD * forward / training.batch as f64)
    }
}

/// What was found in an arm.
#[derive(Clone, Debug)]
pub struct FoundRounds {
    /// The result of each repetition.
    pub results: Vec<FederatedResult>,
}

impl Found for FoundRounds {
    fn stages(&self) -> usize {
        self.results.first().map_or(0, |result| result.plan.rounds)
    }

    fn stage(&self, stage: usize) -> f64 {
        let epochs = self.results.first().map_or(0, |result| result.plan.epochs);
        ((stage + 1) * epochs) as f64
    }

    fn parameters(&self) -> f64 {
        let model = self.results.first().map(|result| Model::parse(&result.plan.training.model));
        // An architecture may not be known any more.
        model.and_then(Result::ok).map_or(f64::NAN, |model| model.elements() as f64)
    }

    fn values(&self, spot: &Spot<'_>) -> Vec<f64> {
        values::values(self, spot)
    }

    fn columns(&self, stage: usize) -> Vec<Column> {
        views::columns(&self.results, stage)
    }

    fn sections(&self, id: &str, several: bool) -> Vec<Section> {
        views::sections(self, id, several)
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}
