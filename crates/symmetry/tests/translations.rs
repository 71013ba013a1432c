//! Numbers that can be added to parameters.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod common;

use common::{attention, flat_directions_at, linear, of_sequences};
use cpu::Cpu;
use graph::{Builder, Graph, Ty, Val};
use isoloss_symmetry::{
    ParameterAxis, SymmetryError, Translations, graphs, infer, translations, translations_certified,
};
use models::{Model, Params};
use tensor::{DType, Key, Tensor};

#[track_caller]
fn assert_certified(graphs: &[&Graph], found: &Translations) {
    let tested = translations_certified(&Cpu::new(), graphs, &found.families, Key::new(3)).unwrap();
    assert!(tested.refused.is_empty() && tested.jointly.worst_relative < 1e-11, "{tested:?}");
    assert_eq!(tested.translations, found.families);
}

/// Rows of `x`.
fn rows(b: &mut Builder, x: Val) -> Val {
    b.reshape(x, &[120, 5].into())
}

/// A stream of `width` units that two layers write and a layer normalisation reads.
fn normalised(width: usize) -> Graph {
    of_sequences(5, |b, x| {
        let x = rows(b, x);
        let one = linear(b, x, "one", width, true);
        let hidden = linear(b, x, "open", 3, true);
        let hidden = b.tanh(hidden);
        let other = linear(b, hidden, "other", width, false);
        let stream = b.add(one, other);
        let stream = b.layer_norm(stream, None, None, 0.1);
        let y = b.tanh(stream);
        linear(b, y, "read", 4, true)
    })
}

/// Two biases in front of one activation, one of which is used again.
fn two_biases() -> Graph {
    of_sequences(5, |b, x| {
        let x = rows(b, x);
        let hidden = linear(b, x, "first", 3, true);
        let more = linear(b, x, "second", 3, true);
        let sum = b.add(hidden, more);
        let y = b.tanh(sum);
        linear(b, y, "read", 4, true)
    })
}

#[test]
fn with_the_group_there_are_as_many_translations_as_flat_directions() {
    for (name, graph, expected) in [
        ("keys", attention(2, 2, None, true), 2 * 2),
        // The bias, the inputs of one writer and those of the other.
        ("a layer normalisation", normalised(4), 1 + 5 + 3),
        ("two biases", two_biases(), 3 + 3 * 5),
    ] {
        let found = translations(&graph);
        let flat = (0..2).map(|seed| flat_directions_at(&graph, Key::new(seed))).min().unwrap();
        assert_eq!(found.dimension, expected, "{name}: {:?}", found.families);
        assert_eq!(infer(&graph).dimension(false) + found.dimension, flat, "{name}");
        assert_certified(&[&graph], &found);
    }
}

/// Five vectors of positions of which three are read, twice what is cut off from a sum, and a factor for each of four positions.
fn cut_off() -> Graph {
    of_sequences(2, |b, x| {
        let hidden = linear_of_sequences(b, x, 3);
        let shape = b.shape(hidden).clone();
        let [one, other] = ["one", "other"].map(|name| b.parameter(name, Ty::f64([5, 3])));
        let [other, factors] = [other, b.parameter("factors", Ty::f64([5, 1]))];
        let positions = b.add(one, other);
        let positions = b.slice_axis(positions, 0, 1..4);
        let positions = b.broadcast(positions, &shape, &[1, 2]);
        let factors = b.slice_axis(factors, 0, 0..3);
        let factors = b.reshape(factors, &[3].into());
        let factors = b.broadcast(factors, &shape, &[1]);
        let hidden = b.add(hidden, positions);
        let hidden = b.tanh(hidden);
        b.multiply(hidden, factors)
    })
}

fn linear_of_sequences(b: &mut Builder, x: Val, outputs: usize) -> Val {
    let shape = b.shape(x).clone();
    let rows = b.reshape(x, &[shape[0] * shape[1], shape[2]].into());
    let hidden = linear(b, rows, "hidden", outputs, true);
    b.reshape(hidden, &[shape[0], shape[1], outputs].into())
}

#[test]
fn what_no_output_reads_is_counted_once() {
    let graph = cut_off();
    let (group, found) = (infer(&graph), translations(&graph));
    let flat = (0..2).map(|seed| flat_directions_at(&graph, Key::new(seed))).min().unwrap();
    assert_eq!(group.dimension(false) + found.dimension, flat, "{:?} {found:?}", group.generators());
    assert_certified(&[&graph], &found);
    let bert = Model::parse("bert:layers=1,width=8,heads=2,hidden=12,context=3,vocab=5").unwrap();
    let group = infer(&bert.forward(2, DType::F64));
    let mut actions = group.generators().iter().flat_map(|generator| &generator.actions);
    let is_second_kind = |action: &ParameterAxis| {
        action.parameter.contains("token_type") && action.axis == 0 && action.slots.indices == [1]
    };
    assert!(!actions.any(is_second_kind), "a second kind of sentence, which no input is of");
}

