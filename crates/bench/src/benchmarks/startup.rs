//! Starting the program, and its size.

use std::{fs, process::Command};

use serde_json::json;

use super::finish;
use crate::{
    BenchError, Benchmark, Bound, Case, Name, Target,
    measure::{Stage, time_ms},
};

/// Starts in a turn.
const RUNS: usize = 20;

/// Bytes in the megabyte of the target.
const MEGABYTE: f64 = 1e6;

pub(super) fn run(stage: &mut Stage<'_>) -> Result<Benchmark, BenchError> {
    let program = stage.options.program.clone();
    let mut times = Vec::new();
    stage.play(Name::Startup.name(), Vec::new(), |_, _| {
        for _ in 0..RUNS {
            let (ms, output) = time_ms(|| finish(Command::new(&program).arg("--help")));
            output?;
            times.push(ms);
        }
        Ok(())
    })?;
    let bytes = match fs::metadata(&program) {
        Ok(metadata) => metadata.len(),
        Err(source) => return Err(BenchError::Read { path: program, source }),
    };
    let case = Case::new("isoloss --help", times, &[])?;
    let targets = vec![
        Target::new("isoloss --help, ms", Some(case.ours.median_ms), Bound::below(10.0)),
        Target::new("the program's size, MB", Some(bytes as f64 / MEGABYTE), Bound::below(30.0)),
    ];
    let checks = json!({ "program_bytes": bytes });
    Ok(Benchmark::new(Name::Startup, "starting the program", vec![case], &[], targets, checks))
}
