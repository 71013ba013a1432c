//! What a merged layer reads and what it is to make, from the activations of both networks.

use evaluate::{Features, Units};
use graph::{Builder, Def, Graph, Val};
use tensor::{DType, Shape, Tensor};

use super::layers::Layer;

/// For each index of an axis of a merged network, the indices of the networks whose mean it is.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Means {
    /// By network and index: the index there, and its share.
    pub(super) parts: [Vec<(usize, f64)>; 2],
}

impl Means {
    /// The same index of both networks, for each of `size`.
    pub(super) fn same(size: usize) -> Self {
        let part: Vec<_> = (0..size).map(|index| (index, 0.5)).collect();
        Self { parts: [part.clone(), part] }
    }

    /// The means of a value of both networks along an axis, in `f64`.
    fn emit(&self, b: &mut Builder, values: [Val; 2], axis: usize) -> Val {
        let [left, right] = [0, 1].map(|network| {
            let part = &self.parts[network];
            let indices = b.constant(Tensor::from_fn([part.len()], |at| part[at].0 as i32));
            let value = b.convert(values[network], DType::F64);
            let value = b.gather(value, indices, axis, 0);
            let shape = b.shape(value).clone();
            let shares = b.constant(Tensor::from_fn([part.len()], |at| part[at].1));
            let shares = b.broadcast(shares, &shape, &[axis]);
            b.multiply(value, shares)
        });
        b.add(left, right)
    }
}

/// The pairs whose moments are the normal equations of a layer: what a unit of the merged layer reads with itself, and
/// what the units are to make with what they read. `shape` is that of the merged parameter; `means` are those of what it
/// makes and of what it reads.
pub(super) fn pairs(
    b: &mut Builder,
    graph: &Graph,
    values: [&[Val]; 2],
    layer: &Layer,
    shape: &Shape,
    [makes, reads]: [&Means; 2],
) -> Vec<[Features; 2]> {
    let Def::Apply { op, operands } = graph.def(layer.val) else { unreachable!("a layer is a product") };
    let [read, made] = layer.places;
    let input = operands[1 - layer.weight];
    let x = reads.emit(b, values.map(|of| of[input.position()]), read);
    let basis = basis(b, shape, layer.axes[0]);
    let basis = layer.transposes.iter().fold(basis, |basis, op| b.apply(op.clone(), &[basis]));
    let sides = if layer.weight == 1 { [x, basis] } else { [basis, x] };
    let patches = b.apply(op.clone(), &sides);
    let target = makes.emit(b, values.map(|of| of[layer.val.position()]), made);
    let [patches, target] = [patches, target].map(|val| all(b, val, made));
    vec![[patches; 2], [target, patches]]
}

/// In place of a parameter, as many units as there are weights of one, each of which reads what one weight reads.
fn basis(b: &mut Builder, shape: &Shape, makes: usize) -> Val {
    let (units, inner) = (shape[makes], shape[makes + 1..].iter().product::<usize>());
    let count = shape.elements() / units;
    let mut sizes = shape.to_vec();
    sizes[makes] = count;
    let entry = |at: usize| {
        let (outer, rest) = (at / (inner * count), at % (inner * count));
        let (unit, weight) = (rest / inner, outer * inner + rest % inner);
        f64::from(u8::from(unit == weight))
    };
    b.constant(Tensor::from_fn(sizes, entry))
}

/// All indices of an axis, each a unit.
fn all(b: &mut Builder, val: Val, axis: usize) -> Features {
    let count = b.shape(val)[axis];
    Units { val, axis, block: 1, indices: (0..count).collect() }.features(b, val)
}
