//! Weight matching: optimality on tiny networks, determinism, refusals.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod common;

use common::all_elements;
use cpu::Cpu;
use graph::{Graph, Reference};
use isoloss_symmetry::{
    Element, Group, SymmetryError, infer,
    matching::{Matching, Options, objective, planted, weight_matching},
};
use models::{Init, Model, Params};
use tensor::{DType, Key, Tensor, parallel};

fn group(model: &Model) -> Group {
    infer(&model.forward(1, DType::F32))
}

fn pair(model: &Model, seed: u64) -> [Params; 2] {
    [0, 1].map(|network| model.init(Init::PyTorch, Key::new(seed).fold(network)))
}

fn matched(group: &Group, [a, b]: &[Params; 2], options: &Options) -> Matching {
    weight_matching(&Cpu::new(), group, a, b, options).unwrap()
}

/// The best of many starts reaches the best of all elements.
#[track_caller]
fn assert_reaches_the_optimum(graph: &Graph, seeds: u64) {
    let group = infer(graph);
    for seed in 0..seeds {
        let [a, b] =
            [0, 1].map(|network| common::random_params(graph, DType::F32, Key::new(seed).fold(network)));
        let value = |element: &Element| objective(&group, &a, &b, element).unwrap();
        let optimum = all_elements(&group).iter().map(value).fold(f64::MIN, f64::max);
        let found = matched(&group, &[a.clone(), b.clone()], &Options { restarts: 30, ..Options::default() });
        assert_eq!(found.objective, value(&found.element));
        assert!((found.objective - optimum).abs() < 1e-9, "seed {seed}: {} of {optimum}", found.objective);
    }
}

#[test]
fn two_hidden_layers_are_solved_to_the_optimum() {
    assert_reaches_the_optimum(&Model::parse("mlp:3-4-4-2").unwrap().forward(1, DType::F32), 10);
}

#[test]
fn a_weight_tied_on_both_axes_is_solved_to_the_optimum() {
    assert_reaches_the_optimum(&common::weight_used_twice(4), 10);
}

#[test]
fn a_residual_stream_is_solved_to_the_optimum() {
    assert_reaches_the_optimum(&common::residual_stream(), 10);
}

#[test]
fn blocks_are_solved_to_the_optimum() {
    assert_reaches_the_optimum(&common::channels(4), 10);
}

#[test]
fn every_adopted_step_rises_and_the_last_sweep_is_proved() {
    let model = Model::parse("mlp:12-16-16-16-4").unwrap();
    let group = group(&model);
    let networks = pair(&model, 1);
    let found = matched(&group, &networks, &Options { restarts: 3, ..Options::default() });
    let mut before = found.starts[found.best_start].initial_objective;
    for step in &found.trajectory {
        let rises = step.objective > before;
        assert_eq!(rises, step.adopted, "{step:?} after {before}");
        before = step.objective;
    }
    assert_eq!(before, found.objective);
    assert_eq!(found.trajectory.last().unwrap().sweep, found.sweeps());
    assert_eq!(found.starts.len(), 4);
    assert!(found.starts.iter().all(|start| start.converged && start.objective <= found.objective));
    assert!(found.objective > found.identity_objective && found.objective < found.norms[0] * found.norms[1]);
    assert_eq!(found.proofs.len(), 3);
    for proof in &found.proofs {
        assert!(proof.certificate.holds(), "{proof:?}");
        assert!(proof.shortfall.abs() < 1e-5 * found.objective, "{proof:?}");
    }
}

#[test]
fn a_start_does_not_depend_on_how_many_there_are() {
    let model = Model::parse("mlp:6-8-8-3").unwrap();
    let (group, networks) = (group(&model), pair(&model, 2));
    let starts = |restarts| matched(&group, &networks, &Options { restarts, ..Options::default() }).starts;
    assert_eq!(starts(5)[..3], starts(2)[..]);
}

#[test]
fn the_same_bits_for_any_number_of_threads() {
    let model = Model::parse("mlp:40-70-70-10").unwrap();
    let (group, networks) = (group(&model), pair(&model, 3));
    let options = Options { restarts: 1, ..Options::default() };
    let [one, three] = [1, 3]
        .map(|threads| parallel::with_threads(threads, || matched(&group, &networks, &options)).unwrap());
    assert_eq!(one, three);
    assert_eq!(one, matched(&group, &networks, &options));
}

