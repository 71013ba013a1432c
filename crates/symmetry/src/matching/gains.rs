//! Gain matrices: what giving slot `j` of B to slot `i` of A adds to the objective.

use std::borrow::Cow;

use graph::{Argument, Builder, Executable, Executor, Graph, Ty, ops::DotGeneral};
use tensor::{DType, Shape, Tensor};

use super::problem::{Pair, Problem, elements};
use crate::{ParameterAxis, Slots, SymmetryError, gather::Gather};

/// The part of a generator's gains that comes from one axis of one parameter: the matrix of inner products of A's
/// slots with B's, where B is moved along its other axes.
pub(super) struct Part<'a> {
    pair: &'a Pair<'a>,
    axis: usize,
    slots: &'a Slots,
    /// The generators that move the other axes.
    movers: Vec<usize>,
    /// A with its slots arranged; A itself where they are in order.
    a: Cow<'a, Tensor>,
    /// B in the same form, as last moved.
    b: Cow<'a, Tensor>,
    executable: Box<dyn Executable>,
    product: Option<Product>,
}

/// A part's matrix, with the versions of its movers' permutations at which it was made.
struct Product {
    matrix: Tensor,
    versions: Vec<u64>,
}

impl<'a> Part<'a> {
    pub(super) fn new(
        executor: &dyn Executor,
        problem: &'a Problem<'a>,
        pair: &'a Pair<'a>,
        action: &'a ParameterAxis,
    ) -> Result<Self, SymmetryError> {
        let ParameterAxis { axis, slots, .. } = action;
        let movers = movers(problem, pair.name, *axis);
        let (a, b) = if in_order(slots, pair.shape[*axis]) {
            (Cow::Borrowed(pair.a), Cow::Borrowed(pair.b))
        } else {
            let room = Tensor::zeros(DType::F32, split(pair.shape, *axis, slots));
            let [mut a, mut b] = [room.clone(), room];
            let unmoved = vec![None; pair.shape.rank()];
            arrange(pair.a, &unmoved, (*axis, slots), &mut a);
            arrange(pair.b, &unmoved, (*axis, slots), &mut b);
            (Cow::Owned(a), Cow::Owned(b))
        };
        let executable = executor.compile(&products(a.shape(), *axis), &[])?;
        Ok(Self { pair, axis: *axis, slots, movers, a, b, executable, product: None })
    }

    /// The generators on whose permutations the part depends.
    pub(super) fn movers(&self) -> &[usize] {
        &self.movers
    }

    /// The matrix at these permutations, row-major; computed anew only if a mover's version has changed.
    pub(super) fn matrix(
        &mut self,
        problem: &Problem<'_>,
        permutations: &[Vec<u32>],
        versions: &[u64],
    ) -> Result<&[f32], SymmetryError> {
        let versions: Vec<u64> = self.movers.iter().map(|&mover| versions[mover]).collect();
        let product = match self.product.take().filter(|product| product.versions == versions) {
            Some(product) => product,
            None => Product { matrix: self.multiply(problem, permutations)?, versions },
        };
        Ok(elements(&self.product.insert(product).matrix))
    }

    fn multiply(
        &mut self,
        problem: &Problem<'_>,
        permutations: &[Vec<u32>],
    ) -> Result<Tensor, SymmetryError> {
        if !self.movers.is_empty() {
            let mut maps = problem.group.axis_maps(self.pair.name, self.pair.shape, permutations);
            maps[self.axis] = None;
            let maps: Vec<Option<&[usize]>> = maps.iter().map(Option::as_deref).collect();
            arrange(self.pair.b, &maps, (self.axis, self.slots), self.b.to_mut());
        }
        let mut results =
            self.executable.run(vec![Argument::Borrowed(&self.a), Argument::Borrowed(&self.b)])?;
        Ok(results.swap_remove(0))
    }
}

/// The generators that move another axis than `axis` of the parameter `name`.
fn movers(problem: &Problem<'_>, name: &str, axis: usize) -> Vec<usize> {
    let others = problem.group.actions_on(name).filter(|(_, other)| other.axis != axis);
    let mut movers: Vec<usize> = others.map(|(generator, _)| generator).collect();
    movers.dedup();
    movers
}

/// Whether the slots are the indices of an axis of this size in their order.
fn in_order(slots: &Slots, size: usize) -> bool {
    slots.block == 1 && slots.indices.iter().copied().eq(0..size)
}

/// The shape with an axis replaced by two: the slot, and the position in its block.
fn split(shape: &Shape, axis: usize, slots: &Slots) -> Shape {
    let mut sizes = shape.to_vec();
    sizes.splice(axis..=axis, [slots.indices.len() / slots.block, slots.block]);
    sizes.into()
}

/// Writes a parameter, read through `maps` and along `axis` slot by slot, to `target`.
fn arrange(source: &Tensor, maps: &[Option<&[usize]>], (axis, slots): (usize, &Slots), target: &mut Tensor) {
    let mut maps = maps.to_vec();
    maps[axis] = (!in_order(slots, source.shape()[axis])).then_some(&slots.indices);
    let target = target.as_mut_slice().expect("the room was made for f32");
    Gather::new(source.shape(), &maps).run(elements(source), target);
}

/// The graph of all inner products of slots: both operands contracted over everything but the slots.
fn products(shape: &Shape, axis: usize) -> Graph {
    let mut b = Builder::new("gains");
    let operands = ["a", "b"].map(|name| b.data(name, Ty::f32(shape.clone())));
    let contract: Vec<usize> = (0..shape.rank()).filter(|&other| other != axis).collect();
    let op = DotGeneral { lhs_contract: contract.clone(), rhs_contract: contract, ..DotGeneral::default() };
    let gains = b.dot_general(op, operands[0], operands[1]);
    b.output("gains", gains);
    b.finish()
}
