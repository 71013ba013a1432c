//! Small networks of every architecture against PyTorch's results, which `goldens/architectures/make.py` made.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod golden;

use std::path::{Path, PathBuf};

use graph::{Graph, Reference, Role};
use isoloss_models::{Loss, Mode};
use tensor::{DType, Tensor};

use self::golden::{Golden, paths};

fn goldens() -> Vec<PathBuf> {
    paths("goldens/architectures", 11)
}

fn load(path: &Path) -> Golden {
    Golden::load(path, "state.")
}

impl Golden {
    fn objective(&self, mode: Mode, dtype: DType) -> Graph {
        self.model.objective_in(mode, self.tensor("x").shape()[0], dtype, Loss::CrossEntropy)
    }

    /// The graph's outputs on the golden's parameters, buffers, input and, where it takes them, labels.
    fn run(&self, graph: &Graph) -> Vec<Tensor> {
        let inputs = graph.inputs().iter();
        let arguments: Vec<Tensor> = inputs
            .map(|input| {
                let stored = match input.role {
                    Role::Data => self.tensor(&input.name),
                    Role::Parameter | Role::State => self.params.get(&input.name).unwrap(),
                };
                stored.convert(graph.ty(input.val).dtype)
            })
            .collect();
        Reference::evaluate(graph, &arguments.iter().collect::<Vec<_>>()).unwrap()
    }

    /// Asserts that `found` is the golden tensor, to `tolerance` of its largest element. Some gradients vanish, that of a
    /// bias before batch normalisation for one: below a millionth, elements count as zero.
    #[track_caller]
    fn assert_close(&self, name: &str, found: &Tensor, tolerance: f64) {
        assert_eq!(self.tensor(name).shape(), found.shape(), "{}: {name}", self.model);
        let (expected, found) = (self.tensor(name).to_f64_vec(), found.to_f64_vec());
        let scale = expected.iter().fold(1e-6f64, |most, x| most.max(x.abs()));
        let worst = expected.iter().zip(&found).fold(0f64, |most, (x, y)| most.max((x - y).abs()));
        assert!(worst <= tolerance * scale, "{}: {name} is off by {worst:e} of {scale}", self.model);
    }
}

/// The goldens are rounded to f32 once, the computation in f64 is exact beside that.
const ROUNDED: f64 = 1e-7;

/// Up to a dozen layers in f32.
const SINGLE: f64 = 2e-5;

#[test]
fn evaluation_is_pytorch_s() {
    for path in goldens() {
        let golden = load(&path);
        for (dtype, tolerance) in [(DType::F64, ROUNDED), (DType::F32, SINGLE)] {
            let logits = golden.run(&golden.model.forward(golden.tensor("x").shape()[0], dtype));
            golden.assert_close("evaluation.logits", &logits[0], tolerance);
            let results = golden.run(&golden.objective(Mode::Evaluation, dtype));
            golden.assert_close("evaluation.loss", &results[0], tolerance);
            assert_eq!(results[2], logits[0]);
        }
    }
}

#[test]
fn training_and_its_new_buffers_are_pytorch_s() {
    for path in goldens() {
        let golden = load(&path);
        for (dtype, tolerance) in [(DType::F64, ROUNDED), (DType::F32, SINGLE)] {
            let results = golden.run(&golden.objective(Mode::Training, dtype));
            golden.assert_close("training.loss", &results[0], tolerance);
            golden.assert_close("training.logits", &results[2], tolerance);
            let buffers = golden.model.buffers();
            assert_eq!(results.len(), 3 + buffers.len());
            for ((name, _), buffer) in buffers.iter().zip(&results[3..]) {
                golden.assert_close(&format!("updated.{name}"), buffer, tolerance);
            }
        }
    }
}

#[test]
fn gradients_are_pytorch_s() {
    for path in goldens() {
        let golden = load(&path);
        let objective = golden.objective(Mode::Training, DType::F64);
        let wrt: Vec<usize> = objective.inputs_with(Role::Parameter).collect();
        let results = golden.run(&transform::grad(&objective, 0, &wrt));
        let gradients = &results[objective.outputs().len()..];
        for ((name, _), gradient) in golden.model.parameters().iter().zip(gradients) {
            golden.assert_close(&format!("gradient.{name}"), gradient, ROUNDED);
        }
    }
}
