//! Running a recipe: its experiments, resumably, and the verdict on each claim.

use std::path::Path;

use data::Splits;
use models::Model;
use report::{Entries, NumberFormat, Report, Section};
use tensor::Key;

use crate::{
    Progress, RecipeError, estimate,
    pair::{self, Setting},
    planted,
    recipe::{Claim, Recipe, Scale, ScaleSettings, StandIn},
    result::{PairPlan, PairResult, PlantedResult},
    verdict::{Judgement, measure},
    views,
};

/// Points on a segment, as in the paper (appendix A.3 and its code).
pub const POINTS: usize = 25;

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
}

impl Request<'_> {
    fn settings(&self) -> Result<&ScaleSettings, RecipeError> {
        self.recipe.at(self.scale)
    }

    /// What runs in place of the scale's own experiment: where no data are given, and the scale has it.
    fn stand_in(&self) -> Result<Option<&StandIn>, RecipeError> {
        let stand_in = self.settings()?.stand_in.as_ref();
        Ok(stand_in.filter(|_| self.data.is_none()))
    }

    /// The data set to load: the one given, or the stand-in's.
    ///
    /// # Errors
    /// Where none is given and the scale has no stand-in.
    pub fn data_spec(&self) -> Result<String, RecipeError> {
        match (&self.data, self.stand_in()?) {
            (Some(data), _) => Ok(data.clone()),
            (None, Some(stand_in)) => Ok(stand_in.data.clone()),
            (None, None) => Err(RecipeError::DataNeeded {
                recipe: self.recipe.name.clone(),
                scale: self.scale.name(),
                data: self.settings()?.data.clone(),
            }),
        }
    }

    /// After how many epochs pairs are matched, ascending.
    fn epochs(&self) -> Result<Vec<usize>, RecipeError> {
        let own = &self.settings()?.epochs;
        let mut epochs = self.stand_in()?.map_or(own, |stand_in| &stand_in.epochs).clone();
        epochs.sort_unstable();
        Ok(epochs)
    }

    fn plan(&self, data: &Splits, pair: usize, epochs: usize) -> Result<PairPlan, RecipeError> {
        let training = &self.recipe.training;
        let stand_in = self.stand_in()?;
        let first = self.seed + 2 * pair as u64;
        Ok(PairPlan {
            model: Model::parse(stand_in.map_or(&training.model, |stand_in| &stand_in.model))?.spec(),
            data: data.spec.clone(),
            optimizer: stand_in.map_or(&training.optimizer, |stand_in| &stand_in.optimizer).clone(),
            schedule: training.schedule.clone(),
            init: training.init.clone(),
            batch: stand_in.map_or(training.batch, |stand_in| stand_in.batch),
            epochs,
            seeds: [first, first + 1],
            restarts: 0,
            points: POINTS,
        })
    }
}

/// What a recipe found.
#[derive(Clone, Debug)]
pub struct Reproduction {
    /// The results of each number of epochs, in the recipe's order; those beyond the budget are missing.
    pub pairs: Vec<(usize, Vec<PairResult>)>,
    /// The planted recoveries; none where no pair was trained.
    pub planted: Vec<PlantedResult>,
    /// The claims, judged on the longest training.
    pub judged: Vec<(Claim, Judgement)>,
    /// The measured time of a training step, in seconds.
    pub step_seconds: f64,
    /// What the trainings of the scale were estimated to take, in minutes.
    pub estimate_minutes: f64,
}

