//! An unfinished search on the disk.

use std::{
    collections::BTreeMap,
    fs, io,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use models::weights::{self, Entry, Reader};
use tensor::{DType, Fingerprint, Shape, Tensor};

use super::Search;
use crate::{SymmetryError, matching::improvement::Improvements};

/// Metadata key of the fingerprint of what is searched.
const SEARCH: &str = "isoloss.search";

/// The time between two writings of the file. Ours: that of trainings, whose steps take as long.
const INTERVAL: Duration = Duration::from_secs(10);

/// Where an unfinished search is kept, and what stops it.
#[derive(Clone, Copy, Debug)]
pub struct Unfinished<'a> {
    /// The file, `*.safetensors`; its folder is made where it is missing. It stays when the search is finished, and then takes the next one
    /// straight to its end: the caller [removes](Unfinished::remove) it once the result is safe.
    pub file: &'a Path,
    /// When this becomes true, the search stops before its next step.
    pub stop: &'a AtomicBool,
}

impl Unfinished<'_> {
    /// Removes the file, if it is there.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn remove(&self) -> io::Result<()> {
        match fs::remove_file(self.file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// Keeps a search in its file.
pub(super) struct Keeper<'a> {
    unfinished: Option<Unfinished<'a>>,
    fingerprint: String,
    steps: usize,
    /// None before the first time: it shows at once where the file cannot be written.
    saved_at: Option<Instant>,
}

impl<'a> Keeper<'a> {
    /// Brings a search that has not begun to where its file has it, if there is one.
    pub(super) fn new(
        unfinished: Option<Unfinished<'a>>,
        search: &mut Search<'_>,
        steps: usize,
    ) -> Result<Self, SymmetryError> {
        let fingerprint = unfinished.map_or_else(String::new, |_| fingerprint(search).to_string());
        if let Some(Unfinished { file, .. }) = unfinished.filter(|unfinished| unfinished.file.exists()) {
            read(file, &fingerprint, search, steps)?;
        }
        Ok(Self { unfinished, fingerprint, steps, saved_at: None })
    }

    /// Writes the file where that is due or a stop was asked for, which then is the error.
    pub(super) fn keep(&mut self, search: &Search<'_>) -> Result<(), SymmetryError> {
        let Some(Unfinished { file, stop }) = self.unfinished else { return Ok(()) };
        let is_stopped = stop.load(Ordering::Relaxed);
        if is_stopped || self.saved_at.is_none_or(|at| at.elapsed() >= INTERVAL) {
            write(file, &self.fingerprint, search)?;
            self.saved_at = Some(Instant::now());
        }
        if !is_stopped {
            return Ok(());
        }
        let (file, step, steps) = (file.to_owned(), search.step, self.steps);
        Err(SymmetryError::Interrupted { file, step, steps })
    }

    /// Writes the file of a finished search.
    pub(super) fn finish(&self, search: &Search<'_>) -> Result<(), SymmetryError> {
        self.unfinished.map_or(Ok(()), |Unfinished { file, .. }| write(file, &self.fingerprint, search))
    }
}

/// What a search is: of which networks, on which examples, and how. Examples are told apart by those that are held out.
fn fingerprint(search: &Search<'_>) -> Fingerprint {
    let mut hash = Fingerprint::EMPTY;
    hash.text(&search.task.group.fingerprint().to_string());
    hash.text(&search.task.model.spec());
    hash.text(&format!("{:?}", search.options));
    for params in [search.task.networks[0], search.task.networks[1], &search.b] {
        params.values().for_each(|tensor| hash.tensor(tensor));
    }
    for (x, labels) in search.judge.batches() {
        hash.tensor(x);
        hash.tensor(labels);
    }
    hash
}

/// The tensors of a search, all of `f64`: how many steps are done and the improvements with their steps, the latent matrices with
/// what the optimiser keeps, and the latent matrices of the best element.
fn tensors(search: &Search<'_>) -> Vec<(String, Tensor)> {
    let improvements = search.improvements.list();
    let steps = [search.step].into_iter().chain(improvements.iter().map(|each| each.step));
    let steps: Vec<f64> = steps.map(|step| step as f64).collect();
    let losses: Vec<f64> = improvements.iter().map(|each| each.objective).collect();
    let lists = [("steps", steps), ("losses", losses)];
    let lists = lists.map(|(name, list)| (name.to_owned(), Tensor::from_fn([list.len()], |at| list[at])));
    let numbered = |name: &str, tensors: &[Tensor]| -> Vec<(String, Tensor)> {
        tensors.iter().enumerate().map(|(at, tensor)| (format!("{name}/{at}"), tensor.clone())).collect()
    };
    let matrices = [numbered("state", &search.state), numbered("best", &search.best)];
    lists.into_iter().chain(matrices.into_iter().flatten()).collect()
}

fn write(file: &Path, fingerprint: &str, search: &Search<'_>) -> Result<(), SymmetryError> {
    let tensors = tensors(search);
    let entry = |(name, tensor): &(String, Tensor)| Entry {
        name: name.clone(),
        stored: tensor.dtype().into(),
        shape: tensor.shape().clone(),
    };
    let entries: Vec<Entry> = tensors.iter().map(entry).collect();
    let metadata = BTreeMap::from([(SEARCH.to_owned(), fingerprint.to_owned())]);
    let mut numbers = tensors.iter().map(|(_, tensor)| tensor.to_f64_vec());
    let mut bytes = |_: &Entry| {
        let own = numbers.next().unwrap_or_default();
        Ok(own.into_iter().flat_map(f64::to_le_bytes).collect())
    };
    Ok(weights::write(file, &entries, &metadata, &mut bytes)?)
}

/// Brings a search to where a file has it.
fn read(file: &Path, fingerprint: &str, search: &mut Search<'_>, steps: usize) -> Result<(), SymmetryError> {
    let other = || SymmetryError::OtherSearch { file: file.to_owned() };
    let reader = Reader::open(file)?;
    if reader.metadata().get(SEARCH).map(String::as_str) != Some(fingerprint) {
        return Err(other());
    }
    let tensor = |name: &str, shape: Option<&Shape>| {
        let tensor = reader.read_exact(name)?;
        let fits = tensor.dtype() == DType::F64 && shape.is_none_or(|shape| tensor.shape() == shape);
        if fits { Ok(tensor) } else { Err(other()) }
    };
    let numbered = |name: &str, like: &[Tensor]| -> Result<Vec<Tensor>, SymmetryError> {
        let all = like.iter().enumerate();
        all.map(|(at, like)| tensor(&format!("{name}/{at}"), Some(like.shape()))).collect()
    };
    let [counts, losses] = [tensor("steps", None)?, tensor("losses", None)?].map(|list| list.to_f64_vec());
    let counts: Vec<usize> = counts.into_iter().map(|count| count as usize).collect();
    let Some((&step, passed)) = counts
        .split_first()
        .filter(|(step, passed)| **step <= steps && !passed.is_empty() && passed.len() == losses.len())
    else {
        return Err(other());
    };
    (search.state, search.best) = (numbered("state", &search.state)?, numbered("best", &search.best)?);
    search.improvements = Improvements::of(passed.iter().copied().zip(losses));
    search.step = step;
    Ok(())
}
