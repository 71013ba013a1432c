//! Reading a tensor through maps of its indices: the moves of a group element, without arithmetic.

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
            Some(last) if last + 1 == sizes.len() => (last, Line::Mapped(maps[last].unwrap_or_default())),
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

    /// The position in the source where the elements of a row are, or from which its line is read.
    fn base(&self, mut row: usize) -> usize {
        let mut base = 0;
        for axis in self.outer.iter().rev() {
            let index = row % axis.size;
            row /= axis.size;
            base += axis.stride * axis.map.map_or(index, |map| map[index]);
        }
        base
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
            for (row, target) in (start / row_len..).zip(chunk.chunks_mut(row_len)) {
                let source = &source[self.base(row)..];
                match self.line {
                    Line::Run(len) => target.copy_from_slice(&source[..len]),
                    Line::Mapped(map) => {
                        target.iter_mut().zip(map).for_each(|(target, &index)| *target = source[index]);
                    }
                }
            }
        });
    }

    /// The inner product of `fixed` with the moved tensor of `source`, in f64; its order of summation depends on the
    /// sizes and on which axes have maps, not on the maps nor on the threads.
    pub(crate) fn inner_product(&self, fixed: &[f32], source: &[f32]) -> f64 {
        debug_assert_eq!(fixed.len(), self.len());
        if let (Line::Run(len), 1) = (&self.line, self.rows) {
            let chunks = len.div_ceil(CHUNK);
            return sum_of(chunks, |chunk| {
                let range = chunk * CHUNK..((chunk + 1) * CHUNK).min(*len);
                dot(&fixed[range.clone()], &source[range])
            });
        }
        let (per_chunk, row_len) = (self.rows_per_chunk(), self.row_len());
        sum_of(self.rows.div_ceil(per_chunk), |chunk| {
            let rows = chunk * per_chunk..((chunk + 1) * per_chunk).min(self.rows);
            rows.map(|row| {
                let (fixed, source) = (&fixed[row * row_len..][..row_len], &source[self.base(row)..]);
                match self.line {
                    Line::Run(len) => dot(fixed, &source[..len]),
                    Line::Mapped(map) => mapped_dot(fixed, source, map),
                }
            })
            .sum()
        })
    }
}

fn sum_of(chunks: usize, partial: impl Fn(usize) -> f64 + Sync + Send) -> f64 {
    parallel::tree_sum(&parallel::map(chunks, partial))
}

/// Partial sums kept side by side; fixed, so that every machine adds in the same order.
const LANES: usize = 8;

fn dot(left: &[f32], right: &[f32]) -> f64 {
    let mut lanes = [0.0; LANES];
    let ((left, left_rest), (right, right_rest)) = (left.as_chunks::<LANES>(), right.as_chunks::<LANES>());
    for (left, right) in left.iter().zip(right) {
        for lane in 0..LANES {
            lanes[lane] += f64::from(left[lane]) * f64::from(right[lane]);
        }
    }
    let rest = left_rest.iter().zip(right_rest).map(|(&l, &r)| f64::from(l) * f64::from(r));
    rest.sum::<f64>() + parallel::tree_sum(&lanes)
}

fn mapped_dot(left: &[f32], right: &[f32], map: &[usize]) -> f64 {
    let mut lanes = [0.0; LANES];
    let ((left, left_rest), (map, map_rest)) = (left.as_chunks::<LANES>(), map.as_chunks::<LANES>());
    for (left, map) in left.iter().zip(map) {
        for lane in 0..LANES {
            lanes[lane] += f64::from(left[lane]) * f64::from(right[map[lane]]);
        }
    }
    let rest = left_rest.iter().zip(map_rest).map(|(&l, &index)| f64::from(l) * f64::from(right[index]));
    rest.sum::<f64>() + parallel::tree_sum(&lanes)
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
    fn tensors_without_elements_or_axes_are_read() {
        let mut moved: Vec<f32> = Vec::new();
        Gather::new(&[0, 3], &[None, Some(&[2, 1, 0])]).run(&[], &mut moved);
        assert_eq!(Gather::new(&[0, 3], &[None, None]).inner_product(&[], &[]), 0.0);
        let mut scalar = [0.0];
        Gather::new(&[], &[]).run(&[4.0], &mut scalar);
        assert_eq!(scalar, [4.0]);
    }
}
