//! Matrices from which elements are made, and how a slope reaches them.

use faer::Mat;
use models::Params;
use tensor::Tensor;

use crate::{
    Element, Generator, Group, LinearGroup, Matrix, SymmetryError, assignment,
    matching::circuit::{nearest, products, ranks},
};

/// The diagonal of the matrix that stands for a permutation, at first. Ours: small beside 1, so that a slot changes its place once
/// the slope has asked for it for some steps, and large beside one step.
const MARGIN: f64 = 0.1;

/// What a square matrix stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The permutation with the largest inner product.
    Permutation,
    /// The nearest matrix of the generator's group.
    Matrix,
}

/// One square matrix: of one copy of a generator.
#[derive(Clone, Copy, Debug)]
pub(super) struct Latent {
    generator: usize,
    copy: usize,
    kind: Kind,
    size: usize,
}

/// All matrices of a group: where slots are mixed, these; where they are only exchanged, one for the permutation.
pub(super) fn latents(group: &Group) -> Vec<Latent> {
    let of = |(generator, own): (usize, &Generator)| {
        let kind = if own.mixing.is_some() { Kind::Matrix } else { Kind::Permutation };
        let is_moved = own.mixing.is_some() || own.is_exchangeable;
        let (size, count) = (own.size, if is_moved { own.copies } else { 0 });
        (0..count).map(move |copy| Latent { generator, copy, kind, size })
    };
    group.generators().iter().enumerate().flat_map(of).collect()
}

impl Latent {
    /// The number of rows.
    pub(super) const fn size(self) -> usize {
        self.size
    }

    /// Whether it is that of a copy of a generator.
    #[cfg(test)]
    pub(super) const fn is(self, generator: usize, copy: usize) -> bool {
        self.generator == generator && self.copy == copy
    }

    /// The matrix of the identity.
    pub(super) fn still(self) -> Tensor {
        let diagonal = if self.kind == Kind::Permutation { MARGIN } else { 1.0 };
        let n = self.size;
        Tensor::from_fn([n, n], |at| if at / n == at % n { diagonal } else { 0.0 })
    }
}

/// The element that matrices stand for.
pub(super) fn element(
    group: &Group,
    latents: &[Latent],
    values: &[Tensor],
) -> Result<Element, SymmetryError> {
    let still = group.identity();
    let (mut permutations, mut matrices) = (still.permutations().to_vec(), still.matrices().to_vec());
    for (latent, value) in latents.iter().zip(values) {
        let (own, n) = (&group.generators()[latent.generator], latent.size);
        let entries = value.to_f64_vec();
        match (latent.kind, &own.mixing) {
            (Kind::Matrix, Some(mixing)) => {
                let dense = Mat::from_fn(n, n, |row, column| entries[row * n + column]);
                let fault = || SymmetryError::Decomposition { generator: own.name.clone() };
                let member = nearest(&mixing.group, &dense).ok_or_else(fault)?;
                matrices[latent.generator][latent.copy] = Matrix::from_dense(&member);
            }
            _ => {
                let gains: Vec<f32> = entries.iter().map(|x| *x as f32).collect();
                let fault = |source| SymmetryError::Assignment { generator: own.name.clone(), source };
                let best = assignment::maximise(&gains, n, None).map_err(fault)?;
                let start = latent.copy * n;
                let slots = best.row_to_col.iter().map(|slot| slot + start as u32);
                permutations[latent.generator].splice(start..start + n, slots);
            }
        }
    }
    group.with_matrices(group.element(permutations)?, matrices)
}

/// The slopes of the matrices from those of the moved parameters: straight through the projections, and exact before them. `moved` is what
/// `element` has made; both hold `f64`.
pub(super) fn slopes(
    group: &Group,
    latents: &[Latent],
    element: &Element,
    [slopes, moved]: [&Params; 2],
) -> Vec<Tensor> {
    let sources = group.sources(element);
    let of = |latent: &Latent| {
        let (own, sources) = (&group.generators()[latent.generator], &sources[latent.generator]);
        let n = latent.size;
        // Where the copy has gone.
        let place = (0..own.copies).find(|place| sources[place * n] as usize / n == latent.copy);
        let place = place.unwrap_or(latent.copy);
        let slots: Vec<usize> = (place * n..(place + 1) * n).collect();
        let inner = |is_wanted: &dyn Fn(usize, usize) -> bool| {
            let parts = ranks(own, |at, _, rank| is_wanted(at, rank));
            let known: Vec<_> =
                parts.into_iter().filter(|part| slopes.get(part.parameter()).is_some()).collect();
            products([slopes, moved], [&known, &known], [&slots, &slots])
        };
        let by_entry = match (latent.kind, &own.mixing) {
            (Kind::Matrix, Some(mixing)) => {
                let by_vectors = inner(&|at, rank| mixing.powers[at].of(rank) > 0);
                let by_covectors = inner(&|at, rank| mixing.powers[at].of(rank) < 0);
                let dual = element.matrices()[latent.generator][latent.copy].inverse().transposed();
                let slope = (by_vectors - by_covectors.transpose()) * dual.dense();
                within(&mixing.group, slope)
            }
            _ => {
                let inner = inner(&|_, _| true);
                let mut slope = Mat::zeros(n, n);
                for (slot, source) in slots.iter().map(|&slot| sources[slot] as usize % n).enumerate() {
                    (0..n).for_each(|row| slope[(row, source)] = inner[(row, slot)]);
                }
                slope
            }
        };
        Tensor::from_fn([n, n], |at| by_entry[(at / n, at % n)])
    };
    latents.iter().map(of).collect()
}

/// A slope without what leads out of a span.
fn within(group: &LinearGroup, slope: Mat<f64>) -> Mat<f64> {
    if let LinearGroup::Units(_) = group { nearest(group, &slope).unwrap_or(slope) } else { slope }
}
