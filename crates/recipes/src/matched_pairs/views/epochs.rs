//! Barriers against the epochs of training.

use report::{Axis, Color, Figure, Series, Style};

use crate::{
    matched_pairs::{FoundPairs, result::PairResult},
    result::{Curve, Splits},
};

/// The barrier on the test and on the training set against the epochs, each pair of seeds as a line.
#[must_use]
pub(super) fn barriers_along_epochs(id: &str, arm: &FoundPairs) -> [Figure; 2] {
    [
        figure(&format!("{id}-epochs-test"), "test", arm, |segment| segment.test.barrier),
        figure(&format!("{id}-epochs-train"), "train", arm, |segment| segment.train.barrier),
    ]
}

fn figure(id: &str, split: &str, arm: &FoundPairs, value: fn(&Splits<Curve>) -> f64) -> Figure {
    let y = Axis::linear(format!("loss barrier, {split}")).with_unit("nats");
    let title = format!("Barrier against epochs, {split}");
    let mut figure = Figure::new(id, title, Axis::log("epochs"), y).with_caption("One line for each pair.");
    for pair in 0..arm.last().len() {
        let results: Vec<&PairResult> = arm.stages.iter().map(|stage| &stage[pair]).collect();
        let x: Vec<f64> = results.iter().map(|result| result.epoch as f64).collect();
        for (name, color, style, y) in lines(&results, value) {
            let series = Series::new(format!("{name}, pair {}", pair + 1), x.clone(), y);
            figure = figure.with_series(series.with_color(color).with_style(style).with_markers());
        }
    }
    figure
}

/// What is drawn of one pair at several places: the segments as they are, and matched by each method of the first.
fn lines(results: &[&PairResult], value: fn(&Splits<Curve>) -> f64) -> Vec<(String, Color, Style, Vec<f64>)> {
    let naive = results.iter().map(|result| value(&result.naive)).collect();
    let mut lines = vec![("naive".to_owned(), Color::Vermillion, Style::Dotted, naive)];
    let methods = results.first().map(|first| first.plan.methods.clone()).unwrap_or_default();
    let looks = [(Color::Blue, Style::Solid), (Color::Green, Style::Dashed)];
    for (method, (color, style)) in methods.into_iter().zip(looks.into_iter().cycle()) {
        let at = |result: &&PairResult| {
            result.by(Some(method.name())).map_or(f64::NAN, |aligned| value(&aligned.segment))
        };
        lines.push((format!("by {}", method.name()), color, style, results.iter().map(at).collect()));
    }
    lines
}
