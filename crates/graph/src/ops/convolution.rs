//! Convolutions: products of images with windows that slide over them.

use std::ops::Add;

use tensor::{Buffer, Shape, Tensor};

use super::{convolution_axes::{ImageAxes, KernelAxes}, elementwise::check_count, indexing, window::Window};
use crate::{
    Attr, AttributeError, AttributeReader, AxisMap, Case, Diff, Kink, Primitive, Ty, TypeError,
};

/// `result[n, p, o] = Σ lhs[n, q, i] rhs[o, i, k]` over the input features `i` and the window's positions `k`, where
/// the window of `p` has its position `k` at index `q` of the image (see [`Window`]), axis by axis. A cross-correlation,
/// unless `reversal` mirrors the kernel.
///
/// Positions in the padding or between indices are left out of the sum. For finite weights this is the same as if there
/// were zeros; an infinite or NaN weight makes nothing where no index of the image is under it. Every other product
/// counts, those of zeros of the image with infinite weights included, which are NaN. The same holds for derivatives,
/// which are convolutions.
///
/// Operands `lhs: T[..]`, an image whose axes `lhs` names, and `rhs: T[..]`, a kernel whose axes `rhs` names; result
/// `T[..]`, an image whose axes `out` names; `T` of `f32` or `f64`. The attributes `strides`, `low`, `high` (padding,
/// possibly negative), `lhs_dilation`, `rhs_dilation` and `reversal` (0 or 1) have one entry for each spatial axis, of
/// which there may be none.
///
/// With `feature_groups = G`, the image's features and the kernel's outputs are cut into `G` blocks in order, and
/// block `g` of the outputs sees block `g` of the features. With `batch_groups = G`, the image's batch and the
/// kernel's outputs are, and block `g` of the outputs sees block `g` of the batch.
///
/// Constraints: (C1) two operands; (C2) of one floating-point type; (C3) `lhs`, `rhs` and `out` name each axis of
/// tensors of one rank once, at most ten spatial ones; (C4) the lists have one entry for each spatial axis; (C5) the
/// numbers of groups are positive, and one of them is 1; (C6) the image has as many features as the kernel has inputs,
/// times `feature_groups`; (C7) the kernel's outputs are a multiple of the number of groups, and the batch of
/// `batch_groups`; (C8) strides and dilations are positive, and dilated image, dilated kernel, results and padding
/// reach no farther than 2^31 positions.
/// Derivative: bilinear. Transpose: again one convolution for either operand. Where there are groups, the kernel that
/// the image's cotangent needs has its blocks exchanged with its inputs first, a reshape for depthwise kernels; the
/// cotangents of batch groups, and of mirrored kernels in groups, exchange such blocks too; and a kernel mirrored along
/// some spatial axes of several needs a `reverse`.
/// Axes: the batch is free, output features move with the kernel's, input features with the kernel's inputs; where there are
/// groups of features, as whole blocks, inside of which the kernel's inputs are fixed.
/// Spatial axes are fixed, unless each window is one index.
/// Accuracy: an order of summation of the executor's choice that depends on the shapes alone.
/// StableHLO: `convolution`; a kernel without positions is allowed here, and its sums are 0. What is left out here is a
/// product with zero there, which differs for weights that are not finite.
#[derive(Clone, Debug, PartialEq)]
pub struct Convolution {
    /// The axes of the image.
    pub lhs: ImageAxes,
    /// The axes of the kernel.
    pub rhs: KernelAxes,
    /// The axes of the result.
    pub out: ImageAxes,
    /// The distance between consecutive windows.
    pub strides: Vec<usize>,
    /// Positions before the first index of the image.
    pub low: Vec<i64>,
    /// Positions after the last index of the image.
    pub high: Vec<i64>,
    /// The distance between consecutive indices of the image.
    pub lhs_dilation: Vec<usize>,
    /// The distance between consecutive positions of the window.
    pub rhs_dilation: Vec<usize>,
    /// Whether the kernel is mirrored.
    pub reversal: Vec<bool>,
    /// Blocks of features.
    pub feature_groups: usize,
    /// Blocks of the batch.
    pub batch_groups: usize,
}

