//! `isoloss align`: matching one network to another.

mod check;
mod run;
mod widths;

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    path::{Path, PathBuf},
};

use clap::Args;
use isoloss::{models::weights, symmetry::matching::transport::Solver};
use serde_json::{Value, json};

use super::Run;
use crate::{
    alignment::{self, Alignment, Layers, Method, SearchFlags, Unfinished},
    common::Common,
    failure::{CliError, Failure},
    hub::Output,
    json::number,
    networks::{self, Architecture, Network},
    outcome::{Answer, Outcome},
    place::{self, Replace},
    session::Session,
};

/// Move the hidden units of a network B to where they match those of a network A
///
/// B computes the same function before and after; only the order of its hidden units changes, with --method circuit also
/// their coordinates, so that averages of the two
/// networks lose as little as the search can bring about. The symmetry that is used is certified first.
///
/// Three methods are those of Git Re-Basin (Ainsworth, Hayase and Srinivasa, 2023). By weight (algorithm 1), the weights come as
/// near to A's as can be: one class of units after the other is solved, exactly and with a proof, until no class brings
/// progress. By activation, units that correlate on the training data are matched; each class is solved once, with a proof.
/// ste descends on the loss halfway between the networks: latent weights move by its gradient, each step matches B to them
/// by weight, and what has the least loss on a fixed part of the training data counts, the matching by weight included. sinkhorn
/// (Guerrero Peña et al., 2022) descends on doubly stochastic matrices, on the squared distance of the weights, or with --data
/// on the loss at random places between the networks; a permutation is made of them in the end, the best on the way counts.
/// Jointly (C²M³, Crisostomi et al., 2024), any number of networks are matched to each other by their weights at once, no
/// class and no network before another, and each is written as A is arranged. By circuit (Theus et al., 2025), the weights come
/// as near as exchanges, the matrices inside of heads of attention and rotations of residual streams can bring them, for which gains
/// of normalisations are folded into what reads them; heads are matched by the products of their queries and keys and of their values
/// and outputs. What is written has A's gains. learned begins there and descends on the loss near the midpoint with latent
/// matrices of all of these; the best on examples of the training part that it holds out counts. What it has found is kept beside --out;
/// when it was stopped, by Ctrl-C or otherwise, the same command goes on from there, to the same bits. By transport (OTFusion, Singh and Jaggi, 2020),
/// units are matched by what makes them, layer by layer from the inputs on, with exact plans; it also brings B to other widths
/// of the same structure, and then what B computes changes, as units are mixed or split. With --entropy, plans are of least cost less
/// entropy (Sinkhorn): every place mixes units of B, also between networks of one architecture.
///
/// Where B is the folder of an unfinished run, the network of its checkpoint is matched (A may be one, too), and the run is written
/// with its optimiser's state, averages and weights of earlier epochs all moved alike, so that training it further and moving it can
/// change places; it moves by permutations alone.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  isoloss align runs/a runs/b --out b-aligned.safetensors
  isoloss align runs/a runs/b --method activation --data mnist:data/mnist --out b2.safetensors
  isoloss align a.safetensors b.safetensors --model mlp:784-512-10 --restarts 4 --out b2.safetensors
  isoloss align runs/a runs/b runs/c --method joint --out aligned
  isoloss align runs/gpt-a runs/gpt-b --method circuit --out b2.safetensors
  isoloss align runs/gpt-a runs/gpt-b --method learned --data text:corpus.txt --out b2.safetensors
  isoloss align runs/a runs/unfinished-b --out runs/b2
  isoloss align llama-a llama-b --method circuit --out llama-b2
  isoloss align runs/wide runs/narrow --method transport --out widened.safetensors
  isoloss align runs/a runs/b --method transport --entropy 0.05 --out soft.safetensors
  isoloss align runs/a runs/b --check")]
pub(crate) struct Align {
    /// Network that stays as it is, and the one that is matched to it; with --method joint any number of them
    #[arg(value_name = "MODEL", required = true, num_args = 2..)]
    networks: Vec<PathBuf>,
    /// Only say whether the two should be aligned, and why: whether they have a common ancestor, were trained apart, or
    /// have nothing to match (exit code 1). Write nothing
    #[arg(long, conflicts_with_all = ["out", "force", "method", "data", "restarts", "rounds", "batch"])]
    check: bool,
    /// File for the matched network, *.safetensors, or folder for more than one; what is known of each is kept. Where B is the folder of
    /// an unfinished run, a new folder: for the run with all that its training goes on from, moved alike. Where B is a folder of the
    /// Hugging Face Hub, a file, or a new folder with the same files, configuration, tokenizer and types of elements
    #[arg(long, value_name = "PLACE", required_unless_present = "check")]
    out: Option<PathBuf>,
    #[command(flatten)]
    replace: Replace,
    /// Of circuit: match layer by layer, in the memory of a few layers; for folders of the Hugging Face Hub with networks of the Llama family
    /// whose output layer is not tied, and the way of those of more than 20 million weights that are written to a folder
    #[arg(long, conflicts_with = "check")]
    by_layer: bool,
    #[command(flatten)]
    architecture: Architecture,
    /// How units are matched
    #[arg(long, value_name = "METHOD", value_enum, default_value_t)]
    method: Method,
    /// Data set, which activation, ste and learned need and sinkhorn may have, as digits or mnist:DIR; its training part is used
    #[arg(long, value_name = "SPEC")]
    data: Option<String>,
    /// Of transport: smooth the plans by entropy with this weight, as a share of the mean cost of a class of units; above 0
    #[arg(long, value_name = "X", conflicts_with = "check", allow_negative_numbers = true)]
    entropy: Option<f64>,
    #[command(flatten)]
    search: SearchFlags,
    #[command(flatten)]
    common: Common,
}

