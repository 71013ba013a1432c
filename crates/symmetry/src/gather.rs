//! Reading a tensor through maps of its indices: the moves of a group element, without arithmetic.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};
use tensor::parallel;

/// Elements handled by one parallel task; ours: small enough to share work, large enough to hide its start.
const CHUNK: usize = 1 << 14;

/// `moved[i, j, …] = source[maps[0][i], maps[1][j], …]`, where an axis without a map keeps its indices.
///
/// The moved tensor is a list of rows: whole runs of the source where the last axis has no map, and one line of the
/// last axis where it has one.
pub(crate) struct Gather<'a> {
    outer: Vec<Outer<'a>>,
    line: Line<'a>,
    rows: usize,
}

struct Outer<'a> {
    size: usize,
    stride: usize,
    map: Option<&'a [usize]>,
}

impl Outer<'_> {
    #[inline(always)]
    fn offset(&self, index: usize) -> usize {
        self.stride * self.map.map_or(index, |map| map[index])
    }
}

enum Line<'a> {
    Run(usize),
    Mapped(&'a [usize]),
}

impl<'a> Gather<'a> {
    /// Reads tensors of `sizes` through `maps`, one for each axis, whose entries are indices of the axis.
    pub(crate) fn new(sizes: &[usize], maps: &[Option<&'a [usize]>]) -> Self {
        let strides = tensor::Shape::from(sizes).strides();
        let mapped = maps.iter().rposition(Option::is_some);
        let (outer_axes, line) = match mapped {
            // Runs of single elements are a line, too.
            Some(last) if strides[last] == 1 => (last, Line::Mapped(maps[last].unwrap_or_default())),
            Some(last) => (last + 1, Line::Run(strides[last])),
            None => (0, Line::Run(sizes.iter().product())),
        };
        let outer: Vec<Outer<'a>> = (0..outer_axes)
            .map(|axis| Outer {
                size: maps[axis].map_or(sizes[axis], <[usize]>::len),
                stride: strides[axis],
                map: maps[axis],
            })
            .collect();
        let rows = outer.iter().map(|axis| axis.size).product();
        Self { outer, line, rows }
    }

    fn row_len(&self) -> usize {
        match self.line {
            Line::Run(len) => len,
            Line::Mapped(map) => map.len(),
        }
    }

    /// The number of elements of the moved tensor.
    pub(crate) fn len(&self) -> usize {
        self.rows * self.row_len()
    }

    /// Calls `visit` with the number of each of these rows, from 0, and the position in the source where its elements are, or from
    /// which its line is read.
    #[inline(always)]
    fn visit(&self, rows: Range<usize>, mut visit: impl FnMut(usize, usize)) {
        let only = Outer { size: 1, stride: 0, map: None };
        let (last, before) = self.outer.split_last().unwrap_or((&only, &[]));
        let mut row = rows.start;
        while row < rows.end {
            let (mut left, first) = (row / last.size, row % last.size);
            let mut base = 0;
            for axis in before.iter().rev() {
                base += axis.offset(left % axis.size);
                left /= axis.size;
            }
            let count = (last.size - first).min(rows.end - row);
            // One place to call from, so that it becomes part of the loop and is compiled for the same processor.
            for at in 0..count {
                visit(row - rows.start + at, base + last.offset(first + at));
            }
            row += count;
        }
    }

    fn rows_per_chunk(&self) -> usize {
        (CHUNK / self.row_len().max(1)).max(1)
    }

    /// Writes the moved tensor of `source` to `moved`.
    pub(crate) fn run<T: Copy + Send + Sync>(&self, source: &[T], moved: &mut [T]) {
        debug_assert_eq!(moved.len(), self.len());
        let row_len = self.row_len();
        if moved.is_empty() {
            return;
        }
        parallel::for_each_chunk(moved, self.rows_per_chunk() * row_len, |start, chunk| {
            let rows = start / row_len..(start + chunk.len()) / row_len;
            match self.line {
                Line::Run(4) => self.copy::<4, T>(rows, source, chunk),
                Line::Run(9) => self.copy::<9, T>(rows, source, chunk),
                Line::Run(16) => self.copy::<16, T>(rows, source, chunk),
                Line::Run(len) => self.visit(rows, |number, base| {
                    chunk[number * len..][..len].copy_from_slice(&source[base..][..len]);
                }),
                Line::Mapped(map) => self.visit(rows, |number, base| {
                    let (target, source) = (&mut chunk[number * map.len()..][..map.len()], &source[base..]);
                    target.iter_mut().zip(map).for_each(|(target, &index)| *target = source[index]);
                }),
            }
        });
    }

    /// Copies rows of as many elements as small kernels have, for which a call each would cost more than the copy.
    fn copy<const LEN: usize, T: Copy>(&self, rows: Range<usize>, source: &[T], moved: &mut [T]) {
        let (moved, _) = moved.as_chunks_mut::<LEN>();
        self.visit(rows, |number, base| {
            if let Some(run) = source[base..].first_chunk() {
                moved[number] = *run;
            }
        });
    }

    /// The inner product of `fixed` with the moved tensor of `source`, in f64; its order of summation depends on the
    /// sizes and on which axes have maps, not on the maps nor on the threads.
    pub(crate) fn inner_product(&self, fixed: &[f32], source: &[f32]) -> f64 {
        debug_assert_eq!(fixed.len(), self.len());
        let arch = Arch::new();
        if let (Line::Run(len), 1) = (&self.line, self.rows) {
            return sum_of(len.div_ceil(CHUNK), |chunk| {
                let range = chunk * CHUNK..((chunk + 1) * CHUNK).min(*len);
                let (fixed, source) = (&fixed[range.clone()], &source[range.clone()]);
                let run = Gather { outer: Vec::new(), line: Line::Run(range.len()), rows: 1 };
                arch.dispatch(Product { gather: &run, rows: 0..1, fixed, source })
            });
        }
        let (per_chunk, row_len) = (self.rows_per_chunk(), self.row_len());
        sum_of(self.rows.div_ceil(per_chunk), |chunk| {
            let rows = chunk * per_chunk..((chunk + 1) * per_chunk).min(self.rows);
            let fixed = &fixed[rows.start * row_len..rows.end * row_len];
            arch.dispatch(Product { gather: self, rows, fixed, source })
        })
    }
}

fn sum_of(chunks: usize, partial: impl Fn(usize) -> f64 + Sync + Send) -> f64 {
    parallel::tree_sum(&parallel::map(chunks, partial))
}

/// Partial sums kept side by side; fixed, so that every machine adds in the same order.
const LANES: usize = 8;

/// The inner product of `fixed` with some rows of a moved tensor.
struct Product<'a> {
    gather: &'a Gather<'a>,
    rows: Range<usize>,
    fixed: &'a [f32],
    source: &'a [f32],
}

