//! The graph of primitives: types, builder, verifier, text form, reference evaluator and the executor contract.
//!
//! A [`Graph`] is a list of single-assignment, single-result applications of [`Prim`]itives with static shapes.
//! Terms and semantics follow StableHLO. The primitives are closed under differentiation: a derivative rule
//! only builds more graph.

mod attributes;
mod axes;
mod builder;
mod case;
pub mod composite;
mod cost;
mod error;
mod every_value;
mod executor;
mod graph;
pub mod ops;
mod primitive;
mod reference;
mod text;
mod types;
mod verify;

pub use attributes::{Attr, AttributeReader};
pub use axes::{Axis, AxisMap, Inner, Run, Slot, Tie};
pub use builder::Builder;
pub use case::{Case, Domain, Kink};
pub use cost::Cost;
pub use error::{AttributeError, TypeError};
pub use executor::{
    Argument, Donation, ExecError, Executable, Executor, Held, Placed, Resident, Value, check_arguments,
    check_donations, check_types, team,
};
pub use graph::{Def, Graph, Input, Output, Role, Val};
pub use ops::Prim;
pub use primitive::{Diff, Jvp, Operand, Primitive, Transpose};
pub use reference::Reference;
pub use text::{ParseError, ParseFault, Problem};
pub use types::Ty;
pub use verify::{Diagnostic, Fault, Place, verify};
