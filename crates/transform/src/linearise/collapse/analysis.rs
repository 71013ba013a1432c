//! Which tangents are combinations of which, element by element.

use graph::{Def, Graph, Prim, Val};

use super::combination::{Combination, Factor};
use crate::simplify::splat_number;

/// The most tangents in a combination. Ours: an LSTM's cell has four.
const TANGENTS: usize = 4;

/// The most products in a coefficient. Ours: enough for the second derivative of a GELU by tanh.
const PRODUCTS: usize = 32;

/// The combinations of a graph that is linear in some inputs.
pub(super) struct Analysis {
    /// For each value that depends on the tangents and is pointwise, what it is in terms of others.
    pub(super) combinations: Vec<Option<Combination>>,
    /// For each value, whether it must be there: something reads it that is not a combination over its parts.
    pub(super) is_read: Vec<bool>,
    /// For each pointwise value, a representative of all that it is connected with through pointwise values.
    pub(super) component: Vec<usize>,
}

/// A pointwise operation on tangents.
enum Pointwise {
    Sum(Val, Val, f64),
    Product(Val, Factor),
    Scaled(Val, f64),
}

impl Pointwise {
    fn of(graph: &Graph, depends: &[bool], val: Val) -> Option<Self> {
        let Def::Apply { op, operands: x } = graph.def(val) else { return None };
        let is_tangent = |operand: usize| depends[x[operand].position()];
        match op {
            Prim::Add(_) if is_tangent(0) && is_tangent(1) => Some(Self::Sum(x[0], x[1], 1.0)),
            Prim::Subtract(_) if is_tangent(0) && is_tangent(1) => Some(Self::Sum(x[0], x[1], -1.0)),
            Prim::Negate(_) if is_tangent(0) => Some(Self::Scaled(x[0], -1.0)),
            Prim::Multiply(_) if is_tangent(0) => Some(Self::product(graph, x[0], x[1], false)),
            Prim::Multiply(_) if is_tangent(1) => Some(Self::product(graph, x[1], x[0], false)),
            Prim::Divide(_) if is_tangent(0) => Some(Self::product(graph, x[0], x[1], true)),
            _ => None,
        }
    }

    fn product(graph: &Graph, tangent: Val, known: Val, is_divisor: bool) -> Self {
        match splat_number(graph, known) {
            Some(number) => Self::Scaled(tangent, if is_divisor { number.recip() } else { number }),
            None => Self::Product(tangent, Factor { is_divisor, val: known }),
        }
    }

    fn tangents(&self) -> Vec<Val> {
        match *self {
            Self::Sum(x, y, _) => vec![x, y],
            Self::Product(x, _) | Self::Scaled(x, _) => vec![x],
        }
    }
}

impl Analysis {
    pub(super) fn new(graph: &Graph, depends: &[bool]) -> Self {
        let pointwise: Vec<Option<Pointwise>> =
            graph.vals().map(|val| Pointwise::of(graph, depends, val)).collect();
        let uses = uses(graph);
        let mut analysis = Self {
            combinations: vec![None; graph.len()],
            is_read: read_elsewhere(graph, &pointwise),
            component: (0..graph.len()).collect(),
        };
        for val in graph.vals() {
            if let Some(operation) = &pointwise[val.position()] {
                let tangents = operation.tangents();
                for &tangent in tangents.iter().filter(|tangent| pointwise[tangent.position()].is_some()) {
                    analysis.join(val, tangent);
                }
                analysis.combine(val, operation, &tangents, &uses);
            }
        }
        for position in 0..graph.len() {
            analysis.component[position] = analysis.representative(position);
        }
        analysis
    }

    /// What a tangent is, in terms of others or by itself.
    fn expanded(&self, tangent: Val, by_itself: bool) -> Combination {
        match &self.combinations[tangent.position()] {
            Some(combination) if !by_itself => combination.clone(),
            _ => Combination::of(tangent),
        }
    }

    /// Finds the combination of `val`. Where it grows beyond the limits, tangents that are used more than once and are
    /// sums stand for themselves; where that is not enough, all do.
    fn combine(&mut self, val: Val, operation: &Pointwise, tangents: &[Val], uses: &[usize]) {
        let is_shared_sum = |tangent: &Val| {
            let terms = self.combinations[tangent.position()].as_ref().map_or(1, Combination::len);
            uses[tangent.position()] > 1 && terms > 1
        };
        let shared: Vec<Val> = tangents.iter().copied().filter(is_shared_sum).collect();
        // A plain sum is multiplied once as a whole, not term by term.
        let is_product = !matches!(operation, Pointwise::Sum(..));
        let is_plain_sum = |tangent: &Val| {
            let combination = self.combinations[tangent.position()].as_ref();
            is_product && combination.is_some_and(Combination::is_plain_sum)
        };
        let plain: Vec<Val> = tangents.iter().copied().filter(is_plain_sum).collect();
        let choices = [plain, shared, tangents.to_vec()];
        let fits =
            |combination: &Combination| combination.len() <= TANGENTS && combination.longest() <= PRODUCTS;
        for alone in choices {
            let combination = self.result(operation, &alone);
            if fits(&combination) {
                for tangent in alone {
                    self.is_read[tangent.position()] = true;
                }
                self.combinations[val.position()] = Some(combination);
                return;
            }
        }
        unreachable!("two tangents by themselves are within the limits");
    }

    fn result(&self, operation: &Pointwise, alone: &[Val]) -> Combination {
        let expanded = |tangent: Val| self.expanded(tangent, alone.contains(&tangent));
        match *operation {
            Pointwise::Sum(x, y, sign) => expanded(x).plus(&expanded(y), sign),
            Pointwise::Product(x, factor) => expanded(x).times(factor),
            Pointwise::Scaled(x, scale) => expanded(x).scaled(scale),
        }
    }

    fn representative(&self, mut position: usize) -> usize {
        while self.component[position] != position {
            position = self.component[position];
        }
        position
    }

    /// Joins the components of two values; the earlier representative stands for both.
    fn join(&mut self, one: Val, other: Val) {
        let [one, other] = [one, other].map(|val| self.representative(val.position()));
        let (first, last) = (one.min(other), one.max(other));
        self.component[last] = first;
    }
}

/// How often each value is an operand or an output.
fn uses(graph: &Graph) -> Vec<usize> {
    let mut uses = vec![0; graph.len()];
    for operand in graph.vals().flat_map(|val| graph.operands(val)) {
        uses[operand.position()] += 1;
    }
    for output in graph.outputs() {
        uses[output.val.position()] += 1;
    }
    uses
}

/// For each value, whether something reads it that is not pointwise.
fn read_elsewhere(graph: &Graph, pointwise: &[Option<Pointwise>]) -> Vec<bool> {
    let mut read = vec![false; graph.len()];
    for val in graph.vals().filter(|val| pointwise[val.position()].is_none()) {
        for operand in graph.operands(val) {
            read[operand.position()] = true;
        }
    }
    for output in graph.outputs() {
        read[output.val.position()] = true;
    }
    read
}