/// The metadata key under which a matched network says to which network it was matched.
const NOTE_KEY: &str = "isoloss.aligned_to";

impl Run for Align {
    fn common(&self) -> Common {
        self.common.clone()
    }

    fn run(&self, session: &Session) -> Result<Outcome, Failure> {
        if self.check {
            return check::check(session, self.pair("--check", "")?, self.architecture.spec());
        }
        if self.method != Method::Joint {
            let hint = "; --method joint takes any number";
            self.pair(&format!("matching by {}", self.method.name()), hint)?;
        }
        if self.entropy.is_some() && self.method != Method::Transport {
            return Err(CliError::UnusedFlag { flag: "--entropy", method: self.method.name() }.into());
        }
        self.method.check_use_of_data(self.data.as_deref())?;
        if let ([a, b], Some(out)) = (&self.networks[..], &self.out)
            && let Some(run) = run::Unfinished::find(b, self.method, out)?
        {
            return self.carry(session, a, b, run);
        }
        if let Some(done) = self.by_layer(session)? {
            return Ok(done);
        }
        let folder = self.folder()?;
        let files = if folder.is_some() { vec![self.place().to_owned()] } else { self.files()? };
        let networks = networks::load(&self.networks, self.architecture.spec())?;
        if let (Method::Transport, [a, b]) = (self.method, &networks[..])
            && (a.model != b.model || self.entropy.is_some())
        {
            self.search.plan(self.method, None)?;
            let solver = self.entropy.map_or(Solver::Exact, |epsilon| Solver::Entropic { epsilon });
            return widths::carry(session, [a, b], solver, &files[0]);
        }
        networks::check_all_alike(&networks)?;
        let data = self.data.as_deref().map(|spec| networks::load_data(spec, &networks)).transpose()?;
        let plan = self.search.plan(self.method, data.as_ref().map(|data| &data.train))?;
        let others: Vec<&Network> = networks.iter().skip(1).collect();
        let unfinished = Unfinished::beside(&files[0], self.method, others.len())?;
        let alignments = alignment::align(session, &networks[0], &others, plan.kept(unfinished.as_ref()))?;
        let mut matched = Vec::new();
        for ((network, out), alignment) in others.into_iter().zip(&files).zip(&alignments) {
            match &folder {
                Some(folder) => {
                    let note = json!({ "made_by": "isoloss", "a": networks[0].name(), "b": network.name(), "by": self.method.name() });
                    folder.write_params(&network.model, &note, &alignment.params)?;
                }
                None => weights::save(out, &alignment.params, &metadata(network, &networks[0])?)?,
            }
            matched.push(Matched { network, out, alignment });
        }
        unfinished.map_or(Ok(()), Unfinished::remove)?;
        let text = matched.iter().map(|each| each.text(matched.len() > 1)).collect();
        Ok(Outcome { answer: Answer::Yes, text, json: self.json(&networks[0], &matched) })
    }
}

/// A network that was matched, and where it was written.
struct Matched<'a> {
    network: &'a Network,
    out: &'a Path,
    alignment: &'a Alignment,
}

impl Align {
    /// Matches an unfinished run, and writes it with all that its training goes on from.
    fn carry(&self, session: &Session, a: &Path, b: &Path, run: run::Unfinished) -> Result<Outcome, Failure> {
        let networks = [run::network(a, self.architecture.spec())?, run.network(b)];
        networks::check_all_alike(&networks)?;
        let data = self.data.as_deref().map(|spec| networks::load_data(spec, &networks)).transpose()?;
        let plan = self.search.plan(self.method, data.as_ref().map(|data| &data.train))?;
        let [a, network] = &networks;
        let alignment = alignment::align(session, a, &[network], plan)?.swap_remove(0);
        let (moved, state) = run.write(&alignment)?;
        let out = self.out.as_deref().unwrap_or(Path::new(""));
        let matched = Matched { network, out, alignment: &alignment };
        let text = matched.text(false) + &moved;
        let mut json = self.json(a, &[matched]);
        json["run"] = state;
        Ok(Outcome { answer: Answer::Yes, text, json })
    }

    /// Where the result goes.
    fn place(&self) -> &Path {
        self.out.as_deref().unwrap_or(Path::new(""))
    }

