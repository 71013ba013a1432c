//! The report of a reproduction: verdicts first, then what they rest on.

use data::Splits;
use report::{Entries, NumberFormat, Report, Section};

use super::{
    arms_table, barrier_along_arms, barriers_along_epochs, pair_sections, planted_table, verdict_block,
};
use crate::{
    RecipeError,
    method::Descent,
    recipe::Along,
    reproduce::{ArmResults, Reproduction, Request},
    result::PairPlan,
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
    for arm in found.reached() {
        for section in arm_sections(arm, several) {
            report = report.with_section(section);
        }
    }
    if !found.planted.is_empty() {
        let section = Section::new("Control of the matching").with_block(planted_table(&found.planted));
        report = report.with_section(section);
    }
    Ok(report)
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
    let mut section = Section::new("All networks").with_block(arms_table(found));
    if request.recipe.claims.iter().any(|claim| claim.along == Some(Along::Arms)) {
        section = section.with_block(barrier_along_arms("arms", found));
    }
    section
}

fn arm_sections(arm: &ArmResults, several: bool) -> Vec<Section> {
    let epoch = arm.last().first().map_or(0, |pair| pair.epoch);
    let title =
        if several { format!("{}, after {epoch} epochs", arm.name) } else { format!("After {epoch} epochs") };
    let mut sections = pair_sections(&arm.name, &title, arm.last());
    if arm.stages.len() > 1 {
        let figures = barriers_along_epochs(&arm.name, arm);
        let against = Section::new("Barriers against epochs");
        sections.insert(0, figures.into_iter().fold(against, Section::with_block));
    }
    sections
}

fn entries(request: &Request<'_>, data: &Splits, found: &Reproduction) -> Result<Entries, RecipeError> {
    let mut entries = Entries::new()
        .with("recipe", request.recipe.name.clone())
        .with("scale", request.scale.name())
        .with("paper", request.recipe.paper.clone())
        .with("data", data.spec.clone())
        .with("pairs", request.settings()?.pairs);
    for (name, plan) in request.first_plans(data)? {
        entries = entries.with(name, training(&plan));
    }
    Ok(entries.with(
        "estimate of what was left to do, minutes",
        report::format_number(found.estimate_minutes, NumberFormat::Fixed(1)),
    ))
}

/// How the networks of an arm are trained and compared, in a line.
fn training(plan: &PairPlan) -> String {
    let list = |items: Vec<String>| items.join(", ");
    let epochs = list(plan.epochs.iter().map(ToString::to_string).collect());
    let methods = list(plan.methods.iter().map(|method| method.name().to_owned()).collect());
    let clip = plan.clip_norm.map(|norm| format!("; gradients clipped at {norm}"));
    let scored = plan.scored.map(|count| format!(" and {count} training examples"));
    let learned = plan.learned.map(|Descent { epochs, batch, judged, rate }| {
        format!(
            " ({epochs} epochs, batch {batch}, rate {rate}, judged on {judged} training examples held out)"
        )
    });
    format!(
        "{}; {}; {}; {}; batch {}{}; compared after {epochs} epochs at {} points{}; matched by {methods}{}",
        plan.model,
        plan.optimizer,
        plan.schedule,
        plan.init,
        plan.batch,
        clip.unwrap_or_default(),
        plan.points,
        scored.unwrap_or_default(),
        learned.unwrap_or_default(),
    )
}
