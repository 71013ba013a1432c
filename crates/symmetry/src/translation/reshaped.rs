//! What is along each axis once a value is reshaped.

use tensor::Shape;

use super::form::Along;

/// What is along each axis of `to`, and whether that follows from what was along those of `from` alone; where it does not, it is
/// unknown.
pub(super) fn reshaped(along: &[Along], from: &Shape, to: &Shape) -> (Vec<Along>, bool) {
    let wide = |shape: &Shape| -> Vec<usize> { (0..shape.rank()).filter(|&axis| shape[axis] > 1).collect() };
    let (sources, results) = (wide(from), wide(to));
    let (mut reshaped, mut is_known) = (vec![Along::Every; to.rank()], true);
    let (mut source, mut result) = (0, 0);
    while source < sources.len() && result < results.len() {
        let (first_source, first_result) = (source, result);
        let (mut left, mut right) = (from[sources[source]], to[results[result]]);
        (source, result) = (source + 1, result + 1);
        while left != right {
            if left < right && source < sources.len() {
                left *= from[sources[source]];
                source += 1;
            } else if left > right && result < results.len() {
                right *= to[results[result]];
                result += 1;
            } else {
                return (vec![Along::Unknown(0); to.rank()], false);
            }
        }
        let own: Vec<(usize, Along)> =
            sources[first_source..source].iter().map(|&axis| (from[axis], along[axis])).collect();
        let sizes: Vec<usize> = results[first_result..result].iter().map(|&axis| to[axis]).collect();
        let parts = regrouped(&own, &sizes);
        is_known &= parts.is_some();
        let parts = parts.unwrap_or_else(|| vec![Along::Unknown(0); sizes.len()]);
        results[first_result..result].iter().zip(parts).for_each(|(&axis, part)| reshaped[axis] = part);
    }
    (reshaped, is_known)
}

/// What axes become that are made of others with as many indices together; `None` where that cannot be said axis by axis.
fn regrouped(own: &[(usize, Along)], sizes: &[usize]) -> Option<Vec<Along>> {
    if let ([(_, along)], [_]) = (own, sizes) {
        return Some(vec![*along]);
    }
    if own.iter().all(|(_, along)| *along == Along::Every) {
        return Some(vec![Along::Every; sizes.len()]);
    }
    let flat = own.iter().try_fold(0, |flat, &(size, along)| match along {
        Along::Index(index) => Some(flat * size + index),
        Along::Every | Along::Weighed(_) | Along::Unknown(_) => None,
    });
    let mut rest = flat?;
    let mut parts: Vec<Along> = sizes
        .iter()
        .rev()
        .map(|&size| {
            let index = rest % size;
            rest /= size;
            Along::Index(index)
        })
        .collect();
    parts.reverse();
    Some(parts)
}

/// The axis of one shape that an axis of another is, if a reshape between the two leaves it whole.
pub(super) fn kept_axis(of: &Shape, other: &Shape, axis: usize) -> Option<usize> {
    let before: usize = of[..axis].iter().product();
    let mut product = 1;
    for (own, &size) in other.iter().enumerate() {
        if product == before && size == of[axis] {
            return Some(own);
        }
        product *= size;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_split_and_put_together_and_even_axes_stay_even() {
        let (every, at) = (Along::Every, Along::Index);
        let both = [Shape::from([2, 6]), Shape::from([2, 1, 2, 3])];
        assert_eq!(reshaped(&[every, at(4)], &both[0], &both[1]), (vec![every, every, at(1), at(1)], true));
        assert_eq!(reshaped(&[every, every, at(1), at(1)], &both[1], &both[0]), (vec![every, at(4)], true));
        // An index of a later axis is one of each stretch.
        let (along, is_known) = reshaped(&[every, every, every, at(1)], &both[1], &both[0]);
        assert!(!is_known && along[0] == every);
    }
}
