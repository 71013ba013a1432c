//! Networks of every activation and normalisation against PyTorch's results, which `goldens/make.py` made.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod golden;

use std::path::{Path, PathBuf};

use graph::{Argument, Executor, Graph, Reference};
use isoloss_models::Loss;
use tensor::{DType, Tensor};

use self::golden::{Golden, paths};

fn goldens() -> Vec<PathBuf> {
    paths("goldens", 12)
}

fn load(path: &Path) -> Golden {
    Golden::load(path, "parameter.")
}

impl Golden {
    fn batch(&self) -> usize {
        self.tensor("x").shape()[0]
    }

    /// The graph's outputs on the golden's parameters, input and, where it takes them, labels.
    fn run(&self, graph: &Graph, dtype: DType) -> Vec<Tensor> {
        let mut arguments: Vec<Tensor> = self.params.values().map(|tensor| tensor.convert(dtype)).collect();
        arguments.push(self.tensor("x").convert(dtype));
        arguments.push(self.tensor("labels").convert(DType::I32));
        let arguments = arguments.into_iter().take(graph.inputs().len()).map(Argument::Donated).collect();
        Reference.compile(graph, &[]).unwrap().run(arguments).unwrap()
    }

    /// Asserts that `found` is the golden tensor, to `tolerance` of its largest element.
    #[track_caller]
    fn assert_close(&self, name: &str, found: &Tensor, tolerance: f64) {
        let (expected, found) = (self.tensor(name).to_f64_vec(), found.to_f64_vec());
        assert_eq!(expected.len(), found.len(), "{}: {name}", self.model);
        let scale = expected.iter().fold(0f64, |most, x| most.max(x.abs()));
        let worst = expected.iter().zip(&found).fold(0f64, |most, (x, y)| most.max((x - y).abs()));
        assert!(worst <= tolerance * scale, "{}: {name} is off by {worst:e} of {scale}", self.model);
    }
}

/// The goldens are rounded to f32 once, the computation in f64 is exact beside that.
const ROUNDED: f64 = 1e-7;

/// Three layers of sums over at most seven terms in f32.
const SINGLE: f64 = 1e-6;

#[test]
fn logits_are_pytorch_s() {
    for path in goldens() {
        let golden = load(&path);
        for (dtype, tolerance) in [(DType::F64, ROUNDED), (DType::F32, SINGLE)] {
            let logits = golden.run(&golden.model.forward(golden.batch(), dtype), dtype);
            golden.assert_close("logits", &logits[0], tolerance);
        }
    }
}

#[test]
fn losses_are_pytorch_s() {
    for path in goldens() {
        let golden = load(&path);
        for loss in [Loss::CrossEntropy, Loss::SquaredError] {
            for (dtype, tolerance) in [(DType::F64, ROUNDED), (DType::F32, SINGLE)] {
                let results = golden.run(&golden.model.objective(golden.batch(), dtype, loss), dtype);
                golden.assert_close(&format!("loss.{loss}"), &results[0], tolerance);
                golden.assert_close(&format!("losses.{loss}"), &results[1], tolerance);
            }
        }
    }
}

#[test]
fn gradients_are_pytorch_s() {
    for path in goldens() {
        let golden = load(&path);
        let objective = golden.model.objective(golden.batch(), DType::F64, Loss::CrossEntropy);
        let wrt: Vec<usize> = (0..golden.params.len()).collect();
        let results = golden.run(&transform::grad(&objective, 0, &wrt), DType::F64);
        for (name, gradient) in golden.params.names().zip(&results[objective.outputs().len()..]) {
            golden.assert_close(&format!("gradient.{name}"), gradient, ROUNDED);
        }
    }
}
