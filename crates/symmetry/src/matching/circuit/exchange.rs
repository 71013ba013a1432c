//! What exchanging slots brings, with what is inside of them.
//!
//! The gain of a slot of A and one of B is the sum of three: the inner product of what belongs to the slots and to nothing inside of
//! them; for each exchange inside, the largest sum of its own gains, an assignment problem inside of the assignment problem; and
//! for what is mixed inside, the inner product of the circuits, the products of its vectors and covectors, which no
//! matrix changes. A circuit that goes through slots that are exchanged inside belongs to the gains of these.

use std::collections::{BTreeMap, BTreeSet};

use faer::{Mat, Scale};

use super::{
    moments::{Known, Part, products},
    place::Place,
};
use crate::{
    Element, Generator, ParameterAxis, SymmetryError,
    assignment::{self, Assignment, Certificate},
};

/// The gains of the slots of a generator, and of those inside of it, by generator.
pub(super) struct Gains<'a> {
    place: &'a Place<'a>,
    known: Known<'a>,
    all: BTreeMap<usize, Mat<f64>>,
}

/// A slot of an exchange, counted in its copy.
type Through = Option<(usize, usize)>;

impl<'a> Gains<'a> {
    /// The gains of a generator whose slots can be exchanged.
    pub(super) fn new(
        place: &'a Place<'a>,
        known: Known<'a>,
        generator: usize,
    ) -> Result<Self, SymmetryError> {
        let mut gains = Self { place, known, all: BTreeMap::new() };
        gains.add(generator)?;
        Ok(gains)
    }

