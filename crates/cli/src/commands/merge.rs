//! `isoloss merge`: several networks into one.

mod clusters;
mod recipe;

use std::path::{Path, PathBuf};

use clap::Args;
use isoloss::{
    data::Splits as Data,
    merge,
    models::{Loss, Model, Params, weights},
    recipes::result::{Score, Splits},
};
use report::{Cell, Column, NumberFormat, Table};
use serde_json::{Value, json};

use super::Run;
use crate::{
    alignment::{self, Alignment, BeforeAveraging, SearchFlags, Unfinished},
    common::Common,
    failure::{CliError, Failure},
    json::{self, number},
    measure::{LossFlag, Measure, Statistics, sentence_on_accuracy},
    networks::{self, Architecture, Network},
    outcome::{Answer, Outcome},
    place::{self, Replace},
    session::Session,
};

/// Of networks and of recipes.
const REPLACE: &str =
    "Replace --out if it is there; inputs are never replaced, and of folders only those that a recipe made";

/// Merge networks of one architecture into one, by default after alignment
///
/// Each further network is first matched to the first one (see `isoloss align`), which does not change what it computes,
/// and then the weights are averaged. With more than two networks each counts equally, and the result depends on which one
/// is first, but with --align joint, which matches all to each other at once. With --data, all networks and the merged one
/// are scored, and of networks with batch normalisation the running statistics of the merged one are measured anew on the
/// training part, as they are no averages of the others'.
///
/// Two methods merge the units of two networks cluster by cluster instead, by what they do on the training data. zipit puts the two
/// most similar units together again and again, whichever network they are of. pleas takes the pairs that --align finds, and then
/// solves for the weights of each layer with which it makes the mean of what both networks make, by least squares, in closed form.
/// With --apart some units stay as they are, and the merged network is wider: pleas chooses which by a knapsack over all
/// classes where the architecture has a width for each, otherwise each class keeps the same share. With all units
/// apart, the merged network computes the mean of the two, but where something normalises over units, as layer normalisation does.
/// Networks of which it cannot be told what makes their units, as in the residual streams of transformers, are refused.
///
/// A file that ends in .yaml or .yml is a recipe as mergekit 0.1.5 reads it: checkpoints of any size are merged tensor by tensor, by
/// linear, slerp, nuslerp, task_arithmetic, ties, dare_linear, dare_ties, della, della_linear, breadcrumbs, breadcrumbs_ties,
/// model_stock, karcher, sce or passthrough, into a folder of safetensors files with configuration, tokenizer, model card and
/// the recipe. Memory is bounded, nothing is aligned, and what was interrupted goes on with the same command. --dry-run reads
/// headers only and says what would be done and all that does not fit. See docs/recipes.md.
#[derive(Debug, Args)]
#[command(mut_arg("force", |arg| arg.help(REPLACE)))]
#[command(after_help = "\
Examples:
  isoloss merge runs/a runs/b --out merged.safetensors --data digits
  isoloss merge runs/a runs/b --at 0.25 --out near-a.safetensors
  isoloss merge runs/a runs/b runs/c --align joint --out merged.safetensors
  isoloss merge runs/a runs/b runs/c --align none --out naive.safetensors
  isoloss merge runs/a runs/b --method zipit --beta 0.25 --data digits --out zipped.safetensors
  isoloss merge runs/a runs/b --method pleas --apart 0.25 --data digits --out wider.safetensors
  isoloss merge ties.yaml --dry-run
  isoloss merge ties.yaml --out merged --max-shard-size 2GB")]
pub(crate) struct Merge {
    /// Two networks or more; the first one stays as it is. Or one recipe, *.yaml
    #[arg(value_name = "MODEL", required = true, num_args = 1..)]
    networks: Vec<PathBuf>,
    /// File for the merged network, *.safetensors; of a recipe the folder
    #[arg(long, value_name = "PATH", required_unless_present = "dry_run")]
    out: Option<PathBuf>,
    #[command(flatten)]
    replace: Replace,
    /// What is done before averaging, or before units are paired (weight if not given)
    #[arg(long, value_name = "METHOD", value_enum)]
    align: Option<BeforeAveraging>,
    /// Place between two networks: 0 is the first, 1 the second, 0.5 (the default) the average
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    at: Option<f64>,
    #[command(flatten)]
    architecture: Architecture,
    /// Score all networks on this data set, as digits, mnist:DIR or cifar10:DIR; matchings that need data use its training part
    #[arg(long, value_name = "SPEC")]
    data: Option<String>,
    #[command(flatten)]
    clustering: clusters::Flags,
    #[command(flatten)]
    statistics: Statistics,
    #[command(flatten)]
    loss: LossFlag,
    #[command(flatten)]
    search: SearchFlags,
    #[command(flatten)]
    recipe: recipe::RecipeFlags,
    #[command(flatten)]
    common: Common,
}

