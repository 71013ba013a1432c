//! Federated rounds: clients with shares of the data train apart, and are averaged, again and again.

pub mod result;
mod run;
pub mod settings;
mod values;
mod views;

use report::Section;
use toml::Table;

use crate::{
    RecipeError,
    experiment::{Arm, Column, Experiment, Found, Offer, Spot, Work},
    recipe::Measure,
    repetitions::Repetitions,
    training,
};
use result::FederatedResult;
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
        let found = |results| Box::new(FoundRounds { results }) as Box<dyn Found>;
        Ok(Box::new(Repetitions { arm, line: settings.line(), plans, found }))
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
        self.results.first().map_or(f64::NAN, |result| training::parameters(&result.plan.training.model))
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
