//! `isoloss merge`: several networks into one.

mod clusters;
mod gather;
mod layers;
mod recipe;
mod repair;
mod report;

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use ::report::{self as reports, Cell, Column, Entries, NumberFormat, Table};
use clap::Args;
use isoloss::{
    data::Splits as Data,
    merge,
    models::{Loss, Params, weights},
    recipes::result::{Score, Splits},
};
use serde_json::{Value, json};

use self::report::{Curves, Details};
use super::Run;
use crate::{
    alignment::{self, Alignment, BeforeAveraging, SearchFlags, Unfinished},
    common::Common,
    failure::{CliError, Failure},
    hub::Output,
    json::{self, number},
    measure::{LossFlag, Measure, Statistics, has_perplexity, sentence_on_accuracy},
    networks::{self, Architecture, Network},
    outcome::{Answer, Outcome},
    place::{self, Replace},
    session::Session,
    stamp,
};
use gather::Gathered;

/// Of networks and of recipes.
const REPLACE: &str =
    "Replace --out if it is there; inputs are never replaced, and of folders only those that a recipe made";

/// Merge networks of one architecture into one, by default after alignment
///
/// Each further network is first matched to the first one (see `isoloss align`), which does not change what it computes,
/// and then the weights are averaged. With more than two networks each counts equally, and the result depends on which one
/// is first, but with --method universe, which matches all to each other at once, and merge-many. With --data, all networks and the merged one
/// are scored, and of networks with batch normalisation the running statistics of the merged one are measured anew on the
/// training part, as they are no averages of the others'. --repair gives hidden units of the merged network the means and deviations
/// that they have in the networks, as an average of units that vary together only in part varies less; weights and biases are
/// changed for that, and the architecture stays. Sums of residual streams are corrected too, where their scales are a symmetry. Of clusters
/// (zipit, pleas) the means and deviations of the members are averaged.
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
  isoloss merge runs/a runs/b --repair --data digits --report report --out merged.safetensors
  isoloss merge runs/a runs/b runs/c --method universe --out merged.safetensors
  isoloss merge runs/a runs/b runs/c --align none --out naive.safetensors
  isoloss merge runs/a runs/b --method zipit --beta 0.25 --data digits --out zipped.safetensors
  isoloss merge runs/a runs/b --method pleas --apart 0.25 --data digits --out wider.safetensors
  isoloss merge llama-a llama-b --align circuit --out llama-merged
  isoloss merge ties.yaml --dry-run
  isoloss merge ties.yaml --out merged --max-shard-size 2GB")]
