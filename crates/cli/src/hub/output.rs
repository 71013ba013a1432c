//! A folder like another one of the Hugging Face Hub: same files, names and types of elements, with other weights.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use isoloss::{
    models::{
        self, Model, Params,
        weights::{self, Entry, Format, Reader, WeightsError},
    },
    tensor::{Stored, Tensor, atomic_file},
};
use serde_json::Value;

use crate::failure::{CliError, Failure};

/// The file in which a folder says that this program made it, and of what.
const NOTE: &str = "isoloss.json";

/// Endings of small files that go with the weights: configuration, tokenizers, templates.
const SMALL: [&str; 4] = ["json", "txt", "model", "jinja"];

/// A folder to be written.
pub(crate) struct Output {
    /// Whose layout, types and small files it has.
    like: PathBuf,
    out: PathBuf,
}

/// A tensor of the network, by its name there, as `f32`.
pub(crate) type Tensors<'a> = dyn FnMut(&str) -> Result<Tensor, Failure> + 'a;

impl Output {
    /// The folder that is asked for, where `out` is not named as a file of weights is and `like` is a folder of the Hub.
    ///
    /// It must not be there, be empty, or with `force` be one that this program made; and it is none of the inputs.
    pub(crate) fn find(
        out: &Path,
        like: &Path,
        inputs: &[PathBuf],
        force: bool,
    ) -> Result<Option<Self>, Failure> {
        if Format::of(out).is_ok() || out.is_file() {
            return Ok(None);
        }
        let Some(folder) = super::folder(like)? else { return Ok(None) };
        for input in inputs {
            let holds = |one: &Path, other: &Path| match (one.canonicalize(), other.canonicalize()) {
                (Ok(one), Ok(other)) => other.starts_with(one),
                _ => false,
            };
            if holds(out, input) || input.is_dir() && holds(input, out) {
                return Err(CliError::OutIsInput { out: out.to_owned(), input: input.clone() }.into());
            }
        }
        crate::place::check_folder(out)?;
        let is_empty = |out: &Path| fs::read_dir(out).is_ok_and(|mut entries| entries.next().is_none());
        if out.exists() && !is_empty(out) && !(force && out.join(NOTE).is_file()) {
            return Err(CliError::ExistingFolder { path: out.to_owned() }.into());
        }
        Ok(Some(Self { like: folder, out: out.to_owned() }))
    }

    /// Checks from headers that the weights can be replaced by those of a network: floats that it has, or what it does without.
    pub(crate) fn check(&self, model: &Model) -> Result<(), Failure> {
        let reader = Reader::open(&self.like)?;
        Names::new(model, &reader)?;
        for entry in reader.entries().iter().filter(|entry| !entry.stored.is_float()) {
            if !models::is_made_again(&entry.name) {
                reader.read_range(&entry.name, 0..0)?;
            }
        }
        Ok(())
    }

    /// Writes the folder, whole or not at all: beside its place, and renamed when all of it is on the disk.
    pub(crate) fn write(
        &self,
        model: &Model,
        note: &Value,
        tensors: &mut Tensors<'_>,
    ) -> Result<(), Failure> {
        let place = std::path::absolute(&self.out).map_err(|source| self.unwritable(source))?;
        let above = place.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(above).map_err(|source| self.unwritable(source))?;
        let name = place.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let unfinished = tempfile::Builder::new()
            .prefix(&format!(".{name}.unfinished-"))
            .tempdir_in(above)
            .map_err(|source| self.unwritable(source))?;
        self.fill(unfinished.path(), model, tensors)?;
        atomic_file::write(&unfinished.path().join(NOTE), format!("{note:#}\n").as_bytes())?;
        Self::rename(unfinished, &place).map_err(|source| self.unwritable(source))
    }

    /// Writes the folder with these tensors.
    pub(crate) fn write_params(&self, model: &Model, note: &Value, params: &Params) -> Result<(), Failure> {
        self.write(model, note, &mut |name| {
            Ok(params.get(name).unwrap_or_else(|| unreachable!("'{name}' is one of the network's")).clone())
        })
    }

    fn unwritable(&self, source: io::Error) -> Failure {
        CliError::Unwritable { path: self.out.clone(), source }.into()
    }

