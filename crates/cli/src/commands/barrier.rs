//! `isoloss barrier`: the loss between two networks.

use std::path::PathBuf;

use clap::Args;
use isoloss::{
    data::Splits as Data,
    landscape,
    models::Loss,
    recipes::{
        result::{Curve, Score, Splits},
        views,
    },
};
use report::{Cell, Column, Entries, NumberFormat, Report, Section, Table};
use serde_json::{Value, json};

use super::Run;
use crate::{
    alignment::{self, Alignment, BeforeAveraging, SearchFlags},
    common::Common,
    failure::Failure,
    json::{self, number},
    measure::{LossFlag, Measure, Statistics, sentence_on_accuracy},
    networks::{self, Architecture, Network},
    outcome::{Answer, Outcome},
    place,
    session::Session,
    stamp,
};

/// Measure the loss along the straight segment between two networks, naive and aligned
///
/// Networks (1 − λ)·A + λ·B are scored on training and test data for λ from 0 to 1: once with B as it is (naive) and once
/// with B matched to A (aligned, see `isoloss align`). The barrier is the largest excess of the loss over the straight
/// line between the ends: max over λ of L(λ) − ((1 − λ)·L(0) + λ·L(1)). Zero means that the loss does not rise above that
/// line anywhere, so that averaging the two networks costs nothing. Networks with batch normalisation have their running
/// statistics measured anew on the training data at every point between the ends.
///
/// With --bound the answer is no, exit code 1, if the aligned barrier on the test set is above the bound.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  isoloss barrier runs/a runs/b --data digits
  isoloss barrier runs/a runs/b --data mnist:data/mnist --bound 0.02 --out report
  isoloss barrier a.safetensors b.safetensors --model mlp:784-512-10 --data mnist:data/mnist --json")]
pub(crate) struct Barrier {
    /// Network at λ = 0, which stays as it is
    #[arg(value_name = "A")]
    a: PathBuf,
    /// Network at λ = 1
    #[arg(value_name = "B")]
    b: PathBuf,
    /// Data set, as digits, mnist:DIR or cifar10:DIR,normalize=on
    #[arg(long, value_name = "SPEC")]
    data: String,
    /// Points on the segment, an odd number from 3 up; the default is that of Git Re-Basin's code
    #[arg(long, value_name = "N", default_value_t = landscape::POINTS)]
    points: usize,
    /// How B is aligned to A; with none only the naive segment is measured
    #[arg(long, value_name = "METHOD", value_enum, default_value_t)]
    align: BeforeAveraging,
    /// Largest barrier on the test set for which the answer is yes, in the unit of the loss; the naive one with --align none
    #[arg(long, value_name = "X")]
    bound: Option<f64>,
    #[command(flatten)]
    statistics: Statistics,
    #[command(flatten)]
    loss: LossFlag,
    #[command(flatten)]
    architecture: Architecture,
    #[command(flatten)]
    search: SearchFlags,
    /// Folder for a report: report.html, report.json and figures
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

/// What was measured.
struct Measured {
    naive: Splits<Curve>,
    /// The examples that running statistics were re-estimated on, if they were.
    reestimated_on: Option<usize>,
    /// The matching and the segment to the matched network.
    aligned: Option<(Alignment, Splits<Curve>)>,
}

impl Measured {
    /// The segment that the bound is about.
    fn decisive(&self) -> &Splits<Curve> {
        self.aligned.as_ref().map_or(&self.naive, |(_, aligned)| aligned)
    }

    /// The segments by name.
    fn segments(&self) -> Vec<(&'static str, &Splits<Curve>)> {
        let aligned = self.aligned.as_ref().map(|(_, aligned)| ("aligned", aligned));
        [("naive", &self.naive)].into_iter().chain(aligned).collect()
    }

    /// The scores of A and B.
    fn parents(&self) -> [Splits<Score>; 2] {
        let last = self.naive.test.lambdas.len() - 1;
        [0, last]
            .map(|index| Splits { train: self.naive.train.score(index), test: self.naive.test.score(index) })
    }
}

impl Run for Barrier {
    fn common(&self) -> Common {
        self.common.clone()
    }

    fn run(&self, session: &Session) -> Result<Outcome, Failure> {
        self.out.as_deref().map_or(Ok(()), place::check_folder)?;
        let networks = networks::load_alike(&[self.a.clone(), self.b.clone()], self.architecture.spec())?;
        let [a, b] = &networks[..] else { unreachable!("two paths were given") };
        let loss = self.loss.of(&a.model)?;
        let data = networks::load_data(&self.data, &networks)?;
        let measured = self.measure(session, a, b, &data, loss)?;
        if let Some(folder) = &self.out {
            let report = stamp::stamped(self.report(a, loss, &measured), session);
            place::write_folder(folder, &report::bundle(&report)?)?;
        }
        Ok(Outcome {
            answer: Answer::from_claim(self.within_bound(&measured).unwrap_or(true)),
            text: self.text(a, &measured),
            json: self.json(a, loss, &measured),
        })
    }
}

impl Barrier {
    fn measure(
        &self,
        session: &Session,
        a: &Network,
        b: &Network,
        data: &Data,
        loss: Loss,
    ) -> Result<Measured, Failure> {
        let plan =
            self.align.method().map(|method| self.search.plan(method, Some(&data.train))).transpose()?;
        plan.map_or_else(|| self.search.refuse("none"), |_| Ok(()))?;
        let mut measure = Measure::new(session, &a.model, data, loss, self.statistics)?;
        let reestimated_on = measure.reestimated_on();
        let naive = measure.segment("naive", [&a.params, &b.params], self.points)?;
        let Some(plan) = plan else {
            return Ok(Measured { naive, reestimated_on, aligned: None });
        };
        let alignment = alignment::align(session, a, &[b], plan)?.swap_remove(0);
        let aligned = measure.segment("aligned", [&a.params, &alignment.params], self.points)?;
        Ok(Measured { naive, reestimated_on, aligned: Some((alignment, aligned)) })
    }

