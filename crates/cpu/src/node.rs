//! What a graph is lowered to: buffers, and nodes that each fill one of them.

use std::sync::Arc;

use graph::{Val, ops::Direction};
use tensor::{DType, Tensor};

use crate::{conv::Convolution, kernel::Kernel, lookup::Lookup, product::Product, view::View};

/// A buffer: a position in [`Nodes::buffers`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct BufferId(pub(crate) usize);

/// Where the elements of a buffer come from.
#[derive(Clone, Debug)]
pub(crate) enum Origin {
    /// The argument at this position.
    Argument(usize),
    /// A constant of the graph.
    Constant(Arc<Tensor>),
    /// A node.
    Computed,
}

/// Elements in row-major order without gaps.
#[derive(Clone, Debug)]
pub(crate) struct BufferSpec {
    pub(crate) dtype: DType,
    pub(crate) elements: usize,
    pub(crate) origin: Origin,
}

impl BufferSpec {
    pub(crate) const fn bytes(&self) -> usize {
        self.elements * self.dtype.size_bytes()
    }
}

/// Elementwise operations of one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unary {
    Copy,
    Negate,
    Abs,
    Sign,
    Exp,
    Log,
    Log1p,
    Tanh,
    Erf,
    Logistic,
    Sqrt,
    Rsqrt,
    Sin,
    Cos,
    Not,
}

/// Elementwise operations of two operands of one type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Binary {
    Add,
    Subtract,
    Multiply,
    Divide,
    Power,
    Maximum,
    Minimum,
    And,
    Or,
    Xor,
}

/// An elementwise operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MapOp {
    Unary(Unary),
    Binary(Binary),
    Compare(Direction),
    Select,
    Convert,
    /// Random words, of a stream named by two words of a key and a counter.
    Random,
}

/// How a reduction combines elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fold {
    Sum,
    Max,
}

/// Which axis of a matrix a reduction takes away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Along {
    /// One result for each column.
    Rows,
    /// One result for each row.
    Columns,
}

/// The result of a node for its operands.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// Element by element, in the row-major order of the operands' views.
    Map(MapOp),
    /// A reduction of a `rows` by `columns` matrix, which is the operand's view in row-major order.
    Fold { fold: Fold, along: Along, rows: usize, columns: usize },
    /// A batch of matrix products.
    Product(Product),
    /// A sum of convolutions; the operands are image and kernel of each in turn.
    Convolution(Box<Convolution>),
    /// Tensors put together: of each operand so many elements in turn, again and again.
    Join(Vec<usize>),
    /// Rows read at indices.
    Gather(Lookup),
    /// Rows added up at indices.
    ScatterAdd(Lookup),
    /// A kernel on whole buffers.
    Kernel(Box<Kernel>),
}

/// A computation that fills one buffer.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    pub(crate) operands: Vec<View>,
    pub(crate) result: BufferId,
    /// The value of the graph for which it was made.
    pub(crate) val: Val,
}

/// A lowered graph. Nodes come after what they read, until fusion appends copies of some; each result has a view for
/// each output of the graph.
#[derive(Clone, Debug, Default)]
pub(crate) struct Nodes {
    pub(crate) buffers: Vec<BufferSpec>,
    pub(crate) nodes: Vec<Node>,
    /// The buffer of each output; an argument only where it is donated to this very output.
    pub(crate) outputs: Vec<BufferId>,
}

impl Nodes {
    pub(crate) fn buffer(&self, id: BufferId) -> &BufferSpec {
        &self.buffers[id.0]
    }

    /// The node that fills each buffer, where there is one.
    pub(crate) fn producers(&self) -> Vec<Option<usize>> {
        let mut producers = vec![None; self.buffers.len()];
        for (position, node) in self.nodes.iter().enumerate() {
            producers[node.result.0] = Some(position);
        }
        producers
    }

    /// Whether each buffer is an output.
    pub(crate) fn are_outputs(&self) -> Vec<bool> {
        let mut outputs = vec![false; self.buffers.len()];
        self.outputs.iter().for_each(|output| outputs[output.0] = true);
        outputs
    }

    /// The number of elements that a node runs over: of its operand for a reduction, of its result otherwise.
    pub(crate) fn extent(&self, node: &Node) -> usize {
        match node.kind {
            Kind::Fold { rows, columns, .. } => rows * columns,
            _ => self.buffer(node.result).elements,
        }
    }
}
