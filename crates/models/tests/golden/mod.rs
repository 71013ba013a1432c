//! Files of PyTorch's results for one network each.

use std::{
    fs,
    path::{Path, PathBuf},
};

use isoloss_models::{
    Model, Params,
    weights::{self, Checkpoint, MODEL_KEY},
};
use tensor::Tensor;

/// The files in a folder below the tests, as many as the script there makes.
pub(crate) fn paths(folder: &str, count: usize) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "safetensors"));
    paths.sort();
    assert_eq!(paths.len(), count, "one file for each network that make.py makes");
    paths
}

pub(crate) struct Golden {
    pub(crate) checkpoint: Checkpoint,
    pub(crate) model: Model,
    /// Parameters, and buffers where there are any.
    pub(crate) params: Params,
}

impl Golden {
    /// Reads a file in which the names of parameters and buffers start with `prefix`.
    pub(crate) fn load(path: &Path, prefix: &str) -> Self {
        let checkpoint = weights::load(path).unwrap();
        let model = Model::parse(&checkpoint.metadata[MODEL_KEY]).unwrap();
        let params = checkpoint.params.iter().filter_map(|(name, tensor)| {
            name.strip_prefix(prefix).map(|name| (name.to_owned(), tensor.clone()))
        });
        let params = model.arrange(Params::from_pairs(params)).unwrap();
        Self { checkpoint, model, params }
    }

    pub(crate) fn tensor(&self, name: &str) -> &Tensor {
        self.checkpoint.params.get(name).unwrap()
    }
}
