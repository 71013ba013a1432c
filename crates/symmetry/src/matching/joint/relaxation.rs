//! The objective over doubly stochastic matrices: its gradient, and what it is along a segment.

use graph::{Argument, Executable, Executor};
use models::Params;
use tensor::Tensor;

use super::{
    carried::{Carried, Vertex, add},
    line::Polynomial,
    piece::{Piece, pieces},
};
use crate::{
    Group, SymmetryError,
    gather::Gather,
    matching::{gains::products, problem::elements},
};

/// `Σ_{i<j} ⟨P_i θ_i, P_j θ_j⟩` over trained parameters, with a doubly stochastic matrix in `P_i` for each generator.
pub(super) struct Relaxation {
    pub(super) pieces: Vec<Piece>,
    /// The number of slots of each generator.
    pub(super) sizes: Vec<usize>,
    /// For each piece and each of its moved axes, the product of two pieces over all other axes.
    products: Vec<Vec<Box<dyn Executable>>>,
}

/// For each model and generator the derivative by its matrix, in the matrix' layout.
pub(super) type Gradient = Vec<Vec<Vec<f32>>>;

impl Relaxation {
    /// Of models of the architecture of `group`, which is one of permutations.
    pub(super) fn new(
        executor: &dyn Executor,
        group: &Group,
        models: &[&Params],
    ) -> Result<Self, SymmetryError> {
        let pieces = pieces(group, models)?;
        let compile = |piece: &Piece| {
            let axes = piece.moved.iter();
            axes.map(|&(axis, _)| executor.compile(&products(&piece.shape, axis), &[])).collect()
        };
        let products = pieces.iter().map(compile).collect::<Result<_, _>>()?;
        let sizes = group.generators().iter().map(|generator| generator.size).collect();
        Ok(Self { pieces, sizes, products })
    }

    /// The gradient at `point` for all models but `anchor`, for which it is zero.
    pub(super) fn gradient(&mut self, point: &[Carried], anchor: usize) -> Result<Gradient, SymmetryError> {
        let zeros = || self.sizes.iter().map(|&size| vec![0f32; size * size]).collect();
        let mut gradient: Gradient = point.iter().map(|_| zeros()).collect();
        for (position, piece) in self.pieces.iter().enumerate().filter(|(_, piece)| !piece.moved.is_empty()) {
            for model in (0..point.len()).filter(|&model| model != anchor) {
                let others = point.iter().enumerate().filter(|(other, _)| *other != model);
                let others = sum(others.map(|(_, other)| other.whole(position)));
                for (open, (product, &(_, generator))) in
                    self.products[position].iter_mut().zip(&piece.moved).enumerate()
                {
                    let own = point[model].but(position, open);
                    let part = product.run(vec![Argument::Borrowed(&others), Argument::Borrowed(own)])?;
                    add(&mut gradient[model][generator], 1.0, elements(&part[0]));
                }
            }
        }
        Ok(gradient)
    }

    /// The objective along the segment from `point` to `vertices`, by the fraction that was gone.
    pub(super) fn along(&self, point: &[Carried], vertices: &[Vertex]) -> Polynomial {
        let mut line = Polynomial::default();
        for (position, piece) in self.pieces.iter().enumerate() {
            let degree = piece.moved.len();
            let models = point.iter().zip(vertices);
            let parts: Vec<Vec<Tensor>> =
                models.map(|(model, vertex)| model.parts(position, piece, vertex)).collect();
            let sums: Vec<Tensor> =
                (0..=degree).map(|jumps| sum(parts.iter().map(|parts| &parts[jumps]))).collect();
            for left in 0..=degree {
                for right in 0..=degree {
                    let own = parts.iter().map(|parts| dot(elements(&parts[left]), elements(&parts[right])));
                    let all = dot(elements(&sums[left]), elements(&sums[right]));
                    let pairs = 0.5 * (all - own.sum::<f64>());
                    line.add(pairs, 2 * degree - left - right, left + right);
                }
            }
        }
        line
    }
}

