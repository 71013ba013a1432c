//! Folding the gains of normalisations into what reads them, so that rotations come to light.
//!
//! A gain multiplies every unit of a stream by a number of its own, which no rotation survives. Where only linear maps read what it
//! multiplies, the network has a scale for each unit that makes the gain 1 and the maps take it over: an element of its own
//! group, so that nothing else changes. With all gains of a stream at 1 the stream may be rotated, if a normalisation
//! is all that is left of it. Where a gain is read by something else besides (an embedding that is also the last layer), it
//! cannot be folded, because that would untie the two.

use std::collections::{BTreeMap, BTreeSet};

use graph::{Builder, Def, Graph, Input, Prim, Role, Val};
use models::Params;
use tensor::{Tensor, parallel};

use crate::{
    Element, Factors, Family, Generator, Group, ParameterAxis, Subject, SymmetryError, infer,
    interchange::mixable, view::View,
};

/// A gain that is folded: the scales of a generator of the group that make it 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Fold {
    /// The name of the parameter.
    pub gain: String,
    /// The position of the generator in the group.
    pub generator: usize,
    /// The family of its scales.
    pub scale: usize,
    /// The family of its signs that turns a negative gain, where there is one.
    pub sign: Option<usize>,
}

/// A gain that stands in the way of a rotation and cannot be folded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfolded {
    /// The name of the parameter.
    pub gain: String,
    /// The name of the generator whose slots it multiplies.
    pub generator: String,
}

/// What a network's group is once gains are folded.
#[derive(Clone, Debug)]
pub struct Folding {
    /// The group before.
    pub group: Group,
    /// The gains to be folded; none where that brings no rotation.
    pub folds: Vec<Fold>,
    /// What stands in the way of rotations.
    pub unfolded: Vec<Unfolded>,
    /// The group of what [`Folding::fold`] makes: it acts on parameters whose folded gains are 1, and keeps them so.
    pub folded: Group,
}

impl Folding {
    /// A graph of the network with ones in place of the gains that are folded.
    pub(crate) fn without_gains(&self, graph: &Graph) -> Graph {
        without(graph, &self.gains())
    }

    /// The group of the network without these gains.
    pub(crate) fn without_subjects(&self) -> Group {
        let gains = self.gains();
        let subjects = self.folded.subjects().iter().filter(|subject| !gains.contains(&subject.name));
        with_subjects(&self.folded, &subjects.cloned().collect::<Vec<_>>())
    }

    /// A part of it, as a group of the whole network.
    pub(crate) fn with_all_subjects(&self, group: &Group) -> Group {
        with_subjects(group, self.folded.subjects())
    }

    fn gains(&self) -> BTreeSet<String> {
        self.folds.iter().map(|fold| fold.gain.clone()).collect()
    }
}

/// The group of a forward graph, as [`infer`](crate::infer()) finds it, and that which it has with gains folded.
#[must_use]
pub fn infer_folded(graph: &Graph) -> Folding {
    // What multiplies is a gain more often than not, so the group without is looked for at the same time.
    let factors = factors(graph);
    let (group, without_factors) = parallel::join(|| infer(graph), || Ungained::new(graph, factors.clone()));
    let gains = gains(&factors, &group);
    let all: BTreeSet<String> = gains.values().flatten().cloned().collect();
    let ungained = if without_factors.gains == all { without_factors } else { Ungained::new(graph, all) };
    let (mut folds, mut unfolded) = (Vec::new(), Vec::new());
    for (generator, gains) in wanted(&group, gains, &ungained) {
        let own: Vec<Option<Fold>> = gains.iter().map(|gain| fold(&group, generator, gain, &gains)).collect();
        let stuck = gains.iter().zip(&own).filter(|(_, fold)| fold.is_none()).map(|(gain, _)| gain);
        let name = &group.generators()[generator].name;
        let stuck: Vec<Unfolded> =
            stuck.map(|gain| Unfolded { gain: gain.clone(), generator: name.clone() }).collect();
        if stuck.is_empty() {
            folds.extend(own.into_iter().flatten());
        }
        unfolded.extend(stuck);
    }
    let folded = match &folds[..] {
        [] => group.clone(),
        folds => {
            let gains = folds.iter().map(|fold| fold.gain.clone()).collect();
            let without_all = ungained.group.filter(|_| ungained.gains == gains);
            let folded = without_all.unwrap_or_else(|| infer(&without(graph, &gains)));
            with_subjects(&folded, group.subjects())
        }
    };
    Folding { group, folds, unfolded, folded }
}

