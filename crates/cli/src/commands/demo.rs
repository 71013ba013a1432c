//! `isoloss demo`: from two training runs to one merged network.

use std::path::PathBuf;

use clap::Args;
use isoloss::{
    data::{self, Splits},
    models::{self, Model, Params},
    recipes::{
        self,
        matched_pairs::{pair, result::PairResult, views},
    },
};
use report::Report;
use serde_json::{Value, json};

use super::Run;
use crate::{
    common::Common,
    failure::Failure,
    json,
    outcome::{Answer, Outcome},
    place,
    session::Session,
    stamp, stop,
    watch::Watch,
};

/// Train two networks on built-in digits, match one to the other, average them, and report
///
/// Two multilayer perceptrons (64-512-512-512-10, ReLU) are trained from different seeds on 1,437 handwritten digits that
/// come with the program. Their permutation symmetry is found from the graph and proved, the hidden units of the second are
/// matched to the first's, and the loss is measured along the segment between the two: as they are (naive), matched
/// (aligned), and with a random permutation as the control. Well under a minute on two cores.
///
/// The folder --out gets report.html to open in a browser, report.json, the figures, both networks and their average
/// (merged.safetensors). A folder that holds the finished demo of the same seed is shown again without training.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  isoloss demo
  isoloss demo --out tour --json
  isoloss inspect isoloss-demo/seed-0")]
pub(crate) struct Demo {
    /// Folder for the report, the networks and their average
    #[arg(long, value_name = "DIR", default_value = "isoloss-demo")]
    out: PathBuf,
    #[command(flatten)]
    common: Common,
}

/// The name of the merged network's file.
const MERGED: &str = "merged.safetensors";

impl Run for Demo {
    fn common(&self) -> Common {
        self.common.clone()
    }

    fn run(&self, session: &Session) -> Result<Outcome, Failure> {
        place::check_folder(&self.out)?;
        let (plan, splits) = (recipes::demo::plan(session.seed), data::load("digits")?);
        let (versions, stop) = (stamp::versions(session), stop::flag()?);
        let setting = recipes::Setting { executor: session.executor(), versions: &versions, stop: &stop };
        let results = pair::run(setting, &plan, &splits, &self.out, &mut Watch::new(session.progress))?;
        let found = &results[results.len() - 1];
        let report = stamp::stamped(recipes::demo::report(found, &splits), session);
        place::write_folder(&self.out, &report::bundle(&report)?)?;
        self.save_merged(session, found, &splits)?;
        Ok(Outcome { answer: Answer::Yes, text: self.text(found, &report), json: self.json(found) })
    }
}

impl Demo {
    /// Writes the average of the first and the matched second network.
    fn save_merged(&self, session: &Session, found: &PairResult, splits: &Splits) -> Result<(), Failure> {
        let networks =
            found.plan.seeds.map(|seed| models::load_model(&self.out.join(format!("seed-{seed}")), None));
        let [a, b] = networks;
        let ((model, a), (_, b)) = (a?, b?);
        let merged: Params = pair::merged(session.executor(), &found.plan, &model, splits, [&a, &b])?;
        let metadata = [(models::weights::MODEL_KEY.to_owned(), Model::spec(&model))].into();
        Ok(models::weights::save(&self.out.join(MERGED), &merged, &metadata)?)
    }

    fn text(&self, found: &PairResult, report: &Report) -> String {
        let tables =
            views::score_tables(std::slice::from_ref(found)).map(|table| report::text::table(&table));
        let (summary, page) = (report.summary.join("\n"), self.out.join("report.html"));
        format!("{summary}\n\n{}\nreport: {}\n", tables.join("\n"), page.display())
    }

    fn json(&self, found: &PairResult) -> Value {
        json!({
            "model": found.plan.training.model,
            "data": found.plan.data,
            "seeds": found.plan.seeds,
            "parents": found.parents.each_ref().map(|parent| json::splits(parent, json::score)),
            "naive": json::splits(&found.naive, json::segment),
            "aligned": json::splits(&found.first().segment, json::segment),
            "random": json::splits(&found.random, json::segment),
            "log10_order": json::number(found.symmetry.log10_order),
            "matching": json::matching(&found.first().matching),
            "out": self.out.display().to_string(),
        })
    }
}
