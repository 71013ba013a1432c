//! Carrying a network to other widths by optimal transport.
//!
//! [`transport`] brings a network B into the widths of a network A of the same structure, so that the two can be averaged:
//! optimal transport fusion (Singh and Jaggi, *Model Fusion via Optimal Transport*, NeurIPS 2020). Layer by layer from the
//! inputs on, the units of B and A are the points of two uniform distributions, whose cost is the squared distance of the parameters
//! that make them, with B's already carried along the axes that come before. Each of A's places becomes the mean of B's
//! units as the plan mixes them, and what reads B's units is split as the plan spreads them. Where A is as wide as B, the
//! exact plan is a permutation, and what B computes does not change; otherwise it does, as far as mixed units differ.
//!
//! Ours differs in that the plan is exact unless entropy is asked for ([`Solver`], [`Plan`]); that the cost is the squared
//! distance, so that at equal widths a layer's exact plan is the assignment of a weight matching; that biases and other parameters
//! that make a unit count as much as weights; and that it is found, not told, which axes make units and which read them
//! ([`sides()`]).

mod entropic;
mod plan;
mod sides;

use graph::{Argument, Builder, Executor, Graph, Role, Ty, ops::DotGeneral};
use models::Params;
use tensor::Tensor;

use super::{
    carry::{AxisMap, carry, check_alike},
    gains::arranged,
    problem::{elements, trained},
};
use crate::{Element, Group, ParameterAxis, Subject, SymmetryError};
pub use plan::{Entropic, Plan};
pub use sides::{Side, sides};

/// How plans are found.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Solver {
    /// At the least cost.
    #[default]
    Exact,
    /// At the least cost less ε times entropy: every place mixes units, the more the larger ε is (Cuturi 2013).
    Entropic {
        /// ε as a share of the mean cost of a class, above 0.
        epsilon: f64,
    },
}

/// A network in the widths of another.
#[derive(Clone, Debug, PartialEq)]
pub struct Transported {
    /// Its parameters.
    pub params: Params,
    /// The plan of each class of units, rows being places of A and columns units of B, in the order of the permutations of A's
    /// group.
    pub plans: Vec<Plan>,
}

impl Transported {
    /// Whether every plan is a permutation, so that the function was kept.
    #[must_use]
    pub fn is_permutation(&self) -> bool {
        self.plans.iter().all(|plan| plan.sizes[0] == plan.sizes[1] && plan.entries.len() == plan.sizes[0])
    }

    /// The element of A's group that does the same to B, where every plan is a permutation.
    ///
    /// # Errors
    /// Where `group` is not A's.
    pub fn element(&self, group: &Group) -> Result<Option<Element>, SymmetryError> {
        if !self.is_permutation() {
            return Ok(None);
        }
        let units = |plan: &Plan| plan.entries.iter().map(|&(_, unit, _)| unit as u32).collect();
        group.element(group.with_idle(self.plans.iter().map(units).collect())).map(Some)
    }
}

/// Carries `b`, a network of the second group, into the widths of `a`, one of the first. `sides` are those of the first
/// group's permutations.
///
/// Equal inputs give equal bits, whatever the number of threads, if the executor's do.
///
/// # Errors
/// [`SymmetryError::OtherStructure`] where the groups differ in more than the numbers of units; where a network is not of its
/// group's architecture, not `f32` or not finite; [`SymmetryError::NoSides`] where nothing that makes a class of units can be
/// compared; [`SymmetryError::NotPositive`] for an ε that is not above 0; and where the executor refuses a matrix product.
pub fn transport(
    executor: &dyn Executor,
    groups: [&Group; 2],
    sides: &[Vec<Side>],
    [a, b]: [&Params; 2],
    solver: Solver,
) -> Result<Transported, SymmetryError> {
    if let Solver::Entropic { epsilon: found } = solver
        && !(found.is_finite() && found > 0.0)
    {
        return Err(SymmetryError::NotPositive { what: "weight of the entropy", found });
    }
    let [ours, theirs] = groups.map(Group::permutations);
    check_alike(&ours, &theirs)?;
    for (network, group, params) in [("A", groups[0], a), ("B", groups[1], b)] {
        group.check_params(params)?;
        params.iter().try_for_each(|(name, _)| trained(network, params, name).map(|_| ()))?;
    }
    let mut passage = Passage { executor, groups: [&ours, &theirs], sides, a, b, solver, plans: Vec::new() };
    for generator in 0..ours.generators().len() {
        let plan = passage.plan(generator)?;
        passage.plans.push(plan);
    }
    let there = ours.subjects().iter().filter(|subject| b.get(&subject.name).is_some());
    let carried = there.map(|subject| (subject.name.as_str(), passage.carried(subject, None)));
    Ok(Transported { params: Params::from_pairs(carried), plans: passage.plans })
}

struct Passage<'a> {
    executor: &'a dyn Executor,
    groups: [&'a Group; 2],
    sides: &'a [Vec<Side>],
    a: &'a Params,
    b: &'a Params,
    solver: Solver,
    /// Of the generators before the current one.
    plans: Vec<Plan>,
}

