//! Chains of pointwise operations on tangents as combinations with known coefficients: the derivative of a GELU is
//! a product with one number for each element, however long the formula. The sums are the same but for rounding.

mod analysis;
mod combination;

use std::collections::BTreeMap;

use graph::{
    Builder, Def, Graph, Val,
    ops::{Add, Divide, Multiply, Subtract},
};

use super::{
    choose::{self, Demand},
    cost::{BYTE, STEP},
    vals_of_inputs,
};
use crate::simplify;
use analysis::Analysis;
use combination::{Combination, Factor, Polynomial};

/// `graph`, linear in the inputs at positions `tangents`, with pointwise parts that depend on them collapsed wherever
/// that makes the linear half cheaper.
pub(super) fn collapse(graph: &Graph, tangents: &[usize]) -> Graph {
    let depends = graph.depends_on(&vals_of_inputs(graph, tangents));
    let analysis = Analysis::new(graph, &depends);
    let trial = Rewriting::new(graph, &analysis, |_| true);
    let before = costs(graph, &works_before(graph, &analysis, &depends));
    let after = costs(trial.b.graph(), &trial.works);
    let gains = |component: usize| after.get(&component) < before.get(&component);
    simplify(&Rewriting::new(graph, &analysis, gains).b.finish())
}

/// What a component reads of the known values, and the operations it takes for each element.
#[derive(Clone, Debug, Default)]
struct Work {
    reads: Vec<Val>,
    operations: u128,
}

impl Work {
    fn add(&mut self, graph: &Graph, val: Val, operations: usize) {
        let elements = graph.ty(val).shape.elements() as u128;
        // A sixteenth of a step: such operations share loops.
        self.operations += operations as u128 * (elements * BYTE / 4 + STEP / 16);
    }

    fn cost(&self, graph: &Graph, demand: &Demand) -> u128 {
        let mut reads = self.reads.clone();
        reads.sort_unstable();
        reads.dedup();
        self.operations + choose::cost(graph, demand, &reads)
    }
}

/// The cost of each component.
fn costs(graph: &Graph, works: &BTreeMap<usize, Work>) -> BTreeMap<usize, u128> {
    let demand = Demand::none(graph);
    works.iter().map(|(&component, work)| (component, work.cost(graph, &demand))).collect()
}

/// The work of each component as it is.
fn works_before(graph: &Graph, analysis: &Analysis, depends: &[bool]) -> BTreeMap<usize, Work> {
    let mut works: BTreeMap<usize, Work> = BTreeMap::new();
    for val in graph.vals().filter(|val| analysis.combinations[val.position()].is_some()) {
        let work = works.entry(analysis.component[val.position()]).or_default();
        work.add(graph, val, 1);
        work.reads.extend(graph.operands(val).iter().filter(|operand| !depends[operand.position()]));
    }
    works
}

/// The graph with some components collapsed.
struct Rewriting<'a> {
    graph: &'a Graph,
    b: Builder,
    copies: Vec<Option<Val>>,
    /// The coefficients that have been made, by type and polynomial.
    coefficients: BTreeMap<(Vec<usize>, CoefficientKey), Val>,
    works: BTreeMap<usize, Work>,
}

type CoefficientKey = Vec<(Vec<Factor>, u64)>;

impl<'a> Rewriting<'a> {
    fn new(graph: &'a Graph, analysis: &Analysis, is_chosen: impl Fn(usize) -> bool) -> Self {
        let b = Builder::new(graph.name());
        let copies = vec![None; graph.len()];
        let mut rewriting = Self { graph, b, copies, coefficients: BTreeMap::new(), works: BTreeMap::new() };
        for (input, copy) in graph.inputs().iter().zip(rewriting.b.copy_inputs(graph)) {
            rewriting.copies[input.val.position()] = Some(copy);
        }
        for val in graph.vals() {
            let component = analysis.component[val.position()];
            match (&analysis.combinations[val.position()], graph.def(val)) {
                (Some(combination), _) if is_chosen(component) => {
                    if analysis.is_read[val.position()] {
                        rewriting.combine(val, component, combination);
                    }
                }
                (_, Def::Apply { op, operands }) => {
                    let operands: Vec<Val> =
                        operands.iter().map(|&operand| rewriting.copy(operand)).collect();
                    rewriting.copies[val.position()] = Some(rewriting.b.apply(op.clone(), &operands));
                }
                (_, Def::Input(_)) => {}
            }
        }
        for output in graph.outputs() {
            let val = rewriting.copy(output.val);
            rewriting.b.output(output.name.clone(), val);
        }
        rewriting
    }

    fn copy(&self, val: Val) -> Val {
        self.copies[val.position()].unwrap_or_else(|| unreachable!("what is read is there"))
    }

    /// Emits a combination of tangents that are there.
    fn combine(&mut self, val: Val, component: usize, combination: &Combination) {
        let mut sum: Option<Val> = None;
        for (tangent, polynomial) in combination.terms() {
            let tangent = self.copy(tangent);
            let number = polynomial.as_number();
            let term = if number.is_some_and(|number| number.abs() == 1.0) {
                tangent
            } else {
                let coefficient = self.coefficient(val, polynomial);
                self.works.entry(component).or_default().reads.push(coefficient);
                self.b.apply(Multiply, &[coefficient, tangent])
            };
            let is_negative = number == Some(-1.0);
            sum = Some(match sum {
                None if is_negative => self.b.negate(term),
                None => term,
                Some(sum) if is_negative => self.b.apply(Subtract, &[sum, term]),
                Some(sum) => self.b.apply(Add, &[sum, term]),
            });
        }
        self.copies[val.position()] = sum;
        self.works.entry(component).or_default().add(self.graph, val, combination.operations());
    }

    /// The known value of a polynomial in the type of `val`.
    fn coefficient(&mut self, val: Val, polynomial: &Polynomial) -> Val {
        let ty = self.graph.ty(val).clone();
        let key = (ty.shape.to_vec(), polynomial.key());
        if let Some(&coefficient) = self.coefficients.get(&key) {
            return coefficient;
        }
        let mut sum: Option<Val> = None;
        for (factors, number) in polynomial.products() {
            let product = self.product(&ty, factors, number);
            sum = Some(sum.map_or(product, |sum| self.b.add(sum, product)));
        }
        let coefficient = sum.unwrap_or_else(|| self.b.splat(&ty, 0.0));
        self.coefficients.insert(key, coefficient);
        coefficient
    }

    fn product(&mut self, ty: &graph::Ty, factors: &[Factor], number: f64) -> Val {
        let mut product = (number != 1.0).then(|| self.b.splat(ty, number));
        for factor in factors {
            let val = self.copy(factor.val);
            product = Some(match (product, factor.is_divisor) {
                (None, false) => val,
                (Some(product), false) => self.b.apply(Multiply, &[product, val]),
                (product, true) => {
                    let product = product.unwrap_or_else(|| self.b.splat(ty, 1.0));
                    self.b.apply(Divide, &[product, val])
                }
            });
        }
        product.unwrap_or_else(|| self.b.splat(ty, 1.0))
    }
}