/// The sizes of a convolution by role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConvolutionSizes {
    /// The batch of the image: `batch_groups` times that of the result.
    pub batch: usize,
    /// The features of the image: `feature_groups` times the inputs of the kernel.
    pub features: usize,
    /// The input features of the kernel, over which each element of the result sums.
    pub inputs: usize,
    /// The output features of the kernel: the features of the result.
    pub outputs: usize,
    /// The spatial sizes of the image.
    pub image: Vec<usize>,
    /// The spatial sizes of the kernel.
    pub kernel: Vec<usize>,
    /// The spatial sizes of the result.
    pub result: Vec<usize>,
}

impl Convolution {
    /// A convolution over `spatial` axes of an image `b01f` with a kernel `oi01` (the digits as many as there are
    /// spatial axes) to an image `b01f`: strides and dilations 1, no padding, no groups.
    #[must_use]
    pub fn new(spatial: usize) -> Self {
        Self {
            lhs: ImageAxes::features_last(spatial),
            rhs: KernelAxes::outputs_first(spatial),
            out: ImageAxes::features_last(spatial),
            strides: vec![1; spatial],
            low: vec![0; spatial],
            high: vec![0; spatial],
            lhs_dilation: vec![1; spatial],
            rhs_dilation: vec![1; spatial],
            reversal: vec![false; spatial],
            feature_groups: 1,
            batch_groups: 1,
        }
    }

    /// The same with `padding` positions around the image and windows `stride` apart, on every spatial axis.
    #[must_use]
    pub fn with_padding_and_stride(self, padding: i64, stride: usize) -> Self {
        let spatial = self.lhs.spatial.len();
        Self { strides: vec![stride; spatial], low: vec![padding; spatial], high: vec![padding; spatial], ..self }
    }

    /// The window of each spatial axis for a kernel of this shape. Where the kernel is mirrored, its index `k` has the
    /// window's position `size - 1 - k`.
    ///
    /// # Panics
    /// Where the kernel does not have the axes.
    #[must_use]
    pub fn windows(&self, rhs: &Shape) -> Vec<Window> {
        let sizes = self.rhs.spatial_sizes(rhs).into_iter().enumerate();
        let window = |(k, size)| Window {
            size,
            stride: self.strides[k],
            low: self.low[k],
            high: self.high[k],
            base_dilation: self.lhs_dilation[k],
            dilation: self.rhs_dilation[k],
        };
        sizes.map(window).collect()
    }

    /// All sizes by role.
    ///
    /// # Panics
    /// Where the operands do not satisfy the type rule.
    #[must_use]
    #[track_caller]
    pub fn sizes(&self, lhs: &Shape, rhs: &Shape) -> ConvolutionSizes {
        let image = self.lhs.spatial_sizes(lhs);
        let results = self.windows(rhs).into_iter().zip(&image).map(|(window, &size)| window.results(size));
        ConvolutionSizes {
            batch: lhs[self.lhs.batch],
            features: lhs[self.lhs.feature],
            inputs: rhs[self.rhs.input],
            outputs: rhs[self.rhs.output],
            kernel: self.rhs.spatial_sizes(rhs),
            result: results.collect::<Option<_>>().expect("windows that reach too far are refused"),
            image,
        }
    }

    /// The number of groups, of either kind.
    #[must_use]
    pub fn groups(&self) -> usize {
        self.feature_groups.max(self.batch_groups)
    }

    fn check_attributes(&self, operands: &[&Ty]) -> Result<(), TypeError> {
        let refused = |constraint, message: String| Err(TypeError::new(Self::NAME, constraint, message, operands));
        let complete = self.lhs.is_complete() && self.rhs.is_complete() && self.out.is_complete();
        let ranks = [self.rhs.rank(), self.out.rank(), operands[0].shape.rank(), operands[1].shape.rank()];
        if !complete || ranks != [self.lhs.rank(); 4] {
            let words = [self.lhs.word(), self.rhs.word(), self.out.word()];
            return refused("C3", format!("the axes {words:?} must be those of the operands and of the result"));
        }
        let spatial = self.lhs.spatial.len();
        let distances = [self.strides.len(), self.lhs_dilation.len(), self.rhs_dilation.len()];
        let padding = [self.low.len(), self.high.len(), self.reversal.len()];
        if [distances, padding] != [[spatial; 3]; 2] {
            return refused("C4", format!("each list must have {spatial} entries"));
        }
        let groups = [self.feature_groups, self.batch_groups];
        if groups.contains(&0) || !groups.contains(&1) {
            return refused("C5", format!("feature groups and batch groups {groups:?}: one of them must be 1"));
        }
        Ok(())
    }

