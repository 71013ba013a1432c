//! The contract between graphs and what runs them.

use std::{any::Any, borrow::Cow, fmt};

use tensor::Tensor;

use crate::{Graph, Ty};

/// Something that runs graphs: the reference evaluator, the CPU executor, an accelerator.
pub trait Executor: Send + Sync {
    /// The executor's name, as shown to people.
    fn name(&self) -> String;

    /// Prepares a graph for repeated runs. Each donation lets an output take over the memory of an input.
    ///
    /// # Errors
    /// Where the graph needs more memory than can be addressed, or a donation pairs different types or repeats an input or
    /// output.
    fn compile(&self, graph: &Graph, donations: &[Donation]) -> Result<Box<dyn Executable>, ExecError>;

    /// Whether it computes in other memory than the program's own. The default: no.
    fn is_remote(&self) -> bool {
        false
    }

    /// Executors of further devices, which take their part of work that can be shared: of training steps, products and
    /// scores (see [`team`]). All other work is this one's alone. The default: none.
    fn companions(&self) -> &[Box<dyn Executor>] {
        &[]
    }
}

/// Those who share work: the executor itself, then its companions in their order.
#[must_use]
pub fn team(executor: &dyn Executor) -> Vec<&dyn Executor> {
    std::iter::once(executor).chain(executor.companions().iter().map(|companion| &**companion)).collect()
}

/// A graph prepared to run.
pub trait Executable: Send {
    /// Runs the graph once; one argument for each input in order, one result for each output in order.
    ///
    /// An argument passed as [`Argument::Donated`] for an input that was donated at compilation is updated in
    /// place and comes back as the matching output; a borrowed argument there is copied first.
    ///
    /// # Errors
    /// Where the number or the types of the arguments are not those of the inputs.
    fn run(&mut self, arguments: Vec<Argument<'_>>) -> Result<Vec<Tensor>, ExecError>;

    /// Runs the graph once, as [`Executable::run`] does, with arguments and results where the executor computes: what a
    /// run returns and the next takes does not travel. The default is for executors that compute in the program's own
    /// memory.
    ///
    /// # Errors
    /// As for [`Executable::run`], and where a value of another executor cannot be read.
    fn run_placed(&mut self, arguments: Vec<Placed<'_>>) -> Result<Vec<Value>, ExecError> {
        let arguments = arguments.into_iter().map(Placed::into_argument).collect::<Result<_, _>>()?;
        Ok(self.run(arguments)?.into_iter().map(Value::Host).collect())
    }

    /// The tensor for run after run of this graph: as it is, or a copy where the executor computes. The default is for
    /// executors that compute in the program's own memory.
    ///
    /// # Errors
    /// Where the executor has no memory for it.
    fn hold<'a>(&self, tensor: &'a Tensor) -> Result<Held<'a>, ExecError> {
        Ok(Held::Tensor(tensor))
    }

    /// Bytes of working memory that a run uses beyond its arguments and results.
    fn workspace_bytes(&self) -> usize;

    /// Bytes of the new tensors that a run returns: all results but those in the memory of donated arguments.
    fn result_bytes(&self) -> usize;
}

/// An argument of a run.
#[derive(Debug)]
pub enum Argument<'a> {
    /// A tensor that stays as it is.
    Borrowed(&'a Tensor),
    /// A tensor given away, whose memory may become a result's.
    Donated(Tensor),
}

impl Argument<'_> {
    /// The tensor.
    #[must_use]
    pub const fn tensor(&self) -> &Tensor {
        match self {
            Self::Borrowed(tensor) => tensor,
            Self::Donated(tensor) => tensor,
        }
    }
}

impl<'a> From<&'a Tensor> for Argument<'a> {
    fn from(tensor: &'a Tensor) -> Self {
        Self::Borrowed(tensor)
    }
}

/// A tensor in memory that an executor alone can reach, as that of an accelerator.
pub trait Resident: fmt::Debug + Send + Sync {
    /// Its type.
    fn ty(&self) -> &Ty;

