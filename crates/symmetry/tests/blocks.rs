//! What moves inside of blocks, and what matrices can mix.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod common;

use common::{attention, flat_directions_at, of_sequences, outputs, random_params};
use cpu::Cpu;
use graph::{Builder, Graph, Ty, composite::Conv2d};
use isoloss_symmetry::{Generator, Group, LinearGroup, SymmetryError, certify, infer, infer_folded};
use models::{Model, Params};
use tensor::{DType, Key};

fn graph_of(spec: &str) -> Graph {
    Model::parse(spec).unwrap().forward(2, DType::F64)
}

#[track_caller]
fn assert_certified(graph: &Graph, group: &Group) {
    let certificate = certify(&Cpu::new(), &[graph], &group.exact(), Key::new(3), 3).unwrap();
    assert!(certificate.passed() && certificate.worst_relative() < 1e-12, "{certificate:?}");
}

/// Each generator's size, copies, the position of its parent, and the dimension of its matrices.
fn shape(generator: &Generator) -> (usize, usize, Option<usize>, usize) {
    let mixing = generator.mixing.as_ref().map_or(0, |mixing| mixing.group.dimension(generator.size));
    (generator.size, generator.copies, generator.parent, mixing)
}

#[test]
fn heads_are_exchanged_with_the_matrices_of_their_circuits_inside() {
    let graph = graph_of("gpt:layers=1,width=6,heads=2,context=3,vocab=5");
    let group = infer(&graph);
    let found: Vec<_> = group.generators().iter().map(shape).collect();
    let heads = found.iter().position(|generator| generator.0 == 2).unwrap();
    assert_eq!(found[heads + 1..heads + 3], [(3, 2, Some(heads), 9), (3, 2, Some(heads), 9)]);
    // Queries by the matrix, keys by its transposed inverse; then values, against what reads them.
    let powers = |own: usize| {
        let generator = &group.generators()[heads + own];
        let of = |(action, powers): (&isoloss_symmetry::ParameterAxis, &isoloss_symmetry::Exponents)| {
            (action.axis, (0..action.slots.block).map(|rank| powers.of(rank)).collect::<Vec<_>>())
        };
        let mixing = generator.mixing.as_ref().unwrap();
        generator.actions.iter().zip(&mixing.powers).map(of).collect::<Vec<_>>()
    };
    assert_eq!(powers(1), [(0, vec![1, -1]), (0, vec![1, -1])]);
    assert_eq!(powers(2), [(0, vec![1]), (0, vec![1]), (1, vec![-1])]);
    assert_certified(&graph, &group);
}

#[test]
fn queries_that_share_a_key_are_exchanged_inside_of_their_group() {
    let graph = graph_of("llama:layers=1,width=16,heads=6,key_heads=2,depth=4,hidden=5,context=3,vocab=5");
    let group = infer(&graph);
    let found: Vec<_> = group.generators().iter().map(shape).collect();
    let groups = found.iter().position(|generator| (generator.0, generator.1) == (2, 1)).unwrap();
    assert!(found.contains(&(3, 2, Some(groups), 0)), "three queries in each of two groups: {found:?}");
    assert!(found.contains(&(4, 2, Some(groups), 16)), "values of each group: {found:?}");
    assert_certified(&graph, &group);
}

/// A convolution in three groups of two channels between two plain ones, with an activation between them.
fn grouped() -> Graph {
    let mut b = Builder::new("grouped");
    let mut x = b.data("x", Ty::f64([2, 3, 3, 2]));
    for (name, shape, groups) in
        [("open", [6, 2, 1, 1], 1), ("group", [6, 2, 3, 3], 3), ("close", [4, 6, 1, 1], 1)]
    {
        let weight = b.parameter(format!("{name}.weight"), Ty::f64(shape));
        let options = Conv2d { groups, padding: [shape[2] / 2; 2], ..Conv2d::default() };
        x = b.conv2d(x, weight, None, options);
        x = if name == "close" { x } else { b.relu(x) };
    }
    b.output("y", x);
    b.finish()
}

