//! From sets of like classes, and the factors that cancel, to generators.

use std::collections::{BTreeMap, BTreeSet};

use graph::Val;
use num_rational::Ratio;
use transform::Cut;

use crate::{
    Exponents, Family, Generator, LinearGroup, Mixing, ParameterAxis, Slots,
    lines::{Line, Lines},
    mixing::Touching,
    orbits::{Orbit, Orbits},
    scaling::{Parity, Solution, Solutions, Sum, Unknown, Unknowns},
    view::View,
};

/// What is known of the factors that cancel.
pub(crate) struct Factors<'a> {
    pub(crate) unknowns: &'a Unknowns,
    pub(crate) scales: Solutions<Ratio<i64>>,
    pub(crate) signs: Solutions<Parity>,
}

/// The generators of a graph: one for each set of like classes that reach a parameter or a state and can be exchanged, scaled,
/// turned or mixed, in the order of what they move first; then those that scale or turn several sets at once.
pub(crate) fn generators(view: &View<'_>, factors: &Factors<'_>) -> Vec<Generator> {
    let View { lines, orbits, .. } = view;
    let touching = Touching::new(view);
    let mut placed: Vec<_> = places(lines, orbits)
        .into_iter()
        .filter_map(|(set, places)| {
            let numbers = places.numbers.clone();
            let (place, generator) = of_set(orbits, factors, set, places)?;
            let generator = if orbits.sets()[set].is_fixed {
                touching.with_commutant(set, &numbers, generator)
            } else {
                with_mixing(generator, || touching.mixing(set, &numbers))
            };
            Some((place, generator))
        })
        .collect();
    placed.sort_by_key(|(place, _)| *place);
    let placed: Vec<Generator> = placed.into_iter().map(|(_, generator)| generator).collect();
    let mut joint = joint(lines, orbits, factors);
    joint.retain(|joint| !placed.iter().any(|generator| is_reflection(joint, generator)));
    placed.into_iter().chain(joint).collect()
}

/// The generator with matrices instead of the scales and signs that are such. It is left as it is where its slots cannot be
/// mixed, or have factors that are none of the matrices and so would not make one group with them.
fn with_mixing(generator: Generator, mixing: impl FnOnce() -> Option<Mixing>) -> Generator {
    if !generator.is_exchangeable {
        return generator;
    }
    match mixing() {
        Some(mixing)
            if generator.scales.iter().all(|family| mixing.has_scales(family))
                && generator.signs.iter().all(|family| mixing.has_signs(family)) =>
        {
            Generator { mixing: Some(mixing), scales: Vec::new(), signs: Vec::new(), ..generator }
        }
        _ => generator,
    }
}

/// Whether a joint sign is that of all slots of a generator at once, which is an orthogonal matrix.
fn is_reflection(joint: &Generator, generator: &Generator) -> bool {
    let is_orthogonal =
        generator.mixing.as_ref().is_some_and(|mixing| mixing.group == LinearGroup::Orthogonal);
    let turned = || joint.signs.iter().flat_map(|family| &family.exponents);
    let mut odd = BTreeSet::new();
    for action in generator.actions.iter().filter(|_| is_orthogonal) {
        if !odd.insert(&action.parameter) {
            odd.remove(&action.parameter);
        }
    }
    let parameters: BTreeSet<&String> = joint.actions.iter().map(|action| &action.parameter).collect();
    joint.scales.is_empty()
        && is_orthogonal
        && turned().all(|exponents| exponents.common() == Some(1))
        && parameters.len() == joint.actions.len()
        && parameters == odd
}

/// The axes of parameters and states on which like classes can be mixed by matrices.
pub(crate) fn mixable(view: &View<'_>) -> BTreeSet<(String, usize)> {
    let touching = Touching::new(view);
    let sets = places(&view.lines, &view.orbits).into_iter().filter(|(set, places)| {
        let is_exchangeable = places.slot_of.len() > 1 && !view.orbits.sets()[*set].is_fixed;
        is_exchangeable && touching.mixing(*set, &places.numbers).is_some()
    });
    let actions = sets.flat_map(|(_, places)| places.actions);
    actions.map(|action| (action.parameter, action.axis)).collect()
}

