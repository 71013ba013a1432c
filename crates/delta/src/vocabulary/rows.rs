//! Which rows an embedding of the result is made of.

/// Where a row comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Row {
    /// A row of a source.
    Of { source: u32, row: u32 },
    /// The mean of rows of sources.
    Mean(Box<[(u32, u32)]>),
    /// Zeros.
    Zero,
    /// The mean of all rows that are a token's.
    Padding,
}

impl Row {
    /// Numbers of tokens and models are far below the limit.
    pub(super) const fn of(source: usize, row: usize) -> Self {
        Self::Of { source: source as u32, row: row as u32 }
    }

    pub(super) fn mean(rows: &[(usize, usize)]) -> Self {
        Self::Mean(rows.iter().map(|&(source, row)| (source as u32, row as u32)).collect())
    }
}

/// The rows of an embedding of the result, for each source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rows {
    pub(super) rows: Vec<Vec<Row>>,
    /// How many are a token's; the others are there for padding.
    pub(super) tokens: usize,
}

impl Rows {
    /// Whether every source is taken as it is.
    pub(super) fn are_in_order(&self, heights: &[usize]) -> bool {
        let in_order = |(source, rows): (usize, &Vec<Row>)| {
            rows.iter().enumerate().all(|(row, own)| *own == Row::of(source, row))
        };
        heights.iter().all(|&height| height == self.rows[0].len())
            && self.rows.iter().enumerate().all(in_order)
    }

    /// How many rows are a token's.
    pub(crate) const fn tokens(&self) -> usize {
        self.tokens
    }

    /// How many rows there are.
    pub(crate) fn count(&self) -> usize {
        self.rows[0].len()
    }

    /// Whether there are rows for padding.
    pub(crate) fn are_padded(&self) -> bool {
        self.count() > self.tokens
    }

    /// The row of a source, and how many follow it that stand one after another there, at most `most`; itself counts.
    pub(crate) fn run(&self, source: usize, row: usize, most: usize) -> (&Row, usize) {
        let rows = &self.rows[source];
        let first = &rows[row];
        let Row::Of { source, row: start } = *first else { return (first, 1) };
        let follows =
            |(offset, own): &(usize, &Row)| **own == Row::of(source as usize, start as usize + offset);
        let most = most.min(rows.len() - row).max(1);
        (first, rows[row..row + most].iter().enumerate().take_while(follows).count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_one_after_another_are_a_run() {
        let rows = Rows {
            rows: vec![vec![
                Row::of(0, 3),
                Row::of(0, 4),
                Row::of(1, 5),
                Row::Zero,
                Row::of(0, 0),
                Row::of(0, 1),
            ]],
            tokens: 6,
        };
        let run = |row, most| rows.run(0, row, most).1;
        assert_eq!([run(0, 9), run(0, 1), run(1, 9), run(2, 9), run(3, 9), run(4, 9)], [2, 1, 1, 1, 1, 2]);
        assert!(!rows.are_padded() && !rows.are_in_order(&[6]));
        let all = Rows {
            rows: vec![vec![Row::of(0, 0), Row::of(0, 1)], vec![Row::of(1, 0), Row::of(1, 1)]],
            tokens: 2,
        };
        assert!(all.are_in_order(&[2, 2]) && !all.are_in_order(&[2, 3]), "a third row would be lost");
    }
}
