//! Optimal transport between widths: permutations at equal widths, copies of units, refusals.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod common;

use cpu::Cpu;
use graph::{Argument, Executor, Graph, Role};
use isoloss_symmetry::{
    Group, ParameterAxis, Slots, SymmetryError, assignment, graphs, infer,
    matching::transport::{Side, Solver, Transported, sides, transport},
};
use models::{Init, Model, Params};
use tensor::{DType, Key, Tensor, parallel};

/// A network's graph in f64 and its group.
fn network(spec: &str) -> (Graph, Group) {
    let all = graphs(&Model::parse(spec).unwrap(), 4);
    let group = infer(all.last().unwrap());
    (all.into_iter().next().unwrap(), group)
}

fn sides_of((graph, group): &(Graph, Group)) -> Vec<Vec<Side>> {
    sides(&Cpu::new(), graph, &group.permutations(), Key::new(0)).unwrap()
}

fn transported(to: &str, from: &str, a: &Params, b: &Params) -> Transported {
    let (ours, theirs) = (network(to), network(from));
    transport(&Cpu::new(), [&ours.1, &theirs.1], &sides_of(&ours), [a, b], Solver::Exact).unwrap()
}

fn init(spec: &str, seed: u64) -> Params {
    Model::parse(spec).unwrap().init(Init::PyTorch, Key::new(seed))
}

/// The network with every hidden unit `copies` times, side by side: made alike, and read in equal parts.
fn copied(spec: &str, wide: &str, params: &Params, copies: usize) -> Params {
    let (narrow, sides) = (network(spec).1.permutations(), sides_of(&network(spec)));
    let shapes = Model::parse(wide).unwrap();
    let values = shapes.init(Init::He, Key::new(0));
    Params::from_pairs(values.iter().map(|(name, target)| {
        let source = params.get(name).unwrap();
        let values = source.to_f64_vec();
        let shape = target.shape().clone();
        let entry = |at: usize| {
            let (mut rest, mut index, mut stride, mut factor) = (at, 0, 1, 1.0);
            for axis in (0..shape.rank()).rev() {
                let here = rest % shape[axis];
                rest /= shape[axis];
                let repeat = shape[axis] / source.shape()[axis];
                index += here / repeat * stride;
                stride *= source.shape()[axis];
                for (generator, sides) in narrow.generators().iter().zip(&sides) {
                    let mut actions = generator.actions.iter().zip(sides);
                    if actions.any(|(action, side)| {
                        action.parameter == name && action.axis == axis && *side == Side::Reads
                    }) {
                        factor /= copies as f64;
                    }
                }
            }
            (factor * values[index]) as f32
        };
        (name, Tensor::from_fn(shape.clone(), entry))
    }))
}

fn outputs(graph: &Graph, params: &Params) -> Vec<f64> {
    let key = Key::new(99);
    let given: Vec<Tensor> = graph
        .inputs()
        .iter()
        .map(|input| match input.role {
            Role::Data => Tensor::from_fn(graph.ty(input.val).shape.clone(), |at| key.normal(at as u64)),
            _ => params.get(&input.name).unwrap().convert(DType::F64),
        })
        .collect();
    let mut executable = Cpu::new().compile(graph, &[]).unwrap();
    executable.run(given.iter().map(Argument::from).collect()).unwrap()[0].to_f64_vec()
}

#[track_caller]
fn assert_near(left: &[f64], right: &[f64]) {
    let worst = left.iter().zip(right).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max);
    assert!(worst < 1e-5, "{worst}");
}

#[test]
fn what_makes_units_is_told_from_what_reads_them() {
    let (graph, group) = network("mlp:6-5-4,norm=batch");
    let found = sides(&Cpu::new(), &graph, &group.permutations(), Key::new(1)).unwrap();
    let generator = &group.permutations().generators()[0].clone();
    assert_eq!(generator.actions.len(), found[0].len());
    for (action, side) in generator.actions.iter().zip(&found[0]) {
        let reads = action.axis == 1;
        assert_eq!(*side == Side::Reads, reads, "{action:?}");
    }
}

#[test]
fn in_a_residual_network_convolutions_make_along_their_first_axis_and_read_along_their_second() {
    let (graph, group) = network("resnet8:norm=batch");
    let group = group.permutations();
    let found = sides(&Cpu::new(), &graph, &group, Key::new(2)).unwrap();
    for (generator, sides) in group.generators().iter().zip(&found) {
        for (action, side) in generator.actions.iter().zip(sides) {
            assert_eq!(*side == Side::Reads, action.axis == 1, "{action:?}");
        }
    }
}

#[test]
fn a_permuted_copy_comes_back_exactly() {
    for spec in
        ["mlp:6-12-12-3", "mlp:6-12-12-3,norm=batch", "mlp:6-9-9-3,act=tanh", "mlp:6-9-9-9-9-3,norm=layer"]
    {
        let (a, group) = (init(spec, 1), network(spec).1);
        let b = group.act(&group.random_permutation(Key::new(2)), &a).unwrap();
        let found = transported(spec, spec, &a, &b);
        let element = found.element(&group).unwrap().unwrap();
        assert_eq!(group.act(&element, &b).unwrap(), a, "{spec}");
        for (name, tensor) in a.iter() {
            assert_eq!(found.params.get(name), Some(tensor), "{spec} {name}");
        }
    }
}

