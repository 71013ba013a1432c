//! `isoloss convert`: weights from one format to another.

mod onnx;

use std::{collections::BTreeMap, path::PathBuf};

use clap::{Args, ValueEnum};
use isoloss::{
    models::{
        self, Model, is_onnx,
        weights::{self, Entry, Format, Reader, WeightsError},
    },
    tensor::Stored,
};
use serde_json::{Value, json};

use super::Run;
use crate::{
    common::Common,
    failure::{CliError, Failure},
    outcome::{Answer, Outcome},
    place::{self, Replace},
    progress::Task,
    session::Session,
    size,
};

/// Write weights in another format or with other floats
///
/// The endings tell the formats: .safetensors, .pt, .pth, .bin and .ckpt of PyTorch, .npz and .npy of numpy. Tensors keep
/// their names, order and elements, integers and truth values too; only --dtype changes floats, each rounded once to the
/// nearest, ties to even. One tensor at a time is in memory. Nothing that a file of PyTorch asks to be run is run.
///
/// An .onnx file is a network with its weights: any network whose architecture is known can be written as one, and a network
/// that came from one is that file with other weights, every other byte as it was.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  isoloss convert checkpoint.pt --out model.safetensors
  isoloss convert checkpoint.pt --model resnet20 --out model.safetensors
  isoloss convert llama/ --dtype bf16 --shard-size 2GB --out llama-bf16/
  isoloss convert runs/a --out a.npz
  isoloss convert runs/a --out a.onnx")]
pub(crate) struct Convert {
    /// Weights to read
    #[arg(value_name = "MODEL")]
    input: PathBuf,
    /// File to write, or with --shard-size the folder
    #[arg(long, value_name = "PATH")]
    out: PathBuf,
    #[command(flatten)]
    replace: Replace,
    /// Type of floats in the new file [default: as they are]
    #[arg(long, value_name = "TYPE", value_enum)]
    dtype: Option<Floats>,
    /// Architecture that the weights must fit; they get its names and order, and the new file names it
    #[arg(long = "model", value_name = "SPEC")]
    spec: Option<String>,
    /// Write safetensors files of at most this size with an index, as 2GB
    #[arg(long, value_name = "SIZE", value_parser = size::parse)]
    shard_size: Option<usize>,
    #[command(flatten)]
    common: Common,
}

/// The types of floats to write.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Floats {
    /// 32 bits
    F32,
    /// 16 bits with 5 of exponent: up to 65504
    F16,
    /// 16 bits with 8 of exponent: the range of f32
    Bf16,
}

impl Floats {
    const fn stored(self) -> Stored {
        match self {
            Self::F32 => Stored::F32,
            Self::F16 => Stored::F16,
            Self::Bf16 => Stored::BF16,
        }
    }
}

/// What is to be written: for each tensor its name in the input, and what it becomes.
struct Plan {
    origins: Vec<String>,
    entries: Vec<Entry>,
    metadata: BTreeMap<String, String>,
    /// Why the new file does not say which network the weights are of, where a `config.json` does.
    undescribed: Option<String>,
}

impl Run for Convert {
    fn common(&self) -> Common {
        self.common.clone()
    }

    fn run(&self, session: &Session) -> Result<Outcome, Failure> {
        if self.is_of_onnx() {
            self.check_onnx()?;
            self.check_place()?;
            return self.convert_onnx();
        }
        let model = self.spec.as_deref().map(Model::parse).transpose()?;
        self.check_place()?;
        let reader = Reader::open(&self.input)?;
        let plan = self.plan(&reader, model.as_ref())?;
        let bytes: usize = plan.entries.iter().map(Entry::bytes).sum();
        let task = session.progress.task("converting", bytes as u64, "bytes");
        let (files, overflowed) = self.write(&reader, &plan, &task)?;
        drop(task);
        let notes = self.notes(&reader, &plan, overflowed);
        let text = format!(
            "{} tensors, {}{}\nwritten to {}\n",
            plan.entries.len(),
            size::text(bytes),
            notes.iter().map(|note| format!("\n{note}")).collect::<String>(),
            self.out.display()
        );
        let json = self.json(&plan, bytes, &files, &notes, overflowed);
        Ok(Outcome { answer: Answer::Yes, text, json })
    }
}

impl Convert {
    fn check_place(&self) -> Result<(), Failure> {
        let inputs = weights::files(&self.input)?;
        if self.shard_size.is_none() {
            if !is_onnx(&self.out) {
                Format::of(&self.out)?;
            }
            return place::check_file(&self.out, &inputs, self.replace.force);
        }
        place::check_folder(&self.out)?;
        match weights::files(&self.out) {
            Ok(files) if !self.replace.force => {
                let path = files.into_iter().next().unwrap_or_else(|| self.out.clone());
                Err(CliError::Exists { path }.into())
            }
            Ok(files) => files.iter().try_for_each(|file| place::check_file(file, &inputs, true)),
            Err(_) => Ok(()),
        }
    }

