//! The matrices that commute with all that depends on positions.
//!
//! Queries are `A_t q` and keys `B_s k`, where `A` and `B` depend on positions alone, as rotary ones do, and classes do not see
//! each other: for each class they are small blocks. Multiplied by `m` and by its transposed inverse the scores stay if
//! `mᵀ` commutes with every `A_tᵀ B_s`, provided that one of these is a multiple of the identity. Between any two classes this is a
//! small linear system of its own.

use faer::{Mat, Side as Triangle};

use super::{
    Touching,
    positions::{Blocks, Side, Solved, members},
    search::Search,
};
use crate::{Exponents, Slots};

/// What commutes, in terms of the ranks and classes of a set.
#[derive(Clone)]
pub(super) struct Commutant {
    /// An orthonormal basis.
    pub(super) basis: Vec<Vec<(u32, u32, f64)>>,
    /// For each class the numbers of its members, by rank.
    numbers: Vec<Vec<usize>>,
}

/// What counts as zero beside 1. Ours: far above the rounding of sines, far below those of angles that networks use.
const ZERO: f64 = 1e-9;

impl Commutant {
    pub(super) fn size(&self) -> usize {
        self.numbers.iter().map(Vec::len).sum()
    }

    fn ranks(&self) -> usize {
        self.numbers.first().map_or(0, Vec::len)
    }

    /// The slots of classes as slots of their members, with the powers by rank; several members of a class that stand for one are
    /// ranks of its slot. `None` where the powers differ between ranks that are mixed.
    pub(super) fn spread(&self, slots: &Slots, powers: &[i32]) -> Option<(Slots, Exponents)> {
        let ranks = self.ranks();
        let is_whole =
            slots.block.is_multiple_of(ranks) && slots.indices.len() == slots.block * self.numbers.len();
        is_whole.then_some(())?;
        let block = slots.block / ranks;
        let mut indices = vec![0; slots.indices.len()];
        for (class, numbers) in self.numbers.iter().enumerate() {
            for (rank, &number) in numbers.iter().enumerate() {
                for copy in 0..block {
                    indices[number * block + copy] = slots.slot(class)[copy * ranks + rank];
                }
            }
        }
        let is_even = powers.chunks(ranks).all(|own| own.iter().all(|power| *power == own[0]));
        let powers = powers.iter().step_by(ranks).copied().collect();
        is_even.then(|| (Slots { block, indices }, Exponents::new(powers)))
    }
}

impl Touching<'_> {
    /// What commutes with all that a set meets; `None` where nothing can be said.
    pub(super) fn commutant(&self, search: &Search<'_>) -> Option<Commutant> {
        let mut found: Option<Commutant> = None;
        for [(one, one_axis), (other, other_axis)] in &search.contractions {
            let sides =
                [Side::new(self, search, *one, *one_axis)?, Side::new(self, search, *other, *other_axis)?];
            let own = self.solved(search, &sides)?;
            match &found {
                Some(found) if found.basis != own.basis => return None,
                _ => found = Some(own),
            }
        }
        found
    }

    fn solved(&self, search: &Search<'_>, sides: &[Side; 2]) -> Option<Commutant> {
        let numbers = sides.each_ref().map(|side| numbers(&members(self, search, side.base, side.base_axis)));
        (numbers[0] == numbers[1]).then_some(())?;
        let [numbers, _] = numbers;
        let graphs = sides.each_ref().map(|side| side.graph.clone());
        let known = self
            .solved
            .borrow()
            .iter()
            .find(|known| known.graphs == graphs)
            .map(|known| known.commutant.clone());
        if let Some(known) = known {
            return known.filter(|known| known.numbers == numbers);
        }
        let blocks = [sides[0].blocks(self, search)?, sides[1].blocks(self, search)?];
        let commutant = solve(&blocks, numbers);
        self.solved.borrow_mut().push(Solved { graphs, commutant: commutant.clone() });
        commutant
    }
}

