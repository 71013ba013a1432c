//! All arms of an experiment beside each other.

use models::Model;
use report::{Axis, Cell, Color, Column, Figure, NumberFormat, Series, Style, Table};

use super::pair::spread_cell;
use crate::{
    method::Method,
    reproduce::{ArmResults, Reproduction},
    result::{Curve, PairResult, Splits},
};

/// Every arm after each of its epochs: parents, and on the test set the barrier and the accuracy of the midpoint.
#[must_use]
pub fn arms_table(found: &Reproduction) -> Table {
    let (loss, percent) = (NumberFormat::Fixed(4), NumberFormat::Fixed(2));
    let mut columns = vec![
        Column::text("networks"),
        Column::number("epochs", NumberFormat::Fixed(0)),
        Column::number("parents' accuracy, %", percent),
        Column::number("barrier, naive", loss),
    ];
    let methods = methods(found);
    for method in &methods {
        columns.push(Column::number(format!("barrier, by {}", method.name()), loss));
        columns.push(Column::number(format!("midpoint by {}, %", method.name()), percent));
    }
    columns.push(Column::number("barrier, random", loss));
    let mut table = Table::new("Test set", columns)
        .with_caption("Barriers in nats; mean over the pairs ± half of the range.");
    for arm in found.reached() {
        for pairs in &arm.stages {
            table = table.with_row(row(&arm.name, pairs, &methods));
        }
    }
    table
}

fn row(name: &str, pairs: &[PairResult], methods: &[Method]) -> Vec<Cell> {
    let percent = |accuracies: Option<Vec<f64>>| accuracies.map_or(Cell::Empty, |all| spread_cell(&all));
    let parents = pairs.iter().flat_map(|pair| &pair.parents);
    let parents = parents.map(|parent| Some(100.0 * parent.test.accuracy?)).collect();
    let epoch = pairs.first().map_or(0, |pair| pair.epoch);
    let mut cells = vec![name.into(), (epoch as f64).into(), percent(parents), barriers(pairs, |p| &p.naive)];
    for &method in methods {
        let Some(matched) = matched(pairs, method) else {
            cells.extend([Cell::Empty, Cell::Empty]);
            continue;
        };
        let all: Vec<f64> = matched.iter().map(|segment| segment.test.barrier).collect();
        let midpoints = matched.iter().map(|segment| Some(100.0 * segment.test.midpoint.accuracy?));
        cells.extend([spread_cell(&all), percent(midpoints.collect())]);
    }
    cells.push(barriers(pairs, |pair| &pair.random));
    cells
}

fn barriers(pairs: &[PairResult], segment: fn(&PairResult) -> &Splits<Curve>) -> Cell {
    spread_cell(&pairs.iter().map(|pair| segment(pair).test.barrier).collect::<Vec<_>>())
}

/// The segments to the networks matched by a method, where all pairs were.
fn matched(pairs: &[PairResult], method: Method) -> Option<Vec<&Splits<Curve>>> {
    pairs.iter().map(|pair| Some(&pair.by(Some(method))?.segment)).collect()
}

/// All methods by which anything was matched, in the order of their first use.
fn methods(found: &Reproduction) -> Vec<Method> {
    let mut methods = Vec::new();
    for aligned in found.reached().flat_map(ArmResults::last).flat_map(|pair| &pair.aligned) {
        if !methods.contains(&aligned.method) {
            methods.push(aligned.method);
        }
    }
    methods
}

/// The barrier on the test set after the last epoch against the number of parameters, each pair of seeds as a line.
#[must_use]
pub fn barrier_along_arms(id: &str, found: &Reproduction) -> Figure {
    let x = Axis::log("parameters");
    let y = Axis::linear("loss barrier, test").with_unit("nats");
    let mut figure = Figure::new(id, "Barrier against width", x, y).with_caption("One line for each pair.");
    let pairs = found.reached().map(|arm| arm.last().len()).min().unwrap_or(0);
    for pair in 0..pairs {
        let results: Vec<&PairResult> = found.reached().map(|arm| &arm.last()[pair]).collect();
        for (name, color, style, y) in lines(&results, |segment| segment.test.barrier) {
            let x = results.iter().map(|result| parameters(result)).collect();
            let name = format!("{name}, pair {}", pair + 1);
            figure = figure
                .with_series(Series::new(name, x, y).with_color(color).with_style(style).with_markers());
        }
    }
    figure
}

/// The number of parameters; NaN for an architecture that is not known any more.
fn parameters(result: &PairResult) -> f64 {
    Model::parse(&result.plan.model).map_or(f64::NAN, |model| model.elements() as f64)
}

/// What is drawn of one pair at several places: the segments as they are, and matched by each method of the first.
pub(super) fn lines(
    results: &[&PairResult],
    value: fn(&Splits<Curve>) -> f64,
) -> Vec<(String, Color, Style, Vec<f64>)> {
    let naive = results.iter().map(|result| value(&result.naive)).collect();
    let mut lines = vec![("naive".to_owned(), Color::Vermillion, Style::Dotted, naive)];
    let methods = results.first().map(|first| first.plan.methods.clone()).unwrap_or_default();
    let looks = [(Color::Blue, Style::Solid), (Color::Green, Style::Dashed)];
    for (method, (color, style)) in methods.into_iter().zip(looks.into_iter().cycle()) {
        let at = |result: &&PairResult| {
            result.by(Some(method)).map_or(f64::NAN, |aligned| value(&aligned.segment))
        };
        lines.push((format!("by {}", method.name()), color, style, results.iter().map(at).collect()));
    }
    lines
}
