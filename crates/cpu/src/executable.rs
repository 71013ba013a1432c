//! A compiled graph, and its runs.

use std::sync::Arc;

use graph::{Argument, Donation, ExecError, Executable, Graph, Val, check_arguments};
use tensor::{Buffer, DType, Shape, Tensor};

use crate::{
    conv_step::Sum,
    cost::{Cost, cost},
    fuse::{Group, fuse},
    isa::Isa,
    layout::{Layout, Place, grid, lay_out},
    loops::{Context, build},
    lower::lower,
    memory::{Arena, Memory, Region, zero_buffer},
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
enum ResultPlace {
    /// The argument at this position.
    Argument(usize),
    /// A new tensor.
    New(DType, Shape),
}

/// A graph made ready to run.
#[derive(Debug)]
pub(crate) struct Compiled {
    graph: Graph,
    isa: Isa,
    /// Whether each input is donated.
    donated: Vec<bool>,
    results: Vec<ResultPlace>,
    /// The place of each buffer and its size in bytes.
    places: Vec<(Place, usize)>,
    constants: Vec<Option<Arc<Tensor>>>,
    steps: Vec<Step>,
    costs: Vec<StepCost>,
    arena: Arena,
}

impl Compiled {
    pub(crate) fn new(graph: &Graph, donations: &[Donation], options: Options) -> Result<Self, ExecError> {
        let mut nodes = lower(graph, donations, options.isa)?;
        let groups = fuse(&nodes, options.fusing);
        let schedule = schedule(&mut nodes, groups, donations);
        let too_large = || ExecError::Memory { graph: graph.name().to_owned(), bytes: usize::MAX };
        let layout = lay_out(&mut nodes, &schedule).ok_or_else(too_large)?;
        let stored: Vec<bool> = layout.places.iter().map(|place| *place != Place::Registers).collect();
        let groups = || schedule.steps.iter().enumerate();
        let steps: Vec<Step> =
            groups().map(|(step, group)| make_step(&nodes, &layout, &stored, step, group)).collect();
        let costs = groups().map(|(step, group)| step_cost(&nodes, &stored, &steps[step], group)).collect();
        let arena = Arena::new(graph.name(), layout.bytes)?;
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
            arena,
        })
    }

    /// The steps in order.
    #[cfg(test)]
    pub(crate) fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// What each step does and costs.
    pub(crate) fn costs(&self) -> Vec<StepCost> {
        self.costs.clone()
    }

    fn run_steps(&mut self, arguments: &mut [Held<'_>], results: &mut [Buffer], watch: Watch<'_>) {
        let arguments: Vec<Region<'_>> = arguments.iter_mut().map(Held::region).collect();
        let results: Vec<Region<'_>> = results.iter_mut().map(Region::exclusive).collect();
        let arena = self.arena.region();
        let nowhere = arena.part(0, 0);
        let regions =
            self.places.iter().zip(&self.constants).map(|(&(place, bytes), constant)| match place {
                Place::Registers => nowhere,
                Place::Constant => {
                    constant.as_ref().map_or(nowhere, |tensor| Region::shared(tensor.buffer()))
                }
                Place::Argument(position) => arguments[position],
                Place::Output(position) => results[position],
                Place::Arena(offset) => arena.part(offset, bytes),
            });
        let memory = Memory::new(regions.collect());
        // On a thread of the pool from the start: each parallel step would otherwise have to get there and back.
        rayon::scope(|_| {
            for (position, step) in self.steps.iter().enumerate() {
                watch(position, &mut || step.run(&memory, self.isa));
            }
        });
    }

    fn new_results(&self) -> Result<Vec<Buffer>, ExecError> {
        let buffer = |place: &ResultPlace| match place {
            ResultPlace::Argument(_) => Ok(Buffer::I32(Vec::new())),
            ResultPlace::New(dtype, shape) => {
                zero_buffer(*dtype, shape.elements()).ok_or_else(|| ExecError::Memory {
                    graph: self.graph.name().to_owned(),
                    bytes: shape.elements() * dtype.size_bytes(),
                })
            }
        };
        self.results.iter().map(buffer).collect()
    }
}

/// Is called with the position of each step and with what runs it.
pub(crate) type Watch<'a> = &'a mut (dyn FnMut(usize, &mut dyn FnMut()) + Send);

impl Compiled {
    /// As [`Executable::run`], each step under the eyes of `watch`.
    pub(crate) fn run_watched(
        &mut self,
        arguments: Vec<Argument<'_>>,
        watch: Watch<'_>,
    ) -> Result<Vec<Tensor>, ExecError> {
        check_arguments(&self.graph, &arguments)?;
        let mut results = self.new_results()?;
        let arguments = arguments.into_iter().zip(&self.donated);
        let mut arguments: Vec<Held<'_>> =
            arguments.map(|(argument, &donated)| Held::new(argument, donated)).collect();
        self.run_steps(&mut arguments, &mut results, watch);
        let tensors = self.results.iter().zip(results).map(|(place, buffer)| match place {
            ResultPlace::Argument(input) => arguments[*input].take(),
            ResultPlace::New(_, shape) => {
                Tensor::from_buffer(shape.clone(), buffer).expect("results were allocated for their shapes")
            }
        });
        Ok(tensors.collect())
    }
}

impl Executable for Compiled {
    fn run(&mut self, arguments: Vec<Argument<'_>>) -> Result<Vec<Tensor>, ExecError> {
        self.run_watched(arguments, &mut |_, step| step())
    }

    fn workspace_bytes(&self) -> usize {
        self.arena.bytes()
    }

    fn result_bytes(&self) -> usize {
        let bytes = |place: &ResultPlace| match place {
            ResultPlace::Argument(_) => 0,
            ResultPlace::New(dtype, shape) => shape.elements() * dtype.size_bytes(),
        };
        self.results.iter().map(bytes).sum()
    }
}

/// An argument during a run.
enum Held<'a> {
    Borrowed(&'a Tensor),
    Owned(Tensor),
}

impl<'a> Held<'a> {
    /// A borrowed argument in the place of a donated one is copied.
    fn new(argument: Argument<'a>, donated: bool) -> Self {
        match argument {
            Argument::Borrowed(tensor) if donated => Self::Owned(tensor.clone()),
            Argument::Borrowed(tensor) => Self::Borrowed(tensor),
            Argument::Donated(tensor) => Self::Owned(tensor),
        }
    }

    fn region(&mut self) -> Region<'_> {
        match self {
            Self::Borrowed(tensor) => Region::shared(tensor.buffer()),
            Self::Owned(tensor) => Region::exclusive(tensor.buffer_mut()),
        }
    }

    /// The tensor; each donated argument is one result only.
    fn take(&mut self) -> Tensor {
        match self {
            Self::Borrowed(tensor) => tensor.clone(),
            Self::Owned(tensor) => std::mem::replace(tensor, Tensor::zeros(DType::Bool, [0])),
        }
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
                lhs: whole(first.operands[0].buffer),
                rhs: whole(first.operands[1].buffer),
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
