//! Joint matching: optimality on tiny networks, planted copies, cycles, orders, refusals.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod common;

use common::{all_elements, permutations};
use cpu::Cpu;
use graph::{Graph, Reference};
use isoloss_symmetry::{
    Element, Group, infer,
    matching::{
        self,
        joint::{Begin, Joint, Options, joint_matching},
        objective, planted,
    },
};
use models::{Init, Model, Params};
use tensor::{DType, Key, Tensor, parallel};

fn matched(group: &Group, networks: &[Params], options: &Options) -> Joint {
    joint_matching(&Cpu::new(), group, &networks.iter().collect::<Vec<_>>(), options).unwrap()
}

fn networks(graph: &Graph, count: u64, seed: u64) -> Vec<Params> {
    let key = Key::new(seed);
    (0..count).map(|network| common::random_params(graph, DType::F32, key.fold(network))).collect()
}

fn mlp(spec: &str) -> (Graph, Group) {
    let graph = Model::parse(spec).unwrap().forward(1, DType::F32);
    let group = infer(&graph);
    (graph, group)
}

/// The objective as the sum of those of the pairs.
fn pairwise(group: &Group, networks: &[Params], found: &Joint) -> f64 {
    let pairs = (0..networks.len()).flat_map(|right| (0..right).map(move |left| (left, right)));
    let of_pair = |(left, right): (usize, usize)| {
        let between = found.between(group, left, right).unwrap();
        objective(group, &networks[left], &networks[right], &between).unwrap()
    };
    pairs.map(of_pair).sum()
}

/// The best objective of any elements for three networks with two generators of `size` slots.
fn optimum_of_three(group: &Group, networks: &[Params], size: u32) -> f64 {
    let layer = permutations(size);
    let count = layer.len();
    let position = |wanted: Vec<u32>| layer.iter().position(|own| *own == wanted).unwrap();
    // The position of "undo the first, then the second": slot s of the result reads from the second where the first put it.
    let between = |first: &[u32], second: &[u32]| {
        let mut result = vec![0; first.len()];
        first.iter().zip(second).for_each(|(&to, &from)| result[to as usize] = from);
        position(result)
    };
    let undone: Vec<Vec<usize>> =
        layer.iter().map(|first| layer.iter().map(|second| between(first, second)).collect()).collect();
    let elements = all_elements(group);
    let values = |left: usize, right: usize| -> Vec<f64> {
        let value = |element| objective(group, &networks[left], &networks[right], element).unwrap();
        let mut values = vec![0.0; count * count];
        for element in &elements {
            let [first, second] = [0, 1].map(|generator| position(element.permutations()[generator].clone()));
            values[first * count + second] = value(element);
        }
        values
    };
    let [second, third, both] = [(0, 1), (0, 2), (1, 2)].map(|(left, right)| values(left, right));
    let mut best = f64::MIN;
    for (a, of_second) in second.iter().enumerate() {
        for (b, of_third) in third.iter().enumerate() {
            let relative = undone[a / count][b / count] * count + undone[a % count][b % count];
            best = best.max(of_second + of_third + both[relative]);
        }
    }
    best
}

#[test]
fn three_networks_of_two_hidden_layers_are_solved_to_the_optimum() {
    let (graph, group) = mlp("mlp:3-4-4-2");
    for seed in 0..5 {
        let networks = networks(&graph, 3, seed);
        let optimum = optimum_of_three(&group, &networks, 4);
        let found = matched(&group, &networks, &Options { restarts: 10, ..Options::default() });
        assert!((found.objective - pairwise(&group, &networks, &found)).abs() < 1e-9);
        assert!((found.objective - optimum).abs() < 1e-9, "seed {seed}: {} of {optimum}", found.objective);
    }
}

/// The best of a few runs of two networks reaches the best of all elements.
#[track_caller]
fn assert_pairs_reach_the_optimum(graph: &Graph) {
    let group = infer(graph);
    for seed in 0..10 {
        let networks = networks(graph, 2, seed);
        let value = |element| objective(&group, &networks[0], &networks[1], element).unwrap();
        let optimum = all_elements(&group).iter().map(value).fold(f64::MIN, f64::max);
        let found = matched(&group, &networks, &Options { restarts: 20, ..Options::default() });
        assert!((found.objective - optimum).abs() < 1e-9, "seed {seed}: {} of {optimum}", found.objective);
    }
}

#[test]
fn two_hidden_layers_are_solved_to_the_optimum() {
    assert_pairs_reach_the_optimum(&mlp("mlp:3-4-4-2").0);
}

