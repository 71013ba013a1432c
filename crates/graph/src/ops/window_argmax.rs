//! Where the maxima of sliding windows are.

use tensor::{Buffer, DType, Element, Tensor};

use super::{
    indexing,
    window::Window,
    windows::{self, Over},
};
use crate::{
    Attr, AttributeError, AttributeReader, Axis, AxisMap, Builder, Case, Diff, Domain, Kink, Primitive, Ty, TypeError,
    Val,
};

/// The number of the position (row-major within the window) at which the window of each result has its maximum: the
/// first where several are equal, the first NaN if there is one. Padding is smaller than everything.
///
/// Operand `x: T[S]`; attributes `window` (sizes), `strides`, `low`, `high` (padding, possibly negative), one entry for
/// each axis; result `i32`, one number for each window; `T` is `f32`, `f64` or `i32`.
///
/// Constraints: (C1) one operand; (C2) of numbers; (C3) one window for each axis; (C4) strides are positive, dilations
/// 1, and nothing reaches farther than 2^31 positions; (C5) a window has at most 2^31 - 1 positions; (C6) every window
/// has an element.
/// Derivative: zero. With [`super::WindowGather`], which is linear, it makes the maximum over windows, whose derivative
/// at ties is that of the first of the equal elements.
/// Axes: those on which each window is one index move with the result's; others are fixed.
/// StableHLO: the indices that `select_and_scatter` selects with `ge`.
#[derive(Clone, Debug, PartialEq)]
pub struct WindowArgmax {
    /// The window of each axis, without dilation.
    pub windows: Vec<Window>,
}

impl Primitive for WindowArgmax {
    const NAME: &'static str = "window_argmax";

    fn attributes(&self) -> Vec<(&'static str, Attr)> {
        windows::attributes(&self.windows)
    }

    fn from_attributes(reader: &mut AttributeReader) -> Result<Self, AttributeError> {
        windows::read(reader).map(|windows| Self { windows })
    }

    fn out_type(&self, operands: &[&Ty]) -> Result<Ty, TypeError> {
        windows::check_operands(Self::NAME, 1, operands)?;
        let x = operands[0];
        let results = windows::numbered_results(Self::NAME, &self.windows, &x.shape, operands)?;
        let sizes = x.shape.iter().zip(&results);
        let empty = self.windows.iter().zip(sizes).find(|(window, (base, results))| window.misses(**base, **results));
        match empty {
            // Where one axis has no windows, there are none.
            Some((window, (base, _))) if !results.contains(&0) => {
                let message = format!("over {base} indices, {window:?} is somewhere all padding");
                Err(TypeError::new(Self::NAME, "C6", message, operands))
            }
            _ => Ok(Ty::i32(results)),
        }
    }

    fn eval(&self, operands: &[&Tensor]) -> Tensor {
        let x = operands[0];
        let shape = self.out_type(&[&Ty::of(x)]).expect("the operand satisfies the type rule").shape;
        let over = Over { windows: &self.windows, base: x.shape() };
        let numbers = match x.buffer() {
            Buffer::F32(x) => first_maxima(x, over, &shape),
            Buffer::F64(x) => first_maxima(x, over, &shape),
            Buffer::I32(x) => first_maxima(x, over, &shape),
            Buffer::Bool(_) => unreachable!("the type rule admits numbers only"),
        };
        Tensor::new(shape, numbers).expect("one number for each window")
    }

    fn diff(&self) -> Diff<'_> {
        Diff::Zero
    }

    fn axes(&self, operands: &[&Ty], result: &Ty) -> AxisMap {
        let slots: [fn(usize) -> Axis; 2] = [|axis| Axis::operand(0, axis), Axis::result];
        windows::axis_map(&self.windows, &operands[0].shape, &result.shape, slots, None)
    }

    fn cases() -> Vec<Case> {
        let case = |name, windows: &[Window], dtype, x: &[usize], domain| {
            Case::new(name, Self { windows: windows.to_vec() }, vec![(Ty::new(dtype, x), domain)])
        };
        let (point, square) = (Window::POINT, Window::sliding(2, 2, 0));
        let distinct = Domain::Distinct { offset: 0.0 };
        let uneven = Window { high: 2, ..Window::sliding(3, 2, 1) };
        vec![
            case("maxima of squares", &[point, square, square, point], DType::F64, &[2, 4, 4, 3], distinct),
            case("maxima of overlapping windows", &[uneven, Window::sliding(2, 1, -1)], DType::F64, &[5, 6], distinct),
            case("maxima of integers with ties", &[Window::sliding(3, 1, 1)], DType::I32, &[9], Domain::Below(3)),
            case("maxima of no windows", &[Window::sliding(3, 1, 0), point], DType::F64, &[2, 2], distinct),
        ]
    }

    fn kinks() -> Vec<Kink> {
        Vec::new()
    }
}

fn first_maxima<T: Element + PartialOrd>(x: &[T], over: Over<'_>, results: &[usize]) -> Vec<i32> {
    let positions = over.positions();
    let is_nan = |value: T| value.partial_cmp(&value).is_none();
    let number = |result: Vec<usize>| {
        let mut best: Option<(usize, T)> = None;
        for (number, position) in positions.iter().enumerate() {
            let Some(value) = over.source(&result, position).map(|at| x[at]) else { continue };
            let is_better = |best: T| value > best || (is_nan(value) && !is_nan(best));
            if best.is_none_or(|(_, best)| is_better(best)) {
                best = Some((number, value));
            }
        }
        best.expect("the type rule refuses windows without an element").0 as i32
    };
    indexing::indices(results).map(number).collect()
}

impl Builder {
    /// Where the maxima of `x` over windows are, one window for each axis ([`Window::POINT`] where nothing slides); see
    /// [`WindowArgmax`].
    ///
    /// # Panics
    /// Where the windows do not fit.
    #[track_caller]
    pub fn window_argmax(&mut self, x: Val, windows: &[Window]) -> Val {
        self.apply(WindowArgmax { windows: windows.to_vec() }, &[x])
    }
}
