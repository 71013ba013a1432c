//! The recipe format: one TOML file per published claim.

mod arm;
mod claim;
mod measure;
mod scale;

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Table;

use crate::{
    RecipeError,
    experiment::{Kind, Offer},
};
pub use arm::Arm;
pub use claim::{Along, Claim, Moment, Place};
pub use measure::Measure;
pub use scale::{Scale, ScaleSettings, StandIn};

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
    pub experiment: Kind,
    /// What is done, for the report.
    pub summary: String,
    /// The experiment's settings, unless a scale or an arm says otherwise: how networks are trained, and what is done with them.
    pub training: Table,
    /// What runs at each scale.
    pub scale: BTreeMap<Scale, ScaleSettings>,
    /// The claims, each with its bound.
    #[serde(rename = "claim")]
    pub claims: Vec<Claim>,
}

const BUILT_IN: [&str; 17] = [
    include_str!("../../../../recipes/rebasin-mnist-mlp.toml"),
    include_str!("../../../../recipes/rebasin-mnist-epochs.toml"),
    include_str!("../../../../recipes/rebasin-cifar10-mlp.toml"),
    include_str!("../../../../recipes/rebasin-cifar10-mlp-width.toml"),
    include_str!("../../../../recipes/rebasin-cifar10-resnet20-bn.toml"),
    include_str!("../../../../recipes/rebasin-cifar10-resnet20-ln.toml"),
    include_str!("../../../../recipes/rebasin-cifar10-resnet20-width.toml"),
    include_str!("../../../../recipes/rebasin-cifar10-vgg16.toml"),
    include_str!("../../../../recipes/rebasin-text-lstm.toml"),
    include_str!("../../../../recipes/rebasin-cifar10-vit.toml"),
    include_str!("../../../../recipes/rebasin-text-gpt.toml"),
    include_str!("../../../../recipes/merge-many.toml"),
    include_str!("../../../../recipes/rebasin-split-data.toml"),
    include_str!("../../../../recipes/federated.toml"),
    include_str!("../../../../recipes/repair-mnist-mlp.toml"),
    include_str!("../../../../recipes/repair-cifar10.toml"),
    include_str!("../../../../recipes/wide-networks-merge.toml"),
];