#[test]
fn a_weight_tied_on_both_axes_is_solved_to_the_optimum() {
    assert_pairs_reach_the_optimum(&common::weight_used_twice(4));
}

#[test]
fn a_residual_stream_is_solved_to_the_optimum() {
    assert_pairs_reach_the_optimum(&common::residual_stream());
}

#[test]
fn blocks_are_solved_to_the_optimum() {
    assert_pairs_reach_the_optimum(&common::channels(4));
}

/// Noisy copies of one network, each moved by an element.
fn planted_copies(count: u64, noise: f64) -> (Group, Vec<Params>, Vec<Element>) {
    let (_, group) = mlp("mlp:20-32-32-32-5");
    let params = Model::parse("mlp:20-32-32-32-5").unwrap().init(Init::PyTorch, Key::new(5));
    let copy = |copy| planted::plant(&group, &params, noise, Key::new(6).fold(copy)).unwrap();
    let (networks, elements) = (0..count).map(copy).unzip();
    (group, networks, elements)
}

#[test]
fn planted_copies_of_two_three_and_five_networks_are_recovered() {
    for (count, noise) in [(2, 0.0), (3, 0.0), (5, 0.0), (2, 0.3), (3, 0.3), (5, 0.3)] {
        let (group, networks, planted) = planted_copies(count, noise);
        let found = matched(&group, &networks, &Options::default());
        for (to, from) in (0..planted.len()).flat_map(|to| (0..planted.len()).map(move |from| (to, from))) {
            let answer = group.compose(&planted[to], &group.invert(&planted[from]).unwrap()).unwrap();
            assert_eq!(found.between(&group, to, from).unwrap(), answer, "{count} networks, noise {noise}");
        }
    }
}

#[test]
fn three_copies_are_recovered_from_every_beginning() {
    let (group, networks, _) = planted_copies(3, 0.0);
    let best = matched(&group, &networks, &Options::default()).objective;
    for begin in [Begin::Identity, Begin::Random] {
        let found = matched(&group, &networks, &Options { begin, ..Options::default() });
        assert!((found.objective - best).abs() < 1e-9 * best, "{begin:?}");
        assert!(found.identity_objective < 0.5 * best);
    }
}

#[test]
fn networks_that_began_alike_are_not_taken_apart() {
    let (group, networks, _) = planted_copies(1, 0.0);
    let near = |seed: u64| {
        let moved = networks[0].values().enumerate().map(|(position, tensor)| {
            let (key, own) = (Key::new(seed).fold(position as u64), tensor.to_f64_vec());
            Tensor::from_fn(tensor.shape().clone(), |i| (own[i] + 0.03 * key.normal(i as u64)) as f32)
        });
        networks[0].with_values(moved.collect())
    };
    let networks: Vec<Params> = (0..4).map(near).collect();
    // One step from a random point leads nowhere good.
    let options = Options { begin: Begin::Random, max_iterations: 1, ..Options::default() };
    let found = matched(&group, &networks, &options);
    assert!(found.runs[..4].iter().all(|run| run.objective < found.identity_objective), "{:?}", found.runs);
    assert_eq!((found.runs.len(), found.runs[found.best_run].begin), (8, Begin::Identity));
    assert!(found.objective >= found.identity_objective);
    let identity = |from| found.between(&group, 0, from).unwrap() == group.identity();
    assert!((0..4).all(identity), "none is moved");
    let [a, b] = [&networks[0], &networks[1]];
    let pair = matching::weight_matching(&Cpu::new(), &group, a, b, &matching::Options::default()).unwrap();
    assert_eq!(pair.element, group.identity(), "nor is one of two");
}

#[test]
fn planted_copies_of_a_network_with_residual_streams_are_recovered() {
    let model = Model::parse("resnet20:width=1,norm=layer").unwrap();
    let (group, params) = (infer(&model.forward(1, DType::F32)), model.init(Init::PyTorch, Key::new(9)));
    let copies = (0..3).map(|copy| planted::plant(&group, &params, 0.1, Key::new(10).fold(copy)).unwrap());
    let (networks, planted): (Vec<Params>, Vec<Element>) = copies.unzip();
    let found = matched(&group, &networks, &Options::default());
    for (to, from) in [(0, 1), (1, 2), (2, 0)] {
        let answer = group.compose(&planted[to], &group.invert(&planted[from]).unwrap()).unwrap();
        assert_eq!(found.between(&group, to, from).unwrap(), answer);
    }
}

