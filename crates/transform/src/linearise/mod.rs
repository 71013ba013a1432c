//! Linearisation: a graph that is linear in some inputs, split into what does not depend on them and what does.

mod checkpoint;
mod choose;
mod collapse;
mod cost;
mod halves;
mod min_cut;

use graph::{Def, Graph, Val};

use crate::{
    Rules, batch, check_linear, gnvp, hvp, join::join_contractions, jvp, jvp::float_outputs,
    live::live_towards, simplify, vjp,
};
pub use checkpoint::{Checkpointed, checkpoint};
use choose::{Demand, Fate, choose};
use halves::{linear_half, primal_half};

/// The bytes of residuals that a linearisation may hold where nothing else is asked for: 1 GiB. Ours: a ResNet-20 on
/// 128 images has about 0.4 GB of them, and every machine that trains it has this much.
pub const RESIDUAL_BUDGET_BYTES: usize = 1 << 30;

/// What several products at once may write in one pass: 2 MiB. Ours: about what the inner caches of a core hold, for
/// passes run side by side.
pub const PASS_BYTES: usize = 2 << 20;

/// Passes that several products are spread over at least, where there are so many products. Ours: smaller passes would
/// lose more to their steps than most machines gain by running more of them at a time.
const PASSES: usize = 2;

/// A graph that is linear in some of its inputs (the tangents), as two graphs: one that runs once for each point,
/// and one that runs for each tangent.
///
/// The linear half reads values of the primal half. Of these it takes as residuals what is cheaper to read than to
/// compute again; views, constants and chains of cheap arithmetic on what it reads anyway are recomputed. The choice
/// is a minimum cut, and where the residuals exceed the budget, more is recomputed until they fit.
///
/// The constructors named after derivatives first collapse chains of pointwise operations on tangents into products
/// with known coefficients where that saves time, so that their numbers differ from those of the whole graph by
/// rounding; [`Linearised::split`] keeps every bit.
#[derive(Clone, Debug, PartialEq)]
pub struct Linearised {
    /// Inputs: those of the graph but the tangents, in order. Outputs: those of the graph that do not depend on the
    /// tangents, in order, followed by the residuals that are not among them.
    pub primal: Graph,
    /// Inputs: those of `primal` at the positions [`Linearised::kept`], the residuals, the tangents. Outputs: the
    /// linear outputs, in the order in which they were listed.
    pub linear: Graph,
    /// Which inputs of `primal` the linear half takes too; ascending.
    pub kept: Vec<usize>,
    /// Which outputs of `primal` are the residuals, in the order in which the linear half takes them.
    pub residuals: Vec<usize>,
    /// The number of outputs of `primal` that are the graph's; what follows are residuals.
    pub results: usize,
    /// The bytes that the residuals hold, beyond inputs and results.
    pub residual_bytes: usize,
    /// The bytes that they would hold with unlimited memory. Where this is more than `residual_bytes`, the budget
    /// has made the linear half recompute what it would rather have stored.
    pub wanted_bytes: usize,
}

impl Linearised {
    /// Splits `graph`, which is linear in the inputs at positions `tangents`, for its outputs at positions `outputs`.
    /// Other outputs that depend on the tangents are dropped. Residuals hold at most `budget_bytes`.
    ///
    /// # Panics
    /// Where a position is out of range, or an output in `outputs` is not linear in the tangents.
    #[must_use]
    #[track_caller]
    pub fn split(graph: &Graph, tangents: &[usize], outputs: &[usize], budget_bytes: usize) -> Self {
        let depends = graph.depends_on(&vals_of_inputs(graph, tangents));
        let is_result = |&position: &usize| {
            !outputs.contains(&position) && !depends[graph.outputs()[position].val.position()]
        };
        let results: Vec<usize> = (0..graph.outputs().len()).filter(is_result).collect();
        Self::split_with(graph, tangents, &results, outputs, budget_bytes)
    }

    /// As [`Self::split`], with the results given: positions of outputs that do not depend on the tangents.
    #[track_caller]
    fn split_with(
        graph: &Graph,
        tangents: &[usize],
        results: &[usize],
        outputs: &[usize],
        budget_bytes: usize,
    ) -> Self {
        if let Err(faults) = check_linear(Rules::own(), graph, tangents) {
            panic!("'{}' is not linear in the given inputs: {faults:?}", graph.name());
        }
        let depends = graph.depends_on(&vals_of_inputs(graph, tangents));
        let known: Vec<bool> = depends.into_iter().map(|depends| !depends).collect();
        let wanted = vals_of_outputs(graph, outputs);
        let live = live_towards(graph, &wanted);
        let demand = Demand::new(graph, &known, &live, &wanted, &vals_of_outputs(graph, results));
        let choice = choose(graph, &demand, budget_bytes);
        let stored: Vec<Val> =
            graph.vals().filter(|val| choice.fates[val.position()] == Fate::Stored).collect();
        let (primal, residuals) = primal_half(graph, &known, results, &stored);
        let linear = linear_half(graph, &stored, tangents, outputs, &live);
        Self {
            kept: halves::kept(graph, &stored, tangents),
            residuals,
            results: results.len(),
            residual_bytes: choice.bytes,
            wanted_bytes: choice.wanted_bytes,
            primal,
            linear,
        }
    }

