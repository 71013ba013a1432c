//! Gathers and their transposes: rows read, or added up, at given indices.

use rayon::prelude::*;

use crate::loops::cell::Cell;

/// The sizes of `gathered[b, p, k, q] = table[b, p, indices[b, k], q]`, all row-major without gaps; an index out of
/// range reads zero, and adds nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lookup {
    /// Number of shared indices `b`.
    pub(crate) shared: usize,
    /// Number of indices `p` between the shared ones and the looked-up one.
    pub(crate) before: usize,
    /// Number of rows in each part of the table.
    pub(crate) rows: usize,
    /// Number of indices `k` for each shared one.
    pub(crate) count: usize,
    /// Number of elements `q` in a row.
    pub(crate) width: usize,
}

/// Elements per unit of work of a thread: large beside the cost of handing it over.
const UNIT: usize = 1 << 14;
/// Most parts in which a table is summed: each reads all indices of its tables.
const MAX_PARTS: usize = 16;

impl Lookup {
    /// The sizes of a tensor that is read at the indices, and of what is read.
    pub(crate) fn new(table: &[usize], indices: &[usize], axis: usize, batch: usize) -> Self {
        Self {
            shared: table[..batch].iter().product(),
            before: table[batch..axis].iter().product(),
            rows: table[axis],
            count: indices[batch..].iter().product(),
            width: table[axis + 1..].iter().product(),
        }
    }

    /// The sizes, for people.
    pub(crate) fn describe(&self) -> String {
        let Self { shared, before, rows, count, width } = self;
        format!("{count} of {rows} rows of {width}, {shared} x {before} times")
    }

    /// The row at an index, if there is one.
    fn row(&self, index: i32) -> Option<usize> {
        usize::try_from(index).ok().filter(|&row| row < self.rows)
    }

