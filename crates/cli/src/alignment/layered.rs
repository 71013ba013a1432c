//! Matching decoders of any size layer by layer, from folder to folder.

use std::{collections::BTreeMap, path::Path, time::Instant};

use isoloss::{
    graph::Executor,
    merge,
    models::{
        self, Model, Params,
        weights::{Reader, WeightsError},
    },
    recipes::certified,
    symmetry::{
        Certified,
        matching::{
            circuit::Optimality,
            layered::{Layered, Network, Options, Products, layered_matching},
        },
    },
    tensor::Tensor,
};
use serde_json::{Value, json};

use crate::{
    failure::{CliError, Failure},
    hub::{self, Output},
    json::number,
    outcome::{Answer, Outcome},
    session::Session,
};

/// Networks of more weights than this are matched layer by layer where they can be. Ours: of fewer, both fit into memory several times.
const LARGE: usize = 20_000_000;

/// A network in files, of which nothing but headers was read.
struct Stored {
    model: Model,
    reader: Reader,
    /// For each tensor of the network, its name in the files.
    names: BTreeMap<String, String>,
}

/// What is to be done.
pub(crate) struct Task<'a> {
    /// The folders of A and of B.
    pub(crate) paths: [&'a Path; 2],
    /// Architecture of both, where it is given.
    pub(crate) spec: Option<&'a str>,
    /// The place between A and what B becomes; B itself where it is not merged.
    pub(crate) at: Option<f64>,
    /// Rounds at most, if not as many as it takes.
    pub(crate) rounds: Option<usize>,
}

impl Stored {
    /// `None` where the path is no folder of the Hub, or its network no decoder.
    fn open(path: &Path, spec: Option<&str>) -> Result<Option<Self>, Failure> {
        if hub::folder(path)?.is_none() {
            return Ok(None);
        }
        let reader = Reader::open(path)?;
        let model = match spec {
            Some(spec) => Some(Model::parse(spec)?),
            None => models::described(path, &reader)?,
        };
        let Some(model) = model.filter(|model| model.decoder().is_some()) else { return Ok(None) };
        let origins = models::origins(&model, &reader)?;
        let names = model.entries().into_iter().map(|(name, _)| name).zip(origins).collect();
        Ok(Some(Self { model, reader, names }))
    }

    fn read(&self, name: &str) -> Result<Tensor, WeightsError> {
        self.reader.read(self.names.get(name).map_or(name, String::as_str))
    }
}

