//! Scales: how much of a recipe runs.

use serde::{Deserialize, Serialize};
use toml::Table;

use super::Arm;

/// How much of an experiment runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scale {
    /// Two minutes on two cores: shows that everything works.
    Smoke,
    /// An hour on two cores: the claim at a size that fits.
    Small,
    /// As published.
    Paper,
}

impl Scale {
    /// All scales.
    pub const ALL: [Self; 3] = [Self::Smoke, Self::Small, Self::Paper];

    /// The word on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Smoke => "smoke",
            Self::Small => "small",
            Self::Paper => "paper",
        }
    }
}

/// The settings of one scale.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScaleSettings {
    /// The time that the scale may take on two cores, in minutes. What an estimate shows to exceed it is not run.
    pub minutes: f64,
    /// The data set's name; its folder is given on the command line.
    pub data: String,
    /// Options that follow the folder, as `normalize=on,augment=crop+flip`.
    #[serde(default)]
    pub options: String,
    /// How often everything is done, from seeds of its own.
    pub repetitions: usize,
    /// What is replaced in the recipe's training.
    #[serde(default)]
    pub training: Table,
    /// The variations; the training alone where there are none.
    #[serde(default, rename = "arm")]
    pub arms: Vec<Arm>,
    /// What runs where no data are given.
    #[serde(default)]
    pub stand_in: Option<StandIn>,
}

/// An experiment that needs no download, in place of a scale's own.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StandIn {
    /// A built-in data set with its options.
    pub data: String,
    /// What is replaced in the scale's training.
    #[serde(default)]
    pub training: Table,
    /// The variations; the scale's where there are none.
    #[serde(default, rename = "arm")]
    pub arms: Vec<Arm>,
}
