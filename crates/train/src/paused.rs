//! An unfinished run outside of its loop: what it goes on from, to be looked at and to be moved.

use std::{collections::BTreeMap, path::Path};

use models::{Model, Params, weights};
use optim::{Horizon, Optimizer};

use crate::{
    Status, Summary, TrainError,
    averages::Average,
    checkpoint::PROGRESS,
    folder::{self, BEST_FILE, CHECKPOINT_FILE, RUN_FILE, snapshot_file},
    progress::Progress,
};

/// An unfinished run, as it stands on the disk. What a caller puts in the place of its tensors is what the run goes on from.
#[derive(Clone, Debug, PartialEq)]
pub struct Paused {
    /// The contents of `run.json`, with the epochs and steps of the checkpoint.
    pub summary: Summary,
    /// The architecture.
    pub model: Model,
    /// The parameters and buffers, as a network has them.
    pub params: Params,
    /// For each of [`Optimizer::slots`] the tensors of all parameters, with the names of these.
    pub slots: Vec<Params>,
    /// The averages of the parameters that the run keeps, by name: `ema`, `swa`.
    pub averages: BTreeMap<&'static str, Params>,
    /// The weights of earlier epochs that the run has kept, by file, with their buffers.
    pub kept: BTreeMap<String, Params>,
    /// What the checkpoint says besides tensors.
    progress: BTreeMap<String, String>,
    /// What each of the kept files says.
    metadata: BTreeMap<String, BTreeMap<String, String>>,
}

impl Paused {
    /// The unfinished run that a folder holds, if it holds one that has a checkpoint.
    ///
    /// # Errors
    /// [`TrainError::Damaged`] where the checkpoint lacks something, and where a file cannot be read.
    pub fn find(run_folder: &Path) -> Result<Option<Self>, TrainError> {
        let path = run_folder.join(CHECKPOINT_FILE);
        if !path.exists() || !run_folder.join(RUN_FILE).exists() {
            return Ok(None);
        }
        let mut summary = Summary::read(run_folder)?;
        let model = Model::parse(&summary.config.model)?;
        let optimizer: Optimizer = summary.config.optimizer.parse()?;
        let loaded = weights::load(&path)?;
        let damaged = |expected: String, found: &str| TrainError::Damaged {
            path: path.clone(),
            expected,
            found: found.to_owned(),
        };
        let progress = loaded.metadata.get(PROGRESS).map(|text| serde_json::from_str::<Progress>(text));
        let Some(Ok(progress)) = progress else {
            return Err(damaged("the progress of a run".to_owned(), "none that can be read"));
        };
        let steps_per_epoch = summary.train_examples.div_ceil(summary.config.batch.max(1)) as u64;
        let horizon = Horizon { steps_per_epoch, epochs: summary.config.epochs as u64 };
        (summary.epochs, summary.steps) = (progress.epoch(), progress.step(horizon));
        let names = |entries: Vec<(String, _)>| entries.into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        let (parameters, buffers) = (names(model.parameters()), names(model.buffers()));
        let part = |prefix: &str, names: &[String]| -> Result<Params, TrainError> {
            let of = |name: &String| match loaded.params.get(&format!("{prefix}/{name}")) {
                Some(tensor) => Ok((name.clone(), tensor.clone())),
                None => Err(damaged(format!("a tensor {prefix}/{name}"), "none")),
            };
            Ok(Params::from_pairs(names.iter().map(of).collect::<Result<Vec<_>, _>>()?))
        };
        let (own, running) = (part("parameter", &parameters)?, part("buffer", &buffers)?);
        let pairs = own.iter().chain(running.iter()).map(|(name, tensor)| (name, tensor.clone()));
        let slots = optimizer.slots().iter().map(|slot| part(slot, &parameters));
        let averages = Average::kept(&summary.config).into_iter();
        let averages = averages.map(|average| Ok((average.name(), part(average.name(), &parameters)?)));
        let mut paused = Self {
            params: Params::from_pairs(pairs),
            slots: slots.collect::<Result<_, _>>()?,
            averages: averages.collect::<Result<_, TrainError>>()?,
            kept: BTreeMap::new(),
            progress: loaded.metadata,
            metadata: BTreeMap::new(),
            summary,
            model,
        };
        paused.find_kept(run_folder)?;
        Ok(Some(paused))
    }

    fn find_kept(&mut self, run_folder: &Path) -> Result<(), TrainError> {
        let snapshots = self.summary.config.snapshots.iter().map(|&epoch| snapshot_file(epoch));
        for file in snapshots.chain([BEST_FILE.to_owned()]) {
            let path = run_folder.join(&file);
            if path.exists() {
                let loaded = weights::load(&path)?;
                self.kept.insert(file.clone(), self.model.arrange(loaded.params)?);
                self.metadata.insert(file, loaded.metadata);
            }
        }
        Ok(())
    }

    /// Writes the run into a folder that holds none, from where the same configuration resumes it; `run.json` comes last, so that what is
    /// half-written is no run.
    ///
    /// # Errors
    /// [`TrainError::RunExists`] where the folder holds a run, and where a file cannot be written.
    pub fn write(&self, run_folder: &Path) -> Result<(), TrainError> {
        if let Some(file) = folder::find_run(run_folder) {
            return Err(TrainError::RunExists { folder: run_folder.to_owned(), file });
        }
        for (file, params) in &self.kept {
            weights::save(&run_folder.join(file), params, &self.metadata[file])?;
        }
        weights::save(&run_folder.join(CHECKPOINT_FILE), &self.tensors(), &self.progress)?;
        Summary { status: Status::Interrupted, ..self.summary.clone() }.write(run_folder)
    }

    /// The tensors of the checkpoint.
    fn tensors(&self) -> Params {
        let buffers = self.model.buffers();
        let is_buffer = |name: &str| buffers.iter().any(|(buffer, _)| buffer == name);
        let own = self.params.iter().map(|(name, tensor)| {
            let prefix = if is_buffer(name) { "buffer" } else { "parameter" };
            (format!("{prefix}/{name}"), tensor.clone())
        });
        let under = |prefix: &str, params: &Params| -> Vec<_> {
            params.iter().map(|(name, tensor)| (format!("{prefix}/{name}"), tensor.clone())).collect()
        };
        let names = self.summary.config.optimizer.parse::<Optimizer>().map_or(&[][..], |o| o.slots());
        let slots = names.iter().zip(&self.slots).flat_map(|(slot, params)| under(slot, params));
        let averages = self.averages.iter().flat_map(|(name, params)| under(name, params));
        Params::from_pairs(own.chain(slots).chain(averages))
    }
}
