//! Running a recipe: its experiments, resumably, and the verdict on each claim.

use std::path::Path;

use data::Splits;
use toml::Table;

use crate::{
    Progress, RecipeError, estimate,
    experiment::{self, Found, Work},
    recipe::{Claim, Recipe, Scale, ScaleSettings, StandIn},
    setting::Setting,
    verdict::{self, Judgement},
};

/// A recipe at a scale, with the seed that its networks' seeds are derived from.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// What to reproduce.
    pub recipe: &'a Recipe,
    /// How much of it.
    pub scale: Scale,
    /// The data as given on the command line; needed where the scale's data set needs a folder.
    pub data: Option<String>,
    /// The first seed.
    pub seed: u64,
    /// The time that it may take in minutes, in place of the scale's own.
    pub minutes: Option<f64>,
}

impl Request<'_> {
    /// The scale's settings.
    ///
    /// # Errors
    /// Where the recipe does not define the scale.
    pub fn settings(&self) -> Result<&ScaleSettings, RecipeError> {
        self.recipe.at(self.scale)
    }

    /// What runs in place of the scale's own experiment: where no data are given, and the scale has it.
    ///
    /// # Errors
    /// Where the recipe does not define the scale.
    pub fn stand_in(&self) -> Result<Option<&StandIn>, RecipeError> {
        let stand_in = self.settings()?.stand_in.as_ref();
        Ok(stand_in.filter(|_| self.data.is_none()))
    }

    /// The data set to load: the stand-in's, or the one given. The recipe's options are added where it is the one that the
    /// scale asks for and has no options of its own.
    ///
    /// # Errors
    /// Where none is given and the scale has no stand-in.
    pub fn data_spec(&self) -> Result<String, RecipeError> {
        let settings = self.settings()?;
        match (&self.data, self.stand_in()?) {
            (Some(data), _) => Ok(with_options(data, settings)),
            (None, Some(stand_in)) => Ok(stand_in.data.clone()),
            (None, None) => Err(RecipeError::DataNeeded {
                recipe: self.recipe.name.clone(),
                scale: self.scale.name(),
                data: settings.data.clone(),
            }),
        }
    }

    fn arms(&self) -> Result<Vec<(String, Table)>, RecipeError> {
        self.recipe.arms(self.scale, self.stand_in()?.is_some())
    }

    /// The time that the run may take, in minutes.
    fn budget(&self) -> Result<f64, RecipeError> {
        Ok(self.minutes.unwrap_or(self.settings()?.minutes))
    }
}

fn with_options(data: &str, settings: &ScaleSettings) -> String {
    let name = data.split(':').next().unwrap_or_default();
    let is_bare = name == settings.data && !data.contains('=');
    data::with_options(data, if is_bare { &settings.options } else { "" })
}

/// One of the variations that a recipe compares.
#[derive(Debug)]
pub struct Arm {
    /// The name.
    pub name: String,
    /// The settings in a line.
    pub settings: String,
    /// What was found; none where it did not fit the budget.
    pub found: Option<Box<dyn Found>>,
}

/// What a recipe found.
#[derive(Debug)]
pub struct Reproduction {
    /// The arms, in the recipe's order.
    pub arms: Vec<Arm>,
    /// The claims, judged.
    pub judged: Vec<(Claim, Judgement)>,
    /// What the work that was not yet done in the folder was estimated to take, in minutes, up to the last arm that fits and
    /// the first that does not.
    pub estimate_minutes: f64,
}

impl Reproduction {
    /// Whether every claim held.
    #[must_use]
    pub fn all_held(&self) -> bool {
        self.judged.iter().all(|(claim, judgement)| judgement.held(claim))
    }

    /// The arms that were reached, by name.
    pub fn reached(&self) -> impl Iterator<Item = (&str, &dyn Found)> {
        self.arms.iter().filter_map(|arm| Some((arm.name.as_str(), arm.found.as_deref()?)))
    }
}

/// Runs a recipe in `folder`. What stands there from an interrupted run of the same request is used.
///
/// # Errors
/// Where an experiment fails or a stop is asked for; what is done is kept and the same request resumes.
pub fn run(
    setting: Setting<'_>,
    request: &Request<'_>,
    data: &Splits,
    folder: &Path,
    progress: &mut dyn Progress,
) -> Result<Reproduction, RecipeError> {
    let (budget, experiment) = (request.budget()?, request.recipe.experiment.experiment());
    let mut found = Reproduction { arms: Vec::new(), judged: Vec::new(), estimate_minutes: 0.0 };
    for (name, settings) in request.arms()? {
        let folder = folder.join(&name);
        let work = experiment.arm(experiment::Arm {
            setting,
            settings: &settings,
            data,
            repetitions: request.settings()?.repetitions,
            seed: request.seed,
            folder: &folder,
        })?;
        if found.estimate_minutes <= budget {
            found.estimate_minutes += minutes(setting, &name, &*work, data, progress)?;
        }
        let settings = work.line();
        let own = (found.estimate_minutes <= budget).then(|| work.run(progress)).transpose()?;
        found.arms.push(Arm { name, settings, found: own });
    }
    let judge = |claim: &Claim| {
        let (estimate_minutes, budget_minutes) = (found.estimate_minutes, budget);
        let missed = Judgement::NotReached { estimate_minutes, budget_minutes };
        (claim.clone(), verdict::measure(claim, &found.arms).unwrap_or(missed))
    };
    found.judged = request.recipe.claims.iter().map(judge).collect();
    Ok(found)
}

/// What the work that is not in the folder yet is estimated to take, in minutes.
fn minutes(
    setting: Setting<'_>,
    name: &str,
    work: &dyn Work,
    data: &Splits,
    progress: &mut dyn Progress,
) -> Result<f64, RecipeError> {
    let steps = work.steps_left()?;
    if steps == 0.0 {
        return Ok(0.0);
    }
    progress.stage(&format!("timing a training step, {name}"), None);
    Ok(steps * estimate::step_seconds(setting, &work.config(), data)? / 60.0)
}
