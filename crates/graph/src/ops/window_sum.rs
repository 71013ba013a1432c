//! Sums over sliding windows.

use tensor::{Buffer, Tensor};

use super::{
    indexing,
    window::Window,
    windows::{self, Over},
};
use crate::{
    Attr, AttributeError, AttributeReader, Axis, AxisMap, Builder, Case, Diff, Domain, Kink, Operand, Primitive,
    Transpose, Ty, TypeError, Val,
};

/// `result[r] = Σ x[q]` over the indices `q` that the window of `r` has, axis by axis (see [`Window`]); padding counts
/// as 0.
///
/// Operand `x: T[S]`; attributes `window` (sizes), `strides`, `low`, `high` (padding, possibly negative),
/// `base_dilation` and `window_dilation`, one entry for each axis; result `T`, where `T` is `f32`, `f64` or `i32`.
///
/// Constraints: (C1) one operand; (C2) of numbers; (C3) one window for each axis; (C4) strides and dilations are
/// positive, and dilated operand, dilated window, results and padding reach no farther than 2^31 positions.
/// Derivative: linear. Transpose: a sum over windows again, with strides and the operand's dilation exchanged. The sum
/// of no elements is 0.
/// Axes: those on which each window is one index move with the result's; others are fixed.
/// Accuracy: an order of summation of the executor's choice that depends on the shape alone.
/// StableHLO: `reduce_window` with `add`.
#[derive(Clone, Debug, PartialEq)]
pub struct WindowSum {
    /// The window of each axis.
    pub windows: Vec<Window>,
}

impl Primitive for WindowSum {
    const NAME: &'static str = "window_sum";

    fn attributes(&self) -> Vec<(&'static str, Attr)> {
        let list = |field: fn(&Window) -> usize| Attr::Ints(self.windows.iter().map(|w| field(w) as i64).collect());
        let mut attributes = windows::attributes(&self.windows);
        attributes.push(("base_dilation", list(|window| window.base_dilation)));
        attributes.push(("window_dilation", list(|window| window.dilation)));
        attributes
    }

    fn from_attributes(reader: &mut AttributeReader) -> Result<Self, AttributeError> {
        let mut windows = windows::read(reader)?;
        let sizes: Vec<usize> = windows.iter().map(|window| window.size).collect();
        let base = windows::entries(reader, "base_dilation", AttributeReader::sizes, &sizes)?;
        let own = windows::entries(reader, "window_dilation", AttributeReader::sizes, &sizes)?;
        for (window, (base, own)) in windows.iter_mut().zip(base.into_iter().zip(own)) {
            (window.base_dilation, window.dilation) = (base, own);
        }
        Ok(Self { windows })
    }

    fn out_type(&self, operands: &[&Ty]) -> Result<Ty, TypeError> {
        windows::check_operands(Self::NAME, 1, operands)?;
        let x = operands[0];
        Ok(x.with_shape(windows::results(Self::NAME, &self.windows, &x.shape, operands)?))
    }

    fn eval(&self, operands: &[&Tensor]) -> Tensor {
        let x = operands[0];
        let shape = self.out_type(&[&Ty::of(x)]).expect("the operand satisfies the type rule").shape;
        let over = Over { windows: &self.windows, base: x.shape() };
        let positions = over.positions();
        let sources = |result: Vec<usize>| -> Vec<usize> {
            positions.iter().filter_map(|position| over.source(&result, position)).collect()
        };
        let all = indexing::indices(&shape).map(sources);
        let buffer = match x.buffer() {
            Buffer::F32(x) => Buffer::F32(all.map(|at| at.into_iter().fold(0.0, |sum, at| sum + x[at])).collect()),
            Buffer::F64(x) => Buffer::F64(all.map(|at| at.into_iter().fold(0.0, |sum, at| sum + x[at])).collect()),
            Buffer::I32(x) => {
                Buffer::I32(all.map(|at| at.into_iter().fold(0i32, |sum, at| sum.wrapping_add(x[at]))).collect())
            }
            Buffer::Bool(_) => unreachable!("the type rule admits numbers only"),
        };
        Tensor::from_buffer(shape, buffer).expect("one sum for each window")
    }

    fn diff(&self) -> Diff<'_> {
        Diff::Linear(self)
    }

    fn axes(&self, operands: &[&Ty], result: &Ty) -> AxisMap {
        let slots: [fn(usize) -> Axis; 2] = [|axis| Axis::operand(0, axis), Axis::result];
        windows::axis_map(&self.windows, &operands[0].shape, &result.shape, slots, None)
    }

    fn cases() -> Vec<Case> {
        let case = |name, windows: &[Window], x: &[usize]| {
            Case::new(name, Self { windows: windows.to_vec() }, vec![(Ty::f64(x), Domain::Interval(-2.0, 2.0))])
        };
        let point = Window::POINT;
        let dilated = Window { base_dilation: 3, dilation: 2, high: -1, ..Window::sliding(3, 2, 2) };
        vec![
            case("sums over squares", &[point, Window::sliding(2, 2, 0), Window::sliding(2, 2, 0), point], &[2, 4, 4, 2]),
            case("sums over overlapping windows", &[Window::sliding(3, 2, 1), Window::sliding(2, 1, 0)], &[6, 3]),
            case("sums over dilated windows", &[dilated, point], &[4, 2]),
            case("sums with negative padding", &[Window::sliding(2, 3, -1)], &[9]),
            case("sums over windows that do not fit", &[Window::sliding(3, 1, 0)], &[2]),
            case("sums over padding alone", &[Window::sliding(2, 1, 1)], &[0]),
            case("sums over no positions", &[Window::sliding(0, 1, 0)], &[2]),
            case("sum of a scalar", &[], &[]),
        ]
    }

    fn kinks() -> Vec<Kink> {
        Vec::new()
    }
}

impl Transpose for WindowSum {
    fn transpose(&self, b: &mut Builder, ct: Val, operands: &[Operand]) -> Vec<Option<Val>> {
        let x = operands[0].linear().map(|ty| {
            let sizes = ty.shape.iter().zip(b.shape(ct).iter());
            let windows: Vec<Window> =
                self.windows.iter().zip(sizes).map(|(window, (&base, &results))| window.onto_base(base, results)).collect();
            b.window_sum(ct, &windows)
        });
        vec![x]
    }
}

impl Builder {
    /// The sums of `x` over windows, one for each axis ([`Window::POINT`] where nothing slides); see [`WindowSum`].
    ///
    /// # Panics
    /// Where the windows do not fit.
    #[track_caller]
    pub fn window_sum(&mut self, x: Val, windows: &[Window]) -> Val {
        self.apply(WindowSum { windows: windows.to_vec() }, &[x])
    }
}
