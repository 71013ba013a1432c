//! Where searches that take long are kept until their result is written.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicBool},
};

use isoloss::symmetry::matching::learned;

use super::Method;
use crate::{
    failure::{CliError, Failure},
    stop,
};

/// The unfinished searches of one command, and what stops them.
#[derive(Debug)]
pub(crate) struct Unfinished {
    /// For each network that is matched its file, beside that of the result.
    files: Vec<PathBuf>,
    stop: Arc<AtomicBool>,
}

impl Unfinished {
    /// A place beside `out` for the searches of so many networks, where the method is one whose searches are kept. From then on Ctrl-C asks
    /// for a stop.
    pub(crate) fn beside(out: &Path, method: Method, networks: usize) -> Result<Option<Self>, Failure> {
        if method != Method::Learned {
            return Ok(None);
        }
        let file = |number| out.with_extension(format!("unfinished-{number}.safetensors"));
        Ok(Some(Self { files: (1..=networks).map(file).collect(), stop: stop::flag()? }))
    }

    /// That of one of the networks, counted from 0.
    pub(super) fn of(&self, network: usize) -> Option<learned::Unfinished<'_>> {
        self.files.get(network).map(|file| learned::Unfinished { file, stop: &self.stop })
    }

    /// Removes the files, as results are written.
    pub(crate) fn remove(self) -> Result<(), Failure> {
        for path in self.files {
            match fs::remove_file(&path) {
                Err(source) if source.kind() != io::ErrorKind::NotFound => {
                    return Err(CliError::Unwritable { path, source }.into());
                }
                _ => {}
            }
        }
        Ok(())
    }
}
