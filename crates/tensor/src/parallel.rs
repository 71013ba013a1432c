//! Deterministic parallelism: work is cut into chunks whose borders depend on the problem alone, and partial
//! sums are added as a fixed binary tree. The number of threads never changes a result's bits.

use rayon::prelude::*;

/// Runs `work` with at most `threads` threads for everything inside it; 0 means one per available core.
///
/// # Errors
/// Where the operating system refuses the threads.
pub fn with_threads<R: Send>(
    threads: usize,
    work: impl FnOnce() -> R + Send,
) -> Result<R, rayon::ThreadPoolBuildError> {
    Ok(rayon::ThreadPoolBuilder::new().num_threads(threads).build()?.install(work))
}

/// The number of threads that work started here would use.
#[must_use]
pub fn threads() -> usize {
    rayon::current_num_threads()
}

/// Calls `work(start, chunk)` for every chunk of `chunk_len` elements of `elements` (the last may be shorter);
/// `start` is the position of the chunk's first element.
///
/// # Panics
/// Where `chunk_len` is 0.
pub fn for_each_chunk<T: Send>(
    elements: &mut [T],
    chunk_len: usize,
    work: impl Fn(usize, &mut [T]) + Sync + Send,
) {
    elements.par_chunks_mut(chunk_len).enumerate().for_each(|(index, chunk)| work(index * chunk_len, chunk));
}

/// Calls `work(i)` for every `i` below `count`, in parallel, and collects the results in order.
pub fn map<R: Send>(count: usize, work: impl Fn(usize) -> R + Sync + Send) -> Vec<R> {
    (0..count).into_par_iter().map(work).collect()
}

/// Runs both, possibly at the same time.
pub fn join<A: Send, B: Send>(first: impl FnOnce() -> A + Send, second: impl FnOnce() -> B + Send) -> (A, B) {
    rayon::join(first, second)
}

/// The sum of `partials` as a balanced binary tree, whose shape depends on their number alone. 0 for none.
#[must_use]
pub fn tree_sum(partials: &[f64]) -> f64 {
    match partials {
        [] => 0.0,
        [only] => *only,
        _ => {
            let (left, right) = partials.split_at(partials.len() / 2);
            tree_sum(left) + tree_sum(right)
        }
    }
}

/// The sum over `i` below `count` of `term(i)`, in f64, cut into chunks of `chunk_len` terms added in order, and
/// the chunks added as a tree.
///
/// # Panics
/// Where `chunk_len` is 0.
pub fn sum(count: usize, chunk_len: usize, term: impl Fn(usize) -> f64 + Sync + Send) -> f64 {
    let partials = map(count.div_ceil(chunk_len), |chunk| {
        (chunk * chunk_len..count.min((chunk + 1) * chunk_len)).map(&term).sum()
    });
    tree_sum(&partials)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_has_the_same_bits_for_any_number_of_threads() {
        let term = |i: usize| 1.0 / (i as f64 + 0.1);
        let sums: Vec<u64> =
            [1, 2, 5].map(|n| with_threads(n, || sum(10_007, 64, term)).unwrap().to_bits()).to_vec();
        assert!(sums.iter().all(|&bits| bits == sums[0]));
        assert_eq!(sum(0, 8, term), 0.0);
    }

    #[test]
    fn chunks_know_where_they_start() {
        let mut elements = vec![0; 10];
        for_each_chunk(&mut elements, 3, |start, chunk| {
            for (offset, element) in chunk.iter_mut().enumerate() {
                *element = start + offset;
            }
        });
        assert_eq!(elements, (0..10).collect::<Vec<_>>());
    }
}