    fn fill(&self, folder: &Path, model: &Model, tensors: &mut Tensors<'_>) -> Result<(), Failure> {
        let whole = Reader::open(&self.like)?;
        let names = Names::new(model, &whole)?;
        let files: Vec<PathBuf> = whole.files().map(Path::to_owned).collect();
        let keeps_files = files.iter().all(|file| matches!(Format::of(file), Ok(Format::Safetensors)));
        if keeps_files {
            for file in &files {
                let name = file.file_name().unwrap_or_default();
                write_file(&folder.join(name), &Reader::open(file)?, &names, tensors)?;
            }
        } else {
            write_file(&folder.join(weights::RUN_WEIGHTS), &whole, &names, tensors)?;
        }
        self.copy_small(folder, keeps_files)
    }

    /// Copies what stands beside the weights; the index of several files where these are the same.
    fn copy_small(&self, folder: &Path, keeps_files: bool) -> Result<(), Failure> {
        let unreadable = |source| CliError::ReadGraph { path: self.like.clone(), source };
        let mut paths = Vec::new();
        for entry in fs::read_dir(&self.like).map_err(unreadable)? {
            paths.push(entry.map_err(unreadable)?.path());
        }
        paths.sort();
        for path in paths {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let is_small = path.extension().is_some_and(|ending| SMALL.iter().any(|small| ending == *small));
            let is_index = name.ends_with(".index.json");
            let is_kept_index = keeps_files && name == format!("{}.index.json", weights::RUN_WEIGHTS);
            if path.is_file() && is_small && (!is_index || is_kept_index) && name != NOTE {
                let contents = fs::read(&path).map_err(unreadable)?;
                atomic_file::write(&folder.join(name), &contents)?;
            }
        }
        Ok(())
    }

    fn rename(unfinished: tempfile::TempDir, place: &Path) -> io::Result<()> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // Temporary folders are private to their owner; results are not secrets.
            fs::set_permissions(unfinished.path(), fs::Permissions::from_mode(0o755))?;
        }
        atomic_file::place_folder(unfinished.path(), place)?;
        // Nothing is left to be removed.
        let _ = unfinished.keep();
        Ok(())
    }
}

/// For each tensor of the files, that of the network.
struct Names(BTreeMap<String, String>);

impl Names {
    fn new(model: &Model, reader: &Reader) -> Result<Self, Failure> {
        let origins = models::origins(model, reader)?;
        let names = model.entries().into_iter().map(|(name, _)| name);
        let mut all: BTreeMap<String, String> = origins.into_iter().zip(names).collect();
        for entry in reader.entries().iter().map(|entry| &entry.name) {
            let is_known = all.contains_key(entry) || models::is_made_again(entry);
            match embedding(&all).filter(|_| entry == models::TIED_HEAD) {
                _ if is_known => {}
                Some(embedding) => _ = all.insert(entry.clone(), embedding),
                None => {
                    let (path, name) = (reader.path().to_owned(), entry.clone());
                    return Err(CliError::StrangeTensor { path, name, model: model.spec() }.into());
                }
            }
        }
        Ok(Self(all))
    }
}

/// The embedding of the tokens.
fn embedding(names: &BTreeMap<String, String>) -> Option<String> {
    names.values().find(|name| name.ends_with("wte.weight") || name.ends_with("embed_tokens.weight")).cloned()
}

fn write_file(path: &Path, reader: &Reader, names: &Names, tensors: &mut Tensors<'_>) -> Result<(), Failure> {
    let failure = RefCell::new(None);
    let mut bytes = |entry: &Entry| -> Result<Vec<u8>, WeightsError> {
        let Some(name) = names.0.get(&entry.name) else { return reader.bytes(&entry.name) };
        let encoded = tensors(name).and_then(|tensor| encoded(entry, &tensor));
        encoded.map_err(|error| {
            *failure.borrow_mut() = Some(error);
            WeightsError::Read { path: path.to_owned(), source: io::Error::other("no tensor") }
        })
    };
    let written = weights::write(path, reader.entries(), reader.metadata(), &mut bytes);
    match failure.into_inner() {
        Some(failure) => Err(failure),
        None => Ok(written?),
    }
}

/// The elements in the type of the file, each rounded once.
fn encoded(entry: &Entry, tensor: &Tensor) -> Result<Vec<u8>, Failure> {
    const LARGEST_HALF: f32 = 65504.0;
    let Ok(values) = tensor.as_slice::<f32>() else { unreachable!("tensors of networks are read as f32") };
    let limit = if entry.stored == Stored::F16 { LARGEST_HALF } else { f32::MAX };
    match values.iter().find(|value| value.is_nan() || value.abs() > limit) {
        Some(&value) => {
            Err(CliError::Beyond { name: entry.name.clone(), stored: entry.stored, value }.into())
        }
        None => Ok(entry.stored.encode(values)),
    }
}
