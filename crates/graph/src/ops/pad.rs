//! Zeros around and between the elements of a tensor.

use std::ops::Range;

use tensor::{Shape, Tensor};

use super::{elementwise::check_count, indexing};
use crate::{
    Attr, AttributeError, AttributeReader, Axis, AxisMap, Builder, Case, Diff, Domain, Kink, Operand, Primitive,
    Run, Tie, Transpose, Ty, TypeError, Val,
};

/// `result[low + i · (interior + 1)] = x[i]` axis by axis, and zero (or `false`) everywhere else. Negative padding
/// takes elements away: an index that falls outside of the result is left out.
///
/// Operand `x: T[S]`; attributes `low`, `high`, `interior`, one entry for each axis; result `T[R]`, where
/// `R[k] = low[k] + S[k] + max(S[k] - 1, 0) · interior[k] + high[k]`.
///
/// Constraints: (C1) one operand; (C2) one entry for each axis in each list; (C3) no size of the result is negative
/// or exceeds `i64`.
/// Derivative: linear. Transpose: a slice of the cotangent, with zeros for the elements that were left out.
/// Axes: elements move with their places in the result; elements left out and zeros are free. StableHLO: `pad`.
#[derive(Clone, Debug, PartialEq)]
pub struct Pad {
    /// How many zeros come before the first element on each axis.
    pub low: Vec<i64>,
    /// How many zeros come after the last element on each axis.
    pub high: Vec<i64>,
    /// How many zeros come between neighbours on each axis.
    pub interior: Vec<usize>,
}

/// What a padding keeps of an axis of the operand, and where it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The operand's indices that are kept.
    pub indices: Range<usize>,
    /// Where the first of them is in the result; 0 where there is none.
    pub start: usize,
    /// The distance in the result between neighbours; 1 where there are none.
    pub step: usize,
}

impl Pad {
    /// The size of the result along `axis` for an operand of `size` indices, where it is one.
    fn size(&self, axis: usize, size: usize) -> Option<usize> {
        let between = size.saturating_sub(1) as i128 * self.interior[axis] as i128;
        let padded = i128::from(self.low[axis]) + size as i128 + between + i128::from(self.high[axis]);
        i64::try_from(padded).ok().and_then(|padded| usize::try_from(padded).ok())
    }

    /// What is kept of an axis of `size` indices in a result of `padded` indices.
    #[must_use]
    pub fn kept(&self, axis: usize, size: usize, padded: usize) -> Kept {
        let (low, step) = (i128::from(self.low[axis]), self.interior[axis] as i128 + 1);
        // The number of indices whose place lies before `end`.
        let before = |end: i128| ((end - low).max(0) as u128).div_ceil(step as u128).min(size as u128) as usize;
        let indices = before(0)..before(padded as i128);
        match indices.len() {
            0 => Kept { indices: 0..0, start: 0, step: 1 },
            count => Kept {
                start: (low + indices.start as i128 * step) as usize,
                step: if count == 1 { 1 } else { step as usize },
                indices,
            },
        }
    }

    /// What is kept of each axis.
    #[must_use]
    pub fn kept_axes(&self, operand: &[usize], result: &[usize]) -> Vec<Kept> {
        let sizes = operand.iter().zip(result).enumerate();
        sizes.map(|(axis, (&size, &padded))| self.kept(axis, size, padded)).collect()
    }

    fn shape(&self, operand: &[usize]) -> Option<Vec<usize>> {
        operand.iter().enumerate().map(|(axis, &size)| self.size(axis, size)).collect()
    }
}

impl Primitive for Pad {
    const NAME: &'static str = "pad";

    fn attributes(&self) -> Vec<(&'static str, Attr)> {
        vec![
            ("low", Attr::Ints(self.low.clone())),
            ("high", Attr::Ints(self.high.clone())),
            ("interior", Attr::sizes(&self.interior)),
        ]
    }

    fn from_attributes(reader: &mut AttributeReader) -> Result<Self, AttributeError> {
        Ok(Self { low: reader.integers("low")?, high: reader.integers("high")?, interior: reader.sizes("interior")? })
    }

    fn out_type(&self, operands: &[&Ty]) -> Result<Ty, TypeError> {
        check_count(Self::NAME, "C1", 1, operands)?;
        let x = operands[0];
        let rank = x.shape.rank();
        if [self.low.len(), self.high.len(), self.interior.len()] != [rank; 3] {
            let message = format!("expected {rank} entries in 'low', 'high' and 'interior', one for each axis");
            return Err(TypeError::new(Self::NAME, "C2", message, operands));
        }
        let Some(shape) = self.shape(&x.shape) else {
            let message = format!(
                "{} padded by {:?} below, {:?} above and {:?} between has a size that is negative or too large",
                x.shape, self.low, self.high, self.interior
            );
            return Err(TypeError::new(Self::NAME, "C3", message, operands));
        };
        Ok(x.with_shape(shape))
    }

