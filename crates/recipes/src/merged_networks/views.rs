//! How merged networks are shown.

use report::{Block, Cell, Column as TableColumn, Figure, NumberFormat, Section, Table};

use super::{
    FoundMerges,
    result::{MergeResult, Merged},
    settings::REPAIRED,
};
use crate::{
    experiment::Column,
    result::{Curve, Epoch, Score, Splits},
    scored::Scored,
    views::{Alternative, accuracy_figure, loss_figure, spread_cell, symmetry_entries, training_figures},
};

/// Something that was scored, with its scores in all repetitions.
type Row<'a> = (String, Vec<&'a Scored>);

/// Parents, ensemble and averages in the table of all arms: first the losses, then the accuracies.
pub(super) fn columns(results: &[MergeResult]) -> Vec<Column> {
    let column = |title: String, format, scored: &[&Scored], value: fn(&Scored) -> f64| Column {
        title,
        format,
        values: scored.iter().map(|own| value(own)).collect(),
    };
    let rows = rows(results);
    let losses = rows.iter().map(|(name, scored)| {
        column(format!("{name}, nats"), NumberFormat::Fixed(4), scored, Scored::test_loss)
    });
    let accuracies = rows.iter().map(|(name, scored)| {
        column(format!("{name}, %"), NumberFormat::Fixed(2), scored, Scored::test_accuracy)
    });
    losses.chain(accuracies).collect()
}

/// The sections on an arm.
pub(super) fn sections(found: &FoundMerges, id: &str, several: bool) -> Vec<Section> {
    let results = &found.results;
    let Some(first) = results.first() else { return Vec::new() };
    let title = if several { format!("{id}: networks merged") } else { "Networks merged".to_owned() };
    let scores = Section::new(title)
        .with_block(table("Test set", results, |own| own.scores.test, true))
        .with_block(table("Training set", results, |own| own.scores.train, false));
    let scores = figures(id, results).into_iter().fold(scores, Section::with_block);
    let together = Section::new("Symmetry and bringing together")
        .with_block(report::KeyValues::new("", symmetry_entries(&first.symmetry)))
        .with_block(distances(results));
    let kept = training_figures(&format!("{id}-training"), &histories(first));
    let training = kept.into_iter().map(Block::from).fold(Section::new("Training"), Section::with_block);
    vec![scores, together, training]
}

/// Trainings on shares that a figure shows.
const SHOWN: usize = 6;

/// The training on all data, and the first of the others.
fn histories(result: &MergeResult) -> Vec<(String, &[Epoch])> {
    let named = result.plan.seeds.iter().zip(&result.histories);
    let mut named: Vec<(String, &[Epoch])> =
        named.map(|(seed, history)| (format!("seed {seed}"), history.as_slice())).collect();
    let joint = named.split_off(result.plan.networks.min(named.len()));
    let joint = joint.into_iter().map(|(name, history)| (format!("all data, {name}"), history));
    joint.chain(named.into_iter().take(SHOWN)).collect()
}

/// Everything that was scored, in the order in which it is shown.
fn rows(results: &[MergeResult]) -> Vec<Row<'_>> {
    let Some(first) = results.first() else { return Vec::new() };
    let parents = results.iter().flat_map(|result| &result.parents).collect();
    let of = |one: fn(&MergeResult) -> &Scored| results.iter().map(one).collect();
    let mut rows: Vec<Row<'_>> =
        vec![("parents".to_owned(), parents), ("ensemble".to_owned(), of(|result| &result.ensemble))];
    let joint: Option<Vec<&Scored>> = results.iter().map(|result| result.joint.as_ref()).collect();
    rows.extend(joint.map(|joint| ("trained on all data".to_owned(), joint)));
    for merged in 0..=first.merged.len() {
        let all = || results.iter().map(move |result| own(result, merged));
        let name = own(first, merged).name();
        rows.push((name.to_owned(), all().map(|own| &own.average).collect()));
        let repaired: Option<Vec<&Scored>> = all().map(|own| own.repaired.as_ref()).collect();
        rows.extend(repaired.map(|repaired| (format!("{name}{REPAIRED}"), repaired)));
    }
    rows
}

