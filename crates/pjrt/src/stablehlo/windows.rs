//! Sums, maxima and elements of sliding windows.

use graph::ops::{Direction, Window, WindowArgmax, WindowGather, WindowScatter, WindowSum};

use super::program::{Element, Program, Term, Type, array, list, padding};

/// The properties of `reduce_window`.
fn properties(windows: &[Window]) -> String {
    let each = |field: fn(&Window) -> usize| array(windows.iter().map(field));
    let pairs: Vec<(i64, i64)> = windows.iter().map(|window| (window.low, window.high)).collect();
    format!(
        "window_dimensions = {}, window_strides = {}, base_dilations = {}, window_dilations = {}, padding = {}",
        each(|window| window.size),
        each(|window| window.stride),
        each(|window| window.base_dilation),
        each(|window| window.dilation),
        padding(&pairs),
    )
}

/// How many positions of the window one position of each axis stands for, row-major.
fn places(windows: &[Window]) -> Vec<usize> {
    strides(&windows.iter().map(|window| window.size).collect::<Vec<_>>())
}

fn strides(sizes: &[usize]) -> Vec<usize> {
    (0..sizes.len()).map(|axis| sizes[axis + 1..].iter().product()).collect()
}

/// The elements that positions of windows stand for.
struct Places {
    /// Index vectors, also of what is out of range.
    vectors: Term,
    /// Whether there is such an element.
    valid: Term,
}

impl Program {
    pub(super) fn window_sum(&mut self, op: &WindowSum, x: &Term, ty: Type) -> Term {
        if op.windows.is_empty() {
            return x.clone();
        }
        let zero = self.number(0, &x.ty.scalar());
        let (x, windows) = self.without_negative_padding(x, &zero, &op.windows);
        let region = self.combining("add", &x.ty.scalar());
        let [sum] = self.op_with("reduce_window", &[&x, &zero], &properties(&windows), Some(&region), [ty]);
        sum
    }

    /// Plugins take padding that is not negative: other padding, and dilation with it, is made beforehand.
    fn without_negative_padding(&mut self, x: &Term, with: &Term, windows: &[Window]) -> (Term, Vec<Window>) {
        if windows.iter().all(|window| window.low >= 0 && window.high >= 0) {
            return (x.clone(), windows.to_vec());
        }
        let interior: Vec<usize> = windows.iter().map(|window| window.base_dilation - 1).collect();
        let (low, high): (Vec<i64>, Vec<i64>) =
            windows.iter().map(|window| (window.low, window.high)).unzip();
        let padded = self.padded(x, with, &low, &high, &interior);
        let bare = |window: &Window| Window { low: 0, high: 0, base_dilation: 1, ..*window };
        (padded, windows.iter().map(bare).collect())
    }

    pub(super) fn padded(
        &mut self,
        x: &Term,
        with: &Term,
        low: &[i64],
        high: &[i64],
        interior: &[usize],
    ) -> Term {
        let size = |axis: usize| {
            let own = x.ty.shape[axis] as i64;
            let between = (own - 1).max(0) * interior[axis] as i64;
            (low[axis] + own + between + high[axis]).max(0) as usize
        };
        let ty = x.ty.with_shape(&(0..low.len()).map(size).collect::<Vec<_>>());
        let properties = format!(
            "edge_padding_low = {}, edge_padding_high = {}, interior_padding = {}",
            array(low),
            array(high),
            array(interior),
        );
        self.op("pad", &[x, with], &properties, ty)
    }

    /// A reduction of pairs of an element and its number in `x`, whose result is turned into a position of the window.
    pub(super) fn window_argmax(&mut self, op: &WindowArgmax, x: &Term, ty: &Type) -> Term {
        if op.windows.is_empty() {
            return self.number(0, ty);
        }
        let base = x.ty.shape.clone();
        let numbers = self.iota(Element::I32, &[x.ty.elements()], 0);
        let numbers = self.reshape(&numbers, &x.ty.shape);
        let lowest = self.lowest(x.ty.element);
        let last = self.number(i64::from(i32::MAX), &numbers.ty.scalar());
        let (x, windows) = self.without_negative_padding(x, &lowest, &op.windows);
        let (numbers, _) = self.without_negative_padding(&numbers, &last, &op.windows);
        let scalars = [x.ty.scalar(), numbers.ty.scalar()];
        let region = self.region(&[scalars.clone(), scalars].concat(), |program, pairs| {
            program.first_largest(&pairs[..2], &pairs[2..])
        });
        let operands = [&x, &numbers, &lowest, &last];
        let types = [x.ty.with_shape(&ty.shape), ty.clone()];
        let [_, number] =
            self.op_with("reduce_window", &operands, &properties(&windows), Some(&region), types);
        self.position_of(&number, &op.windows, &base)
    }

