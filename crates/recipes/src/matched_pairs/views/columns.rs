//! Pairs in the table of all arms.

use report::NumberFormat;

use crate::{
    experiment::Column,
    matched_pairs::result::PairResult,
    result::{Curve, Splits},
};

/// Parents, and on the test set the barrier and the accuracy of the midpoint.
pub(crate) fn columns(pairs: &[PairResult]) -> Vec<Column> {
    let parents = pairs.iter().flat_map(|pair| &pair.parents);
    let parents = parents.map(|parent| percent(parent.test.accuracy)).collect();
    let naive = pairs.iter().map(|pair| &pair.naive).collect();
    let mut columns = vec![accuracy("parents' accuracy, %", parents), barrier("naive", naive)];
    let methods = pairs.first().map(|pair| pair.plan.methods.clone()).unwrap_or_default();
    for (index, method) in methods.into_iter().enumerate() {
        let segments = || pairs.iter().map(|pair| &pair.aligned[index].segment);
        let midpoints = segments().map(|segment| percent(segment.test.midpoint.accuracy)).collect();
        columns.push(barrier(&format!("by {}", method.name()), segments().collect()));
        columns.push(accuracy(&format!("midpoint by {}, %", method.name()), midpoints));
    }
    columns.push(barrier("random", pairs.iter().map(|pair| &pair.random).collect()));
    columns
}

fn percent(accuracy: Option<f64>) -> f64 {
    accuracy.map_or(f64::NAN, |accuracy| 100.0 * accuracy)
}

/// No numbers where networks have no accuracy.
fn accuracy(title: &str, values: Vec<f64>) -> Column {
    let values = if values.iter().all(|value| value.is_nan()) { Vec::new() } else { values };
    Column { title: title.to_owned(), format: NumberFormat::Fixed(2), values }
}

fn barrier(which: &str, segments: Vec<&Splits<Curve>>) -> Column {
    Column {
        title: format!("barrier {which}, nats"),
        format: NumberFormat::Fixed(4),
        values: segments.into_iter().map(|segment| segment.test.barrier).collect(),
    }
}
