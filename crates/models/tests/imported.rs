//! Networks from ONNX files among the models.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use graph::Reference;
use isoloss_models::{GRAPH_KEY, Init, Input, Labels, Loss, Mode, Model, Params, load_model, weights};
use tensor::{DType, Image, Key, Shape, Tensor};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../onnx/tests/goldens").join(name)
}

/// The logits on the golden input, and the golden ones.
fn logits(model: &Model, params: &Params, data: &str) -> (Vec<f64>, Vec<f64>) {
    let bytes = fs::read(file(data)).unwrap();
    let numbers: Vec<f32> = bytes.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
    let count = 3 * model.input_features();
    let x = Tensor::new([3, model.input_features()], numbers[..count].to_vec()).unwrap();
    let x = if matches!(model.input(), Input::Tokens { .. }) { x.convert(DType::I32) } else { x };
    let arguments: Vec<&Tensor> = params.values().chain([&x]).collect();
    let found = Reference::evaluate(&model.forward(3, DType::F32), &arguments).unwrap();
    (found[0].to_f64_vec(), numbers[count..].iter().map(|&number| number.into()).collect())
}

#[track_caller]
fn assert_close(found: &[f64], expected: &[f64]) {
    let scale = expected.iter().fold(1e-6f64, |most, x| most.max(x.abs()));
    assert_eq!(found.len(), expected.len());
    assert!(found.iter().zip(expected).all(|(x, y)| (x - y).abs() <= 1e-5 * scale));
}

#[test]
fn an_onnx_file_is_a_model_with_its_weights() {
    let (model, params) = load_model(&file("resnet-kept.onnx"), None).unwrap();
    assert_eq!(model.input(), Input::Image(Image { channels: 3, height: 16, width: 16 }));
    assert_eq!((model.labels(), model.classes()), (Labels::Whole, Some(5)));
    assert_eq!((model.parameters().len(), model.buffers().len()), (11, 6));
    let (found, expected) = logits(&model, &params, "resnet-kept.data");
    assert_close(&found, &expected);
}

#[test]
fn a_file_over_tokens_predicts_the_next_ones() {
    let (model, params) = load_model(&file("gpt-dynamo.onnx"), None).unwrap();
    assert_eq!(model.input(), Input::Tokens { count: 7, vocabulary: 11 });
    assert_eq!((model.labels(), model.classes()), (Labels::NextTokens(7), Some(11)));
    let (found, expected) = logits(&model, &params, "gpt-dynamo.data");
    assert_close(&found, &expected);
}

#[test]
fn classes_of_pixels_come_last() {
    let (model, _) = load_model(&file("unet-dynamo.onnx"), None).unwrap();
    assert!(matches!(model.labels(), Labels::Places(shape) if shape == Shape::from([11, 12])));
    let graph = model.forward(2, DType::F32);
    assert_eq!(graph.ty(graph.outputs()[0].val).shape, Shape::from([2, 11, 12, 2]));
}

#[test]
fn weights_carry_the_network_that_they_belong_to() {
    let (model, params) = load_model(&file("resnet-kept.onnx"), None).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    weights::save(&path, &params, &model.metadata()).unwrap();
    assert!(model.metadata().contains_key(GRAPH_KEY));
    let (again, read) = load_model(folder.path(), None).unwrap();
    assert_eq!((&again, read), (&model, params.clone()));
    let (found, expected) = logits(&again, &params, "resnet-kept.data");
    assert_close(&found, &expected);
}

#[test]
fn weights_alone_go_with_a_file_given_as_the_model() {
    let (model, params) = load_model(&file("resnet-kept.onnx"), None).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    weights::save(&path, &params, &[].into()).unwrap();
    let spec = file("resnet-kept.onnx").display().to_string();
    let (again, read) = load_model(&path, Some(&spec)).unwrap();
    assert_eq!((&again, read), (&model, params));
    assert_eq!(again.spec(), format!("onnx:{spec}"));
}

#[test]
fn training_starts_from_the_file_or_from_drawn_weights() {
    let path = file("resnet-kept.onnx");
    let (_, params) = load_model(&path, None).unwrap();
    let model = Model::parse(&path.display().to_string()).unwrap();
    assert_eq!(model.init(Init::File, Key::new(0)), params);
    let drawn = model.init(Init::PyTorch, Key::new(0));
    model.check(&drawn).unwrap();
    assert_eq!(drawn.get("bn.running_var"), Some(&Tensor::full([8], 1f32)));
    assert_eq!(drawn.get("bn.running_mean"), Some(&Tensor::full([8], 0f32)));
    assert_eq!(drawn.get("bn.weight"), Some(&Tensor::full([8], 1f32)));
    assert!(Model::parse("mlp:4-2").unwrap().check_init(Init::File).is_err());
}

#[test]
fn training_returns_new_statistics_under_their_names() {
    let (model, _) = load_model(&file("resnet-kept.onnx"), None).unwrap();
    let graph = model.objective_in(Mode::Training, 4, DType::F32, Loss::CrossEntropy);
    let names: Vec<&str> = graph.outputs().iter().skip(3).map(|output| output.name.as_str()).collect();
    let buffers: Vec<String> = model.buffers().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, buffers);
    assert_eq!(model.moments(4, DType::F32).outputs().len(), buffers.len());
}

#[test]
fn files_that_are_no_classifiers_of_batches_are_refused() {
    let error = load_model(&file("encoder-fixed.onnx"), None).unwrap_err().to_string();
    assert!(error.contains("export it with a dynamic batch axis"), "{error}");
    let error = Model::parse("onnx:absent.onnx").unwrap_err().to_string();
    assert!(error.contains("cannot read absent.onnx"), "{error}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("damaged.onnx");
    fs::write(&path, "nothing of the kind").unwrap();
    let error = load_model(&path, None).unwrap_err().to_string();
    assert!(error.contains("not a whole ONNX file"), "{error}");
}
