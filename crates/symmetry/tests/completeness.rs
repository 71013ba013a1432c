//! The inferred group against an independent count: all ways of permuting all axes of all parameters of small smooth
//! networks, each tried on random parameters. Nothing of the crate but [`infer`] takes part.

mod common;

use common::{along_last, linear, network, times_constant};
use graph::{Graph, Reference, Role, Ty};
use isoloss_symmetry::infer;
use tensor::{DType, Key, Tensor};

/// All permutations of `0..n`.
fn permutations(n: usize) -> Vec<Vec<usize>> {
    if n == 0 {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for shorter in permutations(n - 1) {
        for place in 0..n {
            let mut longer = shorter.clone();
            longer.insert(place, n - 1);
            all.push(longer);
        }
    }
    all
}

/// All rearrangements of a tensor by a permutation of each of its axes.
fn rearrangements(tensor: &Tensor) -> Vec<Tensor> {
    let values = tensor.to_f64_vec();
    let make =
        |element: &dyn Fn(usize) -> usize| Tensor::from_fn(tensor.shape().clone(), |at| values[element(at)]);
    match tensor.shape()[..] {
        [n] => permutations(n).iter().map(|p| make(&|at| p[at])).collect(),
        [rows, columns] => permutations(rows)
            .iter()
            .flat_map(|p| {
                let both = permutations(columns).into_iter();
                both.map(|q| make(&|at| p[at / columns] * columns + q[at % columns])).collect::<Vec<_>>()
            })
            .collect(),
        _ => unreachable!("the networks of this file have vectors and matrices only"),
    }
}

/// The number of combinations of axis permutations that leave the outputs unchanged at random parameters.
fn brute_force(graph: &Graph) -> usize {
    let key = Key::new(11);
    let values: Vec<Tensor> = graph
        .inputs()
        .iter()
        .map(|input| {
            let key = key.child(&input.name);
            Tensor::from_fn(graph.ty(input.val).shape.clone(), |index| key.normal(index as u64))
        })
        .collect();
    let outputs =
        |values: &[&Tensor]| Reference::evaluate(graph, values).expect("typed inputs")[0].to_f64_vec();
    let expected = outputs(&values.iter().collect::<Vec<_>>());
    let choices: Vec<Vec<Tensor>> = graph
        .inputs()
        .iter()
        .zip(&values)
        .map(|(input, value)| match input.role {
            Role::Data => vec![value.clone()],
            Role::Parameter | Role::State => rearrangements(value),
        })
        .collect();
    let combinations = choices.iter().map(Vec::len).product::<usize>();
    (0..combinations)
        .filter(|combination| {
            let mut rest = *combination;
            let chosen: Vec<&Tensor> = choices
                .iter()
                .map(|choices| {
                    let choice = &choices[rest % choices.len()];
                    rest /= choices.len();
                    choice
                })
                .collect();
            outputs(&chosen).iter().zip(&expected).all(|(found, expected)| (found - expected).abs() < 1e-9)
        })
        .count()
}

#[track_caller]
fn assert_complete(graph: &Graph, order: usize) {
    let group = infer(graph).permutations();
    let inferred =
        group.generators().iter().map(|generator| (1..=generator.size).product::<usize>()).product::<usize>();
    assert_eq!((inferred, brute_force(graph)), (order, order), "{:?}", group.generators());
}

#[test]
fn one_hidden_layer_with_biases() {
    let graph = network(3, |b, x| {
        let hidden = linear(b, x, "0", 3, true);
        let hidden = b.tanh(hidden);
        linear(b, hidden, "2", 2, true)
    });
    assert_complete(&graph, 6);
}

#[test]
fn two_hidden_layers() {
    let graph = network(2, |b, x| {
        let hidden = linear(b, x, "0", 2, true);
        let hidden = b.gelu(hidden);
        let hidden = linear(b, hidden, "2", 3, true);
        let hidden = b.gelu(hidden);
        linear(b, hidden, "4", 2, false)
    });
    assert_complete(&graph, 2 * 6);
}

#[test]
fn two_hidden_layers_of_three() {
    let graph = network(2, |b, x| {
        let hidden = linear(b, x, "0", 3, false);
        let hidden = b.tanh(hidden);
        let hidden = linear(b, hidden, "2", 3, false);
        let hidden = b.tanh(hidden);
        linear(b, hidden, "4", 2, false)
    });
    assert_complete(&graph, 6 * 6);
}

#[test]
fn layer_norm_with_gain_and_bias() {
    let graph = network(2, |b, x| {
        let hidden = linear(b, x, "0", 3, false);
        let (gain, bias) = (b.parameter("1.weight", Ty::f64([3])), b.parameter("1.bias", Ty::f64([3])));
        let hidden = b.layer_norm(hidden, Some(gain), Some(bias), 1e-5);
        let hidden = b.gelu(hidden);
        linear(b, hidden, "3", 2, false)
    });
    assert_complete(&graph, 6);
}

#[test]
fn layer_norm_with_gain_only_after_a_bias() {
    let graph = network(2, |b, x| {
        let hidden = linear(b, x, "0", 3, true);
        let gain = b.parameter("1.weight", Ty::f64([3]));
        let hidden = b.layer_norm(hidden, Some(gain), None, 1e-5);
        let hidden = b.tanh(hidden);
        linear(b, hidden, "3", 2, false)
    });
    assert_complete(&graph, 6);
}

#[test]
fn layer_norm_of_the_logits_moves_nothing() {
    let graph = network(2, |b, x| {
        let (gain, bias) = (b.parameter("1.weight", Ty::f64([3])), b.parameter("1.bias", Ty::f64([3])));
        let logits = linear(b, x, "0", 3, false);
        b.layer_norm(logits, Some(gain), Some(bias), 1e-5)
    });
    assert_complete(&graph, 1);
}

#[test]
fn a_branch_on_the_input_moves_its_hidden_units_only() {
    let graph = network(3, |b, x| {
        let hidden = linear(b, x, "1", 3, false);
        let hidden = b.leaky_relu(hidden, 0.1);
        let branch = linear(b, hidden, "2", 3, false);
        b.add(x, branch)
    });
    assert_complete(&graph, 6);
}

#[test]
fn a_residual_stream_is_tied_through_all_its_writers_and_readers() {
    assert_complete(&common::residual_stream(), 6 * 2);
}

#[test]
fn a_weight_used_twice_moves_on_both_axes_at_once() {
    assert_complete(&common::weight_used_twice(3), 6);
}

#[test]
fn branches_that_are_multiplied_move_together() {
    let graph = network(2, |b, x| {
        let left = linear(b, x, "left", 3, false);
        let left = b.tanh(left);
        let right = linear(b, x, "right", 3, false);
        let right = b.gelu(right);
        let hidden = b.multiply(left, right);
        linear(b, hidden, "last", 2, false)
    });
    assert_complete(&graph, 6);
}

#[test]
fn a_constant_that_varies_pins_its_axis() {
    let with = |values: &[f64]| {
        network(2, |b, x| {
            let hidden = linear(b, x, "0", 3, true);
            let hidden = times_constant(b, hidden, values);
            let hidden = b.tanh(hidden);
            linear(b, hidden, "2", 2, false)
        })
    };
    assert_complete(&with(&[1.0, 2.0, 3.0]), 1);
    assert_complete(&with(&[2.0, 2.0, 2.0]), 6);
}

#[test]
fn channels_move_as_blocks_of_positions() {
    assert_complete(&common::channels(2), 2);
}

#[test]
fn a_gram_matrix_of_hidden_units_ties_both_its_axes() {
    let graph = network(2, |b, x| {
        let weight = b.parameter("weight", Ty::f64([3, 2]));
        let gram = b.dot_transposed(weight, weight);
        let gain = b.parameter("gain", Ty::f64([3]));
        let gains = along_last(b, gram, gain);
        let weighed = b.multiply(gram, gains);
        let total = b.reduce_sum(weighed, &[0, 1]);
        let shape = b.shape(x).clone();
        let total = b.broadcast(total, &shape, &[]);
        b.multiply(x, total)
    });
    // The features of `weight` are contracted with themselves, so they move freely too.
    assert_complete(&graph, 6 * 2);
}

#[test]
fn the_count_itself_tells_a_symmetric_function_from_others() {
    let sum = network(2, |b, x| {
        let vector = b.parameter("v", Ty::f64([3]));
        let total = b.reduce_sum(vector, &[0]);
        let shape = b.shape(x).clone();
        let total = b.broadcast(total, &shape, &[]);
        b.add(x, total)
    });
    assert_eq!(sum.ty(sum.outputs()[0].val).dtype, DType::F64);
    assert_complete(&sum, 6);
}