    fn generator(&self, position: usize) -> &'a Generator {
        &self.place.group.generators()[position]
    }

    fn add(&mut self, position: usize) -> Result<(), SymmetryError> {
        let mut gains = self.plain(position);
        if let Some(parent) = self.generator(position).parent {
            for (mixed, _) in mixed_inside(self.place, parent) {
                gains += self.circuits_through(mixed, position);
            }
        }
        for (child, own) in inside(self.place, position) {
            if own.mixing.is_some() {
                gains += self.circuits(child, [None, None]);
            } else if own.is_exchangeable {
                self.add(child)?;
                gains += self.nested(child)?;
            }
        }
        self.all.insert(position, gains);
        Ok(())
    }

    /// The inner products of what belongs to the slots and to nothing inside of them; the largest that signs make of them.
    fn plain(&self, position: usize) -> Mat<f64> {
        let (own, taken) = (self.generator(position), self.taken(position));
        let slots: Vec<usize> = (0..own.slots()).collect();
        let turns = 1usize << own.signs.len();
        let by_parity = |parity: usize| {
            let parts = self.known.parts(self.place, own, |at, action, rank| {
                let index = (&*action.parameter, action.axis, action.slots.slot(0)[rank]);
                !taken.contains(&index) && parity_of(own, at, rank) == parity
            });
            products([self.place.a, &self.place.moved], [&parts, &parts], [&slots, &slots])
        };
        let by_parity: Vec<Mat<f64>> = (0..turns).map(by_parity).collect();
        let turned = |turn: usize| {
            let zero = Mat::zeros(slots.len(), slots.len());
            by_parity.iter().enumerate().fold(zero, |sum, (parity, products)| {
                let is_odd = (parity & turn).count_ones() % 2 == 1;
                sum + products * Scale(if is_odd { -1.0 } else { 1.0 })
            })
        };
        let largest = |one: Mat<f64>, other: Mat<f64>| {
            Mat::from_fn(slots.len(), slots.len(), |row, column| one[(row, column)].max(other[(row, column)]))
        };
        (1..turns).map(turned).fold(turned(0), largest)
    }

    /// The indices that belong to what is inside of a generator's slots, or is mixed in the slots that it is inside of.
    fn taken(&self, position: usize) -> BTreeSet<(&'a str, usize, usize)> {
        let around = self.generator(position).parent;
        let mixed = around.into_iter().flat_map(|parent| mixed_inside(self.place, parent));
        let actions = inside(self.place, position).chain(mixed).flat_map(|(_, own)| &own.actions);
        let indices = |action: &'a ParameterAxis| {
            action.slots.indices.iter().map(move |&index| (&*action.parameter, action.axis, index))
        };
        actions.flat_map(indices).collect()
    }

    /// The inner products of the circuits through each slot of an exchange in the same slots.
    fn circuits_through(&self, mixed: usize, exchange: usize) -> Mat<f64> {
        let own = self.generator(exchange);
        let mut gains = Mat::zeros(own.slots(), own.slots());
        let all = |size: usize| (0..size).flat_map(move |row| (0..size).map(move |column| (row, column)));
        let is_touched = |_, action: &ParameterAxis, rank| {
            self.region(mixed, action, rank).is_some_and(|(other, _)| other == exchange)
        };
        if self.known.parts(self.place, self.generator(mixed), is_touched).is_empty() {
            return gains;
        }
        for (row, column) in all(own.size) {
            let part = self.circuits(mixed, [Some((exchange, row)), Some((exchange, column))]);
            for (i, j) in all(own.copies) {
                gains[(i * own.size + row, j * own.size + column)] = part[(i, j)];
            }
        }
        gains
    }

    /// The inner products of circuits, of a copy in A and one in B: of what goes through no exchange inside of the same slots, or
    /// through one slot of it in A and one in B.
    fn circuits(&self, mixed: usize, through: [Through; 2]) -> Mat<f64> {
        let own = self.generator(mixed);
        let slots: Vec<usize> = (0..own.slots()).collect();
        let side = |is_vector: bool| {
            let parts = through.map(|through| self.side(mixed, is_vector, through));
            products([self.place.a, &self.place.moved], [&parts[0], &parts[1]], [&slots, &slots])
        };
        let vectors = side(true);
        let is_rotated = own.mixing.as_ref().is_some_and(|mixing| mixing.group.is_orthogonal());
        let covectors = if is_rotated { vectors.clone() } else { side(false) };
        let places = |copy: usize| copy * own.size..(copy + 1) * own.size;
        Mat::from_fn(own.copies, own.copies, |row, column| {
            let pairs = places(row).flat_map(|row| places(column).map(move |column| (row, column)));
            pairs.map(|at| vectors[at] * covectors[at]).sum()
        })
    }

    /// The parts of the vectors or covectors that go through a slot, if any do, and else those that go through none.
    fn side(&self, mixed: usize, is_vector: bool, through: Through) -> Vec<Part<'a>> {
        let own = self.generator(mixed);
        let of = |through: Through| {
            self.known.parts(self.place, own, |at, action, rank| {
                let powers = own.mixing.as_ref().map(|mixing| mixing.powers[at].of(rank));
                (powers.unwrap_or(1) > 0) == is_vector && self.region(mixed, action, rank) == through
            })
        };
        let parts = of(through);
        if parts.is_empty() && through.is_some() { of(None) } else { parts }
    }

    /// The slot of an exchange, inside of the same slots, through which a rank of what is mixed goes.
    fn region(&self, mixed: usize, action: &ParameterAxis, rank: usize) -> Through {
        let index = action.slots.slot(0)[rank];
        let exchanges = inside(self.place, self.generator(mixed).parent?)
            .filter(|(_, own)| own.is_exchangeable && own.mixing.is_none());
        exchanges.into_iter().find_map(|(position, own)| {
            let mut same = own
                .actions
                .iter()
                .filter(|other| (&other.parameter, other.axis) == (&action.parameter, action.axis));
            let at = same
                .find_map(|other| Some((other, other.slots.indices.iter().position(|own| *own == index)?)));
            at.map(|(other, at)| (position, at / other.slots.block % own.size))
        })
    }

    /// For each copy in A and each in B the largest sum of gains.
    fn nested(&self, child: usize) -> Result<Mat<f64>, SymmetryError> {
        let copies = self.generator(child).copies;
        let mut values = Mat::zeros(copies, copies);
        for row in 0..copies {
            for column in 0..copies {
                values[(row, column)] = self.assigned(child, row, column)?.0.objective;
            }
        }
        Ok(values)
    }

    /// The best assignment of the slots of a copy in B to those of a copy in A, with its gains.
    fn assigned(
        &self,
        position: usize,
        row: usize,
        column: usize,
    ) -> Result<(Assignment, Vec<f32>), SymmetryError> {
        let (own, size) = (self.generator(position), self.generator(position).size);
        let block = self.all[&position].submatrix(row * size, column * size, size, size);
        let entry = |at: usize| block[(at / size, at % size)] as f32;
        let gains: Vec<f32> = (0..size * size).map(entry).collect();
        let best = assignment::maximise(&gains, size, None);
        let fault = |source| SymmetryError::Assignment { generator: own.name.clone(), source };
        Ok((best.map_err(fault)?, gains))
    }

    /// The best exchange of a generator that is inside of no other, with those inside of it, and its proof.
    pub(super) fn best(&self, generator: usize) -> Result<(Element, Certificate), SymmetryError> {
        let (best, gains) = self.assigned(generator, 0, 0)?;
        let fault =
            |source| SymmetryError::Assignment { generator: self.generator(generator).name.clone(), source };
        let certificate = best.certificate(&gains).map_err(fault)?;
        let mut permutations = self.place.group.identity().permutations().to_vec();
        self.arrange(generator, 0, 0, &mut permutations)?;
        Ok((self.place.group.element(permutations)?, certificate))
    }

    /// Puts the slots of copy `column` where those of copy `row` want them, and what is inside of them, too.
    fn arrange(
        &self,
        position: usize,
        row: usize,
        column: usize,
        permutations: &mut [Vec<u32>],
    ) -> Result<(), SymmetryError> {
        let size = self.generator(position).size;
        let (best, _) = self.assigned(position, row, column)?;
        for (slot, &from) in best.row_to_col.iter().enumerate() {
            let (to, from) = (row * size + slot, column * size + from as usize);
            // What is inside moves before its copy goes to its new place.
            permutations[position][column * size + slot] = from as u32;
            for (child, _) in inside(self.place, position).filter(|(child, _)| self.all.contains_key(child)) {
                self.arrange(child, to, from, permutations)?;
            }
        }
        Ok(())
    }
}

