//! Reading a file of weights, against a plain read of it.

use std::{
    collections::BTreeMap,
    fs::File,
    hint::black_box,
    io::Read,
    path::{Path, PathBuf},
};

use isoloss::{
    models::weights::{self, Entry, Reader, WeightsError},
    tensor::{Key, Stored},
};
use serde_json::json;

use super::temporary_folder;
use crate::{
    BenchError, Benchmark, Bound, Case, Name, Target,
    measure::{Stage, median, time_ms},
    peer::Call,
};

const SCRIPT: &str = "weights_read.py";

/// Bytes of tensors in a file, where nothing else is said.
const BYTES: usize = 1_000_000_000;

/// Tensors in the file. Ours: as many as a network of that size has large ones.
const TENSORS: usize = 16;

/// Timed readings in a turn, after one to warm up, as the peers do.
const RUNS: usize = 3;

/// The files, and the times of ours in milliseconds.
struct Files {
    floats: PathBuf,
    halves: PathBuf,
    torch: PathBuf,
    plain_ms: Vec<f64>,
    floats_ms: Vec<f64>,
    halves_ms: Vec<f64>,
}

pub(super) fn run(stage: &mut Stage<'_>) -> Result<Benchmark, BenchError> {
    let folder = temporary_folder()?;
    let bytes = stage.options.file_bytes.unwrap_or(BYTES);
    let mut files = Files::write(folder.path(), bytes)?;
    let calls = calls(&files);
    let played = stage.play(Name::Weights.name(), calls, |_, _| files.read())?;
    let case = Case::new("f32", files.floats_ms.clone(), &played)?;
    let halves = Case::new("bf16 to f32", files.halves_ms.clone(), &[])?;
    let plain = median(&files.plain_ms);
    let targets = vec![Target::new(
        "speed beside a plain read of the file, f32",
        Some(plain / case.ours.median_ms),
        Bound::at_least(0.8),
    )];
    let checks = json!({ "bytes": bytes, "plain_read_ms": files.plain_ms });
    let title = "reading a file of weights";
    Ok(Benchmark::new(Name::Weights, title, vec![case, halves], &played, targets, checks))
}

fn calls(files: &Files) -> Vec<Call> {
    let call =
        |name, package, file| Call::new(name, SCRIPT, &["--package", package]).with_path("--file", file);
    vec![
        call("safetensors", "safetensors", &files.floats).with_bound(Bound::at_most(1.0)),
        call("torch.load", "torch", &files.torch),
    ]
}

impl Files {
    /// The same numbers in 32 bits, in 16, and in PyTorch's format.
    fn write(folder: &Path, bytes: usize) -> Result<Self, BenchError> {
        let file = |name: &str, stored: Stored| {
            let path = folder.join(name);
            write(&path, stored, bytes / TENSORS / stored.size_bytes()).map(|()| path)
        };
        Ok(Self {
            floats: file("f32.safetensors", Stored::F32)?,
            halves: file("bf16.safetensors", Stored::BF16)?,
            torch: file("f32.pt", Stored::F32)?,
            plain_ms: Vec::new(),
            floats_ms: Vec::new(),
            halves_ms: Vec::new(),
        })
    }

    /// A turn: each file once to warm up, then each in turn.
    fn read(&mut self) -> Result<(), BenchError> {
        plain(&self.floats)?;
        weighted(&self.halves)?;
        for _ in 0..RUNS {
            self.plain_ms.push(timed(|| plain(&self.floats))?);
            self.floats_ms.push(timed(|| weighted(&self.floats))?);
            self.halves_ms.push(timed(|| weighted(&self.halves))?);
        }
        Ok(())
    }
}

fn write(path: &Path, stored: Stored, elements: usize) -> Result<(), BenchError> {
    let key = Key::new(0).child("weights");
    let entry = |index| Entry { name: format!("layers.{index}.weight"), stored, shape: [elements].into() };
    let entries: Vec<Entry> = (0..TENSORS).map(entry).collect();
    let mut next = 0;
    let mut bytes = |_: &Entry| {
        next += 1;
        let mut words = vec![0; elements];
        key.fold(next).words(0, 0, &mut words);
        Ok(stored.encode(&words.iter().map(|&word| word as f32).collect::<Vec<_>>()))
    };
    Ok(weights::write(path, &entries, &BTreeMap::new(), &mut bytes)?)
}

fn timed(read: impl FnOnce() -> Result<(), BenchError>) -> Result<f64, BenchError> {
    let (ms, outcome) = time_ms(read);
    outcome.map(|()| ms)
}

/// The whole file into new memory, in one call of the standard library on one thread.
fn plain(path: &Path) -> Result<(), BenchError> {
    let unreadable = |source| BenchError::Read { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::with_capacity(file.metadata().map_err(unreadable)?.len() as usize);
    file.read_to_end(&mut bytes).map_err(unreadable)?;
    black_box(bytes);
    Ok(())
}

/// All tensors into memory of their own, which they keep.
fn weighted(path: &Path) -> Result<(), BenchError> {
    let reader = Reader::open(path)?;
    let names = reader.entries().iter().map(|entry| entry.name.as_str());
    let tensors = names.map(|name| reader.read(name)).collect::<Result<Vec<_>, WeightsError>>()?;
    black_box(tensors);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_times_every_way_of_reading() {
        let folder = tempfile::tempdir().unwrap();
        let mut files = Files::write(folder.path(), 1 << 16).unwrap();
        files.read().unwrap();
        for times in [&files.plain_ms, &files.floats_ms, &files.halves_ms] {
            assert_eq!(times.len(), RUNS);
        }
        assert_eq!(Reader::open(&files.torch).unwrap().entries().len(), TENSORS);
    }
}