#[test]
fn groups_of_channels_are_exchanged_with_the_channels_of_each_inside() {
    let graph = grouped();
    let group = infer(&graph);
    let found: Vec<_> = group.generators().iter().map(shape).collect();
    // What goes into the groups shares an axis of the kernel and moves in all of them alike.
    assert_eq!(found, [(3, 1, None, 0), (2, 3, Some(0), 0), (2, 1, None, 0)]);
    assert_eq!(group.dimension(false), 6 + 2);
    assert_certified(&graph, &group);
}

#[test]
fn a_residual_stream_can_be_rotated_once_its_gains_are_folded() {
    for (spec, gains, kind) in [
        ("gpt:layers=1,width=6,heads=2,context=3,vocab=5", 3, LinearGroup::OrthogonalAroundOnes),
        ("llama:layers=1,width=6,heads=1,key_heads=1,hidden=5,context=3,vocab=5", 3, LinearGroup::Orthogonal),
        ("vit:layers=1,width=6,heads=2,hidden=5,in=2x8x8", 3, LinearGroup::OrthogonalAroundOnes),
    ] {
        let graph = graph_of(spec);
        let folding = infer_folded(&graph);
        assert_eq!((folding.folds.len(), folding.unfolded.len()), (gains, 0), "{spec}");
        let is_stream =
            |generator: &&Generator| generator.mixing.as_ref().is_some_and(|mixing| mixing.group == kind);
        assert_eq!(folding.folded.generators().iter().filter(is_stream).count(), 1, "{spec}");
        let params = random_params(&graph, DType::F64, Key::new(7));
        let folded = folding.fold(&params).unwrap();
        for fold in &folding.folds {
            assert!(folded.get(&fold.gain).unwrap().to_f64_vec().iter().all(|gain| *gain == 1.0), "{spec}");
        }
        let rotated = folding.folded.act(&folding.folded.exact().random(Key::new(8)), &folded);
        assert!(rotated.is_err(), "an element of a subgroup is one of another group");
        let rotated =
            folding.folded.act(&without_approximate(&folding.folded, Key::new(8)), &folded).unwrap();
        let other = random_params(&graph, DType::F64, Key::new(9));
        let unfolded = folding.unfold(&rotated, &other).unwrap();
        for fold in &folding.folds {
            assert_eq!(unfolded.get(&fold.gain), other.get(&fold.gain), "{spec}");
        }
        assert_close(&folding.fold(&unfolded).unwrap(), &rotated);
        let [before, then, after] = [&params, &folded, &unfolded].map(|params| outputs(&graph, params));
        for ((before, then), after) in before.iter().zip(&then).zip(&after) {
            assert!(
                (before - then).abs() < 1e-10 && (before - after).abs() < 1e-10,
                "{spec}: {before} {then} {after}"
            );
        }
    }
}

/// A random element without what holds only approximately.
fn without_approximate(group: &Group, key: Key) -> isoloss_symmetry::Element {
    let random = group.random(key);
    let mut factors = random.factors().to_vec();
    for (generator, factors) in group.generators().iter().zip(&mut factors) {
        for (family, scales) in generator.scales.iter().zip(&mut factors.scales) {
            scales.iter_mut().filter(|_| family.is_approximate).for_each(|scale| *scale = 1.0);
        }
    }
    group.with_factors(random, factors).unwrap()
}

#[test]
fn a_gain_whose_folding_would_untie_something_is_named() {
    let folding = infer_folded(&graph_of("gpt:layers=1,width=6,heads=2,context=3,vocab=5,tied=on"));
    let names: Vec<&str> = folding.unfolded.iter().map(|unfolded| unfolded.gain.as_str()).collect();
    assert_eq!((folding.folds.len(), names), (0, vec!["transformer.ln_f.weight"]));
    assert_eq!(folding.folded, folding.group);
}

