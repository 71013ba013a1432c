//! The times of a graph's steps beside the least that they could take.

use std::{collections::BTreeMap, time::Instant};

use bench::Peak;
use isoloss::{
    Cpu,
    graph::{Argument, Cost, Def, ExecError, Executor, Graph},
    tensor::Tensor,
};
use report::{Cell, Column, Entries, Flame, Frame, KeyValues, NumberFormat, Report, Section, Table};

/// Runs before those that count: the first touches memory, the second finds it in place.
const WARM_UP: usize = 2;

/// Where the time of a graph goes.
pub(crate) struct Timing {
    /// The steps in the order in which they run.
    pub(crate) steps: Vec<Step>,
    /// The shortest time of a whole run, in milliseconds.
    pub(crate) run_ms: f64,
    /// Working memory beyond arguments and results.
    pub(crate) workspace_bytes: usize,
    /// The rates that floors were computed with.
    pub(crate) peak: Option<Peak>,
}

/// What the executor runs at once.
pub(crate) struct Step {
    /// In the executor's words.
    pub(crate) what: String,
    /// Positions of the values that it computes.
    pub(crate) values: Vec<usize>,
    /// Names of the primitives that define them, the most frequent first.
    pub(crate) primitives: Vec<&'static str>,
    /// The shortest time.
    pub(crate) ms: f64,
    /// The least time.
    pub(crate) floor_ms: f64,
    /// What the floor is made of.
    pub(crate) bound: Limit,
    /// Arithmetic of sums of products.
    pub(crate) product_flops: f64,
    /// Other arithmetic.
    pub(crate) other_flops: f64,
    /// Bytes that must be read and written.
    pub(crate) bytes: f64,
}

/// What bounds a step's time from below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    /// Its arithmetic.
    Flops,
    /// Its memory traffic.
    Bytes,
}

impl Limit {
    /// One word.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Flops => "flops",
            Self::Bytes => "bytes",
        }
    }
}

impl Timing {
    /// Times whole runs, then each step; floors are zero until they are set.
    pub(crate) fn measure(
        executor: &Cpu,
        graph: &Graph,
        arguments: &[Tensor],
        runs: usize,
    ) -> Result<Self, ExecError> {
        let mut executable = executor.compile(graph, &[])?;
        let mut run_ms = f64::INFINITY;
        for run in 0..runs + WARM_UP {
            let arguments = arguments.iter().map(Argument::Borrowed).collect();
            let start = Instant::now();
            executable.run(arguments)?;
            run_ms = if run < WARM_UP { run_ms } else { run_ms.min(1e3 * start.elapsed().as_secs_f64()) };
        }
        let workspace_bytes = executable.workspace_bytes();
        drop(executable);
        let times = executor.profile(graph, &[], arguments, runs + WARM_UP)?;
        let steps = times.into_iter().map(|time| Step::new(graph, time)).collect();
        Ok(Self { steps, run_ms, workspace_bytes, peak: None })
    }

    /// Computes the floors for these rates.
    pub(crate) fn set_floors(&mut self, peak: Peak) {
        self.peak = Some(peak);
        for step in &mut self.steps {
            let (flops, bytes) = (peak.flops_ms(step.product_flops), peak.bytes_ms(step.bytes));
            step.floor_ms = flops.max(bytes);
            step.bound = if flops > bytes { Limit::Flops } else { Limit::Bytes };
        }
    }

    /// The times of all steps together.
    pub(crate) fn steps_ms(&self) -> f64 {
        self.steps.iter().map(|step| step.ms).sum()
    }

    /// The floors of all steps together.
    pub(crate) fn floor_ms(&self) -> f64 {
        self.steps.iter().map(|step| step.floor_ms).sum()
    }

    /// Everything for people, with at most so many rows in the table.
    pub(crate) fn report(&self, title: &str, rows: usize) -> Report {
        let section = Section::new("Steps").with_block(self.flame()).with_block(self.table(rows));
        Report::new("profile", title)
            .with_section(Section::new("Whole").with_block(KeyValues::new("", self.whole())))
            .with_section(section)
    }

    fn whole(&self) -> Entries {
        let ms = |ms: f64| format!("{ms:.3} ms");
        let rates = self.peak.map_or_else(String::new, |peak| {
            format!("{:.0} GFLOP/s, {:.1} GB/s", peak.gflops, peak.gbytes_per_second)
        });
        Entries::new()
            .with("run", ms(self.run_ms))
            .with("steps", format!("{} in {}", ms(self.steps_ms()), self.steps.len()))
            .with("floor", format!("{} at {rates}", ms(self.floor_ms())))
            .with("steps / floor", format!("{:.2}", self.steps_ms() / self.floor_ms()))
            .with("working memory", format!("{:.1} MiB", self.workspace_bytes as f64 / f64::from(1 << 20)))
    }