impl Folding {
    /// The element of the group that makes the folded gains 1.
    ///
    /// # Errors
    /// Where a gain is missing, or is zero or not finite somewhere.
    pub fn element(&self, params: &Params) -> Result<Element, SymmetryError> {
        let identity = self.group.identity();
        let mut factors: Vec<Factors> = identity.factors().to_vec();
        for fold in &self.folds {
            let values = gain(params, &fold.gain)?;
            let generator = &self.group.generators()[fold.generator];
            let action = generator.actions.iter().position(|action| action.parameter == fold.gain);
            let Some((position, action)) = action.map(|position| (position, &generator.actions[position]))
            else {
                continue;
            };
            let exponent = f64::from(generator.scales[fold.scale].exponents[position].of(0));
            for (slot, &index) in action.slots.indices.iter().enumerate() {
                let own = &mut factors[fold.generator];
                own.scales[fold.scale][slot] = values[index].abs().powf(-1.0 / exponent);
                if let Some(sign) = fold.sign {
                    own.signs[sign][slot] = values[index] < 0.0;
                }
            }
        }
        self.group.with_factors(identity, factors)
    }

    /// The parameters with gains folded: the same function, and the gains are 1.
    ///
    /// # Errors
    /// Where the parameters are not of the architecture, or a gain is zero or not finite somewhere.
    pub fn fold(&self, params: &Params) -> Result<Params, SymmetryError> {
        let mut folded = self.group.act(&self.element(params)?, params)?;
        for fold in &self.folds {
            // But for rounding they are, and what rotates relies on it.
            if let Some(gain) = folded.get_mut(&fold.gain) {
                *gain = Tensor::from_fn(gain.shape().clone(), |_| 1.0).convert(gain.dtype());
            }
        }
        Ok(folded)
    }
}

impl Folding {
    /// Folded parameters with gains like those of another network, which what reads them makes up for: the same function, in the
    /// coordinates of that network. What is between its folded parameters and others is so between it and what this gives.
    ///
    /// # Errors
    /// As [`Folding::fold`], of the other network.
    pub fn unfold(&self, folded: &Params, like: &Params) -> Result<Params, SymmetryError> {
        let back = self.group.invert(&self.element(like)?)?;
        let mut unfolded = self.group.act(&back, folded)?;
        for fold in &self.folds {
            if let (Some(gain), Some(like)) = (unfolded.get_mut(&fold.gain), like.get(&fold.gain)) {
                *gain = like.convert(gain.dtype());
            }
        }
        Ok(unfolded)
    }
}

/// The numbers of a gain, none of which is zero.
fn gain(params: &Params, name: &str) -> Result<Vec<f64>, SymmetryError> {
    let Some(tensor) = params.get(name) else {
        let (name, shape) = (name.to_owned(), tensor::Shape::from([]));
        return Err(SymmetryError::MissingParameter { name, shape });
    };
    let values = tensor.to_f64_vec();
    match values.iter().position(|value| *value == 0.0 || !value.is_finite()) {
        Some(position) => {
            Err(SymmetryError::Gain { name: name.to_owned(), position, found: values[position] })
        }
        None => Ok(values),
    }
}

/// What is found with ones in the place of gains.
struct Ungained {
    gains: BTreeSet<String>,
    /// The axes on which like classes can be mixed.
    mixable: BTreeSet<(String, usize)>,
    /// The group; `None` where there are no gains.
    group: Option<Group>,
}

impl Ungained {
    fn new(graph: &Graph, gains: BTreeSet<String>) -> Self {
        if gains.is_empty() {
            return Self { gains, mixable: BTreeSet::new(), group: None };
        }
        let graph = without(graph, &gains);
        Self { gains, mixable: mixable(&View::new(&graph)), group: Some(infer(&graph)) }
    }
}

