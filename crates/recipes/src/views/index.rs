//! The page that lists all recipes.

use report::{RecipeEntry, RecipeVerdict, Report};

use crate::recipe::Recipe;

/// A recipe's entry in the list: with the verdicts of a report, if it was ever run. `link` leads from the page to the
/// report.
#[must_use]
pub fn index_entry(recipe: &Recipe, last: Option<(&str, &Report, String)>) -> RecipeEntry {
    let verdicts = |report: &Report| {
        let verdicts = report.verdicts();
        verdicts
            .map(|verdict| RecipeVerdict { claim: verdict.claim.clone(), outcome: verdict.outcome })
            .collect()
    };
    let (scale, date, verdicts, link) = match last {
        Some((scale, report, link)) => (scale.to_owned(), report.created.clone(), verdicts(report), link),
        None => Default::default(),
    };
    RecipeEntry {
        name: recipe.name.clone(),
        paper: recipe.paper.clone(),
        claim: recipe.title.clone(),
        scale,
        date,
        verdicts,
        link,
    }
}
