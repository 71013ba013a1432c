//! Lowering of convolutions.

use graph::ops;

use super::Lowering;
use crate::{
    conv::{Axis, Channels, Convolution, Extent, Features, Groups, Pair, Problem},
    node::Kind,
    view::View,
};

impl Lowering<'_> {
    /// A convolution; `shape` is that of the result.
    pub(super) fn convolution(
        &mut self,
        op: &ops::Convolution,
        lhs: View,
        rhs: View,
        shape: &[usize],
    ) -> View {
        let natural = View::contiguous(lhs.buffer, shape);
        let of_natural = problem(op, &lhs, &rhs, &natural);
        if of_natural.sums_over_images() {
            return self.convolution_node(of_natural, vec![lhs, rhs], shape);
        }
        let channels = op.lhs.feature;
        let lhs = if lhs.shape[channels] == 1 || lhs.strides[channels] == 1 {
            lhs
        } else {
            self.channels_last(&lhs, &op.lhs)
        };
        let order = image_order(&op.out);
        let last: Vec<usize> = order.iter().map(|&axis| shape[axis]).collect();
        let places: Vec<usize> = (0..shape.len())
            .map(|axis| order.iter().position(|&place| place == axis).unwrap_or(axis))
            .collect();
        let problem = problem(op, &lhs, &rhs, &View::contiguous(lhs.buffer, &last).select(&places));
        self.convolution_node(problem, vec![lhs, rhs], &last).select(&places)
    }

    /// A copy of an image with its channels as neighbours, seen as before.
    fn channels_last(&mut self, image: &View, axes: &ops::ImageAxes) -> View {
        let order = image_order(axes);
        let places: Vec<usize> = (0..order.len())
            .map(|axis| order.iter().position(|&place| place == axis).unwrap_or(axis))
            .collect();
        self.copy(image.select(&order)).select(&places)
    }

    pub(super) fn convolution_node(
        &mut self,
        problem: Problem,
        operands: Vec<View>,
        shape: &[usize],
    ) -> View {
        let dtype = self.nodes.buffer(operands[0].buffer).dtype;
        let plan = Convolution::new(problem, operands.len() / 2, dtype, self.isa);
        self.node(Kind::Convolution(Box::new(plan)), operands, dtype, shape)
    }
}

/// Batch, spatial axes, features.
fn image_order(axes: &ops::ImageAxes) -> Vec<usize> {
    [&[axes.batch][..], &axes.spatial, &[axes.feature]].concat()
}

/// The problem in terms of the operands' and the result's strides.
fn problem(op: &ops::Convolution, lhs: &View, rhs: &View, out: &View) -> Problem {
    let extent = |view: &View, axis: usize| Extent { size: view.shape[axis], stride: view.strides[axis] };
    let axis = |k: usize| Axis {
        input: extent(lhs, op.lhs.spatial[k]),
        kernel: extent(rhs, op.rhs.spatial[k]),
        output: extent(out, op.out.spatial[k]),
        stride: op.strides[k],
        low: op.low[k] as isize,
        base_dilation: op.lhs_dilation[k],
        window_dilation: op.rhs_dilation[k],
        reversed: op.reversal[k],
    };
    let (batch, features) = (extent(lhs, op.lhs.batch), rhs.shape[op.rhs.output] / op.groups());
    let batch_strides = Pair { input: batch.stride, output: out.strides[op.out.batch] };
    let channels = extent(rhs, op.rhs.input);
    let input = lhs.strides[op.lhs.feature];
    let feature_strides =
        Features { kernel: rhs.strides[op.rhs.output], output: out.strides[op.out.feature] };
    let images = batch.size / op.batch_groups;
    let group = if op.batch_groups > 1 { images * batch.stride } else { channels.size * input };
    Problem {
        batch: images,
        batch_strides,
        channels: channels.size,
        channel_strides: Channels { input, kernel: channels.stride },
        features,
        feature_strides,
        axes: (0..op.lhs.spatial.len()).map(axis).collect(),
        groups: Groups {
            count: op.groups(),
            input: group,
            kernel: features * feature_strides.kernel,
            output: features * feature_strides.output,
        },
    }
}
