//! The sources of one tensor, read as numbers.

use std::{
    cell::RefCell,
    sync::atomic::{AtomicU64, Ordering},
};

use tensor::Stored;
use weights::Reader;

use super::Progress;
use crate::{DeltaError, Inputs, Output, Plan, adapter::Factors};

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
        Ok(Self { columns, elements: output.entry.shape.elements(), progress, left })
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
        let column = &self.columns[index];
        self.note((out.len() * column.stored.size_bytes()) as u64);
        column.numbers(start, out)?;
        column.factors.iter().for_each(|factors| factors.add(start, out));
        Ok(())
    }
}

impl Column<'_> {
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
