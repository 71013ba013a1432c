//! Products against sums in `f64`, element by element, on every instruction set.

use tensor::{Key, parallel};

use super::*;

/// How a matrix lies in its slice.
#[derive(Clone, Copy, Debug)]
enum Layout {
    /// Rows after each other, with a gap of so many elements.
    Rows(usize),
    /// Columns after each other, with a gap of so many elements.
    Columns(usize),
    /// No two elements are neighbours.
    Apart,
    /// The same row again and again.
    Repeated,
}

const LAYOUTS: [Layout; 6] = [
    Layout::Rows(0),
    Layout::Rows(3),
    Layout::Columns(0),
    Layout::Columns(2),
    Layout::Apart,
    Layout::Repeated,
];

/// A matrix in a slice that ends with its last element.
struct Stored<T> {
    data: Vec<T>,
    row_stride: usize,
    column_stride: usize,
}

impl<T: Real> Stored<T> {
    fn random(key: Key, (rows, columns): (usize, usize), layout: Layout, from: fn(f64) -> T) -> Self {
        let (row_stride, column_stride) = match layout {
            Layout::Rows(gap) => (columns + gap, 1),
            Layout::Columns(gap) => (1, rows + gap),
            Layout::Apart => (2 * columns + 1, 2),
            Layout::Repeated => (0, 1),
        };
        let len = match rows * columns {
            0 => 0,
            _ => (rows - 1) * row_stride + (columns - 1) * column_stride + 1,
        };
        let data = (0..len as u64).map(|i| from(2.0 * key.uniform(i) - 1.0)).collect();
        Self { data, row_stride, column_stride }
    }

    fn matrix(&self) -> Matrix<'_, T> {
        Matrix { data: &self.data, row_stride: self.row_stride, column_stride: self.column_stride }
    }

    fn at(&self, row: usize, column: usize) -> T {
        self.data[row * self.row_stride + column * self.column_stride]
    }
}

/// A floating-point type as these tests see it.
trait Number: Real + Into<f64> {
    const EPSILON: f64;
    fn rounded(x: f64) -> Self;
}

impl Number for f32 {
    const EPSILON: f64 = Self::EPSILON as f64;
    fn rounded(x: f64) -> Self {
        x as Self
    }
}

impl Number for f64 {
    const EPSILON: f64 = Self::EPSILON;
    fn rounded(x: f64) -> Self {
        x
    }
}

/// Largest error of a product of random matrices, in units of the rounding of its sums of absolute values; what is
/// added to is 1 where the product is added.
fn worst<T: Number>(isa: Isa, key: Key, sizes: Sizes, layouts: [Layout; 2], adds: bool) -> f64 {
    let Sizes { rows, columns, depth } = sizes;
    let x = Stored::<T>::random(key.child("x"), (rows, depth), layouts[0], T::rounded);
    let y = Stored::<T>::random(key.child("y"), (depth, columns), layouts[1], T::rounded);
    let mut out = vec![T::rounded(1.0); rows * columns];
    product(isa, sizes, &mut out, x.matrix(), y.matrix(), adds);
    let element = |i: usize| {
        let (row, column) = (i / columns, i % columns);
        let term = |k: usize| x.at(row, k).into() * y.at(k, column).into();
        let start = (f64::from(u8::from(adds)), 1.0);
        let (sum, size) = (0..depth).map(term).fold(start, |(a, b), t| (a + t, b + t.abs()));
        (out[i].into() - sum).abs() / (size * T::EPSILON)
    };
    (0..out.len()).map(element).fold(0.0, f64::max)
}

fn check(key: Key, sizes: Sizes, layouts: [Layout; 2], bound: f64) {
    for isa in Isa::available() {
        for adds in [false, true] {
            let errors =
                [worst::<f32>(isa, key, sizes, layouts, adds), worst::<f64>(isa, key, sizes, layouts, adds)];
            assert!(
                errors.iter().all(|&error| error < bound),
                "{isa:?} {sizes:?} {layouts:?} {adds}: {errors:?}"
            );
        }
    }
}

