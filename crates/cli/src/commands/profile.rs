//! `isoloss profile`: where the time of a run goes.

use std::path::PathBuf;

use bench::Peak;
use clap::Args;
use serde_json::{Value, json};

use super::Run;
use crate::{
    common::Common,
    failure::Failure,
    footprint::Footprint,
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
    /// Tell by how much the process grows at most for two runs, instead of times. Of --linear, for both halves
    #[arg(long, conflicts_with_all = ["runs", "rows", "out"])]
    memory: bool,
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
        self.common.clone()
    }

    fn run(&self, session: &Session) -> Result<Outcome, Failure> {
        self.out.as_deref().map_or(Ok(()), place::check_folder)?;
        let problem = self.graph.problem()?;
        if self.memory {
            return Ok(memory(&problem.title, &problem.footprint(session.cpu("profile")?, session.key())?));
        }
        let arguments = problem.arguments(session.cpu("profile")?, session.key())?;
        let runs = self.runs as usize;
        let mut profile = Timing::measure(session.cpu("profile")?, &problem.graph, &arguments, runs)?;
        profile.set_floors(Peak::measure(session.executor())?);
        let report = profile.report(&problem.title, self.rows);
        let text = report::text::report(&report);
        if let Some(folder) = &self.out {
            let whole = profile.report(&problem.title, usize::MAX);
            place::write_folder(folder, &report::bundle(&stamp::stamped(whole, session))?)?;
        }
        Ok(Outcome { answer: Answer::Yes, text, json: json(&problem.title, &profile) })
    }
}

fn memory(title: &str, found: &Footprint) -> Outcome {
    let mebi = |bytes: f64| format!("{:.1} MiB", bytes / f64::from(1 << 20));
    let growth =
        found.growth_bytes.map_or_else(|| "not told by the system".to_owned(), |bytes| mebi(bytes as f64));
    let text = format!(
        "{title}\n\ngrowth of the process  {growth}\nworking memory         {}\nresiduals of the point {}\n",
        mebi(found.workspace_bytes as f64),
        mebi(found.residual_bytes as f64),
    );
    let json = json!({
        "title": title,
        "growth_bytes": found.growth_bytes,
        "workspace_bytes": found.workspace_bytes,
        "residual_bytes": found.residual_bytes,
    });
    Outcome { answer: Answer::Yes, text, json }
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
