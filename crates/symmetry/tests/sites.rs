//! Sites at which parameters scale and shift values.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use graph::Graph;
use isoloss_symmetry::{
    Group, certified, infer,
    sites::{self, Site},
};
use models::{Mode, Model};
use tensor::{DType, Key};

fn group(model: &Model) -> Group {
    let graphs = isoloss_symmetry::graphs(model, 2);
    let all: Vec<&Graph> = graphs.iter().collect();
    let last = graphs.last().unwrap();
    certified(&cpu::Cpu::default(), &all, &infer(last), Key::new(0), 2).unwrap().group
}

/// The sites of a network in evaluation, all of which must hold.
fn certified_sites(spec: &str) -> Vec<Site> {
    let model = Model::parse(spec).unwrap();
    let graph = model.forward(2, DType::F64);
    let found = sites::sites(&graph, &group(&model));
    let (kept, refused) = sites::certified(&cpu::Cpu::default(), &graph, found, Key::new(1)).unwrap();
    assert!(refused.is_empty(), "{spec}: {refused:?}");
    kept
}

fn names(sites: &[Site]) -> Vec<&str> {
    sites.iter().map(|site| site.name.as_str()).collect()
}

/// The names of the sites of a network, all of which hold.
fn assert_sites(spec: &str, expected: &str) {
    assert_eq!(names(&certified_sites(spec)).join(", "), expected, "{spec}");
}

#[test]
fn layers_and_normalisations_are_sites() {
    assert_sites("mlp:4-5-6-3", "0, 2");
    assert_sites("mlp:4-5-6-3,act=gelu,norm=layer", "0, 1, 3, 4");
    assert_sites("mlp:4-5-6-3,norm=batch", "1, 4");
    assert_sites("mlp:4-5-6-3,bias=off", "0, 2");
    assert_sites("convnet:4-6,in=3x8x8", "0, 3");
    assert_sites("convnet:4-6,in=3x8x8,norm=group", "0, 1, 4, 5");
    assert_sites(
        "gpt:layers=1,width=8,heads=2,context=4,vocab=5",
        "transformer.h.0.ln_1, transformer.h.0.attn.c_attn, transformer.h.0.attn.c_proj, transformer.h.0.ln_2, \
         transformer.h.0.mlp.c_fc, transformer.h.0.mlp.c_proj, transformer.ln_f",
    );
    let shifts = |spec| certified_sites(spec).iter().map(Site::shifts).collect::<Vec<_>>();
    assert_eq!(shifts("mlp:4-5-6-3,bias=off"), [false, false]);
    assert_eq!(shifts("mlp:4-5-6-3"), [true, true]);
}

#[test]
fn sums_of_residual_streams_are_sites_where_their_scales_are_free() {
    let normalised = "bn1, layer1.0.bn1, layer1.0.bn2, + layer1.0.bn2, layer2.0.bn1, layer2.0.bn2, layer2.0.shortcut.1, \
                      + layer2.0.shortcut.1, layer3.0.bn1, layer3.0.bn2, layer3.0.shortcut.1, + layer3.0.shortcut.1";
    assert_sites("resnet8:norm=layer,in=3x8x8", normalised);
    assert_sites("resnet8:norm=batch,in=3x8x8", normalised);
    let plain =
        normalised.replace(".bn", ".conv").replace("bn1", "conv1").replace("shortcut.1", "shortcut.0");
    assert_sites("resnet8:norm=none,in=3x8x8", &plain);
    let padded = certified_sites("resnet8:norm=layer,shortcut=padding,in=3x8x8");
    let sums: Vec<usize> = padded.iter().filter(|site| site.is_juncture).map(Site::units).collect();
    assert_eq!(
        sums,
        [16, 16, 16],
        "channels that come into being behind a sum are no units of one class with the others"
    );
    // What reads the stream normalises it: its scales are not free.
    assert!(!certified_sites("preresnet8:norm=layer,in=3x8x8").iter().any(|site| site.is_juncture));
}

#[test]
fn what_a_parameter_does_in_several_places_is_refused() {
    let model = Model::parse("lstm:vocab=4,hidden=3,steps=3").unwrap();
    let graph = model.forward(2, DType::F64);
    let found = sites::sites(&graph, &group(&model));
    assert!(!found.is_empty());
    let (kept, refused) = sites::certified(&cpu::Cpu::default(), &graph, found.clone(), Key::new(1)).unwrap();
    assert_eq!((kept.len(), refused.len()), (0, found.len()));
}

#[test]
fn training_has_the_sites_of_evaluation() {
    for spec in ["mlp:4-5-6-3,norm=batch", "resnet8:norm=batch,in=3x8x8", "convnet:4-6,in=3x8x8,norm=batch"] {
        let model = Model::parse(spec).unwrap();
        let group = group(&model);
        let of = |mode| sites::sites(&model.forward_in(mode, 2, DType::F64), &group);
        let (evaluation, mut training) = (of(Mode::Evaluation), of(Mode::Training));
        // What is in front of batch normalisation is scaled by it in evaluation, and standardised in training.
        training.retain(|site| names(&evaluation).contains(&site.name.as_str()));
        assert_eq!(names(&evaluation), names(&training));
        for (evaluation, training) in evaluation.iter().zip(&training) {
            assert_eq!((evaluation.shifts(), &evaluation.indices), (training.shifts(), &training.indices));
        }
    }
}
