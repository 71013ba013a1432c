//! `isoloss merge`: several networks into one.

use std::path::PathBuf;

use clap::Args;
use isoloss::{
    data::Splits as Data,
    merge,
    models::{Loss, Params, weights},
    recipes::result::{Score, Splits},
};
use report::{Cell, Column, NumberFormat, Table};
use serde_json::{Value, json};

use super::Run;
use crate::{
    alignment::{self, Alignment, BeforeAveraging, SearchFlags},
    common::Common,
    failure::{CliError, Failure},
    json::{self, number},
    measure::{LossFlag, Measure, Statistics, sentence_on_accuracy},
    networks::{self, Network},
    outcome::{Answer, Outcome},
    place,
    session::Session,
};

/// Merge networks of one architecture into one, by default after alignment
///
/// Each further network is first matched to the first one (see `isoloss align`), which does not change what it computes,
/// and then the weights are averaged. With more than two networks each counts equally, and the result depends on which one
/// is first, but with --align joint, which matches all to each other at once. With --data, all networks and the merged one
/// are scored, and of networks with batch normalisation the running statistics of the merged one are measured anew on the
/// training part, as they are no averages of the others'.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  isoloss merge runs/a runs/b --out merged.safetensors --data digits
  isoloss merge runs/a runs/b --at 0.25 --out near-a.safetensors
  isoloss merge runs/a runs/b runs/c --align joint --out merged.safetensors
  isoloss merge runs/a runs/b runs/c --align none --out naive.safetensors")]
pub(crate) struct Merge {
    /// Two networks or more; the first one stays as it is
    #[arg(value_name = "MODEL", required = true, num_args = 2..)]
    networks: Vec<PathBuf>,
    /// File for the merged network, *.safetensors
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Replace --out if it is there; inputs are never replaced
    #[arg(long)]
    force: bool,
    /// What is done before averaging
    #[arg(long, value_name = "METHOD", value_enum, default_value_t)]
    align: BeforeAveraging,
    /// Place between two networks: 0 is the first, 1 the second, 0.5 (the default) the average
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    at: Option<f64>,
    /// Architecture of all, when the files do not name it
    #[arg(long = "model", visible_alias = "graph", value_name = "SPEC")]
    spec: Option<String>,
    /// Score all networks on this data set, as digits, mnist:DIR or cifar10:DIR; matchings that need data use its training part
    #[arg(long, value_name = "SPEC")]
    data: Option<String>,
    #[command(flatten)]
    statistics: Statistics,
    #[command(flatten)]
    loss: LossFlag,
    #[command(flatten)]
    search: SearchFlags,
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
        self.check_place()?;
        place::check_weights(&self.out, &networks::files(&self.networks)?, self.force)?;
        let networks = networks::load_alike(&self.networks, self.spec.as_deref())?;
        let loss = self.loss.of(&networks[0].model)?;
        let data = self.data.as_deref().map(|spec| networks::load_data(spec, &networks)).transpose()?;
        let alignments = self.align(session, &networks, data.as_ref())?;
        let mut merged = self.merge(&networks, &alignments)?;
        let scores = data
            .map(|data| self.settle_and_score(session, &networks, &mut merged, &data, loss))
            .transpose()?;
        weights::save(&self.out, &merged, &networks[0].metadata())?;
        Ok(Outcome {
            answer: Answer::Yes,
            text: self.text(&networks, scores.as_ref()),
            json: self.json(&networks, loss, &alignments, scores.as_ref()),
        })
    }
}

impl Merge {
    fn check_place(&self) -> Result<(), CliError> {
        match (self.at, self.networks.len()) {
            (Some(_), found) if found > 2 => Err(CliError::At { found }),
            _ => Ok(()),
        }
    }

    /// Every network but the first, matched to the first; none where that is not wanted.
    fn align(
        &self,
        session: &Session,
        networks: &[Network],
        data: Option<&Data>,
    ) -> Result<Vec<Alignment>, Failure> {
        let Some(method) = self.align.method() else {
            self.search.refuse()?;
            return Ok(Vec::new());
        };
        let plan = self.search.plan(method, data.map(|data| &data.train))?;
        let others: Vec<&Network> = networks.iter().skip(1).collect();
        alignment::align(session, &networks[0], &others, plan)
    }

    fn merge(&self, networks: &[Network], alignments: &[Alignment]) -> Result<Params, Failure> {
        let others: Vec<&Params> = match self.align {
            BeforeAveraging::Align(_) => alignments.iter().map(|alignment| &alignment.params).collect(),
            BeforeAveraging::Nothing => networks.iter().skip(1).map(|network| &network.params).collect(),
        };
        let first = &networks[0].params;
        Ok(match (self.at, &others[..]) {
            (Some(at), [second]) => merge::interpolate(first, second, at)?,
            _ => merge::average(&[&[first], &others[..]].concat())?,
        })
    }

    fn text(&self, networks: &[Network], scores: Option<&Scores>) -> String {
        let table = scores.map(|scores| {
            report::text::table(&score_table(networks, scores))
                + "\n"
                + sentence_on_accuracy(&networks[0].model)
        });
        let reestimated_on = scores.and_then(|scores| scores.reestimated_on);
        let statistics = self.statistics.sentence(&networks[0].model, reestimated_on).unwrap_or_default();
        table.unwrap_or_default() + &statistics + &format!("written to {}\n", self.out.display())
    }

    /// Gives the merged network running statistics of its own, and scores all networks.
    fn settle_and_score(
        &self,
        session: &Session,
        networks: &[Network],
        merged: &mut Params,
        data: &Data,
        loss: Loss,
    ) -> Result<Scores, Failure> {
        let mut measure = Measure::new(session, &networks[0].model, data, loss, self.statistics)?;
        let parents =
            networks.iter().map(|network| measure.score(&network.params)).collect::<Result<_, _>>()?;
        *merged = measure.settle(std::mem::take(merged))?;
        Ok(Scores { parents, merged: measure.score(merged)?, reestimated_on: measure.reestimated_on() })
    }

    fn json(
        &self,
        networks: &[Network],
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
            "out": self.out.display().to_string(),
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
