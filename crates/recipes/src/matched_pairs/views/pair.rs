//! Pairs of networks: the table and the sections of a report.

use report::{Block, Cell, Column, Figure, KeyValues, NumberFormat, Section, Table};

use super::matching_figure;
use crate::{
    matched_pairs::{
        method::Method,
        result::{Match, PairResult},
    },
    result::{Curve, Score, Splits},
    views::{Alternative, accuracy_figure, loss_figure, spread_cell, symmetry_entries, training_figures},
};

/// Parents and naive, aligned and random midpoints on the test and on the training set: loss, accuracy and barrier;
/// the mean over the pairs and half of their range.
#[must_use]
pub fn score_tables(results: &[PairResult]) -> [Table; 2] {
    let test = table("Test set", results, |splits| splits.test, |splits| &splits.test)
        .with_caption(caption(results.len()));
    let train = table("Training set", results, |splits| splits.train, |splits| &splits.train);
    [test, train]
}

fn table(
    title: &str,
    results: &[PairResult],
    score: fn(&Splits<Score>) -> Score,
    curve: fn(&Splits<Curve>) -> &Curve,
) -> Table {
    let (loss, percent) = (NumberFormat::Fixed(4), NumberFormat::Fixed(2));
    let columns = [
        Column::text("network"),
        Column::number("loss, nats", loss),
        Column::number("accuracy, %", percent),
        Column::number("barrier, nats", loss),
    ];
    let parents: Vec<Score> = results.iter().flat_map(|result| &result.parents).map(score).collect();
    let [loss, accuracy] = score_cells(&parents);
    let mut table = Table::new(title, columns).with_row(["parents".into(), loss, accuracy, Cell::Empty]);
    for (name, segments) in alternatives(results) {
        let curves: Vec<&Curve> = segments.into_iter().map(curve).collect();
        let midpoints: Vec<Score> = curves.iter().map(|curve| curve.midpoint).collect();
        let barriers: Vec<f64> = curves.iter().map(|curve| curve.barrier).collect();
        let [loss, accuracy] = score_cells(&midpoints);
        table = table.with_row([name.into(), loss, accuracy, spread_cell(&barriers)]);
    }
    table.with_best_row(ALIGNED_ROW)
}

/// The midpoints in tables, each with its segments.
fn alternatives(results: &[PairResult]) -> Vec<(String, Vec<&Splits<Curve>>)> {
    let naive = results.iter().map(|result| &result.naive).collect();
    let random = results.iter().map(|result| &result.random).collect();
    let mut all = vec![("midpoint, naive".to_owned(), naive)];
    all.extend(aligned(results).into_iter().map(|(name, segments)| (format!("midpoint, {name}"), segments)));
    all.push(("midpoint, random permutation (control)".to_owned(), random));
    all
}

/// The segments to the matched networks, method by method.
fn aligned(results: &[PairResult]) -> Vec<(String, Vec<&Splits<Curve>>)> {
    let methods = results.first().map(|first| &first.plan.methods[..]).unwrap_or_default();
    let segments = |index: usize| results.iter().map(|result| &result.aligned[index].segment).collect();
    let name = |method: &Method| match methods {
        [_] => "aligned".to_owned(),
        _ => format!("aligned by {}", method.name()),
    };
    methods.iter().enumerate().map(|(index, method)| (name(method), segments(index))).collect()
}

/// Where [`score_tables`] show the aligned midpoint.
const ALIGNED_ROW: usize = 2;

fn caption(pairs: usize) -> String {
    let definition = "The barrier is the largest excess of the loss over the line between the ends, over the whole segment.";
    if pairs == 1 {
        definition.to_owned()
    } else {
        format!("Mean over {pairs} pairs ± half of the range. {definition}")
    }
}

fn score_cells(scores: &[Score]) -> [Cell; 2] {
    let loss: Vec<f64> = scores.iter().map(|score| score.loss).collect();
    let accuracy: Option<Vec<f64>> =
        scores.iter().map(|score| score.accuracy.map(|accuracy| 100.0 * accuracy)).collect();
    [spread_cell(&loss), accuracy.map_or(Cell::Empty, |accuracy| spread_cell(&accuracy))]
}

/// The sections that show pairs trained alike: table, segments, training, matching and symmetry. `id` starts the
/// names of the figures.
#[must_use]
pub fn pair_sections(id: &str, title: &str, results: &[PairResult]) -> Vec<Section> {
    let naive = results.iter().map(|result| &result.naive).collect();
    let mut alternatives = vec![("naive".to_owned(), naive)];
    alternatives.extend(aligned(results));
    let alternatives: Vec<Alternative<'_>> =
        alternatives.iter().map(|(name, segments)| (name.as_str(), segments.clone())).collect();
    let [test, train] = score_tables(results);
    let segment = Section::new(title)
        .with_block(test)
        .with_block(train)
        .with_block(loss_figure(&format!("{id}-segment-loss"), "Loss along the segment", &alternatives))
        .with_block(accuracy_figure(
            &format!("{id}-segment-accuracy"),
            "Accuracy along the segment",
            &alternatives,
        ));
    vec![segment, matching_section(id, results), training_section(id, results)]
}

fn matching_section(id: &str, results: &[PairResult]) -> Section {
    let section = Section::new("Symmetry and matching");
    let Some(first) = results.first() else { return section };
    let entries = symmetry_entries(&first.symmetry);
    let entries = first.plan.methods.iter().enumerate().fold(entries, |entries, (index, method)| {
        let matchings: Vec<&Match> = results.iter().map(|result| &result.aligned[index].matching).collect();
        entries.with(format!("matching by {}", method.name()), matching_words(&matchings))
    });
    let references: Vec<&PairResult> = results.iter().collect();
    section
        .with_block(KeyValues::new("", entries))
        .with_block(matching_figure(&format!("{id}-matching"), &references))
}

/// How matchings went, in a line.
fn matching_words(matchings: &[&Match]) -> String {
    let list = |one: fn(&Match) -> String| matchings.iter().map(|m| one(m)).collect::<Vec<_>>().join(", ");
    let gap = matchings.iter().filter_map(|matching| matching.worst_gap).reduce(f64::max);
    let gap = gap.map(|gap| format!("; largest relative duality gap of the assignments {gap:.1e}"));
    let descents: Option<Vec<_>> = matchings.iter().map(|matching| matching.descended.as_ref()).collect();
    let descents = descents.map(|descents| {
        let losses = descents.iter().map(|own| format!("{:.4} → {:.4}", own.start_loss, own.loss));
        let (losses, steps) =
            (losses.collect::<Vec<_>>().join(", "), descents.first().map_or(0, |own| own.steps));
        format!("; loss halfway on training examples held out {losses} in {steps} steps")
    });
    format!(
        "sweeps {}; seconds {}{}{}",
        list(|matching| matching.sweeps.to_string()),
        list(|matching| format!("{:.3}", matching.seconds)),
        gap.unwrap_or_default(),
        descents.unwrap_or_default(),
    )
}

fn training_section(id: &str, results: &[PairResult]) -> Section {
    let histories: Vec<(String, &[crate::result::Epoch])> = results
        .iter()
        .flat_map(|result| result.plan.seeds.iter().zip(&result.history))
        .map(|(seed, history)| (format!("seed {seed}"), history.as_slice()))
        .collect();
    let figures: [Figure; 2] = training_figures(&format!("{id}-training"), &histories);
    figures.into_iter().map(Block::from).fold(Section::new("Training"), Section::with_block)
}
