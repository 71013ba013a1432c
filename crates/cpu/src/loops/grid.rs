//! How a loop is cut into blocks and tiles. Everything here depends on sizes alone.

use std::ops::Range;

use super::registers::TILE;

/// Elements per block, the unit of work of a thread: large beside the cost of handing it over.
const BLOCK: usize = 16 * TILE;
/// Most blocks of rows where each leaves a partial result for every column.
const MAX_PARTIALS: usize = 64;

/// A matrix cut into blocks of rows and columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grid {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    block_rows: usize,
    block_columns: usize,
}

/// Some whole rows, or a part of one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tile {
    pub(crate) row: usize,
    pub(crate) rows: usize,
    pub(crate) column: usize,
    pub(crate) width: usize,
    /// The block's position among the blocks of rows.
    pub(crate) row_block: usize,
    /// Whether the tile begins its block of rows.
    pub(crate) first: bool,
}

impl Grid {
    /// The cuts of a matrix; `sums_rows` says that some reduction leaves one result for each column.
    pub(crate) fn new(rows: usize, columns: usize, sums_rows: bool) -> Self {
        let full = (BLOCK / columns.max(1)).max(1);
        let block_rows = match sums_rows {
            false => full,
            true if columns >= BLOCK => rows.max(1),
            true => full.max(rows.div_ceil(MAX_PARTIALS)),
        };
        let block_columns = if columns <= TILE { columns.max(1) } else { BLOCK };
        Self { rows, columns, block_rows, block_columns }
    }

    pub(crate) const fn elements(&self) -> usize {
        self.rows * self.columns
    }

    pub(crate) const fn row_blocks(&self) -> usize {
        self.rows.div_ceil(self.block_rows)
    }

    const fn column_blocks(&self) -> usize {
        self.columns.div_ceil(self.block_columns)
    }

    /// The number of blocks.
    pub(crate) const fn blocks(&self) -> usize {
        self.row_blocks() * self.column_blocks()
    }

    /// The number of tiles that share a row.
    pub(crate) const fn tiles_per_row(&self) -> usize {
        self.columns.div_ceil(TILE)
    }

    /// The tiles of a block, in order.
    pub(crate) fn tiles(&self, block: usize) -> impl Iterator<Item = Tile> + use<> {
        let (row_block, column_block) = (block / self.column_blocks(), block % self.column_blocks());
        let rows = part(row_block, self.block_rows, self.rows);
        let columns = part(column_block, self.block_columns, self.columns);
        let (height, width) =
            if self.columns <= TILE { (TILE / self.columns.max(1), TILE) } else { (1, TILE) };
        rows.clone().step_by(height).flat_map(move |row| {
            let (rows, columns) = (rows.clone(), columns.clone());
            columns.clone().step_by(width).map(move |column| Tile {
                row,
                rows: height.min(rows.end - row),
                column,
                width: width.min(columns.end - column),
                row_block,
                first: row == rows.start,
            })
        })
    }
}

fn part(index: usize, size: usize, total: usize) -> Range<usize> {
    index * size..total.min((index + 1) * size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_cover_every_element_once_and_fit_a_register() {
        for (rows, columns) in [(1, 1), (1, 100_000), (500, 10), (3, 5000), (70, 1024), (33, 1025), (5000, 7)]
        {
            for sums_rows in [false, true] {
                let grid = Grid::new(rows, columns, sums_rows);
                let mut seen = vec![0; rows * columns];
                for tile in (0..grid.blocks()).flat_map(|block| grid.tiles(block)) {
                    assert!(tile.rows * tile.width <= TILE);
                    assert!(tile.rows == 1 || tile.width == columns);
                    for row in tile.row..tile.row + tile.rows {
                        for column in tile.column..tile.column + tile.width {
                            seen[row * columns + column] += 1;
                        }
                    }
                }
                assert!(seen.iter().all(|&count| count == 1), "{rows} x {columns}");
            }
        }
    }

    #[test]
    fn an_empty_matrix_has_no_blocks() {
        assert_eq!(Grid::new(0, 5, true).blocks(), 0);
        assert_eq!(Grid::new(5, 0, true).blocks(), 0);
    }
}
