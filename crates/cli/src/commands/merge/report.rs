//! What is to be seen of a merge: scores, calibration, what is between the networks, and how near they are layer by layer.

use isoloss::{
    evaluate::Calibration,
    models::{Model, Params},
    recipes::{
        result::{Curve, Score, Splits},
        views,
    },
    tensor::Tensor,
};
use report::{Cell, Column, Entries, KeyValues, NumberFormat, Report, Section, Table};
use serde_json::{Value, json};

use super::repair::Done;
use crate::{
    failure::Failure,
    json::{self, number},
    measure::Measure,
    networks::Network,
};

/// What lies between two networks, by the way in which it is gone.
pub(super) type Curves = Vec<(&'static str, Splits<Curve>)>;

/// How near each parameter of the others is to that of the first: the mean of the cosines, before and after alignment.
pub(super) struct Cosines {
    parameter: String,
    cosines: [f64; 2],
}

/// All that is reported besides scores.
pub(super) struct Details {
    pub(super) calibrations: Vec<(String, Option<Calibration>)>,
    pub(super) curves: Curves,
    pub(super) nearness: Vec<Cosines>,
    pub(super) repair: Option<Done>,
    /// Seconds of each part, by name.
    pub(super) seconds: Vec<(&'static str, f64)>,
}

impl Cosines {
    /// Of the trained parameters of the first network and the others, as they were and as they are averaged.
    fn all(model: &Model, before: &[&Params], after: &[&Params]) -> Vec<Self> {
        let one = |name: String| {
            let cosines = [before, after].map(|networks| {
                let values: Vec<Vec<f64>> =
                    networks.iter().filter_map(|own| own.get(&name)).map(Tensor::to_f64_vec).collect();
                let cosines = values.iter().skip(1).map(|other| cosine(&values[0], other));
                cosines.sum::<f64>() / (values.len() - 1) as f64
            });
            Self { parameter: name, cosines }
        };
        model.parameters().into_iter().map(|(name, _)| one(name)).collect()
    }
}

/// NaN where one is zero.
fn cosine(a: &[f64], b: &[f64]) -> f64 {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

impl Details {
    /// Of networks, as they were given and as they are averaged, so far.
    pub(super) fn new(model: &Model, networks: &[Network], averaged: &[&Params]) -> Self {
        let before: Vec<&Params> = networks.iter().map(|network| &network.params).collect();
        let nearness = Cosines::all(model, &before, averaged);
        Self { calibrations: Vec::new(), curves: Vec::new(), nearness, repair: None, seconds: Vec::new() }
    }

    /// Scores a network, and notes how it is calibrated.
    pub(super) fn score(
        &mut self,
        measure: &mut Measure<'_>,
        name: String,
        params: &Params,
    ) -> Result<Splits<Score>, Failure> {
        let (score, calibration) = measure.score_and_calibration(params)?;
        self.calibrations.push((name, calibration));
        Ok(score)
    }

    /// The calibration of all networks, where they have predictions.
    pub(super) fn calibration_table(&self) -> Option<Table> {
        let (loss, percent) = (NumberFormat::Fixed(4), NumberFormat::Percent(2));
        let columns = [
            Column::text("network"),
            Column::number("calibration error", percent),
            Column::number("temperature", NumberFormat::Fixed(3)),
            Column::number("loss at it", loss),
            Column::number("error at it", percent),
        ];
        let caption = "Expected calibration error on the test set, in 15 bins. The temperature is found on one half of the test set and used on the \
                       other, both ways; its mean is shown.";
        let table = Table::new("Calibration", columns).with_caption(caption);
        let rows = self.calibrations.iter().filter_map(|(name, calibration)| {
            let Calibration { error, temperatures, loss, calibrated_error } = (*calibration)?;
            let temperature = (temperatures[0] + temperatures[1]) / 2.0;
            Some([
                name.as_str().into(),
                error.into(),
                temperature.into(),
                loss.into(),
                calibrated_error.into(),
            ])
        });
        let rows: Vec<[Cell; 5]> = rows.collect();
        (!rows.is_empty()).then(|| rows.into_iter().fold(table, Table::with_row))
    }

    fn nearness_table(&self) -> Table {
        let columns = [
            Column::text("parameter"),
            Column::number("as they were", NumberFormat::Fixed(4)),
            Column::number("as averaged", NumberFormat::Fixed(4)),
        ];
        let caption = "Cosine of each parameter to that of the first network, mean over the others.";
        let table = Table::new("How near the weights are", columns).with_caption(caption);
        let rows = self
            .nearness
            .iter()
            .map(|own| [own.parameter.as_str().into(), own.cosines[0].into(), own.cosines[1].into()]);
        rows.fold(table, Table::with_row)
    }

    /// The report, with the table of scores.
    pub(super) fn report(&self, title: String, settings: Entries, scores: Table) -> Report {
        let mut networks = Section::new("Networks").with_block(scores);
        if let Some(table) = self.calibration_table() {
            networks = networks.with_block(table);
        }
        let mut report = Report::new("merge", title).with_settings(settings).with_section(networks);
        if !self.curves.is_empty() {
            report = report.with_section(self.between());
        }
        if let Some(repair) = &self.repair {
            let section = Section::new("Hidden units").with_block(repair.figure()).with_block(repair.table());
            report = report.with_section(section);
        }
        let mut weights = Section::new("Weights").with_block(self.nearness_table());
        let seconds = self.seconds.iter();
        let entries = seconds
            .fold(Entries::new(), |entries, (name, seconds)| entries.with(*name, format!("{seconds:.3} s")));
        weights = weights.with_block(KeyValues::new("Time", entries));
        report.with_section(weights)
    }

    fn between(&self) -> Section {
        let curves: Vec<views::Alternative<'_>> =
            self.curves.iter().map(|(name, curve)| (*name, vec![curve])).collect();
        let section = Section::new("Between the two networks").with_block(views::loss_figure(
            "segment-loss",
            "Loss",
            &curves,
        ));
        if self.curves[0].1.test.accuracy.is_none() {
            return section;
        }
        section
            .with_block(views::accuracy_figure("segment-accuracy", "Accuracy", &curves))
            .with_block(views::calibration_figure("segment-calibration", "Calibration", &curves))
    }

    /// Adds what is particular to it.
    pub(super) fn add_to(&self, json: &mut Value) {
        let calibration = |calibration: &Calibration| {
            let Calibration { error, temperatures, loss, calibrated_error } = *calibration;
            json!({
                "error": number(error),
                "temperatures": temperatures.map(number),
                "loss_at_temperature": number(loss),
                "error_at_temperature": number(calibrated_error),
            })
        };
        let calibrations = self.calibrations.iter();
        json["calibration"] = calibrations
            .map(|(name, own)| json!({ "network": name, "calibration": own.as_ref().map(calibration) }))
            .collect();
        let curves =
            self.curves.iter().map(|(name, curve)| ((*name).to_owned(), json::splits(curve, json::segment)));
        json["curves"] = Value::Object(curves.collect());
        let nearness = self.nearness.iter().map(|own| {
            json!({ "parameter": own.parameter, "cosine_before": number(own.cosines[0]), "cosine": number(own.cosines[1]) })
        });
        json["nearness"] = nearness.collect();
        json["repair"] = self.repair.as_ref().map_or(Value::Null, Done::json);
        let seconds = self.seconds.iter().map(|(name, seconds)| ((*name).to_owned(), number(*seconds)));
        json["seconds"] = Value::Object(seconds.collect());
    }
}
