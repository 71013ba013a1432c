//! Numbers that can be added to parameters because biases make up for them.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod common;

use common::{along_last, flat_directions_at, linear, of_sequences, outputs, random_params};
use cpu::Cpu;
use graph::{
    Builder, Graph, Ty, Val,
    composite::{Attention, SelfAttention},
    ops::DotGeneral,
};
use isoloss_symmetry::{
    SymmetryError, Translation, graphs, infer, infer_folded, translations, translations_certified,
};
use models::Model;
use tensor::{DType, Key, Tensor};

/// All translations, each and all of which were tried.
#[track_caller]
fn certified(graphs: &[&Graph]) -> (usize, Vec<Translation>) {
    let found = translations(graphs.last().unwrap());
    let tested = translations_certified(&Cpu::new(), graphs, &found.families, Key::new(3)).unwrap();
    assert!(tested.refused.is_empty() && tested.jointly.worst_relative < 1e-10, "{tested:?}");
    assert_eq!(tested.translations, found.families);
    (found.dimension, found.families)
}

/// `x` in rows.
fn rows(b: &mut Builder, x: Val) -> Val {
    let features = b.shape(x)[2];
    b.reshape(x, &[120, features].into())
}

fn vectors(b: &mut Builder, name: &str, size: usize) -> [Val; 2] {
    ["weight", "bias"].map(|own| b.parameter(format!("{name}.{own}"), Ty::f64([size])))
}

fn layer_norm(b: &mut Builder, x: Val, name: &str) -> Val {
    let size = *b.shape(x).last().unwrap();
    let [gain, bias] = vectors(b, name, size);
    b.layer_norm(x, Some(gain), Some(bias), 0.1)
}

/// Causal attention of two heads of depth 2 with all biases.
fn attention(b: &mut Builder, x: Val) -> Val {
    let features = b.shape(x)[2];
    let (heads, width) = (2, 4);
    let [projection, output] =
        [("in", [3 * width, features]), ("out", [features, width])].map(|(name, shape)| {
            (b.parameter(name, Ty::f64(shape)), b.parameter(format!("{name} bias"), Ty::f64([shape[0]])))
        });
    let mask = Attention { causal: true, ..Attention::default() };
    b.self_attention(
        x,
        SelfAttention {
            projection: projection.0,
            projection_bias: Some(projection.1),
            output: output.0,
            output_bias: Some(output.1),
            heads,
            key_heads: heads,
            rotary: None,
            mask,
        },
    )
}

/// A block of a transformer with all biases on a stream that is the data, with a normalisation and a linear map behind it.
fn block(features: usize) -> Graph {
    of_sequences(features, |b, x| {
        let shape = b.shape(x).clone();
        let normal = layer_norm(b, x, "ln_1");
        let branch = attention(b, normal);
        let stream = b.add(x, branch);
        let stream = b.reshape(stream, &[120, features].into());
        let normal = layer_norm(b, stream, "ln_2");
        let hidden = linear(b, normal, "open", 3, true);
        let hidden = b.tanh(hidden);
        let branch = linear(b, hidden, "write", shape[2], true);
        let stream = b.add(stream, branch);
        let normal = layer_norm(b, stream, "ln_f");
        linear(b, normal, "read", 4, true)
    })
}

/// A normalised vector with a gain and a bias, and a linear map with one.
fn read_by_one(normal: impl FnOnce(&mut Builder, Val) -> Val) -> Graph {
    of_sequences(5, |b, x| {
        let x = rows(b, x);
        let x = normal(b, x);
        linear(b, x, "read", 3, true)
    })
}

fn rms_norm_with_bias(b: &mut Builder, x: Val) -> Val {
    let [gain, bias] = vectors(b, "norm", 5);
    let normal = b.rms_norm(x, Some(gain), 0.1);
    let bias = along_last(b, normal, bias);
    b.add(normal, bias)
}

/// A normalised stream that a branch reads and writes, and another normalisation behind. What writes has a bias or has none.
fn normalised_behind(has_bias: bool) -> Graph {
    of_sequences(5, |b, x| {
        let x = rows(b, x);
        let stream = layer_norm(b, x, "ln_1");
        let hidden = linear(b, stream, "open", 3, true);
        let hidden = b.tanh(hidden);
        let branch = linear(b, hidden, "write", 5, has_bias);
        let stream = b.add(stream, branch);
        let normal = b.rms_norm(stream, None, 0.1);
        linear(b, normal, "read", 4, true)
    })
}

/// A stream with a linear map in its branch, which moves with the stream along both axes, and a normalisation behind.
fn linear_branch() -> Graph {
    of_sequences(5, |b, x| {
        let x = rows(b, x);
        let stream = linear(b, x, "embed", 4, true);
        let normal = layer_norm(b, stream, "ln_1");
        let branch = linear(b, normal, "map", 4, true);
        let stream = b.add(stream, branch);
        let normal = layer_norm(b, stream, "ln_2");
        linear(b, normal, "read", 3, true)
    })
}