    /// A copy of it. Waits until it has been computed.
    ///
    /// # Errors
    /// Where its computation has failed, or the memory cannot be read.
    fn read(&self) -> Result<Tensor, ExecError>;

    /// Itself, for the executor to recognise its own.
    fn as_any(&self) -> &dyn Any;
}

/// A tensor, wherever it is.
#[derive(Debug)]
pub enum Value {
    /// In the program's own memory.
    Host(Tensor),
    /// Where an executor computes.
    Resident(Box<dyn Resident>),
}

impl Value {
    /// Its type.
    #[must_use]
    pub fn ty(&self) -> Ty {
        match self {
            Self::Host(tensor) => Ty::of(tensor),
            Self::Resident(resident) => resident.ty().clone(),
        }
    }

    /// The tensor, copied where it is elsewhere.
    ///
    /// # Errors
    /// Where it cannot be read, see [`Resident::read`].
    pub fn tensor(&self) -> Result<Cow<'_, Tensor>, ExecError> {
        match self {
            Self::Host(tensor) => Ok(Cow::Borrowed(tensor)),
            Self::Resident(resident) => resident.read().map(Cow::Owned),
        }
    }

    /// The tensor itself, copied where it is elsewhere.
    ///
    /// # Errors
    /// Where it cannot be read, see [`Resident::read`].
    pub fn into_tensor(self) -> Result<Tensor, ExecError> {
        match self {
            Self::Host(tensor) => Ok(tensor),
            Self::Resident(resident) => resident.read(),
        }
    }
}

/// An argument that stays the same from run to run.
#[derive(Debug)]
pub enum Held<'a> {
    /// In the program's own memory.
    Tensor(&'a Tensor),
    /// Where an executor computes.
    Value(Value),
}

impl Held<'_> {
    /// The argument of one run.
    #[must_use]
    pub const fn placed(&self) -> Placed<'_> {
        match self {
            Self::Tensor(tensor) => Placed::Tensor(tensor),
            Self::Value(value) => Placed::Borrowed(value),
        }
    }
}

/// An argument of [`Executable::run_placed`].
#[derive(Debug)]
pub enum Placed<'a> {
    /// A tensor that stays as it is, such as a batch of examples.
    Tensor(&'a Tensor),
    /// A value that stays as it is.
    Borrowed(&'a Value),
    /// A value given away, whose memory may become a result's.
    Donated(Value),
}

impl<'a> Placed<'a> {
    /// The same argument once more, without giving it away.
    #[must_use]
    pub const fn borrowed(&self) -> Placed<'_> {
        match self {
            Self::Tensor(tensor) => Placed::Tensor(tensor),
            Self::Borrowed(value) => Placed::Borrowed(value),
            Self::Donated(value) => Placed::Borrowed(value),
        }
    }

    /// Its type.
    #[must_use]
    pub fn ty(&self) -> Ty {
        match self {
            Self::Tensor(tensor) => Ty::of(tensor),
            Self::Borrowed(value) => value.ty(),
            Self::Donated(value) => value.ty(),
        }
    }

    /// The argument of a run in the program's own memory.
    ///
    /// # Errors
    /// Where a value that is elsewhere cannot be read.
    pub fn into_argument(self) -> Result<Argument<'a>, ExecError> {
        Ok(match self {
            Self::Tensor(tensor) | Self::Borrowed(Value::Host(tensor)) => Argument::Borrowed(tensor),
            Self::Borrowed(Value::Resident(resident)) => Argument::Donated(resident.read()?),
            Self::Donated(value) => Argument::Donated(value.into_tensor()?),
        })
    }
}

/// Output `output` may be computed in the memory of input `input`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Donation {
    /// The position of the input.
    pub input: usize,
    /// The position of the output.
    pub output: usize,
}

impl Donation {
    /// Of each of the first `count` inputs to the output at the same position.
    #[must_use]
    pub fn in_order(count: usize) -> Vec<Self> {
        (0..count).map(|position| Self { input: position, output: position }).collect()
    }
}

