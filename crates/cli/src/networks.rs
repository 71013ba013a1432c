//! Networks given on the command line.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use isoloss::{
    data::{self, Input, Splits},
    models::{self, Model, Params, weights},
};

use crate::{
    failure::{CliError, Failure},
    hub,
};

/// The architecture of the networks on the command line.
#[derive(Debug, clap::Args)]
pub(crate) struct Architecture {
    /// Architecture, when the files do not name it
    #[arg(long = "model", visible_alias = "graph", id = "spec", value_name = "SPEC")]
    spec: Option<String>,
}

impl Architecture {
    /// The specification, if there is one.
    pub(crate) fn spec(&self) -> Option<&str> {
        self.spec.as_deref()
    }
}

/// A network that was read.
#[derive(Clone, Debug)]
pub(crate) struct Network {
    /// The argument, for messages and results.
    pub(crate) path: PathBuf,
    /// The architecture.
    pub(crate) model: Model,
    /// The weights.
    pub(crate) params: Params,
    /// How it reads its data, where its file says so.
    pub(crate) input: Option<Input>,
}

impl Network {
    /// Reads a network; `spec` goes before the architecture that the file names.
    pub(crate) fn load(path: &Path, spec: Option<&str>) -> Result<Self, Failure> {
        let (model, params) = models::load_model(path, spec)?;
        let input = read_input(path)?;
        Ok(Self { path: path.to_owned(), model, params, input })
    }

    /// How it reads data of this specification: as its file says, or a text with the tokenizer beside its weights.
    fn input_of(&self, spec: &str) -> Result<Option<Input>, Failure> {
        match &self.input {
            Some(input) => Ok(Some(input.clone())),
            None => hub::input(&self.path, spec),
        }
    }

    /// What the file of a network made from this one says about itself.
    pub(crate) fn metadata(&self) -> BTreeMap<String, String> {
        let input = self.input.as_ref().map(|input| (Input::KEY.to_owned(), input.to_json()));
        self.model.metadata().into_iter().chain(input).collect()
    }

    /// The argument as text.
    pub(crate) fn name(&self) -> String {
        self.path.display().to_string()
    }
}

/// Reads networks that must be of one architecture.
pub(crate) fn load_alike(paths: &[PathBuf], spec: Option<&str>) -> Result<Vec<Network>, Failure> {
    let networks = load(paths, spec)?;
    check_all_alike(&networks)?;
    Ok(networks)
}

/// Reads networks.
pub(crate) fn load(paths: &[PathBuf], spec: Option<&str>) -> Result<Vec<Network>, Failure> {
    paths.iter().map(|path| Network::load(path, spec)).collect()
}

/// Refuses networks that are not of one architecture.
pub(crate) fn check_all_alike(networks: &[Network]) -> Result<(), CliError> {
    networks.windows(2).try_for_each(|pair| check_alike(&pair[0], &pair[1]))
}

fn read_input(file: &Path) -> Result<Option<Input>, Failure> {
    if models::is_onnx(file) {
        return Ok(None);
    }
    let metadata = weights::metadata(file)?;
    let input = metadata.get(Input::KEY).map(|text| Input::from_json(text)).transpose();
    Ok(input.map_err(|source| CliError::Input { path: file.to_owned(), key: Input::KEY, source })?)
}

/// Loads a data set as these networks read theirs: with the normalisation and the vocabulary of their training.
pub(crate) fn load_data(spec: &str, networks: &[Network]) -> Result<Splits, Failure> {
    let inputs = networks.iter().map(|network| network.input_of(spec)).collect::<Result<Vec<_>, _>>()?;
    let splits = data::load(spec)?;
    if let Some(pair) = (1..inputs.len()).find(|&pair| inputs[pair - 1] != inputs[pair]) {
        return Err(CliError::Inputs { a: networks[pair - 1].name(), b: networks[pair].name() }.into());
    }
    match inputs.into_iter().next().flatten() {
        Some(input) => Ok(splits.read_as(&input)?),
        None => Ok(splits),
    }
}

/// The weights files that are read, which no result may replace.
pub(crate) fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let files = paths.iter().map(|path| weights::files(path)).collect::<Result<Vec<_>, _>>()?;
    Ok(files.concat())
}

fn check_alike(a: &Network, b: &Network) -> Result<(), CliError> {
    difference(a, b).map_or(Ok(()), |difference| Err(CliError::Architectures { difference }))
}

/// By what the architectures of two networks differ, if they do.
pub(crate) fn difference(a: &Network, b: &Network) -> Option<String> {
    if a.model == b.model {
        return None;
    }
    let both = format!("{} is {}, {} is {}", a.name(), a.model, b.name(), b.model);
    Some(match first_difference(&a.model, &b.model) {
        Some(first) => format!("{both}; {first}"),
        None => both,
    })
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
