//! Updating donated arguments in place.

use graph::{Argument, Builder, Donation, Executable, Graph, Ty, Val};
use tensor::Tensor;

use super::{BEST, compile, run};

fn numbers(count: usize, shift: f32) -> Tensor {
    Tensor::from_fn([count], |i| i as f32 + shift)
}

fn address(tensor: &Tensor) -> *const f32 {
    tensor.as_slice::<f32>().expect("these tensors are of f32").as_ptr()
}

/// Donates input `i` to output `i` for all outputs, and checks results and addresses.
fn check_in_place(graph: &Graph, arguments: &[Tensor]) {
    let donations = Donation::in_order(graph.outputs().len());
    let expected = run(graph, arguments, BEST());
    let mut compiled = compile(graph, &donations, BEST());
    for _ in 0..2 {
        let given: Vec<Tensor> = arguments.to_vec();
        let addresses: Vec<*const f32> = given.iter().map(address).collect();
        let found =
            compiled.run(given.into_iter().map(Argument::Donated).collect()).expect("the arguments fit");
        assert_eq!(found, expected);
        for (found, before) in found.iter().zip(addresses) {
            assert_eq!(address(found), before, "the memory is the argument's");
        }
    }
}

fn graph_of(types: &[Ty], build: impl FnOnce(&mut Builder, &[Val]) -> Vec<Val>) -> Graph {
    let mut b = Builder::new("donation");
    let inputs: Vec<Val> =
        types.iter().enumerate().map(|(position, ty)| b.data(position.to_string(), ty.clone())).collect();
    for (position, val) in build(&mut b, &inputs).into_iter().enumerate() {
        b.output(position.to_string(), val);
    }
    b.finish()
}

#[test]
fn momentum_is_one_loop_in_place_without_working_memory() {
    let ty = Ty::f32([5000]);
    let graph = graph_of(&[ty.clone(), ty.clone(), ty], |b, x| {
        let kept = b.scale(x[1], 0.9);
        let momentum = b.add(kept, x[2]);
        let step = b.scale(momentum, 0.1);
        vec![b.subtract(x[0], step), momentum]
    });
    let arguments = [numbers(5000, 0.0), numbers(5000, 0.5), numbers(5000, -3.0)];
    check_in_place(&graph, &arguments);
    let donations = [Donation { input: 0, output: 0 }, Donation { input: 1, output: 1 }];
    let compiled = compile(&graph, &donations, BEST());
    assert_eq!(compiled.workspace_bytes(), 0);
    assert_eq!(compiled.steps().len(), 1);
}

#[test]
fn an_argument_read_after_its_update_is_still_the_old_one() {
    let ty = Ty::f32([3000]);
    let graph = graph_of(&[ty.clone(), ty], |b, x| {
        let sum = b.add(x[0], x[1]);
        vec![sum, b.multiply(sum, x[0])]
    });
    check_in_place(&graph, &[numbers(3000, 0.0), numbers(3000, 0.5)]);
}

#[test]
fn an_update_that_reads_another_position_is_right() {
    let graph = graph_of(&[Ty::f32([70, 70])], |b, x| {
        let turned = b.transpose(x[0], &[1, 0]);
        vec![b.add(x[0], turned)]
    });
    check_in_place(&graph, &[Tensor::from_fn([70, 70], |i| i as f32)]);
}

#[test]
fn an_update_that_reads_a_sum_of_the_argument_is_right() {
    let graph = graph_of(&[Ty::f32([5000])], |b, x| {
        let sum = b.reduce_max(x[0], &[0]);
        let sum = b.broadcast(sum, &[5000].into(), &[]);
        vec![b.subtract(x[0], sum)]
    });
    check_in_place(&graph, &[numbers(5000, 0.0)]);
}

#[test]
fn a_product_with_the_argument_is_right() {
    let graph = graph_of(&[Ty::f32([40, 40])], |b, x| vec![b.dot_transposed(x[0], x[0])]);
    check_in_place(&graph, &[Tensor::from_fn([40, 40], |i| (i % 7) as f32)]);
}

#[test]
fn reads_of_the_argument_by_later_values_come_first() {
    let ty = Ty::f32([30, 30]);
    let graph = graph_of(&[ty.clone(), ty], |b, x| {
        let updated = b.scale(x[0], 2.0);
        let product = b.dot_transposed(updated, x[0]);
        vec![updated, product]
    });
    check_in_place(&graph, &[Tensor::from_fn([30, 30], |i| (i % 5) as f32), Tensor::full([30, 30], 1f32)]);
}

#[test]
fn arguments_can_be_swapped() {
    let ty = Ty::f32([3000]);
    let graph = graph_of(&[ty.clone(), ty], |_, x| vec![x[1], x[0]]);
    check_in_place(&graph, &[numbers(3000, 0.0), numbers(3000, 0.5)]);
}

#[test]
fn an_argument_passes_through_unchanged() {
    let graph = graph_of(&[Ty::f32([30])], |_, x| vec![x[0]]);
    check_in_place(&graph, &[numbers(30, 0.0)]);
}

#[test]
fn one_value_in_several_outputs_is_copied() {
    let ty = Ty::f32([3000]);
    let graph = graph_of(&[ty.clone(), ty], |b, x| {
        let sum = b.add(x[0], x[1]);
        vec![sum, sum]
    });
    check_in_place(&graph, &[numbers(3000, 0.0), numbers(3000, 0.5)]);
}

#[test]
fn a_constant_output_fills_the_argument() {
    let graph = graph_of(&[Ty::f32([4, 3])], |b, x| vec![b.splat_like(x[0], 7.0)]);
    check_in_place(&graph, &[Tensor::full([4, 3], 1f32)]);
}

#[test]
fn a_borrowed_argument_in_a_donated_place_stays_as_it_is() {
    let graph = graph_of(&[Ty::f32([3000])], |b, x| vec![b.scale(x[0], 2.0)]);
    let argument = numbers(3000, 0.0);
    let mut compiled = compile(&graph, &[Donation { input: 0, output: 0 }], BEST());
    let found = compiled.run(vec![Argument::Borrowed(&argument)]).expect("the arguments fit");
    assert_eq!(found[0].as_slice::<f32>().unwrap()[3], 6.0);
    assert_eq!(argument, numbers(3000, 0.0));
}

#[test]
fn an_argument_that_is_not_donated_is_never_written() {
    let graph = graph_of(&[Ty::f32([3000])], |b, x| vec![b.scale(x[0], 2.0)]);
    let argument = numbers(3000, 0.0);
    run(&graph, std::slice::from_ref(&argument), BEST());
    assert_eq!(argument, numbers(3000, 0.0));
}