/// Numbers of the members of classes, in the order of their indices.
fn numbers(members: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = members.iter().flatten().copied().collect();
    order.sort_unstable();
    let number = |index: &usize| order.iter().position(|own| own == index).unwrap_or(0);
    members.iter().map(|members| members.iter().map(number).collect()).collect()
}

/// The basis of what commutes with the products of blocks, if one of these is a multiple of the identity.
fn solve([queries, keys]: &[Vec<Blocks>; 2], numbers: Vec<Vec<usize>>) -> Option<Commutant> {
    let product = |query: &Blocks, key: &Blocks| -> Vec<Mat<f64>> {
        query.iter().zip(key).map(|(query, key)| dense(query).transpose() * dense(key)).collect()
    };
    let is_multiple = |blocks: &Vec<Mat<f64>>| {
        let factor = blocks.first().map_or(0.0, |block| block[(0, 0)]);
        factor.abs() > ZERO
            && blocks.iter().all(|block| {
                (block - identity(block.nrows()) * faer::Scale(factor)).norm_max() <= ZERO * factor.abs()
            })
    };
    let products: Vec<Vec<Mat<f64>>> =
        queries.iter().flat_map(|query| keys.iter().map(|key| product(query, key))).collect();
    products.iter().any(is_multiple).then_some(())?;
    let mut basis = Vec::new();
    for (one, ones) in numbers.iter().enumerate() {
        for (other, others) in numbers.iter().enumerate() {
            let pairs = products.iter().map(|blocks| (&blocks[one], &blocks[other]));
            for intertwiner in intertwiners(pairs)? {
                // What commutes is the transposed matrix.
                let entry = |(row, column): (usize, usize)| {
                    (others[column] as u32, ones[row] as u32, intertwiner[(row, column)])
                };
                let places =
                    (0..ones.len()).flat_map(|row| (0..others.len()).map(move |column| (row, column)));
                let entries = places.map(entry).filter(|(_, _, number)| number.abs() > ZERO);
                basis.push(entries.collect::<Vec<_>>());
            }
        }
    }
    Some(Commutant { basis, numbers })
}

fn dense(rows: &[Vec<f64>]) -> Mat<f64> {
    Mat::from_fn(rows.len(), rows.first().map_or(0, Vec::len), |row, column| rows[row][column])
}

fn identity(size: usize) -> Mat<f64> {
    Mat::identity(size, size)
}

/// An orthonormal basis of the matrices `x` with `g x = x h` for all pairs of `g` and `h`: the kernel of a sum of squares.
fn intertwiners<'a>(pairs: impl Iterator<Item = (&'a Mat<f64>, &'a Mat<f64>)>) -> Option<Vec<Mat<f64>>> {
    let (mut squares, mut shape): (Option<Mat<f64>>, (usize, usize)) = (None, (0, 0));
    for (g, h) in pairs {
        let (rows, columns) = (g.nrows(), h.nrows());
        shape = (rows, columns);
        let difference = Mat::from_fn(rows * columns, rows * columns, |equation, unknown| {
            let ((i, j), (k, l)) =
                ((equation / columns, equation % columns), (unknown / columns, unknown % columns));
            let left = if j == l { g[(i, k)] } else { 0.0 };
            let right = if i == k { h[(l, j)] } else { 0.0 };
            left - right
        });
        let square = difference.transpose() * &difference;
        squares = Some(squares.map_or_else(|| square.clone(), |sum| sum + &square));
    }
    let squares = squares?;
    let scale = squares.norm_max().max(1.0);
    let eigen = squares.self_adjoint_eigen(Triangle::Lower).ok()?;
    let kernel = (0..squares.nrows()).filter(|&at| eigen.S()[at] <= ZERO * scale);
    let matrix =
        |at: usize| Mat::from_fn(shape.0, shape.1, |row, column| eigen.U()[(row * shape.1 + column, at)]);
    Some(kernel.map(matrix).collect())
}
