//! `isoloss evaluate`: the score of a network.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use isoloss::{
    data::{Dataset, Splits},
    evaluate::{self, Score},
    models::{Loss, Model},
};
use report::{Cell, Column, NumberFormat, Table};
use serde_json::{Value, json};

use super::Run;
use crate::{
    common::Common,
    failure::{CliError, Failure},
    json::{self, number},
    measure::{LossFlag, sentence_on_accuracy},
    networks::{self, Architecture, Network},
    outcome::{Answer, Outcome},
    session::Session,
};

/// Measure loss and accuracy of a network on a data set
///
/// The network reads the data as in its training: its file remembers means and deviations of normalised channels, and the
/// vocabulary or tokenizer of a text. So --data need not repeat them, and a shifted test set or another text is read in the same way. Of
/// a text, losses and accuracies are those of the next token, and bits/byte is the loss in bits for each byte of the text,
/// which compares networks of different tokens. Of an ONNX file that returns a loss, that loss is averaged: each batch by its
/// examples.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  isoloss evaluate runs/a --data digits
  isoloss evaluate runs/cifar --data cifar10:data/cifar10,shift=noise:3 --part test
  isoloss evaluate weights.safetensors --model mlp:784-512-10 --data mnist:data/mnist --json")]
pub(crate) struct Evaluate {
    /// Network to measure
    #[arg(value_name = "MODEL")]
    network: PathBuf,
    /// Data set, as digits, mnist:DIR or cifar10:DIR,shift=noise:3
    #[arg(long, value_name = "SPEC")]
    data: String,
    /// The part of the data set
    #[arg(long, value_name = "PART", value_enum, default_value_t)]
    part: Part,
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
        let score = |(name, data): (&'static str, &Dataset)| {
            Ok((name, evaluate::evaluate(session.executor(), model, params, data, loss)?))
        };
        if self.part == Part::Validation && data.validation.is_none() {
            return Err(CliError::NoValidation { data: self.data.clone() }.into());
        }
        let scores = self.parts(&data).into_iter().map(score).collect::<Result<Vec<_>, Failure>>()?;
        Ok(Outcome { answer: Answer::Yes, text: text(model, &scores), json: self.json(model, loss, &scores) })
    }
}

impl Evaluate {
    fn parts<'a>(&self, data: &'a Splits) -> Vec<(&'static str, &'a Dataset)> {
        let validation = data.validation.iter().map(|data| (Part::Validation, "validation", data));
        let ends = [(Part::Test, "test", &data.test), (Part::Train, "train", &data.train)];
        let wanted = |part: Part| self.part == Part::All || self.part == part;
        let parts = ends.into_iter().chain(validation).filter(|(part, ..)| wanted(*part));
        parts.map(|(_, name, data)| (name, data)).collect()
    }

    fn json(&self, model: &Model, loss: Loss, scores: &[(&str, Score)]) -> Value {
        let mut result = json!({ "model": model.spec(), "data": self.data, "loss": loss.to_string() });
        for (name, score) in scores {
            result[*name] = json!({ "loss": number(score.loss), "accuracy": json::optional(score.accuracy), "count": score.count });
            if let Some(bits) = score.bits_per_byte {
                result[*name]["bits_per_byte"] = number(bits);
            }
        }
        result
    }
}

fn text(model: &Model, scores: &[(&str, Score)]) -> String {
    let of_texts = scores.iter().any(|(_, score)| score.bits_per_byte.is_some());
    let mut columns = vec![
        Column::text("part"),
        Column::number("loss", NumberFormat::Fixed(4)),
        Column::number("accuracy", NumberFormat::Percent(2)),
        Column::number(if of_texts { "tokens" } else { "examples" }, NumberFormat::Fixed(0)),
    ];
    columns.extend(of_texts.then(|| Column::number("bits/byte", NumberFormat::Fixed(4))));
    let rows = scores.iter().map(|(name, score)| {
        let cells = [Cell::from(*name), Cell::from(score.loss), Cell::from(score.accuracy)];
        let more = [Some(score.count as f64), score.bits_per_byte].into_iter().flatten().map(Cell::from);
        cells.into_iter().chain(more).collect::<Vec<_>>()
    });
    report::text::table(&rows.fold(Table::new("", columns), Table::with_row))
        + "\n"
        + sentence_on_accuracy(model)
}
