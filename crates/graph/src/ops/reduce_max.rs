//! Largest elements along axes.

use tensor::{Buffer, DType, Element, Tensor};

use super::{Direction, elementwise::check_count, indexing};
use crate::{
    Attr, AttributeError, AttributeReader, AxisMap, Builder, Case, Diff, Domain, Jvp, Kink, Primitive, Ty,
    TypeError, Val,
};

/// `result[i] = max x[i, j]` over the indices `j` of the axes listed in `axes`; NaN where any of them is NaN.
///
/// Operand `x: T[S]`; attribute `axes`; result `T` of `S` without those axes, where `T` is `f32`, `f64` or `i32`.
///
/// Constraints: (C1) one operand; (C2) of numbers; (C3) `axes` are axes of the operand, strictly ascending;
/// (C4) none of them is of size 0, since nothing has no maximum.
/// Derivative: the tangent of the largest element. Kink: where several are largest, the mean of their tangents,
/// as in PyTorch and JAX. Where the maximum is NaN, so is its tangent.
/// Accuracy: exact. StableHLO: `reduce` with `maximum`.
///
/// ```
/// use isoloss_graph::{Builder, Reference, Ty};
/// use tensor::Tensor;
///
/// let mut b = Builder::new("row maxima");
/// let x = b.data("x", Ty::f32([2, 3]));
/// let largest = b.reduce_max(x, &[1]);
/// b.output("largest", largest);
/// let graph = b.finish();
///
/// let x = Tensor::new([2, 3], vec![1f32, 5.0, 2.0, -3.0, -1.0, -2.0])?;
/// assert_eq!(Reference::evaluate(&graph, &[&x])?, [Tensor::new([2], vec![5f32, -1.0])?]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ReduceMax {
    /// The axes along which the largest element is taken.
    pub axes: Vec<usize>,
}

impl Primitive for ReduceMax {
    const NAME: &'static str = "reduce_max";

    fn attributes(&self) -> Vec<(&'static str, Attr)> {
        vec![("axes", Attr::sizes(&self.axes))]
    }

    fn from_attributes(reader: &mut AttributeReader) -> Result<Self, AttributeError> {
        Ok(Self { axes: reader.sizes("axes")? })
    }

    fn out_type(&self, operands: &[&Ty]) -> Result<Ty, TypeError> {
        check_count(Self::NAME, "C1", 1, operands)?;
        let x = operands[0];
        if x.dtype == DType::Bool {
            return Err(TypeError::new(Self::NAME, "C2", "expected numbers, found bool", operands));
        }
        if !indexing::are_ascending_axes(&self.axes, x.shape.rank()) {
            let message = format!("axes {:?} must be axes of {}, ascending", self.axes, x.shape);
            return Err(TypeError::new(Self::NAME, "C3", message, operands));
        }
        if self.axes.iter().any(|&axis| x.shape[axis] == 0) {
            let message = format!("the maximum over axes {:?} of {} would be over nothing", self.axes, x.shape);
            return Err(TypeError::new(Self::NAME, "C4", message, operands));
        }
        Ok(x.with_shape(x.shape.without(&self.axes)))
    }

    fn eval(&self, operands: &[&Tensor]) -> Tensor {
        let x = operands[0];
        let buffer = match x.buffer() {
            Buffer::F32(elements) => self.largest(x, elements, |best, x| x > best || x.is_nan()),
            Buffer::F64(elements) => self.largest(x, elements, |best, x| x > best || x.is_nan()),
            Buffer::I32(elements) => self.largest(x, elements, |best, x| x > best),
            Buffer::Bool(_) => unreachable!("the type rule admits numbers only"),
        };
        Tensor::from_buffer(x.shape().without(&self.axes), buffer).expect("one maximum for each kept index")
    }

    fn diff(&self) -> Diff<'_> {
        Diff::Smooth(self)
    }

    fn axes(&self, operands: &[&Ty], _: &Ty) -> AxisMap {
        AxisMap::reduction(operands[0], &self.axes)
    }

    fn cases() -> Vec<Case> {
        let case = |name, axes: &[usize]| {
            let op = Self { axes: axes.to_vec() };
            Case::new(name, op, vec![(Ty::f64([2, 3, 2]), Domain::Distinct { offset: 0.0 })])
        };
        vec![
            case("maximum over all axes", &[0, 1, 2]),
            case("maximum over the middle axis", &[1]),
            case("maximum over no axis", &[]),
        ]
    }

    fn kinks() -> Vec<Kink> {
        let vector = |elements: [f64; 4]| Tensor::from_fn([4], |i| elements[i]);
        vec![Kink {
            name: "reduce_max at a tie of two",
            op: Self { axes: vec![0] }.into(),
            operands: vec![vector([2.0, 1.0, 2.0, 0.0])],
            tangents: vec![vector([3.0, 100.0, 5.0, 100.0])],
            expected: Tensor::scalar(4.0),
        }]
    }
}

impl ReduceMax {
    /// The largest of each group of elements, where `better(best, x)` says that `x` takes the place of `best`.
    fn largest<T: Element>(&self, x: &Tensor, elements: &[T], better: impl Fn(T, T) -> bool) -> Buffer {
        let shape = x.shape().without(&self.axes);
        let mut best: Vec<Option<T>> = vec![None; shape.elements()];
        for (index, &element) in indexing::indices(x.shape()).zip(elements) {
            let kept = tensor::Shape::from(index).without(&self.axes);
            let target = &mut best[indexing::flat(&shape, &kept)];
            if target.is_none_or(|best| better(best, element)) {
                *target = Some(element);
            }
        }
        T::buffer(best.into_iter().map(|best| best.expect("no reduced axis is empty")).collect())
    }
}

impl Jvp for ReduceMax {
    fn jvp(&self, b: &mut Builder, x: &[Val], result: Val, dx: &[Option<Val>]) -> Option<Val> {
        let dx = dx[0]?;
        let ty = b.ty(x[0]).clone();
        let largest = b.broadcast_back(result, &ty.shape, &self.axes);
        let is_largest = b.compare(Direction::Eq, x[0], largest);
        let ones = b.convert(is_largest, ty.dtype);
        let count = b.reduce_sum(ones, &self.axes);
        let zero = b.splat_like(dx, 0.0);
        let chosen = b.select(is_largest, dx, zero);
        let sum = b.reduce_sum(chosen, &self.axes);
        Some(b.divide(sum, count))
    }
}

impl Builder {
    /// The largest element of `x` along `axes`; see [`ReduceMax`].
    ///
    /// # Panics
    /// Where `x` does not hold numbers, or has no such axes, or one of them is of size 0.
    #[track_caller]
    pub fn reduce_max(&mut self, x: Val, axes: &[usize]) -> Val {
        self.apply(ReduceMax { axes: axes.to_vec() }, &[x])
    }
}
