//! Graphs given on the command line, and arguments to run them on.

use std::{fs, path::PathBuf};

use bench::Machine;
use clap::ArgGroup;
use isoloss::{
    Cpu,
    graph::{Argument, Executor, Graph, Input, Role, Ty},
    models::{self, Init, Mode, Model, Params},
    tensor::{DType, Key, Tensor},
    transform::{self, Linearised, RESIDUAL_BUDGET_BYTES},
};

use crate::{
    failure::{CliError, Failure},
    footprint::Footprint,
};

/// Integers of graphs from files are drawn below this. Ours: small enough to be indices of most axes.
const INTEGERS_BELOW: u64 = 8;

/// Which graph is looked at.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Graph", group(ArgGroup::new("source").required(true)))]
pub(crate) struct GraphFlags {
    /// Architecture, of which the objective is taken: the mean cross-entropy in training, or what an ONNX file of a loss returns
    #[arg(long = "model", id = "spec", value_name = "SPEC", group = "source")]
    spec: Option<String>,
    /// A file with the text form of a graph, as `isoloss dump` prints it, instead of --model
    #[arg(long = "graph", id = "file", value_name = "FILE", group = "source")]
    file: Option<PathBuf>,
    /// Examples in the batch of --model
    #[arg(long, value_name = "N", default_value_t = 2, conflicts_with = "file", value_parser = clap::value_parser!(u32).range(1..=1 << 20))]
    batch: u32,
    /// Numbers of --model: f32 or f64
    #[arg(long, value_name = "TYPE", default_value = "f32", conflicts_with = "file", value_parser = ["f32", "f64"])]
    dtype: String,
    /// Take the gradient of the first output with respect to all parameters
    #[arg(long, group = "derivative")]
    grad: bool,
    /// Take the Hessian-vector product, with the gradient that it contains
    #[arg(long, group = "derivative")]
    hvp: bool,
    /// Take of the Hessian-vector product what runs for each vector once the point is fixed
    #[arg(long, group = "derivative")]
    linear: bool,
    /// Take --linear for this many vectors in one pass
    #[arg(long, value_name = "N", default_value_t = 1, requires = "linear", value_parser = clap::value_parser!(u32).range(1..=1 << 10))]
    vectors: u32,
}

/// A graph, and what is needed to run it.
pub(crate) struct Problem {
    /// What it is, for people.
    pub(crate) title: String,
    /// The graph.
    pub(crate) graph: Graph,
    source: Source,
    /// Of a linear half, where its residuals come from.
    linearised: Option<Linearised>,
}

/// Where the objective comes from.
enum Source {
    Model(Model),
    File,
}

impl GraphFlags {
    /// Builds the graph, or reads it.
    pub(crate) fn problem(&self) -> Result<Problem, Failure> {
        let (title, objective, source) = self.objective()?;
        if !(self.grad || self.hvp || self.linear) {
            return Ok(Problem { title, graph: objective, source, linearised: None });
        }
        let wrt = differentiable(&objective)?;
        let linearised = self.linear.then(|| self.halves(&objective, &wrt));
        let (what, graph) = match &linearised {
            Some(halves) => ("linear half of the Hessian-vector product", halves.linear.clone()),
            None if self.hvp => ("Hessian-vector product", transform::hvp(&objective, 0, &wrt)),
            None => ("gradient", transform::grad(&objective, 0, &wrt)),
        };
        Ok(Problem { title: format!("{title}: {what}"), graph, source, linearised })
    }

    fn halves(&self, objective: &Graph, wrt: &[usize]) -> Linearised {
        let halves = Linearised::hvp(objective, 0, wrt, RESIDUAL_BUDGET_BYTES);
        if self.vectors == 1 { halves } else { halves.batched(self.vectors as usize) }
    }

    fn objective(&self) -> Result<(String, Graph, Source), Failure> {
        if let Some(path) = &self.file {
            let text = fs::read_to_string(path)
                .map_err(|source| CliError::ReadGraph { path: path.clone(), source })?;
            let graph =
                Graph::parse(&text).map_err(|source| CliError::ParseGraph { path: path.clone(), source })?;
            return Ok((path.display().to_string(), graph, Source::File));
        }
        let Some(spec) = &self.spec else { unreachable!("clap asks for one of the two") };
        let model = Model::parse(spec)?;
        let dtype = if self.dtype == "f64" { DType::F64 } else { DType::F32 };
        let graph = model.objective_in(Mode::Training, self.batch as usize, dtype, model.loss());
        Ok((format!("{model}, batch {}, {dtype}", self.batch), graph, Source::Model(model)))
    }
}

