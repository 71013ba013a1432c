//! The tensors of one file, each chunk to its place.

use std::{
    cell::Cell,
    fs::{File, OpenOptions},
    io,
    ops::Range,
    path::Path,
};

use tensor::parallel;
use weights::Shard;

use super::{Progress, inputs::Columns};
use crate::{
    DeltaError, Output, Plan, Ready, Work,
    methods::{Chunk, Chunks, key, wide},
};

/// Bytes copied at a time where nothing is computed.
const COPIED: usize = 1 << 20;

thread_local! {
    /// Results that were written and their bytes, whose memory is used again.
    static RESULT: Cell<(Vec<f32>, Vec<u8>)> = const { Cell::new((Vec::new(), Vec::new())) };
}

/// Writes a file and syncs it.
pub(super) fn write(
    plan: &Plan,
    shard: &Shard,
    path: &Path,
    progress: &Progress<'_>,
) -> Result<(), DeltaError> {
    let unwritable = |source| DeltaError::Write { path: path.to_owned(), source };
    let file = OpenOptions::new().create(true).truncate(true).write(true).open(path).map_err(unwritable)?;
    file.set_len(shard.bytes).map_err(unwritable)?;
    write_at(&file, path, 0, &shard.header)?;
    let outputs = &plan.outputs[shard.entries.clone()];
    for group in groups(outputs) {
        let one = |offset: usize| {
            let index = group.start + offset;
            let place = Place { file: &file, path, start: shard.starts[index], progress };
            tensor(plan, &outputs[index], &place)
        };
        // Tensors of one chunk go side by side; the chunks of larger ones do.
        if group.len() == 1 {
            one(0)?;
        } else {
            parallel::map(group.len(), one).into_iter().collect::<Result<(), _>>()?;
        }
    }
    file.sync_all().map_err(unwritable)
}

/// Runs of tensors of one chunk each, and single larger ones.
fn groups(outputs: &[Output]) -> Vec<Range<usize>> {
    let mut groups: Vec<Range<usize>> = Vec::new();
    let mut open = false;
    for (index, output) in outputs.iter().enumerate() {
        let small = output.work.chunks(&output.entry.shape).count() < 2;
        match groups.last_mut() {
            Some(group) if open && small => group.end = index + 1,
            _ => groups.push(index..index + 1),
        }
        open = small;
    }
    groups
}

/// Where a tensor is written.
struct Place<'a> {
    file: &'a File,
    path: &'a Path,
    start: u64,
    progress: &'a Progress<'a>,
}

fn tensor(plan: &Plan, output: &Output, place: &Place<'_>) -> Result<(), DeltaError> {
    let columns = Columns::new(plan, output, place.progress)?;
    let stored = output.sources.first().map(|source| plan.source(source).stored);
    let adapted = |source: &crate::Source| plan.models[source.model].changes(&source.name);
    let changed = output.rows.is_some() || output.sources.first().is_some_and(adapted);
    if output.work == Work::Copy && stored == Some(output.entry.stored) && !changed {
        return copy(output, &columns, place);
    }
    let (shape, name) = (&output.entry.shape, &output.entry.name[..]);
    let ready = output.work.prepare(&columns, output.base, shape, (plan.options.seed, name))?;
    let chunks = output.work.chunks(shape);
    let job = Job { plan, output, columns, ready, chunks };
    let one = |number| job.chunk(number, place);
    parallel::map(chunks.count(), one).into_iter().collect::<Result<(), _>>()?;
    job.columns.finish();
    Ok(())
}

fn copy(output: &Output, columns: &Columns<'_>, place: &Place<'_>) -> Result<(), DeltaError> {
    let (size, elements) = (output.entry.stored.size_bytes(), output.entry.shape.elements());
    let length = COPIED / size;
    let one = |number: usize| {
        let start = number * length;
        let mut bytes = vec![0; length.min(elements - start) * size];
        columns.bytes(start, &mut bytes)?;
        place.write((start * size) as u64, &bytes)
    };
    parallel::map(elements.div_ceil(length), one).into_iter().collect()
}

