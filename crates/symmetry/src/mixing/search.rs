//! What is done with a set of like classes, from parameters to outputs.

use std::collections::{BTreeMap, BTreeSet};

use graph::{AxisMap, Prim, Run, Slot, Tie, Val};

use super::{Application, Touching, kinds::Kinds};
use crate::scaling::{Fact, old_state};

/// The members of a rank on a line.
pub(super) type Node = (usize, usize);

/// What constants that differ along a set mean.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Constants {
    /// The set is exchangeable, so that there are none.
    Refused,
    /// Products with them are noted.
    Taken,
}

/// A walk through all that touches a set.
pub(super) struct Search<'a> {
    touching: &'a Touching<'a>,
    pub(super) set: usize,
    constants: Constants,
    /// The class that stands for all of the set.
    class: usize,
    kinds: Kinds,
    /// Where products of two vectors are, element by element: what they are products of.
    products: BTreeMap<Node, (Node, Node)>,
    pub(super) keeps_ones: bool,
    /// The values that are products with constants.
    pub(super) mixed: BTreeSet<Val>,
    /// The values that are summed over together, with the axes.
    pub(super) contractions: Vec<[(Val, usize); 2]>,
}

impl<'a> Search<'a> {
    /// Walks through all applications that touch a set; `None` where one allows no matrices.
    pub(super) fn run(touching: &'a Touching<'a>, set: usize, constants: Constants) -> Option<Self> {
        let mut search = Self {
            touching,
            set,
            constants,
            class: touching.view.orbits.sets()[set].classes[0],
            kinds: Kinds::default(),
            products: BTreeMap::new(),
            keeps_ones: false,
            mixed: BTreeSet::new(),
            contractions: Vec::new(),
        };
        for application in touching.applications.get(&set)? {
            search.application(application)?;
        }
        search.states();
        let outputs = touching.view.lines.graph.outputs().iter();
        let is_seen = outputs.into_iter().any(|output| search.axes_of(output.val).next().is_some());
        (!is_seen || constants == Constants::Refused).then_some(search)
    }

    pub(super) const fn is_contradicted(&self) -> bool {
        self.kinds.is_contradicted
    }

