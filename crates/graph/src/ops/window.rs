//! The geometry of a window that slides along an axis.

/// A window of `size` positions, `dilation` apart, that moves in steps of `stride` along an axis, the *base*, whose
/// indices stand `base_dilation` apart, with `low` and `high` positions without an index around them. Negative
/// padding takes positions away.
///
/// Position `offset` of the window of result `r` is `r · stride + offset · dilation - low`; index `i` of the base
/// stands at `i · base_dilation`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Positions of the window.
    pub size: usize,
    /// The distance between consecutive windows.
    pub stride: usize,
    /// Positions before the first index of the base.
    pub low: i64,
    /// Positions after the last index of the base.
    pub high: i64,
    /// The distance between consecutive indices of the base.
    pub base_dilation: usize,
    /// The distance between consecutive positions of the window.
    pub dilation: usize,
}

/// How far base, window and results reach: from the first to the last position, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Extents {
    base: i128,
    window: i128,
    results: i128,
}

/// No extent is larger, and no window starts farther away from the base, so that every quantity of every derivative
/// fits `i64`. Ours.
const REACH: i128 = 1 << 31;

/// The positions from the first to the last of `count` things that stand `distance` apart.
const fn extent(count: usize, distance: usize) -> i128 {
    if count == 0 { 0 } else { (count as i128 - 1) * distance as i128 + 1 }
}

const fn greatest_common_divisor(a: i128, b: i128) -> i128 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

impl Window {
    /// The window of an axis along which nothing slides: each index by itself.
    pub const POINT: Self = Self { size: 1, stride: 1, low: 0, high: 0, base_dilation: 1, dilation: 1 };

    /// A window without dilation, with the same padding on both sides.
    #[must_use]
    pub const fn sliding(size: usize, stride: usize, padding: i64) -> Self {
        Self { size, stride, low: padding, high: padding, ..Self::POINT }
    }

    /// Whether indices and positions stand next to each other.
    pub(super) const fn is_dense(&self) -> bool {
        self.base_dilation == 1 && self.dilation == 1
    }

    fn extents(&self, base: usize, results: usize) -> Extents {
        Extents {
            base: extent(base, self.base_dilation),
            window: extent(self.size, self.dilation),
            results: extent(results, self.stride),
        }
    }

    /// The number of windows on a base of `base` indices: 0 where none fits. `None` where a stride or a dilation is
    /// 0, or where base, window, results or padding reach farther than 2^31 positions.
    #[must_use]
    pub fn results(&self, base: usize) -> Option<usize> {
        if self.stride == 0 || self.base_dilation == 0 || self.dilation == 0 {
            return None;
        }
        let Extents { base: width, window, .. } = self.extents(base, 0);
        let spare = width + i128::from(self.low) + i128::from(self.high) - window;
        let results = if spare < 0 { 0 } else { spare / self.stride as i128 + 1 };
        let results = usize::try_from(results).ok().filter(|&results| results as i128 <= REACH)?;
        let extents = self.extents(base, results);
        let widest = extents.base.max(extents.window).max(extents.results);
        let low = i128::from(self.low);
        // The range is the same for every transpose of the window.
        let in_reach = low + extents.base > -REACH && low < extents.window + extents.results + REACH - 1;
        (widest <= REACH && in_reach).then_some(results)
    }

    /// The index of the base that the window of result `result` has at position `offset`, if there is one among
    /// `base`.
    #[must_use]
    pub fn source(&self, base: usize, result: usize, offset: usize) -> Option<usize> {
        let place = result as i64 * self.stride as i64 + offset as i64 * self.dilation as i64 - self.low;
        let index = usize::try_from(place).ok().filter(|place| place % self.base_dilation == 0)?;
        Some(index / self.base_dilation).filter(|&index| index < base)
    }

    /// Whether some window among `results` has no index of the base. The window is not dilated.
    pub(super) fn misses(&self, base: usize, results: usize) -> bool {
        let Some(last) = results.checked_sub(1) else { return false };
        let last_start = last as i128 * self.stride as i128 - i128::from(self.low);
        base == 0 || self.size as i128 <= i128::from(self.low) || last_start >= base as i128
    }

