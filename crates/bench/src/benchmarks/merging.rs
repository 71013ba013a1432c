//! Merging two checkpoints by recipes, the whole command, beside mergekit and beside moving the bytes.

mod files;
mod process;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use isoloss::tensor::Stored;
use serde_json::{Value, json};

use self::{
    files::Files,
    process::{Usage, measured},
};
use super::temporary_folder;
use crate::{
    BenchError, Benchmark, Bound, Case, Floor, Name, Target,
    measure::{Played, Stage, median},
    peer::Call,
};

const SCRIPT: &str = "mergekit_merge.py";

/// The peer.
const PEER: &str = "mergekit";

/// The peer's turn with nothing in the page cache.
const COLD_PEER: &str = "mergekit, cold";

/// Bytes of tensors in a file, where nothing else is said: 336.5 million parameters in 16 bits.
const BYTES: usize = 673_000_000;

/// Timed merges of each recipe in a turn.
const RUNS: usize = 3;

/// Starting and ending the program.
const START: &str = "start-up";

/// A recipe and what it should keep.
struct Recipe {
    name: &'static str,
    text: &'static str,
    /// The files that are read.
    reads: usize,
    /// Of the time to move the bytes.
    floors: Option<f64>,
    /// Of the peer's time.
    time: Option<f64>,
    /// Of the peer's processor time.
    processor: Option<f64>,
}

/// The models stand for `@a`, `@b` and `@base`, so for both sides.
const RECIPES: [Recipe; 4] = [
    Recipe {
        name: "linear",
        text: "merge_method: linear\nmodels:\n- model: '@a'\n  parameters: {weight: 0.6}\n- model: '@b'\n  parameters: {weight: 0.4}\n",
        reads: 2,
        floors: Some(1.5),
        time: Some(0.1),
        processor: None,
    },
    Recipe {
        name: "slerp",
        text: "merge_method: slerp\nbase_model: '@a'\nparameters: {t: 0.4}\nmodels:\n- model: '@a'\n- model: '@b'\n",
        reads: 2,
        floors: None,
        time: None,
        processor: None,
    },
    Recipe {
        name: "ties",
        text: "merge_method: ties\nbase_model: '@base'\nparameters: {weight: 0.5, density: 0.5}\nmodels:\n- model: '@a'\n- model: '@b'\n",
        reads: 3,
        floors: Some(4.0),
        time: None,
        processor: Some(0.05),
    },
    Recipe {
        name: "dare_ties",
        text: "merge_method: dare_ties\nbase_model: '@base'\nparameters: {weight: 0.5, density: 0.5}\nmodels:\n- model: '@a'\n- model: '@b'\n",
        reads: 3,
        floors: Some(4.0),
        time: None,
        processor: Some(0.05),
    },
];

/// The most bytes that ours holds, in every recipe.
const MOST_MEGABYTES: f64 = 600.0;

/// What ours did: for each recipe, and for moving its bytes.
#[derive(Default)]
struct Found {
    merges: [Vec<Usage>; RECIPES.len()],
    floors: [Vec<Usage>; RECIPES.len()],
}

pub(super) fn run(stage: &mut Stage<'_>) -> Result<Benchmark, BenchError> {
    let folder = temporary_folder()?;
    let bytes = stage.options.file_bytes.unwrap_or(BYTES);
    let files = Files::write(folder.path(), bytes)?;
    let recipes = recipes(folder.path(), &files)?;
    let (mut warm, mut starts) = (Found::default(), Vec::new());
    let played =
        stage.play(Name::Merging.name(), vec![call(PEER, &recipes, &files, false)], |stage, _| {
            let program = &stage.options.program;
            starts.push(measured(Command::new(program).arg("--help"))?);
            (0..RUNS).try_for_each(|_| turn(stage, &files, &recipes, &mut warm, false))
        })?;
    // Once with nothing in the page cache, both sides.
    stage.announce(Name::Merging.name(), stage.options.rounds - 1, "isoloss, cold");
    let mut cold = Found::default();
    turn(stage, &files, &recipes, &mut cold, true)?;
    let cold_played = cold_turn(stage, &recipes, &files, &played)?;
    let mut cases = vec![Case::new(START, times(&starts), &played)?];
    cases.extend(warm.cases("", bytes, &played)?);
    cases.extend(cold.cases(", cold", bytes, &cold_played)?);
    let targets = warm.targets(&played);
    let checks = json!({
        "file_bytes": bytes,
        "parameters": bytes / Stored::BF16.size_bytes(),
        "warm": warm.checks(),
        "cold": cold.checks(),
        "cold_by": "posix_fadvise(POSIX_FADV_DONTNEED) on every model after fsync, by dd iflag=nocache",
    });
    let title = "merging two files of 16-bit floats by recipes, the whole command";
    let all: Vec<Played> = played.into_iter().chain(cold_played).collect();
    Ok(Benchmark::new(Name::Merging, title, cases, &all, targets, checks))
}