#[test]
fn a_gain_of_zero_cannot_be_folded() {
    let graph = graph_of("llama:layers=1,width=6,heads=1,key_heads=1,hidden=5,context=3,vocab=5");
    let mut params = random_params(&graph, DType::F64, Key::new(7));
    let gain = params.get_mut("model.norm.weight").unwrap();
    *gain = tensor::Tensor::from_fn([6], |i| i as f64);
    let error = infer_folded(&graph).fold(&params).unwrap_err();
    assert!(matches!(&error, SymmetryError::Gain { position: 0, .. }), "{error}");
}

#[test]
fn the_group_laws_hold_where_copies_move_with_what_they_are_in() {
    for graph in [graph_of("gpt:layers=1,width=6,heads=2,context=3,vocab=5"), grouped()] {
        let (group, params) = (infer(&graph), random_params(&graph, DType::F64, Key::new(1)));
        let [a, b] = [2, 3].map(|seed| group.random(Key::new(seed)));
        let act = |element, params: &Params| group.act(element, params).unwrap();
        let (both, back) = (group.compose(&a, &b).unwrap(), group.invert(&a).unwrap());
        assert_close(&act(&both, &params), &act(&a, &act(&b, &params)));
        assert_close(&act(&back, &act(&a, &params)), &params);
        assert_close(&act(&a, &act(&back, &params)), &params);
        let text = serde_json::to_string(&a).unwrap();
        assert_eq!(serde_json::from_str::<isoloss_symmetry::Element>(&text).unwrap(), a);
    }
}

#[track_caller]
fn assert_close(one: &Params, other: &Params) {
    for ((name, x), y) in one.iter().zip(other.values()) {
        let largest = x.to_f64_vec().iter().fold(1.0, |most: f64, x| most.max(x.abs()));
        for (x, y) in x.to_f64_vec().iter().zip(y.to_f64_vec()) {
            assert!((x - y).abs() < 1e-10 * largest, "{name}: {x} {y}");
        }
    }
}

/// A stream of `width` units, normalised without gains before its branch and at its end.
fn normalised_stream(width: usize) -> Graph {
    // As many features as units: directions that no input reaches would be flat, too.
    of_sequences(width, |b, x| {
        let x = b.reshape(x, &[120, width].into());
        let stream = common::linear(b, x, "embed", width, false);
        let hidden = b.rms_norm(stream, None, 0.1);
        let hidden = common::linear(b, hidden, "open", 3, false);
        let hidden = b.tanh(hidden);
        let branch = common::linear(b, hidden, "write", width, false);
        let stream = b.add(stream, branch);
        let stream = b.rms_norm(stream, None, 0.1);
        common::linear(b, stream, "read", 2, false)
    })
}

/// Words that are read and written by one embedding.
fn tied_embedding(width: usize) -> Graph {
    common::network(4, |b, x| {
        let embedding = b.parameter("embedding", Ty::f64([width, 4]));
        let hidden = b.linear(x, embedding, None);
        let transposed = b.transpose(embedding, &[1, 0]);
        b.linear(hidden, transposed, None)
    })
}

#[test]
fn there_are_as_many_matrices_as_flat_directions() {
    let chain = Model::parse("mlp:3-3-3-3,act=identity,bias=off").unwrap().forward(40, DType::F64);
    for (name, graph, expected) in [
        ("two circuits of two heads", attention(2, 2, None, false), 4 * 4),
        ("rotated queries and keys", attention(1, 4, Some(10.0), false), 4 + 16),
        ("a normalised stream", normalised_stream(3), 3),
        ("a tied embedding", tied_embedding(3), 3),
        // Of equal widths: what a narrower layer cannot see would be flat, too.
        ("a chain of linear maps", chain, 9 + 9),
    ] {
        let flat = (0..2).map(|seed| flat_directions_at(&graph, Key::new(seed))).min().unwrap();
        assert_eq!((infer(&graph).dimension(false), flat), (expected, expected), "{name}");
        assert_certified(&graph, &infer(&graph));
    }
}
