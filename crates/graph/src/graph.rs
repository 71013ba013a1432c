//! Graphs: single-assignment programs over tensors.

use crate::{Prim, Ty};

/// A value of a graph: an input or the result of an application. Ordered by definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Val(u32);

impl Val {
    /// The value at a position in the graph's order of definition.
    ///
    /// # Panics
    /// Where the position exceeds `u32`.
    #[must_use]
    pub fn new(position: usize) -> Self {
        Self(u32::try_from(position).expect("a graph has fewer than 2^32 values"))
    }

    /// The position in the graph's order of definition.
    #[must_use]
    pub const fn position(self) -> usize {
        self.0 as usize
    }
}

/// What an input of a graph stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// A trained parameter of a network: symmetries may act on it.
    Parameter,
    /// State bound to parameters that is not trained (running statistics, optimiser moments).
    State,
    /// Everything else: examples, labels, hyper-parameters, tangents.
    Data,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 3] = [Self::Parameter, Self::State, Self::Data];

    /// The word used in the text form.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Parameter => "parameter",
            Self::State => "state",
            Self::Data => "data",
        }
    }
}

/// An input of a graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// Its name, unique among the inputs.
    pub name: String,
    /// What it stands for.
    pub role: Role,
    /// The value it defines.
    pub val: Val,
}

/// An output of a graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// Its name, unique among the outputs.
    pub name: String,
    /// The value it returns.
    pub val: Val,
}

/// How a value is defined.
#[derive(Clone, Debug, PartialEq)]
pub enum Def {
    /// The input at this position.
    Input(usize),
    /// A primitive applied to earlier values.
    Apply {
        /// The primitive.
        op: Prim,
        /// Its operands.
        operands: Vec<Val>,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Value {
    pub(crate) ty: Ty,
    pub(crate) def: Def,
}

/// A program: inputs, applications in order of definition, outputs. Made by a [`crate::Builder`] or by parsing,
/// and never changed afterwards; transforms build new graphs.
#[derive(Clone, Debug, PartialEq)]
pub struct Graph {
    pub(crate) name: String,
    pub(crate) inputs: Vec<Input>,
    pub(crate) values: Vec<Value>,
    pub(crate) outputs: Vec<Output>,
}

impl Graph {
    /// The graph's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The inputs, in the order in which arguments are passed.
    #[must_use]
    pub fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    /// The outputs, in the order in which results are returned.
    #[must_use]
    pub fn outputs(&self) -> &[Output] {
        &self.outputs
    }

    /// The number of values: inputs and applications.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether the graph has no values.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// All values in order of definition: operands come before what uses them.
    pub fn vals(&self) -> impl DoubleEndedIterator<Item = Val> + ExactSizeIterator + use<> {
        (0..self.len()).map(Val::new)
    }

    /// The type of a value.
    ///
    /// # Panics
    /// Where the value is not of this graph.
    #[must_use]
    pub fn ty(&self, val: Val) -> &Ty {
        &self.values[val.position()].ty
    }

    /// How a value is defined.
    ///
    /// # Panics
    /// Where the value is not of this graph.
    #[must_use]
    pub fn def(&self, val: Val) -> &Def {
        &self.values[val.position()].def
    }

    /// The operands of a value; none for an input.
    ///
    /// # Panics
    /// Where the value is not of this graph.
    #[must_use]
    pub fn operands(&self, val: Val) -> &[Val] {
        match self.def(val) {
            Def::Input(_) => &[],
            Def::Apply { operands, .. } => operands,
        }
    }

    /// The position of the input called `name`.
    #[must_use]
    pub fn input_position(&self, name: &str) -> Option<usize> {
        self.inputs.iter().position(|input| input.name == name)
    }

    /// The position of the output called `name`.
    #[must_use]
    pub fn output_position(&self, name: &str) -> Option<usize> {
        self.outputs.iter().position(|output| output.name == name)
    }

    /// The positions of the inputs of this role, in order.
    pub fn inputs_with(&self, role: Role) -> impl Iterator<Item = usize> + '_ {
        self.inputs
            .iter()
            .enumerate()
            .filter(move |(_, input)| input.role == role)
            .map(|(position, _)| position)
    }

    /// For each value, whether it depends on any of `sources`.
    #[must_use]
    pub fn depends_on(&self, sources: &[Val]) -> Vec<bool> {
        let mut depends = vec![false; self.len()];
        for &source in sources {
            depends[source.position()] = true;
        }
        for val in self.vals() {
            if self.operands(val).iter().any(|operand| depends[operand.position()]) {
                depends[val.position()] = true;
            }
        }
        depends
    }
}
