//! Networks given on the command line.

use std::path::{Path, PathBuf};

use isoloss::models::{self, Model, Params};

use crate::{
    failure::{CliError, Failure},
    place,
};

/// A network that was read.
#[derive(Clone, Debug)]
pub(crate) struct Network {
    /// The argument, for messages and results.
    pub(crate) path: PathBuf,
    /// The architecture.
    pub(crate) model: Model,
    /// The weights.
    pub(crate) params: Params,
}

impl Network {
    /// Reads a network; `spec` goes before the architecture that the file names.
    pub(crate) fn load(path: &Path, spec: Option<&str>) -> Result<Self, Failure> {
        let (model, params) = models::load_model(path, spec)?;
        Ok(Self { path: path.to_owned(), model, params })
    }

    /// The argument as text.
    pub(crate) fn name(&self) -> String {
        self.path.display().to_string()
    }
}

/// Reads networks that must be of one architecture.
pub(crate) fn load_alike(paths: &[PathBuf], spec: Option<&str>) -> Result<Vec<Network>, Failure> {
    let networks = paths.iter().map(|path| Network::load(path, spec)).collect::<Result<Vec<_>, _>>()?;
    for pair in networks.windows(2) {
        check_alike(&pair[0], &pair[1])?;
    }
    Ok(networks)
}

/// The weights files that are read, which no result may replace.
pub(crate) fn files(paths: &[PathBuf]) -> Vec<PathBuf> {
    paths.iter().map(|path| place::weights_file(path)).collect()
}

fn check_alike(a: &Network, b: &Network) -> Result<(), CliError> {
    if a.model == b.model {
        return Ok(());
    }
    let both = format!("{} is {}, {} is {}", a.name(), a.model, b.name(), b.model);
    let difference = match first_difference(&a.model, &b.model) {
        Some(first) => format!("{both}; {first}"),
        None => both,
    };
    Err(CliError::Architectures { difference })
}

/// The first parameter by which two architectures differ, if they do not differ in functions alone.
fn first_difference(a: &Model, b: &Model) -> Option<String> {
    let (left, right) = (a.parameters(), b.parameters());
    let differs = left.iter().zip(&right).find(|(left, right)| left != right);
    if let Some(((name, shape), (other, other_shape))) = differs {
        return Some(format!("the first difference is {name} {shape} against {other} {other_shape}"));
    }
    let count = left.len().min(right.len());
    let (name, shape) = left.get(count).or(right.get(count))?;
    Some(format!("the first difference is {name} {shape}, which only one of them has"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn difference(a: &str, b: &str) -> Option<String> {
        first_difference(&Model::parse(a).unwrap(), &Model::parse(b).unwrap())
    }

    #[test]
    fn the_first_difference_is_named() {
        let shape = difference("mlp:64-32-10", "mlp:64-16-10").unwrap();
        assert_eq!(shape, "the first difference is 0.weight [32, 64] against 0.weight [16, 64]");
        let deeper = difference("mlp:4-4", "mlp:4-4-4").unwrap();
        assert_eq!(deeper, "the first difference is 2.weight [4, 4], which only one of them has");
        assert_eq!(difference("mlp:4-4-2", "mlp:4-4-2,act=tanh"), None);
    }
}
