//! The symmetry of an architecture, found and proved before it is used.

use graph::Executor;
use models::Model;
use symmetry::{Certified, Certifier, Folding};
use tensor::Key;

use crate::{RecipeError, result::Symmetry};

/// Examples in the batch on which a certificate compares outputs. Ours: enough that no unit is inactive on all.
const BATCH: usize = 16;
/// Random elements per generator in a certificate. Ours.
const TRIALS: usize = 4;

/// The certified symmetry of an architecture.
///
/// # Errors
/// Where the certificate fails or cannot be computed: what fails is never used.
pub fn group(executor: &dyn Executor, model: &Model, key: Key) -> Result<Certified, RecipeError> {
    let graphs = symmetry::graphs(model, BATCH);
    let group = symmetry::infer(&graphs[graphs.len() - 1]);
    let (key, graphs) = (key.child("certificate"), graphs.iter().collect::<Vec<_>>());
    passed(model, symmetry::certified(executor, &graphs, &group, key, TRIALS)?)
}

/// The certified symmetry of an architecture whose gains are folded, with how they are.
///
/// # Errors
/// As [`group`].
pub fn folding(
    executor: &dyn Executor,
    model: &Model,
    key: Key,
) -> Result<(Folding, Certified), RecipeError> {
    let graphs = symmetry::graphs(model, BATCH);
    let folding = symmetry::infer_folded(&graphs[graphs.len() - 1]);
    let (key, graphs) = (key.child("certificate"), graphs.iter().collect::<Vec<_>>());
    let certified = passed(model, Certifier::new(executor, &graphs).folded(&folding, key, TRIALS)?)?;
    Ok((folding, certified))
}

/// A group of which nothing was refused.
fn passed(model: &Model, certified: Certified) -> Result<Certified, RecipeError> {
    match certified.refused.first() {
        None => Ok(certified),
        Some(refused) => Err(RecipeError::NotCertified {
            model: model.spec(),
            generator: refused.name.clone(),
            error: refused.worst_relative,
            tolerance: symmetry::TOLERANCE,
        }),
    }
}

/// What was found and proved, as it is stored.
#[must_use]
pub fn describe(certified: &Certified) -> Symmetry {
    let group = certified.group.permutations();
    Symmetry {
        generators: group
            .generators()
            .iter()
            .map(|generator| (generator.name.clone(), generator.size))
            .collect(),
        log10_order: group.log10_order(),
        certificate_error: certified.certificate.worst_relative(),
        certificate_tolerance: symmetry::TOLERANCE,
    }
}
