//! `isoloss data`: what data sets there are, how to get them, and what is in one.

use clap::Args;
use isoloss::data::{self, Dataset, Example, KNOWN, SOURCES, Source, Splits};
use serde_json::{Value, json};

use super::Run;
use crate::{
    common::Common,
    failure::Failure,
    json::number,
    outcome::{Answer, Outcome},
    session::Session,
};

/// Say what data sets there are and how to get them, or what is in one
///
/// Without an argument all data sets are listed, with the commands that fetch those that are not built in. With a name
/// alone, as cifar10, its commands and check sums are shown. With a specification, as cifar10:DIR, the data set is read, and
/// its size, classes and normalisation are told. Nothing is ever downloaded: the commands are for you to run.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  isoloss data
  isoloss data fashion-mnist
  isoloss data cifar10:data/cifar10,normalize=on")]
pub(crate) struct Data {
    /// Name or specification of a data set
    #[arg(value_name = "SPEC")]
    spec: Option<String>,
    #[command(flatten)]
    common: Common,
}

/// Most classes whose counts are shown to people.
const MOST_SHOWN: usize = 20;

impl Run for Data {
    fn common(&self) -> Common {
        self.common.clone()
    }

    fn run(&self, _: &Session) -> Result<Outcome, Failure> {
        let (text, json) = match self.spec.as_deref() {
            None => (overview(), json!({ "known": KNOWN, "sources": SOURCES.map(|s| source_json(&s)) })),
            Some(spec) => match Source::find(spec) {
                Some(source) => (how_to_get(source), source_json(source)),
                None => {
                    let splits = data::load(spec)?;
                    (description(&splits), description_json(&splits))
                }
            },
        };
        Ok(Outcome { answer: Answer::Yes, text, json })
    }
}

fn overview() -> String {
    let known = format!("Data sets for --data: {}\n", KNOWN.join(", "));
    let there = "digits, clusters, teacher, mnist1d and sums need no files; images, npz and text read your own. The others:\n";
    SOURCES.iter().fold(known + there, |text, source| text + "\n" + &how_to_get(source))
}

fn how_to_get(source: &Source) -> String {
    let mut text = format!("{}:DIR  {}\n  page: {}\n", source.name, source.what, source.page);
    for command in source.commands {
        text += &format!("  $ {command}\n");
    }
    text += &format!("  $ {}\n", source.check());
    if let Some((package, folder)) = source.package {
        text += &format!("  {package}, then {}:{folder}\n", source.name);
    }
    text
}

fn source_json(source: &Source) -> Value {
    let sums: serde_json::Map<String, Value> =
        source.sums.iter().map(|(file, sum)| ((*file).to_owned(), json!(sum))).collect();
    json!({
        "name": source.name,
        "what": source.what,
        "page": source.page,
        "commands": source.commands,
        "check": source.check(),
        "package": source.package.map(|(package, folder)| json!({ "get": package, "folder": folder })),
        "md5": sums,
    })
}

fn description(splits: &Splits) -> String {
    let mut text = format!("{}: {}, {}\n", splits.spec, splits.train.example(), classes(&splits.train));
    let validation = splits.validation.iter().map(|data| ("validation", data));
    for (name, data) in
        [("train", &splits.train)].into_iter().chain(validation).chain([("test", &splits.test)])
    {
        text += &format!("{name:5}  {}\n", size(data));
    }
    if let Some(moments) = splits.train.normalization().filter(|moments| moments.mean.len() <= MOST_SHOWN) {
        text += &format!("mean of the channels       {}\n", rounded(&moments.mean));
        text += &format!("deviation of the channels  {}\n", rounded(&moments.deviation));
    }
    let augmentation = splits.train.augmentation().to_string();
    if !augmentation.is_empty() {
        text += &format!("training examples are changed by {augmentation}\n");
    }
    text
}

fn classes(data: &Dataset) -> String {
    if let Some(tokenizer) = data.tokenizer() {
        let bytes = data.bytes_per_token().unwrap_or_default();
        return format!(
            "byte pairs of {} tokens, which are {bytes:.2} bytes long on average",
            tokenizer.tokens()
        );
    }
    match (data.vocabulary(), data.class_names()) {
        (Some(characters), _) => {
            let shown: String = characters.iter().flat_map(|character| character.escape_debug()).collect();
            format!("{} different characters: {shown}", characters.len())
        }
        (None, []) => format!("{} classes", data.classes()),
        (None, names) => {
            let more = if names.len() > MOST_SHOWN { ", …" } else { "" };
            let shown = &names[..names.len().min(MOST_SHOWN)];
            format!("{} classes: {}{more}", data.classes(), shown.join(", "))
        }
    }
}

fn size(data: &Dataset) -> String {
    if let Some(tokens) = data.tokens() {
        let unit = if data.vocabulary().is_some() { "characters" } else { "tokens" };
        return format!("{tokens} {unit}");
    }
    let counts = data.counts();
    let of_classes = if counts.len() <= MOST_SHOWN {
        counts.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    } else {
        let (least, most) = (counts.iter().min().unwrap_or(&0), counts.iter().max().unwrap_or(&0));
        format!("{least} to {most} each")
    };
    format!("{} examples, of the classes {of_classes}", data.len())
}

fn rounded(numbers: &[f64]) -> String {
    numbers.iter().map(|number| format!("{number:.4}")).collect::<Vec<_>>().join(", ")
}

fn description_json(splits: &Splits) -> Value {
    let part =
        |data: &Dataset| json!({ "examples": data.len(), "tokens": data.tokens(), "counts": data.counts() });
    let image = match splits.train.example() {
        Example::Image(image) => Some([image.channels, image.height, image.width]),
        Example::Features(_) | Example::Tokens(_) => None,
    };
    let numbers = |numbers: &[f64]| numbers.iter().copied().map(number).collect::<Vec<_>>();
    json!({
        "data": splits.spec,
        "features": splits.train.features(),
        "image": image,
        "classes": splits.train.classes(),
        "class_names": splits.train.class_names(),
        "bytes_per_token": splits.train.bytes_per_token().map(number),
        "vocabulary": splits.train.vocabulary().map(|characters| characters.iter().collect::<String>()),
        "train": part(&splits.train),
        "validation": splits.validation.as_ref().map(part),
        "test": part(&splits.test),
        "mean": splits.train.normalization().map(|moments| numbers(&moments.mean)),
        "deviation": splits.train.normalization().map(|moments| numbers(&moments.deviation)),
        "augment": splits.train.augmentation().to_string(),
    })
}