impl Reproduction {
    /// Whether every claim held.
    #[must_use]
    pub fn all_held(&self) -> bool {
        self.judged.iter().all(|(claim, judgement)| judgement.held(claim))
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
    let (settings, epochs) = (request.settings()?, request.epochs()?);
    progress.stage("timing a training step", None);
    let step_seconds = estimate::step_seconds(setting, &request.plan(data, 0, 1)?, data)?;
    let mut minutes = 0.0;
    let mut found = Reproduction {
        pairs: Vec::new(),
        planted: Vec::new(),
        judged: Vec::new(),
        step_seconds,
        estimate_minutes: 0.0,
    };
    for &epochs in &epochs {
        let steps = estimate::steps(&request.plan(data, 0, epochs)?, data) * settings.pairs as u64;
        minutes += steps as f64 * step_seconds / 60.0;
        if minutes <= settings.minutes {
            found.pairs.push((epochs, run_pairs(setting, request, data, epochs, folder, progress)?));
        }
    }
    found.estimate_minutes = minutes;
    let reached = found.pairs.len() == epochs.len();
    if let Some((_, pairs)) = found.pairs.last() {
        found.planted = run_planted(setting, request, &pairs[0], folder, progress)?;
    }
    found.judged = request
        .recipe
        .claims
        .iter()
        .map(|claim| (claim.clone(), judge(claim, &found, settings, reached)))
        .collect();
    Ok(found)
}

fn run_pairs(
    setting: Setting<'_>,
    request: &Request<'_>,
    data: &Splits,
    epochs: usize,
    folder: &Path,
    progress: &mut dyn Progress,
) -> Result<Vec<PairResult>, RecipeError> {
    let pairs = 0..request.settings()?.pairs;
    pairs
        .map(|pair| {
            let plan = request.plan(data, pair, epochs)?;
            let folder = folder.join(format!("epochs-{epochs}")).join(format!("pair-{}", pair + 1));
            pair::run(setting, &plan, data, &folder, progress)
        })
        .collect()
}

fn run_planted(
    setting: Setting<'_>,
    request: &Request<'_>,
    first: &PairResult,
    folder: &Path,
    progress: &mut dyn Progress,
) -> Result<Vec<PlantedResult>, RecipeError> {
    let run = folder
        .join(format!("epochs-{}", first.plan.epochs))
        .join("pair-1")
        .join(format!("seed-{}", first.plan.seeds[0]));
    let (model, params) = models::load_model(&run, None)?;
    let key = Key::new(request.seed).child("planted");
    let group = pair::certified_group(setting.executor, &model, key)?.group;
    let trials = request.settings()?.planted_trials;
    planted::run(setting, &group, &params, trials, key, folder, progress)
}

fn judge(claim: &Claim, found: &Reproduction, settings: &ScaleSettings, reached: bool) -> Judgement {
    let pairs = match found.pairs.last() {
        Some((_, pairs)) if reached => pairs,
        _ => {
            let (estimate_minutes, budget_minutes) = (found.estimate_minutes, settings.minutes);
            return Judgement::NotReached { estimate_minutes, budget_minutes };
        }
    };
    measure(claim, pairs, &found.planted)
}

/// The report of a reproduction: verdicts first, then what they rest on.
///
/// # Errors
/// Where the recipe does not define the scale.
pub fn report(request: &Request<'_>, data: &Splits, found: &Reproduction) -> Result<Report, RecipeError> {
    let recipe = request.recipe;
    let settings = request.settings()?;
    let held = found.judged.iter().filter(|(claim, judgement)| judgement.held(claim)).count();
    let (claims, scale) = (found.judged.len(), request.scale.name());
    let mut report = Report::new("reproduce", recipe.title.clone())
        .with_summary(recipe.summary.split_whitespace().collect::<Vec<_>>().join(" "))
        .with_summary(format!("{held} of {claims} claims held at scale '{scale}'."))
        .with_settings(entries(request, data, found, settings)?)
        .with_seed("first seed of the networks", request.seed);
    if let Some(stand_in) = request.stand_in()? {
        report = report.with_summary(format!(
            "No data were given, so '{}' stands in for '{}', with its own architecture and optimiser: what held here \
             shows that the experiment works, and is not yet the paper's claim.",
            stand_in.data, settings.data
        ));
    }
    report = report.with_section(Section::new("Verdicts").with_block(views::verdict_block(&found.judged)));
    for (epochs, pairs) in found.pairs.iter().rev() {
        for section in
            views::pair_sections(&format!("epochs-{epochs}"), &format!("After {epochs} epochs"), pairs)
        {
            report = report.with_section(section);
        }
    }
    if !found.planted.is_empty() {
        let section =
            Section::new("Control of the matching").with_block(views::planted_table(&found.planted));
        report = report.with_section(section);
    }
    Ok(report)
}

fn entries(
    request: &Request<'_>,
    data: &Splits,
    found: &Reproduction,
    settings: &ScaleSettings,
) -> Result<Entries, RecipeError> {
    let epochs = request.epochs()?;
    let plan = request.plan(data, 0, epochs[epochs.len() - 1])?;
    Ok(Entries::new()
        .with("recipe", request.recipe.name.clone())
        .with("scale", request.scale.name())
        .with("paper", request.recipe.paper.clone())
        .with("model", plan.model)
        .with("data", plan.data)
        .with("optimizer", plan.optimizer)
        .with("schedule", plan.schedule)
        .with("initialisation", plan.init)
        .with("batch", plan.batch)
        .with("epochs", epochs.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
        .with("pairs", settings.pairs)
        .with("points on a segment", POINTS)
        .with("measured step, ms", report::format_number(1e3 * found.step_seconds, NumberFormat::Fixed(2)))
        .with(
            "estimated training, minutes",
            report::format_number(found.estimate_minutes, NumberFormat::Fixed(1)),
        ))
}