impl WithSimd for Product<'_> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> f64 {
        let mut lanes = [0.0; LANES];
        let Self { gather, rows, fixed, source } = self;
        match gather.line {
            Line::Run(9) => gather.visit(rows, |number, base| {
                let (fixed, source) = (fixed[number * 9..].first_chunk(), source[base..].first_chunk());
                if let (Some(fixed), Some(source)) = (fixed, source) {
                    add_products::<9>(&mut lanes, fixed, source);
                }
            }),
            Line::Run(len) => gather.visit(rows, |number, base| {
                add_all_products(&mut lanes, &fixed[number * len..][..len], &source[base..][..len]);
            }),
            Line::Mapped(map) => gather.visit(rows, |number, base| {
                let fixed = &fixed[number * map.len()..][..map.len()];
                add_mapped_products(&mut lanes, fixed, &source[base..], map);
            }),
        }
        parallel::tree_sum(&lanes)
    }
}

/// As [`add_all_products`], of a number of elements that the compiler knows.
#[inline(always)]
fn add_products<const LEN: usize>(lanes: &mut [f64; LANES], left: &[f32; LEN], right: &[f32; LEN]) {
    add_all_products(lanes, left, right);
}

#[inline(always)]
fn add_all_products(lanes: &mut [f64; LANES], left: &[f32], right: &[f32]) {
    let ((left, left_rest), (right, right_rest)) = (left.as_chunks::<LANES>(), right.as_chunks::<LANES>());
    for (left, right) in left.iter().zip(right) {
        for lane in 0..LANES {
            lanes[lane] += f64::from(left[lane]) * f64::from(right[lane]);
        }
    }
    for (lane, (&left, &right)) in lanes.iter_mut().zip(left_rest.iter().zip(right_rest)) {
        *lane += f64::from(left) * f64::from(right);
    }
}

