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
    let certificate = certify(&Cpu::new(), &[&graph], &group.exact(), Key::new(3), 2).unwrap();
    assert!(certificate.passed() && certificate.worst_relative() < 1e-12, "{spec}: {certificate:?}");
    group.permutations().generators().iter().map(|generator| generator.size).collect()
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

#[test]
fn the_symmetries_of_every_family_are_found() {
    let expected: [(&str, &[usize]); 13] = [
        ("convnet:3-5,dense=7,in=2x8x6", &[3, 5, 7]),
        ("convnet:4-4,end=mean,norm=group,in=2x8x6", &[4, 4]),
        ("mlp:6-8-3,norm=rms", &[8]),
        ("resnet8:width=0.125,norm=layer,shortcut=projection3x3,padding=same,in=2x8x6", &[2, 2, 4, 4, 8, 8]),
        ("preresnet8:width=0.125,in=2x8x6", &[2, 2, 4, 4, 8, 8]),
        ("resnet18:width=0.0625,in=3x32x32", &[4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32]),
        ("vgg11:width=0.03125,norm=layer,head=mlp", &[2, 4, 8, 8, 16, 16, 16, 16, 16, 16]),
        ("unet:width=0.0625,levels=2,in=2x8x4", &[4, 4, 8, 8, 16, 16, 8, 8, 8, 4, 4, 4]),
        ("vit:layers=2,width=8,heads=2,hidden=12,in=2x8x8", &[8, 2, 12, 2, 12]),
        ("llama:layers=2,width=8,heads=4,hidden=12,context=3,vocab=5", &[8, 2, 12, 2, 12]),
        ("bert:layers=2,width=8,heads=2,hidden=12,context=3,vocab=5,head=sequence", &[8, 2, 12, 2, 12, 8]),
        ("gru:vocab=5,hidden=3,layers=2,steps=3", &[3, 3, 3]),
        ("gcn:5-4-6-3,nodes=7", &[4, 6]),
    ];
    for (spec, expected) in expected {
        assert_eq!(sizes(spec), expected, "{spec}");
    }
    let timm = "vit:layers=2,width=8,heads=2,hidden=12,in=2x8x8";
    assert_eq!(sizes(timm), sizes(&format!("{timm},names=transformers")));
}