#[test]
fn products_of_all_layouts_and_sizes_are_right() {
    let sides = [0, 1, 2, 3, 5, 8, 11, 12, 13, 16, 17, 31, 32, 33, 63, 65, 130];
    for seed in 0..300 {
        let key = Key::new(seed);
        let side = |draw: u64| sides[key.below(draw, sides.len() as u64) as usize];
        let layout = |draw: u64| LAYOUTS[key.below(draw, LAYOUTS.len() as u64) as usize];
        let sizes = Sizes { rows: side(1), columns: side(2), depth: side(3) };
        check(key, sizes, [layout(4), layout(5)], 8.0);
    }
}

#[test]
fn deep_and_wide_products_are_right() {
    for (rows, columns, depth) in
        [(5, 40, 2500), (100, 700, 300), (700, 90, 30), (300, 8, 800), (17, 16, 9000)]
    {
        for layouts in [
            [Layout::Rows(0), Layout::Rows(0)],
            [Layout::Rows(0), Layout::Columns(0)],
            [Layout::Columns(0), Layout::Rows(0)],
            [Layout::Columns(1), Layout::Columns(1)],
        ] {
            check(Key::new(1), Sizes { rows, columns, depth }, layouts, 30.0);
        }
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    for isa in Isa::available() {
        for (rows, columns, depth) in [(300, 260, 70), (20, 30, 9000), (1, 900, 3000)] {
            let x = Stored::<f32>::random(Key::new(1), (rows, depth), Layout::Columns(0), Number::rounded);
            let y = Stored::<f32>::random(Key::new(2), (depth, columns), Layout::Rows(0), Number::rounded);
            let on = |threads| {
                let run = || {
                    let mut out = vec![0.0; rows * columns];
                    product(isa, Sizes { rows, columns, depth }, &mut out, x.matrix(), y.matrix(), false);
                    out.into_iter().map(f32::to_bits).collect::<Vec<_>>()
                };
                parallel::with_threads(threads, run).expect("the operating system gives a few threads")
            };
            assert_eq!(on(1), on(3));
        }
    }
}

#[test]
fn an_infinite_element_reaches_its_row_and_its_column_alone() {
    for isa in Isa::available() {
        let sizes = Sizes { rows: 40, columns: 45, depth: 50 };
        for layout in [Layout::Rows(0), Layout::Columns(0)] {
            let mut x = Stored::<f32>::random(Key::new(1), (40, 50), layout, |_| 1.0);
            let mut y = Stored::<f32>::random(Key::new(2), (50, 45), layout, |_| 1.0);
            x.data[7 * x.row_stride + 3 * x.column_stride] = f32::INFINITY;
            y.data[4 * y.row_stride + 44 * y.column_stride] = f32::NAN;
            let mut out = vec![0.0; 40 * 45];
            product(isa, sizes, &mut out, x.matrix(), y.matrix(), false);
            for (i, &found) in out.iter().enumerate() {
                match (i / 45, i % 45) {
                    (_, 44) => assert!(found.is_nan()),
                    (7, _) => assert_eq!(found, f32::INFINITY),
                    _ => assert_eq!(found, 50.0),
                }
            }
        }
    }
}

#[test]
fn products_are_cut_where_least_is_read_again() {
    let matrix = |row_stride, column_stride| Matrix { data: &[0f32; 0], row_stride, column_stride };
    let (by_rows, by_columns) = (matrix(512, 1), matrix(1, 512));
    let of = |rows, columns, depth, lhs| {
        let sizes = Sizes { rows, columns, depth };
        cut(Isa::best(), sizes, lhs, by_rows)
    };
    assert_eq!(panel_count(Sizes { rows: 500, columns: 512, depth: 784 }), 4);
    assert_eq!(panel_count(Sizes { rows: 10, columns: 10, depth: 10 }), 1);
    assert_eq!(of(500, 512, 784, by_rows), Some(Cut::Columns(256)));
    assert!(matches!(of(500, 512, 784, by_columns), Some(Cut::Rows(_))));
    assert!(matches!(of(500, 10, 784, by_rows), Some(Cut::Rows(_))));
    assert_eq!(of(16, 16, 131_072, by_rows), Some(Cut::Depth(65_536)));
    assert_eq!(of(16, 16, 512, by_rows), None);
}
