//! Networks that are their own objectives against PyTorch's losses and gradients, which `goldens/objectives/make.py` made.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use graph::{Reference, Role};
use isoloss_models::{
    Image, Input, Labels, Loss, Mode, Model, Params, Target, load_model,
    weights::{self, Checkpoint},
};
use tensor::{DType, Shape, Tensor};

/// The goldens are rounded to f32 once, the computation in f64 is exact beside that.
const ROUNDED: f64 = 1e-6;
/// Sums over at most 64 terms in f32.
const SINGLE: f64 = 1e-5;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens/objectives")
}

fn names() -> Vec<String> {
    let files = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let networks = files.filter(|path| path.extension().is_some_and(|extension| extension == "onnx"));
    let mut names: Vec<String> =
        networks.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    names.sort();
    assert_eq!(names.len(), 12, "one for each that make.py makes");
    names
}

struct Golden {
    name: String,
    model: Model,
    params: Params,
    results: Checkpoint,
}

fn load(name: &str) -> Golden {
    let (model, params) = load_model(&folder().join(format!("{name}.onnx")), None)
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    let results = weights::load(&folder().join(format!("{name}.safetensors"))).unwrap();
    Golden { name: name.to_owned(), model, params, results }
}

impl Golden {
    fn tensor(&self, name: &str) -> &Tensor {
        self.results.params.get(name).unwrap_or_else(|| panic!("{}: no {name}", self.name))
    }

    /// The outputs of the gradient of the objective on the first `count` examples: loss, new buffers, gradients.
    fn gradient(&self, mode: Mode, dtype: DType, examples: &[usize]) -> Vec<(String, Tensor)> {
        let rows = |name: &str, dtype: DType| {
            let tensor = self.tensor(name);
            let width = tensor.shape()[1..].iter().product::<usize>();
            let (shape, numbers) = (tensor.shape(), tensor.to_f64_vec());
            let chosen: Shape = std::iter::once(examples.len()).chain(shape[1..].iter().copied()).collect();
            Tensor::from_fn(chosen, |i| numbers[examples[i / width] * width + i % width]).convert(dtype)
        };
        let is_text = matches!(self.model.input(), Input::Tokens { .. });
        let x = rows("x", if is_text { DType::I32 } else { dtype });
        let graph = self.model.objective_in(mode, examples.len(), dtype, self.model.loss());
        let parameters: Vec<usize> = graph.inputs_with(Role::Parameter).collect();
        let gradient = transform::grad(&graph, 0, &parameters);
        let params: Vec<Tensor> = self.params.values().map(|tensor| tensor.convert(dtype)).collect();
        let labels = rows("labels", DType::I32);
        let arguments: Vec<&Tensor> = params.iter().chain([&x, &labels]).collect();
        let found = Reference::evaluate(&gradient, &arguments).unwrap();
        let names = gradient.outputs().iter().map(|output| output.name.clone());
        names.zip(found).collect()
    }

    #[track_caller]
    fn assert_close(&self, name: &str, found: &Tensor, tolerance: f64) {
        let (expected, found) = (self.tensor(name).to_f64_vec(), found.to_f64_vec());
        assert_eq!(expected.len(), found.len(), "{}: {name}", self.name);
        let scale = expected.iter().fold(1e-3f64, |most, x| most.max(x.abs()));
        let worst = expected.iter().zip(&found).fold(0f64, |most, (x, y)| most.max((x - y).abs()));
        assert!(worst <= tolerance * scale, "{}: {name} is off by {worst:e} of {scale}", self.name);
    }
}

const ALL: [usize; 5] = [0, 1, 2, 3, 4];

#[test]
fn losses_and_gradients_are_pytorch_s() {
    for name in names() {
        let golden = load(&name);
        for (dtype, tolerance) in [(DType::F64, ROUNDED), (DType::F32, SINGLE)] {
            for (mode, prefix) in [(Mode::Evaluation, "evaluation"), (Mode::Training, "training")] {
                let found = golden.gradient(mode, dtype, &ALL);
                golden.assert_close(&format!("{prefix}.loss"), &found[0].1, tolerance);
                let parameters = golden.model.parameters();
                let (buffers, gradients) = found[1..].split_at(found.len() - 1 - parameters.len());
                for ((name, _), (_, gradient)) in parameters.iter().zip(gradients) {
                    golden.assert_close(&format!("{prefix}.gradient.{name}"), gradient, tolerance);
                }
                for (name, buffer) in buffers {
                    golden.assert_close(&format!("{prefix}.new.{name}"), buffer, tolerance);
                }
                let expected = if mode == Mode::Training { golden.model.buffers().len() } else { 0 };
                assert_eq!(buffers.len(), expected, "{name}");
            }
        }
    }
}