    /// The folder like B's that is asked for.
    fn folder(&self) -> Result<Option<Output>, Failure> {
        match &self.networks[..] {
            [_, b] => Output::find(self.place(), b, &self.networks, self.replace.force),
            _ => Ok(None),
        }
    }

    /// Matches large decoders without ever having one in memory, where it is that.
    fn by_layer(&self, session: &Session) -> Result<Option<Outcome>, Failure> {
        let [a, b] = &self.networks[..] else { return Ok(None) };
        if self.by_layer && self.method != Method::Circuit {
            return Err(CliError::UnusedFlag { flag: "--by-layer", method: self.method.name() }.into());
        }
        let Some(folder) = self.folder()?.filter(|_| self.method == Method::Circuit) else {
            let hint = "--out must be a folder, and both networks folders of the Hugging Face Hub";
            let fault = || CliError::NotByLayer { flag: format!("--out {}", self.place().display()), hint };
            return if self.by_layer { Err(fault().into()) } else { Ok(None) };
        };
        let spec = self.architecture.spec();
        let task = Layers { paths: [a, b], spec, at: None, rounds: None };
        if !task.is_for_layers(self.by_layer)? {
            return Ok(None);
        }
        let task = Layers { rounds: self.search.rounds_of_layers()?, ..task };
        task.run(session, &folder, self.place()).map(Some)
    }

    /// The two networks, for what takes no more.
    fn pair(&self, what: &str, hint: &'static str) -> Result<&[PathBuf; 2], CliError> {
        let found = self.networks.len();
        self.networks.as_slice().try_into().map_err(|_| CliError::TwoNetworks {
            what: what.to_owned(),
            found,
            hint,
        })
    }

    /// The files for the matched networks, one for each but the first, once they were checked.
    fn files(&self) -> Result<Vec<PathBuf>, Failure> {
        let out = self.out.as_deref().unwrap_or(Path::new(""));
        let files: Vec<PathBuf> = match &self.networks[1..] {
            [_] => vec![out.to_owned()],
            many => many.iter().map(|network| out.join(file_name(network))).collect(),
        };
        let inputs = networks::files(&self.networks)?;
        for (position, file) in files.iter().enumerate() {
            if files[..position].contains(file) {
                return Err(CliError::SameName { path: file.clone() }.into());
            }
            place::check_weights(file, &inputs, self.replace.force)?;
        }
        Ok(files)
    }

    fn json(&self, a: &Network, matched: &[Matched<'_>]) -> Value {
        let networks: Vec<Value> = matched.iter().map(Matched::json).collect();
        let certificate = &matched[0].alignment.certified.certificate;
        let mut json = json!({
            "model": a.model.spec(),
            "a": a.name(),
            "certificate": {
                "passed": certificate.passed(),
                "worst_relative": number(certificate.worst_relative()),
            },
        });
        match &networks[..] {
            [Value::Object(one)] => one.iter().for_each(|(key, value)| json[key] = value.clone()),
            _ => json["networks"] = networks.into(),
        }
        json
    }
}

impl Matched<'_> {
    fn text(&self, is_one_of_many: bool) -> String {
        let alignment = self.alignment;
        let [[before, after], [far, near]] = [alignment.nearness.inner, alignment.nearness.distance];
        let mut text = if is_one_of_many { format!("{}\n", self.network.name()) } else { String::new() };
        text += &format!(
            "inner product of the weights  {before:.4} → {after:.4}\ndistance of the weights       {far:.4} → {near:.4}\n"
        );
        for class in &alignment.moved {
            text += &format!("moved {} of {}: {}\n", class.moved, class.size, class.name);
        }
        text += &alignment.search.lines();
        text + &format!(
            "{}, {:.3} s; the symmetry's certificate passed ({:.1e})\nwritten to {}\n",
            alignment.search.short(),
            alignment.seconds,
            alignment.certified.certificate.worst_relative(),
            self.out.display()
        )
    }

    fn json(&self) -> Value {
        let moved = self.alignment.moved.iter();
        let groups =
            moved.map(|class| json!({ "name": class.name, "size": class.size, "moved": class.moved }));
        json!({
            "b": self.network.name(),
            "out": self.out.display().to_string(),
            "matching": self.alignment.json(),
            "groups": groups.collect::<Vec<_>>(),
        })
    }
}

/// What a network's file says about itself, and to which network it was matched.
fn metadata(network: &Network, a: &Network) -> Result<BTreeMap<String, String>, Failure> {
    let mut metadata = weights::metadata(&network.path)?;
    metadata.extend(a.model.metadata());
    metadata.insert(NOTE_KEY.to_owned(), a.name());
    Ok(metadata)
}

/// The file of a network among others: that of its own file, or of its folder.
fn file_name(network: &Path) -> PathBuf {
    let name = if network.is_dir() { network.file_name() } else { network.file_stem() };
    Path::new(name.unwrap_or(OsStr::new("network"))).with_added_extension("safetensors")
}
