//! The files of a run folder.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use crate::{Record, TrainError};

/// The summary of a run; see [`crate::Summary`].
pub const RUN_FILE: &str = "run.json";
/// The log: one [`Record`] a line.
pub const LOG_FILE: &str = "log.jsonl";
/// The state of an unfinished run.
pub const CHECKPOINT_FILE: &str = "checkpoint.safetensors";
/// The parameters after the last step.
pub const MODEL_FILE: &str = models::RUN_WEIGHTS;
/// The parameters after the best epoch.
pub const BEST_FILE: &str = "best.safetensors";
/// The exponential moving average of the parameters.
pub const EMA_FILE: &str = "ema.safetensors";
/// The even average of the parameters after the last epochs.
pub const SWA_FILE: &str = "swa.safetensors";
/// The log as events for TensorBoard, which looks for such names.
pub const EVENTS_FILE: &str = "events.out.tfevents.isoloss";

/// The parameters after this epoch, where [`crate::Config::snapshots`] has it.
#[must_use]
pub fn snapshot_file(epoch: usize) -> String {
    format!("epoch-{epoch}.safetensors")
}

/// The first file of a run that `folder` holds, if any.
pub(crate) fn find_run(folder: &Path) -> Option<&'static str> {
    let files = [RUN_FILE, MODEL_FILE, CHECKPOINT_FILE, LOG_FILE, BEST_FILE, EMA_FILE, SWA_FILE, EVENTS_FILE];
    files.into_iter().find(|file| folder.join(file).exists())
}

pub(crate) fn read_text(path: &Path) -> Result<String, TrainError> {
    fs::read_to_string(path).map_err(|source| TrainError::Read { path: path.to_owned(), source })
}

/// Reads the log of a run folder. A last line without its end, as a killed run may leave, is not read.
///
/// # Errors
/// [`TrainError::Read`] where the file cannot be read, [`TrainError::Damaged`] for a line that is no record.
pub fn read_log(run_folder: &Path) -> Result<Vec<Record>, TrainError> {
    let path = run_folder.join(LOG_FILE);
    let text = read_text(&path)?;
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().enumerate().map(|(index, line)| read_record(&path, index, line)).collect()
}

fn read_record(path: &Path, index: usize, line: &str) -> Result<Record, TrainError> {
    serde_json::from_str(line).map_err(|error| TrainError::Damaged {
        path: path.to_owned(),
        expected: format!("the record of an epoch on line {}", index + 1),
        found: error.to_string(),
    })
}

/// Replaces the log by these records.
pub(crate) fn write_log(run_folder: &Path, records: &[Record]) -> Result<(), TrainError> {
    let lines = records.iter().map(line).collect::<Result<String, _>>()?;
    Ok(tensor::atomic_file::write(&run_folder.join(LOG_FILE), lines.as_bytes())?)
}

/// Adds one record to the log.
pub(crate) fn append_log(run_folder: &Path, record: &Record) -> Result<(), TrainError> {
    append(run_folder.join(LOG_FILE), line(record)?.as_bytes())
}

/// Adds bytes to a file that is there.
pub(crate) fn append(path: PathBuf, bytes: &[u8]) -> Result<(), TrainError> {
    let appended = OpenOptions::new().append(true).open(&path).and_then(|mut file| file.write_all(bytes));
    appended.map_err(|source| TrainError::Append { path, source })
}

fn line(record: &Record) -> Result<String, TrainError> {
    let mut line = serde_json::to_string(record).map_err(|source| TrainError::Json { source })?;
    line.push('\n');
    Ok(line)
}

/// Removes a file that may be absent.
pub(crate) fn remove(path: PathBuf) -> Result<(), TrainError> {
    match fs::remove_file(&path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(TrainError::Append { path, source }),
        _ => Ok(()),
    }
}
