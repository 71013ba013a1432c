//! The recipe format: one TOML file per published claim.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::RecipeError;

/// A published result as something that can be run.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// The name on the command line.
    pub name: String,
    /// What is claimed, in a sentence.
    pub title: String,
    /// Where it was published.
    pub paper: String,
    /// Which experiment runs.
    pub experiment: Experiment,
    /// What is done, for the report.
    pub summary: String,
    /// How networks are trained, unless a scale says otherwise.
    pub training: Training,
    /// What runs at each scale.
    pub scale: BTreeMap<Scale, ScaleSettings>,
    /// The claims, each with its bound.
    #[serde(rename = "claim")]
    pub claims: Vec<Claim>,
}

/// The experiments that recipes can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Experiment {
    /// Pairs of networks from different seeds, matched and connected by a segment.
    MatchedPairs,
}

/// How networks are trained; texts as on the command line of `isoloss train`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Training {
    /// The architecture.
    pub model: String,
    /// The optimiser.
    pub optimizer: String,
    /// The learning-rate schedule.
    pub schedule: String,
    /// The initialisation.
    pub init: String,
    /// Examples per step.
    pub batch: usize,
}

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
    /// How many pairs of seeds.
    pub pairs: usize,
    /// After how many epochs of training pairs are matched; claims are about the last.
    pub epochs: Vec<usize>,
    /// Planted recoveries per noise level.
    pub planted_trials: usize,
    /// What runs where no data are given.
    #[serde(default)]
    pub stand_in: Option<StandIn>,
}

/// An experiment that needs no download, in place of a scale's own.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StandIn {
    /// A built-in data set.
    pub data: String,
    /// The architecture.
    pub model: String,
    /// The optimiser.
    pub optimizer: String,
    /// Examples per step.
    pub batch: usize,
    /// After how many epochs of training pairs are matched.
    pub epochs: Vec<usize>,
}

/// A claim with its bound.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// A short name.
    pub id: String,
    /// The claim in a sentence.
    pub text: String,
    /// Where in the paper.
    pub source: String,
    /// What is measured.
    pub measure: Measure,
    /// The claim holds where the measured value is at most this.
    #[serde(default)]
    pub at_most: Option<f64>,
    /// The claim holds where the measured value is at least this.
    #[serde(default)]
    pub at_least: Option<f64>,
}

impl Claim {
    /// Whether a measured value satisfies the bound. NaN never does.
    #[must_use]
    pub fn holds(&self, value: f64) -> bool {
        !value.is_nan()
            && self.at_most.is_none_or(|bound| value <= bound)
            && self.at_least.is_none_or(|bound| value >= bound)
    }

    /// The bound in words and figures.
    #[must_use]
    pub fn bound(&self) -> String {
        let unit = self.measure.unit();
        let side = |word: &str, bound: Option<f64>| {
            bound.map(|bound| format!("{word} {bound} {unit}").trim_end().to_owned())
        };
        let sides = [side("at most", self.at_most), side("at least", self.at_least)];
        sides.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

/// What a claim is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// The loss barrier on the test set between a network and the matched other, in nats.
    TestLossBarrier,
    /// The loss barrier on the training set.
    TrainLossBarrier,
    /// The parents' mean test accuracy minus the midpoint's, in percentage points.
    TestAccuracyDrop,
    /// The share of planted permutations that matching recovers.
    PlantedRecovery,
}

impl Measure {
    /// The unit of the measured value.
    #[must_use]
    pub const fn unit(self) -> &'static str {
        match self {
            Self::TestLossBarrier | Self::TrainLossBarrier => "nats",
            Self::TestAccuracyDrop => "percentage points",
            Self::PlantedRecovery => "of the trials",
        }
    }

    /// What is measured, in words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::TestLossBarrier => "loss barrier, test",
            Self::TrainLossBarrier => "loss barrier, train",
            Self::TestAccuracyDrop => "accuracy lost at the midpoint, test",
            Self::PlantedRecovery => "planted permutations recovered",
        }
    }
}

const BUILT_IN: [&str; 1] = [include_str!("../../../recipes/rebasin-mnist-mlp.toml")];

impl Recipe {
    /// Reads a recipe.
    ///
    /// # Errors
    /// Where the text is not TOML, a field is missing or unknown, or a claim has no bound.
    pub fn parse(text: &str) -> Result<Self, RecipeError> {
        let recipe: Self =
            toml::from_str(text).map_err(|source| RecipeError::Format { source: Box::new(source) })?;
        recipe.check()?;
        Ok(recipe)
    }

    fn check(&self) -> Result<(), RecipeError> {
        let fault = |problem: String| Err(RecipeError::Contents { recipe: self.name.clone(), problem });
        if let Some(claim) = self.claims.iter().find(|claim| claim.bound().is_empty()) {
            return fault(format!("claim '{}' has neither 'at_most' nor 'at_least'", claim.id));
        }
        for (scale, settings) in &self.scale {
            let stand_in = settings.stand_in.iter().map(|stand_in| &stand_in.epochs);
            let impossible = |epochs: &Vec<usize>| epochs.is_empty() || epochs.contains(&0);
            if settings.pairs == 0 || std::iter::once(&settings.epochs).chain(stand_in).any(impossible) {
                return fault(format!(
                    "scale '{}' needs at least one pair and epochs above zero",
                    scale.name()
                ));
            }
        }
        Ok(())
    }

    /// The recipes that come with the program, by name.
    ///
    /// # Panics
    /// Never: a test parses them all.
    #[must_use]
    pub fn built_in() -> Vec<Self> {
        BUILT_IN.iter().map(|text| Self::parse(text).expect("built-in recipes are tested")).collect()
    }

    /// The settings of a scale.
    ///
    /// # Errors
    /// Where the recipe does not define it.
    pub fn at(&self, scale: Scale) -> Result<&ScaleSettings, RecipeError> {
        self.scale
            .get(&scale)
            .ok_or_else(|| RecipeError::NoScale { recipe: self.name.clone(), scale: scale.name() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_recipes_parse_and_have_all_scales() {
        for recipe in Recipe::built_in() {
            assert!(Scale::ALL.iter().all(|&scale| recipe.at(scale).is_ok()), "{}", recipe.name);
            assert!(!recipe.claims.is_empty());
        }
    }

    #[test]
    fn a_claim_without_bound_is_refused() {
        let text = BUILT_IN[0].replace("at_least = 1.0", "");
        let error = Recipe::parse(&text).unwrap_err().to_string();
        assert!(error.contains("planted-recovered"), "{error}");
    }

    #[test]
    fn an_unknown_field_is_refused_with_its_place() {
        let error =
            Recipe::parse(&BUILT_IN[0].replace("batch = 500", "batches = 500")).unwrap_err().to_string();
        assert!(error.contains("batches"), "{error}");
    }

    #[test]
    fn bounds_decide_and_nan_never_holds() {
        let claim = &Recipe::built_in()[0].claims[0];
        assert!(claim.holds(0.02) && !claim.holds(0.021) && !claim.holds(f64::NAN));
        assert_eq!(claim.bound(), "at most 0.02 nats");
    }
}
