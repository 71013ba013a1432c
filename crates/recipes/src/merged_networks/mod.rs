//! Networks trained apart, on all data or on shares of them, merged, and compared with themselves, their ensemble and a network of all
//! data.

pub mod result;
mod run;
mod settings;
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
use result::MergeResult;
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
        let found = |results| Box::new(FoundMerges { results }) as Box<dyn Found>;
        Ok(Box::new(Repetitions { arm, line: settings.line(), plans, found }))
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
        self.results.first().map_or(f64::NAN, |result| training::parameters(&result.plan.training.model))
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
