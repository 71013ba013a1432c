//! Steps of a search: each brings B nearer to A, or is not taken.

use faer::Mat;

use super::{
    Proof,
    exchange::Gains,
    matrices::{Moments, Products},
    moments::{Known, products},
    place::{Place, Undo},
};
use crate::{Element, Family, Generator, Group, Matrix, Mixing, SymmetryError};

/// What is done to a generator and all that is inside of it, as one step.
pub(super) fn step(place: &mut Place<'_>, known: Known<'_>, root: usize) -> Result<Vec<Undo>, SymmetryError> {
    let generator = &place.group.generators()[root];
    let mut undo = Vec::new();
    if generator.mixing.is_none() && generator.is_exchangeable {
        let (element, _) = Gains::new(place, known, root)?.best(root)?;
        undo.push(place.go(&element)?);
    }
    undo.extend(mix_all(place, known, root)?);
    undo.extend(turn(place, known, root)?);
    Ok(undo)
}

/// Mixes a generator and all that is inside of it, and exchanges nothing.
pub(super) fn mix_all(
    place: &mut Place<'_>,
    known: Known<'_>,
    root: usize,
) -> Result<Vec<Undo>, SymmetryError> {
    let mixed: Result<Vec<Option<Undo>>, _> =
        tree(place, root).into_iter().map(|position| mix(place, known, position)).collect();
    Ok(mixed?.into_iter().flatten().collect())
}

/// A generator and all that is inside of it, those around others first.
pub(super) fn tree(place: &Place<'_>, root: usize) -> Vec<usize> {
    let mut all = vec![root];
    for (position, own) in place.group.generators().iter().enumerate() {
        if own.parent.is_some_and(|parent| all.contains(&parent)) {
            all.push(position);
        }
    }
    all
}

/// Mixes the slots of each copy by the best matrix.
fn mix(place: &mut Place<'_>, known: Known<'_>, position: usize) -> Result<Option<Undo>, SymmetryError> {
    let generator = &place.group.generators()[position];
    let Some(mixing) = &generator.mixing else { return Ok(None) };
    let fault = || SymmetryError::Decomposition { generator: generator.name.clone() };
    let best = |copy: usize| {
        let found = moments(place, known, generator, mixing, copy).best(&mixing.group).ok_or_else(fault)?;
        Ok(Matrix::from_dense(&found))
    };
    let matrices: Result<Vec<Matrix>, SymmetryError> = (0..generator.copies).map(best).collect();
    let identity = place.group.identity();
    let mut all = identity.matrices().to_vec();
    all[position] = matrices?;
    place.go(&place.group.with_matrices(identity, all)?).map(Some)
}

/// The inner products that decide about the matrix of a copy.
fn moments(
    place: &Place<'_>,
    known: Known<'_>,
    generator: &Generator,
    mixing: &Mixing,
    copy: usize,
) -> Moments {
    let slots: Vec<usize> = (copy * generator.size..(copy + 1) * generator.size).collect();
    let is_rotation = mixing.group.is_orthogonal();
    let side = |is_vector: bool| {
        let parts =
            known.parts(place, generator, |at, _, rank| (mixing.powers[at].of(rank) > 0) == is_vector);
        let of = |one, other| products([one, other], [&parts, &parts], [&slots, &slots]);
        let (a, b) = (place.a, &place.moved);
        // Of rotations only the inner products between the networks are asked for.
        let own = |network| if is_rotation { Mat::zeros(0, 0) } else { of(network, network) };
        Products { own: own(a), cross: of(a, b), other: own(b) }
    };
    Moments { vectors: side(true), covectors: side(false) }
}

/// Changes the signs of slots where that brings them nearer.
fn turn(place: &mut Place<'_>, known: Known<'_>, position: usize) -> Result<Option<Undo>, SymmetryError> {
    let generator = &place.group.generators()[position];
    if generator.signs.is_empty() || turns_all(generator) {
        return Ok(None);
    }
    let identity = place.group.identity();
    let mut factors = identity.factors().to_vec();
    for (number, family) in generator.signs.iter().enumerate() {
        for slot in 0..generator.slots() {
            factors[position].signs[number][slot] = odd_product(place, known, generator, family, slot) < 0.0;
        }
    }
    place.go(&place.group.with_factors(identity, factors)?).map(Some)
}

/// The inner product of what a sign turns.
fn odd_product(
    place: &Place<'_>,
    known: Known<'_>,
    generator: &Generator,
    family: &Family,
    slot: usize,
) -> f64 {
    let is_odd = |at: usize, rank: usize| family.exponents[at].of(rank) % 2 != 0;
    let parts = known.parts(place, generator, |at, _, rank| is_odd(at, rank));
    products([place.a, &place.moved], [&parts, &parts], [&[slot], &[slot]])[(0, 0)]
}

/// Turns the sign of everything that a generator of one slot moves, with the rotations that are best then.
pub(super) fn turn_all(place: &mut Place<'_>, position: usize) -> Result<Vec<Undo>, SymmetryError> {
    let mut undo = vec![place.go(&turned(place.group, position)?)?];
    for rotated in 0..place.group.generators().len() {
        if is_rotated(&place.group.generators()[rotated]) {
            undo.extend(mix(place, Known(None), rotated)?);
        }
    }
    Ok(undo)
}

/// Whether a generator turns the sign of much at once.
pub(super) fn turns_all(generator: &Generator) -> bool {
    generator.slots() == 1 && !generator.signs.is_empty()
}

/// The element that turns the first signs of such a generator.
pub(super) fn turned(group: &Group, position: usize) -> Result<Element, SymmetryError> {
    let identity = group.identity();
    let mut factors = identity.factors().to_vec();
    factors[position].signs[0][0] = true;
    group.with_factors(identity, factors)
}

fn is_rotated(generator: &Generator) -> bool {
    generator.parent.is_none() && generator.mixing.as_ref().is_some_and(|mixing| mixing.group.is_orthogonal())
}

/// The proofs of a generator and of what is inside of it, at the place where B is.
pub(super) fn proofs(place: &Place<'_>, root: usize) -> Result<Vec<Proof>, SymmetryError> {
    let generator = &place.group.generators()[root];
    let mut proofs = Vec::new();
    if generator.mixing.is_none() && generator.is_exchangeable {
        let (best, certificate) = Gains::new(place, Known(None), root)?.best(root)?;
        let is_kept = is_still(&best, root);
        proofs.push(Proof::Exchange { generator: generator.name.clone(), certificate, is_kept });
    }
    for position in tree(place, root) {
        let generator = &place.group.generators()[position];
        let Some(mixing) = &generator.mixing else { continue };
        for copy in 0..generator.copies {
            let fault = || SymmetryError::Decomposition { generator: generator.name.clone() };
            let own = moments(place, Known(None), generator, mixing, copy);
            let optimality = own.optimality(&mixing.group).ok_or_else(fault)?;
            proofs.push(Proof::Matrix { generator: generator.name.clone(), copy, optimality });
        }
    }
    Ok(proofs)
}

/// Whether an element leaves the slots of a generator in their places.
fn is_still(element: &Element, generator: usize) -> bool {
    element.permutations()[generator].iter().copied().eq(0..element.permutations()[generator].len() as u32)
}
