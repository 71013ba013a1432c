//! `isoloss canonical`: a network in the form that stands for all that differ from it by symmetry.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use isoloss::{
    models::weights,
    recipes::certified,
    symmetry::{
        Element,
        canonical::{Canonical as Found, Form, Scaling},
    },
};
use serde_json::json;

use super::Run;
use crate::{
    common::Common,
    failure::{CliError, Failure},
    json::number,
    networks::{self, Architecture, Network},
    outcome::{Answer, Outcome},
    place::{self, Replace},
    session::Session,
};

/// Bring a network into a form that does not depend on the scales, signs and order of its hidden units
///
/// What the network computes stays. Networks that differ by such a change alone come to the same weights, up to rounding, and what is in
/// the form already stays to the bit. The symmetry that is used is certified first. Only scales that hold exactly are used, and
/// matrices of attention and of linear chains, and what can be added to parameters without effect, are left as they are.
///
/// Balanced scales have the least sum of squares of all weights, as weight decay would choose them; the sum is convex in the
/// logarithms of all scales together, and the residual that is told proves the least. Unit scales make the norm of the weights
/// that make each unit 1. Of signs the largest weights decide. Units are ordered by the sum of squares of all their weights.
///
/// To match two networks whatever their scales are, bring both into a form first, and align what comes out.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  isoloss canonical runs/a --out canonical.safetensors
  isoloss canonical runs/a --form unit --out unit.safetensors
  isoloss canonical a.safetensors --model mlp:784-512-10 --form balanced,order --out a2.safetensors")]
pub(crate) struct Canonical {
    /// Run folder, ONNX file or file of weights
    #[arg(value_name = "MODEL")]
    network: PathBuf,
    /// File for the result, *.safetensors; what is known of the network is kept
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    replace: Replace,
    #[command(flatten)]
    architecture: Architecture,
    /// What is brought into a form, one or more with commas between; the rest stays
    #[arg(
        long,
        value_name = "PART",
        value_enum,
        value_delimiter = ',',
        default_values_t = [Part::Balanced, Part::Signs, Part::Order]
    )]
    form: Vec<Part>,
    #[command(flatten)]
    common: Common,
}

/// A part of a canonical form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Scales with the least sum of squares of all weights
    Balanced,
    /// Scales that make the norm of the weights that make each unit 1
    Unit,
    /// Signs, so that largest weights are positive
    Signs,
    /// The order of units, those with the largest weights first
    Order,
}

/// The metadata key under which a network says in which form it is.
const NOTE_KEY: &str = "isoloss.canonical";

impl Run for Canonical {
    fn common(&self) -> Common {
        self.common.clone()
    }

    fn run(&self, session: &Session) -> Result<Outcome, Failure> {
        let form = self.form()?;
        let paths = std::slice::from_ref(&self.network);
        place::check_weights(&self.out, &networks::files(paths)?, self.replace.force)?;
        let network = Network::load(&self.network, self.architecture.spec())?;
        let certified = certified::group(session.executor(), &network.model, session.key())?;
        let found = certified.group.canonical(&network.params, form)?;
        let mut metadata = network.metadata();
        metadata.insert(NOTE_KEY.to_owned(), self.names().join(","));
        weights::save(&self.out, &found.params, &metadata)?;
        Ok(self.outcome(&network, &found))
    }
}

impl Canonical {
    fn form(&self) -> Result<Form, CliError> {
        let has = |part| self.form.contains(&part);
        let scaling = match (has(Part::Balanced), has(Part::Unit)) {
            (true, true) => return Err(CliError::TwoScalings),
            (true, false) => Some(Scaling::Balanced),
            (false, true) => Some(Scaling::Unit),
            (false, false) => None,
        };
        Ok(Form { scaling, signs: has(Part::Signs), order: has(Part::Order) })
    }

    fn names(&self) -> Vec<String> {
        let names = self.form.iter().filter_map(ValueEnum::to_possible_value);
        names.map(|value| value.get_name().to_owned()).collect()
    }

    fn outcome(&self, network: &Network, found: &Found) -> Outcome {
        let parameters: Vec<String> = network.model.parameters().into_iter().map(|(name, _)| name).collect();
        let [before, after] = [&network.params, &found.params].map(|params| {
            let own = parameters.iter().filter_map(|name| params.get(name));
            own.flat_map(isoloss::tensor::Tensor::to_f64_vec).map(|x| x * x).sum::<f64>().sqrt()
        });
        let Changed { scaled, turned, moved } = Changed::by(&found.element);
        let text = format!(
            "norm of all weights  {before:.6} → {after:.6}\n\
             scaled {scaled}, turned {turned}, moved {moved}; {} scales without a form were kept\n\
             residual of the scales {:.1e} after {} sweeps\nwritten to {}\n",
            found.undetermined,
            found.residual,
            found.sweeps,
            self.out.display()
        );
        let json = json!({
            "model": network.model.spec(),
            "network": network.name(),
            "form": self.names(),
            "norm_before": number(before),
            "norm": number(after),
            "scaled": scaled,
            "turned": turned,
            "moved": moved,
            "undetermined": found.undetermined,
            "residual": number(found.residual),
            "sweeps": found.sweeps,
            "out": self.out.display().to_string(),
        });
        Outcome { answer: Answer::Yes, text, json }
    }
}

/// How many scales, signs and places of units an element changes.
struct Changed {
    scaled: usize,
    turned: usize,
    moved: usize,
}

impl Changed {
    fn by(element: &Element) -> Self {
        let scales = element.factors().iter().flat_map(|own| own.scales.iter().flatten());
        let signs = element.factors().iter().flat_map(|own| own.signs.iter().flatten());
        let moved = |own: &Vec<u32>| own.iter().zip(0..).filter(|(source, slot)| *source != slot).count();
        Self {
            scaled: scales.filter(|scale| **scale != 1.0).count(),
            turned: signs.filter(|sign| **sign).count(),
            moved: element.permutations().iter().map(moved).sum(),
        }
    }
}
