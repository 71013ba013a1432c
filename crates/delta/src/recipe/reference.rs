//! Names of models, and where on this machine they are.

use std::{
    env, fmt, fs,
    path::{Path, PathBuf},
};

use super::yaml::{At, Node};
use crate::DeltaError;

/// A model as a recipe names it: a path or a name on the Hugging Face Hub, as `org/name` or `org/name@revision`, and an adapter to
/// be added to it, as `org/name+org/adapter`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// The path or name.
    pub path: String,
    /// The revision on the hub.
    pub revision: Option<String>,
    /// The adapter.
    pub adapter: Option<Box<Self>>,
}

impl Reference {
    pub(super) fn read(at: &At<'_>) -> Result<Self, DeltaError> {
        let Node::Map(_) = at.node else { return Self::parse(at, at.text()?) };
        let [model, lora, architecture] = at.keys(["model", "lora", "override_architecture"])?;
        if let Some(at) = architecture {
            let (at, what) = (at.place, "another architecture".to_owned());
            return Err(DeltaError::Unsupported {
                at,
                what,
                hint: "tensors are merged by their names alone; leave it out",
            });
        }
        let model = model.ok_or_else(|| at.fault("a map with a model"))?;
        let mut reference = Self::plain(&model)?;
        if let Some(lora) = lora {
            if reference.adapter.is_some() {
                return Err(lora.fault("one adapter"));
            }
            reference.adapter = Some(Box::new(Self::plain(&lora)?));
        }
        Ok(reference)
    }

    /// A text, or a map of a path and a revision.
    fn plain(at: &At<'_>) -> Result<Self, DeltaError> {
        let Node::Map(_) = at.node else { return Self::parse(at, at.text()?) };
        let [path, revision] = at.keys(["path", "revision"])?;
        let path = path.ok_or_else(|| at.fault("a map with a path"))?.text()?.to_owned();
        let revision = revision.map(|revision| revision.text().map(str::to_owned)).transpose()?;
        Ok(Self { path, revision, adapter: None })
    }

    fn parse(at: &At<'_>, text: &str) -> Result<Self, DeltaError> {
        // What is there under this very name is meant, whatever signs are in it.
        if Path::new(text).exists() {
            return Ok(Self { path: text.to_owned(), revision: None, adapter: None });
        }
        let mut signs = text.match_indices('+').map(|(place, _)| place);
        let there = |place: &usize| Path::new(&text[..*place]).exists();
        if let Some(sign) = signs.clone().rfind(there).or_else(|| signs.next()) {
            let (model, adapter) = (Self::parse(at, &text[..sign])?, Self::parse(at, &text[sign + 1..])?);
            if adapter.adapter.is_some() {
                return Err(at.fault("a model and one adapter"));
            }
            return Ok(Self { adapter: Some(Box::new(adapter)), ..model });
        }
        let (path, revision) = match text.split_once('@') {
            Some((path, revision)) => (path, Some(revision.to_owned())),
            None => (text, None),
        };
        if path.is_empty()
            || revision.as_ref().is_some_and(|revision| revision.is_empty() || revision.contains('@'))
        {
            return Err(at.fault("a path or a name, as org/name or org/name@revision"));
        }
        Ok(Self { path: path.to_owned(), revision, adapter: None })
    }

    /// The file or folder: that of this name, or the snapshot in the hub's cache on this machine. Nothing is downloaded.
    ///
    /// # Errors
    /// [`DeltaError::NoModel`] where there is neither.
    pub fn find(&self) -> Result<PathBuf, DeltaError> {
        self.find_in(&hub_cache())
    }

    fn find_in(&self, cache: &Path) -> Result<PathBuf, DeltaError> {
        let here = Path::new(&self.path);
        if self.revision.is_none() && here.exists() {
            return Ok(here.to_owned());
        }
        let folder = cache.join(format!("models--{}", self.path.replace('/', "--")));
        let revision = self.revision.as_deref().unwrap_or("main");
        let plain =
            |name: &str| !name.split('/').any(|part| matches!(part, "" | "." | "..")) && !name.contains('\\');
        let missing = || DeltaError::NoModel { reference: self.to_string(), tried: folder.clone() };
        if !plain(&self.path) || !plain(revision) {
            return Err(missing());
        }
        // A branch or tag is a file with the name of a snapshot; a snapshot may be named itself.
        let snapshot = fs::read_to_string(folder.join("refs").join(revision));
        let snapshot = snapshot.map_or_else(|_| revision.to_owned(), |name| name.trim().to_owned());
        let snapshot = folder.join("snapshots").join(snapshot);
        if snapshot.is_dir() { Ok(snapshot) } else { Err(missing()) }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)?;
        self.revision.iter().try_for_each(|revision| write!(f, "@{revision}"))?;
        self.adapter.iter().try_for_each(|adapter| write!(f, "+{adapter}"))
    }
}

/// Where Hugging Face's libraries keep what they downloaded, by the variables that they read.
fn hub_cache() -> PathBuf {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = || set("HOME").or_else(|| set("USERPROFILE")).unwrap_or_default();
    let cache = || set("XDG_CACHE_HOME").unwrap_or_else(|| home().join(".cache")).join("huggingface");
    set("HF_HUB_CACHE").unwrap_or_else(|| set("HF_HOME").unwrap_or_else(cache).join("hub"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_found_in_the_cache_of_the_hub_by_branch_and_by_commit() {
        let cache = tempfile::tempdir().unwrap();
        let folder = cache.path().join("models--org--name");
        fs::create_dir_all(folder.join("snapshots/0123abcd")).unwrap();
        fs::create_dir_all(folder.join("refs/pr")).unwrap();
        fs::write(folder.join("refs/main"), "0123abcd\n").unwrap();
        fs::write(folder.join("refs/pr/1"), "0123abcd").unwrap();
        let find = |path: &str, revision: Option<&str>| {
            let reference =
                Reference { path: path.to_owned(), revision: revision.map(str::to_owned), adapter: None };
            reference.find_in(cache.path())
        };
        for revision in [None, Some("main"), Some("pr/1"), Some("0123abcd")] {
            assert_eq!(find("org/name", revision).unwrap(), folder.join("snapshots/0123abcd"));
        }
        assert!(find("org/name", Some("v2")).unwrap_err().to_string().contains("nothing is downloaded"));
        assert!(find("org/other", None).unwrap_err().to_string().contains("models--org--other"));
        for hostile in ["../name", "org/../../name", "/etc/nothing-there"] {
            assert!(find(hostile, None).is_err());
        }
        assert!(find("org/name", Some("../refs")).is_err());
    }
}
