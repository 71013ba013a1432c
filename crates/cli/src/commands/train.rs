//! `isoloss train`: training a network.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use clap::{ArgAction, Args};
use isoloss::{
    models::Params,
    train::{self, Config, Job, Outcome as Trained, Scores, Start, Status},
};
use serde_json::{Value, json};

use super::Run;
use crate::{
    common::Common,
    failure::{CliError, Failure},
    json::{number, optional},
    networks::{self, Network},
    outcome::{Answer, Outcome},
    place,
    session::Session,
    stamp, stop,
    watch::Watch,
};

/// Train a network and keep it in a run folder
///
/// The run folder holds model.safetensors (the weights after the last step, with PyTorch's names and layouts), run.json
/// (settings, versions, final scores) and log.jsonl (one line per epoch); best.safetensors, ema.safetensors and
/// swa.safetensors where --keep-best, --ema and --swa ask for them. While training it also holds a checkpoint: after Ctrl-C,
/// or a kill, the same command with --resume goes on and ends with the same bits as if nothing had happened. Training that
/// diverges stops with an error and keeps the last checkpoint.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  isoloss train --model mlp:64-128-128-10 --data digits --out runs/a --seed 1
  isoloss train --model mlp:784-512-512-512-10 --data mnist:data/mnist --epochs 25 --batch 500 \\
      --out runs/mnist
  isoloss train --model mlp:64-512-10,norm=layer --data digits --out runs/b \\
      --optimizer sgd:lr=0.1,momentum=0.9,nesterov --schedule cosine:warmup=1
  isoloss train --model resnet20 --data cifar10:data/cifar10,normalize=on,augment=crop:4+flip \\
      --optimizer sgd:lr=0.1,momentum=0.9,weight_decay=5e-4 --schedule cosine:warmup=1 --ema 0.999 \\
      --evaluate noisy=cifar10:data/cifar10,shift=noise:3 --out runs/resnet
  isoloss train --model mlp:64-128-10 --data digits:validation=0.1 --epochs 100 --patience 5 --keep-best \\
      --watch validation.loss --out runs/c
  isoloss train --model mlp:64-128-128-10 --data digits:shift=noise:2 --from runs/a --out runs/d --optimizer adam:lr=0.0003")]