#[test]
fn a_network_matches_itself_by_the_identity() {
    let model = Model::parse("mlp:6-8-8-3").unwrap();
    let a = model.init(Init::He, Key::new(4));
    let found = matched(&group(&model), &[a.clone(), a], &Options::default());
    assert!(found.element.is_identity());
    assert!((found.objective - found.norms[0].powi(2)).abs() < 1e-9);
    assert_eq!(found.sweeps(), 1);
}

#[test]
fn planted_elements_are_recovered_under_noise() {
    let model = Model::parse("mlp:20-32-32-32-5").unwrap();
    let (group, cpu) = (group(&model), Cpu::new());
    let params = model.init(Init::PyTorch, Key::new(5));
    for noise in [0.0, 0.1, 0.3] {
        for trial in 0..20 {
            let key = Key::new(6).fold(trial);
            let recovered = planted::trial(&cpu, &group, &params, noise, key, &Options::default()).unwrap();
            assert!(recovered.is_recovered(), "noise {noise}, trial {trial}: {recovered:?}");
            assert!(recovered.is_exact || noise > 0.0, "trial {trial}: {recovered:?}");
        }
    }
}

/// The trials that recover what was planted: from the first start, and those of which a start from the identity does.
fn recovered(graph: &Graph, noise: f64, trials: u64) -> [usize; 2] {
    let group = infer(graph).permutations();
    let params = common::random_params(graph, DType::F32, Key::new(14));
    let mut recovered = [0; 2];
    for trial in 0..trials {
        let key = Key::new(15).fold(trial);
        let (copy, element) = planted::plant(&group, &params, noise, key).unwrap();
        let planted = objective(&group, &params, &copy, &group.invert(&element).unwrap()).unwrap();
        let found = matched(&group, &[params.clone(), copy], &Options { restarts: 1, ..Options::default() });
        for (count, start) in recovered.iter_mut().zip(&found.starts) {
            *count += usize::from(start.objective >= planted - 1e-9 * planted);
        }
    }
    recovered
}

#[test]
fn planted_elements_are_recovered_in_residual_graphs_where_the_identity_leads_astray() {
    for noise in [0.0, 0.1, 0.3] {
        let [grown, from_identity] = recovered(&common::wide_stream(2, 30, 50, 2), noise, 10);
        assert!(grown == 10 && from_identity < 5, "noise {noise}: {grown}, {from_identity}");
    }
}

#[test]
fn planted_elements_are_recovered_in_networks_with_residual_streams() {
    for spec in ["resnet8:width=0.25,norm=layer,in=3x6x5", "gpt:layers=2,width=16,heads=4,context=4,vocab=3"]
    {
        let model = Model::parse(spec).unwrap();
        for noise in [0.0, 0.1, 0.3] {
            assert_eq!(recovered(&model.forward(1, DType::F32), noise, 4)[0], 4, "{spec}, noise {noise}");
        }
    }
}

#[test]
fn a_network_is_never_left_worse_than_it_was() {
    let graph = common::wide_stream(1, 10, 12, 2);
    let group = infer(&graph).permutations();
    let params = common::random_params(&graph, DType::F32, Key::new(16));
    let mut further = 0;
    for seed in 0..10 {
        let still = group.identity();
        let (copy, element) = planted::plant(&group, &params, 1.5, Key::new(seed)).unwrap();
        let near = group.act(&group.invert(&element).unwrap(), &copy).unwrap();
        let found = matched(&group, &[params.clone(), near.clone()], &Options::default());
        assert_eq!(found.identity_objective, objective(&group, &params, &near, &still).unwrap());
        assert!(found.objective >= found.identity_objective);
        assert_eq!(found.starts.len() == 2, found.starts[0].objective < found.identity_objective);
        further += found.starts.len() - 1;
    }
    assert!(further > 0, "some first start ends below the identity");
}

#[test]
fn a_random_element_is_no_answer_to_a_planted_one() {
    let model = Model::parse("mlp:20-32-32-32-5").unwrap();
    let group = group(&model);
    let params = model.init(Init::PyTorch, Key::new(7));
    let (copy, element) = planted::plant(&group, &params, 0.1, Key::new(8)).unwrap();
    let answer = objective(&group, &params, &copy, &group.invert(&element).unwrap()).unwrap();
    for seed in 0..10 {
        let control = objective(&group, &params, &copy, &group.random_permutation(Key::new(seed))).unwrap();
        assert!(control < 0.5 * answer, "seed {seed}: {control} of {answer}");
    }
}