/// The exchanges of blocks that are cut apart: one generator for each set of like classes of which a line is cut.
pub(crate) fn exchanges(view: &View<'_>, cuts: &BTreeMap<Val, Cut>) -> Vec<Generator> {
    let View { lines, orbits, .. } = view;
    let is_cut = |line: &&Line| cuts.get(&line.val).is_some_and(|cut| cut.axis == line.axis);
    let cut_lines = lines.iter().filter(is_cut);
    let sets: BTreeSet<usize> =
        cut_lines.flat_map(Line::elements).map(|element| orbits.orbit(element).set).collect();
    let exchange = |(set, Places { actions, first, slot_of, .. }): (usize, Places)| {
        let (place, name) = first?;
        let is_exchangeable = slot_of.len() > 1 && !orbits.sets()[set].is_fixed;
        let generator = Generator::permutations(name, slot_of.len(), actions);
        (is_exchangeable && sets.contains(&set)).then_some((place, generator))
    };
    let mut placed: Vec<_> = places(lines, orbits).into_iter().filter_map(exchange).collect();
    placed.sort_by_key(|(place, _)| *place);
    placed.into_iter().map(|(_, generator)| generator).collect()
}

/// The generator of a set, with the place of the first index that it moves; `None` where nothing can be done with its classes.
fn of_set(
    orbits: &Orbits,
    factors: &Factors<'_>,
    set: usize,
    Places { actions, numbers, first, slot_of }: Places,
) -> Option<([usize; 2], Generator)> {
    let slots = slot_of.len();
    let exponents = |sum: Sum<i32>| -> Vec<Exponents> {
        let of_action = |(&line, action): (&usize, &ParameterAxis)| {
            let of_rank = |rank: usize| {
                let orbit = Orbit { set, rank: rank as u32, is_first: true };
                sum.get(&factors.unknowns.along(line, orbit)).copied().unwrap_or(0)
            };
            Exponents::new((0..action.slots.block).map(of_rank).collect())
        };
        numbers.iter().zip(&actions).map(of_action).collect()
    };
    let scales = factors.scales.alone.get(&set).into_iter().flatten();
    let scales: Vec<Family> =
        scales.map(|solution| family(solution, &exponents(integers(&solution.exponents)))).collect();
    let signs = factors.signs.alone.get(&set).into_iter().flatten();
    let signs: Vec<Family> =
        signs.map(|solution| family(solution, &exponents(parities(&solution.exponents)))).collect();
    let is_exchangeable = slots > 1 && !orbits.sets()[set].is_fixed;
    if !is_exchangeable && scales.is_empty() && signs.is_empty() {
        return None;
    }
    let (place, name) = first?;
    let generator =
        Generator { is_exchangeable, scales, signs, ..Generator::permutations(name, slots, actions) };
    Some((place, generator))
}

fn family<F>(solution: &Solution<F>, exponents: &[Exponents]) -> Family {
    Family { exponents: exponents.to_vec(), is_approximate: solution.is_approximate }
}

/// Where the classes of a set are among the parameters and states.
#[derive(Default)]
struct Places {
    actions: Vec<ParameterAxis>,
    /// The line of each action.
    numbers: Vec<usize>,
    /// The place of the first index, and a name after it.
    first: Option<([usize; 2], String)>,
    /// The slot of each class: they are numbered in the order of their first indices.
    slot_of: BTreeMap<usize, usize>,
}

/// The places of each set that reaches a parameter or a state.
fn places(lines: &Lines<'_>, orbits: &Orbits) -> BTreeMap<usize, Places> {
    let mut all: BTreeMap<usize, Places> = BTreeMap::new();
    for (position, (input, line)) in lines.movable().enumerate() {
        for (set, members) in members(orbits, line) {
            let places = all.entry(set).or_default();
            for (class, _) in &members {
                let next = places.slot_of.len();
                places.slot_of.entry(*class).or_insert(next);
            }
            let slots = slots(&members, &places.slot_of);
            places.first.get_or_insert_with(|| {
                ([position, slots.indices[0]], name(&input.name, line.axis, line.size, &slots))
            });
            places.actions.push(ParameterAxis { parameter: input.name.clone(), axis: line.axis, slots });
            places.numbers.push(lines.of(line.val).start + line.axis);
        }
    }
    all
}

