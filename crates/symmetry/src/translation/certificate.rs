//! Testing translations in numbers.

use graph::{Executor, Graph};
use tensor::Key;

use super::Translation;
use crate::{Certifier, Checked, SymmetryError, bench::Bench};

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
    Certifier::new(executor, graphs).translations(translations, key)
}

impl Certifier<'_> {
    /// As the function [`translations_certified`].
    ///
    /// # Errors
    /// As it.
    pub fn translations(
        &mut self,
        translations: &[Translation],
        key: Key,
    ) -> Result<CertifiedTranslations, SymmetryError> {
        self.in_all_modes(|bench| tested(bench, translations, key))
    }
}

fn tested(
    bench: &mut Bench<'_>,
    translations: &[Translation],
    key: Key,
) -> Result<CertifiedTranslations, SymmetryError> {
    let mut kept: Vec<Translation> = translations.to_vec();
    let mut jointly = translated(bench, &kept, key)?;
    let mut refused = Vec::new();
    if !jointly.passed() {
        let mut passed = Vec::new();
        for translation in kept {
            let checked = translated(bench, std::slice::from_ref(&translation), key)?;
            if checked.passed() {
                passed.push(translation);
            } else {
                refused.push(Checked { name: translation.name, ..checked });
            }
        }
        jointly = translated(bench, &passed, key)?;
        kept = if jointly.passed() { passed } else { Vec::new() };
    }
    Ok(CertifiedTranslations { translations: kept, jointly, refused })
}

/// The largest change of an output in any mode.
fn translated(
    bench: &mut Bench<'_>,
    translations: &[Translation],
    key: Key,
) -> Result<Checked, SymmetryError> {
    bench.draw(key.child("inputs"))?;
    let worst_relative = bench.change(|params| {
        translations.iter().try_for_each(|translation| {
            let amounts = translation.random(key.child("amounts").child(&translation.name));
            translation.add_to(&amounts, params)
        })
    })?;
    Ok(Checked { name: "everything jointly".to_owned(), worst_relative })
}