    /// How many pairs of a window among `results` and a position in it have an index of the base.
    pub(crate) fn pairs(&self, base: usize, results: usize) -> u128 {
        // Windows and positions play the same part: the fewer are gone through, the others counted.
        let (windows, positions) = ((results, self.stride), (self.size, self.dilation));
        let (outer, inner) = if results < self.size { (windows, positions) } else { (positions, windows) };
        let reach = extent(base, self.base_dilation);
        let starts = (0..outer.0).map(|i| i as i128 * outer.1 as i128 - i128::from(self.low));
        starts.map(|start| self.count_on_base(start, inner, reach)).sum()
    }

    /// How many of the places `start`, `start + step`, … (`count` of them) below `reach` have an index of the base.
    fn count_on_base(&self, start: i128, (count, step): (usize, usize), reach: i128) -> u128 {
        let (step, period) = (step as i128, self.base_dilation as i128);
        let first = (-start).max(0).div_euclid(step) + i128::from((-start).max(0) % step != 0);
        let end = (reach - start).max(0).div_euclid(step) + i128::from((reach - start).max(0) % step != 0);
        let end = end.min(count as i128);
        let met = (first..end).take(self.base_dilation).find(|i| (start + i * step) % period == 0);
        let Some(met) = met else { return 0 };
        ((end - 1 - met) / (period / greatest_common_divisor(step, period)) + 1) as u128
    }

    /// Whether every window is one index and every index one window, in order.
    #[must_use]
    pub fn is_pointwise(&self, base: usize) -> bool {
        self.size == 1
            && self.low == 0
            && self.stride == self.base_dilation
            && self.results(base) == Some(base)
    }

    /// The window of size `size` over an axis of `from` positions that has `to` results `stride` apart.
    fn over([from, size, to]: [i128; 3], low: i64) -> [i64; 2] {
        let high = to + size - 1 - from - i128::from(low);
        [low, i64::try_from(high).expect("the type rule bounds extents and padding")]
    }

    /// The low padding after an exchange of base and results, or of window and mirrored window.
    fn mirrored(&self, window: i128) -> i64 {
        i64::try_from(window - 1 - i128::from(self.low)).expect("the type rule bounds extents and padding")
    }

    /// The same window, mirrored, over the results: what reaches each of `base` indices, where the window has `results`
    /// results over them.
    ///
    /// # Panics
    /// Where it has not.
    #[must_use]
    pub fn onto_base(&self, base: usize, results: usize) -> Self {
        let Extents { base: b, window: w, results: r } = self.extents(base, results);
        let [low, high] = Self::over([r, w, b], self.mirrored(w));
        Self { stride: self.base_dilation, low, high, base_dilation: self.stride, ..*self }
    }

    /// The results as a window over the base: what reaches each position of the window.
    pub(super) fn onto_window(&self, base: usize, results: usize) -> Self {
        let Extents { base: b, window: w, results: r } = self.extents(base, results);
        let [low, high] = Self::over([b, r, w], self.low);
        Self { size: results, stride: self.dilation, low, high, dilation: self.stride, ..*self }
    }