#[test]
fn at_equal_widths_the_first_plan_is_the_assignment_of_incoming_parameters() {
    let spec = "mlp:6-12-12-3";
    let (a, b) = (init(spec, 3), init(spec, 4));
    let found = transported(spec, spec, &a, &b);
    let rows = |params: &Params| -> Vec<Vec<f64>> {
        let [weight, bias] = ["0.weight", "0.bias"].map(|name| params.get(name).unwrap().to_f64_vec());
        weight.chunks(6).zip(bias).map(|(row, bias)| [row, &[bias]].concat()).collect()
    };
    let (left, right) = (rows(&a), rows(&b));
    let gains = left.iter().flat_map(|left| {
        right.iter().map(move |right| left.iter().zip(right).map(|(x, y)| x * y).sum::<f64>() as f32)
    });
    let best = assignment::maximise(&gains.collect::<Vec<_>>(), 12, None).unwrap();
    let plan: Vec<u32> = found.plans[0].entries.iter().map(|&(_, unit, _)| unit as u32).collect();
    assert_eq!(plan, best.row_to_col);
    let there = network(spec).0;
    assert_near(&outputs(&there, &found.params), &outputs(&there, &b));
}

#[test]
fn a_network_of_copied_units_is_carried_back_and_forth() {
    for (narrow, wide) in
        [("mlp:6-5-4-3", "mlp:6-15-12-3"), ("mlp:6-5-4-3,norm=batch", "mlp:6-15-12-3,norm=batch")]
    {
        let params = init(narrow, 5);
        let copies = copied(narrow, wide, &params, 3);
        let there = network(narrow).0;
        let back = transported(narrow, wide, &params, &copies);
        assert_near(&outputs(&there, &back.params), &outputs(&there, &params));
        assert!(back.plans.iter().all(|plan| plan.cost.abs() < 1e-6 && plan.gap < 1e-9), "{:?}", back.plans);
        // The other way, too, every copy gets a unit of its own, and what reads it its part.
        let forth = transported(wide, narrow, &copies, &params);
        assert_near(&outputs(&network(wide).0, &forth.params), &outputs(&there, &params));
    }
}

#[test]
fn entropy_softens_plans_and_little_of_it_leaves_the_exact_ones() {
    let (to, from) = ("mlp:6-15-12-3", "mlp:6-5-4-3");
    let (ours, theirs) = (network(to), network(from));
    let (a, b) = (init(to, 11), init(from, 12));
    let carried = |solver| transport(&Cpu::new(), [&ours.1, &theirs.1], &sides_of(&ours), [&a, &b], solver);
    let exact = carried(Solver::Exact).unwrap();
    let little = carried(Solver::Entropic { epsilon: 1e-3 }).unwrap();
    let soft = carried(Solver::Entropic { epsilon: 1.0 }).unwrap();
    for (exact, little) in exact.plans.iter().zip(&little.plans) {
        assert!(
            little.cost - exact.cost <= little.gap + 1e-12 && little.gap < 1e-2 * exact.cost,
            "{little:?}"
        );
    }
    assert!(soft.plans[0].entries.len() == 15 * 5 && soft.plans[0].cost > exact.plans[0].cost + 1e-3);
    assert_near(&outputs(&ours.0, &little.params), &outputs(&ours.0, &exact.params));
    for epsilon in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let error = carried(Solver::Entropic { epsilon }).unwrap_err();
        assert!(matches!(error, SymmetryError::NotPositive { .. }), "{error}");
    }
}

#[test]
fn the_same_bits_for_any_number_of_threads() {
    let (to, from) = ("mlp:20-30-24-5", "mlp:20-24-32-5");
    let (a, b) = (init(to, 6), init(from, 7));
    let [one, four] =
        [1, 4].map(|threads| parallel::with_threads(threads, || transported(to, from, &a, &b)).unwrap());
    assert_eq!(one, four);
    let (ours, theirs) = (network(to), network(from));
    let soft = || {
        let solver = Solver::Entropic { epsilon: 0.05 };
        transport(&Cpu::new(), [&ours.1, &theirs.1], &sides_of(&ours), [&a, &b], solver).unwrap()
    };
    assert_eq!(parallel::with_threads(1, soft).unwrap(), parallel::with_threads(4, soft).unwrap());
    assert!(!one.is_permutation() && one.element(&network(to).1).unwrap().is_none());
    for (name, tensor) in a.iter() {
        assert_eq!(one.params.get(name).unwrap().shape(), tensor.shape());
    }
}

#[test]
fn networks_of_other_structures_and_linear_chains_are_refused() {
    let refusal = |to: &str, from: &str| {
        let (ours, theirs) = (network(to), network(from));
        let sides = sides_of(&ours);
        transport(&Cpu::new(), [&ours.1, &theirs.1], &sides, [&init(to, 8), &init(from, 9)], Solver::Exact)
            .unwrap_err()
    };
    let deeper = refusal("mlp:6-5-4", "mlp:6-5-5-4");
    assert!(matches!(deeper, SymmetryError::OtherStructure { .. }), "{deeper}");
    let inputs = refusal("mlp:6-5-4", "mlp:7-5-4").to_string();
    assert!(inputs.contains("'0.weight' [5, 6] and [5, 7], where not only units differ"), "{inputs}");

    let chain = common::network(3, |b, x| {
        let hidden = common::linear(b, x, "first", 4, false);
        common::linear(b, hidden, "last", 2, false)
    });
    let action =
        |parameter: &str, axis| ParameterAxis { parameter: parameter.into(), axis, slots: Slots::whole(4) };
    let actions = vec![action("first.weight", 0), action("last.weight", 1)];
    let generator = isoloss_symmetry::Generator::permutations("hidden".into(), 4, actions);
    let group = Group::new(infer(&chain).subjects().to_vec(), vec![generator]).unwrap();
    let error = sides(&Cpu::new(), &chain, &group, Key::new(0)).unwrap_err();
    assert!(matches!(error, SymmetryError::NoSides { .. }), "{error}");
}