impl Recipe {
    /// Reads a recipe.
    ///
    /// # Errors
    /// Where the text is not TOML, a field is missing or unknown, a training is impossible, or a claim has no bound or is
    /// about an arm or a method that is not there.
    pub fn parse(text: &str) -> Result<Self, RecipeError> {
        let recipe: Self = toml::from_str(text).map_err(format)?;
        for (&scale, settings) in &recipe.scale {
            let stand_in = settings.stand_in.is_some().then_some(true);
            for stand_in in std::iter::once(false).chain(stand_in) {
                recipe.check(scale, &recipe.arms(scale, stand_in)?)?;
            }
        }
        Ok(recipe)
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

    /// The arms of a scale, or of its stand-in, with their settings, in order.
    ///
    /// # Errors
    /// Where the recipe does not define the scale.
    pub fn arms(&self, scale: Scale, stand_in: bool) -> Result<Vec<(String, Table)>, RecipeError> {
        let settings = self.at(scale)?;
        let stand_in = settings.stand_in.as_ref().filter(|_| stand_in);
        let own = stand_in.map_or(&settings.arms, |stand_in| &stand_in.arms);
        let named = if own.is_empty() { &settings.arms } else { own };
        let only = [Arm::only()];
        let arms = if named.is_empty() { &only[..] } else { named };
        let together = |arm: &Arm| {
            let tables = [&self.training, &settings.training].into_iter();
            let tables = tables.chain(stand_in.map(|stand_in| &stand_in.training)).chain([&arm.training]);
            // A later table replaces what earlier ones say.
            (arm.name.clone(), tables.flat_map(Table::clone).collect())
        };
        Ok(arms.iter().map(together).collect())
    }

    fn check(&self, scale: Scale, arms: &[(String, Table)]) -> Result<(), RecipeError> {
        let settings = self.at(scale)?;
        let name = scale.name();
        if settings.repetitions == 0 {
            return Err(self.fault(format!("scale '{name}' needs at least one repetition")));
        }
        let mut offers = Vec::new();
        for (arm, settings) in arms {
            if arm.is_empty()
                || arm.len() > 20
                || !arm.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-')
            {
                let expected = "at most 20 letters, digits and '-'";
                return Err(self.fault(format!("an arm's name should be {expected}, found '{arm}'")));
            }
            let offer = self.experiment.experiment().check(settings);
            let offer =
                offer.map_err(|problem| self.fault(format!("arm '{arm}' of scale '{name}': {problem}")))?;
            offers.push((arm, offer));
        }
        self.claims.iter().try_for_each(|claim| self.check_claim(claim, name, &offers))
    }

    fn check_claim(
        &self,
        claim: &Claim,
        scale: &str,
        offers: &[(&String, Offer)],
    ) -> Result<(), RecipeError> {
        let (id, measure) = (&claim.id, claim.measure);
        let fault = |problem: String| Err(self.fault(format!("claim '{id}'{problem}")));
        if claim.bound().is_empty() {
            return fault(" has neither 'at_most' nor 'at_least'".to_owned());
        }
        if claim.along.is_some() && claim.minus.is_some() {
            return fault(" has both 'along' and 'minus'".to_owned());
        }
        if claim.along.is_some() && claim.control.is_some() {
            return fault(" has both 'along' and 'control'".to_owned());
        }
        if !self.experiment.experiment().measures().contains(&measure) {
            return fault(format!(": the experiment does not take '{measure}'"));
        }
        for place in std::iter::once(&claim.at).chain(&claim.minus).chain(&claim.control) {
            let named = |arm: &String| place.arm.as_ref().is_none_or(|own| own == arm);
            let Some((_, offer)) = offers.iter().rfind(|(arm, _)| named(arm)) else {
                let arm = place.arm.as_deref().unwrap_or_default();
                return fault(format!(": scale '{scale}' has no arm '{arm}'"));
            };
            if let Some(method) = place.method.as_ref().filter(|method| !offer.methods.contains(method)) {
                return fault(format!(": scale '{scale}' has no method '{method}'"));
            }
            if offer.without.contains(&measure.name) {
                return fault(format!(": '{measure}' is not taken with the settings of scale '{scale}'"));
            }
        }
        Ok(())
    }

    fn fault(&self, problem: String) -> RecipeError {
        RecipeError::Contents { recipe: self.name.clone(), problem }
    }
}

fn format(source: toml::de::Error) -> RecipeError {
    RecipeError::Format { source: Box::new(source) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(from: &str, to: &str) -> String {
        assert!(BUILT_IN[0].contains(from), "{from}");
        Recipe::parse(&BUILT_IN[0].replace(from, to)).unwrap_err().to_string()
    }

    #[test]
    fn built_in_recipes_parse_and_have_all_scales() {
        for recipe in Recipe::built_in() {
            assert!(Scale::ALL.iter().all(|&scale| recipe.at(scale).is_ok()), "{}", recipe.name);
            assert!(!recipe.claims.is_empty());
            assert!(recipe.at(Scale::Smoke).unwrap().stand_in.is_some(), "{} needs no data", recipe.name);
        }
    }

    #[test]
    fn a_claim_without_bound_is_refused() {
        let error = refused("at_least = 1.0", "");
        assert!(error.contains("planted-recovered"), "{error}");
    }

    #[test]
    fn an_unknown_field_is_refused_by_name() {
        let error = refused("points = 25", "pionts = 25");
        assert!(error.contains("unknown field `pionts`"), "{error}");
        let error = refused("batch = 500", "batches = 500");
        assert!(error.contains("missing field `batch`"), "{error}");
    }

    #[test]
    fn measures_are_known_and_named_once() {
        let error = refused("measure = \"test-loss-barrier\"", "measure = \"test-loss\"");
        assert!(error.contains("test-loss-barrier, ") && error.contains("found 'test-loss'"), "{error}");
        let measures = Kind::ALL.into_iter().flat_map(|kind| kind.experiment().measures());
        let mut names: Vec<&str> = measures.map(|measure| measure.name).collect();
        names.sort_unstable();
        assert!(names.is_sorted_by(|a, b| a < b), "{names:?}");
    }

    #[test]
    fn trainings_that_cannot_be_are_refused() {
        assert!(refused("model = \"mlp:784", "model = \"mpl:784").contains("mpl"));
        assert!(refused("optimizer = \"adam", "optimizer = \"adm").contains("adm"));
    }

    #[test]
    fn what_a_claim_is_about_must_be_there() {
        let error = refused("at_most = 1.0", "at_most = 1.0\nat = { arm = \"wide\" }");
        assert!(error.contains("no arm 'wide'"), "{error}");
        let error = refused("at_most = 1.0", "at_most = 1.0\nminus = { method = \"activation\" }");
        assert!(error.contains("has no method 'activation'"), "{error}");
        let error = refused("at_most = 1.0", "at_most = 1.0\ncontrol = { arm = \"narrow\" }");
        assert!(error.contains("no arm 'narrow'"), "{error}");
        let error = refused("at_most = 1.0", "at_most = 1.0\ncontrol = {}\nalong = \"arms\"");
        assert!(error.contains("both 'along' and 'control'"), "{error}");
    }

    #[test]
    fn an_impossible_training_is_refused_by_scale() {
        let error = refused("points = 25", "points = 24");
        assert!(error.contains("scale 'smoke': needs an odd number of points"), "{error}");
    }

    #[test]
    fn how_to_learn_a_matching_is_said_where_one_is_learned_and_possible() {
        let error = refused("points = 25", "points = 25\nlearned = { epochs = 2 }");
        assert!(error.contains("learns none"), "{error}");
        let learned = "methods = [\"weight\", \"learned\"]\nlearned = ";
        let error = refused("methods = [\"weight\"]", &format!("{learned}{{ rate = 0.0 }}"));
        assert!(error.contains("needs a rate above zero"), "{error}");
        let error = refused("methods = [\"weight\"]", &format!("{learned}{{ passes = 2 }}"));
        assert!(error.contains("passes"), "{error}");
    }

    #[test]
    fn a_stand_in_replaces_what_it_names_and_keeps_the_rest() {
        let recipe = Recipe::built_in().remove(0);
        let [own, stand_in] =
            [false, true].map(|stand_in| recipe.arms(Scale::Smoke, stand_in).unwrap().remove(0).1);
        assert_eq!(own["model"].as_str(), Some("mlp:784-512-512-512-10"));
        assert_eq!(stand_in["model"].as_str(), Some("mlp:64-512-512-512-10"));
        assert_eq!(stand_in["schedule"], own["schedule"]);
    }

    #[test]
    fn bounds_decide_and_nan_never_holds() {
        let claim = &Recipe::built_in()[0].claims[0];
        assert!(claim.holds(0.02) && !claim.holds(0.021) && !claim.holds(f64::NAN));
        assert_eq!(claim.bound(), "at most 0.02 nats");
    }
}
