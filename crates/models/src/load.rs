//! Models from files.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use tensor::Shape;
use weights::{MODEL_KEY, Mismatch, Reader, Renaming, is_counter};

use crate::{Model, ModelError, Params, hub, is_onnx};

/// Loads a network: from an ONNX file, or from weights of any format that [`Reader::open`] takes: a file, a run folder, a
/// folder of several files.
/// The architecture is `spec_override` where given, else the one that the metadata name, else that of the `config.json` beside
/// the weights, as the Hugging Face Hub has it. The parameters come back in the model's order and checked by [`Model::check`].
///
/// Where all names differ from the model's by a prefix or by `/` for `.`, they are renamed; PyTorch's counters of batches are
/// passed over, and what transformers stores beside the parameters it uses: masks, heads tied to an embedding, heads of
/// BERT's pretraining. Its old names `gamma` and `beta` of BERT's normalisations are taken for `weight` and `bias`.
///
/// # Errors
/// [`ModelError::Weights`] where the weights cannot be read, [`ModelError::NoArchitecture`] where neither the file nor the
/// caller names a model, [`ModelError::Config`] and [`ModelError::Read`] where a `config.json` names one that is not built here or
/// cannot be read, [`ModelError::InFile`] where the weights do not fit it or are not finite, and those of
/// [`Model::parse`].
pub fn load_model(path: &Path, spec_override: Option<&str>) -> Result<(Model, Params), ModelError> {
    if is_onnx(path) {
        return load_onnx(path, spec_override);
    }
    let reader = Reader::open(path)?;
    let file = file(&reader);
    let in_file = |source| ModelError::InFile { path: file.clone(), source: Box::new(source) };
    let model = match (spec_override, Model::from_metadata(reader.metadata())) {
        (Some(spec), _) => Model::parse(spec)?,
        (None, named) => match named.map_err(in_file)? {
            Some(model) => model,
            None => described(path, &reader)?
                .ok_or_else(|| ModelError::NoArchitecture { path: file.clone(), key: MODEL_KEY })?,
        },
    };
    let params = read(&model, &reader).map_err(in_file)?;
    Ok((model, params))
}

/// The network that a `config.json` beside the weights at `path`, which `reader` reads, describes as the Hugging Face Hub does;
/// `None` where there is no such file or it says of no network.
///
/// # Errors
/// [`ModelError::Read`] and [`ModelError::Config`] where the file cannot be read, or describes a network that is not built here.
pub fn described(path: &Path, reader: &Reader) -> Result<Option<Model>, ModelError> {
    let names: Vec<&str> = reader.entries().iter().map(|entry| entry.name.as_str()).collect();
    hub::model(path, &names)
}

/// The network of an ONNX file, or its weights in another architecture with the same names.
fn load_onnx(path: &Path, spec_override: Option<&str>) -> Result<(Model, Params), ModelError> {
    let (model, params) = Model::import(path)?;
    match spec_override {
        None => Ok((model, params)),
        Some(spec) => {
            let model = Model::parse(spec)?;
            let in_file = |source| ModelError::InFile { path: path.to_owned(), source: Box::new(source) };
            let params = model.arrange(params).map_err(in_file)?;
            Ok((model, params))
        }
    }
}

/// The file that messages name: the only one, or the folder or index of several.
fn file(reader: &Reader) -> PathBuf {
    let mut files = reader.files();
    match (files.next(), files.next()) {
        (Some(file), None) => file.to_owned(),
        _ => reader.path().to_owned(),
    }
}

