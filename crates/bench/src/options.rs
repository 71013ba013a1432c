//! What to run.

use std::path::PathBuf;

use serde::Serialize;

use crate::BenchError;

/// A benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Name {
    /// One step of training.
    MlpStep,
    /// A whole training on MNIST.
    MnistTrain,
    /// An epoch of a residual network on CIFAR-10.
    CifarEpoch,
    /// Matching two networks.
    WeightMatching,
    /// Linear assignment.
    Assignment,
    /// Starting the program, and its size.
    Startup,
    /// Gradients and Hessian-vector products.
    Engine,
    /// Reading a file of weights.
    Weights,
    /// Matching residual networks up to very large ones, and large assignments.
    Matching,
    /// Merging checkpoints by recipes.
    Merging,
    /// The engine's networks on the processor and on a device.
    Devices,
}

/// A part of the benchmark of the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The MLP 784-512-512-512-10.
    Mlp,
    /// ResNet-20, and one thread against two.
    Resnet20,
    /// VGG-16.
    Vgg16,
    /// The character transformer.
    Gpt,
    /// The LSTM.
    Lstm,
    /// A training step of a small MLP.
    SmallMlp,
    /// Sixteen products at once.
    Sixteen,
    /// What a node costs that does nearly nothing.
    Overhead,
}

impl Part {
    /// All parts, in order.
    pub const ALL: [Self; 8] = [
        Self::Mlp,
        Self::Resnet20,
        Self::Vgg16,
        Self::Gpt,
        Self::Lstm,
        Self::SmallMlp,
        Self::Sixteen,
        Self::Overhead,
    ];

    /// Their names.
    pub const NAMES: [&str; 8] =
        ["mlp", "resnet20", "vgg16", "gpt", "lstm", "small-mlp", "sixteen", "overhead"];

    /// The name.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    /// The part of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|part| part.name() == name)
    }
}

impl Name {
    /// All benchmarks that need neither a device nor most of an hour, in the order in which `all` runs them.
    pub const ALL: [Self; 8] = [
        Self::MlpStep,
        Self::MnistTrain,
        Self::CifarEpoch,
        Self::WeightMatching,
        Self::Assignment,
        Self::Startup,
        Self::Engine,
        Self::Weights,
    ];

    /// What [`Name::parse`] reads.
    pub const NAMES: [&str; 12] = [
        "mlp-step",
        "mnist-train",
        "cifar-epoch",
        "weight-matching",
        "assignment",
        "startup",
        "engine",
        "weights",
        "matching",
        "merging",
        "devices",
        "all",
    ];

    /// The name.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    /// The benchmark of that name, or all of them for `all`.
    ///
    /// # Errors
    /// [`BenchError::UnknownName`] for any other name.
    pub fn parse(name: &str) -> Result<Vec<Self>, BenchError> {
        if name == "all" {
            return Ok(Self::ALL.to_vec());
        }
        match Self::ALL
            .into_iter()
            .chain([Self::Matching, Self::Merging, Self::Devices])
            .find(|known| known.name() == name)
        {
            Some(known) => Ok(vec![known]),
            None => Err(BenchError::UnknownName { found: name.to_owned(), known: Self::NAMES.join(", ") }),
        }
    }
}

/// The folders in the data specifications `mnist:DIR` and `cifar10:DIR`, of which the last of each kind counts.
///
/// # Errors
/// [`BenchError::UnknownData`] for another specification, or where there is no such folder.
pub fn data_folders(data: &[String]) -> Result<[Option<PathBuf>; 2], BenchError> {
    let mut folders = [None, None];
    for spec in data {
        let parts = spec.split_once(':').map(|(name, folder)| (name, PathBuf::from(folder)));
        match parts.filter(|(_, folder)| folder.is_dir()) {
            Some(("mnist", folder)) => folders[0] = Some(folder),
            Some(("cifar10", folder)) => folders[1] = Some(folder),
            _ => return Err(BenchError::UnknownData { found: format!("'{spec}'") }),
        }
    }
    Ok(folders)
}

/// What to run, and on what.
#[derive(Clone, Debug)]
pub struct Options {
    /// The benchmarks, in order.
    pub names: Vec<Name>,
    /// The virtual environment of the peers; `.peers` is where `install.sh` puts it.
    pub peers: PathBuf,
    /// The folder of the peers' scripts: `bench/peers`.
    pub scripts: PathBuf,
    /// Whether an absent peer is an error.
    pub require_peers: bool,
    /// How often each side has a turn, from 1 up.
    pub rounds: usize,
    /// The `isoloss` program, which the benchmarks of whole commands run.
    pub program: PathBuf,
    /// The folder with MNIST's four files, which `mnist-train` needs.
    pub mnist: Option<PathBuf>,
    /// The folder with CIFAR-10's binary files, which `cifar-epoch` needs.
    pub cifar: Option<PathBuf>,
    /// Two weights files or run folders of `mlp:784-512-512-512-10` to match; without them two untrained networks.
    pub networks: Option<[PathBuf; 2]>,
    /// The parts of [`Name::Engine`] to run; the networks among them for [`Name::Devices`].
    pub parts: Vec<Part>,
    /// Seconds in which a configuration of a peer of [`Name::Engine`] must be ready to count.
    pub patience: u32,
    /// Bytes of tensors in a file of [`Name::Weights`], by default 1 GB, or of [`Name::Merging`], by default 673 MB.
    pub file_bytes: Option<usize>,
    /// Draws everything random that ours uses.
    pub seed: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_benchmark_is_found_by_its_name() {
        for name in Name::ALL.into_iter().chain([Name::Matching, Name::Merging, Name::Devices]) {
            assert_eq!(Name::parse(name.name()).unwrap(), [name]);
        }
        assert_eq!(Name::parse("all").unwrap(), Name::ALL);
    }

    #[test]
    fn an_unknown_name_is_answered_with_those_that_exist() {
        let message = Name::parse("mlp").unwrap_err().to_string();
        assert!(
            message.contains("'mlp'") && message.contains("mlp-step") && message.contains("all"),
            "{message}"
        );
    }

    #[test]
    fn data_must_be_known_and_there() {
        let folder = tempfile::tempdir().unwrap();
        let specs = ["mnist", "cifar10"].map(|name| format!("{name}:{}", folder.path().display()));
        let there = Some(folder.path().to_owned());
        assert_eq!(data_folders(&specs).unwrap(), [there.clone(), there.clone()]);
        assert_eq!(data_folders(&specs[1..]).unwrap(), [None, there]);
        for wrong in ["digits", "mnist:", "mnist:/no/such/folder", "cifar100:/"] {
            let error = data_folders(&[wrong.to_owned()]).unwrap_err().to_string();
            assert!(error.contains(&format!("found '{wrong}'")), "{error}");
        }
    }

    #[test]
    fn every_part_is_found_by_its_name() {
        for part in Part::ALL {
            assert_eq!(Part::parse(part.name()), Some(part));
        }
        assert_eq!(Part::parse("vgg"), None);
    }

    #[test]
    fn names_read_the_same_in_json() {
        for name in Name::ALL {
            assert_eq!(serde_json::to_value(name).unwrap(), name.name());
        }
    }
}
