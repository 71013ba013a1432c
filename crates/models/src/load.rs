//! Models from files.

use std::path::{Path, PathBuf};

use crate::{
    Model, ModelError, Params,
    weights::{self, MODEL_KEY},
};

/// The name of the weights file in a run folder.
pub const RUN_WEIGHTS: &str = "model.safetensors";

/// Loads a network: from a run folder (its [`RUN_WEIGHTS`]) or from a weights file. The architecture is
/// `spec_override` where given, else the one that the file's metadata names. The parameters come back in the
/// model's order and checked by [`Model::check`].
///
/// # Errors
/// [`ModelError::NotARun`] for a folder without weights, [`ModelError::NoArchitecture`] where neither the file
/// nor the caller names a model, [`ModelError::InFile`] where the weights do not fit it or are not finite, and
/// those of [`weights::load`] and [`Model::parse`].
pub fn load_model(path: &Path, spec_override: Option<&str>) -> Result<(Model, Params), ModelError> {
    let file = weights_file(path)?;
    let checkpoint = weights::load(&file)?;
    let in_file = |source| ModelError::InFile { path: file.clone(), source: Box::new(source) };
    let model = match (spec_override, checkpoint.metadata.get(MODEL_KEY)) {
        (Some(spec), _) => Model::parse(spec)?,
        (None, Some(spec)) => Model::parse(spec).map_err(in_file)?,
        (None, None) => return Err(ModelError::NoArchitecture { path: file, key: MODEL_KEY }),
    };
    let params = model.arrange(checkpoint.params).map_err(in_file)?;
    Ok((model, params))
}

/// The weights file that a path given by a person stands for.
fn weights_file(path: &Path) -> Result<PathBuf, ModelError> {
    if !path.is_dir() {
        return Ok(path.to_owned());
    }
    let file = path.join(RUN_WEIGHTS);
    if file.is_file() {
        Ok(file)
    } else {
        Err(ModelError::NotARun { path: path.to_owned(), file: RUN_WEIGHTS })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use tensor::{Key, Tensor};

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
            error.contains(
                "parameter '0.weight' does not fit model mlp:4-5-2: expected shape [5, 4], found [3, 4]"
            ),
            "{error}"
        );
        let error = loaded(&params(), &metadata(SPEC), Some("mlp:4-3-2-2")).unwrap_err();
        assert!(error.contains("parameter '4.weight' [2, 2] of model mlp:4-3-2-2 is missing"), "{error}");
        let error = loaded(&params(), &metadata(SPEC), Some("mlp:4-2")).unwrap_err();
        assert!(
            error.contains("model mlp:4-2 has no parameter '2.weight'; it has 0.weight, 0.bias"),
            "{error}"
        );
        let error = loaded(&params(), &metadata("mpl:4-3-2"), None).unwrap_err();
        assert!(error.contains("model.safetensors: there is no architecture called 'mpl'"), "{error}");
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
