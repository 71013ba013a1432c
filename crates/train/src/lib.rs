//! Training: one graph for each step, a loop over epochs, and a run folder that survives interruption.
//!
//! [`train`] runs a [`Job`]. What it writes into the run folder:
//!
//! | file | contents |
//! |---|---|
//! | `run.json` | a [`Summary`]: configuration, versions, status, final scores; written first and updated when the status changes |
//! | `log.jsonl` | one [`Record`] for each epoch, a JSON object a line, appended when the epoch ends |
//! | `checkpoint.safetensors` | parameters, optimiser state, running statistics and progress of an unfinished run; removed when it finishes |
//! | `model.safetensors` | the trained parameters, the running statistics and how the network reads its data ([`data::Input`]); there exactly when the run has finished |
//!
//! Everything but the log is replaced whole or not at all, and a checkpoint holds the records of all epochs
//! before it, from which the log is restored. So a run that was stopped or killed at any moment and then resumed
//! ends with the same bits as one that was not. The bits depend on the configuration, the data and the executor,
//! not on the number of threads, and not on when checkpoints are written.

mod checkpoint;
mod config;
mod error;
mod folder;
mod job;
mod keeper;
mod observer;
mod plan;
mod progress;
mod record;
mod scorer;
mod session;
mod step;
mod summary;

pub use config::Config;
pub use error::TrainError;
pub use folder::{CHECKPOINT_FILE, LOG_FILE, MODEL_FILE, RUN_FILE, read_log};
pub use job::{Job, Outcome, Start, train};
pub use observer::{Observer, Step};
pub use record::{Record, Score};
pub use summary::{Divergence, Scores, Status, Summary};
