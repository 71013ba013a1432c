//! How federated rounds are shown.

use report::{
    Axis, Block, Color, Column as TableColumn, Figure, KeyValues, NumberFormat, Section, Style, Table,
};

use super::{
    FoundRounds,
    result::{FederatedResult, Round, Trajectory},
    values::clients_accuracy,
};
use crate::{
    experiment::Column,
    views::{Spread, banded, spread_cell, symmetry_entries, training_figures},
};

/// Accuracies after a round in the table of all arms.
pub(super) fn columns(results: &[FederatedResult], stage: usize) -> Vec<Column> {
    let column = |title: String, values: Vec<f64>| Column { title, format: NumberFormat::Fixed(2), values };
    let of = |number: usize| {
        let rounds = || results.iter().filter_map(move |result| own(result, number).rounds.get(stage));
        let name = results.first().map_or("", |result| own(result, number).name());
        [
            column(format!("{name}: clients, %"), rounds().map(clients_accuracy).collect()),
            column(
                format!("{name}: average, %"),
                rounds().map(|round| round.global.test_accuracy()).collect(),
            ),
        ]
    };
    let joint = results.iter().map(|result| result.joint.test_accuracy()).collect();
    let joint = column("all data, %".to_owned(), joint);
    ways(results).flat_map(of).chain([joint]).collect()
}

/// The sections on an arm.
pub(super) fn sections(found: &FoundRounds, id: &str, several: bool) -> Vec<Section> {
    let results = &found.results;
    let Some(first) = results.first() else { return Vec::new() };
    let title = if several { format!("{id}: federated rounds") } else { "Federated rounds".to_owned() };
    let [accuracy, loss] = [
        figure(id, "accuracy", Axis::linear("test accuracy").with_unit("%"), results, |round| {
            round.global.test_accuracy()
        }),
        figure(id, "loss", Axis::log("test loss").with_unit("nats"), results, |round| {
            round.global.test_loss()
        }),
    ];
    let distance = Axis::linear("distance of the clients to their mean");
    let moved = figure(id, "distance", distance, results, |round| round.distances[1])
        .with_caption("After they were brought together; root mean square over the clients.");
    let rounds = Section::new(title)
        .with_block(table(results))
        .with_block(accuracy)
        .with_block(loss)
        .with_block(moved);
    let symmetry = Section::new("Symmetry").with_block(KeyValues::new("", symmetry_entries(&first.symmetry)));
    let name = format!("all data, seed {}", first.plan.seed + first.plan.clients as u64);
    let training = training_figures(&format!("{id}-training"), &[(name, first.history.as_slice())]);
    let training =
        training.into_iter().map(Block::from).fold(Section::new("Training on all data"), Section::with_block);
    vec![rounds, symmetry, training]
}

/// The numbers of the ways of bringing clients together; the last is the control.
fn ways(results: &[FederatedResult]) -> std::ops::RangeInclusive<usize> {
    0..=results.first().map_or(0, |first| first.trajectories.len())
}

fn own(result: &FederatedResult, number: usize) -> &Trajectory {
    result.trajectories.get(number).unwrap_or(&result.random)
}

/// The last round.
fn table(results: &[FederatedResult]) -> Table {
    let (loss, percent) = (NumberFormat::Fixed(4), NumberFormat::Fixed(2));
    let columns = [
        TableColumn::text("network"),
        TableColumn::number("loss, nats", loss),
        TableColumn::number("accuracy, %", percent),
        TableColumn::number("calibration error, points", percent),
        TableColumn::number("clients' accuracy, %", percent),
    ];
    let mut table = Table::new("Test set, after the last round", columns)
        .with_caption("Mean ± half of the range, where there are several repetitions. All data: one network, for as many epochs.");
    for number in ways(results) {
        let last = || results.iter().filter_map(move |result| own(result, number).rounds.last());
        let cell = |value: &dyn Fn(&Round) -> f64| spread_cell(&last().map(value).collect::<Vec<_>>());
        table = table.with_row([
            own(&results[0], number).name().into(),
            cell(&|round| round.global.test_loss()),
            cell(&|round| round.global.test_accuracy()),
            cell(&|round| 100.0 * round.global.calibration.error),
            cell(&clients_accuracy),
        ]);
    }
    let joint = |value: &dyn Fn(&crate::scored::Scored) -> f64| {
        spread_cell(&results.iter().map(|result| value(&result.joint)).collect::<Vec<_>>())
    };
    table.with_row([
        "all data".into(),
        joint(&|own| own.test_loss()),
        joint(&|own| own.test_accuracy()),
        joint(&|own| 100.0 * own.calibration.error),
        report::Cell::Empty,
    ])
}

const COLORS: [Color; 4] = [Color::Vermillion, Color::Blue, Color::Green, Color::Orange];

/// A value of the averages against the rounds; the band spans the repetitions.
fn figure(id: &str, what: &str, y: Axis, results: &[FederatedResult], value: fn(&Round) -> f64) -> Figure {
    let title = format!("Averages after each round: {what}");
    let mut figure = Figure::new(format!("{id}-rounds-{what}"), title, Axis::linear("round"), y);
    for (number, color) in ways(results).zip(COLORS.into_iter().cycle()) {
        let curves: Vec<Vec<f64>> =
            results.iter().map(|result| own(result, number).rounds.iter().map(value).collect()).collect();
        let spread = Spread::over(&curves.iter().map(Vec::as_slice));
        let rounds = (1..=spread.mean.len()).map(|round| round as f64).collect();
        let is_control = number == results[0].trajectories.len();
        let (color, style) = if is_control { (Color::Ink, Style::Dotted) } else { (color, Style::Solid) };
        let series = banded(own(&results[0], number).name(), rounds, spread, results.len() > 1);
        figure = figure.with_series(series.with_color(color).with_style(style).with_markers());
    }
    figure
}
