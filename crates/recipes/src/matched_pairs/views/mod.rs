//! How pairs are shown.

mod columns;
mod epochs;
mod matching;
mod pair;
mod planted;

use report::Section;

use super::FoundPairs;
pub(super) use columns::columns;
pub use matching::matching_figure;
pub use pair::{pair_sections, score_tables};

/// The sections on an arm.
pub(super) fn sections(found: &FoundPairs, id: &str, several: bool) -> Vec<Section> {
    let epoch = found.last().first().map_or(0, |pair| pair.epoch);
    let title = if several { format!("{id}, after {epoch} epochs") } else { format!("After {epoch} epochs") };
    let mut sections = pair_sections(id, &title, found.last());
    if found.stages.len() > 1 {
        let figures = epochs::barriers_along_epochs(id, found);
        let against = Section::new("Barriers against epochs");
        sections.insert(0, figures.into_iter().fold(against, Section::with_block));
    }
    if !found.planted.is_empty() {
        let table = planted::planted_table(&found.planted);
        sections.push(Section::new("Control of the matching").with_block(table));
    }
    sections
}
