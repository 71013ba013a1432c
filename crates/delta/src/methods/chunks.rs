//! A tensor of several models, read side by side in chunks.

use std::cell::Cell;

use tensor::parallel;

use super::wide::wide;
use crate::DeltaError;

/// Elements of a chunk where rows do not ask for more: small enough that several models and the result stay in the cache of a core,
/// large enough that reading costs little. Ours. Sums depend on it, so it is the same on every machine.
const CHUNK: usize = 1 << 15;

/// One tensor of several models.
pub trait Inputs: Sync {
    /// How many models there are.
    fn count(&self) -> usize;
    /// The elements of the tensor.
    fn elements(&self) -> usize;
    /// Fills `out` with the elements of model `index` from `start` on.
    ///
    /// # Errors
    /// Where they cannot be read.
    fn read(&self, index: usize, start: usize, out: &mut [f32]) -> Result<(), DeltaError>;
}

thread_local! {
    /// Columns that nobody looks at.
    static COLUMNS: Cell<Vec<Vec<f32>>> = const { Cell::new(Vec::new()) };
}

/// How a tensor is cut: into runs of whole rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chunks {
    elements: usize,
    length: usize,
}

/// A chunk of all models.
pub(crate) struct Chunk<'a> {
    /// Its number.
    pub(crate) number: usize,
    /// The position of its first element.
    pub(crate) start: usize,
    /// The elements of each model.
    pub(crate) columns: &'a mut [Vec<f32>],
}

impl Chunks {
    /// Chunks of a tensor whose rows of `row` elements must stay whole.
    pub(crate) fn new(elements: usize, row: usize) -> Self {
        let row = row.max(1);
        let length = row.saturating_mul((CHUNK / row).max(1)).min(elements.max(1));
        Self { elements, length }
    }

    /// How many there are.
    pub(crate) const fn count(self) -> usize {
        self.elements.div_ceil(self.length)
    }

    /// Elements of every chunk but the last.
    pub(crate) const fn length(self) -> usize {
        self.length
    }

    /// The first element of a chunk, and how many it has.
    pub(crate) fn place(self, number: usize) -> (usize, usize) {
        let start = number * self.length;
        (start, self.length.min(self.elements - start))
    }

    /// What `look` sees in each chunk, in order. It may change the columns.
    pub(super) fn map<T: Send>(
        self,
        inputs: &dyn Inputs,
        look: impl Fn(Chunk<'_>) -> T + Sync + Send,
    ) -> Result<Vec<T>, DeltaError> {
        parallel::map(self.count(), |number| self.see(inputs, number, &look)).into_iter().collect()
    }

    /// What `look` sees in one chunk. It may change the columns, whose memory is used again by the thread.
    pub(crate) fn see<T>(
        self,
        inputs: &dyn Inputs,
        number: usize,
        look: impl FnOnce(Chunk<'_>) -> T,
    ) -> Result<T, DeltaError> {
        let mut columns = COLUMNS.take();
        let seen = self.load(inputs, number, &mut columns, look);
        COLUMNS.set(columns);
        seen
    }

    /// What is gathered over all chunks, where it does not matter in which order and how they are grouped.
    pub(super) fn gather<T: Send>(
        self,
        inputs: &dyn Inputs,
        empty: impl Fn() -> T + Sync + Send,
        look: impl Fn(&mut T, Chunk<'_>) + Sync + Send,
        join: impl Fn(&mut T, T),
    ) -> Result<T, DeltaError> {
        let lanes = parallel::threads().min(self.count()).max(1);
        let lane = |lane| -> Result<T, DeltaError> {
            let (mut gathered, mut columns) = (empty(), Vec::new());
            for number in (lane..self.count()).step_by(lanes) {
                self.load(inputs, number, &mut columns, |chunk| look(&mut gathered, chunk))?;
            }
            Ok(gathered)
        };
        let mut all = parallel::map(lanes, lane).into_iter();
        let mut first = all.next().unwrap_or_else(|| Ok(empty()))?;
        for other in all {
            join(&mut first, other?);
        }
        Ok(first)
    }

    /// As [`Chunks::map`], one chunk after the other on this thread.
    pub(super) fn in_order(
        self,
        inputs: &dyn Inputs,
        mut look: impl FnMut(Chunk<'_>),
    ) -> Result<(), DeltaError> {
        let mut columns = Vec::new();
        (0..self.count()).try_for_each(|number| self.load(inputs, number, &mut columns, &mut look))
    }

    fn load<T>(
        self,
        inputs: &dyn Inputs,
        number: usize,
        columns: &mut Vec<Vec<f32>>,
        look: impl FnOnce(Chunk<'_>) -> T,
    ) -> Result<T, DeltaError> {
        let (start, length) = self.place(number);
        columns.resize(inputs.count(), Vec::new());
        for (index, column) in columns.iter_mut().enumerate() {
            column.resize(length, 0.0);
            inputs.read(index, start, column)?;
        }
        Ok(look(Chunk { number, start, columns }))
    }
}

/// The sums over all chunks of what each has, entry by entry, as a tree.
pub(super) fn tree_sums(chunks: &[Vec<f64>]) -> Vec<f64> {
    let Some(first) = chunks.first() else { return Vec::new() };
    let sum = |entry: usize| parallel::tree_sum(&chunks.iter().map(|chunk| chunk[entry]).collect::<Vec<_>>());
    (0..first.len()).map(sum).collect()
}

/// Sums side by side: as many as two of the widest vectors hold.
pub(super) const LANES: usize = 16;

/// The sum of products of two runs of elements, in f64, [`LANES`] sums side by side.
pub(super) fn dot(left: &[f32], right: &[f32]) -> f64 {
    let sums = wide(
        #[inline(always)]
        || lanes(left, right, |a, b| f64::from(a) * f64::from(b)),
    );
    parallel::tree_sum(&sums)
}

/// The sum of magnitudes, likewise.
pub(super) fn magnitude(elements: &[f32]) -> f64 {
    let sums = wide(
        #[inline(always)]
        || lanes(elements, elements, |element, _| f64::from(element.abs())),
    );
    parallel::tree_sum(&sums)
}

/// Sums of every [`LANES`]-th term.
#[inline(always)]
fn lanes(left: &[f32], right: &[f32], term: impl Fn(f32, f32) -> f64) -> [f64; LANES] {
    let ((left, left_rest), (right, right_rest)) = (left.as_chunks::<LANES>(), right.as_chunks::<LANES>());
    let mut sums = [0f64; LANES];
    for (a, b) in left.iter().zip(right) {
        let mut terms = [0f64; LANES];
        for lane in 0..LANES {
            terms[lane] = term(a[lane], b[lane]);
        }
        for lane in 0..LANES {
            sums[lane] += terms[lane];
        }
    }
    for (lane, (&a, &b)) in left_rest.iter().zip(right_rest).enumerate() {
        sums[lane] += term(a, b);
    }
    sums
}

/// Subtracts the base from all other models, where there is one.
pub(super) fn subtract_base(columns: &mut [Vec<f32>], base: Option<usize>) {
    let Some(base) = base else { return };
    let what = std::mem::take(&mut columns[base]);
    for (_, column) in columns.iter_mut().enumerate().filter(|(index, _)| *index != base) {
        wide(
            #[inline(always)]
            || column.iter_mut().zip(&what).for_each(|(element, &what)| *element -= what),
        );
    }
    columns[base] = what;
}