/// The scores of the networks that were given, in order, and of the merged one.
struct Scores {
    parents: Vec<Splits<Score>>,
    merged: Splits<Score>,
    /// The examples that the merged one's running statistics were re-estimated on, if they were.
    reestimated_on: Option<usize>,
}

impl Run for Merge {
    fn common(&self) -> Common {
        self.common.clone()
    }

    fn run(&self, session: &Session) -> Result<Outcome, Failure> {
        if let Some(file) = recipe::file(&self.networks)? {
            self.refuse_flags_of_networks()?;
            return self.recipe.merge(session, file, self.out.as_deref(), self.replace.force);
        }
        self.recipe.refuse()?;
        let Some(out) = &self.out else { return Err(CliError::FlagOfRecipe { flag: "--dry-run" }.into()) };
        self.clustering.check()?;
        self.check_place()?;
        place::check_weights(out, &networks::files(&self.networks)?, self.replace.force)?;
        if self.clustering.method != clusters::Method::Average {
            return self.by_clusters(session, out);
        }
        let networks = networks::load_alike(&self.networks, self.architecture.spec())?;
        let loss = self.loss.of(&networks[0].model)?;
        let data = self.data.as_deref().map(|spec| networks::load_data(spec, &networks)).transpose()?;
        let unfinished = self.unfinished(out, &networks)?;
        let alignments = self.align(session, &networks, data.as_ref(), unfinished.as_ref())?;
        let mut merged = self.merge(&networks, &alignments)?;
        let scores = data
            .map(|data| {
                let model = &networks[0].model;
                self.settle_and_score(session, &networks, (model, &mut merged), &data, loss)
            })
            .transpose()?;
        weights::save(out, &merged, &networks[0].metadata())?;
        unfinished.map_or(Ok(()), Unfinished::remove)?;
        Ok(Outcome {
            answer: Answer::Yes,
            text: self.text(&networks, out, scores.as_ref()),
            json: self.json(&networks, out, loss, &alignments, scores.as_ref()),
        })
    }
}

impl Merge {
    /// Refuses what says something of networks with an architecture, which a recipe knows nothing of.
    fn refuse_flags_of_networks(&self) -> Result<(), Failure> {
        self.search.refuse("none")?;
        if let Some(flag) = self.clustering.given() {
            return Err(CliError::FlagOfNetworks { flag }.into());
        }
        let given = [
            ("--align", self.align.is_some()),
            ("--at", self.at.is_some()),
            ("--model", self.architecture.spec().is_some()),
            ("--data", self.data.is_some()),
            ("--keep-statistics", self.statistics.keep_statistics),
            ("--loss", self.loss.is_given()),
            ("--device", self.common.device.is_some()),
            ("--check-finite", self.common.check_finite),
        ];
        match given.into_iter().find(|(_, given)| *given) {
            Some((flag, _)) => Err(CliError::FlagOfNetworks { flag }.into()),
            None => Ok(()),
        }
    }

    fn check_place(&self) -> Result<(), CliError> {
        match (self.at, self.networks.len()) {
            (Some(_), found) if found > 2 => Err(CliError::At { found }),
            _ => Ok(()),
        }
    }

    fn before_averaging(&self) -> BeforeAveraging {
        self.align.unwrap_or_default()
    }

    /// Where a search that can be stopped keeps what it has found.
    fn unfinished(&self, out: &Path, networks: &[Network]) -> Result<Option<Unfinished>, Failure> {
        match self.before_averaging().method() {
            Some(method) => Ok(Unfinished::beside(out, method, networks.len() - 1)?),
            None => Ok(None),
        }
    }