impl Passage<'_> {
    /// The plan of a generator, by what makes its units and reads only units whose plans are known.
    fn plan(&self, generator: usize) -> Result<Plan, SymmetryError> {
        let [ours, theirs] = self.groups.map(|group| &group.generators()[generator]);
        let sizes = [ours.size, theirs.size];
        let mut costs = vec![0.0; sizes[0] * sizes[1]];
        let mut has_any = false;
        let actions = ours.actions.iter().zip(&theirs.actions).zip(&self.sides[generator]);
        for ((own, other), _) in actions.filter(|(_, side)| **side == Side::Makes) {
            let Some(subject) = self.comparable(generator, own) else { continue };
            has_any = true;
            let a = self.a.get(&own.parameter).expect("the names were checked");
            let b = self.carried(subject, Some(own.axis));
            self.add_distances(&mut costs, [(a, own), (&b, other)])?;
        }
        if !has_any {
            return Err(SymmetryError::NoSides { generator: ours.name.clone() });
        }
        Ok(match self.solver {
            Solver::Exact => plan::cheapest(&costs, sizes),
            Solver::Entropic { epsilon } => entropic::smoothed(&costs, sizes, epsilon),
        })
    }

    /// The trained parameter of an action, if all that moves its other axes is planned.
    fn comparable(&self, generator: usize, action: &ParameterAxis) -> Option<&Subject> {
        let group = self.groups[0];
        let subject = group.subjects().iter().find(|subject| subject.name == action.parameter)?;
        let mut others = group.actions_on(&action.parameter).filter(|(_, other)| other.axis != action.axis);
        let is_known = others.all(|(other, _)| other < generator);
        (subject.role == Role::Parameter && is_known).then_some(subject)
    }

    /// B's tensor carried along all axes but `open`.
    fn carried(&self, subject: &Subject, open: Option<usize>) -> Tensor {
        let tensor = self.b.get(&subject.name).expect("the names were checked").clone();
        let axes = (0..subject.shape.rank()).filter(|&axis| Some(axis) != open);
        axes.fold(tensor, |tensor, axis| match self.map(subject, axis) {
            Some(map) => carry(&tensor, axis, &map),
            None => tensor,
        })
    }

    /// What the plans make of an axis; `None` where nothing moves along it.
    fn map(&self, subject: &Subject, axis: usize) -> Option<AxisMap> {
        let sizes = [subject.shape[axis], self.b.get(&subject.name)?.shape()[axis]];
        AxisMap::new(self.groups, &subject.name, axis, sizes, |generator, action| {
            self.plans[generator].shares(self.sides[generator][action]).collect()
        })
    }

    /// Adds the squared distances between the slots of two tensors.
    fn add_distances(
        &self,
        costs: &mut [f64],
        sides: [(&Tensor, &ParameterAxis); 2],
    ) -> Result<(), SymmetryError> {
        let [ours, theirs] = sides.map(|(tensor, action)| {
            let unmoved = vec![None; tensor.shape().rank()];
            arranged(tensor, &unmoved, action.axis, &action.slots)
        });
        let axis = sides[0].1.axis;
        let product = self
            .executor
            .compile(&products([&ours, &theirs], axis), &[])?
            .run(vec![Argument::Borrowed(&ours), Argument::Borrowed(&theirs)])?;
        let squares = [squares(&ours, axis), squares(&theirs, axis)];
        let rows = costs.chunks_mut(squares[1].len()).zip(elements(&product[0]).chunks(squares[1].len()));
        for ((costs, products), own) in rows.zip(&squares[0]) {
            for ((cost, &product), other) in costs.iter_mut().zip(products).zip(&squares[1]) {
                *cost += own + other - 2.0 * f64::from(product);
            }
        }
        Ok(())
    }
}

/// The squared norm of each slice along an axis.
fn squares(tensor: &Tensor, axis: usize) -> Vec<f64> {
    let inner: usize = tensor.shape()[axis + 1..].iter().product();
    let mut squares = vec![0.0; tensor.shape()[axis]];
    let count = squares.len();
    for (line, values) in elements(tensor).chunks(inner.max(1)).enumerate() {
        squares[line % count] += values.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>();
    }
    squares
}

/// The graph of all inner products of slices along an axis.
fn products(tensors: [&Tensor; 2], axis: usize) -> Graph {
    let mut b = Builder::new("distances");
    let [ours, theirs] = [("a", tensors[0]), ("b", tensors[1])]
        .map(|(name, tensor)| b.data(name, Ty::f32(tensor.shape().clone())));
    let contract: Vec<usize> = (0..tensors[0].shape().rank()).filter(|&other| other != axis).collect();
    let op = DotGeneral { lhs_contract: contract.clone(), rhs_contract: contract, ..DotGeneral::default() };
    let products = b.dot_general(op, ours, theirs);
    b.output("products", products);
    b.finish()
}