pub(crate) struct Merge {
    /// Two networks or more; the first one stays as it is. Or one recipe, *.yaml
    #[arg(value_name = "MODEL", required = true, num_args = 1..)]
    networks: Vec<PathBuf>,
    /// File for the merged network, *.safetensors; of a recipe the folder. Where the first network is a folder of the Hugging Face
    /// Hub, a file, or a new folder with the same files, configuration, tokenizer and types of elements
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
    /// Of --align circuit: match and merge layer by layer, in the memory of a few layers; see isoloss align --help
    #[arg(long)]
    by_layer: bool,
    #[command(flatten)]
    architecture: Architecture,
    /// Score all networks on this data set, as digits, mnist:DIR or cifar10:DIR; matchings that need data use its training part
    #[arg(long, value_name = "SPEC")]
    data: Option<String>,
    #[command(flatten)]
    clustering: clusters::ClusterFlags,
    #[command(flatten)]
    repair: repair::RepairFlags,
    /// Folder for a report: scores, calibration, loss between two networks, variance of hidden units, cosines; needs --data
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
    /// Points between two networks in the report, an odd number from 3 up
    #[arg(long, value_name = "N", default_value_t = POINTS)]
    points: usize,
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

/// Points between two networks in a report. Ours: enough to see a barrier, and three segments take a minute where a score takes two
/// seconds.
const POINTS: usize = 11;

/// The scores of the networks that were given, in order, and of the merged one.
struct Scores {
    parents: Vec<Splits<Score>>,
    merged: Splits<Score>,
    /// Of the merged network with renormalised units.
    repaired: Option<Splits<Score>>,
    /// Whether the losses are of the next tokens of a text, so that e to them is a perplexity.
    of_texts: bool,
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
        self.check_data()?;
        let folder = Output::find(out, &self.networks[0], &self.networks, self.replace.force)?;
        if let Some(done) = self.by_layer(session, out, folder.as_ref())? {
            return Ok(done);
        }
        if folder.is_none() || !self.clustering.method.averages() {
            place::check_weights(out, &networks::files(&self.networks)?, self.replace.force)?;
        }
        self.report.as_deref().map_or(Ok(()), place::check_folder)?;
        if !self.clustering.method.averages() {
            return self.by_clusters(session, out);
        }
        let networks = networks::load_alike(&self.networks, self.architecture.spec())?;
        let loss = self.loss.of(&networks[0].model)?;
        let data = self.data.as_deref().map(|spec| networks::load_data(spec, &networks)).transpose()?;
        let unfinished = self.unfinished(out, &networks)?;
        let start = Instant::now();
        let gathered = self.gather(session, &networks, data.as_ref(), unfinished.as_ref())?;
        let averaging = Averaging { networks: &networks, gathered: &gathered, weights: self.weights() };
        let mut merged = averaging.merge()?;
        let seconds = start.elapsed().as_secs_f64();
        let seen = data.map(|data| self.see(session, &averaging, &mut merged, &data, loss)).transpose()?;
        match &folder {
            Some(folder) => {
                let names: Vec<String> = networks.iter().map(Network::name).collect();
                let note = json!({ "made_by": "isoloss", "networks": names, "at": self.at });
                folder.write_params(&networks[0].model, &note, &merged)?;
            }
            None => weights::save(out, &merged, &networks[0].metadata())?,
        }
        unfinished.map_or(Ok(()), Unfinished::remove)?;
        let (scores, mut details) = seen.unzip();
        if let Some(details) = &mut details {
            details.seconds.insert(0, ("alignment", seconds));
        }
        if let (Some(folder), Some(scores), Some(details)) = (&self.report, &scores, &details) {
            let table = score_table(&networks, scores);
            let report = details.report(self.title(), self.settings(&networks, loss), table);
            place::write_folder(folder, &reports::bundle(&stamp::stamped(report, session))?)?;
        }
        let mut json = self.json(&networks, out, loss, &gathered, scores.as_ref());
        if let Some(details) = &details {
            details.add_to(&mut json);
        }
        let text = self.text(&networks, out, scores.as_ref(), details.as_ref());
        Ok(Outcome { answer: Answer::Yes, text: gathered.sentence() + &text, json })
    }
}

/// Networks that are averaged.
struct Averaging<'a> {
    networks: &'a [Network],
    gathered: &'a Gathered,
    /// The weight of each, with the sum 1.
    weights: Vec<f64>,
}