    /// The base as a window over the results: what reaches each position of the mirrored window.
    pub(super) fn onto_mirrored_window(&self, base: usize, results: usize) -> Self {
        let Extents { base: b, window: w, results: r } = self.extents(base, results);
        let [low, high] = Self::over([r, b, w], self.mirrored(w));
        let (size, stride, base_dilation, dilation) = (base, self.dilation, self.stride, self.base_dilation);
        Self { size, stride, low, high, base_dilation, dilation }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Windows with every kind of remainder, padding, stride and dilation, and the sizes of their bases.
    fn windows() -> impl Iterator<Item = (usize, Window)> {
        let digit = |code: usize, place: u32| code / 4usize.pow(place) % 4;
        (0..4usize.pow(7)).map(move |code| {
            let [size, stride, base_dilation, dilation] =
                [digit(code, 0), digit(code, 1) + 1, digit(code, 2) % 3 + 1, digit(code, 3) % 3 + 1];
            let [low, high] = [digit(code, 4) as i64 * 2 - 3, digit(code, 5) as i64 * 2 - 2];
            (digit(code, 6) * 2, Window { size, stride, low, high, base_dilation, dilation })
        })
    }

    #[test]
    fn transposes_have_the_sizes_that_they_go_back_to() {
        for (base, window) in windows() {
            let results = window.results(base).expect("everything is near");
            assert_eq!(window.onto_base(base, results).results(results), Some(base), "{base} {window:?}");
            assert_eq!(
                window.onto_window(base, results).results(base),
                Some(window.size),
                "{base} {window:?}"
            );
            let mirrored = window.onto_mirrored_window(base, results);
            assert_eq!(mirrored.results(results), Some(window.size), "{base} {window:?}");
        }
    }

    /// All (base, position, result) that a window relates.
    fn relation(base: usize, window: &Window, results: usize) -> Vec<[usize; 3]> {
        let pairs = (0..results).flat_map(|r| (0..window.size).map(move |offset| (r, offset)));
        let mut relation: Vec<_> = pairs
            .filter_map(|(r, offset)| window.source(base, r, offset).map(|index| [index, offset, r]))
            .collect();
        relation.sort_unstable();
        relation
    }

    #[test]
    fn pairs_are_counted_as_they_are_found() {
        for (base, window) in windows() {
            let results = window.results(base).expect("everything is near");
            let expected = relation(base, &window, results).len() as u128;
            assert_eq!(window.pairs(base, results), expected, "{base} {window:?}");
        }
    }

    #[test]
    fn transposes_relate_the_same_indices() {
        for (base, window) in windows().step_by(5) {
            let results = window.results(base).expect("everything is near");
            let expected = relation(base, &window, results);
            let sorted = |mut found: Vec<[usize; 3]>| {
                found.sort_unstable();
                found
            };
            let onto_base = relation(results, &window.onto_base(base, results), base).into_iter();
            let onto_base = onto_base.map(|[r, offset, index]| [index, window.size - 1 - offset, r]);
            assert_eq!(sorted(onto_base.collect()), expected, "{base} {window:?}");
            let onto_window = relation(base, &window.onto_window(base, results), window.size).into_iter();
            let onto_window = onto_window.map(|[index, r, offset]| [index, offset, r]);
            assert_eq!(sorted(onto_window.collect()), expected, "{base} {window:?}");
            let mirrored =
                relation(results, &window.onto_mirrored_window(base, results), window.size).into_iter();
            let mirrored = mirrored.map(|[r, index, offset]| [index, window.size - 1 - offset, r]);
            assert_eq!(sorted(mirrored.collect()), expected, "{base} {window:?}");
        }
    }

    #[test]
    fn what_reaches_too_far_has_no_size() {
        let window = Window { size: 3, ..Window::POINT };
        assert_eq!(window.results(5), Some(3));
        for far in [
            Window { stride: 0, ..window },
            Window { dilation: 0, ..window },
            Window { base_dilation: 0, ..window },
            Window { dilation: 1 << 31, ..window },
            Window { base_dilation: usize::MAX, ..window },
            Window { low: i64::MAX, high: i64::MIN, ..window },
            Window { low: i64::MIN, high: i64::MAX, ..window },
            Window { high: i64::MAX, ..window },
            Window { size: usize::MAX, ..window },
        ] {
            assert_eq!(far.results(5), None, "{far:?}");
        }
    }

    #[test]
    fn what_is_within_reach_stays_so_when_transposed() {
        for low in [2 + REACH as i64, -4 - REACH as i64] {
            for low in low - 4..=low + 4 {
                let window = Window { size: 3, low, high: -low, ..Window::POINT };
                let Some(results) = window.results(5) else { continue };
                assert_eq!(window.onto_base(5, results).results(results), Some(5));
                assert_eq!(window.onto_window(5, results).results(5), Some(3));
                assert_eq!(window.onto_mirrored_window(5, results).results(results), Some(3));
            }
        }
    }
}
