//! Carrying out a plan: file by file, chunk by chunk, into a folder that appears when it is whole.

mod card;
mod folder;
mod inputs;
mod journal;
mod tensors;

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
};

use tensor::parallel;

use self::{folder::Unfinished, journal::Journal};
use crate::{DeltaError, Plan};

/// What looks at a merge while it runs.
pub struct Watch<'a> {
    /// Told how many bytes were read and written so far, from any thread.
    pub progress: &'a (dyn Fn(u64) + Sync),
    /// Stops the work when it is set.
    pub stop: &'a AtomicBool,
}

/// What a merge did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged {
    /// The files that were written, weights first.
    pub files: Vec<PathBuf>,
    /// The bytes that were read, of files that were finished before not again.
    pub read: u64,
    /// The bytes of weights that were written.
    pub written: u64,
    /// Files of weights that an earlier run had finished.
    pub resumed: usize,
}

/// Bytes moved so far.
struct Progress<'a> {
    watch: &'a Watch<'a>,
    done: AtomicU64,
}

impl Progress<'_> {
    fn add(&self, bytes: u64) {
        (self.watch.progress)(self.done.fetch_add(bytes, Ordering::Relaxed) + bytes);
    }

    fn stopped(&self) -> bool {
        self.watch.stop.load(Ordering::Relaxed)
    }
}

impl Plan {
    /// The bytes that a whole run reads and writes: what [`Watch::progress`] counts up to.
    #[must_use]
    pub fn moved_bytes(&self) -> u64 {
        self.read_bytes() + self.written_bytes()
    }

    /// Checks that `out` can be made: it is no input, and is not there, or was made by a merge and may be replaced.
    ///
    /// # Errors
    /// [`DeltaError::Exists`] and [`DeltaError::OutputOverInput`].
    pub fn check_place(&self, out: &Path, replace: bool) -> Result<(), DeltaError> {
        folder::check(self, out, replace)
    }

    /// Does the work. The result is written into a folder beside `out` that is renamed when it is whole and synced. What was
    /// finished there by an interrupted run of the same plan is not done again.
    ///
    /// # Errors
    /// As [`Plan::check_place`]; [`DeltaError::Busy`] where another process is at it; [`DeltaError::NotFinite`],
    /// [`DeltaError::Overflow`] and [`DeltaError::Buffer`] for numbers that cannot be merged; [`DeltaError::Interrupted`]; and
    /// where files cannot be read or written.
    pub fn run(&self, out: &Path, replace: bool, watch: &Watch<'_>) -> Result<Merged, DeltaError> {
        self.check_place(out, replace)?;
        self.check_buffers()?;
        let unfinished = Unfinished::begin(out)?;
        let mut journal = Journal::open(unfinished.path(), self)?;
        let merged = match self.shards(&unfinished, &mut journal, watch) {
            Ok(merged) => merged,
            Err(error) => {
                if journal.finished() == 0 {
                    unfinished.give_up();
                }
                return Err(error);
            }
        };
        let small = card::files(self, out)?;
        let names = self.shards.iter().map(|shard| &shard.name).chain(small.iter().map(|(name, _)| name));
        let files = names.map(|name| out.join(name)).collect();
        unfinished.finish(out, &small)?;
        Ok(Merged { files, ..merged })
    }

    /// Writes the files of weights that are not finished.
    fn shards(
        &self,
        unfinished: &Unfinished,
        journal: &mut Journal,
        watch: &Watch<'_>,
    ) -> Result<Merged, DeltaError> {
        let progress = Progress { watch, done: AtomicU64::new(0) };
        let mut merged = Merged { files: Vec::new(), read: 0, written: 0, resumed: 0 };
        for shard in &self.shards {
            let outputs = &self.outputs[shard.entries.clone()];
            let read: u64 = outputs.iter().map(|output| self.read_bytes_of(output)).sum();
            let written: u64 = outputs.iter().map(|output| output.entry.bytes() as u64).sum();
            if journal.has(unfinished.path(), shard) {
                progress.add(read + written);
                merged.resumed += 1;
                continue;
            }
            let path = unfinished.path().join(&shard.name);
            let work = || tensors::write(self, shard, &path, &progress);
            let done = parallel::with_threads(self.workers, work);
            let done = done.map_err(|error| DeltaError::Threads { reason: error.to_string() })?;
            done.map_err(|error| match error {
                DeltaError::Interrupted { .. } => self.interrupted(unfinished.path(), journal),
                other => other,
            })?;
            journal.add(unfinished.path(), shard)?;
            (merged.read, merged.written) = (merged.read + read, merged.written + written);
        }
        Ok(merged)
    }

    fn interrupted(&self, path: &Path, journal: &Journal) -> DeltaError {
        DeltaError::Interrupted {
            path: path.to_owned(),
            finished: journal.finished(),
            files: self.shards.len(),
        }
    }

    /// Integers must be equal in all models; counters of batches alone are taken from the first one.
    fn check_buffers(&self) -> Result<(), DeltaError> {
        for output in self.outputs.iter().filter(|output| !output.entry.stored.is_float()) {
            if weights::is_counter(&output.entry.name) {
                continue;
            }
            let bytes = |source: &crate::Source| self.models[source.model].reader.bytes(&source.name);
            let mut sources = output.sources.iter();
            let Some(one) = sources.next() else { continue };
            let first = bytes(one)?;
            for other in sources {
                if bytes(other)? != first {
                    let name = |source: &crate::Source| self.models[source.model].reference.to_string();
                    let (first, second) = (name(one), name(other));
                    return Err(DeltaError::Buffer { tensor: output.entry.name.clone(), first, second });
                }
            }
        }
        Ok(())
    }
}
