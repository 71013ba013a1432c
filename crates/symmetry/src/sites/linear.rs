//! What is proportional to a parameter, unit by unit.

use std::collections::BTreeSet;

use graph::{Axis, Def, Graph, Prim, Role, Slot, Val};

use super::{Place, Scaled, Site};
use crate::{Slots, uses::Uses};

/// An axis of a parameter, by the position of the input.
type Of = (usize, usize);

/// What can be done to a value along one of its axes by parameters whose axis has the same indices.
#[derive(Clone, Debug, Default)]
struct Along {
    /// Those that scale it, if all are scaled alike; empty where there are none.
    scaled: BTreeSet<Of>,
    /// The one that is added to it.
    shift: Option<Of>,
}

/// What can be done to each value of a graph along each of its axes.
pub(super) struct Linear<'a> {
    graph: &'a Graph,
    on_data: Vec<bool>,
    along: Vec<Vec<Along>>,
}

impl<'a> Linear<'a> {
    pub(super) fn new(graph: &'a Graph) -> Self {
        let data = graph.inputs().iter().filter(|input| input.role == Role::Data);
        let on_data = graph.depends_on(&data.map(|input| input.val).collect::<Vec<_>>());
        let mut linear = Self { graph, on_data, along: Vec::with_capacity(graph.len()) };
        for val in graph.vals() {
            let rank = graph.ty(val).shape.rank();
            let along = (0..rank).map(|axis| linear.along(val, axis)).collect();
            linear.along.push(along);
        }
        linear
    }

    pub(super) fn is_on_data(&self, val: Val) -> bool {
        self.on_data[val.position()]
    }

    fn along(&self, val: Val, axis: usize) -> Along {
        let (op, operands) = match self.graph.def(val) {
            Def::Input(position) => {
                let of = (*position, axis);
                return match self.graph.inputs()[*position].role {
                    Role::Parameter => Along { scaled: [of].into(), shift: Some(of) },
                    _ => Along::default(),
                };
            }
            Def::Apply { op, operands } => (op, operands),
        };
        let of = |k: usize| self.tied(val, axis, k).map(|own| &self.along[operands[k].position()][own]);
        match op {
            Prim::Transpose(_) | Prim::Reshape(_) | Prim::BroadcastInDim(_) => {
                of(0).cloned().unwrap_or_default()
            }
            Prim::Negate(_) => of(0).map_or_else(Along::default, |own| Along { shift: None, ..own.clone() }),
            Prim::Add(_) | Prim::Subtract(_) => {
                self.sum([of(0), of(1)], matches!(op, Prim::Add(_)), operands)
            }
            Prim::Multiply(_) | Prim::DotGeneral(_) | Prim::Convolution(_) => {
                // In training the factors of batch normalisation depend on the data, too.
                let factors =
                    (0..2).filter(|&k| !self.is_on_data(operands[k]) || self.is_statistic(operands[k]));
                let scaled = factors.filter_map(of).find(|own| !own.scaled.is_empty());
                Along { scaled: scaled.map(|own| own.scaled.clone()).unwrap_or_default(), shift: None }
            }
            _ => Along::default(),
        }
    }

    fn sum(&self, parts: [Option<&Along>; 2], both_add: bool, operands: &[Val]) -> Along {
        let [left, right] = parts.map(|own| own.cloned().unwrap_or_default());
        let scaled = if left.scaled.is_empty() || right.scaled.is_empty() {
            BTreeSet::new()
        } else {
            &left.scaled | &right.scaled
        };
        let added = right.shift.filter(|_| both_add);
        let shift = if self.is_on_data(operands[0]) { added.or(left.shift) } else { left.shift.or(added) };
        Along { scaled, shift }
    }

    /// The axis of an operand whose every index is tied to the same index of an axis of the result.
    fn tied(&self, val: Val, axis: usize, operand: usize) -> Option<usize> {
        let Def::Apply { op, operands } = self.graph.def(val) else { return None };
        let types: Vec<_> = operands.iter().map(|&operand| self.graph.ty(operand)).collect();
        let (result, size) = (self.graph.ty(val), self.graph.ty(val).shape[axis]);
        let map = op.axes(&types, result);
        let pairs = map.ties.iter().flat_map(|tie| [(tie.0, tie.1), (tie.1, tie.0)]);
        let pairs: Vec<_> = pairs.filter(|(run, _)| run.axis == Axis::result(axis)).collect();
        (0..types[operand].shape.rank()).find(|&own| {
            let own = Axis { slot: Slot::Operand(operand), axis: own };
            let there = pairs.iter().filter(|(_, other)| other.axis == own);
            let mut met: Vec<_> = there.flat_map(|(run, other)| run.indices().zip(other.indices())).collect();
            met.sort_unstable();
            types[operand].shape[own.axis] == size
                && met.into_iter().eq((0..size).map(|index| (index, index)))
        })
    }

