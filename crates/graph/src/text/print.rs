//! Graphs to text.

use std::fmt;

use super::literal::{SplatBudget, write_tensor};
use crate::{Attr, Def, Graph, Prim, Val};

/// The text form, which [`Graph::parse`] reads back as the same graph.
impl fmt::Display for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "graph {} {{", Quoted(&self.name))?;
        let mut budget = SplatBudget::full();
        for val in self.vals() {
            write!(f, "  %{} = ", val.position())?;
            match self.def(val) {
                Def::Input(position) => {
                    let input = &self.inputs[*position];
                    write!(f, "input {} {}", Quoted(&input.name), input.role.name())?;
                }
                Def::Apply { op, operands } => write_application(f, op, operands, &mut budget)?,
            }
            writeln!(f, " : {}", self.ty(val))?;
        }
        for output in &self.outputs {
            writeln!(f, "  return {} = %{}", Quoted(&output.name), output.val.position())?;
        }
        f.write_str("}\n")
    }
}

fn write_application(
    f: &mut fmt::Formatter<'_>,
    op: &Prim,
    operands: &[Val],
    budget: &mut SplatBudget,
) -> fmt::Result {
    write!(f, "{}(", op.name())?;
    for (position, operand) in operands.iter().enumerate() {
        let comma = if position > 0 { ", " } else { "" };
        write!(f, "{comma}%{}", operand.position())?;
    }
    f.write_str(")")?;
    let attributes = op.attributes();
    for (position, (name, value)) in attributes.iter().enumerate() {
        f.write_str(if position > 0 { ", " } else { " {" })?;
        write!(f, "{name} = ")?;
        write_attribute(f, value, budget)?;
    }
    f.write_str(if attributes.is_empty() { "" } else { "}" })
}

fn write_attribute(f: &mut fmt::Formatter<'_>, value: &Attr, budget: &mut SplatBudget) -> fmt::Result {
    match value {
        Attr::Int(value) => write!(f, "{value}"),
        Attr::Ints(values) => write!(f, "{values:?}"),
        Attr::Word(word) => f.write_str(word),
        Attr::Tensor(tensor) => write_tensor(f, tensor, budget),
    }
}

/// A name in quotes, with escapes.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for character in self.0.chars() {
            match character {
                '"' => f.write_str("\\\"")?,
                '\\' => f.write_str("\\\\")?,
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                control if control.is_control() => write!(f, "\\u{{{:x}}}", u32::from(control))?,
                other => write!(f, "{other}")?,
            }
        }
        f.write_str("\"")
    }
}
