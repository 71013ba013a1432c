//! The symmetries of convolutional, recurrent and attention networks: found, and certified.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use cpu::Cpu;
use isoloss_symmetry::{certify, infer};
use models::Model;
use tensor::{DType, Key};

/// The sizes of the inferred generators, after the certificate has passed.
fn sizes(spec: &str) -> Vec<usize> {
    let graph = Model::parse(spec).unwrap().forward(2, DType::F64);
    let group = infer(&graph);
    let certificate = certify(&Cpu::new(), &graph, &group, Key::new(3), 2).unwrap();
    assert!(certificate.passed() && certificate.worst_relative() < 1e-12, "{spec}: {certificate:?}");
    group.generators().iter().map(|generator| generator.size).collect()
}

#[test]
fn the_channels_of_a_residual_stage_move_together_and_those_within_a_block_alone() {
    let stages = [2, 2, 4, 4, 8, 8];
    for norm in ["batch", "layer", "none"] {
        assert_eq!(sizes(&format!("resnet8:width=0.125,in=2x6x5,norm={norm}")), stages, "{norm}");
    }
    // Without shortcuts each convolution has channels of its own.
    assert_eq!(sizes("resnet8:width=0.125,in=2x6x5,skip=off").iter().sum::<usize>(), 3 * 2 + 2 * 4 + 2 * 8);
}

#[test]
fn the_channels_of_a_plain_network_move_layer_by_layer() {
    assert_eq!(sizes("vgg11:width=0.03125"), [2, 4, 8, 8, 16, 16, 16, 16]);
}

#[test]
fn heads_hidden_units_and_the_stream_of_a_transformer_move() {
    for positions in ["learned", "rotary"] {
        let spec = format!("gpt:layers=2,width=8,heads=2,context=3,vocab=5,positions={positions}");
        assert_eq!(sizes(&spec), [8, 2, 32, 2, 32], "{positions}");
    }
}

#[test]
fn the_units_of_an_lstm_move_with_their_four_gates() {
    assert_eq!(sizes("lstm:vocab=5,hidden=3,layers=2,steps=3"), [3, 3, 3]);
}
