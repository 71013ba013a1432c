//! Reading `goldens/*.json`, and checking a composite against one of their cases.

use graph::{Builder, Graph, Reference, Ty, Val};
use isoloss_testkit::laws;
use serde_json::Value;
use tensor::{DType, Key, Tensor};
use transform::{Rules, grad};

/// A composite applied to the operands of a case; its results in order.
pub(crate) type Composite = fn(&mut Builder, &[Val]) -> Vec<Val>;

/// What PyTorch computed for one composite.
pub(crate) struct Golden {
    name: String,
    operands: Vec<Tensor>,
    results: Vec<Tensor>,
    weights: Vec<Tensor>,
    gradients: Vec<Tensor>,
}

/// The cases of a file.
pub(crate) fn load(json: &str) -> Vec<Golden> {
    let file: Value = serde_json::from_str(json).unwrap();
    let tensors = |case: &Value, key: &str| case[key].as_array().unwrap().iter().map(tensor).collect();
    let golden = |case: &Value| Golden {
        name: case["name"].as_str().unwrap().to_owned(),
        operands: tensors(case, "operands"),
        results: tensors(case, "results"),
        weights: tensors(case, "weights"),
        gradients: tensors(case, "gradients"),
    };
    file["cases"].as_array().unwrap().iter().map(golden).collect()
}

fn tensor(value: &Value) -> Tensor {
    let size = |size: &Value| usize::try_from(size.as_u64().unwrap()).unwrap();
    let shape: Vec<usize> = value["shape"].as_array().unwrap().iter().map(size).collect();
    let elements = value["elements"].as_array().unwrap();
    let stored = Tensor::from_fn(shape, |i| match &elements[i] {
        Value::Bool(truth) => f64::from(u8::from(*truth)),
        number => number.as_f64().unwrap(),
    });
    match value["type"].as_str().unwrap() {
        "torch.int64" => stored.convert(DType::I32),
        "torch.bool" => stored.convert(DType::Bool),
        _ => stored,
    }
}

/// What composites lose to rounding in f64: sums of a few hundred terms.
const DOUBLE: f64 = 1e-12;

/// The same in f32.
const SINGLE: f64 = 2e-5;

/// Checks the cases of a file against the composites of a list: each of one has its counterpart in the other.
pub(crate) fn check_all(goldens: &[Golden], composites: &[(&str, Composite)]) {
    let names = |cases: &[Golden]| cases.iter().map(|golden| golden.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(goldens), composites.iter().map(|(name, _)| (*name).to_owned()).collect::<Vec<_>>());
    for (golden, (_, composite)) in goldens.iter().zip(composites) {
        golden.check(*composite);
    }
}

impl Golden {
    fn check(&self, composite: Composite) {
        for (dtype, tolerance) in [(DType::F64, DOUBLE), (DType::F32, SINGLE)] {
            let graph = self.graph(composite, dtype);
            self.assert_close(&run(&graph, &converted(&self.operands, dtype)), &self.results, tolerance);
            let scalar = self.weighted(&graph, dtype);
            let gradients =
                run(&grad(&scalar, 0, &laws::float_inputs(&scalar)), &converted(&self.operands, dtype));
            self.assert_close(&gradients[1..], &self.gradients, tolerance);
        }
        let key = Key::new(7).child(&self.name);
        laws::all(Rules::own(), &self.graph(composite, DType::F64), &self.operands, key).unwrap();
    }

    fn graph(&self, composite: Composite, dtype: DType) -> Graph {
        let mut b = Builder::new(self.name.clone());
        let operands = converted(&self.operands, dtype);
        let operands: Vec<Val> =
            operands.iter().enumerate().map(|(k, x)| b.data(format!("x{k}"), Ty::of(x))).collect();
        for (k, result) in composite(&mut b, &operands).into_iter().enumerate() {
            b.output(format!("y{k}"), result);
        }
        b.finish()
    }

    /// The sum of the results weighted as in the file.
    fn weighted(&self, graph: &Graph, dtype: DType) -> Graph {
        let mut b = Builder::new(self.name.clone());
        let inputs: Vec<Val> = graph
            .inputs()
            .iter()
            .map(|input| b.data(input.name.clone(), graph.ty(input.val).clone()))
            .collect();
        let values = b.inline(graph, &inputs);
        let mut total = b.scalar(dtype, 0.0);
        for (output, weight) in graph.outputs().iter().zip(&self.weights) {
            let weight = b.constant(weight.convert(dtype));
            let weighted = b.multiply(values[output.val.position()], weight);
            let axes: Vec<usize> = (0..b.shape(weighted).rank()).collect();
            let sum = b.reduce_sum(weighted, &axes);
            total = b.add(total, sum);
        }
        b.output("total", total);
        b.finish()
    }

    /// Asserts that tensors agree to `tolerance` of the largest element of each.
    fn assert_close(&self, found: &[Tensor], expected: &[Tensor], tolerance: f64) {
        assert_eq!(found.len(), expected.len(), "{}", self.name);
        for (position, (found, expected)) in found.iter().zip(expected).enumerate() {
            assert_eq!(found.shape(), expected.shape(), "{}: tensor {position}", self.name);
            let (found, expected) = (found.to_f64_vec(), expected.to_f64_vec());
            let scale = expected.iter().fold(1f64, |most, x| most.max(x.abs()));
            let worst = expected.iter().zip(&found).fold(0f64, |most, (x, y)| most.max((x - y).abs()));
            assert!(
                worst <= tolerance * scale,
                "{}: tensor {position} is off by {worst:e} of {scale}",
                self.name
            );
        }
    }
}

fn converted(tensors: &[Tensor], dtype: DType) -> Vec<Tensor> {
    let convert = |x: &Tensor| if x.dtype().is_float() { x.convert(dtype) } else { x.clone() };
    tensors.iter().map(convert).collect()
}

fn run(graph: &Graph, arguments: &[Tensor]) -> Vec<Tensor> {
    Reference::evaluate(graph, &arguments.iter().collect::<Vec<_>>()).unwrap()
}