    /// Of two pairs the one with the larger element, or NaN, or else the smaller number.
    fn first_largest(&mut self, a: &[Term], b: &[Term]) -> [Term; 2] {
        let (x, y) = (&a[0], &b[0]);
        let earlier = self.compare(Direction::Lt, &a[1], &b[1]);
        let greater = self.compare(Direction::Gt, x, y);
        let equal = self.compare(Direction::Eq, x, y);
        let tie = self.binary("and", &equal, &earlier);
        let by_size = self.binary("or", &greater, &tie);
        let (x_nan, y_nan) = (self.compare(Direction::Ne, x, x), self.compare(Direction::Ne, y, y));
        let y_number = self.op("not", &[&y_nan], "", y_nan.ty.clone());
        let by_nan = self.binary("or", &y_number, &earlier);
        let if_y_number = self.binary("and", &by_size, &y_number);
        let first = self.select(&x_nan, &by_nan, &if_y_number);
        [self.select(&first, x, y), self.select(&first, &a[1], &b[1])]
    }

    /// The position within its window of the element with this number in the operand.
    fn position_of(&mut self, number: &Term, windows: &[Window], base: &[usize]) -> Term {
        let (steps, places) = (strides(base), places(windows));
        let mut position = self.number(0, &number.ty);
        for (axis, window) in windows.iter().enumerate().filter(|(_, window)| window.size > 1) {
            let index = self.with_number("divide", number, steps[axis] as i64);
            let index = self.with_number("remainder", &index, base[axis] as i64);
            let start = self.start(window, &number.ty.shape, axis);
            let offset = self.binary("subtract", &index, &start);
            let weighted = self.with_number("multiply", &offset, places[axis] as i64);
            position = self.binary("add", &position, &weighted);
        }
        position
    }

    /// The index of the base at which each window starts on an axis, negative within padding.
    fn start(&mut self, window: &Window, results: &[usize], axis: usize) -> Term {
        let count = self.iota(Element::I32, results, axis);
        let start = self.with_number("multiply", &count, window.stride as i64);
        self.with_number("subtract", &start, window.low)
    }

    fn places(&mut self, windows: &[Window], positions: &Term, base: &[usize]) -> Places {
        let all: usize = windows.iter().map(|window| window.size).product();
        let mut valid = self.is_below(positions, all);
        let mut coordinates = Vec::new();
        for (axis, (window, place)) in windows.iter().zip(places(windows)).enumerate() {
            let mut coordinate = self.start(window, &positions.ty.shape, axis);
            if window.size > 1 {
                let offset = self.with_number("divide", positions, place as i64);
                let offset = self.with_number("remainder", &offset, window.size as i64);
                coordinate = self.binary("add", &coordinate, &offset);
            }
            if *window != Window::POINT {
                let inside = self.is_below(&coordinate, base[axis]);
                valid = self.binary("and", &valid, &inside);
            }
            coordinates.push(coordinate);
        }
        Places { vectors: self.vectors(&coordinates), valid }
    }

    /// The coordinates `[.., rank]` of single elements as vectors, from one term for each axis.
    fn vectors(&mut self, coordinates: &[Term]) -> Term {
        let columns: Vec<Term> = coordinates
            .iter()
            .map(|coordinate| {
                let shape = [&coordinate.ty.shape[..], &[1]].concat();
                self.reshape(coordinate, &shape)
            })
            .collect();
        let rank = columns[0].ty.shape.len() - 1;
        self.concatenate(&columns.iter().collect::<Vec<_>>(), rank)
    }

    pub(super) fn window_gather(&mut self, op: &WindowGather, x: &Term, positions: &Term, ty: Type) -> Term {
        if op.windows.is_empty() {
            let valid = self.is_below(positions, 1);
            return self.or_zero(&valid, x);
        }
        let Places { vectors, valid } = self.places(&op.windows, positions, &x.ty.shape);
        let axes = list(0..op.windows.len());
        let properties = format!(
            "dimension_numbers = #stablehlo.gather<collapsed_slice_dims = [{axes}], start_index_map = [{axes}], \
             index_vector_dim = {}>, slice_sizes = {}, indices_are_sorted = false",
            op.windows.len(),
            array(op.windows.iter().map(|_| 1)),
        );
        let read = self.op("gather", &[x, &vectors], &properties, ty);
        self.or_zero(&valid, &read)
    }

    pub(super) fn window_scatter(
        &mut self,
        op: &WindowScatter,
        updates: &Term,
        positions: &Term,
        ty: &Type,
    ) -> Term {
        if op.windows.is_empty() {
            let valid = self.is_below(positions, 1);
            return self.or_zero(&valid, updates);
        }
        let Places { vectors, valid } = self.places(&op.windows, positions, &op.shape);
        let added = self.or_zero(&valid, updates);
        let axes = list(0..op.windows.len());
        let numbers = format!(
            "inserted_window_dims = [{axes}], scatter_dims_to_operand_dims = [{axes}], index_vector_dim = {}",
            op.windows.len()
        );
        self.scatter(&numbers, &added, &vectors, ty)
    }
}
