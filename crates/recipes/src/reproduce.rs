//! Running a recipe: its experiments, resumably, and the verdict on each claim.

use std::path::Path;

use data::Splits;
use models::Model;
use tensor::Key;

use crate::{
    Progress, RecipeError, estimate,
    pair::{self, Setting},
    planted,
    recipe::{Claim, Recipe, Scale, ScaleSettings, StandIn, Training},
    result::{PairPlan, PairResult, PlantedResult},
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
    /// The first seed; pair `p` has the seeds `seed + 2p` and `seed + 2p + 1`.
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

    fn arms(&self) -> Result<Vec<(String, Training)>, RecipeError> {
        self.recipe.arms(self.scale, self.stand_in()?.is_some())
    }

    /// The time that the run may take, in minutes.
    fn budget(&self) -> Result<f64, RecipeError> {
        Ok(self.minutes.unwrap_or(self.settings()?.minutes))
    }

    fn plan(&self, training: &Training, data: &Splits, pair: usize) -> Result<PairPlan, RecipeError> {
        let first = self.seed + 2 * pair as u64;
        Ok(PairPlan {
            model: Model::parse(&training.model)?.spec(),
            data: data.spec.clone(),
            optimizer: training.optimizer.clone(),
            schedule: training.schedule.clone(),
            init: training.init.clone(),
            batch: training.batch,
            clip_norm: training.clip_norm,
            epochs: training.epochs.clone(),
            seeds: [first, first + 1],
            restarts: 0,
            points: training.points,
            methods: training.methods.clone(),
            scored: training.scored,
            learned: training.descent(),
        })
    }

    /// The plan of the first pair of each arm.
    pub(crate) fn first_plans(&self, data: &Splits) -> Result<Vec<(String, PairPlan)>, RecipeError> {
        let plan = |(name, training): (String, Training)| Ok((name, self.plan(&training, data, 0)?));
        self.arms()?.into_iter().map(plan).collect()
    }

    fn plans(&self, training: &Training, data: &Splits) -> Result<Vec<PairPlan>, RecipeError> {
        (0..self.settings()?.pairs).map(|pair| self.plan(training, data, pair)).collect()
    }
}

fn with_options(data: &str, settings: &ScaleSettings) -> String {
    let name = data.split(':').next().unwrap_or_default();
    let is_bare = name == settings.data && !data.contains('=');
    let separator = if data.contains(':') { ',' } else { ':' };
    match &settings.options[..] {
        options if is_bare && !options.is_empty() => format!("{data}{separator}{options}"),
        _ => data.to_owned(),
    }
}

/// What was found in one arm.
#[derive(Clone, Debug)]
pub struct ArmResults {
    /// The arm's name.
    pub name: String,
    /// The results of all pairs after each of its epochs, ascending; empty where it did not fit the budget.
    pub stages: Vec<Vec<PairResult>>,
}

impl ArmResults {
    /// Whether it fitted the budget.
    #[must_use]
    pub const fn is_reached(&self) -> bool {
        !self.stages.is_empty()
    }

    /// The results of all pairs after the last of its epochs; none where it was not reached.
    #[must_use]
    pub fn last(&self) -> &[PairResult] {
        self.stages.last().map_or(&[], Vec::as_slice)
    }
}

/// What a recipe found.
#[derive(Clone, Debug)]
pub struct Reproduction {
    /// The results of each arm, in the recipe's order.
    pub arms: Vec<ArmResults>,
    /// The planted recoveries; none where none are asked for or the last arm was not reached.
    pub planted: Vec<PlantedResult>,
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

    /// The arms that were reached.
    pub fn reached(&self) -> impl Iterator<Item = &ArmResults> {
        self.arms.iter().filter(|arm| arm.is_reached())
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
    let budget = request.budget()?;
    let mut found =
        Reproduction { arms: Vec::new(), planted: Vec::new(), judged: Vec::new(), estimate_minutes: 0.0 };
    for (name, training) in request.arms()? {
        let (plans, folder) = (request.plans(&training, data)?, folder.join(&name));
        if found.estimate_minutes <= budget {
            found.estimate_minutes += arm_minutes(setting, &name, &plans, data, &folder, progress)?;
        }
        let stages = match found.estimate_minutes <= budget {
            true => run_arm(setting, &plans, data, &folder, progress)?,
            false => Vec::new(),
        };
        found.arms.push(ArmResults { name, stages });
    }
    let trials = request.settings()?.planted_trials;
    if let Some(last) = found.arms.last().filter(|arm| arm.is_reached() && trials > 0) {
        found.planted = run_planted(setting, request, last, folder, progress)?;
    }
    let judge = |claim: &Claim| {
        let (estimate_minutes, budget_minutes) = (found.estimate_minutes, budget);
        let missed = Judgement::NotReached { estimate_minutes, budget_minutes };
        (claim.clone(), verdict::measure(claim, &found).unwrap_or(missed))
    };
    found.judged = request.recipe.claims.iter().map(judge).collect();
    Ok(found)
}

/// What the pairs of an arm that are not in its folder are estimated to take, in minutes.
fn arm_minutes(
    setting: Setting<'_>,
    name: &str,
    plans: &[PairPlan],
    data: &Splits,
    folder: &Path,
    progress: &mut dyn Progress,
) -> Result<f64, RecipeError> {
    let mut steps = 0.0;
    for plan in plans {
        if pair::stored(plan, folder)?.contains(&None) {
            steps += estimate::steps(plan, data)?;
        }
    }
    if steps == 0.0 {
        return Ok(0.0);
    }
    progress.stage(&format!("timing a training step, {name}"), None);
    Ok(steps * estimate::step_seconds(setting, &plans[0], data)? / 60.0)
}

fn run_arm(
    setting: Setting<'_>,
    plans: &[PairPlan],
    data: &Splits,
    folder: &Path,
    progress: &mut dyn Progress,
) -> Result<Vec<Vec<PairResult>>, RecipeError> {
    let pairs = plans.iter().map(|plan| pair::run(setting, plan, data, folder, progress));
    let pairs = pairs.collect::<Result<Vec<_>, _>>()?;
    let stages = pairs.first().map_or(0, Vec::len);
    let stage = |stage: usize| pairs.iter().map(|pair| pair[stage].clone()).collect();
    Ok((0..stages).map(stage).collect())
}

/// Plants permutations in the first network of the first pair.
fn run_planted(
    setting: Setting<'_>,
    request: &Request<'_>,
    arm: &ArmResults,
    folder: &Path,
    progress: &mut dyn Progress,
) -> Result<Vec<PlantedResult>, RecipeError> {
    let plan = &arm.stages[0][0].plan;
    let run = plan.run_folder(&folder.join(&arm.name), plan.seeds[0]);
    let (model, params) = models::load_model(&run, None)?;
    let key = Key::new(request.seed).child("planted");
    let group = pair::certified_group(setting.executor, &model, key)?.group;
    let trials = request.settings()?.planted_trials;
    planted::run(setting, &group, &params, trials, key, folder, progress)
}