    /// Every network but the first, matched to the first; none where that is not wanted.
    fn align(
        &self,
        session: &Session,
        networks: &[Network],
        data: Option<&Data>,
        unfinished: Option<&Unfinished>,
    ) -> Result<Vec<Alignment>, Failure> {
        let Some(method) = self.before_averaging().method() else {
            self.search.refuse("none")?;
            return Ok(Vec::new());
        };
        let plan = self.search.plan(method, data.map(|data| &data.train))?;
        let others: Vec<&Network> = networks.iter().skip(1).collect();
        alignment::align(session, &networks[0], &others, plan.kept(unfinished))
    }

    fn merge(&self, networks: &[Network], alignments: &[Alignment]) -> Result<Params, Failure> {
        let others: Vec<&Params> = match self.before_averaging() {
            BeforeAveraging::Align(_) => alignments.iter().map(|alignment| &alignment.params).collect(),
            BeforeAveraging::Nothing => networks.iter().skip(1).map(|network| &network.params).collect(),
        };
        let first = &networks[0].params;
        Ok(match (self.at, &others[..]) {
            (Some(at), [second]) => merge::interpolate(first, second, at)?,
            _ => merge::average(&[&[first], &others[..]].concat())?,
        })
    }

    fn text(&self, networks: &[Network], out: &Path, scores: Option<&Scores>) -> String {
        let table = scores.map(|scores| {
            report::text::table(&score_table(networks, scores))
                + "\n"
                + sentence_on_accuracy(&networks[0].model)
        });
        let reestimated_on = scores.and_then(|scores| scores.reestimated_on);
        let statistics = self.statistics.sentence(&networks[0].model, reestimated_on).unwrap_or_default();
        table.unwrap_or_default() + &statistics + &format!("written to {}\n", out.display())
    }

    /// Gives the merged network, which may be wider, running statistics of its own, and scores all networks.
    fn settle_and_score(
        &self,
        session: &Session,
        networks: &[Network],
        (model, merged): (&Model, &mut Params),
        data: &Data,
        loss: Loss,
    ) -> Result<Scores, Failure> {
        let mut measure = Measure::new(session, &networks[0].model, data, loss, self.statistics)?;
        let parents =
            networks.iter().map(|network| measure.score(&network.params)).collect::<Result<_, _>>()?;
        if *model != networks[0].model {
            measure = Measure::new(session, model, data, loss, self.statistics)?;
        }
        *merged = measure.settle(std::mem::take(merged))?;
        Ok(Scores { parents, merged: measure.score(merged)?, reestimated_on: measure.reestimated_on() })
    }

    fn json(
        &self,
        networks: &[Network],
        out: &Path,
        loss: Loss,
        alignments: &[Alignment],
        scores: Option<&Scores>,
    ) -> Value {
        let parents = networks.iter().enumerate().map(|(index, network)| {
            let score = scores.map(|scores| json::splits(&scores.parents[index], json::score));
            json!({ "path": network.name(), "score": score })
        });
        let matchings = alignments.iter().map(Alignment::json);
        json!({
            "model": networks[0].model.spec(),
            "out": out.display().to_string(),
            "at": self.at.map(number),
            "data": self.data,
            "loss": loss.to_string(),
            "statistics":
                Statistics::json(&networks[0].model, scores.and_then(|scores| scores.reestimated_on)),
            "matchings": matchings.collect::<Vec<_>>(),
            "parents": parents.collect::<Vec<_>>(),
            "merged": scores.map(|scores| json::splits(&scores.merged, json::score)),
        })
    }
}

fn score_table(networks: &[Network], scores: &Scores) -> Table {
    let (loss, percent) = (NumberFormat::Fixed(4), NumberFormat::Percent(2));
    let columns = [
        Column::text("network"),
        Column::number("test loss", loss),
        Column::number("test accuracy", percent),
        Column::number("train loss", loss),
        Column::number("train accuracy", percent),
    ];
    let names = networks.iter().map(Network::name).chain(["merged".to_owned()]);
    let rows = names.zip(scores.parents.iter().chain([&scores.merged])).map(|(name, score)| {
        let cells = |score: &Score| [Cell::from(score.loss), Cell::from(score.accuracy)];
        let cells = [cells(&score.test), cells(&score.train)].concat();
        std::iter::once(Cell::from(name)).chain(cells).collect::<Vec<_>>()
    });
    let table = rows.fold(Table::new("", columns), Table::with_row);
    table.with_best_row(networks.len())
}