struct Job<'a> {
    plan: &'a Plan,
    output: &'a Output,
    columns: Columns<'a>,
    ready: Ready,
    chunks: Chunks,
}

impl Job<'_> {
    fn chunk(&self, number: usize, place: &Place<'_>) -> Result<(), DeltaError> {
        let (mut result, mut bytes) = RESULT.take();
        self.chunks.see(&self.columns, number, |mut chunk| self.merge(&mut chunk, &mut result))??;
        let (start, _) = self.chunks.place(number);
        let stored = self.output.entry.stored;
        stored.encode_into(&result, &mut bytes);
        place.write((start * stored.size_bytes()) as u64, &bytes)?;
        RESULT.set((result, bytes));
        Ok(())
    }

    /// The result for a chunk.
    fn merge(&self, chunk: &mut Chunk<'_>, result: &mut Vec<f32>) -> Result<(), DeltaError> {
        for (index, column) in chunk.columns.iter().enumerate() {
            if let Some(at) = not_finite(column) {
                return Err(self.fault(index, chunk.start + at, column[at]));
            }
        }
        let stored = self.output.entry.stored;
        result.resize(chunk.columns.first().map_or(0, Vec::len), 0.0);
        self.ready.apply(chunk.number, chunk.start, chunk.columns, result);
        let beyond = || stored.overflow().and_then(|most| beyond(result, most));
        match not_finite(result).or_else(beyond) {
            Some(at) => {
                let (tensor, found) = (self.output.entry.name.clone(), result[at]);
                Err(DeltaError::Overflow { tensor, at: chunk.start + at, found, stored })
            }
            None => Ok(()),
        }
    }

    fn fault(&self, index: usize, at: usize, found: f32) -> DeltaError {
        let source = &self.output.sources[index];
        let model = self.plan.models[source.model].reference.to_string();
        DeltaError::NotFinite { tensor: source.name.clone(), model, at, found }
    }
}

/// The first element that is NaN or infinite.
fn not_finite(elements: &[f32]) -> Option<usize> {
    const EXPONENT: u32 = 0x7f80_0000;
    let special = |element: &f32| element.to_bits() & EXPONENT == EXPONENT;
    // Without a branch for each element, as nearly always there is none.
    let most = wide(
        #[inline(always)]
        || elements.iter().fold(0, |most, element| (element.to_bits() & EXPONENT).max(most)),
    );
    let any = most == EXPONENT;
    any.then(|| elements.iter().position(special)).flatten()
}

/// The first element that rounds to an infinity.
fn beyond(elements: &[f32], most: f32) -> Option<usize> {
    let largest = wide(
        #[inline(always)]
        || elements.iter().fold(0, |largest, element| key(*element).max(largest)),
    );
    (largest >= key(most)).then(|| elements.iter().position(|element| element.abs() >= most)).flatten()
}

impl Place<'_> {
    fn write(&self, offset: u64, bytes: &[u8]) -> Result<(), DeltaError> {
        if self.progress.stopped() {
            return Err(DeltaError::Interrupted { path: self.path.to_owned(), finished: 0, files: 0 });
        }
        write_at(self.file, self.path, self.start + offset, bytes)?;
        self.progress.add(bytes.len() as u64);
        Ok(())
    }
}

fn write_at(file: &File, path: &Path, position: u64, bytes: &[u8]) -> Result<(), DeltaError> {
    positioned(file, path, position, bytes)
        .map_err(|source| DeltaError::Write { path: path.to_owned(), source })
}

#[cfg(unix)]
fn positioned(file: &File, _: &Path, position: u64, bytes: &[u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, position)
}

/// A handle of its own, because the position of a shared one would be moved by every thread.
#[cfg(not(unix))]
fn positioned(_: &File, path: &Path, position: u64, bytes: &[u8]) -> io::Result<()> {
    use std::io::{Seek, SeekFrom, Write};
    let mut file = OpenOptions::new().write(true).open(path)?;
    file.seek(SeekFrom::Start(position))?;
    file.write_all(bytes)
}