/// The vectors of parameters that something is multiplied by.
fn factors(graph: &Graph) -> BTreeSet<String> {
    let operands = graph.vals().filter_map(|val| match graph.def(val) {
        Def::Apply { op: Prim::Multiply(_), operands } => Some(operands),
        _ => None,
    });
    operands.flatten().filter_map(|&operand| vector(graph, operand)).map(str::to_owned).collect()
}

/// The vectors that multiply all slots of a generator one by one, by the generator.
fn gains(factors: &BTreeSet<String>, group: &Group) -> BTreeMap<usize, BTreeSet<String>> {
    let mut gains: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
    for name in factors {
        let acts = |generator: &Generator| {
            let is_whole = |action: &ParameterAxis| {
                action.parameter == *name && action.slots.indices.len() == generator.size
            };
            generator.parent.is_none() && generator.size > 1 && generator.actions.iter().any(is_whole)
        };
        if let Some(position) = group.generators().iter().position(acts) {
            gains.entry(position).or_default().insert(name.clone());
        }
    }
    gains
}

/// The vector of parameters that a value repeats.
fn vector(graph: &Graph, mut val: Val) -> Option<&str> {
    loop {
        match graph.def(val) {
            Def::Input(position) => {
                let input = &graph.inputs()[*position];
                let is_vector = input.role == Role::Parameter && graph.ty(val).shape.rank() == 1;
                return is_vector.then_some(&input.name);
            }
            Def::Apply { op, operands } => match op {
                Prim::BroadcastInDim(_) | Prim::Reshape(_) | Prim::Convert(_) | Prim::Transpose(_) => {
                    val = operands[0];
                }
                _ => return None,
            },
        }
    }
}

/// How a gain is folded: by a family of scales of its generator that leaves the other gains as they are.
fn fold(group: &Group, generator: usize, gain: &str, gains: &BTreeSet<String>) -> Option<Fold> {
    let own = &group.generators()[generator];
    let exponent = |family: &Family, name: &str| {
        let of = own.actions.iter().zip(&family.exponents).filter(|(action, _)| action.parameter == name);
        of.map(|(_, exponents)| exponents.common().unwrap_or(0)).sum::<i32>()
    };
    let folds = |family: &Family| {
        let others = gains.iter().filter(|other| *other != gain);
        exponent(family, gain) != 0 && others.into_iter().all(|other| exponent(family, other) == 0)
    };
    let scale = own.scales.iter().position(|family| !family.is_approximate && folds(family))?;
    let sign = own.signs.iter().position(|family| !family.is_approximate && folds(family));
    Some(Fold { gain: gain.to_owned(), generator, scale, sign })
}

/// The generators, with their gains, whose slots could be mixed if all gains were 1.
fn wanted(
    group: &Group,
    mut gains: BTreeMap<usize, BTreeSet<String>>,
    Ungained { gains: all, mixable, .. }: &Ungained,
) -> BTreeMap<usize, BTreeSet<String>> {
    gains.retain(|&generator, _| {
        let actions = &group.generators()[generator].actions;
        let mut others = actions.iter().filter(|action| !all.contains(&action.parameter)).peekable();
        let is_mixable = |action: &ParameterAxis| mixable.contains(&(action.parameter.clone(), action.axis));
        others.peek().is_some() && others.all(is_mixable)
    });
    gains
}

/// The graph with ones in the place of these parameters.
fn without(graph: &Graph, gains: &BTreeSet<String>) -> Graph {
    let mut b = Builder::new(graph.name());
    let argument = |input: &Input| {
        let ty = graph.ty(input.val);
        if gains.contains(&input.name) {
            b.splat(ty, 1.0)
        } else {
            b.input(&*input.name, input.role, ty.clone())
        }
    };
    let arguments: Vec<Val> = graph.inputs().iter().map(argument).collect();
    let made = b.inline(graph, &arguments);
    for output in graph.outputs() {
        b.output(output.name.clone(), made[output.val.position()]);
    }
    b.finish()
}

/// The group as one that knows further tensors, which it does not move.
fn with_subjects(group: &Group, subjects: &[Subject]) -> Group {
    Group::trusted(subjects.to_vec(), group.generators().to_vec())
}
