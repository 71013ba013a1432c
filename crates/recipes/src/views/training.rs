//! How training went.

use report::{Axis, Color, Figure, Series, Style};

use crate::result::Epoch;

/// Loss and test accuracy over the epochs of every network.
#[must_use]
pub fn training_figures(id: &str, histories: &[(String, &[Epoch])]) -> [Figure; 2] {
    let x = || Axis::linear("epoch");
    let mut loss =
        Figure::new(format!("{id}-loss"), "Training: loss", x(), Axis::log("loss").with_unit("nats"))
            .with_caption("Dashed: mean over the epoch's batches. Solid: test set.");
    let mut accuracy = Figure::new(
        format!("{id}-accuracy"),
        "Training: test accuracy",
        x(),
        Axis::linear("test accuracy").with_unit("%"),
    );
    for ((name, history), color) in histories.iter().zip([Color::Blue, Color::Orange].into_iter().cycle()) {
        let epochs: Vec<f64> = history.iter().map(|epoch| epoch.epoch as f64).collect();
        let batches = history.iter().map(|epoch| epoch.batch_loss).collect();
        let test = |value: fn(&crate::result::Score) -> f64| {
            history.iter().map(|epoch| epoch.test.as_ref().map_or(f64::NAN, value)).collect::<Vec<f64>>()
        };
        loss = loss
            .with_series(
                Series::new(format!("{name}, test"), epochs.clone(), test(|s| s.loss)).with_color(color),
            )
            .with_series(
                Series::new(format!("{name}, batches"), epochs.clone(), batches)
                    .with_color(color)
                    .with_style(Style::Dashed),
            );
        let percent = test(|score| score.accuracy.map_or(f64::NAN, |accuracy| 100.0 * accuracy));
        accuracy = accuracy.with_series(Series::new(name, epochs, percent).with_color(color));
    }
    [loss, accuracy]
}