/// The recipes as files that both sides read.
fn recipes(folder: &Path, files: &Files) -> Result<Vec<PathBuf>, BenchError> {
    let write = |recipe: &Recipe| {
        let path = folder.join(format!("{}.yaml", recipe.name));
        fs::write(&path, files.placed(recipe.text)).map_err(|source| BenchError::Temporary { source })?;
        Ok(path)
    };
    RECIPES.iter().map(write).collect()
}

fn call(name: &'static str, recipes: &[PathBuf], files: &Files, cold: bool) -> Call {
    let mut call = Call::new(name, SCRIPT, if cold { &["--cold"] } else { &[] });
    for (option, paths) in [("--recipes", recipes), ("--models", &files.all()[..])] {
        call.arguments.push(option.into());
        call.arguments.extend(paths.iter().map(Into::into));
    }
    call
}

/// The peer once more, if it is there.
fn cold_turn(
    stage: &mut Stage<'_>,
    recipes: &[PathBuf],
    files: &Files,
    played: &[Played],
) -> Result<Vec<Played>, BenchError> {
    if played.iter().any(|side| side.absent.is_some()) {
        return Ok(Vec::new());
    }
    stage.announce(Name::Merging.name(), stage.options.rounds - 1, COLD_PEER);
    let call = call(COLD_PEER, recipes, files, true);
    let report = match stage.peers.ask(&call)? {
        crate::peer::Answer::Present(report) => report,
        crate::peer::Answer::Absent(_) => return Ok(Vec::new()),
    };
    Ok(vec![Played { call, reports: vec![report], absent: None }])
}

/// The bytes of each recipe, and its merge.
fn turn(
    stage: &Stage<'_>,
    files: &Files,
    recipes: &[PathBuf],
    found: &mut Found,
    cold: bool,
) -> Result<(), BenchError> {
    for (index, (recipe, path)) in RECIPES.iter().zip(recipes).enumerate() {
        let ready = || if cold { files.evict() } else { Ok(()) };
        ready()?;
        found.floors[index].push(files.moved(recipe.reads)?);
        ready()?;
        let out = path.with_extension("isoloss");
        let mut command = Command::new(&stage.options.program);
        command.arg("merge").arg(path).arg("--out").arg(&out);
        command.args(["--threads", &stage.peers.threads.to_string(), "--quiet"]);
        found.merges[index].push(measured(&mut command)?);
        fs::remove_dir_all(&out).map_err(|source| BenchError::Temporary { source })?;
    }
    Ok(())
}

fn times(usages: &[Usage]) -> Vec<f64> {
    usages.iter().map(|usage| usage.ms).collect()
}

fn processor(usages: &[Usage]) -> f64 {
    median(&usages.iter().map(|usage| usage.cpu_seconds).collect::<Vec<_>>())
}

impl Found {
    fn cases(&self, suffix: &str, bytes: usize, played: &[Played]) -> Result<Vec<Case>, BenchError> {
        let each = RECIPES.iter().zip(&self.merges).zip(&self.floors);
        each.map(|((recipe, merges), floors)| {
            let case = Case::new(format!("{}{suffix}", recipe.name), times(merges), played)?;
            let (read, written) = (recipe.reads as f64 * bytes as f64 / 1e9, bytes as f64 / 1e9);
            let how = format!("reading {read:.2} GB, writing and syncing {written:.2} GB, measured in turn");
            Ok(Case { floor: Some(Floor { ms: median(&times(floors)), how }), ..case })
        })
        .collect()
    }

