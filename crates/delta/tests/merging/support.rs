//! Merging in a folder of its own.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
};

use isoloss_delta::{DeltaError, Merged, Options, Plan, Recipe, Watch};
use tempfile::TempDir;
use tensor::{Key, Shape, Stored};
use weights::{Entry, Reader};

/// A folder with models.
pub(crate) struct Place {
    folder: TempDir,
}

/// A tensor of a file to be written: name, type, shape, bytes.
pub(crate) type Stand = (&'static str, Stored, Vec<usize>, Vec<u8>);

impl Place {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a model into a file or, where the name is one of a folder, into `model.safetensors` there.
    pub(crate) fn model(&self, name: &str, tensors: &[Stand]) -> PathBuf {
        let path = self.path(name);
        let file = if path.extension().is_some() { path.clone() } else { path.join("model.safetensors") };
        let entry = |(name, stored, shape, _): &Stand| Entry {
            name: (*name).to_owned(),
            stored: *stored,
            shape: Shape::from(&shape[..]),
        };
        let entries: Vec<Entry> = tensors.iter().map(entry).collect();
        let mut bytes = tensors.iter().map(|(.., bytes)| bytes.clone());
        weights::write(&file, &entries, &BTreeMap::new(), &mut |_| Ok(bytes.next().unwrap())).unwrap();
        path
    }

    /// The recipe with the paths of models for `@name`.
    pub(crate) fn recipe(&self, text: &str) -> Result<Recipe, DeltaError> {
        Recipe::parse(&text.replace('@', &format!("{}/", self.folder.path().display())))
    }

    pub(crate) fn plan(&self, text: &str, options: Options) -> Result<Plan, DeltaError> {
        Plan::new(self.recipe(text)?, options)
    }

    pub(crate) fn merge(&self, text: &str, out: &str) -> Result<Merged, DeltaError> {
        self.merge_with(text, out, Options::default())
    }

    pub(crate) fn merge_with(&self, text: &str, out: &str, options: Options) -> Result<Merged, DeltaError> {
        run(&self.plan(text, options)?, &self.path(out))
    }

    /// What the plan of a recipe says is wrong.
    #[track_caller]
    pub(crate) fn refused(&self, text: &str) -> String {
        self.plan(text, Options::default()).map(|_| "nothing").unwrap_err().to_string()
    }

    /// The files in a folder here, hidden ones too.
    pub(crate) fn files(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(folder)).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

pub(crate) fn run(plan: &Plan, out: &Path) -> Result<Merged, DeltaError> {
    plan.run(out, false, &Watch { progress: &|_| {}, stop: &AtomicBool::new(false) })
}

/// Normal numbers as bytes of a type.
pub(crate) fn normal(stored: Stored, count: usize, seed: u64) -> Vec<u8> {
    let key = Key::new(seed);
    stored.encode(&(0..count as u64).map(|index| key.normal(index) as f32).collect::<Vec<f32>>())
}

/// All tensors of a file or folder as numbers.
pub(crate) fn tensors(path: &Path) -> BTreeMap<String, Vec<f32>> {
    let reader = Reader::open(path).unwrap();
    let floats = reader.entries().iter().filter(|entry| entry.stored.is_float());
    floats
        .map(|entry| (entry.name.clone(), reader.read(&entry.name).unwrap().as_slice().unwrap().to_vec()))
        .collect()
}
