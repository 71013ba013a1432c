//! One model at a point of the relaxation.

use tensor::{DType, Tensor, parallel};

use super::piece::Piece;
use crate::{gather::Gather, matching::problem::elements};

/// A slot of the model for each slot of the universe, for each generator.
pub(super) type Vertex = Vec<Vec<usize>>;

/// A model with its map into the universe.
#[derive(Clone)]
pub(super) struct Carried {
    /// For each generator a doubly stochastic matrix, row-major; rows are slots of the universe, columns the model's.
    pub(super) matrices: Vec<Vec<f32>>,
    /// Each piece with some of its moved axes carried into the universe: one tensor for each set of them, whose bits are
    /// the set's number. They are kept so that a step needs no matrix product.
    sets: Vec<Vec<Tensor>>,
}

impl Carried {
    /// The model as it is.
    pub(super) fn identity(model: usize, pieces: &[Piece], sizes: &[usize]) -> Self {
        let identity = |&size: &usize| {
            let mut matrix = vec![0.0; size * size];
            matrix.iter_mut().step_by(size + 1).for_each(|diagonal| *diagonal = 1.0);
            matrix
        };
        let sets = pieces.iter().map(|piece| vec![piece.values[model].clone(); 1 << piece.moved.len()]);
        Self { matrices: sizes.iter().map(identity).collect(), sets: sets.collect() }
    }

    /// The mean over all permutations: every slot of the universe is the mean of the model's slots.
    pub(super) fn barycentre(model: usize, pieces: &[Piece], sizes: &[usize]) -> Self {
        let matrices = sizes.iter().map(|&size| vec![1.0 / size as f32; size * size]).collect();
        let sets = pieces.iter().map(|piece| {
            let of_set = |set: usize| {
                let mut tensor = piece.values[model].clone();
                members(piece, set).for_each(|(axis, _)| average(&mut tensor, axis));
                tensor
            };
            (0..1 << piece.moved.len()).map(of_set).collect()
        });
        Self { matrices, sets: sets.collect() }
    }

    /// The piece in the universe.
    pub(super) fn whole(&self, piece: usize) -> &Tensor {
        self.sets[piece].last().expect("the set of all axes is there")
    }

    /// The piece in the universe along all moved axes but the one at position `open` among them.
    pub(super) fn but(&self, piece: usize, open: usize) -> &Tensor {
        let sets = &self.sets[piece];
        &sets[(sets.len() - 1) & !(1 << open)]
    }

    /// The parts of a piece in the universe on the way to `vertex`: where the step is `γ`, it is
    /// `Σ_t (1 − γ)^(r − t) γ^t parts[t]`, with `r` the number of moved axes.
    pub(super) fn parts(&self, piece: usize, of: &Piece, vertex: &Vertex) -> Vec<Tensor> {
        let all = self.sets[piece].len() - 1;
        (0..=of.moved.len()).map(|jumps| self.part(piece, of, vertex, all, jumps)).collect()
    }

    /// The sum over all ways to carry `jumps` of the axes in `set` by `vertex` and the others as they are now.
    fn part(&self, piece: usize, of: &Piece, vertex: &Vertex, set: usize, jumps: usize) -> Tensor {
        let mut sum = Tensor::zeros(DType::F32, of.shape.clone());
        let jumping =
            (0..=set).filter(|jumping| jumping & !set == 0 && jumping.count_ones() as usize == jumps);
        for jumping in jumping {
            let mut maps: Vec<Option<&[usize]>> = vec![None; of.shape.rank()];
            members(of, jumping).for_each(|(axis, generator)| maps[axis] = Some(&vertex[generator]));
            let mut moved = vec![0f32; of.shape.elements()];
            Gather::new(&of.shape, &maps).run(elements(&self.sets[piece][set & !jumping]), &mut moved);
            add(sum.as_mut_slice().expect("the sum was made of f32"), 1.0, &moved);
        }
        sum
    }

    /// Goes the fraction `step` of the way to `vertex`.
    pub(super) fn go(&mut self, pieces: &[Piece], vertex: &Vertex, step: f64) {
        for (matrix, slots) in self.matrices.iter_mut().zip(vertex) {
            matrix.iter_mut().for_each(|entry| *entry *= (1.0 - step) as f32);
            let rows = matrix.chunks_mut(slots.len()).zip(slots);
            rows.for_each(|(row, &slot)| row[slot] += step as f32);
        }
        for (piece, of) in pieces.iter().enumerate() {
            // Larger sets first, because each is made of what smaller ones were.
            for set in (1..self.sets[piece].len()).rev() {
                let count = set.count_ones() as usize;
                let mut reached = Tensor::zeros(DType::F32, of.shape.clone());
                for jumps in 0..=count {
                    let weight = (1.0 - step).powi((count - jumps) as i32) * step.powi(jumps as i32);
                    if weight > 0.0 {
                        let part = self.part(piece, of, vertex, set, jumps);
                        let reached = reached.as_mut_slice().expect("made of f32");
                        add(reached, weight as f32, elements(&part));
                    }
                }
                self.sets[piece][set] = reached;
            }
        }
    }
}

/// The moved axes in a set, with their generators.
fn members(piece: &Piece, set: usize) -> impl Iterator<Item = (usize, usize)> + '_ {
    let moved = piece.moved.iter().enumerate();
    moved.filter(move |(position, _)| set >> position & 1 == 1).map(|(_, &moved)| moved)
}

/// Adds `factor · source` to `target`.
pub(super) fn add(target: &mut [f32], factor: f32, source: &[f32]) {
    parallel::for_each_chunk(target, ADDED_AT_ONCE, |start, target| {
        target.iter_mut().zip(&source[start..]).for_each(|(target, source)| *target += factor * source);
    });
}

/// Elements added by one parallel task; ours.
const ADDED_AT_ONCE: usize = 1 << 15;

/// Replaces everything along an axis by its mean.
fn average(tensor: &mut Tensor, axis: usize) {
    let size = tensor.shape()[axis];
    let inner: usize = tensor.shape()[axis + 1..].iter().product();
    let values = tensor.as_mut_slice::<f32>().expect("pieces are f32");
    parallel::for_each_chunk(values, (size * inner).max(1), |_, block| {
        let mut mean = vec![0f32; inner];
        block.chunks(inner).for_each(|line| add(&mut mean, 1.0 / size as f32, line));
        block.chunks_mut(inner).for_each(|line| line.copy_from_slice(&mean));
    });
}
