//! Scales and signs: found where they are, certified, and as many as the function allows.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod common;

use common::{linear, network};
use cpu::Cpu;
use graph::{Graph, Reference, Role, Ty, ops::DotGeneral};
use isoloss_symmetry::{Family, Generator, Group, certified, graphs, infer};
use models::Model;
use tensor::{Key, Tensor};

/// The group of a model, after its certificate has passed.
fn group(spec: &str) -> Group {
    let model = Model::parse(spec).unwrap();
    let graphs = graphs(&model, 3);
    let group = infer(&graphs[graphs.len() - 1]);
    let graphs: Vec<&Graph> = graphs.iter().collect();
    let certified = certified(&Cpu::new(), &graphs, &group, Key::new(3), 2).unwrap();
    assert!(certified.refused.is_empty(), "{spec}: {:?}", certified.refused);
    assert_eq!(certified.group, group.exact(), "{spec}");
    group
}

/// Independent scales that hold exactly, those that hold but for epsilons, and signs.
fn counts(spec: &str) -> [usize; 3] {
    let group = group(spec);
    let exact = group.dimension(false);
    [exact, group.dimension(true) - exact, group.signs()]
}

#[test]
fn every_unit_of_a_network_scales_or_turns_as_its_activation_allows() {
    for (options, expected) in [
        ("", [7, 0, 0]),
        (",act=leaky_relu", [7, 0, 0]),
        (",act=tanh", [0, 0, 7]),
        (",act=gelu", [0, 0, 0]),
        // Weights in front of a normalisation scale unit by unit, gains behind it against the next layer.
        (",norm=batch", [7, 7, 7]),
        (",norm=batch,act=gelu", [0, 7, 7]),
        // A normalisation over the units leaves one scale in front of it.
        (",norm=layer", [7, 2, 2]),
        (",norm=layer,act=gelu", [0, 2, 2]),
        (",norm=rms,act=silu", [0, 2, 7]),
    ] {
        assert_eq!(counts(&format!("mlp:5-4-3-2{options}")), expected, "{options}");
    }
}

#[test]
fn architectures_have_the_factors_that_their_parts_allow() {
    for (spec, expected) in [
        ("convnet:3-5,dense=7,in=2x8x6", [15, 0, 0]),
        // One exact scale for each channel of a stage and of each block; one approximate one for each normalised channel.
        ("resnet8:width=0.125,in=2x6x5", [28, 42, 42]),
        ("resnet8:width=0.125,in=2x6x5,norm=none", [28, 0, 0]),
        ("gcn:5-4-6-3,nodes=7", [10, 0, 0]),
        // Matrices of three rows for the embedding and what reads it; of the gates, the candidate's sign with the unit's.
        ("lstm:vocab=5,hidden=3,layers=1,steps=3", [9, 0, 3]),
        // Three gains of eight units, and matrices of four rows for two circuits of two heads; the stream in front of all
        // normalisations, and its sign.
        ("gpt:layers=1,width=8,heads=2,context=3,vocab=5", [24 + 4 * 16, 1, 25]),
    ] {
        assert_eq!(counts(spec), expected, "{spec}");
    }
}

fn exponents(generator: &Generator, family: &Family) -> Vec<(String, Option<i32>)> {
    let named = generator.actions.iter().zip(&family.exponents);
    let named = named
        .map(|(action, exponents)| (format!("{}[{}]", action.parameter, action.axis), exponents.common()));
    named.filter(|(_, exponent)| *exponent != Some(0)).collect()
}

#[test]
fn a_variance_scales_with_the_square_and_moves_with_its_weights() {
    let group = group("mlp:5-4-2,norm=batch");
    let [generator] = group.generators() else { panic!("{group:?}") };
    let named = |names: &[(&str, i32)]| -> Vec<(String, Option<i32>)> {
        names.iter().map(|&(name, exponent)| (name.to_owned(), Some(exponent))).collect()
    };
    let [gains, weights] = &generator.scales[..] else { panic!("{generator:?}") };
    assert_eq!(
        exponents(generator, gains),
        named(&[("1.weight[0]", 1), ("1.bias[0]", 1), ("3.weight[1]", -1)])
    );
    assert_eq!(
        exponents(generator, weights),
        named(&[("0.weight[0]", 1), ("0.bias[0]", 1), ("1.running_mean[0]", 1), ("1.running_var[0]", 2)])
    );
    assert!(!gains.is_approximate && weights.is_approximate);
}

#[test]
fn every_index_of_every_part_of_a_concatenation_counts() {
    let graph = network(2, |b, x| {
        let [u, v] = ["u", "v"].map(|name| b.parameter(name, Ty::f64([1, 3])));
        let both = b.concatenate(&[u, v], 0);
        let hidden = b.dot_general(
            DotGeneral { lhs_contract: vec![1], rhs_contract: vec![0], ..DotGeneral::default() },
            x,
            both,
        );
        let hidden = b.tanh(hidden);
        linear(b, hidden, "write", 2, false)
    });
    // A unit's weights are in both parts, and turn together.
    assert_eq!((infer(&graph).dimension(true), infer(&graph).signs()), (0, 3));
}

