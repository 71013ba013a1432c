//! `isoloss evaluate`: the score of a network.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use isoloss::{
    data::{Dataset, Splits},
    evaluate::{self, Perplexity, Score},
    models::{Loss, Model},
};
use report::{Cell, Column, NumberFormat, Table};
use serde_json::{Value, json};

use super::Run;
use crate::{
    common::Common,
    failure::{CliError, Failure},
    hub,
    json::{self, number},
    measure::{LossFlag, has_perplexity, sentence_on_accuracy},
    networks::{self, Architecture, Network},
    outcome::{Answer, Outcome},
    session::Session,
};

/// Measure loss and accuracy of a network on a data set
///
/// The network reads the data as in its training: its file remembers means and deviations of normalised channels, and the
/// vocabulary or tokenizer of a text. So --data need not repeat them, and a shifted test set or another text is read in the same way. Of
/// a text, losses and accuracies are those of the next token, and bits/byte is the loss in bits for each byte of the text,
/// which compares networks of different tokens; perplexity is e to the loss. There every token of a part but the first counts once, in windows of
/// as many tokens as the network reads that follow each other; with --stride they overlap, so that each token has more before it.
/// Standard errors take windows for independent. Of a folder of the Hugging Face Hub texts are read with its tokenizer.json, and whole where no --part is asked for; no token
/// is put before a text. Of an ONNX file that returns a loss, that loss is averaged: each batch by its
/// examples.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  isoloss evaluate runs/a --data digits
  isoloss evaluate runs/cifar --data cifar10:data/cifar10,shift=noise:3 --part test
  isoloss evaluate weights.safetensors --model mlp:784-512-10 --data mnist:data/mnist --json
  isoloss evaluate gpt2 --data text:book.txt --stride 512")]
pub(crate) struct Evaluate {
    /// Network to measure
    #[arg(value_name = "MODEL")]
    network: PathBuf,
    /// Data set, as digits, mnist:DIR or cifar10:DIR,shift=noise:3
    #[arg(long, value_name = "SPEC")]
    data: String,
    /// The part of the data set; all if not given, or of a text that a folder's own tokenizer.json cuts, the whole
    #[arg(long, value_name = "PART", value_enum)]
    part: Option<Part>,
    /// Of a text: tokens from the beginning of a window to that of the next, at most as many as the network reads (the default)
    #[arg(long, value_name = "TOKENS")]
    stride: Option<usize>,
    #[command(flatten)]
    loss: LossFlag,
    #[command(flatten)]
    architecture: Architecture,
    #[command(flatten)]
    common: Common,
}

/// A part of a data set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Part {
    /// All parts
    #[default]
    All,
    /// The examples to train on
    Train,
    /// The examples that validation=… in --data holds out of those to train on
    Validation,
    /// The examples held out
    Test,
    /// Of a text all of it, as one
    Whole,
}

/// What was measured on a part.
struct Measured {
    name: &'static str,
    score: Score,
    /// Of a text whose next tokens were predicted.
    perplexity: Option<Perplexity>,
}

impl Run for Evaluate {
    fn common(&self) -> Common {
        self.common.clone()
    }

    fn run(&self, session: &Session) -> Result<Outcome, Failure> {
        let networks = [Network::load(&self.network, self.architecture.spec())?];
        let data = networks::load_data(&self.data, &networks)?;
        let [Network { model, params, .. }] = &networks;
        let loss = self.loss.of(model)?;
        let is_perplexity = has_perplexity(model, &data, loss);
        if self.stride.is_some() && !is_perplexity {
            return Err(CliError::UnusedStride.into());
        }
        let score = |(name, data): (&'static str, &Dataset)| -> Result<Measured, Failure> {
            let executor = session.executor();
            if !is_perplexity {
                let score = evaluate::evaluate(executor, model, params, data, loss)?;
                return Ok(Measured { name, score, perplexity: None });
            }
            let found = evaluate::perplexity(executor, model, params, data, self.stride)?;
            Ok(Measured { name, score: found.score, perplexity: Some(found) })
        };
        let part = self.part.map_or_else(|| self.default_part(is_perplexity), Ok)?;
        let whole = if part == Part::Whole { data.whole()? } else { None };
        match part {
            Part::Validation if data.validation.is_none() => {
                return Err(CliError::NoValidation { data: self.data.clone() }.into());
            }
            Part::Whole if whole.is_none() => {
                return Err(CliError::NoWhole { data: self.data.clone() }.into());
            }
            _ => {}
        }
        let parts = parts(part, &data, whole.as_ref());
        let scores = parts.into_iter().map(score).collect::<Result<Vec<_>, Failure>>()?;
        Ok(Outcome { answer: Answer::Yes, text: text(model, &scores), json: self.json(model, loss, &scores) })
    }
}

