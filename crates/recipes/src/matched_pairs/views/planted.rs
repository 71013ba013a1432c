//! Planted permutations.

use report::{Column, NumberFormat, Table};

use crate::matched_pairs::result::PlantedResult;

/// How many planted permutations were recovered at each noise level.
#[must_use]
pub(super) fn planted_table(results: &[PlantedResult]) -> Table {
    let mut table = Table::new(
        "Planted permutations",
        [
            Column::number("noise, standard deviations", NumberFormat::Fixed(1)),
            Column::number("trials", NumberFormat::Fixed(0)),
            Column::number("recovered", NumberFormat::Fixed(0)),
            Column::number("by a random permutation (control)", NumberFormat::Fixed(0)),
            Column::number("smallest relative excess", NumberFormat::Scientific(1)),
        ],
    )
    .with_caption(
        "A network is matched to a randomly permuted copy of itself plus Gaussian noise. Recovered: the objective \
         reached is at least the planted permutation's.",
    );
    for result in results {
        table = table.with_row([
            result.noise.into(),
            (result.trials as f64).into(),
            (result.recovered as f64).into(),
            (result.recovered_by_chance as f64).into(),
            result.worst_excess.into(),
        ]);
    }
    table
}