/// What came of the method with this number, or of the control after the last.
fn own(result: &MergeResult, merged: usize) -> &Merged {
    result.merged.get(merged).unwrap_or(&result.random)
}

fn table(title: &str, results: &[MergeResult], score: fn(&Scored) -> Score, calibrated: bool) -> Table {
    let (loss, percent) = (NumberFormat::Fixed(4), NumberFormat::Fixed(2));
    let mut columns = vec![
        TableColumn::text("network"),
        TableColumn::number("loss, nats", loss),
        TableColumn::number("accuracy, %", percent),
    ];
    if calibrated {
        columns.push(TableColumn::number("ECE, points", percent));
        columns.push(TableColumn::number("temperature", NumberFormat::Fixed(3)));
        columns.push(TableColumn::number("loss at it, nats", loss));
        columns.push(TableColumn::number("ECE at it, points", percent));
    }
    let cell = |scored: &[&Scored], value: &dyn Fn(&Scored) -> f64| {
        spread_cell(&scored.iter().map(|own| value(own)).collect::<Vec<_>>())
    };
    let mut table = Table::new(title, columns).with_caption(
        "Mean ± half of the range over all networks or repetitions. ECE: expected calibration error. The ensemble is the mean of the parents' probabilities. A temperature is \
         found on one half of the test set and used on the other, both ways.",
    );
    for (name, scored) in rows(results) {
        let mut cells: Vec<Cell> = vec![name.into()];
        cells.push(cell(&scored, &|own| score(own).loss));
        cells.push(cell(&scored, &|own| score(own).accuracy.map_or(f64::NAN, |accuracy| 100.0 * accuracy)));
        if calibrated {
            cells.push(cell(&scored, &|own| 100.0 * own.calibration.error));
            cells.push(cell(&scored, &|own| own.calibration.temperature));
            cells.push(cell(&scored, &|own| own.calibration.loss));
            cells.push(cell(&scored, &|own| 100.0 * own.calibration.calibrated_error));
        }
        table = table.with_row(cells);
    }
    table
}

/// Segments where they were measured, and otherwise nothing.
fn figures(id: &str, results: &[MergeResult]) -> Vec<Figure> {
    let count = results.first().map_or(0, |first| first.merged.len());
    let segments = |merged: usize| -> Option<Vec<&Splits<Curve>>> {
        results.iter().map(|result| own(result, merged).segment.as_ref()).collect()
    };
    let all: Option<Vec<Alternative<'_>>> =
        (0..count).map(|merged| Some((own(&results[0], merged).name(), segments(merged)?))).collect();
    all.filter(|all| !all.is_empty()).map_or_else(Vec::new, |all| {
        vec![
            loss_figure(&format!("{id}-segment-loss"), "Loss along the segment", &all),
            accuracy_figure(&format!("{id}-segment-accuracy"), "Accuracy along the segment", &all),
        ]
    })
}

/// How near the networks came to their mean.
fn distances(results: &[MergeResult]) -> Table {
    let (number, seconds) = (NumberFormat::Fixed(4), NumberFormat::Fixed(3));
    let columns = [
        TableColumn::text("method"),
        TableColumn::number("distance to the mean before", number),
        TableColumn::number("after", number),
        TableColumn::number("seconds", seconds),
    ];
    let table = Table::new("Distances", columns).with_caption(
        "The root mean square over the networks of the distance of their weights to the mean of all.",
    );
    let count = results.first().map_or(0, |first| first.merged.len());
    (0..=count).fold(table, |table, merged| {
        let of = |value: fn(&Merged) -> f64| {
            spread_cell(&results.iter().map(|result| value(own(result, merged))).collect::<Vec<_>>())
        };
        let name = own(&results[0], merged).name();
        let seconds = if merged < count { of(|own| own.seconds) } else { Cell::Empty };
        table.with_row([name.into(), of(|own| own.distances[0]), of(|own| own.distances[1]), seconds])
    })
}
