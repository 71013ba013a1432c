//! Small networks that PyTorch exported, against what ONNX Runtime computed for them; `goldens/make.py` made both.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use graph::{Builder, Reference, Role, Ty};
use isoloss_onnx::{Batch, Moments, OnnxModel, PortKind};
use tensor::{DType, Shape, Tensor};

const BATCH: usize = 3;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens")
}

fn names() -> Vec<String> {
    let files = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let networks = files.filter(|path| path.extension().is_some_and(|extension| extension == "onnx"));
    let mut names: Vec<String> =
        networks.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    names.sort();
    assert!(names.len() >= 25, "the networks were found");
    names
}

fn load(name: &str) -> OnnxModel {
    OnnxModel::read(&folder().join(format!("{name}.onnx"))).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The numbers of a data file: those of the inputs, and the rest.
fn data(file: &str, network: &OnnxModel) -> (Vec<Tensor>, Vec<f32>) {
    let bytes = fs::read(folder().join(file)).unwrap();
    let mut numbers: Vec<f32> = bytes.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
    let inputs = network.inputs().iter().map(|port| {
        let shape: Shape = std::iter::once(BATCH).chain(port.example.iter().copied()).collect();
        let rest = numbers.split_off(shape.elements());
        Tensor::new(shape, std::mem::replace(&mut numbers, rest)).unwrap()
    });
    (inputs.collect(), numbers)
}

/// The outputs of a network one after the other, in training followed by the new running statistics.
fn run(network: &OnnxModel, dtype: DType, inputs: &[Tensor], moments: Moments) -> Vec<f64> {
    let mut b = Builder::new("network");
    let entries: Vec<_> = network
        .entries()
        .iter()
        .map(|entry| b.input(entry.name.clone(), entry.role, Ty::new(dtype, entry.shape.clone())))
        .collect();
    let kinds = network.inputs().iter().map(|port| match port.kind {
        PortKind::Float => dtype,
        PortKind::Integer => DType::I32,
        PortKind::Bool => DType::Bool,
    });
    let inputs: Vec<Tensor> = inputs.iter().zip(kinds).map(|(input, dtype)| input.convert(dtype)).collect();
    let fed: Vec<_> = inputs
        .iter()
        .enumerate()
        .map(|(place, input)| b.input(format!("input {place}"), Role::Data, Ty::of(input)))
        .collect();
    let emission = network.emit(&mut b, dtype, &entries, &fed, moments).unwrap();
    let mut updates = emission.updates;
    updates.sort_by_key(|update| update.0);
    let outputs = emission.outputs.into_iter().chain(updates.into_iter().map(|(_, val)| val));
    for (place, val) in outputs.enumerate() {
        b.output(place.to_string(), val);
    }
    let weights = network.weights().unwrap();
    let weights: Vec<Tensor> = weights.iter().map(|weight| weight.convert(dtype)).collect();
    let arguments: Vec<&Tensor> = weights.iter().chain(&inputs).collect();
    let results = Reference::evaluate(&b.finish(), &arguments).unwrap();
    results.iter().flat_map(Tensor::to_f64_vec).collect()
}

#[track_caller]
fn assert_close(name: &str, found: &[f64], expected: &[f32], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{name}: the number of results");
    let scale = expected.iter().fold(1e-6, |most: f64, &x| most.max(f64::from(x).abs()));
    let worst = found.iter().zip(expected).fold(0f64, |most, (x, &y)| most.max((x - f64::from(y)).abs()));
    assert!(worst <= tolerance * scale, "{name}: off by {worst:e} of {scale}");
}

#[test]
fn outputs_are_onnx_runtime_s() {
    for name in names() {
        let network = load(&name);
        let (inputs, expected) = data(&format!("{name}.data"), &network);
        // Exporters round the constants of formulas to halves as well.
        let tolerance = if name.ends_with("f16") { 1e-3 } else { 1e-5 };
        for dtype in [DType::F32, DType::F64] {
            let found = run(&network, dtype, &inputs, Moments::Running);
            assert_close(&format!("{name} in {dtype}"), &found, &expected, tolerance);
        }
    }
}

#[test]
fn training_is_pytorch_s() {
    let network = load("resnet-kept");
    let (inputs, expected) = data("resnet-kept.trained.data", &network);
    assert_close(
        "resnet-kept in training",
        &run(&network, DType::F64, &inputs, Moments::Averaged),
        &expected,
        1e-5,
    );
}

#[test]
fn names_of_parameters_survive_exports_that_keep_them() {
    let network = load("resnet-kept");
    let names: Vec<&str> = network.entries().iter().map(|entry| entry.name.as_str()).collect();
    for name in ["stem.weight", "bn.weight", "block.conv1.weight", "block.bn2.running_var", "fc.bias"] {
        assert!(names.contains(&name), "{name} among {names:?}");
    }
    let states = network.entries().iter().filter(|entry| entry.role == Role::State).count();
    assert_eq!((states, names.len()), (6, 17));
}

#[test]
fn a_fixed_batch_is_replaced_where_that_is_safe_and_named_where_it_is_not() {
    let network = load("resnet-fixed");
    assert_eq!(network.batch(), &Batch::Any);
    let Batch::Fixed { size, reason } = load("encoder-fixed").batch().clone() else { panic!("fixed") };
    assert_eq!(size, BATCH);
    assert!(reason.starts_with("node "), "{reason}");
}

#[test]
fn a_skeleton_is_the_network_without_weights() {
    for name in names() {
        let network = load(&name);
        let skeleton = OnnxModel::parse(network.skeleton().clone(), None).unwrap();
        assert_eq!(skeleton, network, "{name}");
        assert_eq!(skeleton.entries(), network.entries(), "{name}");
    }
    assert!(OnnxModel::parse(load("resnet-kept").skeleton().clone(), None).unwrap().weights().is_err());
    assert_ne!(load("resnet-kept"), load("resnet-folded"));
}

#[test]
fn a_file_patched_with_its_own_weights_is_the_same_file() {
    for name in names() {
        let network = load(&name);
        let patched = network.patch(&network.weights().unwrap()).unwrap();
        assert_eq!(patched, fs::read(folder().join(format!("{name}.onnx"))).unwrap(), "{name}");
    }
}

/// Every weight moved by an amount that halves and singles keep.
fn moved(network: &OnnxModel) -> Vec<Tensor> {
    let weights = network.weights().unwrap();
    let moved = weights.iter().map(|weight| {
        let elements = weight.as_slice::<f32>().unwrap();
        Tensor::from_fn(weight.shape().clone(), |i| elements[i] * 2.0)
    });
    moved.collect()
}

#[test]
fn patched_weights_come_back() {
    for name in names() {
        let network = load(&name);
        let weights = moved(&network);
        let patched = OnnxModel::parse(network.patch(&weights).unwrap(), Some(&folder())).unwrap();
        assert_eq!(patched.weights().unwrap(), weights, "{name}");
    }
}

#[test]
fn a_patch_changes_the_bytes_of_what_changed_and_no_others() {
    let network = load("resnet-kept");
    let mut weights = network.weights().unwrap();
    let place = network.entries().iter().position(|entry| entry.name == "fc.bias").unwrap();
    weights[place] = Tensor::full(weights[place].shape().clone(), 0.25f32);
    let (old, new) = (fs::read(folder().join("resnet-kept.onnx")).unwrap(), network.patch(&weights).unwrap());
    assert_eq!(old.len(), new.len());
    let changed: Vec<usize> = (0..old.len()).filter(|&i| old[i] != new[i]).collect();
    assert!(changed.last().unwrap() - changed.first().unwrap() < 20, "{changed:?}");
}

#[test]
fn values_that_are_not_the_entries_are_not_written() {
    let network = load("resnet-kept");
    let mut weights = network.weights().unwrap();
    weights[0] = Tensor::zeros(DType::F32, [1]);
    let error = network.patch(&weights).unwrap_err().to_string();
    assert!(error.contains("expected f32[8, 3, 3, 3], found f32[1]"), "{error}");
    assert!(network.patch(&weights[1..]).is_err());
}
