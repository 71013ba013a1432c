//! Second derivatives of convolutional networks are made of convolutions.

use std::collections::BTreeMap;

use graph::{Builder, Def, Graph, Ty, ops::Convolution};
use transform::hvp;

/// A network of three convolutions, one of them depthwise, and the mean of its squared output.
fn network() -> Graph {
    let mut b = Builder::new("network");
    let x = b.data("x", Ty::f32([2, 9, 9, 3]));
    let kernels = [[4, 3, 3, 3], [4, 1, 3, 3], [5, 4, 1, 1]];
    let kernels = [0, 1, 2].map(|k| b.parameter(format!("w{k}"), Ty::f32(kernels[k])));
    let ops = [
        Convolution::new(2).with_padding_and_stride(1, 2),
        Convolution { feature_groups: 4, ..Convolution::new(2).with_padding_and_stride(1, 1) },
        Convolution::new(2).with_padding_and_stride(0, 2),
    ];
    let mut y = x;
    for (op, w) in ops.into_iter().zip(kernels) {
        y = b.convolution(op, y, w);
        y = b.tanh(y);
    }
    let square = b.multiply(y, y);
    let loss = b.reduce_sum(square, &[0, 1, 2, 3]);
    b.output("loss", loss);
    b.finish()
}

#[test]
fn a_hessian_vector_product_of_convolutions_moves_no_data() {
    let graph = hvp(&network(), 0, &[1, 2, 3]);
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for val in graph.vals() {
        if let Def::Apply { op, .. } = graph.def(val) {
            *counts.entry(op.name()).or_default() += 1;
        }
    }
    for moving in ["transpose", "reverse", "slice", "pad", "concatenate", "reshape", "gather"] {
        assert!(!counts.contains_key(moving), "{moving}: {counts:?}");
    }
    // Three forward, five for the gradient (the data has none), and two for the tangent of each, but for the first
    // and its kernel's cotangent, where the data has no tangent.
    assert_eq!(counts["convolution"], (3 + 5) + 2 * (3 + 5) - 2, "{counts:?}");
}
