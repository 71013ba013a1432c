//! Hidden units through slices, concatenations, reversals, paddings and look-ups.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod common;

use common::{EXAMPLES, linear, network};
use graph::{Builder, Graph, Reference, Ty, Val};
use isoloss_symmetry::{certify, infer};
use tensor::Key;

/// The axes that each generator moves, with the number of its slots; the group has passed its certificate.
fn moved(graph: &Graph) -> Vec<(usize, Vec<String>)> {
    let group = infer(graph);
    let certificate = certify(&Reference, &[graph], &group.exact(), Key::new(4), 3).unwrap();
    assert!(certificate.passed() && certificate.worst_relative() < 1e-13, "{certificate:?}");
    let axes = |generator: &isoloss_symmetry::Generator| {
        generator.actions.iter().map(|action| format!("{}[{}]", action.parameter, action.axis)).collect()
    };
    group.generators().iter().map(|generator| (generator.size, axes(generator))).collect()
}

/// A hidden layer of `2 · 3` units as `rejoin` changes it, before the last layer.
fn with_hidden(rejoin: impl FnOnce(&mut Builder, Val) -> Val) -> Graph {
    network(2, |b, x| {
        let hidden = linear(b, x, "first", 6, true);
        let hidden = b.tanh(hidden);
        let hidden = rejoin(b, hidden);
        linear(b, hidden, "last", 2, false)
    })
}

fn whole_layer(size: usize) -> Vec<(usize, Vec<String>)> {
    let axes = ["first.weight[0]", "first.bias[0]", "last.weight[1]"];
    vec![(size, axes.map(str::to_owned).to_vec())]
}

#[test]
fn the_halves_of_a_gated_layer_move_together() {
    let gated = with_hidden(|b, hidden| {
        let [value, gate] = [0..3, 3..6].map(|half| b.slice_axis(hidden, 1, half));
        let gate = b.apply(graph::ops::Logistic, &[gate]);
        b.multiply(value, gate)
    });
    assert_eq!(moved(&gated), whole_layer(3));
}

#[test]
fn interleaved_gates_move_together_by_their_strides() {
    let gated = with_hidden(|b, hidden| {
        let [value, gate] = [0, 1].map(|start| b.slice(hidden, &[0, start], &[EXAMPLES, 6], &[1, 2]));
        b.multiply(value, gate)
    });
    assert_eq!(moved(&gated), whole_layer(3));
}

#[test]
fn joined_layers_keep_their_units_apart() {
    let joined = network(2, |b, x| {
        let left = linear(b, x, "left", 3, false);
        let right = linear(b, x, "right", 4, false);
        let joined = b.concatenate(&[left, right], 1);
        let hidden = b.tanh(joined);
        linear(b, hidden, "last", 2, false)
    });
    let axes = |name: &str| vec![format!("{name}.weight[0]"), "last.weight[1]".to_owned()];
    // Units of either layer may change places among themselves, not across: the weights are two tensors.
    assert_eq!(moved(&joined), [(3, axes("left")), (4, axes("right"))]);
}

#[test]
fn what_is_multiplied_with_its_mirror_image_moves_in_pairs() {
    let mirrored = with_hidden(|b, hidden| {
        let reversed = b.reverse(hidden, &[1]);
        b.multiply(hidden, reversed)
    });
    let generators = moved(&mirrored);
    assert_eq!(generators.len(), 1);
    assert_eq!(generators[0].0, 3, "{generators:?}");
}

#[test]
fn padded_units_move_and_the_readers_of_zeros_are_free() {
    let padded = with_hidden(|b, hidden| b.pad(hidden, &[(0, 0, 0), (2, 1, 0)]));
    let sizes: Vec<usize> = moved(&padded).into_iter().map(|(size, _)| size).collect();
    assert_eq!(sizes, [6, 3]);
}

#[test]
fn the_columns_of_an_embedding_move_with_the_next_layer() {
    let mut b = Builder::new("embedding");
    let table = b.parameter("table", Ty::f64([7, 5]));
    let tokens = b.data("tokens", Ty::i32([EXAMPLES]));
    let rows = b.gather(table, tokens, 0, 0);
    let hidden = b.tanh(rows);
    let y = linear(&mut b, hidden, "last", 2, false);
    b.output("y", y);
    let axes = ["table[1]", "last.weight[1]"].map(str::to_owned).to_vec();
    assert_eq!(moved(&b.finish()), [(5, axes)]);
}