/// The inputs to differentiate by: the parameters, or all floating-point inputs where none is called a parameter.
fn differentiable(objective: &Graph) -> Result<Vec<usize>, CliError> {
    let graph = objective.name().to_owned();
    let first = objective.outputs().first().map(|output| objective.ty(output.val));
    if !first.is_some_and(|ty| ty.shape.rank() == 0 && ty.dtype.is_float()) {
        let found = first.map_or_else(|| "none".to_owned(), Ty::to_string);
        return Err(CliError::NoObjective { graph, found });
    }
    let is_float = |&position: &usize| objective.ty(objective.inputs()[position].val).dtype.is_float();
    let parameters: Vec<usize> = objective.inputs_with(Role::Parameter).filter(is_float).collect();
    let wrt = if parameters.is_empty() {
        (0..objective.inputs().len()).filter(is_float).collect()
    } else {
        parameters
    };
    if wrt.is_empty() { Err(CliError::NothingToDifferentiate { graph }) } else { Ok(wrt) }
}

impl Problem {
    /// Arguments for the graph, drawn from the key: a model's parameters and buffers as training starts with them, standard normal
    /// numbers for examples and directions, and tokens and labels among the classes. A linear half gets the residuals of such a
    /// point.
    pub(crate) fn arguments(&self, executor: &dyn Executor, key: Key) -> Result<Vec<Tensor>, Failure> {
        let Some(halves) = &self.linearised else {
            check_memory(&self.graph)?;
            let draw = Draw::new(&self.source, key);
            return Ok(self.graph.inputs().iter().map(|input| draw.input(&self.graph, input)).collect());
        };
        let (point, directions) = self.point(halves, key)?;
        let point_arguments = point.iter().map(Argument::Borrowed).collect();
        let results = executor.compile(&halves.primal, &[])?.run(point_arguments)?;
        let kept = halves.kept.iter().map(|&position| point[position].clone());
        let residuals = halves.residuals.iter().map(|&position| results[position].clone());
        Ok(kept.chain(residuals).chain(directions).collect())
    }

    /// Measures the memory of two runs.
    pub(crate) fn footprint(&self, executor: &Cpu, key: Key) -> Result<Footprint, Failure> {
        let Some(halves) = &self.linearised else {
            let arguments = self.arguments(executor, key)?;
            return Ok(Footprint::of_graph(executor, &self.graph, &arguments)?);
        };
        let (point, directions) = self.point(halves, key)?;
        Ok(Footprint::of_halves(executor, halves.clone(), &point, &directions)?)
    }

    /// A point for the primal half, and a direction for the linear one.
    fn point(&self, halves: &Linearised, key: Key) -> Result<(Vec<Tensor>, Vec<Tensor>), CliError> {
        check_memory(&halves.primal)?;
        check_memory(&halves.linear)?;
        let draw = Draw::new(&self.source, key);
        let inputs = |graph: &Graph, positions: std::ops::Range<usize>| {
            graph.inputs()[positions].iter().map(|input| draw.input(graph, input)).collect()
        };
        let point = inputs(&halves.primal, 0..halves.primal.inputs().len());
        Ok((point, inputs(&halves.linear, halves.tangents())))
    }
}

/// Refuses arguments that the machine cannot hold, before anything is allocated.
fn check_memory(graph: &Graph) -> Result<(), CliError> {
    let sizes = graph.inputs().iter().map(|input| graph.ty(input.val).size_bytes() as f64);
    let (graph, bytes) = (graph.name().to_owned(), sizes.sum());
    match Machine::here().memory_bytes {
        Some(memory) if bytes > memory as f64 => Err(CliError::Arguments { graph, bytes, memory }),
        _ => Ok(()),
    }
}

/// Draws arguments.
struct Draw {
    params: Params,
    /// A bound for tokens.
    tokens: u64,
    /// A bound for other integers.
    below: u64,
    key: Key,
}

impl Draw {
    fn new(source: &Source, key: Key) -> Self {
        match source {
            Source::Model(model) => Self {
                params: model.init(Init::PyTorch, key.child("parameters")),
                tokens: match model.input() {
                    models::Input::Tokens { vocabulary, .. } => vocabulary as u64,
                    _ => INTEGERS_BELOW,
                },
                // Where a network does not tell its classes, there are two at least.
                below: model.classes().unwrap_or(2) as u64,
                key,
            },
            Source::File => {
                Self { params: Params::default(), tokens: INTEGERS_BELOW, below: INTEGERS_BELOW, key }
            }
        }
    }

    fn input(&self, graph: &Graph, input: &Input) -> Tensor {
        let ty = graph.ty(input.val);
        if let Some(parameter) = self.params.get(&input.name).filter(|tensor| *tensor.shape() == ty.shape) {
            return parameter.convert(ty.dtype);
        }
        let key = self.key.child(&input.name);
        let below = if input.name == "x" { self.tokens } else { self.below };
        match ty.dtype {
            DType::F32 => Tensor::from_fn(ty.shape.clone(), |i| key.normal(i as u64) as f32),
            DType::F64 => Tensor::from_fn(ty.shape.clone(), |i| key.normal(i as u64)),
            DType::I32 => Tensor::from_fn(ty.shape.clone(), |i| key.below(i as u64, below) as i32),
            DType::Bool => Tensor::from_fn(ty.shape.clone(), |i| key.below(i as u64, 2) == 1),
        }
    }
}
