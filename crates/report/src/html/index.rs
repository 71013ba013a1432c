//! The list of recipes.

use maud::{Markup, html as markup};

use super::shell::{Page, shell};
use super::verdicts::{badge, tally};
use crate::schema::{RecipeEntry, RecipeIndex};

/// The recipes as a page that loads nothing from elsewhere.
pub fn index_html(index: &RecipeIndex) -> String {
    let outcomes =
        index.recipes.iter().flat_map(|recipe| recipe.verdicts.iter().map(|verdict| verdict.outcome));
    let body = markup! {
        header {
            p.kind { span { "Isoloss" } span { "recipes" } @if !index.created.is_empty() { span { (index.created) } } }
            h1 { "Published claims, and what became of them here" }
            (tally(outcomes))
        }
        main {
            @if index.recipes.is_empty() { p.lead { "There are no recipes yet." } }
            ul.recipes { @for recipe in &index.recipes { (entry(recipe)) } }
        }
    };
    shell(&Page { title: "Recipes", body, data: None })
}

fn entry(recipe: &RecipeEntry) -> Markup {
    markup! {
        li {
            div.about {
                h2 {
                    @if is_relative(&recipe.link) { a href=(recipe.link) { (recipe.name) } } @else { (recipe.name) }
                }
                p.claim { (recipe.claim) }
                p.paper { (recipe.paper) }
            }
            div.last {
                @if recipe.verdicts.is_empty() { p.never { "never run" } }
                @if !recipe.scale.is_empty() || !recipe.date.is_empty() {
                    p.run { @if !recipe.scale.is_empty() { span { (recipe.scale) } } @if !recipe.date.is_empty() { span { (recipe.date) } } }
                }
                ul { @for verdict in &recipe.verdicts {
                    li { (badge(verdict.outcome, verdict.outcome.word())) span.part { (verdict.claim) } }
                } }
            }
        }
    }
}

/// Whether a link stays below the page's folder's host: no scheme, no host, no root, no backslash that browsers read as
/// a slash, no control character that they skip.
fn is_relative(link: &str) -> bool {
    !link.is_empty()
        && !link.starts_with('/')
        && !link.contains([':', '\\'])
        && !link.contains(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::is_relative;

    #[test]
    fn only_relative_places_become_links() {
        assert!(is_relative("runs/a/report.html") && is_relative("../a.html"));
        for link in
            ["", "https://a", "//a", "javascript:x", "\tjavascript:x", "java\nscript:x", "/etc", "\\\\a"]
        {
            assert!(!is_relative(link), "{link}");
        }
    }
}
