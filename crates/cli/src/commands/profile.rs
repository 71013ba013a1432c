//! `isoloss profile`: where the time of a run goes.

use std::path::PathBuf;

use bench::Peak;
use clap::Args;
use serde_json::{Value, json};

use super::Run;
use crate::{
    common::Common,
    failure::Failure,
    graphs::GraphFlags,
    outcome::{Answer, Outcome},
    place,
    profiling::{Step, Timing},
    session::Session,
    stamp,
};

/// Show where the time of a network's graph goes, step by step
///
/// A step is what the executor runs at once: a fused loop, a product, a convolution. Its floor is the time that its
/// arithmetic takes at the rate of a large matrix product, or that its bytes take at the rate of a large sum, whichever is
/// longer; both rates are measured first. The arithmetic that counts is that of sums of products.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  isoloss profile --model mlp:784-512-512-512-10 --batch 500 --hvp
  isoloss profile --model mlp:784-512-512-512-10 --batch 500 --grad --threads 1 --rows 10
  isoloss profile --graph gradient.txt --out profile --json")]
pub(crate) struct Profile {
    /// Timed runs, of which the shortest time of each step counts; two more come before them
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Rows of the table, the slowest first; --json has all
    #[arg(long, value_name = "N", default_value_t = 30)]
    rows: usize,
    /// Folder for a report with a flame chart: report.html, report.json
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    graph: GraphFlags,
    #[command(flatten)]
    common: Common,
}

impl Run for Profile {
    fn common(&self) -> Common {
        self.common
    }

    fn run(&self, session: &Session) -> Result<Outcome, Failure> {
        self.out.as_deref().map_or(Ok(()), place::check_folder)?;
        let problem = self.graph.problem()?;
        let arguments = problem.arguments(&session.executor, session.key())?;
        let runs = self.runs as usize;
        let mut profile = Timing::measure(&session.executor, &problem.graph, &arguments, runs)?;
        profile.set_floors(Peak::measure(&session.executor)?);
        let report = profile.report(&problem.title, self.rows);
        let text = report::text::report(&report);
        if let Some(folder) = &self.out {
            let whole = profile.report(&problem.title, usize::MAX);
            place::write_folder(folder, &report::bundle(&stamp::stamped(whole, session))?)?;
        }
        Ok(Outcome { answer: Answer::Yes, text, json: json(&problem.title, &profile) })
    }
}

fn json(title: &str, profile: &Timing) -> Value {
    json!({
        "title": title,
        "threads": isoloss::tensor::parallel::threads(),
        "run_ms": profile.run_ms,
        "steps_ms": profile.steps_ms(),
        "floor_ms": profile.floor_ms(),
        "peak": profile.peak,
        "workspace_bytes": profile.workspace_bytes,
        "steps": profile.steps.iter().map(step).collect::<Vec<_>>(),
    })
}

fn step(step: &Step) -> Value {
    json!({
        "what": step.what,
        "values": step.values,
        "primitives": step.primitives,
        "ms": step.ms,
        "floor_ms": step.floor_ms,
        "bound": step.bound.name(),
        "product_flops": step.product_flops,
        "other_flops": step.other_flops,
        "bytes": step.bytes,
    })
}
