//! The report of a reproduction: verdicts first, then what they rest on.

use data::Splits;
use report::{Entries, NumberFormat, Report, Section};

use super::{along_arms, arms_table, verdict_block};
use crate::{
    RecipeError,
    recipe::Along,
    reproduce::{Reproduction, Request},
};

/// The report of a reproduction.
///
/// # Errors
/// Where the recipe does not define the scale.
pub fn reproduction(
    request: &Request<'_>,
    data: &Splits,
    found: &Reproduction,
) -> Result<Report, RecipeError> {
    let mut report = head(request, data, found)?;
    report = report.with_section(Section::new("Verdicts").with_block(verdict_block(&found.judged)));
    if found.reached().next().is_some() {
        report = report.with_section(overview(request, found));
    }
    let several = found.arms.len() > 1;
    let sections = found.reached().flat_map(|(name, arm)| arm.sections(name, several));
    Ok(sections.fold(report, Report::with_section))
}

fn head(request: &Request<'_>, data: &Splits, found: &Reproduction) -> Result<Report, RecipeError> {
    let recipe = request.recipe;
    let held = found.judged.iter().filter(|(claim, judgement)| judgement.held(claim)).count();
    let (claims, scale) = (found.judged.len(), request.scale.name());
    let report = Report::new("reproduce", recipe.title.clone())
        .with_summary(recipe.summary.split_whitespace().collect::<Vec<_>>().join(" "))
        .with_summary(format!("{held} of {claims} claims held at scale '{scale}'."))
        .with_settings(entries(request, data, found)?)
        .with_seed("first seed of the networks", request.seed);
    Ok(match request.stand_in()? {
        Some(stand_in) => report.with_summary(format!(
            "No data were given, so '{}' stands in for '{}', with settings of its own: what held here shows that the \
             experiment works, and is not yet the paper's claim.",
            stand_in.data,
            request.settings()?.data
        )),
        None => report,
    })
}

fn overview(request: &Request<'_>, found: &Reproduction) -> Section {
    let along = request.recipe.claims.iter().filter(|claim| claim.along == Some(Along::Arms));
    let section = Section::new("All networks").with_block(arms_table(found));
    along.fold(section, |section, claim| section.with_block(along_arms(claim, found)))
}

fn entries(request: &Request<'_>, data: &Splits, found: &Reproduction) -> Result<Entries, RecipeError> {
    let mut entries = Entries::new()
        .with("recipe", request.recipe.name.clone())
        .with("scale", request.scale.name())
        .with("paper", request.recipe.paper.clone())
        .with("data", data.spec.clone())
        .with("repetitions", request.settings()?.repetitions);
    for arm in &found.arms {
        entries = entries.with(arm.name.clone(), arm.settings.clone());
    }
    Ok(entries.with(
        "estimate of what was left to do, minutes",
        report::format_number(found.estimate_minutes, NumberFormat::Fixed(1)),
    ))
}
