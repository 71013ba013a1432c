//! Networks whose weights are a formula against PyTorch's results, which `goldens/formula/make.py` made.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod formula_values;

use std::{fs, path::Path};

use graph::{Builder, Graph, Reference, Role, Ty};
use isoloss_models::{Loss, Mode, Model};
use optim::{Optimizer, Update};
use serde_json::Value;
use tensor::{DType, Tensor};

use self::formula_values::{classes, examples, uniform, value};

/// The networks that the script makes.
const NETWORKS: usize = 33;

/// What is left of f64 behind dozens of layers.
const TOLERANCE: f64 = 1e-10;

/// What the script found for a network.
struct Golden {
    stored: Value,
    model: Model,
    batch: usize,
}

fn goldens() -> Vec<Golden> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens/formula");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    assert_eq!(paths.len(), NETWORKS, "one file for each network that make.py makes");
    paths.iter().map(|path| Golden::new(serde_json::from_slice(&fs::read(path).unwrap()).unwrap())).collect()
}

impl Golden {
    fn new(stored: Value) -> Self {
        let model = Model::parse(stored["model"].as_str().unwrap()).unwrap();
        let one = model.labels_shape(1).elements() * model.classes().unwrap();
        let batch = stored["logits"].as_array().unwrap().len() / one;
        assert_eq!(stored["parameters"], model.parameters().len(), "{model}");
        Self { stored, model, batch }
    }

    fn objective(&self, mode: Mode) -> Graph {
        self.model.objective_in(mode, self.batch, DType::F64, Loss::CrossEntropy)
    }

    /// Parameters, buffers, examples and labels.
    fn arguments(&self) -> Vec<Tensor> {
        let entries = self.model.entries();
        let mut arguments: Vec<Tensor> = entries.iter().map(|(name, shape)| value(name, shape)).collect();
        arguments.push(examples(&self.model, self.batch));
        arguments.push(classes(
            "labels",
            &self.model.labels_shape(self.batch),
            self.model.classes().unwrap(),
        ));
        arguments
    }

    #[track_caller]
    fn close(&self, what: &str, found: f64, expected: f64, scale: f64) {
        let off = (found - expected).abs();
        assert!(off <= TOLERANCE * scale, "{}: {what} is {found}, expected {expected}", self.model);
    }

    #[track_caller]
    fn number(&self, what: &str, found: &Tensor) {
        let expected = self.stored[what].as_f64().unwrap();
        self.close(what, found.to_f64_vec()[0], expected, expected.abs());
    }

    /// Compares norm and product with a random vector; what vanishes beside `largest` counts as zero.
    #[track_caller]
    fn summary(&self, of: &str, name: &str, found: &Tensor, largest: f64) {
        let stored = &self.stored[of][name];
        let [norm, product] =
            [0, 1].map(|i| stored[i].as_f64().unwrap_or_else(|| panic!("{of} has no {name}")));
        let elements = found.to_f64_vec();
        let own = elements.iter().map(|x| x * x).sum::<f64>().sqrt();
        let along: f64 =
            elements.iter().enumerate().map(|(i, x)| x * uniform(&format!("along {name}"), i)).sum();
        let scale = norm.max(1e-4 * largest);
        self.close(&format!("{of} {name} (norm)"), own, norm, scale);
        self.close(&format!("{of} {name} (product)"), along, product, scale * (elements.len() as f64).sqrt());
    }

    fn largest(&self, of: &str) -> f64 {
        let norms = self.stored[of].as_object().unwrap().values().map(|stored| stored[0].as_f64().unwrap());
        norms.fold(0.0, f64::max)
    }
}

fn run(graph: &Graph, arguments: &[Tensor]) -> Vec<Tensor> {
    Reference::evaluate(graph, &arguments.iter().collect::<Vec<_>>()).unwrap()
}

#[test]
fn evaluation_is_pytorch_s() {
    for golden in goldens() {
        let results = run(&golden.objective(Mode::Evaluation), &golden.arguments());
        golden.number("loss", &results[0]);
        let expected = golden.stored["logits"].as_array().unwrap();
        let scale = expected.iter().fold(0.0, |most, x| x.as_f64().unwrap().abs().max(most));
        for (found, expected) in results[2].to_f64_vec().into_iter().zip(expected) {
            golden.close("a logit", found, expected.as_f64().unwrap(), scale);
        }
    }
}

#[test]
fn gradients_and_new_buffers_are_pytorch_s_and_so_is_a_step() {
    for golden in goldens() {
        let objective = golden.objective(Mode::Training);
        let wrt: Vec<usize> = objective.inputs_with(Role::Parameter).collect();
        let mut arguments = golden.arguments();
        let results = run(&transform::grad(&objective, 0, &wrt), &arguments);
        golden.number("training loss", &results[0]);
        for ((name, _), buffer) in golden.model.buffers().iter().zip(&results[3..]) {
            golden.summary("buffers", name, buffer, 0.0);
        }
        let (largest, gradients) = (golden.largest("gradients"), &results[objective.outputs().len()..]);
        for ((name, _), gradient) in golden.model.parameters().iter().zip(gradients) {
            golden.summary("gradients", name, gradient, largest);
        }
        for (parameter, gradient) in arguments.iter_mut().zip(gradients) {
            *parameter = stepped(parameter, gradient);
        }
        golden.number("loss after a step", &run(&objective, &arguments)[0]);
    }
}

/// A parameter after the script's step.
fn stepped(parameter: &Tensor, gradient: &Tensor) -> Tensor {
    let optimizer: Optimizer = "sgd:lr=0.01,momentum=0.9,weight_decay=0.0005".parse().unwrap();
    let mut b = Builder::new("step");
    let ty = Ty::new(DType::F64, parameter.shape().clone());
    let rate = b.scalar(DType::F64, optimizer.hyper(1, optimizer.rate())[0]);
    let [p, g] = ["p", "g"].map(|name| b.data(name, ty.clone()));
    let velocity = b.splat(&ty, 0.0);
    let update = Update { parameter: p, gradient: g, curvature: None, state: &[velocity] };
    let (new, _) = optimizer.emit(&mut b, &[rate], update);
    b.output("new", new);
    run(&b.finish(), &[parameter.clone(), gradient.clone()]).remove(0)
}
