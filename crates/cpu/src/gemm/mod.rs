//! Matrix products, cut into panels that run in parallel. A panel is computed by the `gemm` crate or, for `f32` on
//! processors with AVX-512 and layouts that the crate would have to pack, by a kernel of our own.

#![expect(unsafe_code, reason = "panels of one result are written by several threads")]

#[cfg(target_arch = "x86_64")]
mod avx512;
mod library;

use rayon::prelude::*;
use tensor::Element;

/// The element types of matrix products: `f32` and `f64`, which are among the types the `gemm` crate knows.
pub(crate) trait Float: Element {
    /// The neutral factor.
    const ONE: Self;

    /// The sum.
    fn plus(self, other: Self) -> Self;

    /// One panel on the calling thread. The result is read where it is added to.
    ///
    /// # Safety
    /// The caller has exclusive access to the `rows` by `columns` elements of `out`, and the operands hold their
    /// sizes.
    unsafe fn panel(sizes: Sizes, out: Target<Self>, lhs: Matrix<'_, Self>, rhs: Matrix<'_, Self>);
}

impl Float for f32 {
    const ONE: Self = 1.0;

    fn plus(self, other: Self) -> Self {
        self + other
    }

    unsafe fn panel(sizes: Sizes, out: Target<Self>, lhs: Matrix<'_, Self>, rhs: Matrix<'_, Self>) {
        #[cfg(target_arch = "x86_64")]
        if avx512::is_faster(sizes, lhs, rhs) && avx512::is_available() {
            // SAFETY: as the caller promises, and the processor has the instructions.
            return unsafe { avx512::panel(sizes, out, lhs, rhs) };
        }
        // SAFETY: as the caller promises.
        unsafe { library::panel(sizes, out, lhs, rhs) }
    }
}

impl Float for f64 {
    const ONE: Self = 1.0;

    fn plus(self, other: Self) -> Self {
        self + other
    }

    unsafe fn panel(sizes: Sizes, out: Target<Self>, lhs: Matrix<'_, Self>, rhs: Matrix<'_, Self>) {
        // SAFETY: as the caller promises.
        unsafe { library::panel(sizes, out, lhs, rhs) }
    }
}

/// A matrix in a slice: element `(i, j)` is at `i * row_stride + j * column_stride`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Matrix<'a, T> {
    /// The elements, from element `(0, 0)` on.
    pub(crate) data: &'a [T],
    /// The distance between vertical neighbours, in elements.
    pub(crate) row_stride: usize,
    /// The distance between horizontal neighbours, in elements.
    pub(crate) column_stride: usize,
}

impl<'a, T> Matrix<'a, T> {
    /// The matrix from element `(row, column)` on.
    fn from(&self, row: usize, column: usize) -> Matrix<'a, T> {
        Matrix { data: &self.data[row * self.row_stride + column * self.column_stride..], ..*self }
    }

    /// Whether every element of a `rows` by `columns` matrix lies in the slice.
    fn holds(&self, rows: usize, columns: usize) -> bool {
        rows == 0
            || columns == 0
            || (rows - 1) * self.row_stride + (columns - 1) * self.column_stride < self.data.len()
    }
}

/// The sizes of a product: `rows` by `depth` times `depth` by `columns`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sizes {
    /// Rows of the result.
    pub(crate) rows: usize,
    /// Columns of the result.
    pub(crate) columns: usize,
    /// The contracted size.
    pub(crate) depth: usize,
}

impl Sizes {
    /// Multiplications and additions together.
    pub(crate) const fn operations(self) -> usize {
        2usize.saturating_mul(self.rows).saturating_mul(self.columns).saturating_mul(self.depth)
    }
}

/// Work below this many operations is not worth handing to another thread (some ten microseconds).
pub(crate) const SERIAL_OPERATIONS: usize = 1 << 22;

