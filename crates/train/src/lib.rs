//! Training: one graph for each step, a loop over epochs, and a run folder that survives interruption.
//!
//! [`train`] runs a [`Job`]. What it writes into the run folder:
//!
//! | file | contents |
//! |---|---|
//! | `run.json` | a [`Summary`]: configuration, versions, status, final scores; written first and updated when the status changes |
//! | `log.jsonl` | one [`Record`] for each epoch, a JSON object a line, appended when the epoch ends |
//! | `checkpoint.safetensors` | parameters, optimiser state, running statistics, averages and progress of an unfinished run; removed when it finishes |
//! | `model.safetensors` | the parameters after the last step, the running statistics and how the network reads its data ([`data::Input`]); there exactly when the run has finished |
//! | `best.safetensors` | the same after the best epoch so far, where [`Config::keep_best`] asks for it |
//! | `epoch-N.safetensors` | the same after epoch N, for each of [`Config::snapshots`] |
//! | `ema.safetensors`, `swa.safetensors` | averages of the parameters, with running statistics re-estimated on the training set ([`evaluate::Reestimator`]), where [`Config::ema`] and [`Config::swa`] ask for them; written when the run finishes |
//! | `events.out.tfevents.isoloss` | the log as TensorBoard reads it, where [`Config::tensorboard`] asks for it |
//!
//! Everything but the log and the events is replaced whole or not at all, and a checkpoint holds the records of all epochs
//! before it, from which the log is restored. So a run that was stopped or killed at any moment and then resumed
//! ends with the same bits as one that was not. The bits depend on the configuration, the data and the executor,
//! not on the number of threads, and not on when checkpoints are written.

mod averages;
mod checkpoint;
mod config;
mod curvature;
mod error;
mod events;
mod folder;
mod job;
mod keeper;
mod observer;
mod paused;
mod plan;
mod progress;
mod record;
mod scorer;
mod session;
mod step;
mod summary;
mod watched;

pub use config::Config;
pub use error::TrainError;
pub use folder::{
    BEST_FILE, CHECKPOINT_FILE, EMA_FILE, EVENTS_FILE, LOG_FILE, MODEL_FILE, RUN_FILE, SWA_FILE, read_log,
    snapshot_file,
};
pub use job::{Job, Outcome, Start, train};
pub use observer::{Observer, Step};
pub use paused::Paused;
pub use record::{Record, Score};
pub use summary::{Best, Divergence, Scores, Status, Summary};
