//! Where plugins usually are.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

/// The plugins for CUDA of Python's wheel `jax-cuda13-pjrt` (and its like for other versions of CUDA) in the environments
/// that are active or usual: `$VIRTUAL_ENV`, `$CONDA_PREFIX`, `.venv`, `~/.local`, `/usr/local`, `/usr`. The newest version of
/// CUDA first.
#[must_use]
pub fn cuda_plugins() -> Vec<PathBuf> {
    let set = |name: &str| env::var_os(name).map(PathBuf::from);
    let home = set("HOME").map(|home| home.join(".local"));
    let usual = [".venv", "/usr/local", "/usr"].map(PathBuf::from);
    let roots = [set("VIRTUAL_ENV"), set("CONDA_PREFIX")].into_iter().flatten().chain(home).chain(usual);
    roots.flat_map(|root| cuda_plugins_in(&root)).collect()
}

fn cuda_plugins_in(root: &Path) -> Vec<PathBuf> {
    let pythons = entries(&root.join("lib"), "python3");
    let packages =
        pythons.iter().flat_map(|python| ["site-packages", "dist-packages"].map(|name| python.join(name)));
    let plugins = packages.flat_map(|folder| entries(&folder.join("jax_plugins"), "xla_cuda"));
    let files = plugins.map(|folder| folder.join("xla_cuda_plugin.so"));
    files.filter(|file| file.is_file()).collect()
}

/// What is in a folder under a name that begins so, the last in order first.
fn entries(folder: &Path, prefix: &str) -> Vec<PathBuf> {
    let named = |path: &PathBuf| {
        path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(prefix))
    };
    let all = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut found: Vec<PathBuf> = all.filter(named).collect();
    found.sort();
    found.reverse();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_plugin_of_an_environment_comes_first() {
        let root = tempfile::tempdir().expect("a folder");
        let make = |version: &str| {
            let folder = root.path().join("lib/python3.12/site-packages/jax_plugins").join(version);
            fs::create_dir_all(&folder).expect("a folder");
            fs::write(folder.join("xla_cuda_plugin.so"), "").expect("a file");
            folder.join("xla_cuda_plugin.so")
        };
        let (old, new) = (make("xla_cuda12"), make("xla_cuda13"));
        assert_eq!(cuda_plugins_in(root.path()), [new, old]);
        assert_eq!(cuda_plugins_in(&root.path().join("lib")), Vec::<PathBuf>::new());
    }
}
