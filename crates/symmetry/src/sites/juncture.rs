//! Sums that no parameter scales, behind which those that read and write the stream do.

use graph::{Graph, Val};

use super::{Place, Scaled, Site, linear::Linear};
use crate::{Generator, Group, generator::Family, owners::Owners, uses::Uses, view::View};

pub(super) struct Junctures<'a> {
    graph: &'a Graph,
    group: &'a Group,
    view: &'a View<'a>,
    owners: Owners<'a>,
    linear: &'a Linear<'a>,
    uses: &'a Uses<'a>,
}

impl<'a> Junctures<'a> {
    pub(super) fn new(
        graph: &'a Graph,
        group: &'a Group,
        view: &'a View<'a>,
        linear: &'a Linear<'a>,
        uses: &'a Uses<'a>,
    ) -> Self {
        let owners = Owners::new(&view.lines, &view.orbits, group);
        Self { graph, group, view, owners, linear, uses }
    }

    /// The site that a sum is, if the exact scales of its units are a symmetry.
    pub(super) fn site(&self, val: Val) -> Option<Site> {
        if !self.linear.is_sum(val) || !self.view.lines.is_live(val) {
            return None;
        }
        let generators = self.group.generators().iter().filter(|own| own.is_matched()).enumerate();
        generators.into_iter().find_map(|(position, generator)| {
            let units = self.owners.units(val, position).filter(|units| units.block == 1)?;
            let family = generator.scales.iter().find(|family| !family.is_approximate)?;
            self.of_generator(val, units.axis, units.indices, generator, family)
        })
    }

    fn of_generator(
        &self,
        val: Val,
        axis: usize,
        indices: Vec<usize>,
        generator: &Generator,
        family: &Family,
    ) -> Option<Site> {
        let of = |parameter: &str, axis: usize| {
            let actions = generator.actions.iter().zip(&family.exponents);
            let mut own = actions.filter(|(action, _)| action.parameter == parameter && action.axis == axis);
            own.next().and_then(|(_, exponents)| exponents.common())
        };
        // What writes to the stream has the exponent of the stream.
        let written = self.graph.operands(val).iter().find_map(|&part| {
            let name = self.linear.name(part, axis)?;
            let places = self.linear.scaling(part, axis, &indices).into_iter();
            let known = |place: Place| of(&place.parameter, place.axis).map(|exponent| (place, exponent));
            let (place, exponent) = places.rev().find_map(known)?;
            Some((name, place, exponent)).filter(|_| exponent.abs() == 1)
        });
        let (name, written, own) = written?;
        let behind = self.graph.depends_on(&[val]);
        let mut scaled = Vec::new();
        for (action, exponents) in generator.actions.iter().zip(&family.exponents) {
            let exponent = exponents.common()?;
            if exponent != 0 && self.is_behind(&action.parameter, &behind)? {
                let (parameter, slots) = (action.parameter.clone(), action.slots.clone());
                scaled.push(Scaled {
                    place: Place { parameter, axis: action.axis, slots },
                    exponent: -exponent * own,
                });
            }
        }
        let shift = self.graph.operands(val).iter().find_map(|&part| self.linear.shift(part, axis, &indices));
        Some(Site {
            name: format!("+ {name}"),
            val,
            axis,
            indices,
            is_juncture: true,
            is_behind: true,
            scaled,
            own: written,
            shift,
        })
    }

    /// Whether a parameter first meets the data behind a value; `None` where it does so on both sides.
    fn is_behind(&self, parameter: &str, behind: &[bool]) -> Option<bool> {
        let input = &self.graph.inputs()[self.graph.input_position(parameter)?];
        let (mut reached, mut next, mut meets) = (vec![input.val], 0, Vec::new());
        while let Some(&val) = reached.get(next) {
            for &user in self.uses.of(val) {
                if self.linear.is_on_data(user) {
                    meets.push(behind[user.position()]);
                } else if !reached.contains(&user) {
                    reached.push(user);
                }
            }
            next += 1;
        }
        let first = *meets.first()?;
        meets.iter().all(|other| *other == first).then_some(first)
    }
}