#[test]
fn noise_is_relative_to_each_parameter() {
    let model = Model::parse("mlp:50-40-3").unwrap();
    let group = group(&model);
    let params = model.init(Init::He, Key::new(9));
    let (copy, element) = planted::plant(&group, &params, 0.3, Key::new(10)).unwrap();
    let back = group.act(&group.invert(&element).unwrap(), &copy).unwrap();
    let deviation = |values: &[f64]| (values.iter().map(|x| x * x).sum::<f64>() / values.len() as f64).sqrt();
    let weights = |params: &Params| params.get("0.weight").unwrap().to_f64_vec();
    let (weight, moved) = (weights(&params), weights(&back));
    let noise: Vec<f64> = weight.iter().zip(&moved).map(|(weight, moved)| moved - weight).collect();
    assert!((deviation(&noise) / deviation(&weight) - 0.3).abs() < 0.02);
    assert_eq!(back.get("0.bias"), params.get("0.bias"), "biases of zero stay zero");
    for noise in [-0.1, f64::NAN] {
        let error = planted::plant(&group, &params, noise, Key::new(0)).unwrap_err();
        assert!(matches!(error, SymmetryError::OutOfRange { .. }), "{error}");
    }
}

#[test]
fn states_move_but_do_not_count() {
    let graph = common::network(2, |b, x| {
        let hidden = common::linear(b, x, "0", 4, false);
        let mean = b.input("1.running_mean", graph::Role::State, graph::Ty::f64([4]));
        let mean = common::along_last(b, hidden, mean);
        let hidden = b.subtract(hidden, mean);
        common::linear(b, hidden, "2", 2, false)
    });
    let group = infer(&graph);
    let [a, b] = [0, 1].map(|seed| common::random_params(&graph, DType::F32, Key::new(seed)));
    let found = matched(&group, &[a.clone(), b.clone()], &Options::default());
    let mut loud = b;
    *loud.get_mut("1.running_mean").unwrap() = Tensor::full([4], 1e6f32);
    assert_eq!(matched(&group, &[a, loud], &Options::default()), found);
}

#[test]
fn a_group_without_generators_matches_by_the_identity() {
    let model = Model::parse("mlp:4-2").unwrap();
    let found = matched(&group(&model), &pair(&model, 11), &Options::default());
    assert_eq!((found.objective, found.sweeps()), (found.identity_objective, 1));
    assert!(found.trajectory.is_empty() && found.proofs.is_empty());
}

#[test]
fn bad_input_is_refused() {
    let model = Model::parse("mlp:3-4-2").unwrap();
    let (group, [a, b]) = (group(&model), pair(&model, 12));
    let refusal = |a: &Params, b: &Params, options: &Options| {
        weight_matching(&Reference, &group, a, b, options).unwrap_err().to_string()
    };
    let changed = |tensor: Tensor| {
        let mut changed = b.clone();
        *changed.get_mut("0.bias").unwrap() = tensor;
        changed
    };
    let default = Options::default();
    let nan = changed(Tensor::new([4], vec![0f32, 0.0, f32::NAN, 0.0]).unwrap());
    assert!(refusal(&a, &nan, &default).starts_with("network B, parameter '0.bias': element 2"));
    assert!(refusal(&nan, &b, &default).starts_with("network A, parameter '0.bias': element 2"));
    assert_eq!(
        refusal(&a, &changed(Tensor::zeros(DType::F32, [5])), &default),
        "parameter '0.bias': expected shape [4], found [5]"
    );
    assert!(
        refusal(&a, &changed(Tensor::zeros(DType::F64, [4])), &default)
            .contains("expected elements of type f32, found f64")
    );
    let other = Model::parse("mlp:3-4-4-2").unwrap().init(Init::He, Key::new(0));
    assert!(refusal(&a, &other, &default).contains("parameter '2.weight': expected shape [2, 4]"));
    assert!(refusal(&a, &b, &Options { max_sweeps: 0, ..default }).contains("sweeps of a matching"));
    let foreign = infer(&Model::parse("mlp:3-5-2").unwrap().forward(1, DType::F32)).identity();
    assert!(matches!(objective(&group, &a, &b, &foreign), Err(SymmetryError::OtherGroup { .. })));
}

#[test]
fn gains_that_overflow_are_refused() {
    let model = Model::parse("mlp:3-4-2").unwrap();
    let [a, _] = pair(&model, 13);
    let huge =
        a.with_values(a.values().map(|tensor| Tensor::full(tensor.shape().clone(), 3e38f32)).collect());
    let error = weight_matching(&Reference, &group(&model), &huge, &huge, &Options::default()).unwrap_err();
    assert!(matches!(error, SymmetryError::Assignment { .. }), "{error}");
    assert!(error.to_string().starts_with("generator 'hidden units of 0.weight[0]'"), "{error}");
}