#[test]
fn a_weight_used_on_both_sides_has_a_sign_and_no_scale() {
    let tied = network(2, |b, x| {
        let hidden = linear(b, x, "read", 3, false);
        let weight = b.parameter("tied", Ty::f64([3, 3]));
        let bent = b.tanh(hidden);
        let hidden = b.linear(bent, weight, None);
        let hidden = b.tanh(hidden);
        linear(b, hidden, "write", 2, false)
    });
    assert_eq!((infer(&tied).dimension(true), infer(&tied).signs()), (0, 6));
    assert_eq!(infer(&common::weight_used_twice(3)).dimension(true), 0);
    // Each unit, and the whole weight: its two signs cancel.
    assert_eq!(infer(&common::weight_used_twice(3)).signs(), 3 + 1);
}

#[test]
fn what_is_added_before_a_bend_pins_the_scale() {
    let shifted = |shift: f64| {
        network(2, |b, x| {
            let hidden = linear(b, x, "0", 3, false);
            let constant = b.splat_like(hidden, shift);
            let hidden = b.add(hidden, constant);
            let hidden = b.relu(hidden);
            linear(b, hidden, "2", 2, false)
        })
    };
    assert_eq!(infer(&shifted(0.0)).dimension(true), 3);
    assert_eq!(infer(&shifted(1e-5)).dimension(true), 0, "no epsilon: nothing is divided by it");
}

#[test]
fn there_are_as_many_scales_as_flat_directions() {
    for spec in [
        "mlp:3-4-2",
        "mlp:3-3-3-2",
        "mlp:3-4-2,act=tanh",
        "mlp:2-3-2,act=leaky_relu,bias=off",
        "mlp:2-4-2,norm=none,act=gelu",
    ] {
        let graph = Model::parse(spec).unwrap().forward(40, tensor::DType::F64);
        assert_eq!(infer(&graph).dimension(false), common::flat_directions(&graph), "{spec}");
    }
}

/// The sign patterns of all axes of all parameters that leave the outputs unchanged, as different actions on the parameters.
fn sign_patterns(graph: &Graph) -> usize {
    let key = Key::new(5);
    let inputs = graph.inputs();
    let values = inputs.iter().map(|input| {
        let key = key.child(&input.name);
        Tensor::from_fn(graph.ty(input.val).shape.clone(), |i| 0.5 + key.uniform(i as u64))
    });
    let values: Vec<Tensor> = values.collect();
    let outputs = |values: &[Tensor]| {
        Reference::evaluate(graph, &values.iter().collect::<Vec<_>>()).unwrap()[0].to_f64_vec()
    };
    let expected = outputs(&values);
    let axes = inputs
        .iter()
        .filter(|input| input.role == Role::Parameter)
        .flat_map(|input| graph.ty(input.val).shape.to_vec());
    let bits: usize = axes.sum();
    let mut found = std::collections::BTreeSet::new();
    for pattern in 0..1usize << bits {
        let mut next = 0;
        let turned: Vec<Tensor> = inputs
            .iter()
            .zip(&values)
            .map(|(input, value)| {
                if input.role != Role::Parameter {
                    return value.clone();
                }
                let (shape, numbers) = (value.shape().clone(), value.to_f64_vec());
                let signs: Vec<Vec<bool>> = shape
                    .iter()
                    .map(|&size| {
                        next += size;
                        (next - size..next).map(|bit| pattern >> bit & 1 == 1).collect()
                    })
                    .collect();
                let columns = *shape.last().unwrap();
                Tensor::from_fn(shape, |i| {
                    let last = signs[signs.len() - 1][i % columns];
                    let first = signs.len() > 1 && signs[0][i / columns];
                    if last ^ first { -numbers[i] } else { numbers[i] }
                })
            })
            .collect();
        if outputs(&turned).iter().zip(&expected).all(|(x, y)| (x - y).abs() < 1e-9) {
            let is_negative = turned.iter().flat_map(Tensor::to_f64_vec).map(|x| x < 0.0);
            found.insert(is_negative.collect::<Vec<bool>>());
        }
    }
    found.len()
}

#[test]
fn there_are_as_many_signs_as_brute_force_finds() {
    for spec in
        ["mlp:2-2-2,act=tanh", "mlp:2-3-1,act=tanh,bias=off", "mlp:2-2-2", "mlp:1-2-2-1,act=tanh,bias=off"]
    {
        let graph = Model::parse(spec).unwrap().forward(6, tensor::DType::F64);
        assert_eq!(1 << infer(&graph).signs(), sign_patterns(&graph), "{spec}");
    }
}