    fn check_features(&self, operands: &[&Ty]) -> Result<(), TypeError> {
        let refused = |constraint, message: String| Err(TypeError::new(Self::NAME, constraint, message, operands));
        let (lhs, rhs) = (&operands[0].shape, &operands[1].shape);
        let (features, inputs, groups) = (lhs[self.lhs.feature], rhs[self.rhs.input], self.feature_groups);
        if inputs.checked_mul(groups) != Some(features) {
            return refused("C6", format!("{features} features, and {groups} times {inputs} inputs of the kernel"));
        }
        let (batch, outputs) = (lhs[self.lhs.batch], rhs[self.rhs.output]);
        if outputs % self.groups() != 0 || batch % self.batch_groups != 0 {
            let message = format!("a batch of {batch} and {outputs} outputs cannot be cut into {} blocks", self.groups());
            return refused("C7", message);
        }
        Ok(())
    }

    /// The spatial sizes of the result.
    fn results(&self, operands: &[&Ty]) -> Result<Vec<usize>, TypeError> {
        let sizes = self.lhs.spatial_sizes(&operands[0].shape);
        let windows = self.windows(&operands[1].shape);
        let results = windows.iter().zip(sizes).map(|(window, size)| {
            window.results(size).ok_or_else(|| {
                let message = format!("over {size} indices, {window:?} is not positive or reaches too far");
                TypeError::new(Self::NAME, "C8", message, operands)
            })
        });
        results.collect()
    }
}

impl Primitive for Convolution {
    const NAME: &'static str = "convolution";

    fn attributes(&self) -> Vec<(&'static str, Attr)> {
        vec![
            ("lhs", Attr::Word(self.lhs.word())),
            ("rhs", Attr::Word(self.rhs.word())),
            ("out", Attr::Word(self.out.word())),
            ("strides", Attr::sizes(&self.strides)),
            ("low", Attr::Ints(self.low.clone())),
            ("high", Attr::Ints(self.high.clone())),
            ("lhs_dilation", Attr::sizes(&self.lhs_dilation)),
            ("rhs_dilation", Attr::sizes(&self.rhs_dilation)),
            ("reversal", Attr::flags(&self.reversal)),
            ("feature_groups", Attr::Int(self.feature_groups as i64)),
            ("batch_groups", Attr::Int(self.batch_groups as i64)),
        ]
    }

    fn from_attributes(reader: &mut AttributeReader) -> Result<Self, AttributeError> {
        const IMAGE: &str = "the axes of an image, as b01f";
        Ok(Self {
            lhs: reader.word("lhs", IMAGE, ImageAxes::from_word)?,
            rhs: reader.word("rhs", "the axes of a kernel, as oi01", KernelAxes::from_word)?,
            out: reader.word("out", IMAGE, ImageAxes::from_word)?,
            strides: reader.sizes("strides")?,
            low: reader.integers("low")?,
            high: reader.integers("high")?,
            lhs_dilation: reader.sizes("lhs_dilation")?,
            rhs_dilation: reader.sizes("rhs_dilation")?,
            reversal: reader.flags("reversal")?,
            feature_groups: reader.size("feature_groups")?,
            batch_groups: reader.size("batch_groups")?,
        })
    }

    fn out_type(&self, operands: &[&Ty]) -> Result<Ty, TypeError> {
        check_count(Self::NAME, "C1", 2, operands)?;
        let &[lhs, rhs] = operands else { unreachable!("two operands were just counted") };
        if lhs.dtype != rhs.dtype || !lhs.dtype.is_float() {
            let message = format!("expected two tensors of one floating-point type, found {} and {}", lhs.dtype, rhs.dtype);
            return Err(TypeError::new(Self::NAME, "C2", message, operands));
        }
        self.check_attributes(operands)?;
        self.check_features(operands)?;
        let mut shape = vec![0; self.out.rank()];
        shape[self.out.batch] = lhs.shape[self.lhs.batch] / self.batch_groups;
        shape[self.out.feature] = rhs.shape[self.rhs.output];
        for (&axis, size) in self.out.spatial.iter().zip(self.results(operands)?) {
            shape[axis] = size;
        }
        Ok(lhs.with_shape(shape))
    }

