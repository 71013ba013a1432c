//! Gain matrices: what giving slot `j` of B to slot `i` of A adds to the objective.

use std::borrow::Cow;

use graph::{Builder, Graph, Ty, ops::DotGeneral};
use tensor::{DType, Shape, Tensor, parallel};

use super::{
    change::Change,
    problem::{Pair, Problem, elements},
    shared::SharedProducts,
    signature::Lines,
};
use crate::{ParameterAxis, Slots, SymmetryError, action::AxisMaps, gather::Gather};

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
    product: Option<Product>,
}

/// A part's matrix, with the move of B at which it was made and the versions of the permutations in it.
struct Product {
    matrix: Tensor,
    maps: AxisMaps,
    versions: Vec<u64>,
}

impl<'a> Part<'a> {
    pub(super) fn new(problem: &'a Problem<'a>, pair: &'a Pair<'a>, action: &'a ParameterAxis) -> Self {
        let ParameterAxis { axis, slots, .. } = action;
        let a = if in_order(slots, pair.shape[*axis]) {
            Cow::Borrowed(pair.a)
        } else {
            Cow::Owned(arranged(pair.a, &vec![None; pair.shape.rank()], *axis, slots))
        };
        Self { pair, axis: *axis, slots, movers: movers(problem, pair.name, *axis), a, product: None }
    }

    /// The generators on whose permutations the part depends.
    pub(super) fn movers(&self) -> &[usize] {
        &self.movers
    }

    /// Forgets a matrix that depends on permutations.
    pub(super) fn forget(&mut self) {
        self.product = self.product.take().filter(|_| self.movers.is_empty());
    }

    /// The matrix at these permutations, row-major. It is computed only if a mover's version has changed, and where
    /// little has moved, from the last one by what that changes.
    pub(super) fn matrix(
        &mut self,
        products: &mut SharedProducts<'_>,
        problem: &Problem<'_>,
        permutations: &[Vec<u32>],
        versions: &[u64],
    ) -> Result<&[f32], SymmetryError> {
        let versions: Vec<u64> = self.movers.iter().map(|&mover| versions[mover]).collect();
        let product = match self.product.take() {
            Some(last) if last.versions == versions => last,
            last => {
                let mut maps = problem.group.axis_maps(self.pair.name, self.pair.shape, permutations);
                maps[self.axis] = None;
                Product { matrix: self.renew(products, last, &maps)?, maps, versions }
            }
        };
        Ok(elements(&self.product.insert(product).matrix))
    }

    /// The number of entries that the inner products are over.
    pub(super) fn entries(&self) -> usize {
        self.slots.indices.len() * (self.pair.shape.elements() / self.pair.shape[self.axis].max(1))
    }

    /// Whether all generators that move the other axes are matched.
    pub(super) fn is_known(&self, is_matched: &[bool]) -> bool {
        self.movers.iter().all(|&mover| is_matched[mover])
    }

    /// The matrix if it is known, and else the inner products of the slots' signatures.
    pub(super) fn estimate(
        &mut self,
        products: &mut SharedProducts<'_>,
        problem: &Problem<'_>,
        permutations: &[Vec<u32>],
        versions: &[u64],
        is_matched: &[bool],
    ) -> Result<Cow<'_, [f32]>, SymmetryError> {
        if self.is_known(is_matched) {
            return Ok(Cow::Borrowed(self.matrix(products, problem, permutations, versions)?));
        }
        let Pair { name, shape, a, b } = self.pair;
        let (stay, moves) = (vec![None; shape.rank()], problem.group.axis_maps(name, shape, permutations));
        let [a, b] = [(a, stay), (b, moves)].map(|(side, maps)| {
            Lines::new(problem, self.pair, self.axis, &maps, is_matched).signatures(side, self.slots)
        });
        Ok(Cow::Owned(elements(&products.of(&a, &b, 0)?).to_vec()))
    }

    fn renew(
        &self,
        products: &mut SharedProducts<'_>,
        last: Option<Product>,
        maps: &AxisMaps,
    ) -> Result<Tensor, SymmetryError> {
        let mut moved = (0..maps.len()).filter(|&axis| maps[axis].is_some());
        if let (Some(last), Some(axis), None) = (last, moved.next(), moved.next())
            && let Some(change) = Change::between(axis, &last.maps, maps)
        {
            return self.update(products, last.matrix, &change);
        }
        let maps: Vec<Option<&[usize]>> = maps.iter().map(Option::as_deref).collect();
        let move_b = |b: &mut Tensor| arrange(self.pair.b, &maps, (self.axis, self.slots), b);
        products.of_written(&self.a, self.axis, move_b)
    }

    /// Adds to `matrix` the inner products of A with what B gained and lost at the places of the change.
    fn update(
        &self,
        products: &mut SharedProducts<'_>,
        mut matrix: Tensor,
        change: &Change,
    ) -> Result<Tensor, SymmetryError> {
        let read = |side, sources| {
            let mut maps = vec![None; self.pair.shape.rank()];
            maps[change.axis] = Some(sources);
            arranged(side, &maps, self.axis, self.slots)
        };
        let a = read(self.pair.a, &change.places);
        let mut gained = read(self.pair.b, &change.after);
        combine(&mut gained, &read(self.pair.b, &change.before), |gained, lost| gained - lost);
        combine(&mut matrix, &products.of(&a, &gained, self.axis)?, |gain, more| gain + more);
        Ok(matrix)
    }
}

