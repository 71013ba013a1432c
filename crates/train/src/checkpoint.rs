//! Checkpoints: the state of an unfinished run in one file.

use std::{collections::BTreeMap, path::Path};

use models::{Params, weights};
use tensor::{DType, Tensor};

use crate::{TrainError, folder::CHECKPOINT_FILE, plan::Plan, progress::Progress};

/// Metadata key of the [`Progress`], as JSON.
pub(crate) const PROGRESS: &str = "isoloss.progress";
/// Metadata key of the configuration, as JSON.
pub(crate) const TRAINING: &str = "isoloss.training";

/// Writes a checkpoint whole or not at all, and hands the state back.
pub(crate) fn write(
    run_folder: &Path,
    plan: &Plan,
    state: Vec<Tensor>,
    progress: &Progress,
) -> Result<Vec<Tensor>, TrainError> {
    let progress = serde_json::to_string(progress).map_err(|source| TrainError::Json { source })?;
    let metadata =
        BTreeMap::from([(PROGRESS.to_owned(), progress), (TRAINING.to_owned(), plan.config.identity()?)]);
    let tensors = Params::from_pairs(plan.state().into_iter().map(|(name, _)| name).zip(state));
    weights::save(&run_folder.join(CHECKPOINT_FILE), &tensors, &metadata)?;
    Ok(tensors.into_values())
}

/// Reads the checkpoint of a run, checked against what the run is.
pub(crate) fn read(run_folder: &Path, plan: &Plan) -> Result<(Vec<Tensor>, Progress), TrainError> {
    let path = run_folder.join(CHECKPOINT_FILE);
    let damaged = |expected: &str, found: String| TrainError::Damaged {
        path: path.clone(),
        expected: expected.to_owned(),
        found,
    };
    let loaded = weights::load(&path)?;
    let get = |key: &str| {
        loaded
            .metadata
            .get(key)
            .ok_or_else(|| damaged("a checkpoint of a training", format!("no metadata '{key}'")))
    };
    if *get(TRAINING)? != plan.config.identity()? {
        return Err(damaged("a checkpoint of this run", format!("one of {}", get(TRAINING)?)));
    }
    let progress: Progress = serde_json::from_str(get(PROGRESS)?)
        .map_err(|error| damaged("the progress of a run", error.to_string()))?;
    if !progress.is_possible(plan.horizon) {
        return Err(damaged("a progress within the run", get(PROGRESS)?.clone()));
    }
    let state = plan.state().into_iter().map(|(name, shape)| match loaded.params.get(&name) {
        Some(tensor) if *tensor.shape() == shape && tensor.dtype() == DType::F32 => Ok(tensor.clone()),
        Some(tensor) => {
            Err(damaged(&format!("{name} of f32{shape}"), format!("{}{}", tensor.dtype(), tensor.shape())))
        }
        None => Err(damaged(&format!("a tensor {name}"), "none".to_owned())),
    });
    Ok((state.collect::<Result<_, _>>()?, progress))
}