/// The classes of each set with their indices on a line.
fn members(orbits: &Orbits, line: &Line) -> BTreeMap<usize, Vec<(usize, usize)>> {
    let mut members: BTreeMap<usize, Vec<(usize, usize)>> = BTreeMap::new();
    for (index, element) in line.elements().enumerate() {
        members.entry(orbits.orbit(element).set).or_default().push((orbits.class(element), index));
    }
    members
}

/// The indices of one line by slot; within a slot they keep their order.
fn slots(members: &[(usize, usize)], slot_of: &BTreeMap<usize, usize>) -> Slots {
    let mut by_slot: Vec<(usize, usize)> =
        members.iter().map(|(class, index)| (slot_of[class], *index)).collect();
    by_slot.sort_unstable();
    let block = members.len() / slot_of.len();
    Slots { block, indices: by_slot.into_iter().map(|(_, index)| index).collect() }
}

/// A name after the first axis that a generator moves.
fn name(parameter: &str, axis: usize, size: usize, slots: &Slots) -> String {
    let kind = if slots.block > 1 { "blocks" } else { "units" };
    let first = slots.indices[0];
    if slots.indices.len() == size {
        return format!("hidden {kind} of {parameter}[{axis}]");
    }
    format!("hidden {kind} of {parameter}[{axis}] from index {first}")
}

/// The smallest integers in the proportions of a solution, the first one positive.
fn integers(sum: &Sum<Ratio<i64>>) -> Sum<i32> {
    let denominator = sum.values().fold(1, |all, x| lowest_common_multiple(all, *x.denom()));
    let numerators: Vec<i64> = sum.values().map(|x| x.numer() * (denominator / x.denom())).collect();
    let common = numerators.iter().fold(0, |all, x| greatest_common_divisor(all, x.abs())).max(1);
    let sign = numerators.first().map_or(1, |first| first.signum());
    sum.keys().zip(numerators).map(|(&unknown, x)| (unknown, (sign * x / common) as i32)).collect()
}

fn parities(sum: &Sum<Parity>) -> Sum<i32> {
    sum.iter().map(|(&unknown, parity)| (unknown, i32::from(parity.0))).collect()
}

fn greatest_common_divisor(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

fn lowest_common_multiple(a: i64, b: i64) -> i64 {
    a / greatest_common_divisor(a, b) * b
}

/// What scales or turns several sets at once: one slot, which is everything.
fn joint(lines: &Lines<'_>, orbits: &Orbits, factors: &Factors<'_>) -> Vec<Generator> {
    let scales =
        factors.scales.joint.iter().map(|found| (integers(&found.exponents), found.is_approximate, true));
    let signs =
        factors.signs.joint.iter().map(|found| (parities(&found.exponents), found.is_approximate, false));
    let generator = |(exponents, is_approximate, is_scale): (Sum<i32>, bool, bool)| {
        let (actions, exponents) = whole_actions(lines, orbits, factors.unknowns, &exponents);
        let names: Vec<&str> =
            actions.iter().map(|action: &ParameterAxis| action.parameter.as_str()).collect();
        let name = format!("joint {} of {}", if is_scale { "scale" } else { "sign" }, listed(&names));
        let family = vec![Family { exponents, is_approximate }];
        let (scales, signs) = if is_scale { (family, Vec::new()) } else { (Vec::new(), family) };
        Generator { is_exchangeable: false, scales, signs, ..Generator::permutations(name, 1, actions) }
    };
    scales.chain(signs).map(generator).collect()
}

/// `a, b and c`, or the first two and how many more.
pub(crate) fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [rest @ .., last] if rest.len() < 3 => format!("{} and {last}", rest.join(", ")),
        [first, second, rest @ ..] => format!("{first}, {second} and {} more", rest.len()),
    }
}

