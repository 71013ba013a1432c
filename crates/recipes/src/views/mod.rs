//! How results become reports: figures, tables and texts, shared by all commands.

mod arms;
mod index;
mod reproduction;
mod segment;
mod symmetry;
mod training;
mod verdicts;

pub use arms::{along_arms, arms_table};
pub use index::index_entry;
pub use reproduction::reproduction;
pub use segment::{Alternative, accuracy_figure, calibration_figure, loss_figure};
pub(crate) use symmetry::symmetry_entries;
pub use training::training_figures;
pub use verdicts::verdict_block;

use report::Cell;

/// Mean, lowest and highest of each position over several curves of equal length.
pub(crate) struct Spread {
    pub(crate) mean: Vec<f64>,
    pub(crate) low: Vec<f64>,
    pub(crate) high: Vec<f64>,
}

impl Spread {
    pub(crate) fn over<'a>(curves: &(impl Iterator<Item = &'a [f64]> + Clone)) -> Self {
        let length = curves.clone().map(<[f64]>::len).min().unwrap_or(0);
        let count = curves.clone().count() as f64;
        let at = |i: usize| curves.clone().map(move |curve| curve[i]);
        Self {
            mean: (0..length).map(|i| at(i).sum::<f64>() / count).collect(),
            low: (0..length).map(|i| at(i).fold(f64::INFINITY, f64::min)).collect(),
            high: (0..length).map(|i| at(i).fold(f64::NEG_INFINITY, f64::max)).collect(),
        }
    }
}

/// The mean of some numbers and half of the distance between the lowest and the highest.
pub(crate) fn mean_and_spread(numbers: &[f64]) -> (f64, f64) {
    let spread = Spread::over(&numbers.iter().map(std::slice::from_ref));
    (spread.mean[0], (spread.high[0] - spread.low[0]) / 2.0)
}

/// The mean of some numbers, with half of their range where they are several; empty where there is none.
pub(crate) fn spread_cell(numbers: &[f64]) -> Cell {
    match numbers {
        [] => Cell::Empty,
        [number] => Cell::from(*number),
        _ => {
            let (mean, spread) = mean_and_spread(numbers);
            Cell::spread(mean, spread)
        }
    }
}

/// A series of the mean with a band from lowest to highest where there are several curves.
pub(crate) fn banded(name: &str, x: Vec<f64>, spread: Spread, several: bool) -> report::Series {
    let series = report::Series::new(name, x, spread.mean);
    if several { series.with_band(spread.low, spread.high) } else { series }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_is_taken_position_by_position() {
        let curves: [&[f64]; 2] = [&[1.0, 4.0], &[3.0, 0.0]];
        let spread = Spread::over(&curves.into_iter());
        assert_eq!((spread.mean, spread.low, spread.high), (vec![2.0, 2.0], vec![1.0, 0.0], vec![3.0, 4.0]));
        assert_eq!(mean_and_spread(&[1.0, 3.0, 2.0]), (2.0, 1.0));
    }
}
