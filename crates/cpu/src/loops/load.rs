//! Bringing strided inputs into registers.

use super::cell::Cell;

/// Fills `out` with the elements at row-major positions `start`, `start + 1`, … of a view with these runs
/// (outermost first; see `Access::Strided`).
pub(crate) fn gather<T: Cell>(out: &mut [T], data: &[T], runs: &[(usize, usize)], start: usize) {
    let Some((&(size, stride), outer)) = runs.split_last() else {
        return out.fill(data[0]);
    };
    // Runs are counted along the axis around them; only where that ends are positions divided.
    let (&(count, step), beyond) = outer.split_last().unwrap_or((&(usize::MAX, 0), &[]));
    let (run, mut first) = (start / size, start % size);
    let (mut line, mut place) = (run / count, run % count);
    let mut rest = out;
    while !rest.is_empty() {
        let line_data = &data[offset(beyond, line)..];
        while place < count && !rest.is_empty() {
            let (piece, after) = rest.split_at_mut(rest.len().min(size - first));
            gather_run(piece, &line_data[place * step + first * stride..], stride);
            (place, first, rest) = (place + 1, 0, after);
        }
        (line, place) = (line + 1, 0);
    }
}

/// Where what lies at a row-major position of some axes starts.
fn offset(axes: &[(usize, usize)], position: usize) -> usize {
    let mut rest = position;
    let mut offset = 0;
    for &(size, stride) in axes.iter().rev() {
        offset += rest % size * stride;
        rest /= size;
    }
    offset
}

fn gather_run<T: Cell>(out: &mut [T], data: &[T], stride: usize) {
    match stride {
        0 => out.fill(data[0]),
        1 => out.copy_from_slice(&data[..out.len()]),
        _ => {
            for (out, &x) in out.iter_mut().zip(data.iter().step_by(stride)) {
                *out = x;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_window_of_a_strided_view_is_gathered() {
        let data: Vec<i32> = (0..24).collect();
        // A [3, 2, 4] view: transposed and broadcast in the middle.
        let runs = [(3, 1), (2, 0), (4, 6)];
        let whole: Vec<i32> = (0..24i32).map(|i| i / 8 + i % 4 * 6).collect();
        for start in 0..24 {
            for len in 0..=24 - start {
                let mut out = vec![0; len];
                gather(&mut out, &data, &runs, start);
                assert_eq!(out, whole[start..][..len]);
            }
        }
    }
}
