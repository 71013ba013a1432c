//! Merging by a recipe.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

use clap::Args;
use isoloss::delta::{Effective, Options, Output, Plan, Recipe, Scalar, Watch};
use report::{Cell, Column, Table};
use serde_json::{Value, json};

use crate::{
    failure::{CliError, Failure},
    json::number,
    outcome::{Answer, Outcome},
    session::Session,
    size, stop,
};

/// Flags that go with a recipe only.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Options of recipes")]
pub(super) struct RecipeFlags {
    /// Read headers only, and print what would be done: effective parameters, shapes, bytes, memory, and all that does not fit
    #[arg(long)]
    dry_run: bool,
    /// The most bytes of tensors in a file of the result, as 2GB [default: 5GB]
    #[arg(long, value_name = "SIZE", value_parser = size::parse)]
    max_shard_size: Option<usize>,
    /// The most memory for elements of tensors, as 1GB [default: 512MB]
    #[arg(long, value_name = "SIZE", value_parser = size::parse)]
    memory: Option<usize>,
}

/// Runs of tensors with the same parameters that the table lists before it counts the rest.
const ROWS: usize = 60;

/// The recipe among the arguments, if it is one.
pub(super) fn file(arguments: &[PathBuf]) -> Result<Option<&Path>, CliError> {
    let is_recipe = |path: &&PathBuf| {
        path.extension().is_some_and(|ending| ending == OsStr::new("yaml") || ending == OsStr::new("yml"))
    };
    match (arguments, arguments.iter().find(is_recipe)) {
        ([one], Some(_)) => Ok(Some(one)),
        (_, Some(recipe)) => Err(CliError::OneRecipe { found: recipe.clone() }),
        ([one], None) => Err(CliError::OneNetwork { found: one.display().to_string() }),
        _ => Ok(None),
    }
}

impl RecipeFlags {
    /// Refuses all, as networks are given.
    pub(super) fn refuse(self) -> Result<(), CliError> {
        let given = [
            ("--dry-run", self.dry_run),
            ("--max-shard-size", self.max_shard_size.is_some()),
            ("--memory", self.memory.is_some()),
        ];
        match given.into_iter().find(|(_, given)| *given) {
            Some((flag, _)) => Err(CliError::FlagOfRecipe { flag }),
            None => Ok(()),
        }
    }

    /// Plans, and does it unless it is a rehearsal.
    pub(super) fn merge(
        self,
        session: &Session,
        file: &Path,
        out: Option<&Path>,
        replace: bool,
    ) -> Result<Outcome, Failure> {
        let usual = Options::default();
        let options = Options {
            most_shard_bytes: self.max_shard_size.unwrap_or(usual.most_shard_bytes),
            memory: self.memory.unwrap_or(usual.memory),
            seed: session.seed,
        };
        let plan = Plan::new(Recipe::open(file)?, options)?;
        if let Some(out) = out {
            plan.check_place(out, replace)?;
        }
        match out.filter(|_| !self.dry_run) {
            Some(out) => run(session, &plan, out, replace),
            None => Ok(Outcome { answer: Answer::Yes, text: text(&plan), json: described(&plan) }),
        }
    }
}

fn run(session: &Session, plan: &Plan, out: &Path, replace: bool) -> Result<Outcome, Failure> {
    let stop = stop::flag()?;
    let task = session.progress.task("merging", plan.moved_bytes(), "bytes");
    let progress = |bytes| task.at(bytes, bytes_text(bytes));
    let merged = plan.run(out, replace, &Watch { progress: &progress, stop: &stop })?;
    drop(task);
    let resumed = match merged.resumed {
        0 => String::new(),
        count => format!("{count} of them finished before\n"),
    };
    let text = format!(
        "{}{} tensors, {} in {} files\n{resumed}written to {}\n",
        notes(plan),
        plan.outputs.len(),
        bytes_text(plan.written_bytes()),
        plan.shards.len(),
        out.display()
    );
    let mut json = described(plan);
    json["out"] = json!(out.display().to_string());
    json["files"] = json!(merged.files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>());
    json["resumed"] = json!(merged.resumed);
    Ok(Outcome { answer: Answer::Yes, text, json })
}

fn bytes_text(bytes: u64) -> String {
    size::text(usize::try_from(bytes).unwrap_or(usize::MAX))
}

fn notes(plan: &Plan) -> String {
    plan.notes.iter().map(|note| format!("note: {note}\n")).collect()
}