/// For each of a model's parameters and buffers, in its order, the name of the tensor in `reader` that holds it. Names that
/// all differ from the model's by a prefix or by `/` for `.` are found, and PyTorch's counters of batches passed over.
///
/// # Errors
/// [`ModelError::Mismatch`] with all names and shapes that differ.
pub fn origins(model: &Model, reader: &Reader) -> Result<Vec<String>, ModelError> {
    let expected = model.entries();
    let is_expected = |name: &str| expected.iter().any(|(other, _)| other == name);
    let found: Vec<(&str, String, &Shape)> = reader
        .entries()
        .iter()
        .filter(|entry| {
            !is_counter(&entry.name) && (!hub::is_unused(&entry.name) || is_expected(&entry.name))
        })
        .map(|entry| (entry.name.as_str(), hub::today(&entry.name), &entry.shape))
        .collect();
    let names: Vec<&str> = found.iter().map(|(_, name, _)| name.as_str()).collect();
    let renaming =
        Renaming::find(&names, &expected.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>());
    let renamed: Vec<(String, Shape)> =
        found.iter().map(|(_, name, shape)| (renaming.apply(name), (*shape).clone())).collect();
    if let Some(mismatch) = Mismatch::between(&expected, &renamed) {
        return Err(ModelError::Mismatch { model: model.spec(), mismatch });
    }
    let origins: BTreeMap<&str, &str> =
        renamed.iter().zip(&found).map(|((name, _), (origin, ..))| (name.as_str(), *origin)).collect();
    Ok(expected.iter().map(|(name, _)| origins[&name[..]].to_owned()).collect())
}

