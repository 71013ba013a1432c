//! Gradient checkpointing: less memory for more work.

use graph::{Builder, Def, Graph, Val};

use super::{choose::Demand, cost, halves, vals_of_outputs};
use crate::{
    Rules,
    derivative::{name_gradients, pulled_back_from},
    eliminate_dead_code, fold_constants,
    live::live_towards,
};

/// A gradient that computes parts of the forward pass again on its way back.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpointed {
    /// As the graph of [`crate::grad`]. Simplifying it would share what is computed twice, and so undo it.
    pub graph: Graph,
    /// The number of segments of the forward pass; all but the last are computed twice. One is a plain gradient.
    pub segments: usize,
    /// The bytes that the way back needs of the forward pass at one time: what stands between segments, and the
    /// largest segment.
    pub held_bytes: usize,
    /// The same without checkpoints.
    pub plain_bytes: usize,
}

/// How many segments are tried. Ours: memory falls with the square root of the number, so finer steps gain little.
const SEGMENTS: [usize; 12] = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64];

/// The gradient of [`crate::grad`] with as few segments as keep the bytes held within `budget_bytes`, or as hold
/// fewest where none does (Chen and others 2016, arXiv:1604.06174, section 3). The forward pass is cut into segments
/// whose values, as far as the way back reads them, have about equal bytes. What a later segment needs of an earlier
/// one is stored; the rest of a segment is computed again when the way back arrives there.
///
/// # Panics
/// As [`crate::grad`].
#[must_use]
#[track_caller]
pub fn checkpoint(graph: &Graph, output: usize, wrt: &[usize], budget_bytes: usize) -> Checkpointed {
    let pulled = pulled_back_from(Rules::own(), graph, output, wrt);
    let pass = Pass::new(&pulled, graph.outputs().len());
    let plans: Vec<Plan> = SEGMENTS.iter().map(|&segments| pass.plan(segments)).collect();
    let plain_bytes = plans[0].held_bytes;
    let fitting = plans.iter().find(|plan| plan.held_bytes <= budget_bytes);
    let plan = fitting.or_else(|| plans.iter().min_by_key(|plan| plan.held_bytes));
    let plan = plan.unwrap_or_else(|| unreachable!("there are numbers to try"));
    Checkpointed {
        graph: pass.with_plan(plan, graph, output, wrt),
        segments: plan.segments,
        held_bytes: plan.held_bytes,
        plain_bytes,
    }
}

/// Which values are stored with this many segments.
struct Plan {
    segments: usize,
    stored: Vec<Val>,
    held_bytes: usize,
}

/// A vector-Jacobian product: the way forth, and the way back, which is linear in the last input.
struct Pass<'a> {
    graph: &'a Graph,
    /// The number of outputs of the way forth.
    results: usize,
    known: Vec<bool>,
    live: Vec<bool>,
    demanded: Vec<bool>,
}

impl<'a> Pass<'a> {
    fn new(graph: &'a Graph, results: usize) -> Self {
        let cotangent = graph.inputs()[graph.inputs().len() - 1].val;
        let known: Vec<bool> = graph.depends_on(&[cotangent]).into_iter().map(|depends| !depends).collect();
        let gradients: Vec<usize> = (results..graph.outputs().len()).collect();
        let wanted = vals_of_outputs(graph, &gradients);
        let live = live_towards(graph, &wanted);
        let demand = Demand::new(graph, &known, &live, &wanted, &[]);
        let mut demanded = vec![false; graph.len()];
        for val in demand.vals {
            demanded[val.position()] = true;
        }
        Self { graph, results, known, live, demanded }
    }

    /// The bytes that it takes to keep a value: none for inputs and views.
    fn bytes(&self, val: Val) -> usize {
        match self.graph.def(val) {
            Def::Apply { op, .. } if !cost::is_view(op) => self.graph.ty(val).size_bytes(),
            _ => 0,
        }
    }

