//! `isoloss reproduce`: published claims, rerun.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};
use isoloss::{
    data,
    recipes::{
        Setting,
        recipe::{Recipe, Scale},
        reproduce::{self, Reproduction, Request},
        views,
    },
};
use report::{RecipeEntry, RecipeIndex, Report};
use serde_json::{Value, json};

use super::Run;
use crate::{
    common::Common,
    failure::{CliError, Failure},
    outcome::{Answer, Outcome},
    place,
    session::Session,
    stamp, stop,
    watch::Watch,
};

/// Rerun a published result and say whether each of its claims held
///
/// Each recipe names a paper, its claims with bounds, and for every claim a control that must flip the verdict. A verdict is
/// held, failed (with the numbers), or not reached (with the estimate, step time × steps, that exceeds the
/// budget). Interrupted work is kept: the same command resumes it. Without a name, all recipes are listed with their last
/// verdicts.
///
/// Results go to --out/NAME-SCALE; --out/index.html lists all recipes with their last verdicts. Exit code 0 where every
/// claim held, 1 otherwise.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  isoloss reproduce
  isoloss reproduce rebasin-mnist-mlp --scale smoke
  isoloss reproduce rebasin-mnist-mlp --scale small --data mnist:data/mnist")]
pub(crate) struct Reproduce {
    /// Recipe; leave it out to list all
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// How much of it: smoke takes 2 minutes on two cores, small an hour, paper is as published
    #[arg(long, value_enum, default_value_t = Size::Smoke)]
    scale: Size,
    /// Data set with its folder, as mnist:DIR, where the scale needs one
    ///
    /// The recipe adds its options (normalisation, augmentation, how much of it) to the data set that it asks for, unless
    /// some are given. Other data are allowed and named.
    #[arg(long, value_name = "SPEC")]
    data: Option<String>,
    /// Budget in place of the scale's own, in minutes: for machines that are slower than two cores, or busy
    #[arg(long, value_name = "N")]
    minutes: Option<f64>,
    /// Folder for results
    #[arg(long, value_name = "DIR", default_value = "isoloss-reproduce")]
    out: PathBuf,
    #[command(flatten)]
    common: Common,
}

/// The scales as flag values.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Size {
    Smoke,
    Small,
    Paper,
}

impl From<Size> for Scale {
    fn from(size: Size) -> Self {
        match size {
            Size::Smoke => Self::Smoke,
            Size::Small => Self::Small,
            Size::Paper => Self::Paper,
        }
    }
}

impl Run for Reproduce {
    fn common(&self) -> Common {
        self.common.clone()
    }

    fn run(&self, session: &Session) -> Result<Outcome, Failure> {
        place::check_folder(&self.out)?;
        match &self.name {
            Some(name) => self.reproduce(session, &named(name)?),
            None => self.list(),
        }
    }
}

fn named(name: &str) -> Result<Recipe, Failure> {
    let recipes = Recipe::built_in();
    let known = recipes.iter().map(|recipe| recipe.name.clone()).collect();
    let found = recipes.into_iter().find(|recipe| recipe.name == name);
    Ok(found.ok_or_else(|| CliError::UnknownRecipe { name: name.to_owned(), known })?)
}

impl Reproduce {
    fn reproduce(&self, session: &Session, recipe: &Recipe) -> Result<Outcome, Failure> {
        let request = Request {
            recipe,
            scale: self.scale.into(),
            data: self.data.clone(),
            seed: session.seed,
            minutes: self.minutes,
        };
        let data = data::load(&request.data_spec()?)?;
        let folder = self.folder(recipe, self.scale.into());
        let (versions, stop) = (stamp::versions(session), stop::flag()?);
        let setting = Setting { executor: session.executor(), versions: &versions, stop: &stop };
        let found = reproduce::run(setting, &request, &data, &folder, &mut Watch::new(session.progress))?;
        let report = stamp::stamped(views::reproduction(&request, &data, &found)?, session);
        place::write_folder(&folder, &report::bundle(&report)?)?;
        place::write_folder(&self.out, &report::index_bundle(&self.index()?))?;
        Ok(Outcome {
            answer: Answer::from_claim(found.all_held()),
            text: format!(
                "{}\nreport: {}\n",
                report::text::report(&report),
                folder.join("report.html").display()
            ),
            json: self.json(recipe, &found, &folder),
        })
    }

    fn folder(&self, recipe: &Recipe, scale: Scale) -> PathBuf {
        self.out.join(format!("{}-{}", recipe.name, scale.name()))
    }

    fn list(&self) -> Result<Outcome, Failure> {
        let index = self.index()?;
        let text = index.recipes.iter().map(line).collect();
        Ok(Outcome { answer: Answer::Yes, text, json: json!({ "recipes": index.recipes }) })
    }

    /// All recipes with the verdicts of their largest scale that has a report in --out.
    fn index(&self) -> Result<RecipeIndex, Failure> {
        let entry = |recipe: &Recipe| {
            let mut last = None;
            for scale in Scale::ALL {
                let path = self.folder(recipe, scale).join("report.json");
                if path.exists() {
                    let report = Report::from_json(&fs::read_to_string(&path)?)?;
                    last =
                        Some((scale.name(), report, format!("{}-{}/report.html", recipe.name, scale.name())));
                }
            }
            let last = last.as_ref().map(|(scale, report, link)| (*scale, report, link.clone()));
            Ok::<RecipeEntry, Failure>(views::index_entry(recipe, last))
        };
        let entries = Recipe::built_in().iter().map(entry).collect::<Result<Vec<_>, _>>()?;
        Ok(RecipeIndex::new(stamp::now(), entries))
    }

    fn json(&self, recipe: &Recipe, found: &Reproduction, folder: &Path) -> Value {
        let claims = found.judged.iter().map(|(claim, judgement)| {
            json!({
                "id": claim.id,
                "claim": claim.text,
                "bound": claim.bound(),
                "outcome": judgement.outcome(claim),
                "values": judgement.values(),
                "control": judgement.control(),
                "control_flips": judgement.control_flips(claim),
            })
        });
        json!({
            "recipe": recipe.name,
            "scale": Scale::from(self.scale).name(),
            "claims": claims.collect::<Vec<_>>(),
            "estimate_minutes": found.estimate_minutes,
            "report": folder.join("report.html").display().to_string(),
        })
    }
}

fn line(entry: &RecipeEntry) -> String {
    let verdicts = match &entry.verdicts[..] {
        [] => "not run yet".to_owned(),
        verdicts => {
            let words = verdicts.iter().map(|verdict| verdict.outcome.word());
            format!("{}, {}: {}", entry.scale, entry.date, words.collect::<Vec<_>>().join(", "))
        }
    };
    format!("{}\n  {}\n  {}\n  {verdicts}\n", entry.name, entry.claim, entry.paper)
}
