//! How a loop is cut into blocks and tiles. Everything here depends on sizes alone.

use std::ops::Range;

use super::registers::TILE;

/// Most elements per block, the unit of work of a thread: large beside the cost of handing it over.
const BLOCK: usize = 16 * TILE;
/// Fewest elements per block. A loop with many instructions takes some thirty microseconds for them.
const SMALL_BLOCK: usize = 4 * TILE;
/// How many blocks a loop is cut into where they are not too small, so that there is work for several threads.
const BLOCKS: usize = 8;
/// Most blocks of rows where each leaves a partial result for every column.
const MAX_PARTIALS: usize = 64;

/// A matrix cut into blocks of rows and columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grid {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    block_rows: usize,
    block_columns: usize,
    /// Most columns of a tile.
    width: usize,
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
    /// The cuts of a matrix; `sums_rows` says that some reduction leaves one result for each column, `row_local` that
    /// tiles hold whole rows.
    pub(crate) fn new(rows: usize, columns: usize, sums_rows: bool, row_local: bool) -> Self {
        let block = match sums_rows {
            // More blocks would leave more partial results.
            true => BLOCK,
            false => (rows * columns / BLOCKS).next_multiple_of(TILE).clamp(SMALL_BLOCK, BLOCK),
        };
        let full = (block / columns.max(1)).max(1);
        let block_rows = match sums_rows {
            false => full,
            true if columns >= BLOCK => rows.max(1),
            true => full.max(rows.div_ceil(MAX_PARTIALS)),
        };
        let block_columns = if columns <= TILE || row_local { columns.max(1) } else { block };
        let width = if row_local { columns.max(1) } else { TILE };
        Self { rows, columns, block_rows, block_columns, width }
    }

    /// Most elements of a tile.
    pub(crate) const fn tile_len(&self) -> usize {
        if self.width > TILE { self.width } else { TILE }
    }

    /// Rows of a tile, but for the last of a block.
    pub(crate) const fn height(&self) -> usize {
        match TILE.checked_div(self.columns) {
            Some(height) if height > 1 => height,
            _ => 1,
        }
    }

    /// Whether a tile begins at the start of a row and ends at the end of one.
    pub(crate) const fn has_whole_rows(&self) -> bool {
        self.tiles_per_row() == 1
    }

    pub(crate) const fn elements(&self) -> usize {
        self.rows * self.columns
    }

    pub(crate) const fn row_blocks(&self) -> usize {
        self.rows.div_ceil(self.block_rows)
    }

    /// The number of rows of a block of rows.
    pub(crate) fn rows_of_block(&self, row_block: usize) -> usize {
        part(row_block, self.block_rows, self.rows).len()
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
        self.columns.div_ceil(if self.columns <= TILE { TILE } else { self.width })
    }

    /// The tiles of a block, in order.
    pub(crate) fn tiles(&self, block: usize) -> impl Iterator<Item = Tile> + use<> {
        let (row_block, column_block) = (block / self.column_blocks(), block % self.column_blocks());
        let rows = part(row_block, self.block_rows, self.rows);
        let columns = part(column_block, self.block_columns, self.columns);
        let (height, width) = (self.height(), self.width);
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
            for (sums_rows, row_local) in [(false, false), (true, false), (false, true), (true, true)] {
                let grid = Grid::new(rows, columns, sums_rows, row_local);
                let mut seen = vec![0; rows * columns];
                for tile in (0..grid.blocks()).flat_map(|block| grid.tiles(block)) {
                    assert!(tile.rows * tile.width <= grid.tile_len());
                    assert!(tile.rows <= grid.height() && (tile.rows == 1 || tile.width == columns));
                    assert!(!grid.has_whole_rows() || tile.width == columns);
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
        assert_eq!(Grid::new(0, 5, true, false).blocks(), 0);
        assert_eq!(Grid::new(5, 0, true, false).blocks(), 0);
    }
}