pub(crate) struct Train {
    /// Architecture, as mlp:784-512-10, resnet20:width=2,norm=layer or net.onnx
    #[arg(long, value_name = "SPEC")]
    model: String,
    /// Data set, as digits, mnist:DIR or cifar10:DIR,normalize=on
    #[arg(long, value_name = "SPEC")]
    data: String,
    /// Run folder; made if it is not there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Method with its learning rate: sgd, adam, adamw, adagrad, rmsprop, lion or sophia, each with options
    ///
    /// sgd:lr=0.1,momentum=0.9,nesterov,weight_decay=0.0005, adam:lr=0.001,beta1=…,beta2=…,epsilon=…,weight_decay=…,
    /// adamw: as adam, adagrad:lr=0.01,lr_decay=…,weight_decay=…,initial=…,epsilon=…,
    /// rmsprop:lr=0.01,alpha=0.99,epsilon=…,momentum=…,centered,weight_decay=…, lion:lr=0.0001,beta1=…,beta2=…,weight_decay=…,
    /// sophia:lr=0.0001,beta1=…,beta2=…,gamma=…,epsilon=…,weight_decay=…,every=10. Options that are left out have PyTorch's
    /// defaults, or those of the method's paper; the default is Adam with its paper's rate.
    #[arg(long, value_name = "SPEC", default_value = "adam:lr=0.001")]
    optimizer: String,
    /// Learning rate over time: constant, step, exponential, linear or cosine, each with warm-up if wanted
    ///
    /// constant, step:every=30,gamma=0.1, step:at=30/60/90,gamma=0.1 (in epochs), exponential:gamma=0.95 (per epoch), linear,
    /// cosine, cosine:min=1e-5 (both step by step). Each takes warmup=EPOCHS and warmup_from=RATE, as cosine:warmup=1.
    #[arg(long, value_name = "SPEC", default_value = "constant")]
    schedule: String,
    /// Initial weights: pytorch, he, gpt2, truncated or file
    ///
    /// pytorch: its default for linear layers and convolutions; he: normal, variance 2/inputs; gpt2: normal, deviation 0.02,
    /// divided by the root of the number of branches where a branch of a residual stream ends; truncated: normal up to two
    /// deviations of 0.02, as BERT and vision transformers start; file: the weights of --model net.onnx. All but pytorch have
    /// biases of 0.
    #[arg(long, value_name = "NAME", default_value = "pytorch")]
    init: String,
    /// Begin with the weights and running statistics of this network, instead of drawing them; a file or a run folder
    ///
    /// To train on, or to fine-tune: the data are read as the network read its own (normalisation, vocabulary). Optimiser and schedule
    /// begin anew; --resume is what goes on with an interrupted run.
    #[arg(long, value_name = "NETWORK", conflicts_with = "init")]
    from: Option<PathBuf>,
    /// What is minimised: cross-entropy (the default), cross-entropy:smoothing=0.1 or squared-error; an ONNX file of a loss has
    /// its own. Scores average the same
    #[arg(long, value_name = "SPEC")]
    loss: Option<String>,
    /// Passes over the training set, from 1 up; the default is ours
    #[arg(long, value_name = "N", default_value_t = 10)]
    epochs: usize,
    /// Examples in a step, from 1 up; the default is ours
    #[arg(long, value_name = "N", default_value_t = 128)]
    batch: usize,
    /// Scale the gradient where its norm, over all parameters, is above X (torch.nn.utils.clip_grad_norm_)
    #[arg(long, value_name = "X", conflicts_with = "clip_value", allow_negative_numbers = true)]
    clip_norm: Option<f64>,
    /// Bound each element of the gradient by X (torch.nn.utils.clip_grad_value_)
    #[arg(long, value_name = "X")]
    clip_value: Option<f64>,
    /// Average the weights over the steps, each keeping the share X of the average, as 0.999
    #[arg(long, value_name = "X")]
    ema: Option<f64>,
    /// Average the weights evenly after each epoch from this one on (stochastic weight averaging)
    #[arg(long, value_name = "EPOCH")]
    swa: Option<usize>,
    /// Also score this data set's test part whenever the test set is scored; to be repeated
    ///
    /// As noisy=cifar10:DIR,shift=noise:3. It is read as the training data are, with their normalisation and their tokens.
    #[arg(long, value_name = "NAME=SPEC", value_parser = named_set)]
    evaluate: Vec<(String, String)>,
    /// Keep the weights of the best epoch in best.safetensors
    #[arg(long)]
    keep_best: bool,
    /// End when N scores in a row were no better than the best before
    #[arg(long, value_name = "N")]
    patience: Option<usize>,
    /// The score that tells the best epoch: validation, test or a NAME of --evaluate, with .loss or .accuracy
    ///
    /// The default is validation.accuracy where --data holds out a part with validation=0.1, otherwise test.accuracy; of an ONNX
    /// file of a loss, which has no accuracy, the loss. A score
    /// by which an epoch was chosen is too good to be reported as that of a test, so choose by another set than the test set.
    #[arg(long, value_name = "SET.SCORE")]
    watch: Option<String>,
    /// Also write the log as events for TensorBoard
    #[arg(long)]
    tensorboard: bool,
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
        self.common.clone()
    }

    fn run(&self, session: &Session) -> Result<Outcome, Failure> {
        let drawn = self.config()?.canonical()?;
        place::check_folder(&self.out)?;
        let from = self.from.as_deref().map(|path| Network::load(path, Some(&self.model))).transpose()?;
        let splits = networks::load_data(&self.data, from.as_slice())?;
        let weights = from.as_ref().map(|network| &network.params);
        let config = Config { weights: weights.map(Params::fingerprint), ..drawn }.canonical()?;
        let stop = stop::flag()?;
        let job = Job {
            config: &config,
            splits: &splits,
            folder: &self.out,
            start: if self.resume { Start::Resume } else { Start::New },
            weights,
            versions: &stamp::versions(session),
            stop: &stop,
        };
        let trained = train::train(session.executor(), &job, &mut Watch::new(session.progress))?;
        if trained.summary.status == Status::Interrupted {
            return Err(
                CliError::Interrupted { folder: self.out.clone(), steps: trained.summary.steps }.into()
            );
        }
        Ok(Outcome { answer: Answer::Yes, text: text(&trained, &self.out), json: json(&trained, &self.out) })
    }
}

