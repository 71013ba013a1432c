//! Models written as ONNX and read again.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{fs, path::Path};

use graph::Reference;
use isoloss_models::{Init, Input, Model, Params, load_model};
use tensor::{DType, Key, Tensor};

const BATCH: usize = 3;

/// One network of each family, small.
const SPECS: [&str; 17] = [
    "mlp:4-3-2",
    "mlp:4-5-5-2,act=gelu,norm=layer",
    "mlp:4-5-2,act=silu,norm=batch",
    "convnet:3-4,in=1x8x8,classes=3",
    "resnet8:width=0.25,in=1x8x8,classes=3",
    "resnet8:width=0.25,norm=layer,shortcut=padding,in=1x8x8,classes=3",
    "preresnet8:width=0.25,norm=group,in=1x8x8,classes=3",
    "resnet18:width=0.0625,in=3x32x32,classes=3",
    "vgg11:width=0.0625,norm=batch,classes=3",
    "unet:width=0.0625,levels=2,in=1x8x8,classes=2",
    "vit:layers=1,width=8,heads=2,hidden=12,patch=4,in=1x8x8,classes=3",
    "gpt:layers=1,width=8,heads=2,context=6,vocab=7",
    "gpt:layers=1,width=8,heads=2,context=6,vocab=7,positions=rotary,tied=on",
    "llama:layers=1,width=8,heads=4,key_heads=2,hidden=12,context=6,vocab=7",
    "bert:layers=1,width=8,heads=2,context=6,vocab=7",
    "lstm:vocab=7,hidden=4,layers=2,steps=5",
    "gru:vocab=7,hidden=4,layers=1,steps=5",
];

fn model(spec: &str) -> Model {
    Model::parse(spec).unwrap_or_else(|error| panic!("{error}"))
}

fn example(model: &Model) -> Tensor {
    let shape = [BATCH, model.input_features()];
    match model.input() {
        Input::Tokens { vocabulary, .. } => {
            Tensor::from_fn(shape, |i| Key::new(1).below(i as u64, vocabulary as u64) as i32)
        }
        _ => Tensor::from_fn(shape, |i| Key::new(1).normal(i as u64) as f32),
    }
}

fn logits(model: &Model, params: &Params) -> Vec<f64> {
    let x = example(model);
    let arguments: Vec<&Tensor> = params.values().chain([&x]).collect();
    Reference::evaluate(&model.forward(BATCH, DType::F32), &arguments).unwrap()[0].to_f64_vec()
}

#[test]
fn what_is_written_computes_the_same_and_keeps_its_names() {
    let folder = tempfile::tempdir().unwrap();
    for (number, spec) in SPECS.into_iter().enumerate() {
        let model = model(spec);
        let params = model.init(Init::PyTorch, Key::new(7));
        let path = folder.path().join(format!("{number}.onnx"));
        let bytes = model.to_onnx(&params).unwrap_or_else(|error| panic!("{spec}: {error}"));
        fs::write(&path, bytes).unwrap();
        let network = onnx::OnnxModel::read(&path).unwrap_or_else(|error| panic!("{spec}: {error}"));
        assert_eq!(network.batch(), &onnx::Batch::Any, "{spec}");
        let found = run(&network, &example(&model));
        let expected = logits(&model, &params);
        let scale = expected.iter().fold(1e-6f64, |most, x| most.max(x.abs()));
        assert_eq!(found.len(), expected.len(), "{spec}");
        let worst = found.iter().zip(&expected).fold(0f64, |most, (x, y)| most.max((x - y).abs()));
        assert!(worst <= 1e-5 * scale, "{spec}: off by {worst:e} of {scale}");
        let names = network.entries().iter().map(|entry| entry.name.as_str());
        let kept = names.filter(|name| params.get(name).is_some()).count();
        assert!(kept + 2 >= params.len(), "{spec}: {kept} of {} names", params.len());
    }
}

/// What the file computes.
fn run(network: &onnx::OnnxModel, x: &Tensor) -> Vec<f64> {
    let mut b = graph::Builder::new("read");
    let weights = network.weights().unwrap();
    let entries = network.entries().iter().zip(&weights);
    let entries: Vec<_> = entries
        .map(|(entry, weight)| b.input(entry.name.clone(), entry.role, graph::Ty::of(weight)))
        .collect();
    let shape: Vec<usize> = [BATCH].into_iter().chain(network.inputs()[0].example.iter().copied()).collect();
    let x = x.clone().reshape(shape).unwrap();
    let fed = b.data("x", graph::Ty::of(&x));
    let emission = network.emit(&mut b, DType::F32, &entries, &[fed], onnx::Moments::Running).unwrap();
    b.output("logits", emission.outputs[0]);
    let arguments: Vec<&Tensor> = weights.iter().chain([&x]).collect();
    Reference::evaluate(&b.finish(), &arguments).unwrap()[0].to_f64_vec()
}

#[test]
fn a_model_from_a_file_is_written_as_that_file() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../onnx/tests/goldens/resnet-kept.onnx");
    let (model, params) = load_model(&path, None).unwrap();
    assert_eq!(model.to_onnx(&params).unwrap(), fs::read(path).unwrap());
}

#[test]
fn parameters_of_another_model_are_not_written() {
    let params = model("mlp:4-3-2").init(Init::PyTorch, Key::new(0));
    assert!(model("mlp:4-5-2").to_onnx(&params).is_err());
}