    /// The known values by their depth, the longest path from an input: derivatives of an operation stand with it,
    /// wherever they are defined.
    fn by_depth(&self) -> Vec<Val> {
        let mut depth = vec![0usize; self.graph.len()];
        let mut known: Vec<Val> = self.graph.vals().filter(|val| self.known[val.position()]).collect();
        for &val in &known {
            let operands = self.graph.operands(val).iter();
            depth[val.position()] = operands.map(|operand| depth[operand.position()] + 1).max().unwrap_or(0);
        }
        known.sort_by_key(|val| depth[val.position()]);
        known
    }

    /// The segment of each value: borders lie at equal shares of the demanded bytes.
    fn segments(&self, order: &[Val], count: usize) -> Vec<usize> {
        let demanded = |val: Val| if self.demanded[val.position()] { self.bytes(val) } else { 0 };
        let total: usize = order.iter().map(|&val| demanded(val)).sum();
        let mut before = 0;
        let mut segments = vec![0; self.graph.len()];
        for &val in order {
            let segment = (before as u128 * count as u128 / total.max(1) as u128) as usize;
            segments[val.position()] = segment.min(count - 1);
            before += demanded(val);
        }
        segments
    }

    fn plan(&self, count: usize) -> Plan {
        let order = self.by_depth();
        let segment = self.segments(&order, count);
        let mut needed = self.demanded.clone();
        // The last segment in which each value is used to compute another one again.
        let mut used_in = vec![0; self.graph.len()];
        let mut stored = Vec::new();
        let mut between = 0;
        let mut within = vec![0; count];
        for val in order.into_iter().rev() {
            let position = val.position();
            if !needed[position] {
                continue;
            }
            let own = segment[position];
            let Def::Apply { op, operands } = self.graph.def(val) else {
                stored.push(val);
                continue;
            };
            let is_view = cost::is_view(op);
            let is_border = used_in[position] > own && own + 1 < count;
            if !is_view && (is_border || own + 1 == count) {
                stored.push(val);
                *(if is_border { &mut between } else { &mut within[own] }) += self.bytes(val);
                continue;
            }
            within[own] += if self.demanded[position] { self.bytes(val) } else { 0 };
            for operand in operands {
                needed[operand.position()] = true;
                let last = if is_view { own.max(used_in[position]) } else { own };
                used_in[operand.position()] = used_in[operand.position()].max(last);
            }
        }
        stored.sort_unstable();
        let largest = within.into_iter().max().unwrap_or(0);
        Plan { segments: count, stored, held_bytes: between + largest }
    }

    /// Both ways in one graph, the stored values handed from one to the other.
    fn with_plan(&self, plan: &Plan, graph: &Graph, output: usize, wrt: &[usize]) -> Graph {
        let results: Vec<usize> = (0..self.results).collect();
        let gradients: Vec<usize> = (self.results..self.graph.outputs().len()).collect();
        let cotangent = self.graph.inputs().len() - 1;
        let (forth, residuals) = halves::primal_half(self.graph, &self.known, &results, &plan.stored);
        let back = halves::linear_half(self.graph, &plan.stored, &[cotangent], &gradients, &self.live);
        let mut b = Builder::new(format!("checkpointed.{}", graph.name()));
        let inputs = b.copy_inputs(graph);
        let values = b.inline(&forth, &inputs);
        let outputs: Vec<Val> = forth.outputs().iter().map(|output| values[output.val.position()]).collect();
        let kept = halves::kept(self.graph, &plan.stored, &[cotangent]);
        let mut arguments: Vec<Val> = kept.into_iter().map(|position| inputs[position]).collect();
        arguments.extend(residuals.into_iter().map(|position| outputs[position]));
        arguments.push(b.scalar(graph.ty(graph.outputs()[output].val).dtype, 1.0));
        let values = b.inline(&back, &arguments);
        let gradients: Vec<Val> = back.outputs().iter().map(|output| values[output.val.position()]).collect();
        name_gradients(&mut b, graph, output, wrt, &outputs[..self.results], &gradients);
        eliminate_dead_code(&fold_constants(&b.finish()))
    }
}
