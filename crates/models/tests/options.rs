//! Every option of every architecture.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use isoloss_models::{Family, Loss, Mode, Model, families};
use tensor::DType;

/// A small network of each family.
const SMALL: [&str; 14] = [
    "mlp:4-6-3",
    "convnet:3-4,in=2x8x8",
    "resnet8:width=0.125,in=2x8x8",
    "preresnet8:width=0.125,in=2x8x8",
    "resnet18:width=0.0625,in=3x32x32",
    "vgg11:width=0.015625,in=3x32x32",
    "unet:width=0.0625,levels=2,in=2x8x8",
    "vit:layers=1,width=8,heads=2,hidden=4,in=2x8x8",
    "gpt:layers=1,width=8,heads=2,context=4,vocab=5",
    "llama:layers=1,width=8,heads=2,key_heads=1,hidden=4,context=4,vocab=5",
    "bert:layers=1,width=8,heads=2,hidden=4,context=4,vocab=5",
    "lstm:vocab=5,hidden=3,steps=3",
    "gru:vocab=5,hidden=3,steps=3",
    "gcn:4-3-2,nodes=5",
];

/// The name, with sizes where they come first.
fn head(small: &str) -> &str {
    let first = small.split(',').next().unwrap();
    if first.contains('=') { first.split(':').next().unwrap() } else { first }
}

fn joined(head: &str, option: &str) -> String {
    format!("{head}{}{option}", if head.contains(':') { ',' } else { ':' })
}

fn with_small() -> impl Iterator<Item = (Family, &'static str)> {
    let families = families();
    assert_eq!(families.len(), SMALL.len(), "a small network of each family");
    families.into_iter().zip(SMALL)
}

#[test]
fn every_choice_makes_a_network_and_is_printed() {
    for (family, small) in with_small() {
        assert!(family.names.contains(&small.split(':').next().unwrap()), "{small}");
        for option in &family.options {
            for choice in &option.choices {
                let model = Model::parse(&joined(small, &format!("{}={choice}", option.name))).unwrap();
                assert_eq!(Model::parse(&model.spec()).unwrap(), model, "{model}");
                let graph = model.objective_in(Mode::Training, 2, DType::F32, Loss::CrossEntropy);
                assert_eq!(graph.outputs().len(), 3 + model.buffers().len(), "{model}");
                assert_eq!(
                    *choice != option.default,
                    model.spec().contains(&format!("{}=", option.name)),
                    "{model}"
                );
            }
        }
    }
}

#[test]
fn any_value_is_read_or_refused() {
    const VALUES: [&str; 17] = [
        "",
        "0",
        "1",
        "2",
        "3",
        "7",
        "64",
        "255",
        "4096",
        "16384",
        "1048576",
        "18446744073709551615",
        "-1",
        "1e-3",
        "nan",
        "0.0625",
        "16777216x1x1",
    ];
    for (family, small) in with_small() {
        for option in &family.options {
            for value in VALUES {
                let spec = joined(head(small), &format!("{}={value}", option.name));
                if let Ok(model) = Model::parse(&spec) {
                    assert_eq!(Model::parse(&model.spec()).unwrap(), model, "{spec}");
                    assert!(model.elements() <= 1 << 31 && model.input_features() > 0, "{spec}");
                }
            }
        }
    }
}

#[test]
fn a_network_of_other_sizes_is_found_by_its_shapes() {
    for (spec, other) in [
        ("mlp:6-5-4,norm=batch,act=tanh", "mlp:6-9-4,act=tanh,norm=batch"),
        ("convnet:4-6,dense=5,in=1x8x8,classes=3", "convnet:5-9,dense=7,in=1x8x8,classes=3"),
        ("convnet:4-6,end=mean,in=1x8x8", "convnet:4-7,end=mean,in=1x8x8"),
        ("resnet8:width=0.25,norm=layer", "resnet8:width=0.375,norm=layer"),
        ("vgg11:width=0.125", "vgg11:width=0.25"),
        ("gcn:5-4-3,nodes=6", "gcn:5-7-3,nodes=6"),
    ] {
        let [own, wanted] = [spec, other].map(|spec| Model::parse(spec).unwrap());
        let shapes = wanted.entries();
        let shape =
            |name: &str| shapes.iter().find(|(known, _)| known == name).map(|(_, shape)| shape.clone());
        assert_eq!(own.resized(&shape), Some(wanted.clone()), "{spec}");
        let taller = |name: &str| shape(name).filter(|_| name != shapes[1].0);
        assert_eq!(own.resized(&taller), None, "{spec}");
    }
    let gpt = Model::parse("gpt:layers=1,width=8,heads=2").unwrap();
    assert_eq!(gpt.resized(&|_| None), None);
}
