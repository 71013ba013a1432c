//! How matching went.

use report::{Axis, Direction, Figure, Series};

use crate::matched_pairs::result::{Match, PairResult};

/// The first of a pair's matchings that went class by class.
fn trajectory(result: &PairResult) -> Option<&Match> {
    result.aligned.iter().map(|aligned| &aligned.matching).find(|matching| !matching.trajectory.is_empty())
}

/// The distance of the two networks while the matching solves class after class.
#[must_use]
pub fn matching_figure(id: &str, results: &[&PairResult]) -> Figure {
    let mut figure = Figure::new(
        id,
        "Matching: distance of the networks",
        Axis::linear("classes of hidden units solved"),
        Axis::linear("‖A − g·B‖"),
    )
    .with_caption("Coordinate ascent over the classes of interchangeable units.");
    for (pair, result) in results.iter().enumerate() {
        let Some(matching) = trajectory(result) else { continue };
        let start = matching.distance(matching.identity_objective);
        let distances = matching.trajectory.iter().map(|&objective| matching.distance(objective));
        let distances: Vec<f64> = std::iter::once(start).chain(distances).collect();
        let steps = (0..distances.len()).map(|step| step as f64).collect();
        figure =
            figure.with_series(Series::new(format!("pair {}", pair + 1), steps, distances).with_markers());
        if results.len() == 1 {
            figure = figure.with_reference(Direction::Horizontal, start, "before matching");
        }
    }
    figure
}