/// The plan for people.
fn text(plan: &Plan) -> String {
    let columns = ["tensor", "type and shape", "parameters"].map(Column::text);
    let runs = runs(&plan.outputs);
    let rows = runs.iter().take(ROWS).map(|run| {
        let first = run[0];
        let name = match run.len() {
            1 => first.entry.name.clone(),
            count => format!("{} and {} more", first.entry.name, count - 1),
        };
        [name, format!("{}{}", first.entry.stored, first.entry.shape), parameters(first)].map(Cell::from)
    });
    let table = rows.fold(Table::new("", columns), Table::with_row);
    let more = match runs.len().saturating_sub(ROWS) {
        0 => String::new(),
        more => format!("and {more} further runs of tensors; --json lists all\n"),
    };
    let models = plan.models.iter().map(|model| {
        let base = if plan.recipe.base.as_ref() == Some(&model.reference) { ", the base" } else { "" };
        let files = model.reader.files().len();
        format!("  {}{base}: {} tensors in {files} files\n", model.reference, model.reader.entries().len())
    });
    format!(
        "{} of {} models:\n{}{}\n{more}{}{} tensors, {} in {} files; {} are read; memory {} with {} at a time\n",
        plan.recipe.method.name(),
        plan.models.len(),
        models.collect::<String>(),
        report::text::table(&table).trim_end(),
        notes(plan),
        plan.outputs.len(),
        bytes_text(plan.written_bytes()),
        plan.shards.len(),
        bytes_text(plan.read_bytes()),
        size::text(plan.memory),
        plan.workers,
    )
}

/// Tensors that follow each other with equal parameters, types and numbers of sources.
fn runs(outputs: &[Output]) -> Vec<Vec<&Output>> {
    let mut runs: Vec<Vec<&Output>> = Vec::new();
    for output in outputs {
        let alike = |other: &Output| {
            other.effective == output.effective
                && other.work == output.work
                && other.entry.stored == output.entry.stored
        };
        match runs.last_mut() {
            Some(run) if run.last().is_some_and(|other| alike(other)) => run.push(output),
            _ => runs.push(vec![output]),
        }
    }
    runs
}

/// As `weight 0.5 | 0.25, normalize true`: values of several models side by side, `-` for a base.
fn parameters(output: &Output) -> String {
    let Effective { shared, models } = &output.effective;
    let mut names: Vec<&str> = models.iter().flatten().map(|(name, _)| *name).collect();
    names.sort_unstable();
    names.dedup();
    let of = |name: &str, values: &[(&str, Scalar)]| {
        let found = values.iter().find(|(known, _)| *known == name);
        found.map_or("-".to_owned(), |(_, value)| value.to_string())
    };
    let each = names.iter().map(|name| {
        let values: Vec<String> = models.iter().map(|values| of(name, values)).collect();
        format!("{name} {}", values.join(" | "))
    });
    let all: Vec<String> = each.chain(shared.iter().map(|(name, value)| format!("{name} {value}"))).collect();
    if all.is_empty() { "copied".to_owned() } else { all.join(", ") }
}

/// The plan for programs.
fn described(plan: &Plan) -> Value {
    let models = plan.models.iter().map(|model| {
        json!({ "model": model.reference.to_string(), "path": model.reader.path().display().to_string() })
    });
    let tensors = plan.outputs.iter().map(|output| {
        let Effective { shared, models } = &output.effective;
        json!({
            "name": output.entry.name,
            "dtype": output.entry.stored.name(),
            "shape": output.entry.shape.to_vec(),
            "sources": output.sources.iter().map(|source| json!([source.model, source.name])).collect::<Vec<_>>(),
            "base": output.base,
            "parameters": values(shared),
            "model_parameters": models.iter().map(|model| values(model)).collect::<Vec<_>>(),
        })
    });
    json!({
        "method": plan.recipe.method.name(),
        "models": models.collect::<Vec<_>>(),
        "tensors": tensors.collect::<Vec<_>>(),
        "shards": plan.shards.iter().map(|shard| json!({ "name": shard.name, "bytes": shard.bytes })).collect::<Vec<_>>(),
        "bytes_read": plan.read_bytes(),
        "bytes_written": plan.written_bytes(),
        "memory": plan.memory,
        "workers": plan.workers,
        "notes": plan.notes,
    })
}

fn values(values: &[(&str, Scalar)]) -> Value {
    let value = |value: &Scalar| match value {
        Scalar::Bool(value) => json!(value),
        Scalar::Number(value) => number(*value),
        Scalar::Text(text) => json!(text),
    };
    Value::Object(values.iter().map(|(name, scalar)| ((*name).to_owned(), value(scalar))).collect())
}
