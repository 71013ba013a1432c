//! The sources of one tensor, read as numbers.

use std::{
    cell::RefCell,
    sync::atomic::{AtomicU64, Ordering},
};

use tensor::Stored;
use weights::Reader;

use super::Progress;
use crate::{
    DeltaError, Inputs, Output, Plan,
    adapter::Factors,
    vocabulary::{Row, Rows},
};

thread_local! {
    /// Bytes that were read and are not yet numbers.
    static BYTES: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Elements read and turned into numbers at a time: so few that they stay in the cache, so many that reading costs little.
const BLOCK: usize = 1 << 16;

/// One source.
struct Column<'a> {
    reader: &'a Reader,
    name: &'a str,
    stored: Stored,
    /// The whole tensor, where parts of it cannot be read by themselves.
    held: Option<Vec<u8>>,
    /// What an adapter adds.
    factors: Option<Factors>,
}

/// The sources of a tensor.
pub(super) struct Columns<'a> {
    columns: Vec<Column<'a>>,
    /// How rows are put in order, where they are not.
    rows: Option<Ordered<'a>>,
    elements: usize,
    progress: &'a Progress<'a>,
    /// Bytes of this tensor that were announced and not yet read.
    left: AtomicU64,
}

impl<'a> Columns<'a> {
    pub(super) fn new(
        plan: &'a Plan,
        output: &'a Output,
        progress: &'a Progress<'a>,
    ) -> Result<Self, DeltaError> {
        let column = |source: &'a crate::Source| {
            let adapter = plan.models[source.model].adapter.as_ref();
            let factors = adapter.map(|adapter| adapter.factors(&source.name)).transpose()?.flatten();
            let own = || (&plan.models[source.model].reader, plan.source(source));
            let (reader, entry) =
                adapter.and_then(|adapter| adapter.replaced(&source.name)).unwrap_or_else(own);
            let (name, stored) = (&entry.name[..], entry.stored);
            let held = if reader.in_parts(name)? { None } else { Some(reader.bytes(name)?) };
            Ok(Column { reader, name, stored, held, factors })
        };
        let columns = output.sources.iter().map(column).collect::<Result<_, DeltaError>>()?;
        let left = AtomicU64::new(plan.read_bytes_of(output));
        let elements = output.entry.shape.elements();
        let mut columns = Self { columns, rows: None, elements, progress, left };
        if let Some(rows) = &output.rows {
            let ordered = Ordered { rows, width: elements / rows.count().max(1), padding: Vec::new() };
            columns.rows = Some(Ordered { padding: columns.padding(&ordered)?, ..ordered });
        }
        Ok(columns)
    }

    /// Bytes of the first source from element `start` on.
    pub(super) fn bytes(&self, start: usize, out: &mut [u8]) -> Result<(), DeltaError> {
        self.columns.first().map_or(Ok(()), |column| column.bytes(start, out))?;
        self.note(out.len() as u64);
        Ok(())
    }

    /// Counts bytes, but no more than were announced: how often a tensor is read may depend on its numbers.
    fn note(&self, bytes: u64) {
        let rest = |left: u64| Some(left.saturating_sub(bytes));
        let left = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, rest);
        self.progress.add(left.unwrap_or_default().min(bytes));
    }

    /// Counts what was announced and did not have to be read.
    pub(super) fn finish(&self) {
        self.progress.add(self.left.swap(0, Ordering::Relaxed));
    }
}

impl Column<'_> {
    fn bytes(&self, start: usize, out: &mut [u8]) -> Result<(), DeltaError> {
        match &self.held {
            Some(held) => out.copy_from_slice(&held[start * self.stored.size_bytes()..][..out.len()]),
            None => self.reader.read_bytes(self.name, start, out)?,
        }
        Ok(())
    }
}