    /// The slowest steps first.
    fn table(&self, rows: usize) -> Table {
        let (ms, rate) = (NumberFormat::Fixed(4), NumberFormat::Fixed(1));
        let columns = [
            Column::number("ms", ms),
            Column::number("share", NumberFormat::Percent(1)),
            Column::number("floor, ms", ms),
            Column::number("ms / floor", NumberFormat::Fixed(2)),
            Column::text("bound"),
            Column::number("GFLOP/s", rate),
            Column::number("GB/s", rate),
            Column::text("values"),
            Column::text("step"),
        ];
        let mut steps: Vec<&Step> = self.steps.iter().collect();
        steps.sort_by(|one, other| other.ms.total_cmp(&one.ms));
        let left_out = steps.len().saturating_sub(rows);
        let table = steps.into_iter().take(rows).map(|step| step.row(self.steps_ms()));
        let table = table.fold(Table::new("", columns), Table::with_row);
        if left_out == 0 {
            table
        } else {
            table.with_caption(format!("{left_out} faster steps are not shown."))
        }
    }

    /// Steps by the first word of what they are, then by the primitive that they are mostly made of.
    fn flame(&self) -> Flame {
        let mut kinds: BTreeMap<&str, BTreeMap<&str, Vec<Frame>>> = BTreeMap::new();
        for step in &self.steps {
            let frame = Frame::new(step.label(), step.ms).with_floor(step.floor_ms);
            let primitive = step.primitive();
            kinds.entry(step.kind()).or_default().entry(primitive).or_default().push(frame);
        }
        let kinds = kinds.into_iter().map(|(kind, primitives)| {
            let parts = primitives.into_iter().map(|(name, steps)| Frame::of(name, largest_first(steps)));
            Frame::of(kind, largest_first(parts.collect()))
        });
        Flame::new("Where the time goes", "ms", Frame::of("all steps", largest_first(kinds.collect())))
            .with_caption(
                "Wide is slow; the left part of a bar is its floor. Rows: kinds of steps, primitives, steps.",
            )
    }
}

/// Whether a step is named as a matrix product or a convolution.
fn is_contraction(what: &str) -> bool {
    ["product", "convolution"].iter().any(|kind| what.starts_with(kind))
}

fn largest_first(mut frames: Vec<Frame>) -> Vec<Frame> {
    frames.sort_by(|one, other| other.value.total_cmp(&one.value));
    frames
}

impl Step {
    fn new(graph: &Graph, time: isoloss::StepTime) -> Self {
        let isoloss::StepTime { cost, shortest } = time;
        let work: Cost = cost.values.iter().map(|&val| graph.cost(val)).sum();
        let mut counts: BTreeMap<&'static str, usize> = BTreeMap::new();
        for &val in &cost.values {
            if let Def::Apply { op, .. } = graph.def(val) {
                *counts.entry(op.name()).or_default() += 1;
            }
        }
        let mut primitives: Vec<&'static str> = counts.keys().copied().collect();
        primitives.sort_by_key(|name| std::cmp::Reverse(counts[name]));
        Self {
            values: cost.values.iter().map(|val| val.position()).collect(),
            primitives,
            ms: 1e3 * shortest.as_secs_f64(),
            floor_ms: 0.0,
            bound: Limit::Bytes,
            // Several contractions whose sum is wanted run as one step, under the name of the sum.
            product_flops: if is_contraction(&cost.what) {
                cost.operations as f64
            } else {
                work.product_flops
            },
            other_flops: work.other_flops,
            bytes: cost.bytes as f64,
            what: cost.what,
        }
    }

    fn kind(&self) -> &str {
        self.what.split_whitespace().next().unwrap_or("step")
    }

    /// What the step mostly computes.
    fn primitive(&self) -> &str {
        match self.primitives.first() {
            Some(primitive) if !is_contraction(&self.what) => primitive,
            Some(_) => self.kind(),
            None => "copy",
        }
    }

    /// The values as the text form names them: `%7`, or `%7…%12 (4)`.
    fn span(&self) -> String {
        match self.values.as_slice() {
            [] => "–".to_owned(),
            [only] => format!("%{only}"),
            [first, .., last] => format!("%{first}…%{last} ({})", self.values.len()),
        }
    }

    fn label(&self) -> String {
        format!("{} {}", self.span(), self.what)
    }

    fn row(&self, all_ms: f64) -> Vec<Cell> {
        vec![
            Cell::from(self.ms),
            Cell::from(self.ms / all_ms),
            Cell::from(self.floor_ms),
            Cell::from(self.ms / self.floor_ms),
            Cell::from(self.bound.name()),
            Cell::from(self.product_flops / self.ms / 1e6),
            Cell::from(self.bytes / self.ms / 1e6),
            Cell::from(self.span()),
            Cell::from(self.what.as_str()),
        ]
    }
}