/// A linear map between two normalisations: what it adds to all units alike for what its inputs add up to is said twice.
fn between_normalisations() -> Graph {
    of_sequences(5, |b, x| {
        let x = rows(b, x);
        let x = layer_norm(b, x, "norm");
        let x = linear(b, x, "middle", 4, true);
        let x = b.layer_norm(x, None, None, 0.1);
        linear(b, x, "read", 3, true)
    })
}

/// Values with a bias, mixed by weights that are divided by their sum or are not, and a linear map with a bias.
fn mixed(is_normalised: bool) -> Graph {
    of_sequences(5, |b, x| {
        let x = rows(b, x);
        let [scores, values] =
            [("scores", false), ("values", true)].map(|(name, has_bias)| linear(b, x, name, 3, has_bias));
        let [scores, values] = [scores, values].map(|val| b.reshape(val, &[40, 3, 3].into()));
        let weights = if is_normalised { b.softmax(scores, 2) } else { b.exp(scores) };
        let op = DotGeneral {
            lhs_batch: vec![0],
            rhs_batch: vec![0],
            lhs_contract: vec![2],
            rhs_contract: vec![1],
        };
        let y = b.apply(op, &[weights, values]);
        let y = b.reshape(y, &[120, 3].into());
        linear(b, y, "out", 4, true)
    })
}

/// Two linear maps with biases on one vector with a bias; the first one's is the second one's, too, or is not.
fn two_readers(shares: bool) -> Graph {
    of_sequences(2, |b, x| {
        let x = rows(b, x);
        let bias = b.parameter("bias", Ty::f64([2]));
        let first = b.parameter("first.bias", Ty::f64([2]));
        let second = if shares { first } else { b.parameter("second.bias", Ty::f64([2])) };
        let along = along_last(b, x, bias);
        let x = b.add(x, along);
        let parts = [("first", first), ("second", second)].map(|(name, bias)| {
            let weight = b.parameter(format!("{name}.weight"), Ty::f64([2, 2]));
            let hidden = b.linear(x, weight, Some(bias));
            b.tanh(hidden)
        });
        b.multiply(parts[0], parts[1])
    })
}

/// Whether any translation moves a parameter by an amount of its own.
fn moves(families: &[Translation], parameter: &str) -> bool {
    families.iter().flat_map(|family| &family.terms).any(|term| term.parameter == parameter)
}

#[test]
fn with_the_group_there_are_as_many_as_flat_directions() {
    let chain = Model::parse("mlp:3-3-3-3,act=identity").unwrap().forward(40, DType::F64);
    for (name, graph, expected) in [
        // The biases of keys, which change nothing, and those of values.
        ("attention", of_sequences(5, attention), 4 + 4),
        ("a chain of linear maps", chain, 3 + 3),
        // The bias, and for each output what is one over the gains.
        ("a layer normalisation", read_by_one(|b, x| layer_norm(b, x, "norm")), 5 + 3),
        ("without a gain", read_by_one(|b, x| b.layer_norm(x, None, None, 0.1)), 3),
        ("a root mean square with a bias", read_by_one(rms_norm_with_bias), 5),
        // Of either branch the bias of its normalisation and the kernels of what reads it, the biases of keys and values, and what
        // the normalisations behind do not see of what is written; then the last normalisation.
        // The bias is lost in the stream, too, which the bias of what is written makes up for.
        ("a normalisation behind", normalised_behind(true), 5 + 3),
        // The bias and the kernels of the first, what the second does not see of what each input and the bias add, and its kernels.
        ("between normalisations", between_normalisations(), 5 + 4 + (5 + 1) + 3 - 1),
        // Besides what is the same for all scores.
        ("values that are mixed", mixed(true), 3 + 5),
        ("a block", block(5), (5 + 12 + 4 + 4 + 5) + (5 + 3 + 4) + (5 + 4)),
    ] {
        let (dimension, families) = certified(&[&graph]);
        let flat = (0..2).map(|seed| flat_directions_at(&graph, Key::new(seed))).min().unwrap();
        let group = infer(&graph).dimension(false);
        let names: Vec<String> = families.into_iter().map(|family| family.name).collect();
        assert_eq!((dimension, group + dimension), (expected, flat), "{name}: {names:?}");
    }
}

#[test]
fn a_whole_transformer_has_no_other_flat_directions() {
    // An epsilon that is felt: a small one leaves scales of the stream all but flat.
    let spec = "vit:layers=2,width=4,heads=2,hidden=5,in=1x4x4,patch=2,classes=3,eps=0.3";
    assert_all_flat_directions(&Model::parse(spec).unwrap().forward(100, DType::F64));
}