#[test]
fn the_embeddings_of_words_and_of_positions_share_what_neither_has_alone() {
    let (layers, width, context, vocabulary) = (3, 6, 3, 5);
    let model = Model::parse("gpt:layers=3,width=6,heads=2,context=3,vocab=5").unwrap();
    let graph = model.forward(2, DType::F64);
    let found = translations(&graph);
    // What words have all positions can lose, but a number for all is counted with those of each word and of each position.
    let embeddings = width + vocabulary + context - 1;
    // Each of the two writers of a layer has a bias; keys have one.
    let writers = (width + 1) + (4 * width + 1);
    // Each normalisation has a bias; what reads it has kernels. Values have a bias.
    let readers = width + 3 * width + width + 4 * width;
    let names: Vec<&str> = found.families.iter().map(|family| family.name.as_str()).collect();
    assert_eq!(found.dimension, embeddings + layers * (writers + width + readers + width), "{names:?}");
    assert_certified(&[&graph], &found);
}

#[test]
fn running_means_move_with_the_bias_in_front() {
    let model = Model::parse("mlp:4-5-3,norm=batch").unwrap();
    let all = graphs(&model, 4);
    let found = translations(all.last().unwrap());
    let parameters: Vec<&str> = found.families[0].terms.iter().map(|term| term.parameter.as_str()).collect();
    assert_eq!((found.dimension, parameters.len()), (5, 2), "{parameters:?}");
    assert_certified(&all.iter().collect::<Vec<_>>(), &found);
}

#[test]
fn a_network_with_activations_alone_has_none() {
    let graph = Model::parse("mlp:4-5-5-3").unwrap().forward(4, DType::F64);
    assert_eq!(translations(&graph), Translations::default());
}

#[test]
fn a_false_translation_is_refused() {
    let graph = attention(1, 2, None, true);
    let mut families = translations(&graph).families;
    let mut false_one = families[0].clone();
    false_one.name = "queries".to_owned();
    for term in &mut false_one.terms {
        for axis in &mut term.axes {
            if let isoloss_symmetry::Reach::Each { indices, .. } = axis {
                indices.iter_mut().for_each(|index| *index -= 2);
            }
        }
    }
    families.push(false_one);
    let tested = translations_certified(&Cpu::new(), &[&graph], &families, Key::new(3)).unwrap();
    assert_eq!((tested.translations.len(), tested.refused[0].name.as_str()), (1, "queries"));
    assert!(tested.jointly.passed());
}

#[test]
fn amounts_that_do_not_fit_are_refused() {
    let found = translations(&attention(1, 2, None, true));
    let params = Params::from_pairs([("bias", Tensor::from_fn([3], |_| 0.0))]);
    let refusal = |amounts: &[f64]| match found.families[0].act(amounts, &params) {
        Err(error @ SymmetryError::Amounts { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    };
    assert!(refusal(&[1.0]).contains("1 amounts instead of 2"));
    assert!(refusal(&[1.0, f64::NAN]).contains("NaN"));
    assert!(refusal(&[1.0, 2.0]).contains("shape [3]"));
}

#[test]
fn translations_of_whole_architectures_are_certified() {
    for (spec, expected) in [
        ("lstm:vocab=5,hidden=3,layers=1,steps=3", "rnn.bias_ih_l0"),
        ("resnet8:width=0.125,norm=layer,in=2x8x6", "weight"),
        ("resnet8:width=0.125,norm=batch,in=2x8x6", "shortcut.1.bias"),
        ("vit:layers=1,width=8,heads=2,hidden=12,in=2x8x8", "pos_embed"),
        ("bert:layers=1,width=8,heads=2,hidden=12,context=3,vocab=5", "key.bias"),
        ("llama:layers=1,width=8,heads=4,hidden=12,context=3,vocab=5", ""),
    ] {
        let graph = graphs(&Model::parse(spec).unwrap(), 2).pop().unwrap();
        let found = translations(&graph);
        let mut terms = found.families.iter().flat_map(|family| &family.terms);
        let is_there = terms.any(|term| term.parameter.contains(expected));
        assert_eq!(is_there, !expected.is_empty(), "{spec}: {:?}", found.families);
        assert_certified(&[&graph], &found);
    }
}
