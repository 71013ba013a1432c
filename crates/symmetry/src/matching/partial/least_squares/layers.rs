//! Products of data with weights, as they stand in a forward graph.

use graph::{Axis, Def, Graph, Prim, Role, Slot, Val};

use crate::uses::Uses;

/// A product of something that depends on the data with a parameter, which both stand nowhere else: a linear layer or a convolution
/// without groups.
#[derive(Clone, Debug)]
pub(super) struct Layer {
    /// The product.
    pub(super) val: Val,
    /// Which operand is the parameter.
    pub(super) weight: usize,
    /// The name of the parameter.
    pub(super) parameter: String,
    /// The transposes on the way from the parameter to the product.
    pub(super) transposes: Vec<Prim>,
    /// The axes of the parameter along which it makes units, and along which it reads them.
    pub(super) axes: [usize; 2],
    /// The axis of the data operand that is read, and that of the product that is made.
    pub(super) places: [usize; 2],
    /// The name of the parameter that is added to each unit of the product, if there is one.
    pub(super) bias: Option<String>,
}

/// The layers of a forward graph, in order.
pub(super) fn layers(graph: &Graph) -> Vec<Layer> {
    let data = graph.inputs().iter().filter(|input| input.role == Role::Data);
    let on_data = graph.depends_on(&data.map(|input| input.val).collect::<Vec<_>>());
    let layers = Layers { graph, uses: Uses::new(graph) };
    graph.vals().filter_map(|val| layers.layer(val, &on_data)).collect()
}

/// The layers of a graph.
struct Layers<'a> {
    graph: &'a Graph,
    uses: Uses<'a>,
}

impl Layers<'_> {
    fn layer(&self, val: Val, on_data: &[bool]) -> Option<Layer> {
        let Def::Apply { op, operands } = self.graph.def(val) else { return None };
        let is_plain = match op {
            Prim::DotGeneral(op) => op.lhs_batch.is_empty(),
            Prim::Convolution(op) => op.feature_groups == 1 && op.batch_groups == 1,
            _ => false,
        };
        let weight = operands.iter().position(|operand| !on_data[operand.position()])?;
        let input = 1 - weight;
        if !is_plain || !on_data[operands[input].position()] {
            return None;
        }
        let (parameter, transposes) = self.parameter(operands[weight])?;
        let types: Vec<_> = operands.iter().map(|&operand| self.graph.ty(operand)).collect();
        let ties = op.axes(&types, self.graph.ty(val)).ties;
        let pairs = ties.iter().flat_map(|tie| [(tie.0.axis, tie.1.axis), (tie.1.axis, tie.0.axis)]);
        let own = pairs.filter(|(axis, _)| axis.slot == Slot::Operand(weight)).collect::<Vec<_>>();
        let only = |slot: Slot| -> Option<(usize, usize)> {
            let mut there = own.iter().filter(|(_, other): &&(Axis, Axis)| other.slot == slot);
            let (axis, other) = there.next()?;
            there.next().is_none().then_some((axis.axis, other.axis))
        };
        let ((makes, made), (reads, read)) = (only(Slot::Result)?, only(Slot::Operand(input))?);
        let axes = [makes, reads].map(|axis| transposes.iter().rev().fold(axis, permuted));
        let bias = self.bias(val, made);
        Some(Layer { val, weight, parameter, transposes, axes, places: [read, made], bias })
    }

    /// The parameter that a value is a transposed copy of, if nothing else reads it, and the transposes, first ones first.
    fn parameter(&self, mut val: Val) -> Option<(String, Vec<Prim>)> {
        let mut transposes = Vec::new();
        while self.uses.is_used_once(val) {
            match self.graph.def(val) {
                Def::Input(position) => {
                    let input = &self.graph.inputs()[*position];
                    transposes.reverse();
                    return (input.role == Role::Parameter).then(|| (input.name.clone(), transposes));
                }
                Def::Apply { op: op @ Prim::Transpose(_), operands } => {
                    transposes.push(op.clone());
                    val = operands[0];
                }
                Def::Apply { .. } => return None,
            }
        }
        None
    }

    /// The parameter that is added along an axis of a value, if that is all that is done with it.
    fn bias(&self, val: Val, axis: usize) -> Option<String> {
        let [user] = self.uses.of(val)[..] else { return None };
        let Def::Apply { op: Prim::Add(_), operands } = self.graph.def(user) else { return None };
        let added = operands.iter().find(|operand| **operand != val)?;
        let Def::Apply { op: Prim::BroadcastInDim(op), operands } = self.graph.def(*added) else {
            return None;
        };
        let (parameter, transposes) = self.parameter(operands[0])?;
        let is_whole = self.graph.ty(operands[0]).shape[..] == [self.graph.ty(val).shape[axis]];
        (transposes.is_empty() && op.axes == [axis] && is_whole && self.uses.is_used_once(*added))
            .then_some(parameter)
    }
}

/// Which axis before a transpose an axis behind it is.
fn permuted(axis: usize, transpose: &Prim) -> usize {
    if let Prim::Transpose(op) = transpose { op.permutation[axis] } else { axis }
}