    fn eval(&self, operands: &[&Tensor]) -> Tensor {
        let (lhs, rhs) = (operands[0], operands[1]);
        let shape = self.out_type(&[&Ty::of(lhs), &Ty::of(rhs)]).expect("the operands satisfy the type rule").shape;
        let terms = Terms::new(self, lhs.shape(), rhs.shape(), &shape);
        let buffer = match (lhs.buffer(), rhs.buffer()) {
            (Buffer::F32(x), Buffer::F32(w)) => Buffer::F32(terms.sums(|l, r| x[l] * w[r])),
            (Buffer::F64(x), Buffer::F64(w)) => Buffer::F64(terms.sums(|l, r| x[l] * w[r])),
            _ => unreachable!("the type rule admits floats of one type only"),
        };
        Tensor::from_buffer(shape, buffer).expect("one sum for each index of the result")
    }

    fn diff(&self) -> Diff<'_> {
        Diff::Bilinear(self)
    }

    fn axes(&self, operands: &[&Ty], result: &Ty) -> AxisMap {
        super::convolution_symmetry::axis_map(self, operands, result)
    }

    fn cases() -> Vec<Case> {
        super::convolution_cases::cases()
    }

    fn kinks() -> Vec<Kink> {
        Vec::new()
    }
}

/// The products that make up a convolution.
struct Terms<'a> {
    op: &'a Convolution,
    lhs: &'a Shape,
    rhs: &'a Shape,
    result: &'a Shape,
    windows: Vec<Window>,
}

impl<'a> Terms<'a> {
    fn new(op: &'a Convolution, lhs: &'a Shape, rhs: &'a Shape, result: &'a Shape) -> Self {
        Self { op, lhs, rhs, result, windows: op.windows(rhs) }
    }

    /// For each element of the result the sum of `product` over the positions of its factors.
    fn sums<T: Default + Add<Output = T>>(&self, product: impl Fn(usize, usize) -> T) -> Vec<T> {
        let kernel: Vec<Vec<usize>> = indexing::indices(&self.op.rhs.spatial_sizes(self.rhs)).collect();
        let inputs = self.rhs[self.op.rhs.input];
        let left_step = self.lhs.strides()[self.op.lhs.feature];
        let right_step = self.rhs.strides()[self.op.rhs.input];
        let element = |index: Vec<usize>| -> T {
            let terms = kernel.iter().filter_map(|k| Some((self.source(&index, k)?, k)));
            let firsts = terms.map(|(source, k)| (self.left(&index, &source), self.right(&index, k)));
            let products = firsts
                .flat_map(|(l, r)| (0..inputs).map(move |input| (l + input * left_step, r + input * right_step)));
            products.map(|(left, right)| product(left, right)).fold(T::default(), T::add)
        };
        indexing::indices(self.result).map(element).collect()
    }

    /// The spatial index of the image under position `k` of the kernel, where there is one.
    fn source(&self, index: &[usize], k: &[usize]) -> Option<Vec<usize>> {
        let along = |(axis, window): (usize, &Window)| {
            let offset = if self.op.reversal[axis] { window.size - 1 - k[axis] } else { k[axis] };
            window.source(self.lhs[self.op.lhs.spatial[axis]], index[self.op.out.spatial[axis]], offset)
        };
        self.windows.iter().enumerate().map(along).collect()
    }

    /// The position of the image's first input feature of the result's group.
    fn left(&self, index: &[usize], source: &[usize]) -> usize {
        let axes = &self.op.lhs;
        let block = index[self.op.out.feature] / (self.rhs[self.op.rhs.output] / self.op.groups());
        let mut left = vec![0; axes.rank()];
        axes.spatial.iter().zip(source).for_each(|(&axis, &i)| left[axis] = i);
        left[axes.batch] = index[self.op.out.batch];
        if self.op.batch_groups > 1 {
            left[axes.batch] += block * self.result[self.op.out.batch];
        } else {
            left[axes.feature] = block * self.rhs[self.op.rhs.input];
        }
        indexing::flat(self.lhs, &left)
    }

    /// The position of the kernel's first input feature.
    fn right(&self, index: &[usize], k: &[usize]) -> usize {
        let axes = &self.op.rhs;
        let mut right = vec![0; axes.rank()];
        axes.spatial.iter().zip(k).for_each(|(&axis, &i)| right[axis] = i);
        right[axes.output] = index[self.op.out.feature];
        indexing::flat(self.rhs, &right)
    }
}
