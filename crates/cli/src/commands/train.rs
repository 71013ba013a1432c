//! `isoloss train`: training a network.

use std::path::{Path, PathBuf};

use clap::{ArgAction, Args};
use isoloss::{
    data,
    train::{self, Config, Job, Outcome as Trained, Start, Status},
};
use serde_json::{Value, json};

use super::Run;
use crate::{
    common::Common,
    failure::{CliError, Failure},
    json::number,
    outcome::{Answer, Outcome},
    place,
    session::Session,
    stamp, stop,
    watch::Watch,
};

/// Train a network and keep it in a run folder
///
/// The run folder holds model.safetensors (weights with PyTorch's names and layouts), run.json (settings, versions, final
/// scores) and log.jsonl (one line per epoch). While training it also holds a checkpoint: after Ctrl-C, or a kill, the
/// same command with --resume goes on and ends with the same bits as if nothing had happened. Training that diverges stops
/// with an error and keeps the last checkpoint.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  isoloss train --model mlp:64-128-128-10 --data digits --out runs/a --seed 1
  isoloss train --model mlp:784-512-512-512-10 --data mnist:data/mnist --epochs 25 --batch 500 \\
      --out runs/mnist
  isoloss train --model mlp:64-512-10,norm=layer --data digits --out runs/b \\
      --optimizer sgd:lr=0.1,momentum=0.9,nesterov --schedule cosine:warmup=1")]
pub(crate) struct Train {
    /// Architecture, as mlp:784-512-10 or resnet20:width=2,norm=layer
    #[arg(long, value_name = "SPEC")]
    model: String,
    /// Data set, as digits, mnist:DIR or cifar10:DIR,normalize=on
    #[arg(long, value_name = "SPEC")]
    data: String,
    /// Run folder; made if it is not there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Method with its learning rate: sgd, adam or adamw, each with options
    ///
    /// sgd:lr=0.1,momentum=0.9,nesterov,weight_decay=0.0005, adam:lr=0.001,beta1=…,beta2=…,epsilon=…,weight_decay=…,
    /// adamw: as adam. Options that are left out have PyTorch's defaults; the default is Adam with its paper's rate.
    #[arg(long, value_name = "SPEC", default_value = "adam:lr=0.001")]
    optimizer: String,
    /// Learning rate over time: constant, step or cosine, each with warm-up if wanted
    ///
    /// constant, step:every=30,gamma=0.1, step:at=30/60/90,gamma=0.1 (in epochs), cosine, cosine:min=1e-5. Each takes
    /// warmup=EPOCHS and warmup_from=RATE, as cosine:warmup=1.
    #[arg(long, value_name = "SPEC", default_value = "constant")]
    schedule: String,
    /// Initial weights: pytorch (its default for linear layers) or he (normal, variance 2/inputs, no biases)
    #[arg(long, value_name = "NAME", default_value = "pytorch")]
    init: String,
    /// What is minimised: cross-entropy or squared-error
    #[arg(long, value_name = "NAME", default_value = "cross-entropy")]
    loss: String,
    /// Passes over the training set, from 1 up; the default is ours
    #[arg(long, value_name = "N", default_value_t = 10)]
    epochs: usize,
    /// Examples in a step, from 1 up; the default is ours
    #[arg(long, value_name = "N", default_value_t = 128)]
    batch: usize,
    /// Score the test set after every N epochs and after the last; 0 means after the last only
    #[arg(long, value_name = "N", default_value_t = 1)]
    evaluate_every: usize,
    /// Seconds between two checkpoints; the default loses little work and spends little time on writing
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0)]
    checkpoint_seconds: f64,
    /// Go on with the run in --out, which must have the same settings
    #[arg(long, action = ArgAction::SetTrue)]
    resume: bool,
    #[command(flatten)]
    common: Common,
}

impl Run for Train {
    fn common(&self) -> Common {
        self.common
    }

    fn run(&self, session: &Session) -> Result<Outcome, Failure> {
        let config = self.config().canonical()?;
        place::check_folder(&self.out)?;
        let splits = data::load(&self.data)?;
        let stop = stop::flag()?;
        let job = Job {
            config: &config,
            splits: &splits,
            folder: &self.out,
            start: if self.resume { Start::Resume } else { Start::New },
            versions: &stamp::versions(session),
            stop: &stop,
        };
        let trained = train::train(&session.executor, &job, &mut Watch::new(session.progress))?;
        if trained.summary.status == Status::Interrupted {
            return Err(
                CliError::Interrupted { folder: self.out.clone(), steps: trained.summary.steps }.into()
            );
        }
        Ok(Outcome { answer: Answer::Yes, text: text(&trained, &self.out), json: json(&trained, &self.out) })
    }
}

impl Train {
    fn config(&self) -> Config {
        Config {
            optimizer: self.optimizer.clone(),
            schedule: self.schedule.clone(),
            init: self.init.clone(),
            loss: self.loss.clone(),
            epochs: self.epochs,
            batch: self.batch,
            seed: self.common.seed,
            evaluate_every: self.evaluate_every,
            checkpoint_seconds: self.checkpoint_seconds,
            ..Config::new(self.model.clone(), self.data.clone())
        }
    }
}

fn text(trained: &Trained, folder: &Path) -> String {
    let summary = &trained.summary;
    let mut text = format!(
        "{} with {} weights on {}: {} epochs, {} steps, {:.1} s\n",
        summary.config.model,
        summary.parameters,
        summary.config.data,
        summary.epochs,
        summary.steps,
        summary.seconds
    );
    if let Some(scores) = &summary.scores {
        for (name, score) in [("train", scores.train), ("test", scores.test)] {
            text += &format!("{name:5}  loss {:.4}  accuracy {:.2} %\n", score.loss, 100.0 * score.accuracy);
        }
    }
    text + &format!("written to {}\n", folder.display())
}

fn json(trained: &Trained, folder: &Path) -> Value {
    let summary = &trained.summary;
    let score =
        |score: &train::Score| json!({ "loss": number(score.loss), "accuracy": number(score.accuracy) });
    json!({
        "run": folder.display().to_string(),
        "model": summary.config.model,
        "data": summary.config.data,
        "parameters": summary.parameters,
        "seed": summary.config.seed,
        "epochs": summary.epochs,
        "steps": summary.steps,
        "seconds": number(summary.seconds),
        "train": summary.scores.as_ref().map(|scores| score(&scores.train)),
        "test": summary.scores.as_ref().map(|scores| score(&scores.test)),
    })
}
