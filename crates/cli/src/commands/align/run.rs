//! Aligning an unfinished run, with all that its training goes on from.

use std::path::{Path, PathBuf};

use isoloss::{
    models::Params,
    optim::Optimizer,
    symmetry::{SymmetryError, Undefined},
    train::Paused,
};
use serde_json::{Value, json};

use crate::{
    alignment::{Alignment, Method},
    failure::{CliError, Failure},
    networks::Network,
    place,
};

/// A network, or that of an unfinished run.
pub(super) fn network(path: &Path, spec: Option<&str>) -> Result<Network, Failure> {
    match Paused::find(path)? {
        Some(paused) => Ok(of(&paused, path)),
        None => Network::load(path, spec),
    }
}

fn of(paused: &Paused, path: &Path) -> Network {
    let Paused { model, params, summary, .. } = paused;
    let (model, params, input) = (model.clone(), params.clone(), summary.input.clone());
    Network { path: path.to_owned(), model, params, input }
}

/// An unfinished run that is to be matched.
pub(super) struct Unfinished {
    paused: Paused,
    /// The folder for the run as it is matched.
    out: PathBuf,
}

impl Unfinished {
    /// The run that a folder holds, if it is an unfinished one, once it is clear that it can be matched so and written there.
    pub(super) fn find(run: &Path, method: Method, out: &Path) -> Result<Option<Self>, Failure> {
        let Some(paused) = Paused::find(run)? else { return Ok(None) };
        if let Method::Circuit | Method::Learned | Method::Transport = method {
            return Err(CliError::UnfinishedRun { run: run.to_owned(), method: method.name() }.into());
        }
        place::check_run(out)?;
        Ok(Some(Self { paused, out: out.to_owned() }))
    }

    /// The network as it stands in the checkpoint.
    pub(super) fn network(&self, path: &Path) -> Network {
        of(&self.paused, path)
    }

    /// Writes the run as it is matched: the weights, what the optimiser remembers of each, averages, and the weights of earlier epochs
    /// all move alike. What was moved, in words and as JSON.
    pub(super) fn write(self, alignment: &Alignment) -> Result<(String, Value), Failure> {
        let Self { paused, out } = self;
        let (group, element) = (&alignment.certified.group, &alignment.element);
        let optimizer: Optimizer = paused.summary.config.optimizer.parse()?;
        // Permutations leave nothing undefined.
        let moved = group.act_on_state(element, &optimizer, &paused.slots, Undefined::Keep)?;
        let act = |params: &Params| group.act(element, params);
        let averages = paused.averages.iter().map(|(name, params)| Ok((*name, act(params)?)));
        let averages = averages.collect::<Result<_, SymmetryError>>()?;
        let kept = paused.kept.iter().map(|(file, params)| Ok((file.clone(), act(params)?)));
        let kept = kept.collect::<Result<_, SymmetryError>>()?;
        let mut run = paused;
        (run.params, run.slots) = (alignment.params.clone(), moved.slots);
        (run.averages, run.kept) = (averages, kept);
        run.write(&out)?;
        let names: Vec<&str> =
            optimizer.slots().iter().copied().chain(run.averages.keys().copied()).collect();
        let kept: Vec<&String> = run.kept.keys().collect();
        let steps = run.summary.steps;
        let also = match &names[..] {
            [] => String::new(),
            names => format!(" with {}", names.join(", ")),
        };
        let text =
            format!("moved the run after step {steps}{also}; isoloss train --resume goes on with it\n");
        let json = json!({ "steps": steps, "state": names, "weights": kept });
        Ok((text, json))
    }
}