impl Task<'_> {
    /// Whether the networks are to be matched layer by layer: where it is asked for, and where they are large decoders.
    pub(crate) fn is_for_layers(&self, is_asked_for: bool) -> Result<bool, Failure> {
        let [a, b] = self.paths.map(|path| Stored::open(path, self.spec));
        match (a?, b?) {
            (Some(a), Some(b)) => {
                if a.model != b.model {
                    let [one, other] = self.paths.map(|path| path.display().to_string());
                    let difference = format!("{one} is {}, {other} is {}", a.model, b.model);
                    return Err(CliError::Architectures { difference }.into());
                }
                Ok(is_asked_for || a.model.elements() > LARGE)
            }
            _ if is_asked_for => Err(CliError::NoLayers { found: self.paths[0].to_owned() }.into()),
            _ => Ok(false),
        }
    }

    /// Matches, and writes B moved, or what is between A and that.
    pub(crate) fn run(&self, session: &Session, output: &Output, out: &Path) -> Result<Outcome, Failure> {
        let start = Instant::now();
        let [a, b] = self.paths.map(|path| Stored::open(path, self.spec));
        let (Some(a), Some(b)) = (a?, b?) else {
            return Err(CliError::NoLayers { found: self.paths[0].to_owned() }.into());
        };
        output.check(&a.model)?;
        let Some(decoder) = a.model.decoder() else { unreachable!("what was opened is a decoder") };
        let (folding, certified) = certified::folding(session.executor(), &decoder.small(), session.key())?;
        let sources = [&a, &b].map(|network| |name: &str| network.read(name));
        let networks =
            [Network { name: "A", source: &sources[0] }, Network { name: "B", source: &sources[1] }];
        let mut products = Products::new(session.executor());
        let options = Options { max_rounds: self.rounds.unwrap_or(Options::default().max_rounds) };
        let task = session.progress.task("matching", decoder.layers() as u64, "layers");
        let found = layered_matching(
            &mut products,
            &decoder,
            &folding,
            networks,
            &options,
            &mut |round, layer, distance| {
                task.at(layer as u64, format_args!("round {round}, distance {distance:.4}"));
            },
        )?;
        drop(task);
        let matched = start.elapsed().as_secs_f64();
        let worst = self.write(session.executor(), &found, networks, &a.model, output)?;
        let seconds = [matched, start.elapsed().as_secs_f64() - matched];
        Ok(self.outcome(&a.model, &found, &certified, worst, seconds, out))
    }

    fn write(
        &self,
        executor: &dyn Executor,
        found: &Layered,
        [a, b]: [Network<'_>; 2],
        model: &Model,
        output: &Output,
    ) -> Result<f64, Failure> {
        let mut products = Products::new(executor);
        let (mut held, mut worst) = ((None, BTreeMap::new()), 0.0f64);
        let [one, other] = self.paths.map(|path| path.display().to_string());
        let note = json!({ "made_by": "isoloss", "a": one, "b": other, "by": "circuit", "at": self.at });
        output.write(model, &note, &mut |name| {
            let moved = match found.end(&mut products, b, name)? {
                Some(end) => end,
                None => {
                    let layer = layer_of(name);
                    if held.0 != layer || !held.1.contains_key(name) {
                        let Some(number) = layer else { unreachable!("'{name}' is no part of a decoder") };
                        let moved = found.layer(&mut products, b, number)?;
                        worst = worst.max(moved.difference);
                        held = (layer, moved.tensors.into_iter().collect());
                    }
                    held.1.remove(name).unwrap_or_else(|| unreachable!("'{name}' is a part of its layer"))
                }
            };
            let Some(at) = self.at else { return Ok(moved) };
            let [ours, moved] = [(a.source)(name)?, moved].map(|tensor| Params::from_pairs([(name, tensor)]));
            let mut merged = merge::interpolate(&ours, &moved, at)?.into_values();
            Ok(merged.swap_remove(0))
        })?;
        Ok(worst)
    }

    fn outcome(
        &self,
        model: &Model,
        found: &Layered,
        certified: &Certified,
        worst: f64,
        [matching, writing]: [f64; 2],
        out: &Path,
    ) -> Outcome {
        let ends = [found.distances.first(), found.distances.last()];
        let [before, after] = ends.map(|end| end.copied().unwrap_or(f64::NAN));
        let [units, queries] = found.moved;
        let more = if found.converged { "" } else { ", the most allowed" };
        let what = if self.at.is_some() { "merged and written" } else { "written" };
        let text = format!(
            "distance of the weights       {before:.4} → {after:.4}, with gains folded and scales of units balanced\n\
             moved {units} gated units and {queries} heads of queries; the matched network has the gains and scales of A\n\
             layer by layer, {} rounds{more}, {matching:.1} s; {writing:.1} s to write\n\
             each layer computes what it did, but for {worst:.1e} of its outputs; the symmetry's certificate passed ({:.1e})\n\
             {what} to {}\n",
            found.rounds(),
            certified.certificate.worst_relative(),
            out.display()
        );
        let Optimality::Polar { asymmetry, least_eigenvalue } = found.rotation_optimality else {
            unreachable!("the residual stream is rotated")
        };
        let distances: Vec<Value> = found.distances.iter().copied().map(number).collect();
        let [a, b] = self.paths.map(|path| path.display().to_string());
        let json = json!({
            "model": model.spec(),
            "a": a,
            "b": b,
            "out": out.display().to_string(),
            "at": self.at.map(number),
            "certificate": { "passed": certified.certificate.passed(), "worst_relative": number(certified.certificate.worst_relative()) },
            "matching": {
                "method": "circuit",
                "by_layer": true,
                "distances": distances,
                "rounds": found.rounds(),
                "converged": found.converged,
                "gap": number(found.gap),
                "rotation": { "asymmetry": number(asymmetry), "least_eigenvalue": number(least_eigenvalue) },
                "moved": { "units": units, "queries": queries },
                "layers_differ_by": number(worst),
                "seconds": number(matching),
            },
            "writing_seconds": number(writing),
        });
        Outcome { answer: Answer::Yes, text, json }
    }
}

/// The number in the name of a tensor of a layer.
fn layer_of(name: &str) -> Option<usize> {
    name.strip_prefix("model.layers.")?.split('.').next()?.parse().ok()
}