/// The sum of at least one tensor.
fn sum<'a>(mut tensors: impl Iterator<Item = &'a Tensor>) -> Tensor {
    let mut sum = tensors.next().expect("there are at least two models").clone();
    let target = sum.as_mut_slice().expect("pieces are f32");
    tensors.for_each(|next| add(target, 1.0, elements(next)));
    sum
}

/// The inner product, in f64; its order of summation depends on the length alone.
pub(super) fn dot(left: &[f32], right: &[f32]) -> f64 {
    Gather::new(&[left.len()], &[None]).inner_product(left, right)
}

#[cfg(test)]
mod tests {
    use graph::{Reference, Role};
    use tensor::{Key, Shape};

    use super::*;
    use crate::{Generator, ParameterAxis, Slots, Subject};

    /// A parameter with blocks and a fixed index along one axis and another generator along the other, a parameter that
    /// one generator moves along both axes, and one that nothing moves.
    fn group() -> Group {
        let subject = |name: &str, shape: &[usize]| Subject {
            name: name.to_owned(),
            shape: shape.into(),
            role: Role::Parameter,
        };
        let action =
            |parameter: &str, axis, slots| ParameterAxis { parameter: parameter.to_owned(), axis, slots };
        let blocks = Slots { block: 2, indices: vec![0, 1, 3, 4, 5, 6] };
        let inner =
            vec![action("w", 1, blocks), action("t", 0, Slots::whole(3)), action("t", 1, Slots::whole(3))];
        let outer = vec![action("w", 0, Slots::whole(2))];
        let generators = vec![
            Generator::permutations("inner".to_owned(), 3, inner),
            Generator::permutations("outer".to_owned(), 2, outer),
        ];
        Group::new(vec![subject("w", &[2, 7]), subject("t", &[3, 3]), subject("c", &[2])], generators)
            .unwrap()
    }

    fn network(group: &Group, key: Key) -> Params {
        Params::from_pairs(group.subjects().iter().map(|subject| {
            let key = key.child(&subject.name);
            (
                subject.name.as_str(),
                Tensor::from_fn(subject.shape.clone(), |index| key.normal(index as u64) as f32),
            )
        }))
    }

    /// What the generators' matrices make of an axis, as a matrix of the whole axis.
    fn of_axis(group: &Group, subject: &Subject, axis: usize, matrices: &[Vec<f64>]) -> Vec<f64> {
        let size = subject.shape[axis];
        let mut whole = vec![0.0; size * size];
        whole.iter_mut().step_by(size + 1).for_each(|diagonal| *diagonal = 1.0);
        for (generator, action) in group.actions_on(&subject.name).filter(|(_, action)| action.axis == axis) {
            let slots = group.generators()[generator].size;
            for (to, from) in (0..slots).flat_map(|to| (0..slots).map(move |from| (to, from))) {
                for (&to_index, &from_index) in action.slots.slot(to).iter().zip(action.slots.slot(from)) {
                    whole[to_index * size + from_index] = matrices[generator][to * slots + from];
                }
            }
        }
        whole
    }

    fn multiply_along(values: &[f64], shape: &Shape, axis: usize, matrix: &[f64]) -> Vec<f64> {
        let (size, inner) = (shape[axis], shape[axis + 1..].iter().product::<usize>());
        let entry = |index: usize| -> f64 {
            let (outer, to, rest) = (index / (size * inner), index / inner % size, index % inner);
            (0..size)
                .map(|from| matrix[to * size + from] * values[(outer * size + from) * inner + rest])
                .sum()
        };
        (0..values.len()).map(entry).collect()
    }

