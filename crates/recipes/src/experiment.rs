//! What an experiment is to a recipe: settings that it checks, work that it estimates and does, and findings that claims are
//! about.

use std::path::Path;

use data::Splits;
use report::{NumberFormat, Section};
use serde::{Deserialize, Serialize};
use toml::Table;
use train::Config;

use crate::{
    Progress, RecipeError, federated::Federated, matched_pairs::MatchedPairs,
    merged_networks::MergedNetworks, recipe::Measure, setting::Setting,
};

/// The experiments that recipes can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Pairs of networks from different seeds, matched and connected by a segment.
    MatchedPairs,
    /// Networks trained apart, on the same data or on shares of them, merged.
    MergedNetworks,
    /// Rounds of local training and averaging.
    Federated,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::MatchedPairs, Self::MergedNetworks, Self::Federated];

    pub(crate) const fn experiment(self) -> &'static dyn Experiment {
        match self {
            Self::MatchedPairs => &MatchedPairs,
            Self::MergedNetworks => &MergedNetworks,
            Self::Federated => &Federated,
        }
    }
}

/// An experiment.
pub(crate) trait Experiment: Sync {
    /// What claims can be about.
    fn measures(&self) -> &'static [Measure];

    /// What these settings of an arm offer to claims, or what is wrong with them.
    fn check(&self, settings: &Table) -> Result<Offer, String>;

    /// The work that an arm is.
    fn arm<'a>(&self, arm: Arm<'a>) -> Result<Box<dyn Work + 'a>, RecipeError>;
}

/// What an arm offers to claims.
pub(crate) struct Offer {
    /// The methods that they can name; the first is meant where they name none.
    pub(crate) methods: Vec<String>,
    /// The measures of the experiment that are not taken with these settings.
    pub(crate) without: Vec<&'static str>,
}

/// One of the variations that a recipe compares.
#[derive(Clone, Copy)]
pub(crate) struct Arm<'a> {
    pub(crate) setting: Setting<'a>,
    pub(crate) settings: &'a Table,
    pub(crate) data: &'a Splits,
    /// How often everything is done from seeds of its own.
    pub(crate) repetitions: usize,
    /// The first seed.
    pub(crate) seed: u64,
    pub(crate) folder: &'a Path,
}

/// What is to be done in an arm.
pub(crate) trait Work {
    /// The settings in a line.
    fn line(&self) -> String;

    /// A run whose steps are those that the work is counted in.
    fn config(&self) -> Config;

    /// How many such steps what is not in the folder yet amounts to.
    fn steps_left(&self) -> Result<f64, RecipeError>;

    /// Does it, or takes it from the folder.
    fn run(&self, progress: &mut dyn Progress) -> Result<Box<dyn Found>, RecipeError>;
}

/// What was found in an arm.
pub trait Found: std::fmt::Debug {
    /// How many stages of training networks were compared at, one or more.
    fn stages(&self) -> usize;

    /// The stage's number in words of the experiment, as epochs.
    fn stage(&self, stage: usize) -> f64;

    /// Where the arm stands in a figure that has all of them: its number of parameters.
    fn parameters(&self) -> f64;

    /// What was measured at a spot, one value for each repetition; none where nothing was.
    fn values(&self, spot: &Spot<'_>) -> Vec<f64>;

    /// The columns of the table of all arms at a stage.
    fn columns(&self, stage: usize) -> Vec<Column>;

    /// The sections of a report; their figures' names begin with `id`, and where there are several arms their titles with it.
    fn sections(&self, id: &str, several: bool) -> Vec<Section>;

    /// For tests, and those who know the experiment.
    fn as_any(&self) -> &dyn std::any::Any;
}

/// Where something is measured.
#[derive(Clone, Copy, Debug)]
pub struct Spot<'a> {
    /// What is measured.
    pub measure: Measure,
    /// At which stage of training.
    pub stage: usize,
    /// By which method; the arm's first where none is named.
    pub method: Option<&'a str>,
    /// Whether the control stands in for the treatment.
    pub is_control: bool,
}

/// A column of the table of all arms.
#[derive(Clone, Debug)]
pub struct Column {
    /// The heading.
    pub title: String,
    /// How its numbers are written.
    pub format: NumberFormat,
    /// One number for each repetition.
    pub values: Vec<f64>,
}