impl Train {
    fn config(&self) -> Result<Config, CliError> {
        Ok(Config {
            clip_norm: self.clip_norm,
            clip_value: self.clip_value,
            ema: self.ema,
            swa: self.swa,
            evaluate: self.sets()?,
            keep_best: self.keep_best,
            patience: self.patience,
            watch: self.watch.clone(),
            tensorboard: self.tensorboard,
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
        })
    }

    fn sets(&self) -> Result<BTreeMap<String, String>, CliError> {
        let mut sets = BTreeMap::new();
        for (name, spec) in &self.evaluate {
            if sets.insert(name.clone(), spec.clone()).is_some() {
                return Err(CliError::SetTwice { name: name.clone() });
            }
        }
        Ok(sets)
    }
}

fn named_set(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, spec)) => Ok((name.trim().to_owned(), spec.trim().to_owned())),
        None => Err("expected NAME=SPEC, as noisy=digits:shift=noise:3".to_owned()),
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
    if let Some(best) = &summary.best {
        text += &format!("best epoch {}: {} {:.4}\n", best.epoch, best.watch, best.value);
        if best.watch.starts_with("test.") {
            text += CHOSEN_BY_TEST;
        }
    }
    let averages = summary.averages.iter().map(|(name, scores)| (format!("{name} "), scores));
    for (of, scores) in summary.scores.iter().map(|scores| (String::new(), scores)).chain(averages) {
        text += &score_lines(&of, scores);
    }
    text + &format!("written to {}\n", folder.display())
}

/// What is said where the test set chose an epoch.
const CHOSEN_BY_TEST: &str = "the test set chose that epoch, so its scores are better than those of unseen data; validation=0.1 in \
    --data holds out examples to choose by\n";

/// One line for each set; `of` says whose scores they are.
fn score_lines(of: &str, scores: &Scores) -> String {
    let parts = [("train", &scores.train), ("test", &scores.test)];
    let all = parts.into_iter().chain(scores.sets.iter().map(|(name, score)| (name.as_str(), score)));
    let line = |(name, score): (&str, &train::Score)| {
        let name = format!("{of}{name}");
        let accuracy = score.accuracy.map(|accuracy| format!("  accuracy {:.2} %", 100.0 * accuracy));
        let bits = score.bits_per_byte.map(|bits| format!("  {bits:.4} bits/byte"));
        let [accuracy, bits] = [accuracy, bits].map(Option::unwrap_or_default);
        format!("{name:5}  loss {:.4}{accuracy}{bits}\n", score.loss)
    };
    all.map(line).collect()
}

fn json(trained: &Trained, folder: &Path) -> Value {
    let summary = &trained.summary;
    let score = |score: &train::Score| {
        let mut value = json!({ "loss": number(score.loss), "accuracy": optional(score.accuracy) });
        if let Some(bits) = score.bits_per_byte {
            value["bits_per_byte"] = number(bits);
        }
        value
    };
    let sets = |scores: &Scores| -> Value {
        scores
            .sets
            .iter()
            .map(|(name, of)| (name.clone(), score(of)))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    let all = |scores: &Scores| json!({ "train": score(&scores.train), "test": score(&scores.test), "sets": sets(scores) });
    let averages = summary.averages.iter().map(|(name, scores)| (name.clone(), all(scores)));
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
        "sets": summary.scores.as_ref().map(sets),
        "averages": averages.collect::<serde_json::Map<_, _>>(),
        "best": summary.best,
    })
}
