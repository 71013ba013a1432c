//! Barriers against the epochs of training.

use report::{Axis, Figure, Series};

use super::arms::lines;
use crate::{
    reproduce::ArmResults,
    result::{Curve, PairResult, Splits},
};

/// The barrier on the test and on the training set against the epochs, each pair of seeds as a line.
#[must_use]
pub fn barriers_along_epochs(id: &str, arm: &ArmResults) -> [Figure; 2] {
    [
        figure(&format!("{id}-epochs-test"), "test", arm, |segment| segment.test.barrier),
        figure(&format!("{id}-epochs-train"), "train", arm, |segment| segment.train.barrier),
    ]
}

fn figure(id: &str, split: &str, arm: &ArmResults, value: fn(&Splits<Curve>) -> f64) -> Figure {
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
