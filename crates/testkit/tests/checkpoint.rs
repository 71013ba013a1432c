//! Checkpointed gradients: the same numbers, less memory.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use graph::{Def, Graph, Prim, Reference};
use isoloss_testkit::{composite, network, sample};
use tensor::{Key, Tensor};
use transform::{checkpoint, grad};

fn evaluate(graph: &Graph, arguments: &[Tensor]) -> Vec<Tensor> {
    Reference::evaluate(graph, &arguments.iter().collect::<Vec<_>>()).unwrap()
}

/// The most bytes of results that stand at one time when values are computed in order and dropped after their last
/// use.
fn peak_bytes(graph: &Graph) -> usize {
    let mut last_use: Vec<usize> = (0..graph.len()).collect();
    for val in graph.vals() {
        for operand in graph.operands(val) {
            last_use[operand.position()] = val.position();
        }
    }
    for output in graph.outputs() {
        last_use[output.val.position()] = graph.len();
    }
    let mut dropped: Vec<usize> = vec![0; graph.len() + 1];
    let (mut standing, mut peak) = (0, 0);
    for val in graph.vals().filter(|&val| matches!(graph.def(val), Def::Apply { .. })) {
        let bytes = graph.ty(val).size_bytes();
        standing += bytes;
        peak = peak.max(standing);
        dropped[last_use[val.position()]] += bytes;
        standing -= dropped[val.position()];
    }
    peak
}

fn products(graph: &Graph) -> usize {
    let is_product = |val| matches!(graph.def(val), Def::Apply { op: Prim::DotGeneral(_), .. });
    graph.vals().filter(|&val| is_product(val)).count()
}

#[test]
fn a_deep_network_takes_less_memory_and_gives_the_same_bits() {
    let graph = network::deep_network(36, 4);
    let point = network::point(&graph, Key::new(1));
    let plain = grad(&graph, 0, &[0, 1]);
    let roomy = checkpoint(&graph, 0, &[0, 1], usize::MAX);
    assert_eq!((roomy.segments, roomy.held_bytes), (1, roomy.plain_bytes));
    let mut peaks = vec![peak_bytes(&roomy.graph)];
    for share in [2, 3] {
        let checkpointed = checkpoint(&graph, 0, &[0, 1], roomy.plain_bytes / share);
        assert!(checkpointed.segments > 1 && checkpointed.held_bytes <= roomy.plain_bytes / share);
        assert_eq!(evaluate(&checkpointed.graph, &point), evaluate(&plain, &point));
        assert!(products(&checkpointed.graph) > products(&plain));
        peaks.push(peak_bytes(&checkpointed.graph));
    }
    assert!(peaks[1] < peaks[0] && peaks[2] * 3 < peaks[0] * 2, "{peaks:?}");
}

#[test]
fn an_impossible_budget_gets_the_least_memory() {
    let graph = network::deep_network(36, 4);
    let least = checkpoint(&graph, 0, &[0], 0);
    assert!(least.held_bytes > 0 && least.held_bytes * 2 < least.plain_bytes);
}

#[test]
fn random_networks_give_the_same_bits() {
    for seed in 0..20 {
        let graph = composite::random_graph(Key::new(seed), 12);
        let mut b = graph::Builder::new("scalar");
        let inputs: Vec<_> = (0..3).map(|k| b.data(format!("{k}"), graph::Ty::f64([3, 3]))).collect();
        let values = b.inline(&graph, &inputs);
        let sum = b.reduce_sum(values[graph.outputs()[0].val.position()], &[0, 1]);
        b.output("sum", sum);
        let scalar = b.finish();
        let point: Vec<Tensor> =
            (0..3).map(|k| sample::normal(&graph::Ty::f64([3, 3]), Key::new(seed).fold(k))).collect();
        let checkpointed = checkpoint(&scalar, 0, &[0, 2], 500);
        assert_eq!(evaluate(&checkpointed.graph, &point), evaluate(&grad(&scalar, 0, &[0, 2]), &point));
    }
}
