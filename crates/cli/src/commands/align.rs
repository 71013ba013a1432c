//! `isoloss align`: matching one network to another.

use std::{collections::BTreeMap, path::PathBuf};

use clap::Args;
use isoloss::models::weights;
use serde_json::{Value, json};

use super::Run;
use crate::{
    alignment::{self, Alignment, Method, SearchFlags},
    common::Common,
    failure::Failure,
    json::number,
    networks::{self, Network},
    outcome::{Answer, Outcome},
    place,
    session::Session,
};

/// Move the hidden units of network B to where they match those of network A
///
/// B computes the same function before and after; only the order of its hidden units changes, so that averages of the two
/// networks lose as little as the search can bring about. The symmetry that is used is certified first.
///
/// The methods are those of Git Re-Basin (Ainsworth, Hayase and Srinivasa, 2023). By weight (algorithm 1), the weights come as
/// near to A's as can be: one class of units after the other is solved, exactly and with a proof, until no class brings
/// progress. By activation, units that correlate on the training data are matched; each class is solved once, with a proof.
/// ste descends on the loss halfway between the networks: latent weights move by its gradient, each step matches B to them
/// by weight, and what has the least loss on a fixed part of the training data counts, the matching by weight included. sinkhorn
/// (Guerrero Peña et al., 2022) descends on doubly stochastic matrices, on the squared distance of the weights, or with --data
/// on the loss at random places between the networks; a permutation is made of them in the end, the best on the way counts.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  isoloss align runs/a runs/b --out b-aligned.safetensors
  isoloss align runs/a runs/b --method activation --data mnist:data/mnist --out b2.safetensors
  isoloss align a.safetensors b.safetensors --model mlp:784-512-10 --restarts 4 --out b2.safetensors")]
pub(crate) struct Align {
    /// Network that stays as it is
    #[arg(value_name = "A")]
    a: PathBuf,
    /// Network that is matched to A
    #[arg(value_name = "B")]
    b: PathBuf,
    /// File for the matched network, *.safetensors; the metadata of B is kept
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Replace --out if it is there; inputs are never replaced
    #[arg(long)]
    force: bool,
    /// Architecture of both, when the files do not name it
    #[arg(long = "model", visible_alias = "graph", value_name = "SPEC")]
    spec: Option<String>,
    /// How units are matched
    #[arg(long, value_name = "METHOD", value_enum, default_value_t)]
    method: Method,
    /// Data set, which activation and ste need and sinkhorn may have, as digits or mnist:DIR; its training part is used
    #[arg(long, value_name = "SPEC")]
    data: Option<String>,
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
        let paths = [self.a.clone(), self.b.clone()];
        place::check_weights(&self.out, &networks::files(&paths)?, self.force)?;
        let networks = networks::load_alike(&paths, self.spec.as_deref())?;
        let [a, b] = &networks[..] else { unreachable!("two paths were given") };
        self.method.check_use_of_data(self.data.as_deref())?;
        let data = self.data.as_deref().map(|spec| networks::load_data(spec, &networks)).transpose()?;
        let plan = self.search.plan(self.method, data.as_ref().map(|data| &data.train))?;
        let alignment = alignment::align(session, a, b, plan)?;
        weights::save(&self.out, &alignment.params, &self.metadata(a)?)?;
        Ok(Outcome { answer: Answer::Yes, text: self.text(&alignment), json: self.json(b, &alignment) })
    }
}

impl Align {
    /// What B's file says about itself, and to which network it was matched.
    fn metadata(&self, a: &Network) -> Result<BTreeMap<String, String>, Failure> {
        let mut metadata = weights::metadata(&self.b)?;
        metadata.extend(a.model.metadata());
        metadata.insert(NOTE_KEY.to_owned(), a.name());
        Ok(metadata)
    }

    fn text(&self, alignment: &Alignment) -> String {
        let [[before, after], [far, near]] = [alignment.nearness.inner, alignment.nearness.distance];
        let mut text = format!(
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

    fn json(&self, b: &Network, alignment: &Alignment) -> Value {
        let moved = alignment.moved.iter();
        let groups =
            moved.map(|class| json!({ "name": class.name, "size": class.size, "moved": class.moved }));
        json!({
            "model": b.model.spec(),
            "a": self.a.display().to_string(),
            "b": self.b.display().to_string(),
            "out": self.out.display().to_string(),
            "matching": alignment.json(),
            "groups": groups.collect::<Vec<_>>(),
            "certificate": {
                "passed": alignment.certified.certificate.passed(),
                "worst_relative": number(alignment.certified.certificate.worst_relative()),
            },
        })
    }
}
