//! Convolutions within graphs.

use graph::{
    Builder, Graph, Reference, Ty,
    ops::{Convolution, ImageAxes, KernelAxes},
};
use tensor::{DType, Key, Tensor, parallel::with_threads};

use super::{BEST, bits, compile, run};
use crate::step::Step;

/// Small integers, whose sums of products are exact.
fn integers(shape: &[usize], key: Key) -> Tensor {
    let count: usize = shape.iter().product();
    let elements: Vec<f32> = (0..count as u64).map(|i| key.below(i, 7) as f32 - 3.0).collect();
    Tensor::new(shape.to_vec(), elements).unwrap()
}

fn arguments(graph: &Graph) -> Vec<Tensor> {
    let inputs = graph.inputs().iter().enumerate();
    inputs.map(|(i, input)| integers(&graph.ty(input.val).shape, Key::new(i as u64))).collect()
}

fn agrees(graph: &Graph) {
    let arguments = arguments(graph);
    let expected = Reference::evaluate(graph, &arguments.iter().collect::<Vec<_>>()).unwrap();
    assert_eq!(bits(&expected), bits(&run(graph, &arguments, BEST())));
}

fn convolutions(graph: &Graph) -> usize {
    compile(graph, &[], BEST()).steps().iter().filter(|step| matches!(step, Step::Convolution(_))).count()
}

/// A sum of convolutions of different images by different kernels.
fn sum(terms: usize) -> Builder {
    let mut b = Builder::new("sum");
    let op = Convolution::new(2).with_padding_and_stride(1, 1);
    let convolved: Vec<_> = (0..terms)
        .map(|term| {
            let x = b.data(format!("x{term}"), Ty::f32([3, 8, 8, 5]));
            let w = b.data(format!("w{term}"), Ty::f32([20, 5, 3, 3]));
            b.convolution(op.clone(), x, w)
        })
        .collect();
    let sum = convolved.iter().skip(1).fold(convolved[0], |sum, &term| b.add(sum, term));
    b.output("sum", sum);
    if terms == 2 {
        b.output("first", convolved[0]);
    }
    b
}

#[test]
fn a_sum_of_convolutions_is_one_step() {
    let graph = sum(3).finish();
    assert_eq!(convolutions(&graph), 1);
    agrees(&graph);
}

#[test]
fn terms_that_others_read_are_steps_of_their_own() {
    let graph = sum(2).finish();
    assert_eq!(convolutions(&graph), 2);
    agrees(&graph);
}

#[test]
fn one_convolution_twice_is_added_up() {
    let mut b = Builder::new("twice");
    let x = b.data("x", Ty::f32([2, 4, 4, 3]));
    let w = b.data("w", Ty::f32([4, 3, 3, 3]));
    let y = b.convolution(Convolution::new(2), x, w);
    let twice = b.add(y, y);
    b.output("twice", twice);
    agrees(&b.finish());
}

#[test]
fn images_of_any_layout_agree_with_the_reference() {
    let first = ImageAxes::features_first(2);
    let batch_last = ImageAxes { batch: 3, feature: 1, spatial: vec![0, 2] };
    for lhs in [&first, &batch_last] {
        for out in [&first, &batch_last] {
            let (lhs, out) = (lhs.clone(), out.clone());
            let op = Convolution { lhs, out, ..Convolution::new(2).with_padding_and_stride(1, 2) };
            let mut shape = [0; 4];
            for (axis, size) in
                [(op.lhs.batch, 2), (op.lhs.feature, 3), (op.lhs.spatial[0], 7), (op.lhs.spatial[1], 6)]
            {
                shape[axis] = size;
            }
            let mut b = Builder::new("layout");
            let x = b.data("x", Ty::f32(shape));
            let w = b.data("w", Ty::f32([4, 3, 3, 3]));
            let y = b.convolution(op, x, w);
            b.output("y", y);
            agrees(&b.finish());
        }
    }
}

#[test]
fn weight_gradients_of_images_of_any_layout_agree_with_the_reference() {
    for features_last in [true, false] {
        let lhs = if features_last { ImageAxes::features_last(2) } else { ImageAxes::features_first(2) };
        let shape = if features_last { [4, 8, 8, 3] } else { [4, 3, 8, 8] };
        let op = Convolution {
            lhs: ImageAxes { batch: lhs.feature, feature: lhs.batch, spatial: lhs.spatial },
            rhs: KernelAxes { output: 3, input: 0, spatial: vec![1, 2] },
            out: ImageAxes { batch: 1, feature: 0, spatial: vec![2, 3] },
            ..Convolution::new(2).with_padding_and_stride(1, 1)
        };
        let mut b = Builder::new("gradient");
        let x = b.data("x", Ty::f32(shape));
        let dy = b.data("dy", Ty::f32([4, 8, 8, 16]));
        let dw = b.convolution(op, x, dy);
        b.output("dw", dw);
        agrees(&b.finish());
    }
}

#[test]
fn parts_and_broadcasts_of_tensors_are_convolved() {
    let mut b = Builder::new("views");
    let x = b.data("x", Ty::f32([2, 9, 9, 6]));
    let w = b.data("w", Ty::f32([3]));
    let part = b.slice(x, &[0, 1, 0, 2], &[2, 9, 8, 5], &[1, 1, 2, 1]);
    let kernel = b.broadcast(w, &[4, 3, 3, 2].into(), &[1]);
    let y = b.convolution(Convolution::new(2).with_padding_and_stride(1, 1), part, kernel);
    b.output("y", y);
    agrees(&b.finish());
}

#[test]
fn the_number_of_threads_changes_no_bit_of_a_convolution() {
    let mut b = Builder::new("threads");
    let x = b.data("x", Ty::f32([24, 16, 16, 16]));
    let w = b.data("w", Ty::f32([32, 16, 3, 3]));
    let op = Convolution::new(2).with_padding_and_stride(1, 1);
    let y = b.convolution(op, x, w);
    let weights = Convolution {
        lhs: ImageAxes { batch: 3, feature: 0, spatial: vec![1, 2] },
        rhs: KernelAxes { output: 3, input: 0, spatial: vec![1, 2] },
        out: ImageAxes { batch: 1, feature: 0, spatial: vec![2, 3] },
        ..Convolution::new(2).with_padding_and_stride(1, 1)
    };
    let gradient = b.convolution(weights, x, y);
    b.output("y", y);
    b.output("gradient", gradient);
    let graph = b.finish();
    let shapes = graph.inputs().iter().map(|input| graph.ty(input.val).shape.clone());
    let random =
        |shape: tensor::Shape| Tensor::from_fn(shape, |i| Key::new(9).uniform(i as u64)).convert(DType::F32);
    let arguments: Vec<Tensor> = shapes.map(random).collect();
    let on = |threads| with_threads(threads, || bits(&run(&graph, &arguments, BEST()))).unwrap();
    let one = on(1);
    for threads in [2, 3] {
        assert_eq!(one, on(threads), "{threads} threads");
    }
}