    fn eval(&self, operands: &[&Tensor]) -> Tensor {
        let x = operands[0];
        let shape: Shape = self.shape(x.shape()).expect("the type rule computes the sizes").into();
        let kept = self.kept_axes(x.shape(), &shape);
        indexing::rearrange_or_zero(x, &shape, |index| {
            let source = |(kept, &i): (&Kept, &usize)| {
                let offset = i.checked_sub(kept.start)?;
                let nth = offset / kept.step;
                (offset % kept.step == 0 && nth < kept.indices.len()).then(|| kept.indices.start + nth)
            };
            let source: Option<Vec<usize>> = kept.iter().zip(index).map(source).collect();
            source.map(|source| indexing::flat(x.shape(), &source))
        })
    }

    fn diff(&self) -> Diff<'_> {
        Diff::Linear(self)
    }

    fn axes(&self, operands: &[&Ty], result: &Ty) -> AxisMap {
        let mut map = AxisMap::default();
        for (axis, kept) in self.kept_axes(&operands[0].shape, &result.shape).into_iter().enumerate() {
            let count = kept.indices.len();
            let from = Run { axis: Axis::operand(0, axis), start: kept.indices.start, step: 1, count };
            let to = Run { axis: Axis::result(axis), start: kept.start, step: kept.step as isize, count };
            map.ties.push(Tie(from, to));
        }
        map
    }

    fn cases() -> Vec<Case> {
        let case = |name, shape: &[usize], padding: &[(i64, i64, usize)]| {
            Case::new(name, Self::new(padding), vec![(Ty::f64(shape), Domain::Interval(-2.0, 2.0))])
        };
        vec![
            case("pad around", &[2, 3], &[(1, 2, 0), (0, 1, 0)]),
            case("pad between", &[3, 2], &[(0, 0, 2), (1, 1, 1)]),
            case("negative padding", &[5, 4], &[(-1, -2, 0), (-1, 1, 0)]),
            case("negative padding into the interior", &[4, 3], &[(-1, -2, 2), (2, -4, 1)]),
            case("padding that leaves nothing of an axis", &[2, 3], &[(-3, 4, 1), (0, 0, 0)]),
            case("padding of an axis without indices", &[0, 2], &[(1, 2, 3), (0, 0, 1)]),
            case("padding to no indices", &[2, 1], &[(-1, -1, 0), (1, 0, 4)]),
            case("padding of a scalar", &[], &[]),
        ]
    }

    fn kinks() -> Vec<Kink> {
        Vec::new()
    }
}

impl Pad {
    /// The padding of each axis as (low, high, interior).
    #[must_use]
    pub fn new(padding: &[(i64, i64, usize)]) -> Self {
        Self {
            low: padding.iter().map(|axis| axis.0).collect(),
            high: padding.iter().map(|axis| axis.1).collect(),
            interior: padding.iter().map(|axis| axis.2).collect(),
        }
    }
}

impl Transpose for Pad {
    // Slicing first needs no more memory than operand and cotangent have, whatever the paddings.
    fn transpose(&self, b: &mut Builder, ct: Val, operands: &[Operand]) -> Vec<Option<Val>> {
        vec![operands[0].linear().map(|ty| {
            let kept = self.kept_axes(&ty.shape, b.shape(ct));
            let limit = |kept: &Kept| match kept.indices.len() {
                0 => 0,
                count => kept.start + (count - 1) * kept.step + 1,
            };
            let start: Vec<usize> = kept.iter().map(|kept| kept.start).collect();
            let limit: Vec<usize> = kept.iter().map(limit).collect();
            let stride: Vec<usize> = kept.iter().map(|kept| kept.step).collect();
            let slice = b.slice(ct, &start, &limit, &stride);
            let left_out = |(kept, &size): (&Kept, &usize)| {
                (kept.indices.start as i64, (size - kept.indices.end) as i64, 0)
            };
            b.pad(slice, &kept.iter().zip(ty.shape.iter()).map(left_out).collect::<Vec<_>>())
        })]
    }
}

impl Builder {
    /// `x` with zeros around and between its elements, each axis by (low, high, interior); see [`Pad`]. Returns `x`
    /// itself where nothing changes.
    ///
    /// # Panics
    /// Where there is not one entry for each axis, or a size would be negative.
    #[track_caller]
    pub fn pad(&mut self, x: Val, padding: &[(i64, i64, usize)]) -> Val {
        let unchanged = |(&(low, high, interior), &size): (&(i64, i64, usize), &usize)| {
            (low, high) == (0, 0) && (interior == 0 || size < 2)
        };
        let shape = self.shape(x);
        if padding.len() == shape.rank() && padding.iter().zip(shape.iter()).all(unchanged) {
            return x;
        }
        self.apply(Pad::new(padding), &[x])
    }
}