#[test]
fn what_a_weight_with_both_axes_of_one_stream_does_is_counted_once() {
    let graph = linear_branch();
    // Of the map what is one over the gains for each output, and what is the same for all of them; one change is both.
    let map = 4 + 4 - 1;
    // What the normalisations do not see of the other writers; their biases; the kernels of the last reader.
    let rest = (5 + 1) + 1 + (4 + 4) + 3;
    assert_eq!(assert_all_flat_directions(&graph), map + rest);
}

/// The group, once gains are folded, and translations are all flat directions; returns the dimension of the latter.
#[track_caller]
fn assert_all_flat_directions(graph: &Graph) -> usize {
    let (dimension, families) = certified(&[graph]);
    let names: Vec<String> = families.into_iter().map(|family| family.name).collect();
    let folding = infer_folded(graph);
    assert!(folding.unfolded.is_empty());
    // Each gain can be anything, and once all are one the stream can be rotated.
    let gains: usize = folding.folds.iter().map(|fold| size(graph, &fold.gain)).sum();
    let flat = flat_directions_at(graph, Key::new(1));
    assert_eq!(dimension + folding.folded.dimension(false) + gains, flat, "{dimension}, {names:?}");
    dimension
}

/// The number of elements of an input.
fn size(graph: &Graph, name: &str) -> usize {
    let input = graph.input_position(name).map(|position| graph.inputs()[position].val);
    graph.ty(input.unwrap()).shape.elements()
}

#[test]
fn what_nothing_makes_up_for_is_not_moved() {
    for (name, [with, without], parameter) in [
        ("values whose weights add up to anything", [mixed(true), mixed(false)], "values.bias"),
        ("a stream that reads the bias", [true, false].map(normalised_behind), "ln_1.bias"),
        ("a bias of two linear maps", [false, true].map(two_readers), "bias"),
    ] {
        assert!(moves(&certified(&[&with]).1, parameter), "{name}");
        let (dimension, families) = certified(&[&without]);
        assert!(!moves(&families, parameter), "{name}");
        let flat = (0..2).map(|seed| flat_directions_at(&without, Key::new(seed))).min().unwrap();
        assert_eq!(infer(&without).dimension(false) + dimension, flat, "{name}");
    }
}

#[test]
fn biases_lose_what_arrives_at_the_parameters_as_they_are() {
    let graph = block(5);
    let mut params = random_params(&graph, DType::F64, Key::new(1));
    let before = outputs(&graph, &params);
    for round in 0..3 {
        for family in &certified(&[&graph]).1 {
            params = family.act(&family.random(Key::new(round)), &params).unwrap();
        }
    }
    let change = outputs(&graph, &params).iter().zip(&before).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max);
    assert!(change < 1e-8, "{change}");
    let values = translations(&of_sequences(5, attention)).families.pop().unwrap();
    let compensation = values.compensation.as_ref().unwrap();
    assert_eq!((values.dimension(), &compensation.parameters[..]), (4, &["out bias".to_owned()][..]));
    let moved = values.act(&[1.0, 0.0, 0.0, 0.0], &params).unwrap();
    let of = |params: &models::Params, name: &str| params.get(name).unwrap().to_f64_vec();
    let value = of(&moved, "in bias").iter().zip(of(&params, "in bias")).position(|(x, y)| *x != y).unwrap();
    let lost = of(&params, "out").chunks(4).map(|row| row[value - 8]).collect::<Vec<_>>();
    for ((moved, own), lost) in of(&moved, "out bias").iter().zip(of(&params, "out bias")).zip(lost) {
        assert!((moved - (own - lost)).abs() < 1e-12);
    }
}

#[test]
fn what_cannot_be_made_up_for_is_refused() {
    let graph = read_by_one(|b, x| layer_norm(b, x, "norm"));
    let families = translations(&graph).families;
    let kernels = families.iter().find(|family| family.name.contains("read.weight")).unwrap();
    assert_eq!(kernels.compensation.as_ref().unwrap().weights, ["1 / norm.weight"]);
    let mut params = random_params(&graph, DType::F64, Key::new(1));
    *params.get_mut("norm.weight").unwrap() = Tensor::from_fn([5], |i| i as f64);
    let amounts = kernels.random(Key::new(2));
    let refusal = kernels.act(&amounts, &params).unwrap_err();
    assert!(matches!(&refusal, SymmetryError::Amounts { found, .. } if found.contains("gain")), "{refusal}");
    let part = models::Params::from_pairs([("read.weight", params.get("read.weight").unwrap().clone())]);
    let refusal = kernels.act(&amounts, &part).unwrap_err();
    assert!(matches!(&refusal, SymmetryError::MissingParameter { .. }), "{refusal}");
}

#[test]
fn the_bias_of_a_batch_normalisation_is_made_up_for_in_both_modes() {
    let all = graphs(&Model::parse("mlp:4-5-3,norm=batch,act=identity").unwrap(), 6);
    let (dimension, families) = certified(&all.iter().collect::<Vec<_>>());
    // With the bias in front, which the running mean follows.
    assert_eq!((all.len(), dimension), (2, 5 + 5), "{families:#?}");
}
