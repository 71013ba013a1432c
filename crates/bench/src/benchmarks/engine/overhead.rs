//! What a node costs that does nearly nothing.

use isoloss::{
    graph::{Argument, Def, Graph},
    tensor::Key,
    transform,
};
use serde_json::json;

use super::{Found, network::Problem, own};
use crate::{
    BenchError, Bound, Case, Part,
    measure::{Stage, runs_within},
};

/// Hidden layers, four wide.
const LAYERS: usize = 100;

/// The gradient of a network so narrow that its arithmetic takes no time: all that is left is going from node to node.
pub(super) fn run(stage: &mut Stage<'_>) -> Result<Found, BenchError> {
    let spec = format!("mlp:4{}", "-4".repeat(LAYERS + 1));
    let problem = Problem::new(&spec, 1, Key::new(stage.options.seed))?;
    let graph = transform::grad(&problem.objective, 0, &problem.wrt);
    let mut executable = stage.executor.compile(&graph, &[])?;
    let mut run = || executable.run(problem.point.iter().map(Argument::Borrowed).collect()).map(drop);
    run()?;
    let mut times = Vec::new();
    for round in 0..stage.options.rounds {
        stage.announce(Part::Overhead.name(), round, "isoloss");
        times.extend(runs_within(&mut run)?);
    }
    let case = Case::new(format!("gradient of {LAYERS} layers, 4 wide, batch 1"), times, &[])?;
    let nodes = nodes(&graph);
    let microseconds = 1e3 * case.ours.median_ms / nodes as f64;
    let target = own("overhead of a node, µs".to_owned(), microseconds, Bound::below(0.2));
    let checks = json!({ "nodes": nodes, "microseconds_per_node": microseconds });
    Ok(Found {
        targets: vec![target],
        checks: [("overhead".to_owned(), checks)].into_iter().collect(),
        cases: vec![case],
        ..Found::default()
    })
}

/// The applications of a graph.
fn nodes(graph: &Graph) -> usize {
    graph.vals().filter(|&val| matches!(graph.def(val), Def::Apply { .. })).count()
}