/// Combines two tensors of one size element by element into the first.
fn combine(left: &mut Tensor, right: &Tensor, with: impl Fn(f32, f32) -> f32 + Sync + Send) {
    let (left, right) = (left.as_mut_slice::<f32>().expect("gains are f32"), elements(right));
    parallel::for_each_chunk(left, COMBINED_AT_ONCE, |start, left| {
        left.iter_mut().zip(&right[start..]).for_each(|(left, &right)| *left = with(*left, right));
    });
}

/// Elements combined by one parallel task; ours.
const COMBINED_AT_ONCE: usize = 1 << 15;

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

/// A parameter read through `maps`, and along `axis` slot by slot: that axis becomes two, the slot and the position in
/// its block, unless the slots are the axis itself.
pub(super) fn arranged(source: &Tensor, maps: &[Option<&[usize]>], axis: usize, slots: &Slots) -> Tensor {
    let sizes = source.shape().iter().zip(maps).map(|(&size, map)| map.map_or(size, <[usize]>::len));
    let mut sizes: Vec<usize> = sizes.collect();
    if !in_order(slots, source.shape()[axis]) {
        sizes.splice(axis..=axis, [slots.indices.len() / slots.block, slots.block]);
    }
    let mut target = Tensor::zeros(DType::F32, sizes);
    arrange(source, maps, (axis, slots), &mut target);
    target
}

/// As [`arranged`], into a tensor that is there.
fn arrange(source: &Tensor, maps: &[Option<&[usize]>], (axis, slots): (usize, &Slots), target: &mut Tensor) {
    let mut maps = maps.to_vec();
    maps[axis] = (!in_order(slots, source.shape()[axis])).then_some(&slots.indices);
    let target = target.as_mut_slice().expect("the room was made for f32");
    Gather::new(source.shape(), &maps).run(elements(source), target);
}

/// The graph of all inner products of slots: both operands contracted over everything but the slots.
pub(super) fn products(shape: &Shape, axis: usize) -> Graph {
    let mut b = Builder::new("gains");
    let operands = ["a", "b"].map(|name| b.data(name, Ty::f32(shape.clone())));
    let contract: Vec<usize> = (0..shape.rank()).filter(|&other| other != axis).collect();
    let op = DotGeneral { lhs_contract: contract.clone(), rhs_contract: contract, ..DotGeneral::default() };
    let gains = b.dot_general(op, operands[0], operands[1]);
    b.output("gains", gains);
    b.finish()
}

#[cfg(test)]
mod tests {
    use graph::Reference;
    use models::{Init, Model};
    use tensor::Key;

    use super::*;
    use crate::infer;

    /// The matrix of one axis of `2.weight` after its other axis was moved by each of `moves` in turn, and the number
    /// of kinds of update that this took.
    fn after(generator: usize, action: usize, moves: &[Vec<u32>]) -> (Vec<f32>, usize) {
        let model = Model::parse("mlp:5-40-40-3").expect("a specification");
        let group = infer(&model.forward(1, DType::F32));
        let [a, b] = [1, 2].map(|seed| model.init(Init::PyTorch, Key::new(seed)));
        let problem = Problem::new(&group, &a, &b).expect("two networks of the model");
        let action = &group.generators()[generator].actions[action];
        let pair = &problem.pairs[problem.position(&action.parameter).expect("a parameter")];
        assert_eq!((pair.name, action.axis), ("2.weight", 1 - generator));
        let (mut part, mut products) = (Part::new(&problem, pair, action), SharedProducts::new(&Reference));
        let mut permutations = group.identity().permutations().to_vec();
        for (version, moved) in moves.iter().enumerate() {
            permutations[1 - generator].clone_from(moved);
            part.matrix(&mut products, &problem, &permutations, &[version as u64; 2])
                .expect("a small product");
        }
        (elements(&part.product.as_ref().expect("just made").matrix).to_vec(), products.forms() - 1)
    }

    #[test]
    fn gains_brought_up_to_date_are_those_made_anew() {
        let identity: Vec<u32> = (0..40).collect();
        let mut little = identity.clone();
        little[4..14].rotate_left(3);
        let much: Vec<u32> = Key::new(3).permutation(40).into_iter().map(|slot| slot as u32).collect();
        for (generator, action) in [(0, 2), (1, 0)] {
            let (anew, updates) = after(generator, action, std::slice::from_ref(&little));
            assert_eq!(updates, 0);
            let (updated, updates) = after(generator, action, &[identity.clone(), little.clone()]);
            assert_eq!(updates, 1);
            assert!(anew.iter().zip(&updated).all(|(anew, updated)| (anew - updated).abs() < 1e-6));
            assert_ne!(anew, after(generator, action, std::slice::from_ref(&identity)).0);
            let (restarted, updates) = after(generator, action, &[much.clone(), little.clone()]);
            assert_eq!((restarted, updates), (anew, 0));
        }
    }
}