/// Calls `work` for every item, each of so many operations; in parallel where that pays.
pub(crate) fn for_each<'a, T: Send + 'a>(
    items: std::slice::ChunksMut<'a, T>,
    operations: usize,
    work: impl Fn((usize, &'a mut [T])) + Sync + Send,
) {
    if operations.saturating_mul(items.len()) < SERIAL_OPERATIONS {
        items.enumerate().for_each(work);
    } else {
        let items: Vec<(usize, &mut [T])> = items.enumerate().collect();
        items.into_par_iter().for_each(work);
    }
}

/// `out = lhs rhs`, where `out` is row-major without gaps. Cut into panels that depend on the sizes alone and run in
/// parallel, so that the bits do not depend on the number of threads.
///
/// # Panics
/// Where a matrix does not lie in its slice.
pub(crate) fn product<T: Float>(sizes: Sizes, out: &mut [T], lhs: Matrix<'_, T>, rhs: Matrix<'_, T>) {
    multiply(sizes, out, lhs, rhs, false);
}

/// `out += lhs rhs`, as [`product`].
///
/// # Panics
/// Where a matrix does not lie in its slice.
pub(crate) fn add_product<T: Float>(sizes: Sizes, out: &mut [T], lhs: Matrix<'_, T>, rhs: Matrix<'_, T>) {
    multiply(sizes, out, lhs, rhs, true);
}

fn multiply<T: Float>(sizes: Sizes, out: &mut [T], lhs: Matrix<'_, T>, rhs: Matrix<'_, T>, adds: bool) {
    let Sizes { rows, columns, depth } = sizes;
    assert!(lhs.holds(rows, depth), "the left matrix lies in its slice");
    assert!(rhs.holds(depth, columns), "the right matrix lies in its slice");
    assert_eq!(out.len(), rows * columns, "the result fills its slice");
    if out.is_empty() || depth == 0 {
        if !adds {
            out.fill(T::default());
        }
        return;
    }
    let out = Target { pointer: out.as_mut_ptr(), stride: columns, adds };
    // SAFETY: `out` is borrowed mutably and holds `rows` by `columns` elements at that stride.
    unsafe { panels(panel_count(sizes), sizes, out, lhs, rhs) };
}

/// Where a panel of a row-major result is written.
#[derive(Clone, Copy)]
pub(crate) struct Target<T> {
    pointer: *mut T,
    stride: usize,
    /// Whether the product is added to what is there.
    adds: bool,
}

// SAFETY: a target stands for exclusive access to the elements of its panel, and panels are disjoint.
unsafe impl<T: Send> Send for Target<T> {}

/// Cuts the result in so many panels, and computes them in parallel.
///
/// # Safety
/// The caller has exclusive access to the `rows` by `columns` elements of `out`, and the operands hold their sizes.
unsafe fn panels<T: Float>(
    count: usize,
    sizes: Sizes,
    out: Target<T>,
    lhs: Matrix<'_, T>,
    rhs: Matrix<'_, T>,
) {
    let Some(cut) = (count > 1).then(|| cut(sizes)).flatten() else {
        // SAFETY: as the caller promises.
        return unsafe { T::panel(sizes, out, lhs, rhs) };
    };
    let (first, second, shift, left, right) = match cut {
        Cut::Rows(at) => {
            let second = Sizes { rows: sizes.rows - at, ..sizes };
            (Sizes { rows: at, ..sizes }, second, at * out.stride, lhs.from(at, 0), rhs)
        }
        Cut::Columns(at) => {
            let second = Sizes { columns: sizes.columns - at, ..sizes };
            (Sizes { columns: at, ..sizes }, second, at, lhs, rhs.from(0, at))
        }
        // SAFETY: as the caller promises.
        Cut::Depth(at) => return unsafe { halves(count, at, sizes, out, lhs, rhs) },
    };
    // SAFETY: the shift leads to an element of the result.
    let below = Target { pointer: unsafe { out.pointer.add(shift) }, ..out };
    rayon::join(
        // SAFETY: the two panels are disjoint parts of the caller's, and the operands hold the parts' sizes.
        move || unsafe { panels(count / 2, first, out, lhs, rhs) },
        // SAFETY: as above.
        move || unsafe { panels(count / 2, second, below, left, right) },
    );
}

/// The sum of the products of the first and of the remaining part of the depth, computed in parallel.
///
/// # Safety
/// As for [`panels`].
unsafe fn halves<T: Float>(
    count: usize,
    at: usize,
    sizes: Sizes,
    out: Target<T>,
    lhs: Matrix<'_, T>,
    rhs: Matrix<'_, T>,
) {
    let mut rest = vec![T::default(); sizes.rows * sizes.columns];
    let other = Target { pointer: rest.as_mut_ptr(), stride: sizes.columns, adds: false };
    let (first, second) = (Sizes { depth: at, ..sizes }, Sizes { depth: sizes.depth - at, ..sizes });
    let (left, right) = (lhs.from(0, at), rhs.from(at, 0));
    rayon::join(
        // SAFETY: as the caller promises, of a part of the depth.
        move || unsafe { panels(count / 2, first, out, lhs, rhs) },
        // SAFETY: nobody else has access to the rest, and the operands hold this part of the depth.
        move || unsafe { panels(count / 2, second, other, left, right) },
    );
    for (row, rest) in rest.chunks(sizes.columns).enumerate() {
        // SAFETY: the caller has exclusive access to the row, and both parts have been computed.
        let row = unsafe { std::slice::from_raw_parts_mut(out.pointer.add(row * out.stride), sizes.columns) };
        row.iter_mut().zip(rest).for_each(|(sum, &x)| *sum = sum.plus(x));
    }
}

/// Operations of a panel that keeps a thread at its peak: large beside the packing that each panel repeats.
const PANEL_OPERATIONS: usize = 60_000_000;
/// Most panels of one product.
const MAX_PANELS: usize = 64;

/// A power of two.
fn panel_count(sizes: Sizes) -> usize {
    match sizes.operations() {
        operations if operations < SERIAL_OPERATIONS => 1,
        operations => 1 << (operations / PANEL_OPERATIONS).clamp(2, MAX_PANELS).ilog2(),
    }
}

/// Where a product is cut in two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    Rows(usize),
    Columns(usize),
    Depth(usize),
}

/// The depth is not cut to less than this times two.
const MIN_DEPTH: usize = 512;
/// Panels are not cut to fewer rows or columns than this times two.
const MIN_SIDE: usize = 64;

/// Columns rather than rows, so that no part of the right matrix is packed, or brought into the cache, twice.
fn cut(sizes: Sizes) -> Option<Cut> {
    let half = |size: usize, unit: usize| (size / 2).next_multiple_of(unit);
    if sizes.columns >= 2 * MIN_SIDE {
        return Some(Cut::Columns(half(sizes.columns, 32)));
    }
    if sizes.rows >= 2 * MIN_SIDE {
        return Some(Cut::Rows(half(sizes.rows, 12)));
    }
    (sizes.depth >= 2 * MIN_DEPTH).then(|| Cut::Depth(half(sizes.depth, 16)))
}

#[cfg(test)]
mod tests {
    use tensor::Key;

    use super::*;

    /// A matrix of these sizes somewhere in a slice of random numbers.
    fn random(key: Key, rows: usize, columns: usize, by_rows: bool) -> (Vec<f64>, usize, usize) {
        let gap = key.below(0, 3) as usize;
        let (row_stride, column_stride) = if by_rows { (columns + gap, 1) } else { (1, rows + gap) };
        let len = rows * row_stride.max(1) * column_stride.max(1) + columns * column_stride;
        ((1..=len as u64).map(|i| 2.0 * key.uniform(i) - 1.0).collect(), row_stride, column_stride)
    }

    fn matrix<T>(data: &[T], row_stride: usize, column_stride: usize) -> Matrix<'_, T> {
        Matrix { data, row_stride, column_stride }
    }

    /// Largest error of a product of random matrices, in units of the rounding of its sums of absolute values.
    fn worst<T: Float>(
        key: Key,
        sizes: Sizes,
        by_rows: [bool; 2],
        from: fn(f64) -> T,
        to: fn(T) -> f64,
        epsilon: f64,
    ) -> f64 {
        let Sizes { rows, columns, depth } = sizes;
        let (x, x_rows, x_columns) = random(key.child("x"), rows, depth, by_rows[0]);
        let (y, y_rows, y_columns) = random(key.child("y"), depth, columns, by_rows[1]);
        let (x, y): (Vec<T>, Vec<T>) = (x.into_iter().map(from).collect(), y.into_iter().map(from).collect());
        let mut out = vec![T::ONE; rows * columns];
        product(sizes, &mut out, matrix(&x, x_rows, x_columns), matrix(&y, y_rows, y_columns));
        let element = |i: usize| {
            let (row, column) = (i / columns, i % columns);
            let term =
                |k: usize| to(x[row * x_rows + k * x_columns]) * to(y[k * y_rows + column * y_columns]);
            let (sum, size) = (0..depth).map(term).fold((0.0, 1.0), |(a, b), t| (a + t, b + t.abs()));
            (to(out[i]) - sum).abs() / (size * epsilon)
        };
        (0..out.len()).map(element).fold(0.0, f64::max)
    }

    #[test]
    fn products_of_all_layouts_and_sizes_are_right() {
        let sides = [1, 2, 3, 5, 12, 13, 16, 17, 31, 32, 33, 65, 130];
        for seed in 0..300 {
            let key = Key::new(seed);
            let side = |draw: u64| sides[key.below(draw, sides.len() as u64) as usize];
            let sizes = Sizes { rows: side(1), columns: side(2), depth: side(3) };
            let by_rows = [key.below(4, 2) == 0, key.below(5, 2) == 0];
            let f32_error =
                worst::<f32>(key, sizes, by_rows, |x| x as f32, f64::from, f64::from(f32::EPSILON));
            let f64_error = worst::<f64>(key, sizes, by_rows, |x| x, |x| x, f64::EPSILON);
            assert!(f32_error < 8.0 && f64_error < 8.0, "{sizes:?} {by_rows:?}: {f32_error}, {f64_error}");
        }
    }

    #[test]
    fn deep_and_wide_products_are_right() {
        for (rows, columns, depth) in
            [(5, 40, 2500), (100, 700, 300), (700, 90, 300), (300, 8, 2000), (7, 7, 0), (17, 16, 20_000)]
        {
            for by_rows in [[true, true], [true, false], [false, true], [false, false]] {
                let sizes = Sizes { rows, columns, depth };
                let epsilon = f64::from(f32::EPSILON);
                let error = worst::<f32>(Key::new(1), sizes, by_rows, |x| x as f32, f64::from, epsilon);
                assert!(error < 20.0, "{sizes:?} {by_rows:?}: {error}");
            }
        }
    }

    #[test]
    fn products_are_added_to_what_is_there() {
        // Deep enough to be cut; the numbers are exact.
        for sizes in [
            Sizes { rows: 16, columns: 16, depth: 10_000 },
            Sizes { rows: 40, columns: 33, depth: 20 },
            Sizes { rows: 300, columns: 200, depth: 64 },
        ] {
            for (row_stride, column_stride) in [(sizes.depth, 1), (1, sizes.rows)] {
                let (x, y) = (vec![2f32; sizes.rows * sizes.depth], vec![3f32; sizes.depth * sizes.columns]);
                let mut out = vec![5f32; sizes.rows * sizes.columns];
                let right = matrix(&y, sizes.columns, 1);
                add_product(sizes, &mut out, matrix(&x, row_stride, column_stride), right);
                let expected = 5.0 + 6.0 * sizes.depth as f32;
                assert!(out.iter().all(|&sum| sum == expected), "{sizes:?}");
            }
        }
    }

    #[test]
    fn panels_depend_on_sizes_and_cover_the_result() {
        let sizes = Sizes { rows: 500, columns: 512, depth: 784 };
        assert_eq!(panel_count(sizes), 4);
        assert_eq!(cut(sizes), Some(Cut::Columns(256)));
        assert_eq!(cut(Sizes { columns: 10, ..sizes }), Some(Cut::Rows(252)));
        assert_eq!(cut(Sizes { rows: 16, columns: 16, depth: 131_072 }), Some(Cut::Depth(65_536)));
        assert_eq!(panel_count(Sizes { rows: 10, columns: 10, depth: 10 }), 1);
    }
}