/// Why a graph could not be compiled or run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExecError {
    /// The number of arguments is not the number of inputs.
    #[error("graph '{graph}' takes {expected} arguments, {found} were given")]
    ArgumentCount {
        /// The graph's name.
        graph: String,
        /// The number of its inputs.
        expected: usize,
        /// The number of arguments.
        found: usize,
    },
    /// An argument has another type than its input.
    #[error("graph '{graph}', input '{input}': expected {expected}, found {found}")]
    ArgumentType {
        /// The graph's name.
        graph: String,
        /// The input's name.
        input: String,
        /// The input's type.
        expected: Ty,
        /// The argument's type.
        found: Ty,
    },
    /// A donation pairs an input and an output of different types, repeats one, or names one that is not there.
    #[error("graph '{graph}': input {input} cannot be donated to output {output}: {reason}")]
    Donation {
        /// The graph's name.
        graph: String,
        /// The input's position.
        input: usize,
        /// The output's position.
        output: usize,
        /// What is wrong.
        reason: &'static str,
    },
    /// A value has NaN or infinity although all its operands are finite, and the executor was asked to check.
    #[error(
        "graph '{graph}': value {value}, a result of '{op}', has NaN or infinity, its operands have none"
    )]
    NotFinite {
        /// The graph's name.
        graph: String,
        /// The value, as the text form names it.
        value: String,
        /// The primitive.
        op: String,
    },
    /// A device, or what drives it, has failed.
    #[error("{action} on {device}: {problem}")]
    Device {
        /// What was done, as `running graph 'training_step'`.
        action: String,
        /// The executor's name.
        device: String,
        /// What it says.
        problem: String,
    },
    /// The memory a run needs cannot be had.
    #[error("graph '{graph}' needs {bytes} bytes of working memory, more than can be had")]
    Memory {
        /// The graph's name.
        graph: String,
        /// The number of bytes.
        bytes: usize,
    },
}

/// Checks arguments against a graph's inputs; executors call it first.
///
/// # Errors
/// Where the number or the types differ.
pub fn check_arguments(graph: &Graph, arguments: &[Argument<'_>]) -> Result<(), ExecError> {
    check_types(graph, arguments.iter().map(|argument| Ty::of(argument.tensor())))
}

/// Checks the types of arguments against those of a graph's inputs.
///
/// # Errors
/// Where the number or the types differ.
pub fn check_types(graph: &Graph, types: impl ExactSizeIterator<Item = Ty>) -> Result<(), ExecError> {
    if types.len() != graph.inputs().len() {
        let (expected, found) = (graph.inputs().len(), types.len());
        return Err(ExecError::ArgumentCount { graph: graph.name().to_owned(), expected, found });
    }
    for (input, found) in graph.inputs().iter().zip(types) {
        let expected = graph.ty(input.val);
        if *expected != found {
            return Err(ExecError::ArgumentType {
                graph: graph.name().to_owned(),
                input: input.name.clone(),
                expected: expected.clone(),
                found,
            });
        }
    }
    Ok(())
}

/// Checks donations against a graph; executors call it when compiling.
///
/// # Errors
/// Where one names an input or output that is not there, pairs different types, or repeats one.
pub fn check_donations(graph: &Graph, donations: &[Donation]) -> Result<(), ExecError> {
    for (position, donation) in donations.iter().enumerate() {
        if let Some(reason) = donation_fault(graph, *donation, &donations[..position]) {
            let Donation { input, output } = *donation;
            return Err(ExecError::Donation { graph: graph.name().to_owned(), input, output, reason });
        }
    }
    Ok(())
}

fn donation_fault(graph: &Graph, donation: Donation, earlier: &[Donation]) -> Option<&'static str> {
    let (Some(input), Some(output)) =
        (graph.inputs().get(donation.input), graph.outputs().get(donation.output))
    else {
        return Some("there is no such input or output");
    };
    if graph.ty(input.val) != graph.ty(output.val) {
        return Some("their types differ");
    }
    let repeated =
        earlier.iter().any(|other| other.input == donation.input || other.output == donation.output);
    repeated.then_some("one of them is donated twice")
}