#[test]
fn going_round_a_cycle_leads_back_exactly() {
    let (graph, group) = mlp("mlp:6-12-12-3");
    let networks = networks(&graph, 4, 1);
    let found = matched(&group, &networks, &Options::default());
    let between = |to, from| found.between(&group, to, from).unwrap();
    for [a, b, c] in [[0, 1, 2], [3, 1, 0], [2, 3, 1]] {
        assert_eq!(group.compose(&between(a, b), &between(b, c)).unwrap(), between(a, c));
        let round = group.compose(&between(a, c), &group.compose(&between(c, b), &between(b, a)).unwrap());
        assert!(round.unwrap().is_identity());
    }
    assert!(found.elements[found.runs[found.best_run].anchor].is_identity());
}

#[test]
fn the_order_of_the_networks_does_not_matter() {
    let (graph, group) = mlp("mlp:6-12-12-3");
    for (count, seed, begin) in [
        (3, 2, Begin::Barycentre),
        (3, 3, Begin::Barycentre),
        (3, 4, Begin::Identity),
        (2, 5, Begin::Barycentre),
        (2, 6, Begin::Identity),
    ] {
        let networks = networks(&graph, count, seed);
        let options = Options { begin, ..Options::default() };
        let found = matched(&group, &networks, &options);
        for order in permutations(count as u32) {
            let order: Vec<usize> = order.into_iter().map(|network| network as usize).collect();
            let reordered: Vec<Params> = order.iter().map(|&network| networks[network].clone()).collect();
            let other = matched(&group, &reordered, &options);
            assert!((other.objective - found.objective).abs() < 1e-9 * found.objective);
            for (to, from) in (1..order.len()).map(|from| (from - 1, from)) {
                let between = found.between(&group, order[to], order[from]).unwrap();
                assert_eq!(other.between(&group, to, from).unwrap(), between, "seed {seed}");
            }
        }
    }
}

#[test]
fn every_step_rises_and_the_last_gap_is_closed() {
    let (graph, group) = mlp("mlp:6-12-12-3");
    let found = matched(&group, &networks(&graph, 3, 5), &Options::default());
    assert!(found.iterations.windows(2).all(|pair| pair[1].objective > pair[0].objective));
    assert!(found.iterations.iter().all(|iteration| iteration.gap > -1e-4));
    let best = &found.runs[found.best_run];
    assert!(best.converged && best.gap < 1e-4 * best.relaxed_objective, "{best:?}");
    assert_eq!((best.iterations, best.objective), (found.iterations.len(), found.objective));
    assert_eq!(found.runs.len(), 3);
    assert!(found.runs.iter().all(|run| run.objective <= found.objective));
}

#[test]
fn the_same_bits_for_any_number_of_threads() {
    let (graph, group) = mlp("mlp:40-70-70-10");
    let networks = networks(&graph, 3, 6);
    let [one, four] = [1, 4].map(|threads| {
        parallel::with_threads(threads, || matched(&group, &networks, &Options::default())).unwrap()
    });
    assert_eq!(one, four);
}

#[test]
fn a_group_without_generators_matches_by_the_identity() {
    let (graph, group) = mlp("mlp:4-2");
    let found = matched(&group, &networks(&graph, 2, 7), &Options::default());
    assert_eq!(found.objective, found.identity_objective);
    assert!(found.elements.iter().all(Element::is_identity));
}

#[test]
fn bad_input_is_refused() {
    let (graph, group) = mlp("mlp:3-4-2");
    let [a, b]: [Params; 2] = networks(&graph, 2, 8).try_into().unwrap();
    let refusal = |networks: &[&Params], options: &Options| {
        joint_matching(&Reference, &group, networks, options).unwrap_err().to_string()
    };
    let default = Options::default();
    assert_eq!(refusal(&[&a], &default), "networks to be matched: expected at least 2, found 1");
    assert!(
        refusal(&[&a, &b], &Options { max_iterations: 0, ..default }).contains("iterations of a matching")
    );
    let mut nan = b.clone();
    *nan.get_mut("0.bias").unwrap() = Tensor::new([4], vec![0f32, 0.0, f32::NAN, 0.0]).unwrap();
    assert!(refusal(&[&a, &b, &nan], &default).starts_with("network 3, parameter '0.bias': element 2"));
    let other = Model::parse("mlp:3-5-2").unwrap().init(Init::He, Key::new(0));
    assert!(refusal(&[&a, &other], &default).contains("parameter '0.weight': expected shape [4, 3]"));
}