    /// The axes of a value on which the set is.
    pub(super) fn axes_of(&self, val: Val) -> impl Iterator<Item = usize> + '_ {
        let lines = self.touching.view.lines.of(val);
        lines.clone().filter(|&number| self.is_on(number)).map(move |number| number - lines.start)
    }

    /// For each rank on a line, 1 where it is what the first rank on another is, −1 where it is not; `None` where they have nothing
    /// to do with each other.
    pub(super) fn powers(&self, first: usize, line: usize) -> Option<Vec<i32>> {
        let (root, is_other) = self.kinds.root((first, 0));
        let power = |rank: usize| {
            let own = self.kinds.root((line, rank));
            (own.0 == root).then_some(if own.1 == is_other { 1 } else { -1 })
        };
        (0..self.members(line).len()).map(power).collect()
    }

    fn number(&self, val: Val, axis: usize) -> usize {
        self.touching.view.lines.of(val).start + axis
    }

    fn is_on(&self, number: usize) -> bool {
        self.touching.on_line[number].contains(&self.set)
    }

    /// The indices of the class on a line, by rank.
    fn members(&self, number: usize) -> Vec<usize> {
        let view = self.touching.view;
        let elements = view.lines.get(number).elements().enumerate();
        elements
            .filter(|(_, element)| view.orbits.class(*element) == self.class)
            .map(|(index, _)| index)
            .collect()
    }

    /// The members of two lines that have one index.
    fn together(&self, one: usize, other: usize) -> Vec<(Node, Node)> {
        if !(self.is_on(one) && self.is_on(other)) {
            return Vec::new();
        }
        let others = self.members(other);
        let rank = |index: usize| others.iter().position(|&own| own == index);
        let pairs = self.members(one).into_iter().enumerate();
        pairs.filter_map(|(own, index)| Some(((one, own), (other, rank(index)?)))).collect()
    }

    /// Takes in what an application says; `None` where it allows no matrices.
    fn application(&mut self, Application { val, op, operands }: &Application<'_>) -> Option<()> {
        let lines = &self.touching.view.lines;
        let types: Vec<_> = operands.iter().map(|&operand| lines.graph.ty(operand)).collect();
        let result = lines.graph.ty(*val);
        result.dtype.is_float().then_some(())?;
        let map = op.axes(&types, result);
        let is_fixed = |run: &Run| match run.axis.slot {
            Slot::Operand(operand) => self.is_on(self.number(operands[operand], run.axis.axis)),
            Slot::Result => self.is_on(self.number(*val, run.axis.axis)),
        };
        (!map.fixed.iter().any(is_fixed)).then_some(())?;
        match op {
            Prim::Add(_)
            | Prim::Subtract(_)
            | Prim::Select(_)
            | Prim::Concatenate(_)
            | Prim::ScatterAdd(_) => self.sum(*val, operands, &map),
            Prim::Negate(_)
            | Prim::Convert(_)
            | Prim::StopGradient(_)
            | Prim::Transpose(_)
            | Prim::Reshape(_)
            | Prim::Slice(_)
            | Prim::Pad(_)
            | Prim::Reverse(_)
            | Prim::BroadcastInDim(_)
            | Prim::Gather(_)
            | Prim::WindowSum(_) => {
                self.passed(*val, operands, &map);
                Some(())
            }
            Prim::ReduceSum(op) => {
                op.axes.iter().for_each(|&axis| self.summed_alone(self.number(operands[0], axis)));
                self.passed(*val, operands, &map);
                Some(())
            }
            Prim::Multiply(_) => self.product(*val, operands),
            Prim::Divide(_) => {
                let divides = lines.of(operands[1]).any(|number| self.is_on(number));
                self.passed(*val, operands, &map);
                (!divides).then_some(())
            }
            Prim::Power(_) => {
                let is_square = self.touching.view.facts.of(operands[1]) == Fact::Uniform(2.0);
                is_square.then_some(())?;
                self.product(*val, &[operands[0], operands[0]])
            }
            Prim::DotGeneral(op) => {
                let batched = op.lhs_batch.iter().map(|&axis| self.number(operands[0], axis));
                (!batched.into_iter().any(|number| self.is_on(number))).then_some(())?;
                self.passed(*val, operands, &map);
                let mut contracted = op.lhs_contract.iter().zip(&op.rhs_contract);
                contracted.try_for_each(|(&lhs, &rhs)| self.contracted(operands, lhs, rhs))
            }
            Prim::Convolution(op) => {
                (op.groups() == 1).then_some(())?;
                self.passed(*val, operands, &map);
                self.contracted(operands, op.lhs.feature, op.rhs.input)
            }
            _ => None,
        }
    }

    /// The members on lines of the result, with those on lines of operands from which they follow.
    fn pairs(&self, val: Val, operands: &[Val], map: &AxisMap) -> BTreeSet<(Node, Node)> {
        let number = |run: &Run| match run.axis.slot {
            Slot::Operand(operand) => self.number(operands[operand], run.axis.axis),
            Slot::Result => self.number(val, run.axis.axis),
        };
        let is_result = |run: &Run| run.axis.slot == Slot::Result;
        let mut pairs = BTreeSet::new();
        for Tie(left, right) in &map.ties {
            let (result, operand) = match (is_result(left), is_result(right)) {
                (true, false) => (left, right),
                (false, true) => (right, left),
                _ => continue,
            };
            let lines = (number(result), number(operand));
            if self.is_on(lines.0) && self.is_on(lines.1) {
                let (own, others) = (self.members(lines.0), self.members(lines.1));
                let rank = |members: &[usize], index: usize| members.iter().position(|&own| own == index);
                let tied = result.indices().zip(operand.indices());
                pairs.extend(tied.filter_map(|(index, other)| {
                    Some(((lines.0, rank(&own, index)?), (lines.1, rank(&others, other)?)))
                }));
            }
        }
        pairs
    }

    /// The result is what an operand is.
    fn passed(&mut self, val: Val, operands: &[Val], map: &AxisMap) {
        for (result, operand) in self.pairs(val, operands, map) {
            self.follows(result, operand);
        }
    }

    fn follows(&mut self, result: Node, operand: Node) {
        self.kinds.relate(result, operand, false);
        if let Some(&factors) = self.products.get(&operand) {
            self.products.insert(result, factors);
        }
    }

    /// Operands that are added, or put together.
    fn sum(&mut self, val: Val, operands: &[Val], map: &AxisMap) -> Option<()> {
        let pairs = self.pairs(val, operands, map);
        pairs.iter().all(|(_, operand)| !self.products.contains_key(operand)).then_some(())?;
        for &(result, operand) in &pairs {
            self.kinds.relate(result, operand, false);
        }
        let view = self.touching.view;
        let count = |val: Val| view.lines.of(val).filter(|&number| self.is_on(number)).count();
        let numbers = operands.iter().filter(|&&operand| view.lines.graph.ty(operand).dtype.is_float());
        // Along the set it is the same number everywhere.
        let is_even = |&operand: &Val| count(operand) < count(val) && !view.facts.is_zero(operand);
        let has_even = numbers.clone().any(is_even);
        self.keeps_ones |= has_even;
        Some(())
    }

    /// Two operands multiplied element by element, one of which may be the same along the set.
    fn product(&mut self, val: Val, operands: &[Val]) -> Option<()> {
        for axis in 0..self.touching.view.lines.of(val).len() {
            let result = self.number(val, axis);
            let factors: Vec<Vec<(Node, Node)>> =
                operands.iter().map(|&operand| self.together(result, self.number(operand, axis))).collect();
            match &factors[..] {
                [one, other] if one.is_empty() || other.is_empty() => {
                    one.iter().chain(other).for_each(|&(result, operand)| self.follows(result, operand));
                    if self.is_on(result) && self.constants == Constants::Taken {
                        self.times_constant(val, operands)?;
                    }
                }
                [ones, others] => {
                    for (&(result, one), &(_, other)) in ones.iter().zip(others) {
                        let are_vectors = [one, other].iter().all(|node| !self.products.contains_key(node));
                        are_vectors.then_some(())?;
                        self.products.insert(result, (one, other));
                    }
                }
                _ => return None,
            }
        }
        Some(())
    }

    /// A product of which one operand may differ along the set without moving, if it is a constant.
    fn times_constant(&mut self, val: Val, operands: &[Val]) -> Option<()> {
        let facts = &self.touching.view.facts;
        let still = operands.iter().find(|&&operand| !facts.is_variable(operand));
        match still.map(|&operand| facts.of(operand)) {
            None | Some(Fact::Uniform(_)) => Some(()),
            Some(Fact::Varying) => {
                self.mixed.insert(val);
                Some(())
            }
            Some(Fact::Variable | Fact::Data) => None,
        }
    }

    /// A sum over a line alone: of products, or of a vector.
    fn summed_alone(&mut self, number: usize) {
        if !self.is_on(number) {
            return;
        }
        for rank in 0..self.members(number).len() {
            match self.products.get(&(number, rank)) {
                Some(&(one, other)) => self.kinds.relate(one, other, true),
                None => self.keeps_ones = true,
            }
        }
    }

    /// A sum over two lines together.
    fn contracted(&mut self, operands: &[Val], lhs: usize, rhs: usize) -> Option<()> {
        let sides = [(operands[0], lhs), (operands[1], rhs)];
        let [lhs, rhs] = sides.map(|(operand, axis)| self.number(operand, axis));
        if self.is_on(lhs) && self.is_on(rhs) {
            self.contractions.push(sides);
        }
        let has_products = |line: usize| self.products.range((line, 0)..(line + 1, 0)).next().is_some();
        (!has_products(lhs) && !has_products(rhs)).then_some(())?;
        let pairs = self.together(lhs, rhs);
        pairs.into_iter().for_each(|(one, other)| self.kinds.relate(one, other, true));
        self.keeps_ones |= self.is_on(lhs) != self.is_on(rhs);
        Some(())
    }

    /// A new state is what the old one is.
    fn states(&mut self) {
        let touching = self.touching;
        let lines = &touching.view.lines;
        for output in lines.graph.outputs() {
            let Some(old) = old_state(lines.graph, &output.name, output.val) else { continue };
            let is_on = |&(old, _): &(usize, usize)| touching.on_line[old].contains(&self.set);
            for (old, new) in lines.of(old).zip(lines.of(output.val)).filter(is_on) {
                for rank in 0..self.members(old).len() {
                    self.kinds.relate((old, rank), (new, rank), false);
                }
            }
        }
    }
}
