//! Transposition of linear graphs.

use graph::{Builder, Def, Diff, Graph, Operand, Prim, Val};

use crate::{Rules, check_linear, copy::copy_known, fresh, sum::sum};

/// The transpose of `graph` as a linear map from the inputs at positions `inputs` to the outputs at positions
/// `outputs`.
///
/// The result has the other inputs of `graph` followed by one cotangent `ct.<output>` for each position in
/// `outputs`; its outputs are those of `graph` that do not depend on the linear inputs and are not in
/// `outputs`, followed by one cotangent `ct.<input>` for each position in `inputs`.
///
/// # Panics
/// Where a position is out of range, or the graph is not linear in these inputs.
#[must_use]
#[track_caller]
pub fn transpose(graph: &Graph, inputs: &[usize], outputs: &[usize]) -> Graph {
    transpose_with(Rules::own(), graph, inputs, outputs)
}

/// As [`transpose`], with the derivative rules given.
///
/// # Panics
/// As [`transpose`].
#[must_use]
#[track_caller]
pub fn transpose_with(rules: Rules, graph: &Graph, inputs: &[usize], outputs: &[usize]) -> Graph {
    if let Err(faults) = check_linear(rules, graph, inputs) {
        panic!("'{}' is not linear in the given inputs: {faults:?}", graph.name());
    }
    let mut b = Builder::new(format!("transpose.{}", graph.name()));
    let linear: Vec<Val> = inputs.iter().map(|&position| graph.inputs()[position].val).collect();
    let depends = graph.depends_on(&linear);
    let known = copy_known(&mut b, graph, &depends);
    let mut cotangents: Vec<Vec<Val>> = vec![Vec::new(); graph.len()];
    for &position in outputs {
        let output = &graph.outputs()[position];
        let ct = fresh::input(&mut b, format!("ct.{}", output.name), graph.ty(output.val).clone());
        cotangents[output.val.position()].push(ct);
    }
    pull_back(rules, &mut b, graph, &known, &mut cotangents);
    for (position, output) in graph.outputs().iter().enumerate() {
        if let Some(val) = known[output.val.position()]
            && !outputs.contains(&position)
        {
            b.output(output.name.clone(), val);
        }
    }
    for (&position, val) in inputs.iter().zip(linear) {
        let ct = sum(&mut b, &cotangents[val.position()]).unwrap_or_else(|| b.splat(graph.ty(val), 0.0));
        fresh::output(&mut b, format!("ct.{}", graph.inputs()[position].name), ct);
    }
    b.finish()
}

/// Walks the linear values from last to first and hands each one's cotangent to its operands.
fn pull_back(
    rules: Rules,
    b: &mut Builder,
    graph: &Graph,
    known: &[Option<Val>],
    cotangents: &mut [Vec<Val>],
) {
    for val in graph.vals().rev() {
        let Def::Apply { op, operands } = graph.def(val) else { continue };
        if known[val.position()].is_some() {
            continue;
        }
        let Some(ct) = sum(b, &cotangents[val.position()]) else { continue };
        let seen: Vec<Operand> = operands
            .iter()
            .map(|operand| match known[operand.position()] {
                Some(known) => Operand::Known(known),
                None => Operand::Linear(graph.ty(*operand).clone()),
            })
            .collect();
        let contributions = transpose_rule(rules.of(op), b, op, ct, &seen);
        for (operand, contribution) in operands.iter().zip(contributions) {
            if let Some(contribution) = contribution {
                cotangents[operand.position()].push(contribution);
            }
        }
    }
}

fn transpose_rule(rule: Diff<'_>, b: &mut Builder, op: &Prim, ct: Val, seen: &[Operand]) -> Vec<Option<Val>> {
    match rule {
        Diff::Linear(rule) | Diff::Bilinear(rule) | Diff::LinearIn(_, _, rule) => rule.transpose(b, ct, seen),
        Diff::Zero | Diff::Smooth(_) => unreachable!("'{}' passed the linearity check", op.name()),
    }
}
