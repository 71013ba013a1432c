//! Deriving the permutation symmetries of a network from its graph.
//!
//! # Index classes
//! Every index of every axis of every value that an output depends on is an element of a union-find. The axis map of
//! each application ([`graph::AxisMap`]) unites the indices that it ties and fixes those that it fixes. The axes of
//! outputs are fixed, because outputs are observed, and so are the axes of [`Role::Data`] inputs: examples and features
//! have an order of their own. No architecture is known by name anywhere.
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
//! # What is not found
//! Symmetries that are no permutations of axes (scales, signs, rotations), those that exchange whole parameters (two
//! parallel branches of one form), block permutations whose inner order must change from block to block, and relations
//! among the entries of a constant that varies: its axes are fixed, although an identity matrix would let its two axes
//! move together. Parameters that no output depends on are left alone.

use graph::{Def, Graph, Role, Run, Slot, Tie, Val};

use crate::{
    Group, Subject,
    classes::Classes,
    interchange::{self, Tied},
    lines::Lines,
};

/// The group of permutations of parameter and state axes that leave all outputs of `graph` unchanged, for all
/// parameters and all data, as far as index classes show; the [module](mod@crate::infer) says what they do not show.
///
/// `graph` is a forward graph: every output is taken to be observed. How many examples it takes at a time does not
/// matter.
///
/// # Panics
/// Where all axes of the graph's values together have 2^32 indices or more.
#[must_use]
pub fn infer(graph: &Graph) -> Group {
    let lines = Lines::new(graph);
    let mut classes = Classes::new(lines.elements());
    let tied = unite(&lines, &mut classes);
    fix_observed(&lines, &mut classes);
    let generators = interchange::generators(&lines, &classes.into_free(), &tied);
    let inputs = graph.inputs().iter().filter(|input| input.role != Role::Data);
    let subjects = inputs.map(|input| Subject {
        name: input.name.clone(),
        shape: graph.ty(input.val).shape.clone(),
        role: input.role,
    });
    Group::trusted(subjects.collect(), generators)
}

/// Applies the axis maps of all applications; returns every pair of indices that was united.
fn unite(lines: &Lines<'_>, classes: &mut Classes) -> Vec<Tied> {
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

/// Fixes what is seen from outside: outputs and data.
fn fix_observed(lines: &Lines<'_>, classes: &mut Classes) {
    let graph = lines.graph;
    let outputs = graph.outputs().iter().map(|output| output.val);
    let data = graph.inputs().iter().filter(|input| input.role == Role::Data).map(|input| input.val);
    let observed: Vec<Val> = outputs.chain(data).collect();
    for line in lines.iter().filter(|line| observed.contains(&line.val)) {
        line.elements().for_each(|element| classes.fix(element));
    }
}