    fn plan(&self, reader: &Reader, model: Option<&Model>) -> Result<Plan, Failure> {
        let mut metadata = reader.metadata().clone();
        let mut undescribed = None;
        let (origins, mut entries) = match model {
            None => {
                match self.described(reader) {
                    Ok(described) => metadata.extend(described.iter().flat_map(Model::metadata)),
                    Err(error) => undescribed = Some(error.to_string()),
                }
                (reader.entries().iter().map(|entry| entry.name.clone()).collect(), reader.entries().to_vec())
            }
            Some(model) => {
                metadata.extend(model.metadata());
                let origins = models::origins(model, reader).map_err(|source| {
                    models::ModelError::InFile { path: self.input.clone(), source: Box::new(source) }
                })?;
                let named = model.entries().into_iter().zip(&origins);
                let entries = named.filter_map(|((name, _), origin)| {
                    reader.entry(origin).map(|entry| Entry { name, ..entry.clone() })
                });
                let entries = entries.collect();
                (origins, entries)
            }
        };
        if let Some(floats) = self.dtype {
            let floating = entries.iter_mut().filter(|entry| entry.stored.is_float());
            floating.for_each(|entry| entry.stored = floats.stored());
        }
        Ok(Plan { origins, entries, metadata, undescribed })
    }

    /// The network that a `config.json` beside the weights describes, where nothing else names one.
    fn described(&self, reader: &Reader) -> Result<Option<Model>, models::ModelError> {
        if reader.metadata().contains_key(weights::MODEL_KEY) {
            return Ok(None);
        }
        let described = models::described(&self.input, reader)?;
        described.map(|model| models::origins(&model, reader).map(|_| model)).transpose()
    }

    /// Writes all tensors; the files' names, and how many finite elements became infinite.
    fn write(&self, reader: &Reader, plan: &Plan, task: &Task) -> Result<(Vec<String>, usize), WeightsError> {
        let mut origins = plan.origins.iter();
        let (mut done, mut overflowed) = (0, 0);
        let mut bytes = |entry: &Entry| {
            let origin = origins.next().expect("each tensor is asked for once, in order");
            let bytes = reader.bytes(origin)?;
            let from = reader.entry(origin).map_or(entry.stored, |entry| entry.stored);
            let converted = if from == entry.stored {
                bytes
            } else {
                let converted = from.convert(&bytes, entry.stored);
                overflowed += entry.stored.infinities(&converted) - from.infinities(&bytes);
                converted
            };
            done += converted.len() as u64;
            task.at(done, &entry.name);
            Ok(converted)
        };
        let files = match self.shard_size {
            Some(most) => weights::write_sharded(&self.out, &plan.entries, &plan.metadata, most, &mut bytes)?,
            None => {
                weights::write(&self.out, &plan.entries, &plan.metadata, &mut bytes)?;
                vec![self.out.display().to_string()]
            }
        };
        Ok((files, overflowed))
    }

    fn notes(&self, reader: &Reader, plan: &Plan, overflowed: usize) -> Vec<String> {
        let mut notes = reader.notes().to_vec();
        let undescribed = plan.undescribed.iter();
        notes.extend(undescribed.map(|why| format!("the new file does not say which network it is: {why}")));
        let format = if self.shard_size.is_some() { None } else { Format::of(&self.out).ok() };
        if let Some(format) = format
            && !format.keeps_metadata()
            && !plan.metadata.is_empty()
        {
            let keys: Vec<&str> = plan.metadata.keys().map(String::as_str).collect();
            notes.push(format!("{format} files have no place for metadata; lost: {}", keys.join(", ")));
        }
        if overflowed > 0 {
            notes.push(format!("{overflowed} elements are too large for the new type and became infinite"));
        }
        notes
    }

    fn json(
        &self,
        plan: &Plan,
        bytes: usize,
        files: &[String],
        notes: &[String],
        overflowed: usize,
    ) -> Value {
        let tensors = plan.entries.iter().map(
            |entry| json!({ "name": entry.name, "type": entry.stored.name(), "shape": entry.shape.to_vec() }),
        );
        json!({
            "in": self.input.display().to_string(),
            "out": self.out.display().to_string(),
            "files": files,
            "bytes": bytes,
            "tensors": tensors.collect::<Vec<_>>(),
            "metadata": plan.metadata,
            "overflowed": overflowed,
            "notes": notes,
        })
    }
}
