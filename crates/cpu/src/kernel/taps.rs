//! Which elements along one axis belong to each target of a window.

use graph::ops::Window;

/// The elements of one target: the first, and how many there are at equal distances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tap {
    /// The number of the first element's position, as far as this axis decides it.
    pub(super) number: i32,
    /// Where the first element is, in pixels.
    pub(super) source: usize,
    /// The number of elements.
    pub(super) count: usize,
}

/// The elements of all targets along one axis, in the order of the window's positions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Taps {
    pub(super) targets: Vec<Tap>,
    /// From the number of one element to that of the next.
    pub(super) number_step: i32,
    /// From one element to the next, in pixels.
    pub(super) source_step: usize,
}

/// How far a step along an axis leads.
#[derive(Clone, Copy, Debug)]
pub(super) struct Strides {
    /// Among the numbers of positions; 0 where they do not matter.
    pub(super) number: usize,
    /// Among the sources, in pixels.
    pub(super) source: usize,
}

const fn greatest_common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

impl Taps {
    /// The elements among `sources` that each of `targets` windows has.
    pub(super) fn new(window: &Window, sources: usize, targets: usize, strides: Strides) -> Self {
        let common = greatest_common_divisor(window.base_dilation, window.dilation);
        let (period, pace) = (window.base_dilation / common, window.dilation / common);
        let tap = |target: usize| {
            let start = target as i64 * window.stride as i64 - window.low;
            let first = (usize::try_from(-start).unwrap_or(0)).div_ceil(window.dilation);
            let met = (first..window.size)
                .take(period)
                .find_map(|offset| window.source(sources, target, offset).map(|source| (offset, source)));
            let Some((offset, source)) = met else { return Tap { number: 0, source: 0, count: 0 } };
            let count = ((window.size - 1 - offset) / period).min((sources - 1 - source) / pace) + 1;
            Tap { number: (offset * strides.number) as i32, source: source * strides.source, count }
        };
        Self {
            targets: (0..targets).map(tap).collect(),
            number_step: (period * strides.number) as i32,
            source_step: pace * strides.source,
        }
    }

    /// The same for a window whose positions are counted from the other end.
    pub(super) fn mirrored(mut self, size: usize, strides: Strides) -> Self {
        self.number_step = -self.number_step;
        let last = (size.saturating_sub(1) * strides.number) as i32;
        self.targets.iter_mut().for_each(|tap| tap.number = last - tap.number);
        self
    }

    /// Calls `with` for the elements of a target in turn.
    #[inline(always)]
    pub(super) fn each(&self, tap: Tap, mut with: impl FnMut(i32, usize)) {
        let (mut number, mut source) = (tap.number, tap.source);
        for _ in 0..tap.count {
            with(number, source);
            number = number.wrapping_add(self.number_step);
            source += self.source_step;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taps_are_the_elements_that_a_window_has() {
        for code in 0..4usize.pow(7) {
            let digit = |place: u32| code / 4usize.pow(place) % 4;
            let window = Window {
                size: digit(0),
                stride: digit(1) + 1,
                low: digit(2) as i64 * 2 - 3,
                high: digit(3) as i64 - 1,
                base_dilation: digit(4) % 3 + 1,
                dilation: digit(5) % 3 + 1,
            };
            let sources = digit(6) * 2;
            let targets = window.results(sources).expect("everything is near");
            let taps = Taps::new(&window, sources, targets, Strides { number: 10, source: 100 });
            for target in 0..targets {
                let found = |offset| window.source(sources, target, offset).map(|source| (offset, source));
                let expected: Vec<(i32, usize)> = (0..window.size)
                    .filter_map(found)
                    .map(|(offset, source)| (offset as i32 * 10, source * 100))
                    .collect();
                let mut all = Vec::new();
                taps.each(taps.targets[target], |number, source| all.push((number, source)));
                assert_eq!(all, expected, "{window:?} over {sources}, target {target}");
            }
        }
    }
}
