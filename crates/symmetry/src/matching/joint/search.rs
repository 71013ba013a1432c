//! Frank-Wolfe from one point.

use tensor::{Key, parallel};

use super::{
    Begin, Iteration,
    carried::{Carried, Vertex},
    relaxation::{Gradient, Relaxation, dot},
};
use crate::{
    Group, SymmetryError,
    assignment::{self, Assignment},
};

/// What one run found.
pub(super) struct Run {
    /// For each model the permutation of each generator.
    pub(super) permutations: Vec<Vec<Vec<u32>>>,
    /// The last one where the point was stationary has a step of 0.
    pub(super) iterations: Vec<Iteration>,
}

pub(super) struct Search<'a> {
    pub(super) group: &'a Group,
    pub(super) relaxation: Relaxation,
    pub(super) models: usize,
    /// A gap of at most this is none.
    pub(super) least_gap: f64,
    pub(super) max_iterations: usize,
}

impl Search<'_> {
    /// Climbs from `begin`, with the universe arranged as the model `anchor` is.
    pub(super) fn run(&mut self, anchor: usize, begin: Begin, key: Key) -> Result<Run, SymmetryError> {
        let mut point: Vec<Carried> =
            (0..self.models).map(|model| self.start(model, anchor, begin, key)).collect();
        let mut iterations: Vec<Iteration> = Vec::new();
        let mut best = vec![None; self.models * self.group.generators().len()];
        while iterations.len() < self.max_iterations && iterations.last().is_none_or(|last| last.step > 0.0) {
            let gradient = self.relaxation.gradient(&point, anchor)?;
            best = self.assign(&gradient, &best, anchor)?;
            let gap = gap(&point, &gradient, &best);
            let vertices = self.vertices(&best);
            let line = self.relaxation.along(&point, &vertices);
            let step = if gap <= self.least_gap { 0.0 } else { line.maximum() };
            iterations.push(Iteration { objective: line.value(0.0), gap, step });
            if step > 0.0 {
                let models = point.iter_mut().zip(&vertices);
                models.for_each(|(model, vertex)| model.go(&self.relaxation.pieces, vertex, step));
            }
        }
        let matrices: Vec<_> = point.into_iter().map(|model| model.matrices).collect();
        let hardened = self.assign(&matrices, &vec![None; best.len()], anchor)?;
        let permutations = self.vertices(&hardened).into_iter().map(|vertex| {
            vertex.into_iter().map(|slots| slots.into_iter().map(|slot| slot as u32).collect()).collect()
        });
        Ok(Run { permutations: permutations.collect(), iterations })
    }

    fn start(&self, model: usize, anchor: usize, begin: Begin, key: Key) -> Carried {
        let Relaxation { pieces, sizes, .. } = &self.relaxation;
        if model == anchor || begin == Begin::Identity {
            return Carried::identity(model, pieces, sizes);
        }
        let mut carried = Carried::barycentre(model, pieces, sizes);
        if begin == Begin::Random {
            let key = |generator: usize| key.fold(model as u64).fold(generator as u64);
            let vertex = sizes.iter().enumerate().map(|(generator, &size)| key(generator).permutation(size));
            carried.go(pieces, &vertex.collect(), 0.5);
        }
        carried
    }

    /// The best permutation of each generator of each model but `anchor`, for these gains; model after model.
    fn assign(
        &self,
        gains: &Gradient,
        last: &[Option<Assignment>],
        anchor: usize,
    ) -> Result<Vec<Option<Assignment>>, SymmetryError> {
        let generators = self.group.generators();
        let solve = |position: usize| {
            let (model, at) = (position / generators.len(), position % generators.len());
            if model == anchor {
                return Ok(None);
            }
            let warm = last[position].as_ref().map(Assignment::warm);
            let best = assignment::maximise(&gains[model][at], generators[at].size, warm);
            let generator = || generators[at].name.clone();
            best.map(Some).map_err(|source| SymmetryError::Assignment { generator: generator(), source })
        };
        parallel::map(last.len(), solve).into_iter().collect()
    }

    /// Where assignments lead; the identity where there are none.
    fn vertices(&self, best: &[Option<Assignment>]) -> Vec<Vertex> {
        let sizes = &self.relaxation.sizes;
        let slots = |(position, best): (usize, &Option<Assignment>)| match best {
            Some(best) => best.row_to_col.iter().map(|&slot| slot as usize).collect(),
            None => (0..sizes[position % sizes.len()]).collect(),
        };
        let all: Vec<Vec<usize>> = best.iter().enumerate().map(slots).collect();
        if sizes.is_empty() {
            return vec![Vertex::new(); self.models];
        }
        all.chunks(sizes.len()).map(<[_]>::to_vec).collect()
    }
}

/// How much better the best vertices are than the point, in the gradient.
fn gap(point: &[Carried], gradient: &Gradient, best: &[Option<Assignment>]) -> f64 {
    let matrices = point.iter().flat_map(|model| &model.matrices).zip(gradient.iter().flatten());
    let gaps = matrices.zip(best).filter_map(|((matrix, gradient), best)| {
        best.as_ref().map(|best| best.objective - dot(matrix, gradient))
    });
    gaps.sum()
}
