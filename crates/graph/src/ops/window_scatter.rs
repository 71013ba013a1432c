//! Adding to one element of each sliding window.

use tensor::{Buffer, Shape, Tensor};

use super::{
    window::Window,
    windows::{self, Over},
};
use crate::{
    Attr, AttributeError, AttributeReader, Axis, AxisMap, Builder, Case, Diff, Domain, Jvp, Kink, Operand, Primitive,
    Transpose, Ty, TypeError, Val,
};

/// Zeros of `shape`, plus `updates[r]` at the element that the window of `r` has at the position whose number
/// (row-major within the window) is `positions[r]`; nothing where the window has no such position or only padding
/// there. What meets at one element is added in the order of the windows, row-major.
///
/// Operands `updates: T[R]`, `positions: i32[R]`; attributes `window` (sizes), `strides`, `low`, `high` (padding,
/// possibly negative), one entry for each axis, and `shape`; result `T[shape]`; `T` is `f32`, `f64` or `i32`.
///
/// Constraints: (C1) two operands; (C2) `updates` of numbers, `positions` of `i32`; (C3) one window for each axis of
/// `shape`; (C4) strides are positive, dilations 1, and nothing reaches farther than 2^31 positions; (C5) a window has
/// at most 2^31 - 1 positions; (C6) both operands have one element for each window over `shape`.
/// Derivative: linear in `updates`. Transpose: [`super::WindowGather`] of the cotangent.
/// Axes: those on which each window is one index move with the result's; others are fixed.
/// StableHLO: the scattering half of `select_and_scatter`.
#[derive(Clone, Debug, PartialEq)]
pub struct WindowScatter {
    /// The window of each axis, without dilation.
    pub windows: Vec<Window>,
    /// The shape of the result, over which the windows slide.
    pub shape: Shape,
}

impl Primitive for WindowScatter {
    const NAME: &'static str = "window_scatter";

    fn attributes(&self) -> Vec<(&'static str, Attr)> {
        let mut attributes = windows::attributes(&self.windows);
        attributes.push(("shape", Attr::sizes(&self.shape)));
        attributes
    }

    fn from_attributes(reader: &mut AttributeReader) -> Result<Self, AttributeError> {
        Ok(Self { windows: windows::read(reader)?, shape: reader.shape("shape")? })
    }

    fn out_type(&self, operands: &[&Ty]) -> Result<Ty, TypeError> {
        windows::check_operands(Self::NAME, 2, operands)?;
        let &[updates, positions] = operands else { unreachable!("two operands were just counted") };
        let results = windows::numbered_results(Self::NAME, &self.windows, &self.shape, operands)?;
        if *updates.shape != *results || *positions.shape != *results {
            let message = format!("{results:?} windows over {}", self.shape);
            return Err(TypeError::new(Self::NAME, "C6", message, operands));
        }
        Ok(updates.with_shape(self.shape.clone()))
    }

    fn eval(&self, operands: &[&Tensor]) -> Tensor {
        let (updates, positions) = (operands[0], operands[1]);
        let targets = Over { windows: &self.windows, base: &self.shape }.named(positions);
        let mut result = Buffer::zeros(updates.dtype(), self.shape.elements());
        for (source, target) in targets.into_iter().enumerate() {
            let Some(target) = target else { continue };
            match (&mut result, updates.buffer()) {
                (Buffer::F32(sums), Buffer::F32(x)) => sums[target] += x[source],
                (Buffer::F64(sums), Buffer::F64(x)) => sums[target] += x[source],
                (Buffer::I32(sums), Buffer::I32(x)) => sums[target] = sums[target].wrapping_add(x[source]),
                _ => unreachable!("the type rule admits numbers only"),
            }
        }
        Tensor::from_buffer(self.shape.clone(), result).expect("one sum for each element")
    }

    fn diff(&self) -> Diff<'_> {
        Diff::LinearIn(&[0], self, self)
    }

    fn axes(&self, operands: &[&Ty], _: &Ty) -> AxisMap {
        let slots: [fn(usize) -> Axis; 2] = [Axis::result, |axis| Axis::operand(0, axis)];
        windows::axis_map(&self.windows, &self.shape, &operands[0].shape, slots, Some(1))
    }

    fn cases() -> Vec<Case> {
        let case = |name, windows: &[Window], shape: &[usize], results: &[usize], bound| {
            let operands =
                vec![(Ty::f64(results), Domain::Interval(-2.0, 2.0)), (Ty::i32(results), Domain::Below(bound))];
            Case::new(name, Self { windows: windows.to_vec(), shape: shape.into() }, operands)
        };
        let (point, square) = (Window::POINT, Window::sliding(2, 2, 0));
        let overlapping = [Window::sliding(3, 2, 1), Window::sliding(2, 1, -1)];
        vec![
            case("scatter to squares", &[point, square, square, point], &[2, 4, 4, 3], &[2, 2, 2, 3], 4),
            case("scatter to overlapping windows", &overlapping, &[5, 6], &[3, 3], 6),
            case("scatter beyond the windows", &[Window::sliding(2, 1, 2)], &[3], &[6], 4),
            case("scatter of no windows", &[Window::sliding(3, 1, 0), point], &[2, 2], &[0, 2], 3),
            case("scatter to padding alone", &[Window::sliding(2, 1, 1)], &[0], &[1], 2),
        ]
    }

    fn kinks() -> Vec<Kink> {
        Vec::new()
    }
}

impl Jvp for WindowScatter {
    fn jvp(&self, b: &mut Builder, x: &[Val], _: Val, dx: &[Option<Val>]) -> Option<Val> {
        dx[0].map(|dx| b.window_scatter(dx, x[1], &self.windows, &self.shape))
    }
}

impl Transpose for WindowScatter {
    fn transpose(&self, b: &mut Builder, ct: Val, operands: &[Operand]) -> Vec<Option<Val>> {
        let updates = operands[0].linear().map(|_| b.window_gather(ct, operands[1].known(), &self.windows));
        vec![updates, None]
    }
}

impl Builder {
    /// Zeros of `shape` plus `updates` at these positions of windows, one window for each axis; see [`WindowScatter`].
    ///
    /// # Panics
    /// Where the operands do not fit.
    #[track_caller]
    pub fn window_scatter(&mut self, updates: Val, positions: Val, windows: &[Window], shape: &Shape) -> Val {
        self.apply(WindowScatter { windows: windows.to_vec(), shape: shape.clone() }, &[updates, positions])
    }
}
