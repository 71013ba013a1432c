//! Deriving the symmetries of a network from its graph: permutations, scales and signs.
//!
//! # Index classes
//! Every index of every axis of every value that an output depends on is an element of a union-find. The axis map of
//! each application ([`graph::AxisMap`]) unites the indices that it ties and fixes those that it fixes. The axes of
//! outputs are fixed, because outputs are observed, and so are the axes of [`Role::Data`] inputs: examples and features
//! have an order of their own. The axes of a new state, an output with a state's name, move with the old state. No
//! architecture is known by name anywhere.
//!
//! # Which classes are interchangeable
//! Two free classes are put into one generator if they have the same *signature*: the same number of members on every
//! axis of every value, not of parameters only, and ties in the same places. The places are the positions of the two
//! tied members among the members of their class on either axis, for each tie of each application. Numbers of
//! members on parameter axes alone would not do: of two indices of a parameter axis one may be cut off by a slice that
//! keeps the other, and two blocks may be tied position by position in different orders.
//!
//! # Why this is sound
//! Let a permutation of the classes of one signature send the `k`-th member of a class on each axis to the `k`-th
//! member of its image on that axis. Because the numbers of members agree, this permutes the indices of each axis;
//! because the ties agree, each tied pair goes to a pair of the same tie; and fixed indices stay, because their
//! classes are left alone. That is what an axis map asks for, so by induction over the applications every value becomes
//! itself with its axes so permuted. The axes of outputs do not move: the outputs are equal for all parameters and all
//! data. The argument rests on the axis maps being true, which [`crate::certify()`] tests in numbers.
//!
//! # Scales and signs
//! Every value may have a factor for each index of each axis and one for itself. A primitive says how the factors of its
//! result follow from those of its operands: a product has their product, a sum asks them to be equal, a ReLU passes on
//! positive ones, a sum of products asks the factors along the summed axis to cancel, and an exponential allows none. These are
//! linear equations between exponents, over the rationals for positive factors and modulo 2 for signs; data and outputs
//! have no factors, and a new state has that of the old one. What solves all equations is a symmetry, by the same induction.
//!
//! Classes of one signature have like equations, so their permutations act on the solutions, which split into those of each
//! class alone and those of all alike. One system for each signature, of its first class with everything else at rest, gives
//! the former, a family of the generator; one in which classes of a signature are one gives the latter, generators of a
//! single slot. Both are solved twice: as they are, and with the epsilons of normalisations taken to be zero; what
//! is found only then is marked approximate.
//!
//! # What is not found
//! Rotations and other symmetries that mix units, shifts of biases, those that exchange whole parameters (two
//! parallel branches of one form), block permutations whose inner order must change from block to block, and relations
//! among the entries of a constant that varies: its axes are fixed, although an identity matrix would let its two axes
//! move together. Parameters that no output depends on are left alone.

use graph::{Def, Graph, Role, Run, Slot, Tie, Val};

use crate::{
    Group, Subject,
    classes::Classes,
    interchange::{self, Factors},
    lines::Lines,
    orbits::{Orbits, Tied},
    scaling::{Facts, Ground, Unknowns, old_state},
};

/// The group of permutations, scales and signs along parameter and state axes that leave all outputs of `graph` unchanged, for
/// all parameters and all data; the [module](mod@crate::infer) says what is not found.
///
/// `graph` is a forward graph: every output is taken to be observed, but for new states, which have the names of the old
/// ones. [`crate::graphs`] makes those of a model. How many examples a graph takes at a time does not matter, as long as
/// normalisations over them do not become trivial.
///
/// # Panics
/// Where all axes of the graph's values together have 2^32 indices or more.
#[must_use]
pub fn infer(graph: &Graph) -> Group {
    let lines = Lines::new(graph);
    let mut classes = Classes::new(lines.elements());
    let mut tied = unite(&lines, &mut classes);
    unite_states(&lines, &mut classes, &mut tied);
    fix_observed(&lines, &mut classes);
    let orbits = Orbits::new(&lines, classes.into_partition(), &tied);
    let facts = Facts::new(graph);
    let unknowns = Unknowns::new(&lines, &orbits, &facts);
    let ground = Ground { lines: &lines, orbits: &orbits, facts: &facts, unknowns: &unknowns };
    let (scales, signs) = ground.solve();
    let factors = Factors { unknowns: &unknowns, scales, signs };
    let generators = interchange::generators(&lines, &orbits, &factors);
    let inputs = graph.inputs().iter().filter(|input| input.role != Role::Data);
    let subjects = inputs.map(|input| Subject {
        name: input.name.clone(),
        shape: graph.ty(input.val).shape.clone(),
        role: input.role,
    });
    Group::trusted(subjects.collect(), generators)
}

/// Applies the axis maps of all applications; returns every pair of indices that was united.
pub(crate) fn unite(lines: &Lines<'_>, classes: &mut Classes) -> Vec<Tied> {
    let (mut tied, mut tie) = (Vec::new(), 0);
    for val in lines.vals() {
        let Def::Apply { op, operands } = lines.graph.def(val) else { continue };
        let types: Vec<_> = operands.iter().map(|&operand| lines.graph.ty(operand)).collect();
        let map = op.axes(&types, lines.graph.ty(val));
        for Tie(left, right) in map.ties {
            debug_assert_eq!(left.count, right.count, "{} ties runs of different lengths", op.name());
            for (left, right) in
                elements(lines, val, operands, left).zip(elements(lines, val, operands, right))
            {
                classes.unite(left, right);
                tied.push(Tied { tie, left, right });
            }
            tie += 1;
        }
        for run in map.fixed {
            elements(lines, val, operands, run).for_each(|element| classes.fix(element));
        }
    }
    tied
}

/// The numbers of the indices of a run of the application that defines `val`.
fn elements(lines: &Lines<'_>, val: Val, operands: &[Val], run: Run) -> impl Iterator<Item = usize> + use<> {
    let owner = match run.axis.slot {
        Slot::Operand(position) => operands[position],
        Slot::Result => val,
    };
    let start = lines.line(owner, run.axis.axis).start;
    run.indices().map(move |index| start + index)
}

/// A new state moves as the old one does.
pub(crate) fn unite_states(lines: &Lines<'_>, classes: &mut Classes, tied: &mut Vec<Tied>) {
    let mut tie = tied.last().map_or(0, |last| last.tie + 1);
    for output in lines.graph.outputs() {
        let Some(old) = old_state(lines.graph, &output.name, output.val) else { continue };
        for (left, right) in lines.of(old).zip(lines.of(output.val)) {
            for (left, right) in lines.get(left).elements().zip(lines.get(right).elements()) {
                classes.unite(left, right);
                tied.push(Tied { tie, left, right });
            }
            tie += 1;
        }
    }
}

/// Fixes what is seen from outside: outputs and data.
fn fix_observed(lines: &Lines<'_>, classes: &mut Classes) {
    let graph = lines.graph;
    let outputs = graph.outputs().iter();
    let outputs = outputs
        .filter(|output| old_state(graph, &output.name, output.val).is_none())
        .map(|output| output.val);
    let data = graph.inputs().iter().filter(|input| input.role == Role::Data).map(|input| input.val);
    let observed: Vec<Val> = outputs.chain(data).collect();
    for line in lines.iter().filter(|line| observed.contains(&line.val)) {
        line.elements().for_each(|element| classes.fix(element));
    }
}
