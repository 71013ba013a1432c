//! Where in a forward graph the slots of generators can be seen at work.

use evaluate::Units;
use graph::{Axis, AxisMap, Def, Graph, Prim, Role, Slot, Tie, Val};

use crate::{Group, lines::Lines, owners::Owners, view::View};

/// Which values of a network count as the activations of its units. Both are read off the graph: a product is a contraction or
/// a convolution of something that depends on the data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    /// What products read and sum over the units: activations behind normalisation and activation function, as in
    /// the published matchings. Of a residual stream these are what its readers make of it, one value for each.
    #[default]
    Read,
    /// What products with weights put out: activations before the bias, the normalisation and the activation function. Of a
    /// residual stream these are its branches.
    Written,
}

/// For each generator of `group` that can be exchanged, in order, the values of `graph` on which its slots lie along one axis
/// while no slots lie along another: what its units do on the data. `graph` is a forward graph of the architecture of the
/// group. Reshaped and transposed copies of one value count once. A generator may have none.
pub(crate) fn activations(graph: &Graph, group: &Group, stage: Stage) -> Vec<Vec<Units>> {
    let View { lines, orbits, .. } = View::new(graph);
    let owners = Owners::new(&lines, &orbits, group);
    let mut all: Vec<Vec<Units>> = vec![Vec::new(); owners.sizes.len()];
    for (val, axis) in sites(&lines, stage) {
        for generator in owners.along(lines.line(val, axis)) {
            let found = [source(graph, val), val].into_iter().find_map(|val| owners.units(val, generator));
            let known = &mut all[generator];
            let new = found.filter(|units| !known.contains(units));
            known.extend(new);
        }
    }
    all
}

/// The axes of values at which products read or write.
fn sites(lines: &Lines<'_>, stage: Stage) -> Vec<(Val, usize)> {
    let graph = lines.graph;
    let data = graph.inputs().iter().filter(|input| input.role == Role::Data);
    let on_data = graph.depends_on(&data.map(|input| input.val).collect::<Vec<_>>());
    let mut sites = Vec::new();
    for val in lines.vals().filter(|val| on_data[val.position()]) {
        let Def::Apply { op, operands } = graph.def(val) else { continue };
        if !matches!(op, Prim::DotGeneral(_) | Prim::Convolution(_)) {
            continue;
        }
        let types: Vec<_> = operands.iter().map(|&operand| graph.ty(operand)).collect();
        let map = op.axes(&types, graph.ty(val));
        let is_weight = |slot| matches!(slot, Slot::Operand(k) if !on_data[operands[k].position()]);
        match stage {
            Stage::Read => {
                for (k, &operand) in operands.iter().enumerate().filter(|(_, val)| on_data[val.position()]) {
                    let summed =
                        |axis: &usize| !reaches(&map, Axis::operand(k, *axis), |slot| slot == Slot::Result);
                    let axes = (0..graph.ty(operand).shape.rank()).filter(summed);
                    sites.extend(axes.map(|axis| (operand, axis)));
                }
            }
            Stage::Written => {
                let axes = 0..graph.ty(val).shape.rank();
                let written = axes.filter(|&axis| reaches(&map, Axis::result(axis), is_weight));
                sites.extend(written.map(|axis| (val, axis)));
            }
        }
    }
    sites
}

/// Whether ties lead from an axis to one of such a value.
fn reaches(map: &AxisMap, from: Axis, goal: impl Fn(Slot) -> bool) -> bool {
    let mut reached = vec![from];
    let mut next = 0;
    while let Some(&axis) = reached.get(next) {
        for Tie(left, right) in &map.ties {
            let other = match (left.axis == axis, right.axis == axis) {
                (true, false) => right.axis,
                (false, true) => left.axis,
                _ => continue,
            };
            if !reached.contains(&other) {
                reached.push(other);
            }
        }
        next += 1;
    }
    reached.iter().any(|axis| goal(axis.slot))
}

/// What a value is a reshaped and transposed copy of.
fn source(graph: &Graph, mut val: Val) -> Val {
    while let Def::Apply { op: Prim::Reshape(_) | Prim::Transpose(_), operands } = graph.def(val) {
        val = operands[0];
    }
    val
}

#[cfg(test)]
mod tests;
