//! Which files of an unfinished merge are finished, so that the same merge can go on after it was killed.

use std::{fs, path::Path, time::UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use tensor::{Fingerprint, atomic_file};
use weights::Shard;

use crate::{DeltaError, Model, Plan};

/// The journal's name in the unfinished folder.
pub(super) const NAME: &str = "journal.json";

/// The merge and what of it is finished.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Journal {
    /// Everything that decides about the bits of the result.
    merge: Vec<String>,
    finished: Vec<String>,
}

impl Journal {
    /// The journal in a folder, or a new one where there is none of this very merge.
    pub(super) fn open(folder: &Path, plan: &Plan) -> Result<Self, DeltaError> {
        let merge = identity(plan)?;
        let old =
            fs::read(folder.join(NAME)).ok().and_then(|bytes| serde_json::from_slice::<Self>(&bytes).ok());
        match old.filter(|old| old.merge == merge) {
            Some(old) => Ok(old),
            None => {
                let journal = Self { merge, finished: Vec::new() };
                journal.save(folder)?;
                Ok(journal)
            }
        }
    }

    /// Whether a file is finished and whole.
    pub(super) fn has(&self, folder: &Path, shard: &Shard) -> bool {
        let length = fs::metadata(folder.join(&shard.name)).map(|metadata| metadata.len());
        self.finished.contains(&shard.name) && length.is_ok_and(|length| length == shard.bytes)
    }

    /// The number of finished files.
    pub(super) fn finished(&self) -> usize {
        self.finished.len()
    }

    /// Notes that a file is finished; it must be synced.
    pub(super) fn add(&mut self, folder: &Path, shard: &Shard) -> Result<(), DeltaError> {
        self.finished.push(shard.name.clone());
        self.save(folder)
    }

    fn save(&self, folder: &Path) -> Result<(), DeltaError> {
        let text = serde_json::to_vec_pretty(self).unwrap_or_default();
        Ok(atomic_file::write(&folder.join(NAME), &text)?)
    }
}

/// The version, the recipe, the seed, the files of all models with their lengths and times, and the files of the result.
fn identity(plan: &Plan) -> Result<Vec<String>, DeltaError> {
    let mut lines = vec![
        format!("isoloss {}", env!("CARGO_PKG_VERSION")),
        plan.recipe.text.clone(),
        format!("seed {}", plan.options.seed),
    ];
    for file in plan.models.iter().flat_map(Model::files) {
        let unreadable = |source| DeltaError::Read { path: file.clone(), source };
        let metadata = fs::metadata(&file).map_err(unreadable)?;
        let changed = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let path = file.canonicalize().map_err(unreadable)?;
        lines.push(format!("{} {} {:?}", path.display(), metadata.len(), changed));
    }
    if let Some(vocabulary) = &plan.vocabulary {
        let mut print = Fingerprint::EMPTY;
        print.text(&vocabulary.json.to_string());
        lines.push(format!("tokens {print}"));
    }
    lines.extend(plan.shards.iter().map(|shard| format!("{} {}", shard.name, shard.bytes)));
    Ok(lines)
}
