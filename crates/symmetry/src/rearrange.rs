//! Permuting the indices of a tensor's axes where the tensor is.

use tensor::{Buffer, Tensor, parallel};

use crate::action::AxisMaps;

/// Elements handled by one parallel task; ours, as for moves.
const CHUNK: usize = 1 << 14;

/// `tensor[i, j, …]` becomes what was at `[maps[0][i], maps[1][j], …]`; each map is a permutation of its axis. Nothing but a row is
/// held besides the tensor.
pub(crate) fn rearrange(tensor: &mut Tensor, maps: &AxisMaps) {
    let sizes = tensor.shape().clone();
    for (axis, map) in maps.iter().enumerate() {
        let Some(map) = map else { continue };
        let row: usize = sizes[axis + 1..].iter().product();
        let cycles = cycles(map);
        match tensor.buffer_mut() {
            Buffer::F32(values) => turn(values, map.len(), row, &cycles),
            Buffer::F64(values) => turn(values, map.len(), row, &cycles),
            Buffer::I32(values) => turn(values, map.len(), row, &cycles),
            Buffer::Bool(values) => turn(values, map.len(), row, &cycles),
        }
    }
}

/// The cycles of a permutation, each as indices of which the next is where the one before reads from.
fn cycles(map: &[usize]) -> Vec<Vec<usize>> {
    let mut is_seen = vec![false; map.len()];
    let mut cycles = Vec::new();
    for first in 0..map.len() {
        let mut cycle = Vec::new();
        let mut index = first;
        while !std::mem::replace(&mut is_seen[index], true) {
            cycle.push(index);
            index = map[index];
        }
        if cycle.len() > 1 {
            cycles.push(cycle);
        }
    }
    cycles
}

/// Moves the rows of blocks of so many along cycles.
fn turn<T: Copy + Send>(values: &mut [T], rows: usize, row: usize, cycles: &[Vec<usize>]) {
    let block = rows * row;
    if block == 0 {
        return;
    }
    let blocks = (CHUNK / block).max(1);
    parallel::for_each_chunk(values, blocks * block, |_, chunk| {
        for block in chunk.chunks_mut(block) {
            match row {
                1 => cycles.iter().for_each(|cycle| turn_elements(block, cycle)),
                _ => cycles.iter().for_each(|cycle| turn_rows(block, row, cycle)),
            }
        }
    });
}

fn turn_elements<T: Copy>(values: &mut [T], cycle: &[usize]) {
    let (mut to, first) = (cycle[0], values[cycle[0]]);
    for &from in &cycle[1..] {
        values[to] = values[from];
        to = from;
    }
    values[to] = first;
}

fn turn_rows<T: Copy>(values: &mut [T], row: usize, cycle: &[usize]) {
    let first = values[cycle[0] * row..][..row].to_vec();
    let mut to = cycle[0];
    for &from in &cycle[1..] {
        values.copy_within(from * row..(from + 1) * row, to * row);
        to = from;
    }
    values[to * row..][..row].copy_from_slice(&first);
}

#[cfg(test)]
mod tests {
    use tensor::{Element, Key};

    use super::*;
    use crate::gather::Gather;

    fn agrees<T: Element>(element: impl Fn(usize) -> T) {
        let sizes = [5, 4, 7];
        let maps: AxisMaps =
            vec![Some(Key::new(1).permutation(5)), Some(vec![0, 1, 3, 2]), Some(Key::new(2).permutation(7))];
        for choice in 0..8usize {
            let maps: AxisMaps =
                (0..3).map(|axis| maps[axis].clone().filter(|_| choice >> axis & 1 == 1)).collect();
            let mut tensor = Tensor::from_fn(sizes, &element);
            let slices: Vec<Option<&[usize]>> = maps.iter().map(Option::as_deref).collect();
            let mut expected = tensor.as_slice::<T>().unwrap().to_vec();
            Gather::new(&sizes, &slices).run(tensor.as_slice::<T>().unwrap(), &mut expected);
            rearrange(&mut tensor, &maps);
            assert_eq!(tensor.as_slice::<T>().unwrap(), expected, "{maps:?}");
        }
    }

    #[test]
    fn what_is_moved_in_place_is_what_is_read_through_maps() {
        agrees(|i| i as f32);
        agrees(|i| i as f64);
        agrees(|i| i as i32);
        agrees(|i| i % 3 == 0);
    }

    #[test]
    fn nothing_is_moved_where_there_is_nothing() {
        let mut empty = Tensor::from_fn([0, 3], |i| i as f32);
        rearrange(&mut empty, &vec![None, Some(vec![2, 0, 1])]);
        assert_eq!(empty.elements(), 0);
    }
}