/// Actions on whole axes, with exponents by index: a parameter that is scaled as a whole has them along its first axis.
fn whole_actions(
    lines: &Lines<'_>,
    orbits: &Orbits,
    unknowns: &Unknowns,
    exponents: &Sum<i32>,
) -> (Vec<ParameterAxis>, Vec<Exponents>) {
    let (mut actions, mut all) = (Vec::new(), Vec::new());
    let vals: BTreeSet<Val> = exponents
        .keys()
        .map(|&unknown| match unknowns.subject(unknown) {
            Unknown::Whole(val) => val,
            Unknown::Along(line, _) => lines.get(line).val,
        })
        .collect();
    for input in lines.graph.inputs().iter().filter(|input| vals.contains(&input.val)) {
        let mut whole = exponents.get(&unknowns.whole(input.val)).copied().unwrap_or(0);
        let shape = &lines.graph.ty(input.val).shape;
        for axis in 0..shape.rank().max(1) {
            let along = |index: usize| -> i32 {
                let Some(line) = lines.of(input.val).nth(axis) else { return 0 };
                let orbit = orbits.orbit(lines.get(line).start + index);
                let unknown = unknowns.along(line, Orbit { is_first: true, ..orbit });
                exponents.get(&unknown).copied().unwrap_or(0)
            };
            let size = shape.get(axis).copied().unwrap_or(1);
            let along: Vec<i32> = (0..size).map(|index| along(index) + whole).collect();
            whole = 0;
            if along.iter().any(|exponent| *exponent != 0) {
                let slots = Slots { block: size, indices: (0..size).collect() };
                actions.push(ParameterAxis { parameter: input.name.clone(), axis, slots });
                all.push(Exponents::new(along));
            }
        }
    }
    (actions, all)
}

#[cfg(test)]
mod tests {
    use graph::{Builder, Graph, Ty};

    use super::*;
    use crate::{classes::Classes, orbits::Tied, scaling::Facts};

    /// The parameters `u` and `v` of four indices each, numbered 0..4 and 4..8, and a product numbered 8..12.
    fn two_vectors() -> Graph {
        let mut b = Builder::new("two vectors");
        let [u, v] = ["u", "v"].map(|name| b.parameter(name, Ty::f64([4])));
        let product = b.multiply(u, v);
        b.output("product", product);
        b.finish()
    }

    /// The generators that follow from these ties alone.
    fn from_ties(ties: &[(usize, usize, usize)]) -> Vec<Generator> {
        let graph = two_vectors();
        let lines = Lines::new(&graph);
        let mut classes = Classes::new(lines.elements());
        ties.iter().for_each(|&(_, left, right)| classes.unite(left, right));
        let tied: Vec<Tied> = ties.iter().map(|&(tie, left, right)| Tied { tie, left, right }).collect();
        let orbits = Orbits::new(&lines, classes.into_partition(), &tied);
        let facts = Facts::new(&graph);
        let unknowns = Unknowns::new(&lines, &orbits, &facts);
        let (scales, signs) = (Solutions::default(), Solutions::default());
        let read = vec![true; lines.elements()];
        generators(&View { lines, orbits, facts, read }, &Factors { unknowns: &unknowns, scales, signs })
    }

    #[test]
    fn blocks_tied_in_the_same_order_are_exchanged() {
        let generators = from_ties(&[(0, 0, 1), (0, 2, 3), (1, 0, 4), (1, 1, 5), (1, 2, 6), (1, 3, 7)]);
        let [generator] = &generators[..] else { panic!("{generators:?}") };
        assert_eq!((generator.name.as_str(), generator.size), ("hidden blocks of u[0]", 2));
        assert_eq!(generator.actions[1].slots, Slots { block: 2, indices: vec![0, 1, 2, 3] });
    }

    #[test]
    fn blocks_tied_in_different_orders_are_not() {
        assert!(from_ties(&[(0, 0, 1), (0, 2, 3), (1, 0, 4), (1, 1, 5), (1, 2, 7), (1, 3, 6)]).is_empty());
    }

    #[test]
    fn slots_need_not_follow_the_order_of_every_axis() {
        let generators = from_ties(&[(0, 0, 6), (0, 1, 7), (0, 2, 4), (0, 3, 5)]);
        assert_eq!(generators[0].actions[0].slots.indices, [0, 1, 2, 3]);
        assert_eq!(generators[0].actions[1].slots.indices, [2, 3, 0, 1]);
    }

    #[test]
    fn indices_that_reach_another_axis_are_not_exchanged_with_those_that_do_not() {
        let generators = from_ties(&[(0, 0, 8), (0, 2, 9)]);
        let described: Vec<_> = generators
            .iter()
            .map(|generator| (generator.name.as_str(), &generator.actions[0].slots.indices))
            .collect();
        assert_eq!(
            described,
            [
                ("hidden units of u[0] from index 0", &vec![0, 2]),
                ("hidden units of u[0] from index 1", &vec![1, 3]),
                ("hidden units of v[0]", &vec![0, 1, 2, 3]),
            ]
        );
    }
}
