//! What can be wrong with a group, an element, or parameters that a group is to act on.

use std::path::PathBuf;

use evaluate::EvaluateError;
use graph::{ExecError, Ty};
use models::weights::WeightsError;
use tensor::{DType, Fingerprint, Shape};

use crate::assignment::AssignmentError;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SymmetryError {
    /// A generator does not describe permutations of parameter axes.
    #[error("generator '{generator}' on '{parameter}' axis {axis}: expected {expected}, found {found}")]
    Generator {
        /// The generator's name.
        generator: String,
        /// The parameter it acts on.
        parameter: String,
        /// The axis it acts on.
        axis: usize,
        /// What a generator must have there.
        expected: &'static str,
        /// What it has.
        found: String,
    },
    /// An element belongs to another group.
    #[error(
        "an element of group {found} was given to group {expected}; was the architecture changed since it was saved?"
    )]
    OtherGroup {
        /// The group that was asked.
        expected: Fingerprint,
        /// The group that the element names.
        found: Fingerprint,
    },
    /// An element names its group but is not one of it.
    #[error("element of group {group}: expected {expected} permutations, found {found}")]
    PermutationCount {
        /// The group.
        group: Fingerprint,
        /// The number of generators.
        expected: usize,
        /// The number of permutations.
        found: usize,
    },
    /// A generator's part of an element is not a permutation of its slots.
    #[error("element, generator '{generator}': expected a permutation of 0..{size}, found {found}")]
    NotAPermutation {
        /// The generator's name.
        generator: String,
        /// The number of slots.
        size: usize,
        /// The first fault.
        found: String,
    },
    /// A generator's part of an element has factors that its slots cannot have.
    #[error("element, generator '{generator}': the factors do not fit: {found}")]
    Factors {
        /// The generator's name.
        generator: String,
        /// The first fault.
        found: String,
    },
    /// Amounts do not fit a translation.
    #[error("{translation}: the amounts do not fit: {found}")]
    Amounts {
        /// The translation's name.
        translation: String,
        /// The first fault.
        found: String,
    },
    /// A parameter that the group acts on is not among those given.
    #[error("parameter '{name}' {shape} is missing; the group was made from another architecture")]
    MissingParameter {
        /// The parameter's name.
        name: String,
        /// Its shape in the group's architecture.
        shape: Shape,
    },
    /// A parameter is given that the group's architecture does not have.
    #[error("the group's architecture has no parameter '{name}'; it has {}", known.join(", "))]
    UnexpectedParameter {
        /// The parameter's name.
        name: String,
        /// The names that the architecture has.
        known: Vec<String>,
    },
    /// A parameter has another shape than in the group's architecture.
    #[error("parameter '{name}': expected shape {expected}, found {found}")]
    ParameterShape {
        /// The parameter's name.
        name: String,
        /// The shape in the group's architecture.
        expected: Shape,
        /// The shape found.
        found: Shape,
    },
    /// A parameter holds elements of a type that the computation does not take.
    #[error(
        "network {network}, parameter '{name}': expected elements of type {expected}, found {found}; convert it first"
    )]
    ParameterDType {
        /// Which network: `A` or `B`, or its number from 1 where there are more.
        network: String,
        /// The parameter's name.
        name: String,
        /// The type needed.
        expected: DType,
        /// The type found.
        found: DType,
    },
    /// A parameter holds NaN or an infinity.
    #[error(
        "network {network}, parameter '{name}': element {position} (row-major) is not finite; did the training diverge?"
    )]
    NonFinite {
        /// Which network: `A` or `B`, or its number from 1 where there are more.
        network: String,
        /// The parameter's name.
        name: String,
        /// The element's row-major position.
        position: usize,
    },
    /// The state of an optimiser has another number of tensors for each parameter than the optimiser keeps.
    #[error("state of {optimizer}: expected one list of tensors for each of [{}], found {found} lists", expected.join(", "))]
    OptimizerState {
        /// The optimiser.
        optimizer: String,
        /// The names of what it keeps.
        expected: Vec<&'static str>,
        /// The number of lists.
        found: usize,
    },
    /// A parameter holds NaN or an infinity, which has no place in a canonical form.
    #[error("parameter '{name}': element {position} (row-major) is not finite; did the training diverge?")]
    NotFinite {
        /// The parameter's name.
        name: String,
        /// The element's row-major position.
        position: usize,
    },
    /// The scales of a canonical form were not found.
    #[error(
        "scales of the canonical form: after {sweeps} passes they are still {residual:.1e} from a solution; parts of the network may depend on nothing"
    )]
    NoCanonicalScales {
        /// How far the scales are from a solution.
        residual: f64,
        /// The number of passes.
        sweeps: usize,
    },
    /// A gain that is to be folded has no inverse somewhere.
    #[error(
        "gain '{name}': element {position} is {found}, and only a finite number other than 0 can be folded into what reads it"
    )]
    Gain {
        /// The gain's name.
        name: String,
        /// The element's position.
        position: usize,
        /// The element.
        found: f64,
    },
    /// A graph to be certified computes in another precision than the certificate needs.
    #[error(
        "certificate of graph '{graph}', input '{input}': expected elements of type f64, found {found}; build the graph with f64"
    )]
    Precision {
        /// The graph's name.
        graph: String,
        /// The input's name.
        input: String,
        /// The input's type.
        found: Ty,
    },
    /// A number that must be positive is not.
    #[error("{what}: expected at least 1, found 0")]
    Zero {
        /// What the number counts.
        what: &'static str,
    },
    /// A number that must be finite and above 0 is not.
    #[error("{what}: expected a finite number above 0, found {found}")]
    NotPositive {
        /// What the number is.
        what: &'static str,
        /// The number.
        found: f64,
    },
    /// A number that must be from 0 to 1 is not.
    #[error("{what}: expected a number from 0 to 1, found {found}")]
    NotAShare {
        /// What the number is.
        what: &'static str,
        /// The number.
        found: f64,
    },
    /// What units do on data is not finite.
    #[error(
        "'{of}': there are activations that are not finite; did the training diverge, or are there such numbers in the data?"
    )]
    Activations {
        /// The name of the generator or of the parameter.
        of: String,
    },
    /// An architecture has no specification with other numbers of units.
    #[error("{model} cannot be made wider: {reason}")]
    Widths {
        /// The specification.
        model: String,
        /// Why not, and what can be done.
        reason: String,
    },
    /// Two networks that may differ only in the numbers of their units differ in something else.
    #[error("the networks differ in more than the numbers of units: {found}")]
    OtherStructure {
        /// By what they differ.
        found: String,
    },
    /// What makes units cannot be told from what reads them, or not be compared.
    #[error(
        "generator '{generator}': it cannot be told which parameters make these units, as where linear layers follow each other; their numbers cannot be changed"
    )]
    NoSides {
        /// The generator's name.
        generator: String,
    },
    /// A matrix of inner products has no decomposition.
    #[error(
        "generator '{generator}': the inner products of the networks' weights have no singular values; are there numbers near the largest that f64 holds?"
    )]
    Decomposition {
        /// The generator's name.
        generator: String,
    },
    /// There are fewer of something than a method needs.
    #[error("{what}: expected at least {least}, found {found}")]
    TooFew {
        /// What there must be.
        what: &'static str,
        /// How many there must be at least.
        least: usize,
        /// How many there are.
        found: usize,
    },
    /// A number that must be finite and not negative is not.
    #[error("{what}: expected a finite number of at least 0, found {found}")]
    OutOfRange {
        /// What the number is.
        what: &'static str,
        /// The number.
        found: f64,
    },
    /// A search was asked to stop.
    #[error(
        "interrupted after step {step} of {steps}; what was found is in {}, and the same command goes on from there",
        file.display()
    )]
    Interrupted {
        /// The file that the search goes on from.
        file: PathBuf,
        /// The steps that are done.
        step: usize,
        /// The steps of all of it.
        steps: usize,
    },
    /// A file holds no unfinished search, or another one.
    #[error(
        "{} is not of this search, but of other networks, data or settings, or damaged; remove it to begin anew",
        file.display()
    )]
    OtherSearch {
        /// The file.
        file: PathBuf,
    },
    /// A file of an unfinished search could not be read or written.
    #[error(transparent)]
    Weights(Box<WeightsError>),
    /// A graph could not be run.
    #[error(transparent)]
    Exec(#[from] ExecError),
    /// A network that was moved layer by layer does not compute what it did.
    #[error(
        "layer {layer} of the network that was moved does not compute what it did: outputs differ by {found:.1e} of their size, {tolerance:.1e} at most was expected; are there numbers that differ by many orders of magnitude?"
    )]
    Moved {
        /// The layer.
        layer: usize,
        /// The largest difference, relative to the largest output.
        found: f64,
        /// What rounding explains.
        tolerance: f64,
    },
    /// The networks could not be run over a data set.
    #[error(transparent)]
    Evaluate(Box<EvaluateError>),
    /// The assignment of slots to slots could not be solved.
    #[error("generator '{generator}': {source}")]
    Assignment {
        /// The generator's name.
        generator: String,
        /// What the solver refused.
        source: AssignmentError,
    },
}

impl From<WeightsError> for SymmetryError {
    fn from(error: WeightsError) -> Self {
        Self::Weights(Box::new(error))
    }
}

impl From<EvaluateError> for SymmetryError {
    fn from(error: EvaluateError) -> Self {
        Self::Evaluate(Box::new(error))
    }
}
