//! Which indices of a convolution's operands and result move together.

use super::Convolution;
use crate::{Axis, AxisMap, Run, Tie, Ty};

/// The axis map of a convolution; see [`Convolution`] for what it says.
pub(super) fn axis_map(op: &Convolution, operands: &[&Ty], result: &Ty) -> AxisMap {
    let mut map = AxisMap::default();
    tie_spatial(&mut map, op, operands, result);
    let batch = (Axis::operand(0, op.lhs.batch), Axis::result(op.out.batch));
    let blocks = |axis, count| blocks(axis, op.batch_groups, count);
    let count = result.shape[op.out.batch];
    map.ties.extend(blocks(batch.0, count).map(|block| Tie(block, Run::whole(batch.1, count))));
    tie_features(&mut map, op, operands);
    map
}

/// The blocks of an axis, `count` indices each.
fn blocks(axis: Axis, groups: usize, count: usize) -> impl Iterator<Item = Run> {
    (0..groups).map(move |block| Run { axis, start: block * count, step: 1, count })
}

/// The same index of each block, for each index of a block.
fn across_blocks(axis: Axis, groups: usize, size: usize) -> impl Iterator<Item = Run> {
    let step = size / groups;
    (0..step).map(move |start| Run { axis, start, step: step as isize, count: groups })
}

fn tie_features(map: &mut AxisMap, op: &Convolution, operands: &[&Ty]) {
    let features = Axis::operand(0, op.lhs.feature);
    let (inputs, outputs) = (Axis::operand(1, op.rhs.input), Axis::operand(1, op.rhs.output));
    let results = Axis::result(op.out.feature);
    let (input_count, output_count) = (operands[1].shape[op.rhs.input], operands[1].shape[op.rhs.output]);
    if op.feature_groups > 1 {
        let blocks_of = |axis, size| across_blocks(axis, op.feature_groups, size);
        let images = blocks_of(features, operands[0].shape[op.lhs.feature]);
        let kernels = blocks_of(outputs, output_count);
        let moved = images.chain(kernels).chain(blocks_of(results, output_count));
        let all: Vec<Run> = moved.collect();
        map.ties.extend(all.windows(2).map(|pair| Tie(pair[0], pair[1])));
        map.fix_inside(features, inputs, input_count);
        return;
    }
    map.ties.push(Tie(Run::whole(features, input_count), Run::whole(inputs, input_count)));
    let count = output_count / op.groups();
    let pairs = blocks(outputs, op.groups(), count).zip(blocks(results, op.groups(), count));
    map.ties.extend(pairs.map(|(output, result)| Tie(output, result)));
}

fn tie_spatial(map: &mut AxisMap, op: &Convolution, operands: &[&Ty], result: &Ty) {
    for (k, window) in op.windows(&operands[1].shape).iter().enumerate() {
        let image = (Axis::operand(0, op.lhs.spatial[k]), operands[0].shape[op.lhs.spatial[k]]);
        let results = (Axis::result(op.out.spatial[k]), result.shape[op.out.spatial[k]]);
        if window.is_pointwise(image.1) {
            map.tie(image.0, results.0, image.1);
        } else {
            map.fix(image.0, image.1);
            map.fix(results.0, results.1);
        }
        map.fix(Axis::operand(1, op.rhs.spatial[k]), window.size);
    }
}
