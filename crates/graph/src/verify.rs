//! Checking a whole graph.

use std::fmt;

use crate::{Def, Graph, Prim, Ty, TypeError, Val};

/// What a [`Diagnostic`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// This value.
    Value(Val),
    /// The input at this position.
    Input(usize),
    /// The output at this position.
    Output(usize),
}

/// As `%3`, `input 0`, `output 1`.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(val) => write!(f, "%{}", val.position()),
            Self::Input(position) => write!(f, "input {position}"),
            Self::Output(position) => write!(f, "output {position}"),
        }
    }
}

/// What is wrong with a graph.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// (G1) An operand is not defined before its use.
    #[error("operand {index} is %{}, which is not defined above", .operand.position())]
    UndefinedOperand {
        /// The position among the operands.
        index: usize,
        /// The value that it names.
        operand: Val,
    },
    /// (G2) The operands violate a constraint of the primitive, or the result would not fit in memory.
    #[error(transparent)]
    Operands(#[from] TypeError),
    /// (G3) The value's type is not the one that its primitive gives.
    #[error("expected the type {expected}, found {found}")]
    Type {
        /// The type by the primitive's rule.
        expected: Ty,
        /// The type in the graph.
        found: Ty,
    },
    /// (G4) The inputs and the values that say they are inputs do not match one to one, in order.
    #[error("the inputs and the values that they define do not match")]
    InputOrder,
    /// (G5) An output returns a value that the graph does not have.
    #[error("%{} is not defined", .val.position())]
    UnknownOutput {
        /// The value that it names.
        val: Val,
    },
    /// (G6) An input or output has the empty name.
    #[error("the name is empty")]
    EmptyName,
    /// (G7) An earlier input (or output) has the same name.
    #[error("the name {name:?} is taken by {earlier}")]
    DuplicateName {
        /// The name.
        name: String,
        /// Whose name it is already.
        earlier: Place,
    },
    /// (G8) A value of this type has more bytes than the address space.
    #[error("a value of type {ty} has {:.2e} bytes, more than can be addressed", .ty.approximate_bytes())]
    TooLarge {
        /// The type.
        ty: Ty,
    },
}

impl Fault {
    /// The violated rule: that of the primitive where there is one, as `C2`, and otherwise that of graphs, as `G1`.
    #[must_use]
    pub const fn constraint(&self) -> &'static str {
        match self {
            Self::UndefinedOperand { .. } => "G1",
            Self::Operands(error) => error.constraint,
            Self::Type { .. } => "G3",
            Self::InputOrder => "G4",
            Self::UnknownOutput { .. } => "G5",
            Self::EmptyName => "G6",
            Self::DuplicateName { .. } => "G7",
            Self::TooLarge { .. } => "G8",
        }
    }
}

/// One fault of a graph and where it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {fault}")]
pub struct Diagnostic {
    /// Where.
    pub place: Place,
    /// What.
    pub fault: Fault,
}

/// Checks everything that the rest of the code takes for granted of a graph. What a [`crate::Builder`] makes can
/// only fail in the names (G6, G7) and in inputs too large (G8).
///
/// # Errors
/// All faults, in order of definition, then of the names of inputs, then of the outputs.
pub fn verify(graph: &Graph) -> Result<(), Vec<Diagnostic>> {
    let mut faults = Faults::default();
    let mut inputs = 0;
    for val in graph.vals() {
        match graph.def(val) {
            Def::Input(position) => {
                let matches =
                    *position == inputs && graph.inputs.get(inputs).is_some_and(|input| input.val == val);
                faults.require(matches, Place::Value(val), || Fault::InputOrder);
                check_size(graph, val, &mut faults);
                inputs += 1;
            }
            Def::Apply { op, operands } => check_application(graph, val, op, operands, &mut faults),
        }
    }
    for position in inputs..graph.inputs.len() {
        faults.add(Place::Input(position), Fault::InputOrder);
    }
    check_names(graph.inputs.iter().map(|input| input.name.as_str()), Place::Input, &mut faults);
    check_names(graph.outputs.iter().map(|output| output.name.as_str()), Place::Output, &mut faults);
    for (position, output) in graph.outputs.iter().enumerate() {
        let val = output.val;
        let known = val.position() < graph.len();
        faults.require(known, Place::Output(position), || Fault::UnknownOutput { val });
    }
    if faults.0.is_empty() { Ok(()) } else { Err(faults.0) }
}

#[derive(Default)]
struct Faults(Vec<Diagnostic>);

impl Faults {
    fn add(&mut self, place: Place, fault: Fault) {
        self.0.push(Diagnostic { place, fault });
    }

    fn require(&mut self, holds: bool, place: Place, fault: impl FnOnce() -> Fault) {
        if !holds {
            self.add(place, fault());
        }
    }
}

fn check_size(graph: &Graph, val: Val, faults: &mut Faults) {
    let ty = graph.ty(val);
    faults.require(ty.is_addressable(), Place::Value(val), || Fault::TooLarge { ty: ty.clone() });
}

