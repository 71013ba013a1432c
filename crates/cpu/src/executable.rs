//! A compiled graph with its working memory, and its runs.

use std::sync::Arc;

use graph::{Argument, ExecError, Executable, check_arguments};
use tensor::{Buffer, DType, Tensor};

use crate::{
    layout::Place,
    memory::{Arena, Memory, Region, zero_buffer},
    profile::StepCost,
    program::{Program, ResultPlace},
};

/// A graph made ready to run.
#[derive(Debug)]
pub(crate) struct Compiled {
    program: Arc<Program>,
    arena: Arena,
}

impl Compiled {
    /// The program with memory of its own.
    ///
    /// # Errors
    /// [`ExecError::Memory`] where the memory cannot be had.
    pub(crate) fn new(program: Arc<Program>) -> Result<Self, ExecError> {
        let arena = Arena::new(program.graph.name(), program.arena_bytes)?;
        Ok(Self { program, arena })
    }

    /// The steps in order.
    #[cfg(test)]
    pub(crate) fn steps(&self) -> &[crate::step::Step] {
        &self.program.steps
    }

    /// What each step does and costs.
    pub(crate) fn costs(&self) -> Vec<StepCost> {
        self.program.costs.clone()
    }

    fn run_steps(&mut self, arguments: &mut [Held<'_>], results: &mut [Buffer], watch: Watch<'_>) {
        let arguments: Vec<Region<'_>> = arguments.iter_mut().map(Held::region).collect();
        let results: Vec<Region<'_>> = results.iter_mut().map(Region::exclusive).collect();
        let arena = self.arena.region();
        let nowhere = arena.part(0, 0);
        let regions =
            self.program.places.iter().zip(&self.program.constants).map(|(&(place, bytes), constant)| {
                match place {
                    Place::Registers => nowhere,
                    Place::Constant => {
                        constant.as_ref().map_or(nowhere, |tensor| Region::shared(tensor.buffer()))
                    }
                    Place::Argument(position) => arguments[position],
                    Place::Output(position) => results[position],
                    Place::Arena(offset) => arena.part(offset, bytes),
                }
            });
        let memory = Memory::new(regions.collect());
        let program = &self.program;
        let mut run = || {
            for (position, step) in program.steps.iter().enumerate() {
                watch(position, &mut || step.run(&memory, program.isa));
            }
        };
        if program.wants_threads {
            // On a thread of the pool from the start: each parallel step would otherwise have to get there and back.
            rayon::scope(|_| run());
        } else {
            run();
        }
    }

    fn new_results(&self) -> Result<Vec<Buffer>, ExecError> {
        let buffer = |place: &ResultPlace| match place {
            ResultPlace::Argument(_) => Ok(Buffer::I32(Vec::new())),
            ResultPlace::New(dtype, shape) => {
                zero_buffer(*dtype, shape.elements()).ok_or_else(|| ExecError::Memory {
                    graph: self.program.graph.name().to_owned(),
                    bytes: shape.elements() * dtype.size_bytes(),
                })
            }
        };
        self.program.results.iter().map(buffer).collect()
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
        check_arguments(&self.program.graph, &arguments)?;
        let mut results = self.new_results()?;
        let arguments = arguments.into_iter().zip(&self.program.donated);
        let mut arguments: Vec<Held<'_>> =
            arguments.map(|(argument, &donated)| Held::new(argument, donated)).collect();
        self.run_steps(&mut arguments, &mut results, watch);
        let tensors = self.program.results.iter().zip(results).map(|(place, buffer)| match place {
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
        self.program.results.iter().map(bytes).sum()
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
