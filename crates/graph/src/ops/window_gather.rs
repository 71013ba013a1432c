//! Reading one element of each sliding window.

use tensor::Tensor;

use super::{
    indexing,
    window::Window,
    windows::{self, Over},
};
use crate::{
    Attr, AttributeError, AttributeReader, Axis, AxisMap, Builder, Case, Diff, Domain, Jvp, Kink, Operand, Primitive,
    Transpose, Ty, TypeError, Val,
};

/// `result[r]` is the element of `x` that the window of `r` has at the position whose number (row-major within the
/// window) is `positions[r]`, and 0 where the window has no such position or only padding there.
///
/// Operands `x: T[S]`, `positions: i32[R]`; attributes `window` (sizes), `strides`, `low`, `high` (padding, possibly
/// negative), one entry for each axis; result `T[R]`; `T` is `f32`, `f64` or `i32`.
///
/// Constraints: (C1) two operands; (C2) `x` of numbers, `positions` of `i32`; (C3) one window for each axis; (C4)
/// strides are positive, dilations 1, and nothing reaches farther than 2^31 positions; (C5) a window has at most
/// 2^31 - 1 positions; (C6) `positions` has one number for each window.
/// Derivative: linear in `x`. Transpose: [`super::WindowScatter`] of the cotangent.
/// Axes: those on which each window is one index move with the result's; others are fixed.
/// StableHLO: a `gather` at the indices that these positions stand for.
#[derive(Clone, Debug, PartialEq)]
pub struct WindowGather {
    /// The window of each axis, without dilation.
    pub windows: Vec<Window>,
}

impl Primitive for WindowGather {
    const NAME: &'static str = "window_gather";

    fn attributes(&self) -> Vec<(&'static str, Attr)> {
        windows::attributes(&self.windows)
    }

    fn from_attributes(reader: &mut AttributeReader) -> Result<Self, AttributeError> {
        windows::read(reader).map(|windows| Self { windows })
    }

    fn out_type(&self, operands: &[&Ty]) -> Result<Ty, TypeError> {
        windows::check_operands(Self::NAME, 2, operands)?;
        let &[x, positions] = operands else { unreachable!("two operands were just counted") };
        let results = windows::numbered_results(Self::NAME, &self.windows, &x.shape, operands)?;
        if *positions.shape != *results {
            let message = format!("{results:?} windows, and positions of shape {}", positions.shape);
            return Err(TypeError::new(Self::NAME, "C6", message, operands));
        }
        Ok(x.with_shape(results))
    }

    fn eval(&self, operands: &[&Tensor]) -> Tensor {
        let (x, positions) = (operands[0], operands[1]);
        let sources = Over { windows: &self.windows, base: x.shape() }.named(positions);
        let shape = positions.shape();
        indexing::rearrange_or_zero(x, shape, |result| sources[indexing::flat(shape, result)])
    }

    fn diff(&self) -> Diff<'_> {
        Diff::LinearIn(&[0], self, self)
    }

    fn axes(&self, operands: &[&Ty], result: &Ty) -> AxisMap {
        let slots: [fn(usize) -> Axis; 2] = [|axis| Axis::operand(0, axis), Axis::result];
        windows::axis_map(&self.windows, &operands[0].shape, &result.shape, slots, Some(1))
    }

    fn cases() -> Vec<Case> {
        let case = |name, windows: &[Window], x: &[usize], results: &[usize], bound| {
            let operands =
                vec![(Ty::f64(x), Domain::Interval(-2.0, 2.0)), (Ty::i32(results), Domain::Below(bound))];
            Case::new(name, Self { windows: windows.to_vec() }, operands)
        };
        let (point, square) = (Window::POINT, Window::sliding(2, 2, 0));
        let overlapping = [Window::sliding(3, 2, 1), Window::sliding(2, 1, -1)];
        vec![
            case("elements of squares", &[point, square, square, point], &[2, 4, 4, 3], &[2, 2, 2, 3], 4),
            case("elements of overlapping windows", &overlapping, &[5, 6], &[3, 3], 6),
            case("elements beyond the windows", &[Window::sliding(2, 1, 2)], &[3], &[6], 4),
            case("elements of no windows", &[Window::sliding(3, 1, 0), point], &[2, 2], &[0, 2], 3),
            case("elements of padding alone", &[Window::sliding(2, 1, 1)], &[0], &[1], 2),
        ]
    }

    fn kinks() -> Vec<Kink> {
        Vec::new()
    }
}

impl Jvp for WindowGather {
    fn jvp(&self, b: &mut Builder, x: &[Val], _: Val, dx: &[Option<Val>]) -> Option<Val> {
        dx[0].map(|dx| b.window_gather(dx, x[1], &self.windows))
    }
}

impl Transpose for WindowGather {
    fn transpose(&self, b: &mut Builder, ct: Val, operands: &[Operand]) -> Vec<Option<Val>> {
        let x = operands[0].linear().map(|ty| b.window_scatter(ct, operands[1].known(), &self.windows, &ty.shape));
        vec![x, None]
    }
}

impl Builder {
    /// The elements of `x` at these positions of windows, one window for each axis; see [`WindowGather`].
    ///
    /// # Panics
    /// Where the operands do not fit.
    #[track_caller]
    pub fn window_gather(&mut self, x: Val, positions: Val, windows: &[Window]) -> Val {
        self.apply(WindowGather { windows: windows.to_vec() }, &[x, positions])
    }
}
