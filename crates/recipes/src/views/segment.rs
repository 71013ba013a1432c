//! The loss and the accuracy along the segment between two networks.

use report::{Axis, Color, Figure, Series, Style};

use super::{Spread, banded};
use crate::result::{Curve, Splits};

/// A way of placing the second network, with one segment per pair.
pub type Alternative<'a> = (&'a str, Vec<&'a Splits<Curve>>);

const COLORS: [Color; 4] = [Color::Vermillion, Color::Blue, Color::Green, Color::Ink];

/// The loss along the segment on both splits: test solid, train dashed; bands span the pairs.
#[must_use]
pub fn loss_figure(id: &str, title: &str, alternatives: &[Alternative<'_>]) -> Figure {
    let y = Axis::linear("loss").with_unit("nats");
    let caption = "Test solid, train dashed. λ = 0 is the first network, λ = 1 the second.";
    figure(id, title, y, caption, alternatives, |curve| curve.loss.clone())
}

/// The accuracy along the segment on both splits, in per cent: test solid, train dashed; bands span the pairs. NaN where
/// networks have none.
#[must_use]
pub fn accuracy_figure(id: &str, title: &str, alternatives: &[Alternative<'_>]) -> Figure {
    let y = Axis::linear("accuracy").with_unit("%");
    let caption = "Test solid, train dashed. λ = 0 is the first network, λ = 1 the second.";
    figure(id, title, y, caption, alternatives, |curve| match &curve.accuracy {
        Some(accuracy) => accuracy.iter().map(|x| 100.0 * x).collect(),
        None => vec![f64::NAN; curve.lambdas.len()],
    })
}

/// The expected calibration error along the segment on both splits, in percentage points, as above. NaN where it was not measured.
#[must_use]
pub fn calibration_figure(id: &str, title: &str, alternatives: &[Alternative<'_>]) -> Figure {
    let y = Axis::linear("expected calibration error").with_unit("points");
    let caption = "Test solid, train dashed. λ = 0 is the first network, λ = 1 the second.";
    figure(id, title, y, caption, alternatives, |curve| match &curve.calibration_error {
        Some(error) => error.iter().map(|x| 100.0 * x).collect(),
        None => vec![f64::NAN; curve.lambdas.len()],
    })
}

fn figure(
    id: &str,
    title: &str,
    y: Axis,
    caption: &str,
    alternatives: &[Alternative<'_>],
    values: impl Fn(&Curve) -> Vec<f64>,
) -> Figure {
    let mut figure =
        Figure::new(id, title, Axis::linear("position λ on the segment"), y).with_caption(caption);
    for ((name, segments), color) in alternatives.iter().zip(COLORS) {
        for (split, style) in [("test", Style::Solid), ("train", Style::Dashed)] {
            let curves: Vec<&Curve> =
                segments.iter().map(|s| if split == "test" { &s.test } else { &s.train }).collect();
            let series = series(&format!("{name}, {split}"), &curves, &values);
            figure = figure.with_series(series.with_color(color).with_style(style));
        }
    }
    figure
}

fn series(name: &str, curves: &[&Curve], values: impl Fn(&Curve) -> Vec<f64>) -> Series {
    let values: Vec<Vec<f64>> = curves.iter().map(|curve| values(curve)).collect();
    let lambdas = curves.first().map_or_else(Vec::new, |curve| curve.lambdas.clone());
    banded(name, lambdas, Spread::over(&values.iter().map(Vec::as_slice)), curves.len() > 1)
}
