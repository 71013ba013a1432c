//! What is compiled once for a graph and shared by all that run it.

use std::sync::Arc;

use graph::{Donation, ExecError, Graph, Val};
use tensor::{DType, Shape, Tensor};

use crate::{
    conv_step::Sum,
    cost::{Cost, cost},
    fuse::{Group, fuse},
    isa::Isa,
    layout::{Layout, Place, grid, lay_out},
    loops::{Context, build},
    lower::lower,
    node::{Kind, Nodes, Origin},
    profile::StepCost,
    schedule::schedule,
    step::{Step, Whole},
};

/// How graphs are compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// Whether elementwise operations share loops.
    pub(crate) fusing: bool,
    pub(crate) isa: Isa,
}

/// Where a result comes from.
#[derive(Clone, Debug)]
pub(crate) enum ResultPlace {
    /// The argument at this position.
    Argument(usize),
    /// A new tensor.
    New(DType, Shape),
}

/// Steps, and where in memory they work.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) graph: Graph,
    pub(crate) isa: Isa,
    /// Whether each input is donated.
    pub(crate) donated: Vec<bool>,
    pub(crate) results: Vec<ResultPlace>,
    /// The place of each buffer and its size in bytes.
    pub(crate) places: Vec<(Place, usize)>,
    pub(crate) constants: Vec<Option<Arc<Tensor>>>,
    pub(crate) steps: Vec<Step>,
    pub(crate) costs: Vec<StepCost>,
    /// Whether any step has work for several threads.
    pub(crate) wants_threads: bool,
    pub(crate) arena_bytes: usize,
}

impl Program {
    pub(crate) fn new(graph: &Graph, donations: &[Donation], options: Options) -> Result<Self, ExecError> {
        let mut nodes = lower(graph, donations, options.isa)?;
        let groups = fuse(&mut nodes, options.fusing);
        let schedule = schedule(&mut nodes, groups, donations);
        let too_large = || ExecError::Memory { graph: graph.name().to_owned(), bytes: usize::MAX };
        let layout = lay_out(&mut nodes, &schedule).ok_or_else(too_large)?;
        let stored: Vec<bool> = layout.places.iter().map(|place| *place != Place::Registers).collect();
        let groups = || schedule.steps.iter().enumerate();
        let steps: Vec<Step> =
            groups().map(|(step, group)| make_step(&nodes, &layout, &stored, step, group)).collect();
        let costs = groups().map(|(step, group)| step_cost(&nodes, &stored, &steps[step], group)).collect();
        let wants_threads = steps.iter().zip(&costs).any(|(step, cost)| step.wants_threads(cost));
        let result = |(position, buffer): (usize, &crate::node::BufferId)| match layout.places[buffer.0] {
            Place::Argument(input) => ResultPlace::Argument(input),
            _ => {
                let ty = graph.ty(graph.outputs()[position].val);
                ResultPlace::New(ty.dtype, ty.shape.clone())
            }
        };
        let constant = |origin: &Origin| match origin {
            Origin::Constant(tensor) => Some(Arc::clone(tensor)),
            _ => None,
        };
        let is_donated = |input| donations.iter().any(|donation| donation.input == input);
        Ok(Self {
            graph: graph.clone(),
            isa: options.isa,
            donated: (0..graph.inputs().len()).map(is_donated).collect(),
            results: nodes.outputs.iter().enumerate().map(result).collect(),
            places: layout
                .places
                .iter()
                .zip(&nodes.buffers)
                .map(|(&place, spec)| (place, spec.bytes()))
                .collect(),
            constants: nodes.buffers.iter().map(|spec| constant(&spec.origin)).collect(),
            steps,
            costs,
            wants_threads,
            arena_bytes: layout.bytes,
        })
    }
}

fn step_cost(nodes: &Nodes, stored: &[bool], step: &Step, group: &Group) -> StepCost {
    let Cost { operations, bytes } = cost(nodes, group, stored);
    let mut values: Vec<Val> = group.members.iter().map(|&member| nodes.nodes[member].val).collect();
    values.sort_unstable();
    values.dedup();
    StepCost { what: step.describe(), values, operations, bytes }
}

fn make_step(nodes: &Nodes, layout: &Layout, stored: &[bool], step: usize, group: &Group) -> Step {
    let whole = |buffer| Whole { buffer, elements: nodes.buffer(buffer).elements };
    let first = &nodes.nodes[group.members[0]];
    match &first.kind {
        Kind::Product(product) => {
            return Step::Product {
                product: product.clone(),
                dtype: nodes.buffer(first.result).dtype,
                operands: first.operands.iter().map(|view| whole(view.buffer)).collect(),
                result: whole(first.result),
            };
        }
        Kind::Convolution(plan) => return Step::Convolution(Sum::new(plan, nodes, first, layout)),
        Kind::Kernel(kernel) => {
            return Step::Kernel {
                kernel: kernel.clone(),
                dtype: nodes.buffer(first.operands[0].buffer).dtype,
                operands: first.operands.iter().map(|view| whole(view.buffer)).collect(),
                result: whole(first.result),
            };
        }
        Kind::Gather(lookup) | Kind::ScatterAdd(lookup) => {
            return Step::Lookup {
                lookup: *lookup,
                adds: matches!(first.kind, Kind::ScatterAdd(_)),
                dtype: nodes.buffer(first.result).dtype,
                operand: whole(first.operands[0].buffer),
                indices: whole(first.operands[1].buffer),
                result: whole(first.result),
            };
        }
        Kind::Map(_) | Kind::Join(_) | Kind::Fold { .. } => {}
    }
    let context =
        Context { nodes, stored, partials: &layout.partials, overwritten: &layout.overwritten[step] };
    Step::Loop(build(context, &group.members, grid(nodes, group)))
}
