//! From points to the data of SVG paths.

use std::fmt::Write;

use super::writer::number;

/// A place in pixels.
pub(super) type Place = (f64, f64);

/// Runs with more points than this are thinned.
const MANY: usize = 1500;

/// The stretches between gaps.
pub(super) fn runs(places: impl Iterator<Item = Option<Place>>) -> Vec<Vec<Place>> {
    let mut runs = vec![Vec::new()];
    for place in places {
        match (place, runs.last_mut()) {
            (Some(place), Some(run)) => run.push(place),
            (None, Some(run)) if run.is_empty() => {}
            _ => runs.push(Vec::new()),
        }
    }
    runs.retain(|run| !run.is_empty());
    runs
}

/// A run that looks the same with fewer points: for each column of half a pixel its first, lowest, highest and last.
/// A run that goes back and forth is left alone.
pub(super) fn thinned(run: &[Place]) -> Vec<Place> {
    if run.len() <= MANY || run.windows(2).any(|pair| pair[1].0 < pair[0].0) {
        return run.to_vec();
    }
    let mut kept: Vec<Place> = run.chunk_by(|a, b| column(*a) == column(*b)).flat_map(extremes).collect();
    kept.dedup();
    kept
}

fn column(place: Place) -> i64 {
    (place.0 * 2.0).floor() as i64
}

fn extremes(chunk: &[Place]) -> Vec<Place> {
    let by_height = |a: &&Place, b: &&Place| a.1.total_cmp(&b.1);
    let ends = [chunk.first(), chunk.last(), chunk.iter().min_by(by_height), chunk.iter().max_by(by_height)];
    chunk.iter().filter(|place| ends.contains(&Some(place))).copied().collect()
}

/// A line through places.
pub(super) fn line(places: &[Place]) -> String {
    let mut data = String::new();
    for (i, (x, y)) in places.iter().enumerate() {
        // Writing to a string cannot fail.
        let _ = write!(data, "{}{} {}", if i == 0 { 'M' } else { 'L' }, number(*x), number(*y));
    }
    data
}

/// The area between two lines.
pub(super) fn area(low: &[Place], high: &[Place]) -> String {
    let there_and_back: Vec<Place> = low.iter().chain(high.iter().rev()).copied().collect();
    format!("{}Z", line(&there_and_back))
}

#[cfg(test)]
mod tests {
    use super::{MANY, runs, thinned};

    #[test]
    fn gaps_part_the_runs() {
        let places = [None, Some((0.0, 0.0)), Some((1.0, 0.0)), None, None, Some((2.0, 0.0)), None];
        assert_eq!(runs(places.into_iter()), [vec![(0.0, 0.0), (1.0, 0.0)], vec![(2.0, 0.0)]]);
        assert!(runs(std::iter::empty()).is_empty());
    }

    #[test]
    fn thinning_keeps_ends_and_extremes() {
        let mut run: Vec<_> =
            (0..20_000).map(|i| (f64::from(i) * 0.02, (f64::from(i) * 0.1).sin())).collect();
        run[777].1 = 50.0;
        let fewer = thinned(&run);
        assert!(fewer.len() <= 4 * 801, "{}", fewer.len());
        assert!(fewer.contains(&run[777]) && fewer[0] == run[0] && fewer.last() == run.last());
    }

    #[test]
    fn a_run_that_turns_back_is_left_alone() {
        let run: Vec<_> = (0..2 * MANY).map(|i| ((i as f64 * 0.01).cos(), (i as f64 * 0.01).sin())).collect();
        assert_eq!(thinned(&run), run);
    }
}
