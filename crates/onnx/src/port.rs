//! What a network takes and returns.

use graph::Role;
use tensor::Shape;

/// A parameter or buffer of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name of its initializer in the file.
    pub name: String,
    /// Its shape as it is stored.
    pub shape: Shape,
    /// [`Role::Parameter`] for what is trained, [`Role::State`] for running statistics.
    pub role: Role,
}

/// What the elements of an input are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortKind {
    /// Numbers of floating point.
    Float,
    /// Integers: tokens, positions.
    Integer,
    /// Truth values: masks.
    Bool,
}

/// An input of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Its name in the file.
    pub name: String,
    /// What its elements are.
    pub kind: PortKind,
    /// The shape of one example: without the batch, which is the first axis.
    pub example: Shape,
}

/// The moments by which batch normalisation goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moments {
    /// The running statistics: evaluation.
    Running,
    /// The batch's, and running statistics take them in: training.
    Averaged,
    /// The batch's, which are returned in place of running statistics, the variance divided by the number of elements less
    /// one.
    Batch,
}

/// Which sizes of the batch a network takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Batch {
    /// Any: the batch axis is symbolic, or nothing but it depends on the exporter's batch.
    Any,
    /// Only this size, which the exporter wrote into the network.
    Fixed {
        /// The size.
        size: usize,
        /// What of the network cannot be run with another.
        reason: String,
    },
}
