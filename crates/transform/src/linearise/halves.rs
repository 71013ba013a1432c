//! The two graphs of a linearisation.

use std::collections::BTreeMap;

use graph::{Builder, Def, Graph, Val};

use crate::{copy::copy_known, eliminate_dead_code, fresh::Names};

/// The known part of `graph`: its outputs at positions `returned`, then the `stored` values that are neither inputs
/// nor among them; and the position of each residual among the outputs.
pub(super) fn primal_half(
    graph: &Graph,
    known: &[bool],
    returned: &[usize],
    stored: &[Val],
) -> (Graph, Vec<usize>) {
    let mut b = Builder::new(format!("primal.{}", graph.name()));
    let depends: Vec<bool> = known.iter().map(|known| !known).collect();
    let copies = copy_known(&mut b, graph, &depends);
    let copy = |val: Val| copies[val.position()].unwrap_or_else(|| unreachable!("{val:?} is known"));
    for &position in returned {
        let output = &graph.outputs()[position];
        b.output(output.name.clone(), copy(output.val));
    }
    let mut names: Names = b.graph().outputs().iter().map(|output| output.name.as_str()).collect();
    let mut places: BTreeMap<Val, usize> = BTreeMap::new();
    for (place, &position) in returned.iter().enumerate() {
        places.entry(graph.outputs()[position].val).or_insert(place);
    }
    let residuals = residuals(graph, stored).map(|val| {
        places.get(&val).copied().unwrap_or_else(|| {
            b.output(names.take(residual_name(val)), copy(val));
            b.graph().outputs().len() - 1
        })
    });
    let residuals = residuals.collect();
    (eliminate_dead_code(&b.finish()), residuals)
}

/// The values among `stored` that are not inputs.
fn residuals<'a>(graph: &'a Graph, stored: &'a [Val]) -> impl Iterator<Item = Val> + 'a {
    stored.iter().copied().filter(|&val| matches!(graph.def(val), Def::Apply { .. }))
}

fn residual_name(val: Val) -> String {
    format!("residual.{}", val.position())
}

/// The positions, among the inputs other than `tangents`, of those among `stored`, which is sorted.
pub(super) fn kept(graph: &Graph, stored: &[Val], tangents: &[usize]) -> Vec<usize> {
    let others = (0..graph.inputs().len()).filter(|position| !tangents.contains(position));
    let is_stored = |position: &usize| stored.binary_search(&graph.inputs()[*position].val).is_ok();
    others.enumerate().filter(|(_, position)| is_stored(position)).map(|(k, _)| k).collect()
}

/// The graph from `stored` values and tangents to the outputs at positions `outputs`. What is recomputed stands
/// before its first use, so that it does not wait in memory.
pub(super) fn linear_half(
    graph: &Graph,
    stored: &[Val],
    tangents: &[usize],
    outputs: &[usize],
    live: &[bool],
) -> Graph {
    let b = Builder::new(format!("linear.{}", graph.name()));
    let mut half = Half { graph, b, copies: vec![None; graph.len()] };
    for &val in stored {
        if let Def::Input(position) = graph.def(val) {
            half.take_input(*position);
        }
    }
    let mut names: Names = graph.inputs().iter().map(|input| input.name.as_str()).collect();
    for val in residuals(graph, stored) {
        let input = half.b.data(names.take(residual_name(val)), graph.ty(val).clone());
        half.copies[val.position()] = Some(input);
    }
    for &position in tangents {
        half.take_input(position);
    }
    for val in linear_vals(graph, tangents, live) {
        half.bring(val);
    }
    for &position in outputs {
        let output = &graph.outputs()[position];
        let val = half.bring(output.val);
        half.b.output(output.name.clone(), val);
    }
    half.b.finish()
}

/// The live values that depend on the tangents, in order of definition.
fn linear_vals(graph: &Graph, tangents: &[usize], live: &[bool]) -> Vec<Val> {
    let sources: Vec<Val> = tangents.iter().map(|&position| graph.inputs()[position].val).collect();
    let depends = graph.depends_on(&sources);
    graph.vals().filter(|val| depends[val.position()] && live[val.position()]).collect()
}

struct Half<'a> {
    graph: &'a Graph,
    b: Builder,
    /// What each value became, once it is there.
    copies: Vec<Option<Val>>,
}

impl Half<'_> {
    fn take_input(&mut self, position: usize) {
        let input = &self.graph.inputs()[position];
        let copy = self.b.input(input.name.clone(), input.role, self.graph.ty(input.val).clone());
        self.copies[input.val.position()] = Some(copy);
    }

    /// The copy of a value, with all it needs before it.
    fn bring(&mut self, wanted: Val) -> Val {
        let mut stack = vec![wanted];
        loop {
            let Some(&val) = stack.last() else {
                return self.copies[wanted.position()].unwrap_or_else(|| unreachable!("it was just brought"));
            };
            if self.copies[val.position()].is_some() {
                stack.pop();
                continue;
            }
            let operands = self.graph.operands(val);
            let before = stack.len();
            stack.extend(operands.iter().filter(|operand| self.copies[operand.position()].is_none()));
            if stack.len() == before {
                self.copy(val);
            }
        }
    }

    /// Copies an application whose operands are there.
    fn copy(&mut self, val: Val) {
        let Def::Apply { op, operands } = self.graph.def(val) else {
            unreachable!("inputs that are read are stored")
        };
        let operands: Option<Vec<Val>> =
            operands.iter().map(|operand| self.copies[operand.position()]).collect();
        let operands = operands.unwrap_or_else(|| unreachable!("operands come first"));
        self.copies[val.position()] = Some(self.b.apply(op.clone(), &operands));
    }
}
