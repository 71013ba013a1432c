//! What can be wrong with a file of weights.

use std::path::PathBuf;

use tensor::{Stored, TensorError, names};

use crate::Format;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// A file or folder could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A file is not what its name says: cut short, damaged, or of another format.
    #[error("{} is not a whole {format} file: expected {expected}, found {found}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What it was read as.
        format: Format,
        /// What was expected.
        expected: String,
        /// What was found instead.
        found: String,
    },
    /// The files that belong together do not.
    #[error("{}: expected {expected}, found {found}", path.display())]
    Shards {
        /// The index or the folder.
        path: PathBuf,
        /// What was expected.
        expected: String,
        /// What was found instead.
        found: String,
    },
    /// A name by which no format is known.
    #[error("{}: expected a name that ends in {expected}, found '{found}'", path.display())]
    Ending {
        /// The file.
        path: PathBuf,
        /// The endings there are.
        expected: String,
        /// The ending found.
        found: String,
    },
    /// A folder holds no weights.
    #[error(
        "{} is not a run folder: it has no file {file}, nor one of the other names of weights; give a run folder or a file \
         that ends in {endings}",
        path.display()
    )]
    NoWeights {
        /// The folder.
        path: PathBuf,
        /// The file that was looked for first.
        file: &'static str,
        /// The endings of single files.
        endings: String,
    },
    /// A tensor that the file does not hold.
    #[error("{} holds no tensor '{name}'{}", path.display(), names::suggestion(name, &known.iter().map(String::as_str).collect::<Vec<_>>()))]
    NoTensor {
        /// The file.
        path: PathBuf,
        /// The name asked for.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// A tensor is stored in an element type that is not read.
    #[error("{}: tensor '{name}' is stored as {found}, which is not read; read are {}", path.display(), types())]
    UnknownType {
        /// The file.
        path: PathBuf,
        /// The tensor's name.
        name: String,
        /// The type as the file names it.
        found: String,
    },
    /// A tensor is stored in a type that cannot be read as asked.
    #[error("{}: tensor '{name}' is stored as {found}, expected {expected}", path.display())]
    StoredType {
        /// The file.
        path: PathBuf,
        /// The tensor's name.
        name: String,
        /// What was expected.
        expected: &'static str,
        /// The type found.
        found: Stored,
    },
    /// A format cannot hold what is to be written.
    #[error("{}: {format} files cannot hold {what}; {hint}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// Its format.
        format: Format,
        /// What it cannot hold.
        what: String,
        /// What to do instead.
        hint: &'static str,
    },
    /// A file could not be written.
    #[error(transparent)]
    Write(#[from] TensorError),
}

fn types() -> String {
    Stored::ALL.map(Stored::name).join(", ")
}
