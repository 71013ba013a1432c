//! What the inferred groups of known architectures are.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod common;

use common::{linear, network};
use graph::{Graph, Role, Ty};
use isoloss_symmetry::{Group, Slots, infer};
use models::{Loss, Model};
use tensor::DType;

/// The permutations of a network.
fn permutations(graph: &Graph) -> Group {
    infer(graph).permutations()
}

fn mlp(spec: &str) -> Group {
    permutations(&Model::parse(spec).unwrap().forward(2, DType::F64))
}

/// Name, size and moved axes of each generator.
fn described(group: &Group) -> Vec<(String, usize, Vec<String>)> {
    let axes = |generator: &isoloss_symmetry::Generator| {
        generator.actions.iter().map(|action| format!("{}[{}]", action.parameter, action.axis)).collect()
    };
    group
        .generators()
        .iter()
        .map(|generator| (generator.name.clone(), generator.size, axes(generator)))
        .collect()
}

#[test]
fn the_order_of_three_hidden_layers_of_512() {
    let group = mlp("mlp:784-512-512-512-10");
    assert!((group.log10_order() - 3499.6).abs() < 0.1, "{}", group.log10_order());
    assert_eq!(group.generators().len(), 3);
    assert_eq!(group.subjects().len(), 8);
}

#[test]
fn a_perceptron_has_one_generator_for_each_hidden_layer() {
    let group = mlp("mlp:4-3-5-2");
    let expected = |name: &str, size, axes: &[&str]| {
        (name.to_owned(), size, axes.iter().map(|axis| (*axis).to_owned()).collect::<Vec<_>>())
    };
    assert_eq!(
        described(&group),
        [
            expected("hidden units of 0.weight[0]", 3, &["0.weight[0]", "0.bias[0]", "2.weight[1]"]),
            expected("hidden units of 2.weight[0]", 5, &["2.weight[0]", "2.bias[0]", "4.weight[1]"]),
        ]
    );
    let slots =
        group.generators().iter().flat_map(|generator| generator.actions.iter().map(|a| (generator.size, a)));
    assert!(slots.into_iter().all(|(size, action)| action.slots == Slots::whole(size)));
}

#[test]
fn layer_norm_parameters_move_with_their_layer() {
    let group = mlp("mlp:4-3-2,norm=layer,act=gelu");
    let (_, size, axes) = &described(&group)[0];
    assert_eq!(*size, 3);
    assert_eq!(axes, &["0.weight[0]", "0.bias[0]", "1.weight[0]", "1.bias[0]", "3.weight[1]"]);
}

#[test]
fn the_number_of_examples_does_not_matter() {
    let model = Model::parse("mlp:3-4-5-3").unwrap();
    let groups = [1, 3, 4, 5].map(|batch| permutations(&model.forward(batch, DType::F32)));
    assert!(groups.iter().all(|group| *group == groups[0]));
}

#[test]
fn the_loss_keeps_the_symmetries_of_the_network() {
    let model = Model::parse("mlp:3-4-5-3,act=tanh").unwrap();
    for loss in [Loss::CrossEntropy, Loss::SquaredError] {
        let group = permutations(&model.objective(2, DType::F64, loss));
        assert_eq!(group, permutations(&model.forward(2, DType::F64)));
    }
}

#[test]
fn without_hidden_units_there_is_nothing_to_move() {
    let group = mlp("mlp:4-2");
    assert!(group.generators().is_empty());
    assert_eq!(group.log10_order(), 0.0);
    assert!(group.identity().is_identity());
    assert!(mlp("mlp:4-1-2").generators().is_empty(), "a single unit has nobody to change places with");
}

#[test]
fn a_weight_used_twice_has_one_generator_on_both_axes() {
    let group = permutations(&common::weight_used_twice(3));
    let axes = ["first.weight[0]", "shared.weight[0]", "shared.weight[1]", "last.weight[1]"];
    assert_eq!(
        described(&group),
        [("hidden units of first.weight[0]".to_owned(), 3, axes.map(str::to_owned).to_vec())]
    );
}

#[test]
fn channels_are_slots_and_their_positions_blocks() {
    let group = permutations(&common::channels(3));
    let [generator] = group.generators() else { panic!("{:?}", group.generators()) };
    assert_eq!((generator.name.as_str(), generator.size), ("hidden blocks of first.weight[0]", 3));
    assert_eq!(generator.actions[0].slots, Slots { block: 2, indices: vec![0, 1, 2, 3, 4, 5] });
    let gain = generator.actions.iter().find(|action| action.parameter == "gain").unwrap();
    assert_eq!(gain.slots, Slots::whole(3));
}

/// The hidden layer read as (position, channel) by one reader and as (channel, position) by another.
fn two_readings() -> Graph {
    network(2, |b, x| {
        let hidden = linear(b, x, "first", 4, false);
        let [left, right] = ["left", "right"].map(|name| b.parameter(name, Ty::f64([2])));
        let square: tensor::Shape = [common::EXAMPLES, 2, 2].into();
        let square_hidden = b.reshape(hidden, &square);
        let flipped = b.transpose(square_hidden, &[0, 2, 1]);
        let scaled = [(square_hidden, left), (flipped, right)].map(|(maps, gain)| {
            let gain = b.broadcast(gain, &square, &[1]);
            b.multiply(maps, gain)
        });
        let sum = b.add(scaled[0], scaled[1]);
        let flat = b.reshape(sum, &[common::EXAMPLES, 4].into());
        linear(b, flat, "last", 2, false)
    })
}

#[test]
fn channels_added_to_positions_pin_each_other() {
    assert!(permutations(&two_readings()).generators().is_empty());
}

#[test]
fn states_move_with_their_parameters() {
    let graph = network(2, |b, x| {
        let hidden = linear(b, x, "0", 3, false);
        let mean = b.input("1.running_mean", Role::State, Ty::f64([3]));
        let mean = common::along_last(b, hidden, mean);
        let hidden = b.subtract(hidden, mean);
        let hidden = b.tanh(hidden);
        linear(b, hidden, "2", 2, false)
    });
    let group = permutations(&graph);
    assert_eq!(described(&group)[0].2, ["0.weight[0]", "1.running_mean[0]", "2.weight[1]"]);
    assert_eq!(group.subjects()[1].role, Role::State);
}

#[test]
fn a_parameter_that_no_output_reads_is_left_alone() {
    let graph = network(2, |b, x| {
        let unread = linear(b, x, "unread", 3, true);
        let _ = b.tanh(unread);
        linear(b, x, "read", 2, false)
    });
    let group = permutations(&graph);
    assert!(group.generators().is_empty());
    assert_eq!(group.subjects().len(), 3);
}

#[test]
fn an_output_that_shows_the_hidden_units_pins_them() {
    let graph = |shows: bool| {
        let mut b = graph::Builder::new("network");
        let x = b.data("x", Ty::f64([common::EXAMPLES, 2]));
        let hidden = linear(&mut b, x, "0", 3, true);
        let hidden = b.tanh(hidden);
        let logits = linear(&mut b, hidden, "2", 2, true);
        b.output("logits", logits);
        if shows {
            b.output("hidden", hidden);
        }
        b.finish()
    };
    assert_eq!(permutations(&graph(false)).generators().len(), 1);
    assert!(permutations(&graph(true)).generators().is_empty());
}

/// Saved elements name their group by it, so it must not change from version to version.
#[test]
fn the_fingerprint_of_a_group_is_fixed() {
    assert_eq!(mlp("mlp:784-512-512-512-10").fingerprint().to_string(), "92fa2b45999dc07f");
}
