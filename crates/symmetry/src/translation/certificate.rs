//! Testing translations in numbers.

use graph::{Executor, Graph};
use models::Params;
use tensor::{Key, Tensor};

use super::Translation;
use crate::{
    Checked, Group, SymmetryError,
    certify::{Bench, relative_change},
    infer::subjects,
    scaling::old_state,
};

/// The translations that have passed, and what became of the others.
#[derive(Clone, Debug, PartialEq)]
pub struct CertifiedTranslations {
    /// What passed: safe to use.
    pub translations: Vec<Translation>,
    /// All of them together, by random amounts.
    pub jointly: Checked,
    /// What was refused, with the change that it made.
    pub refused: Vec<Checked>,
}

/// The translations that leave the outputs of `graphs` unchanged, which compute one network in its modes: by random amounts
/// of order 1 for all at once, at random parameters, states and data as in [`crate::certify()`]. If that fails, each is tested alone.
/// New states must be moved as old ones are.
///
/// # Errors
/// Where a floating-point input of a graph is not `f64`, or a graph cannot be run.
pub fn translations_certified(
    executor: &dyn Executor,
    graphs: &[&Graph],
    translations: &[Translation],
    key: Key,
) -> Result<CertifiedTranslations, SymmetryError> {
    let group = Group::trusted(graphs.first().map_or_else(Vec::new, |graph| subjects(graph)), Vec::new());
    let mut bench = Bench::new(executor, graphs, &group, key)?;
    let mut kept: Vec<Translation> = translations.to_vec();
    let mut jointly = bench.translated(&kept)?;
    let mut refused = Vec::new();
    if !jointly.passed() {
        let mut passed = Vec::new();
        for translation in kept {
            let checked = bench.translated(std::slice::from_ref(&translation))?;
            if checked.passed() {
                passed.push(translation);
            } else {
                refused.push(Checked { name: translation.name, ..checked });
            }
        }
        jointly = bench.translated(&passed)?;
        kept = if jointly.passed() { passed } else { Vec::new() };
    }
    Ok(CertifiedTranslations { translations: kept, jointly, refused })
}

impl Bench<'_> {
    /// The largest change of an output in any mode.
    fn translated(&mut self, translations: &[Translation]) -> Result<Checked, SymmetryError> {
        let act = |params: &Params| {
            let mut moved = params.clone();
            for translation in translations {
                let amounts = translation.random(self.key.child("amounts").child(&translation.name));
                translation.add_to(&amounts, &mut moved)?;
            }
            Ok::<_, SymmetryError>(moved)
        };
        let mut worst = 0.0;
        for mode in &mut self.modes {
            let point = mode.point(self.group, 0, self.key.child("inputs"))?;
            let there = mode.outputs(&act(&point.params)?, &point.data)?;
            for ((output, here), there) in mode.graph.outputs().iter().zip(&point.outputs).zip(&there) {
                let here = match old_state(mode.graph, &output.name, output.val) {
                    Some(_) => only(&act(&Params::from_pairs([(output.name.as_str(), here.clone())]))?, here),
                    None => here.clone(),
                };
                worst = f64::max(worst, relative_change(&here, there));
            }
            mode.last = Some(point);
        }
        Ok(Checked { name: "everything jointly".to_owned(), worst_relative: worst })
    }
}

/// The one tensor of parameters that have one.
fn only(params: &Params, other: &Tensor) -> Tensor {
    params.values().next().unwrap_or(other).clone()
}