    /// Whether the barrier is within the bound, if there is one. A barrier that is no number is not.
    fn within_bound(&self, measured: &Measured) -> Option<bool> {
        self.bound.map(|bound| measured.decisive().test.barrier <= bound)
    }

    fn text(&self, a: &Network, measured: &Measured) -> String {
        let mut text = report::text::table(&self.table(measured)) + "\n";
        text += sentence_on_accuracy(&a.model);
        text += &self.statistics.sentence(&a.model, measured.reestimated_on).unwrap_or_default();
        if let Some((alignment, _)) = &measured.aligned {
            text += &alignment.sentence();
        }
        if let (Some(bound), Some(within)) = (self.bound, self.within_bound(measured)) {
            let (barrier, word) = (measured.decisive().test.barrier, if within { "within" } else { "above" });
            text += &format!("the test barrier of {barrier:.4} is {word} the bound of {bound}\n");
        }
        if let Some(folder) = &self.out {
            text += &format!("report in {}\n", folder.display());
        }
        text
    }

    fn table(&self, measured: &Measured) -> Table {
        let (loss, percent) = (NumberFormat::Fixed(4), NumberFormat::Percent(2));
        let columns = ["test", "train"].into_iter().flat_map(|part| {
            [
                Column::number(format!("{part} loss"), loss),
                Column::number(format!("{part} accuracy"), percent),
                Column::number(format!("{part} barrier"), loss),
            ]
        });
        let mut table = Table::new("", [Column::text("network")].into_iter().chain(columns));
        for (path, score) in [&self.a, &self.b].into_iter().zip(measured.parents()) {
            table = table.with_row(row(&path.display().to_string(), &score, |score| (*score, None)));
        }
        for (name, curve) in measured.segments() {
            let name = format!("midpoint, {name}");
            table = table.with_row(row(&name, curve, |curve| (curve.midpoint, Some(curve.barrier))));
        }
        table
    }

    fn report(&self, a: &Network, loss: Loss, measured: &Measured) -> Report {
        let segments: Vec<_> =
            measured.segments().into_iter().map(|(name, curve)| (name, vec![curve])).collect();
        let (loss_title, accuracy_title) = ("Loss along the segment", "Accuracy along the segment");
        let mut section = Section::new("Between the two networks")
            .with_block(self.table(measured))
            .with_block(views::loss_figure("segment-loss", loss_title, &segments));
        if a.model.target().is_none() {
            section =
                section.with_block(views::accuracy_figure("segment-accuracy", accuracy_title, &segments));
        }
        Report::new("barrier", format!("From {} to {}", self.a.display(), self.b.display()))
            .with_summary(summary(measured))
            .with_settings(self.settings(a, loss, measured))
            .with_section(section)
    }

    fn settings(&self, a: &Network, loss: Loss, measured: &Measured) -> Entries {
        let mut entries = Entries::new()
            .with("A", self.a.display().to_string())
            .with("B", self.b.display().to_string())
            .with("data", self.data.as_str())
            .with("loss", loss.to_string())
            .with("points", self.points)
            .with("restarts", self.search.restarts());
        if let Some(sentence) = self.statistics.sentence(&a.model, measured.reestimated_on) {
            entries = entries.with("batch normalisation", sentence.trim_end());
        }
        self.bound.map_or(entries.clone(), |bound| entries.with("bound", bound))
    }

    fn json(&self, a: &Network, loss: Loss, measured: &Measured) -> Value {
        let parents = [&self.a, &self.b].into_iter().zip(measured.parents()).map(|(path, score)| {
            let mut parent = json::splits(&score, json::score);
            parent["path"] = json!(path.display().to_string());
            parent
        });
        let aligned = measured.aligned.as_ref();
        json!({
            "model": a.model.spec(),
            "data": self.data,
            "loss": loss.to_string(),
            "points": self.points,
            "statistics": Statistics::json(&a.model, measured.reestimated_on),
            "parents": parents.collect::<Vec<_>>(),
            "naive": json::splits(&measured.naive, json::segment),
            "aligned": aligned.map(|(_, curve)| json::splits(curve, json::segment)),
            "matching": aligned.map(|(alignment, _)| alignment.json()),
            "bound": self.bound.map(number),
            "within_bound": self.within_bound(measured),
        })
    }
}

fn row<T>(name: &str, value: &Splits<T>, parts: impl Fn(&T) -> (Score, Option<f64>)) -> Vec<Cell> {
    let cells = |value: &T| {
        let (score, barrier) = parts(value);
        [Cell::from(score.loss), Cell::from(score.accuracy), Cell::from(barrier)]
    };
    std::iter::once(Cell::from(name)).chain(cells(&value.test)).chain(cells(&value.train)).collect()
}

fn summary(measured: &Measured) -> String {
    let naive = measured.naive.test.barrier;
    match &measured.aligned {
        None => format!("The barrier on the test set is {naive:.4}."),
        Some((_, aligned)) => format!(
            "The barrier on the test set is {naive:.4} between the networks as they are, and {:.4} after the hidden units of \
             the second were matched to those of the first.",
            aligned.test.barrier
        ),
    }
}