    /// The definition in f64; the matrices by model and generator.
    fn slowly(group: &Group, networks: &[Params], matrices: &[Vec<Vec<f64>>]) -> f64 {
        let carried = |subject: &Subject, (network, matrices): (&Params, &Vec<Vec<f64>>)| {
            let values = network.get(&subject.name).unwrap().to_f64_vec();
            (0..subject.shape.rank()).fold(values, |values, axis| {
                multiply_along(&values, &subject.shape, axis, &of_axis(group, subject, axis, matrices))
            })
        };
        let of_subject = |subject: &Subject| -> f64 {
            let all: Vec<Vec<f64>> =
                networks.iter().zip(matrices).map(|each| carried(subject, each)).collect();
            let pairs = (0..all.len()).flat_map(|right| (0..right).map(move |left| (left, right)));
            pairs.map(|(i, j)| all[i].iter().zip(&all[j]).map(|(x, y)| x * y).sum::<f64>()).sum()
        };
        group.subjects().iter().map(of_subject).sum()
    }

    fn in_f64(point: &[Carried]) -> Vec<Vec<Vec<f64>>> {
        let matrix = |matrix: &Vec<f32>| matrix.iter().map(|&entry| f64::from(entry)).collect();
        point.iter().map(|model| model.matrices.iter().map(matrix).collect()).collect()
    }

    fn vertices(seed: u64) -> Vec<Vertex> {
        let vertex = |model| {
            [3, 2].map(|size| Key::new(seed).fold(model).fold(size).permutation(size as usize)).to_vec()
        };
        (0..3).map(vertex).collect()
    }

    /// Three networks at a point that no symmetry singles out.
    fn inside() -> (Group, Vec<Params>, Relaxation, Vec<Carried>) {
        let group = group();
        let networks: Vec<Params> = (0..3).map(|seed| network(&group, Key::new(seed))).collect();
        let all: Vec<&Params> = networks.iter().collect();
        let relaxation = Relaxation::new(&Reference, &group, &all).unwrap();
        let mut point = vec![Carried::identity(0, &relaxation.pieces, &relaxation.sizes)];
        point.extend((1..3).map(|model| Carried::barycentre(model, &relaxation.pieces, &relaxation.sizes)));
        for (step, seed) in [(0.3, 5), (0.6, 6)] {
            for (model, vertex) in point.iter_mut().zip(&vertices(seed)) {
                model.go(&relaxation.pieces, vertex, step);
            }
        }
        (group, networks, relaxation, point)
    }

    #[test]
    fn the_gradient_is_that_of_finite_differences_in_f64() {
        let (group, networks, mut relaxation, point) = inside();
        let gradient = relaxation.gradient(&point, 0).unwrap();
        let matrices = in_f64(&point);
        let step = 1e-4;
        for (model, of_model) in gradient.iter().enumerate().skip(1) {
            for (generator, of_generator) in of_model.iter().enumerate() {
                for (entry, &found) in of_generator.iter().enumerate() {
                    let at = |step: f64| {
                        let mut moved = matrices.clone();
                        moved[model][generator][entry] += step;
                        slowly(&group, &networks, &moved)
                    };
                    let expected = (at(step) - at(-step)) / (2.0 * step);
                    assert!((f64::from(found) - expected).abs() < 1e-5, "{found} for {expected}");
                }
            }
        }
        assert!(gradient[0].iter().flatten().all(|&entry| entry == 0.0));
    }

    #[test]
    fn along_a_segment_the_polynomial_is_the_objective() {
        let (group, networks, relaxation, point) = inside();
        let vertices = vertices(7);
        let line = relaxation.along(&point, &vertices);
        for step in [0.0, 0.2, 0.7, 1.0] {
            let mut there = point.clone();
            there
                .iter_mut()
                .zip(&vertices)
                .for_each(|(model, vertex)| model.go(&relaxation.pieces, vertex, step));
            let expected = slowly(&group, &networks, &in_f64(&there));
            assert!(
                (line.value(step) - expected).abs() < 1e-5,
                "{} for {expected} at {step}",
                line.value(step)
            );
        }
    }
}
