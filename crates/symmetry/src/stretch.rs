//! Multiplying a tensor by factors along its axes.

use tensor::{Buffer, Shape, Tensor, parallel};

use crate::action::AxisFactors;

/// Elements handled by one parallel task; ours, as for moves.
const CHUNK: usize = 1 << 14;

/// Multiplies each element by the product of the factors of its indices, in `f64`. A scalar counts as an axis of one index.
/// Tensors of integers or truth values have no factors.
pub(crate) fn stretch(tensor: &mut Tensor, factors: &AxisFactors) {
    if factors.iter().all(Option::is_none) {
        return;
    }
    let sizes = if tensor.shape().rank() == 0 { Shape::from([1]) } else { tensor.shape().clone() };
    match tensor.buffer_mut() {
        Buffer::F32(values) => multiply(values, &sizes, factors, |x, factor| (f64::from(x) * factor) as f32),
        Buffer::F64(values) => multiply(values, &sizes, factors, |x, factor| x * factor),
        Buffer::I32(_) | Buffer::Bool(_) => {}
    }
}

fn multiply<T: Copy + Send>(
    values: &mut [T],
    sizes: &[usize],
    factors: &AxisFactors,
    product: impl Fn(T, f64) -> T + Sync + Send,
) {
    let (Some((&row, outer)), Some((last, others))) = (sizes.split_last(), factors.split_last()) else {
        return;
    };
    if row == 0 {
        return;
    }
    let of_row = |mut number: usize| {
        let mut factor = 1.0;
        for (size, own) in outer.iter().zip(others).rev() {
            factor *= own.as_ref().map_or(1.0, |own| own[number % size]);
            number /= size;
        }
        factor
    };
    let rows = (CHUNK / row).max(1);
    parallel::for_each_chunk(values, rows * row, |start, chunk| {
        for (number, values) in (start / row..).zip(chunk.chunks_mut(row)) {
            let factor = of_row(number);
            for (index, value) in values.iter_mut().enumerate() {
                *value = product(*value, factor * last.as_ref().map_or(1.0, |own| own[index]));
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_axis_may_have_factors() {
        let mut tensor = Tensor::from_fn([2, 2, 3], |i| i as f64);
        stretch(&mut tensor, &vec![Some(vec![1.0, 2.0]), None, Some(vec![1.0, -1.0, 10.0])]);
        assert_eq!(tensor.to_f64_vec(), [0., -1., 20., 3., -4., 50., 12., -14., 160., 18., -20., 220.]);
        let mut scalar = Tensor::scalar(3f32);
        stretch(&mut scalar, &vec![Some(vec![0.5])]);
        assert_eq!(scalar, Tensor::scalar(1.5f32));
    }
}