#[inline(always)]
fn add_mapped_products(lanes: &mut [f64; LANES], left: &[f32], right: &[f32], map: &[usize]) {
    let ((left, left_rest), (map, map_rest)) = (left.as_chunks::<LANES>(), map.as_chunks::<LANES>());
    for (left, map) in left.iter().zip(map) {
        for lane in 0..LANES {
            lanes[lane] += f64::from(left[lane]) * f64::from(right[map[lane]]);
        }
    }
    for (lane, (&left, &index)) in lanes.iter_mut().zip(left_rest.iter().zip(map_rest)) {
        *lane += f64::from(left) * f64::from(right[index]);
    }
}

#[cfg(test)]
mod tests {
    use tensor::Key;

    use super::*;

    fn random(seed: u64, len: usize) -> Vec<f32> {
        (0..len).map(|i| Key::new(seed).normal(i as u64) as f32).collect()
    }

    /// The definition, one index at a time.
    fn slowly(sizes: [usize; 3], maps: &[Option<&[usize]>; 3], source: &[f32]) -> Vec<f32> {
        let indices = |axis: usize| maps[axis].map_or_else(|| (0..sizes[axis]).collect(), <[usize]>::to_vec);
        let mut moved = Vec::new();
        for i in indices(0) {
            for j in indices(1) {
                moved.extend(indices(2).iter().map(|k| source[(i * sizes[1] + j) * sizes[2] + k]));
            }
        }
        moved
    }

    #[test]
    fn every_choice_of_mapped_axes_is_read_as_defined() {
        let sizes = [3, 4, 11];
        let source = random(1, 3 * 4 * 11);
        let all: [&[usize]; 3] = [&[2, 0, 1], &[3, 1], &[10, 9, 3, 0, 1, 2, 4, 5, 6, 7, 8]];
        for choice in 0..8usize {
            let maps = [0, 1, 2].map(|axis| (choice >> axis & 1 == 1).then_some(all[axis]));
            let expected = slowly(sizes, &maps, &source);
            let gather = Gather::new(&sizes, &maps);
            let mut moved = vec![0.0; gather.len()];
            gather.run(&source, &mut moved);
            assert_eq!(moved, expected, "maps {maps:?}");
            let fixed = random(2, moved.len());
            let direct: f64 = fixed.iter().zip(&expected).map(|(&l, &r)| f64::from(l) * f64::from(r)).sum();
            assert!((gather.inner_product(&fixed, &source) - direct).abs() < 1e-12, "maps {maps:?}");
        }
    }

    #[test]
    fn large_inner_products_have_the_same_bits_for_any_number_of_threads() {
        let (left, right) = (random(3, 200 * 300), random(4, 200 * 300));
        let order = Key::new(5).permutation(300);
        for map in [None, Some(&order[..])] {
            let product = || Gather::new(&[200, 300], &[None, map]).inner_product(&left, &right).to_bits();
            let [one, many] = [1, 4].map(|threads| parallel::with_threads(threads, product).unwrap());
            assert_eq!(one, many);
        }
    }

    #[test]
    fn single_elements_behind_a_mapped_axis_are_read_as_one_line() {
        let (source, order) = (random(6, 5 * 6), [5, 0, 4, 1, 3, 2]);
        let gathers = [
            Gather::new(&[5, 6, 1, 1], &[None, Some(&order), None, None]),
            Gather::new(&[5, 6], &[None, Some(&order)]),
        ];
        let [one, other] = gathers.map(|gather| {
            let mut moved = vec![0.0; 30];
            gather.run(&source, &mut moved);
            (moved, gather.inner_product(&source, &source).to_bits())
        });
        assert_eq!(one, other);
    }

    #[test]
    fn tensors_without_elements_or_axes_are_read() {
        let mut moved: Vec<f32> = Vec::new();
        Gather::new(&[0, 3], &[None, Some(&[2, 1, 0])]).run(&[], &mut moved);
        assert_eq!(Gather::new(&[0, 3], &[None, None]).inner_product(&[], &[]), 0.0);
        let mut scalar = [0.0];
        Gather::new(&[], &[]).run(&[4.0], &mut scalar);
        assert_eq!(scalar, [4.0]);
    }
}
