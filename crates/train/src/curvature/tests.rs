use graph::Reference;
use models::{Init, Loss, Params};

use super::*;

const BATCH: usize = 6;
const CLASSES: usize = 3;

/// A linear network with two features, and a batch for it.
fn linear() -> (Model, Params, Tensor) {
    let model = Model::parse("mlp:2-3").unwrap();
    let params = model.init(Init::PyTorch, Key::new(4));
    let x = Tensor::from_fn([BATCH, 2], |i| (2.0 * Key::new(9).normal(i as u64)) as f32);
    (model, params, x)
}

fn estimate(graph: &Graph, params: &Params, x: &Tensor, number: u64) -> Vec<f64> {
    let key = key_words(Key::new(1).fold(number));
    let arguments: Vec<&Tensor> = params.values().chain([x, &key]).collect();
    Reference::evaluate(graph, &arguments).unwrap().iter().flat_map(Tensor::to_f64_vec).collect()
}

/// The softmax probabilities of a linear network, row by row.
fn probabilities(params: &Params, x: &Tensor) -> Vec<[f64; CLASSES]> {
    let (weight, bias) =
        (params.get("0.weight").unwrap().to_f64_vec(), params.get("0.bias").unwrap().to_f64_vec());
    let row = |x: &[f64]| {
        let scores: [f64; CLASSES] =
            std::array::from_fn(|c| (bias[c] + weight[2 * c] * x[0] + weight[2 * c + 1] * x[1]).exp());
        scores.map(|score| score / scores.iter().sum::<f64>())
    };
    x.to_f64_vec().chunks(2).map(row).collect()
}

/// The diagonal of the Gauss-Newton matrix of a linear network: the mean over the examples of p(1 − p) x² for a weight, of
/// p(1 − p) for a bias.
fn diagonal(params: &Params, x: &Tensor) -> Vec<f64> {
    let (p, x) = (probabilities(params, x), x.to_f64_vec());
    let mean = |class: usize, factor: &dyn Fn(&[f64]) -> f64| {
        let terms = p.iter().zip(x.chunks(2)).map(|(p, x)| p[class] * (1.0 - p[class]) * factor(x));
        terms.sum::<f64>() / BATCH as f64
    };
    let weights = (0..2 * CLASSES).map(|i| mean(i / 2, &|x| x[i % 2] * x[i % 2]));
    let biases = (0..CLASSES).map(|class| mean(class, &|_| 1.0));
    weights.chain(biases).collect()
}

/// How many standard errors the means of the estimates are away from `expected`, at most.
fn worst_deviation(estimates: &[Vec<f64>], expected: &[f64]) -> f64 {
    let count = estimates.len() as f64;
    let deviation = |i: usize| {
        let mean = estimates.iter().map(|estimate| estimate[i]).sum::<f64>() / count;
        let variance =
            estimates.iter().map(|estimate| (estimate[i] - mean).powi(2)).sum::<f64>() / (count - 1.0);
        (mean - expected[i]).abs() / (variance / count).sqrt()
    };
    (0..expected.len()).map(deviation).fold(0.0, f64::max)
}

#[test]
fn the_estimate_is_unbiased_and_a_biased_one_is_caught() {
    let (model, params, x) = linear();
    let graph = estimate_graph(&model, BATCH);
    let estimates: Vec<Vec<f64>> = (0..4000).map(|number| estimate(&graph, &params, &x, number)).collect();
    let expected = diagonal(&params, &x);
    assert!(worst_deviation(&estimates, &expected) < 4.0);
    let biased: Vec<f64> = expected.iter().map(|d| 1.2 * d).collect();
    assert!(worst_deviation(&estimates, &biased) > 4.0);
}

#[test]
fn labels_are_drawn_with_the_softmax_s_probabilities() {
    let mut b = Builder::new("draw");
    let logits = b.data("logits", Ty::f32([4000, CLASSES]));
    let key = b.data("key", Ty::i32([2]));
    let labels = draw(&mut b, logits, key);
    b.output("labels", labels);
    let probabilities = [0.6f64, 0.3, 0.1];
    let logits = Tensor::from_fn([4000, CLASSES], |i| (7.0 + probabilities[i % CLASSES].ln()) as f32);
    let labels = Reference::evaluate(&b.finish(), &[&logits, &key_words(Key::new(5))]).unwrap();
    for (class, p) in probabilities.into_iter().enumerate() {
        let count = labels[0].to_f64_vec().iter().filter(|&&label| label == class as f64).count();
        let error = (count as f64 / 4000.0 - p).abs() / (p * (1.0 - p) / 4000.0).sqrt();
        assert!(error < 4.0, "{class}: {count}");
    }
}

#[test]
fn tokens_count_one_by_one_and_batch_normalisation_is_that_of_training() {
    for spec in ["lstm:vocab=5,hidden=4,steps=3", "mlp:4-5-3,norm=batch"] {
        let model = Model::parse(spec).unwrap();
        let params = model.init(Init::PyTorch, Key::new(0));
        let x = match model.input() {
            models::Input::Tokens { count, .. } => Tensor::from_fn([BATCH, count], |i| (i % 5) as i32),
            _ => Tensor::from_fn([BATCH, 4], |i| Key::new(2).normal(i as u64) as f32),
        };
        let found = estimate(&estimate_graph(&model, BATCH), &params, &x, 0);
        let drawn = drawn_labels(&model, &params, &x);
        assert_eq!(found, squared_gradient(&model, &params, &x, &drawn), "{spec}");
    }
}

/// The labels that the estimate with key 0 draws.
fn drawn_labels(model: &Model, params: &Params, x: &Tensor) -> Tensor {
    let forward = model.forward_in(Mode::Training, BATCH, DType::F32);
    let mut b = Builder::new("labels");
    let values = b.copy(&forward);
    let key = b.data("key", Ty::i32([2]));
    let labels = draw(&mut b, values[forward.outputs()[0].val.position()], key);
    b.output("labels", labels);
    let key = key_words(Key::new(1).fold(0));
    let arguments: Vec<&Tensor> = params.values().chain([x, &key]).collect();
    Reference::evaluate(&b.finish(), &arguments).unwrap().remove(0)
}

/// B · g², for the gradient g of the mean loss by these labels.
fn squared_gradient(model: &Model, params: &Params, x: &Tensor, labels: &Tensor) -> Vec<f64> {
    let objective = model.objective_in(Mode::Training, BATCH, DType::F32, Loss::CrossEntropy);
    let count = model.parameters().len();
    let gradient = transform::grad(&objective, 0, &(0..count).collect::<Vec<_>>());
    let arguments: Vec<&Tensor> = params.values().chain([x, labels]).collect();
    let results = Reference::evaluate(&gradient, &arguments).unwrap();
    let gradients = results[results.len() - count..].iter().flat_map(Tensor::to_f64_vec);
    gradients.map(|g| f64::from((g as f32) * (g as f32) * labels.elements() as f32)).collect()
}