fn check_application(graph: &Graph, val: Val, op: &Prim, operands: &[Val], faults: &mut Faults) {
    let place = Place::Value(val);
    let mut types = Vec::with_capacity(operands.len());
    for (index, &operand) in operands.iter().enumerate() {
        if operand < val {
            types.push(graph.ty(operand));
        } else {
            faults.add(place, Fault::UndefinedOperand { index, operand });
        }
    }
    if types.len() < operands.len() {
        return;
    }
    match op.out_type(&types) {
        Err(error) => faults.add(place, Fault::Operands(error)),
        Ok(expected) => {
            let found = graph.ty(val);
            let wrong = || Fault::Type { expected: expected.clone(), found: found.clone() };
            faults.require(expected == *found, place, wrong);
        }
    }
}

fn check_names<'a>(names: impl Iterator<Item = &'a str>, place: fn(usize) -> Place, faults: &mut Faults) {
    let mut taken = std::collections::BTreeMap::new();
    for (position, name) in names.enumerate() {
        faults.require(!name.is_empty(), place(position), || Fault::EmptyName);
        let first = *taken.entry(name).or_insert(position);
        faults.require(first == position, place(position), || Fault::DuplicateName {
            name: name.to_owned(),
            earlier: place(first),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Builder, Output, Role, graph::Value, ops};

    /// `sum(x + y)` with everything right, to be spoiled.
    fn valid() -> Graph {
        let mut b = Builder::new("valid");
        let x = b.parameter("x", Ty::f64([3]));
        let y = b.data("y", Ty::f64([3]));
        let sum = b.add(x, y);
        let total = b.reduce_sum(sum, &[0]);
        b.output("total", total);
        b.finish()
    }

    fn constraints(graph: &Graph) -> Vec<(Place, &'static str)> {
        let faults = verify(graph).expect_err("the graph is faulty");
        faults.iter().map(|diagnostic| (diagnostic.place, diagnostic.fault.constraint())).collect()
    }

    #[test]
    fn a_built_graph_verifies() {
        assert_eq!(verify(&valid()), Ok(()));
    }

    #[test]
    fn an_operand_defined_later_is_rejected_g1() {
        let mut graph = valid();
        graph.values[2].def = Def::Apply { op: ops::Add.into(), operands: vec![Val::new(0), Val::new(3)] };
        assert_eq!(constraints(&graph), [(Place::Value(Val::new(2)), "G1")]);
    }

    #[test]
    fn a_violated_constraint_of_a_primitive_is_named() {
        let mut graph = valid();
        graph.values[1].ty = Ty::f64([4]);
        assert_eq!(constraints(&graph), [(Place::Value(Val::new(2)), "C2")]);
    }

    #[test]
    fn a_wrong_stored_type_is_rejected_g3() {
        let mut graph = valid();
        graph.values[3].ty = Ty::f32([]);
        assert_eq!(constraints(&graph), [(Place::Value(Val::new(3)), "G3")]);
    }

    #[test]
    fn inputs_out_of_order_are_rejected_g4() {
        let mut graph = valid();
        graph.inputs.swap(0, 1);
        assert_eq!(
            constraints(&graph),
            [(Place::Value(Val::new(0)), "G4"), (Place::Value(Val::new(1)), "G4")]
        );
        let mut graph = valid();
        graph.inputs.push(crate::Input { name: "z".to_owned(), role: Role::Data, val: Val::new(0) });
        assert_eq!(constraints(&graph), [(Place::Input(2), "G4")]);
    }

    #[test]
    fn an_unknown_output_is_rejected_g5() {
        let mut graph = valid();
        graph.outputs[0].val = Val::new(4);
        assert_eq!(constraints(&graph), [(Place::Output(0), "G5")]);
    }

    #[test]
    fn empty_and_repeated_names_are_rejected_g6_g7() {
        let mut graph = valid();
        graph.inputs[0].name = String::new();
        graph.outputs.push(Output { name: "total".to_owned(), val: Val::new(0) });
        assert_eq!(constraints(&graph), [(Place::Input(0), "G6"), (Place::Output(1), "G7")]);
    }

    #[test]
    fn an_input_beyond_the_address_space_is_rejected_g8() {
        let mut graph = valid();
        graph.inputs.push(crate::Input { name: "z".to_owned(), role: Role::Data, val: Val::new(4) });
        graph.values.push(Value { ty: Ty::bool([1 << 40, 0, 1 << 40]), def: Def::Input(2) });
        assert_eq!(constraints(&graph), [(Place::Value(Val::new(4)), "G8")]);
    }

    #[test]
    fn all_faults_are_reported() {
        let mut graph = valid();
        graph.values[1].ty = Ty::f64([4]);
        graph.values[3].ty = Ty::f64([1]);
        graph.outputs[0].name = String::new();
        let found: Vec<_> = constraints(&graph).into_iter().map(|(_, constraint)| constraint).collect();
        assert_eq!(found, ["C2", "G3", "G6"]);
    }

    #[test]
    #[should_panic(expected = "input 1: the name \"x\" is taken by input 0")]
    fn finishing_a_graph_with_a_repeated_name_panics() {
        let mut b = Builder::new("twice");
        b.data("x", Ty::f64([]));
        b.data("x", Ty::f64([]));
        let _ = b.finish();
    }
}