    fn targets(&self, played: &[Played]) -> Vec<Target> {
        let mut targets = Vec::new();
        for ((recipe, merges), floors) in RECIPES.iter().zip(&self.merges).zip(&self.floors) {
            let (ours, cpu) = (median(&times(merges)), processor(merges));
            let mut add = |what: &str, measured: Option<f64>, most: Option<f64>| {
                let what = format!("{}: {what}", recipe.name);
                targets.extend(most.map(|most| Target::strict(what, measured, Bound::at_most(most))));
            };
            add("of the time to move the bytes", Some(ours / median(&times(floors))), recipe.floors);
            add("of mergekit's time", peers(played, recipe.name, "runs_ms").map(|ms| ours / ms), recipe.time);
            let theirs = peers(played, recipe.name, "cpu_seconds");
            add("of mergekit's processor time", theirs.map(|theirs| cpu / theirs), recipe.processor);
            let peak = merges.iter().filter_map(|usage| usage.peak_bytes).max();
            let what = format!("{}: the most memory, MB", recipe.name);
            let megabytes = peak.map(|bytes| bytes as f64 / 1e6);
            targets.push(Target::new(what, megabytes, Bound::below(MOST_MEGABYTES)));
        }
        targets
    }

    fn checks(&self) -> Value {
        let each = RECIPES.iter().zip(&self.merges).zip(&self.floors);
        let each = each.map(|((recipe, merges), floors)| {
            (recipe.name.to_owned(), json!({ "isoloss": merges, "moving_bytes": floors }))
        });
        Value::Object(each.collect())
    }
}

/// The median of what the peer says of a recipe, over all rounds.
fn peers(played: &[Played], recipe: &str, what: &str) -> Option<f64> {
    let reports = played.iter().flat_map(|side| &side.reports);
    let cases = reports.flat_map(|report| report.raw["cases"].as_array().into_iter().flatten());
    let of_recipe = cases.filter(|case| case["name"] == recipe);
    let values: Vec<f64> = of_recipe
        .flat_map(|case| case[what].as_array().into_iter().flatten())
        .filter_map(Value::as_f64)
        .collect();
    (!values.is_empty()).then(|| median(&values))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(ms: f64, cpu_seconds: f64) -> Usage {
        Usage { ms, cpu_seconds, peak_bytes: Some(100_000_000) }
    }

    fn found(ties: &Usage) -> Found {
        let merge = |recipe: &Recipe| if recipe.name == "ties" { ties.clone() } else { usage(140.0, 0.1) };
        Found {
            merges: RECIPES.each_ref().map(|recipe| vec![merge(recipe)]),
            floors: RECIPES.each_ref().map(|_| vec![usage(100.0, 0.1)]),
        }
    }

    #[test]
    fn an_absent_peer_is_a_miss() {
        let targets = found(&usage(390.0, 1.0)).targets(&[]);
        let missed: Vec<&str> =
            targets.iter().filter(|target| target.met != Some(true)).map(|target| &target.what[..]).collect();
        assert_eq!(
            missed,
            [
                "linear: of mergekit's time",
                "ties: of mergekit's processor time",
                "dare_ties: of mergekit's processor time"
            ]
        );
    }

    #[test]
    fn what_takes_longer_than_its_share_of_moving_bytes_is_missed() {
        let missed = |ms| {
            let targets = found(&usage(ms, 1.0)).targets(&[]);
            let target =
                targets.into_iter().find(|target| target.what == "ties: of the time to move the bytes");
            target.unwrap().met
        };
        assert_eq!([missed(390.0), missed(410.0)], [Some(true), Some(false)]);
    }

    #[test]
    fn files_are_made_moved_and_evicted() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::write(folder.path(), 1 << 22).unwrap();
        let lengths: Vec<u64> = files.all().iter().map(|file| fs::metadata(file).unwrap().len()).collect();
        assert!(lengths.iter().all(|length| (4_000_000..4_400_000).contains(length)), "{lengths:?}");
        files.evict().unwrap();
        let usage = files.moved(3).unwrap();
        assert!(usage.ms > 0.0);
        assert!(files.placed(RECIPES[2].text).contains(&folder.path().display().to_string()));
    }
}