fn parts<'a>(part: Part, data: &'a Splits, whole: Option<&'a Dataset>) -> Vec<(&'static str, &'a Dataset)> {
    let validation = data.validation.iter().map(|data| (Part::Validation, "validation", data));
    let ends = [(Part::Test, "test", &data.test), (Part::Train, "train", &data.train)];
    let wanted = |own: Part| own == part || part == Part::All;
    let parts = ends.into_iter().chain(validation).filter(|(own, ..)| wanted(*own));
    parts.map(|(_, name, data)| (name, data)).chain(whole.map(|data| ("whole", data))).collect()
}

impl Evaluate {
    /// The part that is measured where none is asked for: a network that was not trained here has seen neither part of a text.
    fn default_part(&self, is_perplexity: bool) -> Result<Part, Failure> {
        let is_given = is_perplexity && hub::input(&self.network, &self.data)?.is_some();
        Ok(if is_given { Part::Whole } else { Part::All })
    }

    fn json(&self, model: &Model, loss: Loss, scores: &[Measured]) -> Value {
        let mut result = json!({ "model": model.spec(), "data": self.data, "loss": loss.to_string() });
        for Measured { name, score, perplexity } in scores {
            let mut own = json!({ "loss": number(score.loss), "accuracy": json::optional(score.accuracy), "count": score.count });
            if let Some(bits) = score.bits_per_byte {
                own["bits_per_byte"] = number(bits);
            }
            if let Some(perplexity) = perplexity {
                own["perplexity"] = number(perplexity.value());
                own["perplexity_standard_error"] = json::optional(perplexity.value_error());
                own["standard_error"] = json::optional(perplexity.standard_error);
                own["window"] = json!(perplexity.window);
                own["stride"] = json!(perplexity.stride);
                own["windows"] = json!(perplexity.windows);
            }
            result[*name] = own;
        }
        result
    }
}

fn text(model: &Model, scores: &[Measured]) -> String {
    let fixed = NumberFormat::Fixed(4);
    let of_texts = scores.iter().any(|own| own.score.bits_per_byte.is_some());
    let perplexity = scores.iter().find_map(|own| own.perplexity);
    let mut columns = vec![Column::text("part")];
    if perplexity.is_some() {
        columns.extend([Column::number("perplexity", fixed), Column::number("±", fixed)]);
    }
    columns.extend([
        Column::number("loss", fixed),
        Column::number("accuracy", NumberFormat::Percent(2)),
        Column::number(if of_texts { "tokens" } else { "examples" }, NumberFormat::Fixed(0)),
    ]);
    columns.extend(of_texts.then(|| Column::number("bits/byte", fixed)));
    let rows = scores.iter().map(|Measured { name, score, perplexity }| {
        let first = perplexity
            .map(|own| [Cell::from(own.value()), Cell::from(own.value_error())])
            .into_iter()
            .flatten();
        let more = [Some(score.count as f64), score.bits_per_byte].into_iter().flatten().map(Cell::from);
        let cells = [Cell::from(score.loss), Cell::from(score.accuracy)];
        std::iter::once(Cell::from(*name)).chain(first).chain(cells).chain(more).collect::<Vec<_>>()
    });
    report::text::table(&rows.fold(Table::new("", columns), Table::with_row))
        + "\n"
        + &perplexity.map_or_else(String::new, sentence_on_windows)
        + sentence_on_accuracy(model)
}

/// How a text was cut.
fn sentence_on_windows(Perplexity { window, stride, .. }: Perplexity) -> String {
    let (overlap, stride) = if stride == window {
        ("without overlap", String::new())
    } else {
        ("one every", format!(" {stride}"))
    };
    format!(
        "windows of {window} tokens, {overlap}{stride}; every token but the first counts once, ± is the standard error over windows\n"
    )
}