impl Averaging<'_> {
    fn merge(&self) -> Result<Params, Failure> {
        let all = self.gathered.all(self.networks);
        Ok(match (&all[..], &self.weights[..]) {
            ([first, second], [_, at]) => merge::interpolate(first, second, *at)?,
            _ => merge::average(&all)?,
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
            ("--by-layer", self.by_layer),
            ("--model", self.architecture.spec().is_some()),
            ("--data", self.data.is_some()),
            ("--repair", self.repair.is_given()),
            ("--report", self.report.is_some()),
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

    fn check_data(&self) -> Result<(), CliError> {
        let given = [("--repair", self.repair.is_given()), ("--report", self.report.is_some())];
        match given.into_iter().find(|(_, given)| *given && self.data.is_none()) {
            Some((flag, _)) => Err(CliError::FlagNeedsData { flag }),
            None => Ok(()),
        }
    }

    fn weights(&self) -> Vec<f64> {
        match self.at {
            Some(at) => vec![1.0 - at, at],
            None => vec![1.0 / self.networks.len() as f64; self.networks.len()],
        }
    }

    /// Where a search that can be stopped keeps what it has found.
    fn unfinished(&self, out: &Path, networks: &[Network]) -> Result<Option<Unfinished>, Failure> {
        match self.before_averaging()?.method() {
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
        let Some(method) = self.before_averaging()?.method() else {
            self.search.refuse("none")?;
            return Ok(Vec::new());
        };
        let plan = self.search.plan(method, data.map(|data| &data.train))?;
        let others: Vec<&Network> = networks.iter().skip(1).collect();
        alignment::align(session, &networks[0], &others, plan.kept(unfinished))
    }

    fn text(
        &self,
        networks: &[Network],
        out: &Path,
        scores: Option<&Scores>,
        details: Option<&Details>,
    ) -> String {
        let mut text = String::new();
        if let Some(scores) = scores {
            text += &(reports::text::table(&score_table(networks, scores)) + "\n");
            text += sentence_on_accuracy(&networks[0].model);
        }
        if let Some(table) = details.and_then(Details::calibration_table) {
            text += &(reports::text::table(&table) + "\n");
        }
        let reestimated_on = scores.and_then(|scores| scores.reestimated_on);
        text += &self.statistics.sentence(&networks[0].model, reestimated_on).unwrap_or_default();
        let repair = details.and_then(|details| details.repair.as_ref());
        text += &repair.map_or_else(String::new, repair::Done::sentence);
        if let Some(folder) = &self.report {
            text += &format!("report in {}\n", folder.display());
        }
        text + &format!("written to {}\n", out.display())
    }

    /// Gives the merged network units and running statistics of its own, and looks at all that there is to be seen.
    fn see(
        &self,
        session: &Session,
        averaging: &Averaging<'_>,
        merged: &mut Params,
        data: &Data,
        loss: Loss,
    ) -> Result<(Scores, Details), Failure> {
        let (networks, model) = (averaging.networks, &averaging.networks[0].model);
        let mut measure = Measure::new(session, model, data, loss, self.statistics)?;
        let all = averaging.gathered.all(networks);
        let mut details = Details::new(model, networks, &all);
        let mut parents = Vec::with_capacity(networks.len());
        for network in networks {
            parents.push(details.score(&mut measure, network.name(), &network.params)?);
        }
        let plain = measure.settle(merged.clone())?;
        let scored = details.score(&mut measure, "merged".to_owned(), &plain)?;
        let (of_texts, reestimated_on) = (has_perplexity(model, data, loss), measure.reestimated_on());
        let mut scores = Scores { parents, merged: scored, repaired: None, of_texts, reestimated_on };
        let (start, group) = (Instant::now(), averaging.gathered.group());
        let mut renormaliser = self.repair.prepare(session, model, group, &data.train, &all)?;
        let plain = match &mut renormaliser {
            None => plain,
            Some(renormaliser) => {
                let mut repaired = renormaliser.apply(merged, &averaging.weights)?;
                details.seconds.push(("renormalising", start.elapsed().as_secs_f64()));
                repaired.params = measure.settle(repaired.params)?;
                let score = details.score(&mut measure, "repaired".to_owned(), &repaired.params)?;
                scores.repaired = Some(score);
                details.repair = Some(renormaliser.done(&plain, &repaired, &averaging.weights)?);
                repaired.params
            }
        };
        if let (Some(_), [a, b]) = (&self.report, networks) {
            let aligned = averaging.gathered.is_matched().then_some(all[1]);
            details.curves = self.curves(measure.calibrating(), [a, b], aligned, renormaliser.as_mut())?;
        }
        *merged = plain;
        Ok((scores, details))
    }

    /// What lies between two networks: as they are, aligned, and renormalised.
    fn curves(
        &self,
        mut measure: Measure<'_>,
        [a, b]: [&Network; 2],
        aligned: Option<&Params>,
        renormaliser: Option<&mut repair::Renormaliser>,
    ) -> Result<Curves, Failure> {
        let mut curves = vec![("naive", measure.segment("naive", [&a.params, &b.params], self.points)?)];
        if let Some(aligned) = aligned {
            curves.push(("aligned", measure.segment("aligned", [&a.params, aligned], self.points)?));
        }
        if let Some(renormaliser) = renormaliser {
            let ends = [&a.params, aligned.unwrap_or(&b.params)];
            let between = &mut |lambda: f64, params: Params| renormaliser.between(lambda, &params);
            curves.push(("repaired", measure.segment_with("repaired", ends, self.points, between)?));
        }
        Ok(curves)
    }

    fn title(&self) -> String {
        match &self.networks[..] {
            [a, b] => format!("{} and {} merged", a.display(), b.display()),
            networks => format!("{} networks merged", networks.len()),
        }
    }

    fn settings(&self, networks: &[Network], loss: Loss) -> Entries {
        let entries = Entries::new()
            .with("model", networks[0].model.spec())
            .with("method", self.clustering.method.name())
            .with("data", self.data.clone().unwrap_or_default())
            .with("loss", loss.to_string());
        networks.iter().enumerate().fold(entries, |entries, (number, network)| {
            entries.with(format!("network {}", number + 1), network.name())
        })
    }

    fn json(
        &self,
        networks: &[Network],
        out: &Path,
        loss: Loss,
        gathered: &Gathered,
        scores: Option<&Scores>,
    ) -> Value {
        let of_texts = scores.is_some_and(|scores| scores.of_texts);
        let score = |score: &Score| {
            let mut json = json::score(score);
            if of_texts {
                json["perplexity"] = number(score.loss.exp());
            }
            json
        };
        let parents = networks.iter().enumerate().map(|(index, network)| {
            let score = scores.map(|scores| json::splits(&scores.parents[index], score));
            json!({ "path": network.name(), "score": score })
        });
        let (matchings, distances) = gathered.json();
        let repaired = scores.and_then(|scores| scores.repaired.as_ref());
        json!({
            "model": networks[0].model.spec(),
            "out": out.display().to_string(),
            "at": self.at.map(number),
            "data": self.data,
            "loss": loss.to_string(),
            "statistics":
                Statistics::json(&networks[0].model, scores.and_then(|scores| scores.reestimated_on)),
            "method": self.clustering.method.name(),
            "matchings": matchings,
            "distances": distances,
            "parents": parents.collect::<Vec<_>>(),
            "merged": scores.map(|scores| json::splits(&scores.merged, score)),
            "repaired": repaired.map(|own| json::splits(own, score)),
        })
    }
}

fn score_table(networks: &[Network], scores: &Scores) -> Table {
    let of_texts = scores.of_texts;
    let (loss, percent) = (NumberFormat::Fixed(4), NumberFormat::Percent(2));
    let of_part = |part: &str| {
        let perplexity = of_texts.then(|| Column::number(format!("{part} perplexity"), loss));
        let own = [
            Column::number(format!("{part} loss"), loss),
            Column::number(format!("{part} accuracy"), percent),
        ];
        perplexity.into_iter().chain(own).collect::<Vec<_>>()
    };
    let columns: Vec<Column> =
        std::iter::once(Column::text("network")).chain(of_part("test")).chain(of_part("train")).collect();
    let repaired = scores.repaired.as_ref();
    let names = networks.iter().map(Network::name).chain(["merged".to_owned(), "repaired".to_owned()]);
    let scored = scores.parents.iter().chain([&scores.merged]).chain(repaired);
    let rows = names.zip(scored).map(|(name, score)| {
        let cells = |score: &Score| {
            let perplexity = of_texts.then(|| Cell::from(score.loss.exp()));
            perplexity
                .into_iter()
                .chain([Cell::from(score.loss), Cell::from(score.accuracy)])
                .collect::<Vec<_>>()
        };
        let cells = [cells(&score.test), cells(&score.train)].concat();
        std::iter::once(Cell::from(name)).chain(cells).collect::<Vec<_>>()
    });
    let table = rows.fold(Table::new("", columns), Table::with_row);
    table.with_best_row(networks.len() + usize::from(repaired.is_some()))
}