    /// The indices for the table at a position among the `shared · before` ones.
    fn indices<'a>(&self, indices: &'a [i32], table: usize) -> &'a [i32] {
        let shared = table / self.before;
        &indices[shared * self.count..(shared + 1) * self.count]
    }

    /// Reads `out` from `table`.
    pub(crate) fn gather<T: Cell>(&self, out: &mut [T], table: &[T], indices: &[i32]) {
        if out.is_empty() {
            return;
        }
        let rows = UNIT.div_ceil(self.width);
        let work = |(unit, out): (usize, &mut [T])| self.gather_rows(out, unit * rows, table, indices);
        if out.len() <= UNIT {
            return work((0, out));
        }
        out.par_chunks_mut(rows * self.width).enumerate().for_each(work);
    }

    /// Reads some of the rows, from the one at position `first` on.
    fn gather_rows<T: Cell>(&self, out: &mut [T], first: usize, table: &[T], indices: &[i32]) {
        let (mut number, mut skipped, mut rest) = (first / self.count, first % self.count, out);
        while !rest.is_empty() {
            let wanted = &self.indices(indices, number)[skipped..];
            let wanted = &wanted[..wanted.len().min(rest.len() / self.width)];
            let (rows, after) = rest.split_at_mut(wanted.len() * self.width);
            self.read_rows(rows, &table[number * self.rows * self.width..], wanted);
            (number, skipped, rest) = (number + 1, 0, after);
        }
    }

    /// Reads rows of one table.
    fn read_rows<T: Cell>(&self, out: &mut [T], table: &[T], indices: &[i32]) {
        if self.width == 1 {
            for (out, &index) in out.iter_mut().zip(indices) {
                *out = self.row(index).map_or_else(T::default, |row| table[row]);
            }
            return;
        }
        for (out, &index) in out.chunks_exact_mut(self.width).zip(indices) {
            match self.row(index) {
                Some(row) => out.copy_from_slice(&table[row * self.width..(row + 1) * self.width]),
                None => out.fill(T::default()),
            }
        }
    }

    /// Sums `updates` into `out`, each element in the order of the indices.
    pub(crate) fn scatter_add<T: Cell>(&self, out: &mut [T], updates: &[T], indices: &[i32]) {
        if out.is_empty() {
            return;
        }
        let rows = out.len() / self.width;
        let part = rows.div_ceil(MAX_PARTS).max(UNIT.div_ceil(self.width));
        let work = |(unit, out): (usize, &mut [T])| self.sum_rows(out, unit * part, updates, indices);
        out.par_chunks_mut(part * self.width).enumerate().for_each(work);
    }

    /// Sums some of the rows of all tables, from the one at position `first` on.
    fn sum_rows<T: Cell>(&self, out: &mut [T], first: usize, updates: &[T], indices: &[i32]) {
        out.fill(T::default());
        let (mut number, mut skipped, mut rest) = (first / self.rows, first % self.rows, out);
        while !rest.is_empty() {
            let rows = (self.rows - skipped).min(rest.len() / self.width);
            let (sums, after) = rest.split_at_mut(rows * self.width);
            let own = &updates[number * self.count * self.width..(number + 1) * self.count * self.width];
            for (update, &index) in own.chunks_exact(self.width).zip(self.indices(indices, number)) {
                let row = self.row(index).and_then(|row| row.checked_sub(skipped)).filter(|&row| row < rows);
                if let Some(row) = row {
                    let sums = &mut sums[row * self.width..(row + 1) * self.width];
                    sums.iter_mut().zip(update).for_each(|(sum, &update)| *sum = sum.plus(update));
                }
            }
            (number, skipped, rest) = (number + 1, 0, after);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sizes beyond one unit of work, with tables cut anywhere and indices out of range.
    fn sizes() -> [Lookup; 4] {
        [
            Lookup { shared: 1, before: 1, rows: 50, count: 3000, width: 9 },
            Lookup { shared: 70, before: 3, rows: 41, count: 7, width: 5 },
            Lookup { shared: 9000, before: 1, rows: 11, count: 1, width: 1 },
            Lookup { shared: 2, before: 1, rows: 40_000, count: 10, width: 1 },
        ]
    }

    fn indices(sizes: Lookup) -> Vec<i32> {
        let count = sizes.shared * sizes.count;
        (0..count).map(|i| (i * 7919 % (sizes.rows + 3)) as i32 - 1).collect()
    }

    #[test]
    fn rows_are_gathered_from_their_tables() {
        for sizes in sizes() {
            let Lookup { shared, before, rows, count, width } = sizes;
            let table: Vec<i32> = (1..=(shared * before * rows * width) as i32).collect();
            let indices = indices(sizes);
            let mut out = vec![-7; shared * before * count * width];
            sizes.gather(&mut out, &table, &indices);
            for (position, &found) in out.iter().enumerate() {
                let (q, k, number) = (position % width, position / width % count, position / width / count);
                let row = sizes.row(indices[number / before * count + k]);
                let expected = row.map_or(0, |row| table[(number * rows + row) * width + q]);
                assert_eq!(found, expected, "{sizes:?} at {position}");
            }
        }
    }

    #[test]
    fn sums_have_the_bits_of_a_walk_in_order() {
        for sizes in sizes() {
            let Lookup { shared, before, rows, count, width } = sizes;
            let updates: Vec<f32> =
                (0..shared * before * count * width).map(|i| 1.0 / (1 + i * 31 % 97) as f32).collect();
            let indices = indices(sizes);
            let mut out = vec![f32::NAN; shared * before * rows * width];
            sizes.scatter_add(&mut out, &updates, &indices);
            let mut expected = vec![0f32; out.len()];
            for (position, &update) in updates.iter().enumerate() {
                let (q, k, number) = (position % width, position / width % count, position / width / count);
                if let Some(row) = sizes.row(indices[number / before * count + k]) {
                    expected[(number * rows + row) * width + q] += update;
                }
            }
            assert_eq!(out, expected, "{sizes:?}");
        }
    }
}