    /// The site that a value is, if parameters scale it and nothing more is done by parameters alone.
    pub(super) fn site(&self, val: Val, uses: &Uses<'_>) -> Option<Site> {
        let is_sum = self.is_sum(val);
        if !self.is_on_data(val)
            || self.is_statistic(val)
            || self.passes(val)
            || !is_sum && self.is_extended(val, uses)
        {
            return None;
        }
        let axis = (0..self.graph.ty(val).shape.rank()).find(|&axis| {
            !self.along[val.position()][axis].scaled.is_empty() && self.graph.ty(val).shape[axis] > 1
        })?;
        let along = &self.along[val.position()][axis];
        if along.shift.is_none() && uses.is_summed(val) {
            return None;
        }
        let indices: Vec<usize> = (0..self.graph.ty(val).shape[axis]).collect();
        let place = |of: &Of| self.part(of, &indices);
        let scaled: Vec<Scaled> =
            along.scaled.iter().map(|of| Scaled { place: place(of), exponent: 1 }).collect();
        Some(Site {
            name: self.name(val, axis)?,
            val,
            axis,
            is_juncture: is_sum,
            is_behind: false,
            own: place(along.scaled.iter().next_back()?),
            scaled,
            shift: along.shift.as_ref().map(place),
            indices,
        })
    }

    /// Whether a value is a sum of two that depend on the data, example by example.
    pub(super) fn is_sum(&self, val: Val) -> bool {
        let is_part = |&operand: &Val| self.is_on_data(operand) && !self.is_statistic(operand);
        match self.graph.def(val) {
            Def::Apply { op: Prim::Add(_) | Prim::Subtract(_), operands } => operands.iter().all(is_part),
            _ => false,
        }
    }

    /// Whether a value is one number for each channel, or these repeated.
    fn is_statistic(&self, val: Val) -> bool {
        let repeated = matches!(self.graph.def(val), Def::Apply { op: Prim::BroadcastInDim(_), .. });
        repeated || self.graph.ty(val).shape.rank() < 2
    }

    /// The name of a value: the parameters that scale its last part.
    pub(super) fn name(&self, val: Val, axis: usize) -> Option<String> {
        let last = self.along[val.position()].get(axis)?.scaled.iter().next_back()?;
        let name = &self.graph.inputs()[last.0].name;
        let module = name.rsplit_once('.').map_or(name.as_str(), |(module, _)| module);
        Some(if self.is_sum(val) { format!("+ {module}") } else { module.to_owned() })
    }

    /// What scales a value along an axis, at these indices; empty where nothing does.
    pub(super) fn scaling(&self, val: Val, axis: usize, indices: &[usize]) -> Vec<Place> {
        let along = self.along[val.position()].get(axis).into_iter();
        along.flat_map(|own| &own.scaled).map(|of| self.part(of, indices)).collect()
    }

    /// What is added to a value along an axis, at these indices.
    pub(super) fn shift(&self, val: Val, axis: usize, indices: &[usize]) -> Option<Place> {
        Some(self.part(&self.along[val.position()].get(axis)?.shift?, indices))
    }

    fn part(&self, &(position, axis): &Of, indices: &[usize]) -> Place {
        let parameter = self.graph.inputs()[position].name.clone();
        Place { parameter, axis, slots: Slots { block: 1, indices: indices.to_vec() } }
    }

    /// Whether a value is a copy of another, or so simple that it is no place to look at.
    fn passes(&self, val: Val) -> bool {
        let Def::Apply { op, .. } = self.graph.def(val) else { return true };
        matches!(op, Prim::Transpose(_) | Prim::Reshape(_) | Prim::BroadcastInDim(_) | Prim::Negate(_))
    }

    /// Whether a parameter alone does more to a value, which then is the place to look at.
    fn is_extended(&self, val: Val, uses: &Uses<'_>) -> bool {
        uses.copies(val).iter().flat_map(|&copy| uses.of(copy)).any(|&user| {
            let Def::Apply { op: Prim::Add(_) | Prim::Subtract(_) | Prim::Multiply(_), .. } =
                self.graph.def(user)
            else {
                return false;
            };
            !self.is_sum(user) && self.along[user.position()].iter().any(|own| !own.scaled.is_empty())
        })
    }
}