/// The generators directly inside of another.
fn inside<'a>(place: &'a Place<'_>, parent: usize) -> impl Iterator<Item = (usize, &'a Generator)> + use<'a> {
    let all = place.group.generators().iter().enumerate();
    all.filter(move |(_, own)| own.parent == Some(parent))
}

/// Those of them that are mixed.
fn mixed_inside<'a>(
    place: &'a Place<'_>,
    parent: usize,
) -> impl Iterator<Item = (usize, &'a Generator)> + use<'a> {
    inside(place, parent).filter(|(_, own)| own.mixing.is_some())
}

/// The families of signs that turn a rank of an action, as bits.
fn parity_of(generator: &Generator, action: usize, rank: usize) -> usize {
    let families = generator.signs.iter().enumerate();
    let is_odd = |family: &crate::Family| family.exponents[action].of(rank) % 2 != 0;
    families.filter(|(_, family)| is_odd(family)).map(|(number, _)| 1 << number).sum()
}

#[cfg(test)]
mod tests {
    use models::{Model, Params};
    use tensor::{DType, Key, Tensor};

    use super::*;
    use crate::infer_folded;

    const GROUPS: usize = 2;
    const QUERIES: usize = 3;
    const DEPTH: usize = 4;
    const WIDTH: usize = 5;

    fn matrix(params: &Params, name: &str, rows: usize, columns: usize) -> Mat<f64> {
        let tensor = params.get(&format!("model.layers.0.self_attn.{name}.weight")).expect("a projection");
        let values = tensor.to_f64_vec();
        Mat::from_fn(rows, columns, |row, column| values[row * columns + column])
    }

    /// The two circuits of every query, by group.
    fn circuits(params: &Params) -> Vec<[Mat<f64>; 2]> {
        let heads = GROUPS * QUERIES;
        let q = matrix(params, "q_proj", heads * DEPTH, WIDTH);
        let [k, v] = ["k_proj", "v_proj"].map(|name| matrix(params, name, GROUPS * DEPTH, WIDTH));
        let o = matrix(params, "o_proj", WIDTH, heads * DEPTH);
        let of = |head: usize| {
            let group = head / QUERIES;
            let [k, v] = [&k, &v].map(|all| all.subrows(group * DEPTH, DEPTH));
            let (q, o) = (q.subrows(head * DEPTH, DEPTH), o.subcols(head * DEPTH, DEPTH));
            [q.transpose() * k, o * v]
        };
        (0..heads).map(of).collect()
    }

    /// The inner product of the circuits of A with those of B, read through an order of B's queries.
    fn likeness(a: &[[Mat<f64>; 2]], b: &[[Mat<f64>; 2]], order: &[usize]) -> f64 {
        let product = |one: &Mat<f64>, other: &Mat<f64>| -> f64 {
            one.col_iter().zip(other.col_iter()).map(|(one, other)| one.transpose() * other).sum()
        };
        let pairs = a.iter().zip(order).flat_map(|(a, &from)| a.iter().zip(&b[from]));
        pairs.map(|(a, b)| product(a, b)).sum()
    }

    /// Every order of queries within every order of groups.
    fn orders() -> Vec<Vec<usize>> {
        let three = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
        let mut all = Vec::new();
        for groups in [[0, 1], [1, 0]] {
            for first in three {
                for second in three {
                    let of = |group: usize, own: [usize; 3]| own.map(|query| group * QUERIES + query);
                    all.push([of(groups[0], first), of(groups[1], second)].concat());
                }
            }
        }
        all
    }

    #[test]
    fn no_order_of_groups_and_of_queries_has_circuits_that_are_more_alike() {
        let spec = format!(
            "llama:layers=1,width={WIDTH},heads=6,key_heads={GROUPS},depth={DEPTH},hidden=5,context=2,vocab=3"
        );
        let graph = Model::parse(&spec).expect("a specification").forward(1, DType::F64);
        let group = infer_folded(&graph).folded;
        let params = |key: Key| {
            let of = |subject: &crate::Subject| {
                let key = key.child(&subject.name);
                (subject.name.clone(), Tensor::from_fn(subject.shape.clone(), |at| key.normal(at as u64)))
            };
            let pairs: Vec<(String, Tensor)> = group.subjects().iter().map(of).collect();
            Params::from_pairs(pairs.iter().map(|(name, tensor)| (name.as_str(), tensor.clone())))
        };
        let heads = group.generators().iter().position(|own| own.size == GROUPS).expect("groups of heads");
        for seed in 0..8 {
            let (a, b) = (params(Key::new(seed)), params(Key::new(100 + seed)));
            let place = Place::new(&group, &a, &b, group.identity()).expect("two networks");
            let (element, certificate) =
                Gains::new(&place, Known(None), heads).and_then(|gains| gains.best(heads)).expect("gains");
            let moved = group.act(&element, &b).expect("an element of the group");
            let (of_a, of_b) = (circuits(&a), circuits(&b));
            let still: Vec<usize> = (0..GROUPS * QUERIES).collect();
            let found = likeness(&of_a, &circuits(&moved), &still);
            let best = orders().iter().map(|order| likeness(&of_a, &of_b, order)).fold(f64::MIN, f64::max);
            assert!(
                certificate.holds() && (found - best).abs() < 1e-9 * best.abs(),
                "{seed}: {found} {best}"
            );
        }
    }
}