    /// The Jacobian-vector product of `graph` with respect to the inputs at positions `wrt`: linear outputs are the
    /// tangents of its floating-point outputs. See [`jvp()`] and [`linearise`].
    ///
    /// # Panics
    /// As [`jvp()`].
    #[must_use]
    #[track_caller]
    pub fn jvp(graph: &Graph, wrt: &[usize], budget_bytes: usize) -> Self {
        let tangents: Vec<usize> = (graph.inputs().len()..graph.inputs().len() + wrt.len()).collect();
        let forward = simplify(&join_contractions(&jvp(graph, wrt), &tangents));
        Self::split_last(
            &forward,
            wrt.len(),
            graph.outputs().len(),
            float_outputs(graph).count(),
            budget_bytes,
        )
    }

    /// The vector-Jacobian product of `graph` with respect to the inputs at positions `wrt`: the tangents are the
    /// cotangents of its floating-point outputs, the linear outputs those of the inputs. See [`vjp`].
    ///
    /// # Panics
    /// As [`vjp`].
    #[must_use]
    #[track_caller]
    pub fn vjp(graph: &Graph, wrt: &[usize], budget_bytes: usize) -> Self {
        let reverse = vjp(graph, wrt);
        let cotangents = float_outputs(graph).count();
        Self::split_last(&reverse, cotangents, graph.outputs().len(), wrt.len(), budget_bytes)
    }

    /// The Hessian-vector product of the scalar output at position `output` with respect to the inputs at positions
    /// `wrt`: results are those of [`crate::grad`], tangents the directions, linear outputs the product.
    ///
    /// # Panics
    /// As [`crate::grad`].
    #[must_use]
    #[track_caller]
    pub fn hvp(graph: &Graph, output: usize, wrt: &[usize], budget_bytes: usize) -> Self {
        let product = hvp(graph, output, wrt);
        Self::split_last(&product, wrt.len(), graph.outputs().len() + wrt.len(), wrt.len(), budget_bytes)
    }

    /// The Gauss-Newton product of [`gnvp`]: results are the outputs of `graph`, tangents the directions, linear
    /// outputs the product.
    ///
    /// # Panics
    /// As [`gnvp`].
    #[must_use]
    #[track_caller]
    pub fn gnvp(graph: &Graph, logits: usize, loss: usize, wrt: &[usize], budget_bytes: usize) -> Self {
        let product = gnvp(graph, logits, loss, wrt);
        Self::split_last(&product, wrt.len(), graph.outputs().len(), wrt.len(), budget_bytes)
    }

    /// Splits by the last `tangents` inputs for the last `outputs` outputs; the first `results` outputs are results.
    #[track_caller]
    fn split_last(
        graph: &Graph,
        tangents: usize,
        results: usize,
        outputs: usize,
        budget_bytes: usize,
    ) -> Self {
        let last = |count: usize, of: usize| (of - count..of).collect::<Vec<_>>();
        let tangents = last(tangents, graph.inputs().len());
        let outputs = last(outputs, graph.outputs().len());
        let results: Vec<usize> = (0..results).collect();
        let graph = &collapse::collapse(graph, &tangents);
        Self::split_with(graph, &tangents, &results, &outputs, budget_bytes)
    }

    /// For `size` tangents at once: all tangents and linear outputs get a leading axis, see [`batch()`]. The primal half
    /// and the residuals stay.
    #[must_use]
    pub fn batched(&self, size: usize) -> Self {
        let tangents: Vec<usize> = self.tangents().collect();
        Self { linear: batch(&self.linear, &tangents, size), ..self.clone() }
    }

    /// How many of `count` products one pass should make: as many as keep what a pass writes within
    /// [`PASS_BYTES`], at most half of them, so that two passes may run side by side, and at least one. Small networks
    /// gain from larger matrices and fewer steps; large ones would only lose the caches.
    #[must_use]
    pub fn pass_size(&self, count: usize) -> usize {
        let graph = &self.linear;
        let depends = graph.depends_on(&vals_of_inputs(graph, &self.tangents().collect::<Vec<_>>()));
        let written = |&val: &Val| match graph.def(val) {
            Def::Apply { op, .. } => depends[val.position()] && !cost::is_view(op),
            Def::Input(_) => false,
        };
        let bytes: usize = graph.vals().filter(written).map(|val| graph.ty(val).size_bytes()).sum();
        (PASS_BYTES / bytes.max(1)).clamp(1, count.div_ceil(PASSES).max(1))
    }

    /// Whether the budget has made the linear half recompute what it would rather have stored.
    #[must_use]
    pub const fn is_over_budget(&self) -> bool {
        self.residual_bytes < self.wanted_bytes
    }

    /// The positions of the tangents among the inputs of the linear half: the last ones.
    #[must_use]
    pub fn tangents(&self) -> std::ops::Range<usize> {
        self.kept.len() + self.residuals.len()..self.linear.inputs().len()
    }
}

/// The derivative of `graph` with respect to the inputs at positions `wrt`, ready for many tangents at one point: its
/// [`jvp()`], split. Residuals hold at most [`RESIDUAL_BUDGET_BYTES`]. Of the gradient's graph, this is the
/// Hessian-vector product; [`Linearised::hvp`] leaves out the tangents of the other outputs.
///
/// # Panics
/// As [`jvp()`].
#[must_use]
#[track_caller]
pub fn linearise(graph: &Graph, wrt: &[usize]) -> Linearised {
    Linearised::jvp(graph, wrt, RESIDUAL_BUDGET_BYTES)
}

fn vals_of_inputs(graph: &Graph, positions: &[usize]) -> Vec<Val> {
    positions.iter().map(|&position| graph.inputs()[position].val).collect()
}

fn vals_of_outputs(graph: &Graph, positions: &[usize]) -> Vec<Val> {
    positions.iter().map(|&position| graph.outputs()[position].val).collect()
}
