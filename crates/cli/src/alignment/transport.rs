//! Matching layer by layer, also between widths.

use isoloss::{
    recipes::certified,
    symmetry::{
        self, Element, Group,
        matching::transport::{self, Entropic, Solver, Transported},
    },
};
use serde_json::{Value, json};

use super::Search;
use crate::{failure::Failure, json::number, networks::Network, session::Session};

/// Examples on which it is found what makes units: as many as the library asks for.
const EXAMPLES: usize = 4;

/// The plan of one class of units.
#[derive(Clone, Debug)]
pub(crate) struct Planned {
    /// The name of the class.
    pub(crate) name: String,
    /// The numbers of places and of units.
    pub(crate) sizes: [usize; 2],
    cost: f64,
    /// By how much the cost may exceed the least one.
    pub(crate) gap: f64,
    entropic: Option<Entropic>,
}

/// Looks for the permutations that bring `b` nearest to `a`, layer by layer.
pub(super) fn by_layer(
    session: &Session,
    group: &Group,
    a: &Network,
    b: &Network,
) -> Result<(Element, Search), Failure> {
    let found = transported(session, [group, group], a, b, Solver::Exact)?;
    let element =
        found.element(group)?.unwrap_or_else(|| unreachable!("plans of equal widths are permutations"));
    Ok((element, Search::Transport(planned(group, &found))))
}

/// Carries `b` into the widths of `a`, once the symmetries of both are certified.
pub(crate) fn across(
    session: &Session,
    a: &Network,
    b: &Network,
    solver: Solver,
) -> Result<(Transported, Vec<Planned>), Failure> {
    let certified = |network: &Network| certified::group(session.executor(), &network.model, session.key());
    let (ours, theirs) = (certified(a)?.group, certified(b)?.group);
    let found = transported(session, [&ours, &theirs], a, b, solver)?;
    let plans = planned(&ours, &found);
    Ok((found, plans))
}

fn transported(
    session: &Session,
    groups: [&Group; 2],
    a: &Network,
    b: &Network,
    solver: Solver,
) -> Result<Transported, Failure> {
    let graphs = symmetry::graphs(&a.model, EXAMPLES);
    let (executor, key) = (session.executor(), session.key().child("sides"));
    let sides = transport::sides(executor, &graphs[0], &groups[0].permutations(), key)?;
    Ok(transport::transport(executor, groups, &sides, [&a.params, &b.params], solver)?)
}

fn planned(group: &Group, found: &Transported) -> Vec<Planned> {
    let permuting = group.permutations();
    let plans = permuting.generators().iter().zip(&found.plans);
    plans
        .map(|(generator, plan)| Planned {
            name: generator.name.clone(),
            sizes: plan.sizes,
            cost: plan.cost,
            gap: plan.gap,
            entropic: plan.entropic,
        })
        .collect()
}

/// What there is to say of plans in a few words.
pub(super) fn short(plans: &[Planned]) -> String {
    let units: usize = plans.iter().map(|plan| plan.sizes[0]).sum();
    let cost: f64 = plans.iter().map(|plan| plan.cost * plan.sizes[0] as f64).sum();
    format!("mean squared distance of matched units {:.4}", cost / units.max(1) as f64)
}

/// Plans, as JSON.
pub(crate) fn json(plans: &[Planned]) -> Value {
    let plans = plans.iter().map(|plan| {
        let Planned { name, sizes: [places, units], cost, gap, entropic } = plan;
        let mut own = json!({ "name": name, "places": places, "units": units, "cost": number(*cost), "gap": number(*gap) });
        if let Some(Entropic { epsilon, gap, rounds }) = entropic {
            own["entropy"] = json!({ "epsilon": number(*epsilon), "gap": number(*gap), "rounds": rounds });
        }
        own
    });
    plans.collect()
}