impl Inputs for Columns<'_> {
    fn count(&self) -> usize {
        self.columns.len()
    }

    fn elements(&self) -> usize {
        self.elements
    }

    fn read(&self, index: usize, start: usize, out: &mut [f32]) -> Result<(), DeltaError> {
        self.note((out.len() * self.columns[index].stored.size_bytes()) as u64);
        match &self.rows {
            Some(ordered) => self.ordered(ordered, index, start, out),
            None => self.columns[index].own(start, out),
        }
    }
}

/// How the rows of sources are put in order.
struct Ordered<'a> {
    rows: &'a Rows,
    /// Elements of a row.
    width: usize,
    /// Of each source the mean of the rows that are a token's; none where no row is there for padding.
    padding: Vec<Vec<f32>>,
}

impl Columns<'_> {
    /// Elements of a source with its rows in order, from `start` on.
    fn ordered(
        &self,
        ordered: &Ordered<'_>,
        index: usize,
        start: usize,
        out: &mut [f32],
    ) -> Result<(), DeltaError> {
        let width = ordered.width;
        let mut done = 0;
        while done < out.len() {
            let (row, column) = ((start + done) / width, (start + done) % width);
            let (from, run) = ordered.rows.run(index, row, (out.len() - done + column).div_ceil(width));
            let length = (run * width - column).min(out.len() - done);
            let out = &mut out[done..done + length];
            let row = |&(source, row): &(u32, u32), out: &mut [f32]| {
                self.columns[source as usize].own(row as usize * width + column, out)
            };
            match from {
                Row::Of { source, row: own } => row(&(*source, *own), out)?,
                Row::Mean(rows) => {
                    let mut sums = vec![0.0; length];
                    for own in rows {
                        row(own, out)?;
                        sums.iter_mut().zip(&*out).for_each(|(sum, number)| *sum += f64::from(*number));
                    }
                    let mean = |sum: f64| (sum / rows.len() as f64) as f32;
                    out.iter_mut().zip(sums).for_each(|(number, sum)| *number = mean(sum));
                }
                Row::Zero => out.fill(0.0),
                Row::Padding => out.copy_from_slice(&ordered.padding[index][column..column + length]),
            }
            done += length;
        }
        Ok(())
    }

    /// Of each source the mean of the rows that are a token's, where there are rows for padding.
    fn padding(&self, ordered: &Ordered<'_>) -> Result<Vec<Vec<f32>>, DeltaError> {
        if !ordered.rows.are_padded() {
            return Ok(Vec::new());
        }
        let (width, tokens) = (ordered.width, ordered.rows.tokens());
        let of = |index: usize| {
            let (mut sums, mut row) = (vec![0.0; width], vec![0.0; width]);
            for token in 0..tokens {
                self.ordered(ordered, index, token * width, &mut row)?;
                sums.iter_mut().zip(&row).for_each(|(sum, number)| *sum += f64::from(*number));
            }
            Ok(sums.into_iter().map(|sum| (sum / tokens.max(1) as f64) as f32).collect())
        };
        (0..self.columns.len()).map(of).collect()
    }
}

impl Column<'_> {
    /// Elements with what an adapter adds.
    fn own(&self, start: usize, out: &mut [f32]) -> Result<(), DeltaError> {
        self.numbers(start, out)?;
        self.factors.iter().for_each(|factors| factors.add(start, out));
        Ok(())
    }

    fn numbers(&self, start: usize, out: &mut [f32]) -> Result<(), DeltaError> {
        let size = self.stored.size_bytes();
        if let Some(held) = &self.held {
            self.stored.write_f32(&held[start * size..][..out.len() * size], out);
            return Ok(());
        }
        BYTES.with_borrow_mut(|bytes| {
            for (number, block) in out.chunks_mut(BLOCK).enumerate() {
                bytes.resize(block.len() * size, 0);
                self.bytes(start + number * BLOCK, bytes)?;
                self.stored.write_f32(bytes, block);
            }
            Ok(())
        })
    }
}
