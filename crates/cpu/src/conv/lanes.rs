//! Vectors whose elements lie apart in memory on one side, and are neighbours on the other.

use crate::{prefetch::prefetch, vector::Vector};

/// A vector to be moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Where its first element is on the side where they lie apart.
    pub(super) apart: usize,
    /// Where it is on the other side.
    pub(super) vector: usize,
}

/// Vectors to be moved: distances in elements.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moves<'a, T> {
    pub(super) to: *mut T,
    pub(super) from: *const T,
    /// The distance between the elements of a vector on the side where they lie apart.
    pub(super) stride: usize,
    /// How many elements of each vector are wanted.
    pub(super) wanted: usize,
    /// In the order of the elements that lie apart, so that neighbours among them are moved together.
    pub(super) places: &'a [Place],
}

/// Moves vectors.
///
/// # Safety
/// As for [`gather`] and [`scatter`] with the vectors that the function was made for.
pub(super) type MoveFn<T> = unsafe fn(&Moves<'_, T>);

/// Groups of places whose first elements are neighbours.
fn neighbours<V: Vector>(places: &[Place]) -> impl Iterator<Item = &[Place]> {
    let runs = places.chunk_by(|place, next| next.apart == place.apart + 1);
    runs.flat_map(|run| run.chunks(V::LANES))
}

/// Makes vectors of elements that lie apart in `from`; what is not wanted becomes zero.
///
/// # Safety
/// The processor has the vector's instruction set. The wanted elements and the vectors are elements; nobody else
/// accesses those of `to`, nor writes those of `from`.
#[inline(always)]
pub(super) unsafe fn gather<V: Vector>(moves: &Moves<'_, V::Element>) {
    let &Moves { to, from, stride, wanted, places } = moves;
    // SAFETY: as the caller promises.
    unsafe {
        if stride == 1 {
            for place in places {
                V::load_first(from.add(place.apart), wanted).store(to.add(place.vector));
            }
            return;
        }
        let mut square = [V::zero(); MAX_LANES];
        let mut ahead = neighbours::<V>(places);
        let mut ask = |groups: usize| {
            for places in ahead.by_ref().take(groups) {
                prefetch(from.wrapping_add(places[0].apart), wanted, stride, places.len());
            }
        };
        ask(AHEAD);
        for places in neighbours::<V>(places) {
            ask(1);
            let first = from.add(places[0].apart);
            for (lane, row) in square[..wanted].iter_mut().enumerate() {
                *row = V::load_first(first.add(lane * stride), places.len());
            }
            square[wanted..].fill(V::zero());
            let turned = turned(&square);
            for (place, vector) in places.iter().zip(&turned) {
                vector.store(to.add(place.vector));
            }
        }
    }
}

/// Writes the wanted elements of vectors in `from` apart.
///
/// # Safety
/// As for [`gather`].
#[inline(always)]
pub(super) unsafe fn scatter<V: Vector>(moves: &Moves<'_, V::Element>) {
    let &Moves { to, from, stride, wanted, places } = moves;
    // SAFETY: as the caller promises.
    unsafe {
        if stride == 1 {
            for place in places {
                V::load(from.add(place.vector)).store_first(to.add(place.apart), wanted);
            }
            return;
        }
        let mut square = [V::zero(); MAX_LANES];
        for places in neighbours::<V>(places) {
            for (place, vector) in places.iter().zip(&mut square) {
                *vector = V::load(from.add(place.vector));
            }
            let turned = turned(&square);
            let first = to.add(places[0].apart);
            for (lane, row) in turned[..wanted].iter().enumerate() {
                row.store_first(first.add(lane * stride), places.len());
            }
        }
    }
}

/// Element `i` of vector `j` as element `j` of vector `i`, among the first `LANES` vectors.
///
/// # Safety
/// The processor has the vector's instruction set.
#[inline(always)]
unsafe fn turned<V: Vector>(square: &[V; MAX_LANES]) -> [V; MAX_LANES] {
    // SAFETY: there are at least `LANES` vectors of `LANES` elements on either side.
    unsafe {
        let mut turned = [V::zero(); MAX_LANES];
        V::transpose(square.as_ptr().cast(), (V::LANES, V::LANES), turned.as_mut_ptr().cast(), V::LANES);
        turned
    }
}

/// Groups of vectors that are asked for before they are read.
const AHEAD: usize = 8;
/// Most elements of a vector.
const MAX_LANES: usize = 16;