/// The tensors of a model in its order, under its names.
fn read(model: &Model, reader: &Reader) -> Result<Params, ModelError> {
    let origins = origins(model, reader)?;
    let tensors = model.entries().into_iter().zip(origins);
    let tensors = tensors.map(|((name, _), origin)| Ok((name, reader.read(&origin)?)));
    let params = Params::from_pairs(tensors.collect::<Result<Vec<_>, ModelError>>()?);
    model.check(&params)?;
    Ok(params)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use tensor::{Key, Stored, Tensor};
    use weights::{Entry, RUN_WEIGHTS};

    use super::*;
    use crate::Init;

    const SPEC: &str = "mlp:4-3-2,act=tanh";

    fn metadata(spec: &str) -> BTreeMap<String, String> {
        [(MODEL_KEY.to_owned(), spec.to_owned())].into()
    }

    /// A run folder holding these parameters, and what loading it gives.
    fn loaded(
        params: &Params,
        metadata: &BTreeMap<String, String>,
        spec: Option<&str>,
    ) -> Result<(Model, Params), String> {
        let folder = tempfile::tempdir().unwrap();
        weights::save(&folder.path().join(RUN_WEIGHTS), params, metadata).unwrap();
        load_model(folder.path(), spec).map_err(|error| error.to_string())
    }

    fn params() -> Params {
        Model::parse(SPEC).unwrap().init(Init::PyTorch, Key::new(0))
    }

    #[test]
    fn a_run_folder_says_its_architecture() {
        let (model, read) = loaded(&params(), &metadata(SPEC), None).unwrap();
        assert_eq!((model.spec().as_str(), read), (SPEC, params()));
    }

    #[test]
    fn a_given_architecture_goes_before_the_file_s() {
        let (model, _) = loaded(&params(), &metadata(SPEC), Some("mlp:4-3-2")).unwrap();
        assert_eq!(model.spec(), "mlp:4-3-2");
    }

    #[test]
    fn parameters_come_back_in_the_model_s_order() {
        let mut pairs: Vec<_> =
            params().iter().map(|(name, tensor)| (name.to_owned(), tensor.clone())).collect();
        pairs.sort_by(|left, right| left.0.cmp(&right.0));
        assert_eq!(pairs[0].0, "0.bias");
        let (_, read) = loaded(&Params::from_pairs(pairs), &metadata(SPEC), None).unwrap();
        assert_eq!(read, params());
    }

    #[test]
    fn weights_without_an_architecture_ask_for_one() {
        let error = loaded(&params(), &BTreeMap::new(), None).unwrap_err();
        assert!(error.contains("model.safetensors does not say which model"), "{error}");
        assert!(error.contains("--model"), "{error}");
        assert!(loaded(&params(), &BTreeMap::new(), Some(SPEC)).is_ok());
    }

    #[test]
    fn weights_of_another_architecture_are_refused() {
        let error = loaded(&params(), &metadata(SPEC), Some("mlp:4-5-2")).unwrap_err();
        assert!(
            error.contains("the weights do not fit model mlp:4-5-2: 3 of another shape: '0.weight' (expected shape [5, 4], found [3, 4]), '0.bias'"),
            "{error}"
        );
        let error = loaded(&params(), &metadata(SPEC), Some("mlp:4-3-2-2")).unwrap_err();
        assert!(error.contains("2 missing: '4.weight' [2, 2], '4.bias' [2]"), "{error}");
        let error = loaded(&params(), &metadata(SPEC), Some("mlp:4-2")).unwrap_err();
        assert!(
            error.contains("2 unexpected: '2.weight' [2, 3], '2.bias' [2]; 2 of another shape: '0.weight'"),
            "{error}"
        );
        let error = loaded(&params(), &metadata("mpl:4-3-2"), None).unwrap_err();
        assert!(error.contains("model.safetensors: there is no architecture called 'mpl'"), "{error}");
    }

    #[test]
    fn a_prefix_or_slashes_of_all_names_do_not_matter() {
        let renamed = |name: &dyn Fn(&str) -> String| {
            Params::from_pairs(params().iter().map(|(old, tensor)| (name(old), tensor.clone())))
        };
        for other in [renamed(&|name| format!("net.{name}")), renamed(&|name| name.replace('.', "/"))] {
            assert_eq!(loaded(&other, &metadata(SPEC), None).unwrap().1, params());
        }
    }

    #[test]
    fn counters_are_passed_over_and_other_integers_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npz");
        for (name, fits) in [("1.num_batches_tracked", true), ("0.steps", false)] {
            let mut entries: Vec<Entry> = params()
                .iter()
                .map(|(name, tensor)| Entry {
                    name: name.to_owned(),
                    stored: Stored::F32,
                    shape: tensor.shape().clone(),
                })
                .collect();
            entries.push(Entry { name: name.to_owned(), stored: Stored::I64, shape: Shape::scalar() });
            weights::write(&path, &entries, &metadata(SPEC), &mut |entry| Ok(vec![0; entry.bytes()]))
                .unwrap();
            assert_eq!(load_model(&path, None).is_ok(), fits, "{name}");
        }
    }

    #[test]
    fn weights_that_are_not_finite_are_refused() {
        let mut params = params();
        params.get_mut("2.weight").unwrap().as_mut_slice::<f32>().unwrap()[4] = f32::NAN;
        let error = loaded(&params, &metadata(SPEC), None).unwrap_err();
        assert!(error.contains("parameter '2.weight'") && error.contains("element [1, 1] is NaN"), "{error}");
    }

    #[test]
    fn a_folder_that_is_no_run_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let error = load_model(folder.path(), None).unwrap_err().to_string();
        assert!(error.contains("is not a run folder: it has no file model.safetensors"), "{error}");
    }

    #[test]
    fn names_shapes_types_and_order_are_checked() {
        let model = Model::parse(SPEC).unwrap();
        let error = |params: &Params| model.check(params).unwrap_err().to_string();
        let mut pairs: Vec<_> =
            params().iter().map(|(name, tensor)| (name.to_owned(), tensor.clone())).collect();
        pairs.swap(0, 1);
        assert!(
            error(&Params::from_pairs(pairs.clone())).contains("wrong order: expected 0.weight, 0.bias, ")
        );
        pairs.push(("9.weight".to_owned(), Tensor::scalar(0f32)));
        assert!(error(&Params::from_pairs(pairs)).contains("has no parameter '9.weight'"));
        let mut wide = params();
        *wide.get_mut("0.bias").unwrap() = Tensor::full([3], 0f64);
        assert!(error(&wide).contains(
            "parameter '0.bias' of model mlp:4-3-2,act=tanh: expected elements of type f32, found f64"
        ));
    }
}
