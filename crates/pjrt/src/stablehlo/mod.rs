//! Graphs as StableHLO: plain text in MLIR's generic form, of operations and attributes that the oldest version
//! understood by current plugins has (0.9.0).
//!
//! What StableHLO leaves open or has otherwise is spelled out, so that results mean the same on every executor: indices
//! out of range read zero, factors of matrices that are not positive definite are NaN, random bits are Philox's, maxima
//! over windows are the first.

mod apply;
mod common;
mod contractions;
mod indexing;
mod matrices;
mod program;
mod random;
#[cfg(test)]
mod tests;
mod windows;

use graph::{Def, Donation, Graph};

use program::{Program, Term, Type, list};

/// How exactly matrix products and convolutions of `f32` are computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Precision {
    /// In `f32`. The default, ours: results agree with those of other executors, and second derivatives are worth having.
    #[default]
    Exact,
    /// As the device is fastest: GPUs with tensor cores round operands to 10 bits (TF32), TPUs to 7 (bfloat16).
    Fast,
}

/// The program of a graph: a module with one function, `main`, whose arguments and results are the graph's inputs and
/// outputs in order. A donated input says which output takes its memory.
#[must_use]
pub fn stablehlo(graph: &Graph, donations: &[Donation], precision: Precision) -> String {
    let mut program = Program::default();
    let mut terms: Vec<Term> = Vec::with_capacity(graph.len());
    for val in graph.vals() {
        let term = match graph.def(val) {
            Def::Input(position) => Term { name: format!("%arg{position}"), ty: graph.ty(val).into() },
            Def::Apply { op, operands } => {
                let operands: Vec<&Term> =
                    operands.iter().map(|operand| &terms[operand.position()]).collect();
                program.apply(op, &operands, graph.ty(val), precision)
            }
        };
        terms.push(term);
    }
    let results: Vec<&Term> = graph.outputs().iter().map(|output| &terms[output.val.position()]).collect();
    program.finish(&results);
    let arguments = list(graph.inputs().iter().enumerate().map(|(position, input)| {
        let donation = donations.iter().find(|donation| donation.input == position);
        let alias = donation.map(|donation| format!(" {{tf.aliasing_output = {} : i32}}", donation.output));
        format!("%arg{position}: {}{}", Type::from(graph.ty(input.val)), alias.unwrap_or_default())
    }));
    let types = list(results.iter().map(|term| &term.ty));
    let body = program.into_text();
    format!("module @graph {{\n  func.func public @main({arguments}) -> ({types}) {{\n{body}  }}\n}}\n")
}