#[test]
fn the_objective_of_a_batch_is_the_mean_of_its_examples_whatever_the_exporter_s_batch() {
    for name in names() {
        let golden = load(&name);
        let loss =
            |examples: &[usize]| golden.gradient(Mode::Evaluation, DType::F64, examples)[0].1.to_f64_vec()[0];
        let mean = ALL.iter().map(|&example| loss(&[example])).sum::<f64>() / 5.0;
        assert!((loss(&ALL) - mean).abs() < 1e-12 * mean, "{name}: {} {mean}", loss(&ALL));
    }
}

#[test]
fn inputs_and_labels_are_as_the_file_declares() {
    let role = |name: &str| {
        let Golden { model, .. } = load(name);
        (model.input(), model.labels(), model.target().unwrap())
    };
    let image = Input::Image(Image { channels: 1, height: 8, width: 8 });
    let classes = Target::Classes { count: Some(10) };
    for name in ["classifier-legacy", "classifier-dynamo", "classifier-fixed"] {
        assert_eq!(role(name), (image, Labels::Whole, classes), "{name}");
    }
    for exporter in ["legacy", "dynamo"] {
        let role = |kind: &str| role(&format!("{kind}-{exporter}"));
        assert_eq!(role("regression"), (Input::Features(64), Labels::Whole, Target::OneHot(10)));
        assert_eq!(role("binary"), (Input::Features(64), Labels::Whole, Target::Numbers));
        assert_eq!(role("autoencoder"), (image, Labels::Whole, Target::Nothing));
        let (text, next) = (Input::Tokens { count: 4, vocabulary: 7 }, Labels::NextTokens(4));
        assert_eq!(role("language"), (text, next, Target::Classes { count: Some(7) }));
    }
    let text = Input::Tokens { count: 4, vocabulary: 7 };
    assert_eq!(role("shifting-dynamo"), (text, Labels::NextTokens(4), Target::Nothing));
}

#[test]
fn an_objective_has_no_other_loss_and_a_classifier_none_of_its_own() {
    let golden = load("classifier-legacy");
    assert_eq!(golden.model.loss(), Loss::Own);
    let error = golden.model.check_loss(Loss::CrossEntropy).unwrap_err().to_string();
    assert!(error.contains("is its own objective: expected the loss own, found cross-entropy"), "{error}");
    let classifier = Model::parse("mlp:4-2").unwrap();
    assert_eq!((classifier.target(), classifier.loss()), (None, Loss::CrossEntropy));
    let error = classifier.check_loss(Loss::Own).unwrap_err().to_string();
    assert!(error.contains("mlp:4-2 returns logits and is no objective itself"), "{error}");
}

#[test]
fn weights_carry_the_objective_and_a_file_takes_them_back() {
    let golden = load("classifier-dynamo");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    weights::save(&path, &golden.params, &golden.model.metadata()).unwrap();
    let (model, params) = load_model(&path, None).unwrap();
    assert_eq!((&model, &params, model.target()), (&golden.model, &golden.params, golden.model.target()));
    let file = fs::read(self::folder().join("classifier-dynamo.onnx")).unwrap();
    assert_eq!(model.to_onnx(&params).unwrap(), file);
}

#[test]
fn what_is_no_objective_of_examples_and_labels_is_refused_with_all_its_inputs() {
    let error = |name: &str| {
        load_model(&folder().join(format!("refused/{name}.onnx")), None).unwrap_err().to_string()
    };
    let masked = error("masked");
    assert!(masked.contains("expected one input, examples, or two, examples and labels"), "{masked}");
    let inputs =
        "found 3 of them: 'x' (floats [batch, 64]), 'labels' (floats [batch, 10]), 'mask' (floats [batch])";
    assert!(masked.contains(inputs), "{masked}");
    let paired = error("paired");
    assert!(paired.contains("expected one input, examples, of a network that returns logits"), "{paired}");
    assert!(paired.contains("found 2 of them: 'x' (floats [batch, 64])"), "{paired}");
    let denoising = error("denoising");
    assert!(denoising.contains("expected labels as second input: integers or floats [batch]"), "{denoising}");
    assert!(denoising.contains("found 'labels' (floats [batch, 1, 8, 8])"), "{denoising}");
}
