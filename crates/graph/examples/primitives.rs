//! Writes the table of primitives in `docs/primitives.md`:
//!
//! ```text
//! cargo run -p isoloss-graph --example primitives > docs/primitives.md
//! ```

use std::{
    collections::BTreeSet,
    io::{self, Write as _},
};

use isoloss_graph::{Builder, Case, Def, Diff, Kink, Operand, Prim, Ty, Val};
use tensor::Tensor;

const HEAD: &str = "\
# Primitives

Generated from the code by `cargo run -p isoloss-graph --example primitives > docs/primitives.md`; a test compares.

What each primitive means and its constraints stand in the documentation of `graph::ops`. *Derivative* is its class: `Zero` by definition; `Linear` in all operands together; `Bilinear`; `LinearIn` the listed operands;
`Smooth`. The last two columns list what its rules emit, in the cases of the law suites, for the tangent of the result
and for the cotangents of the operands in which it is linear. All of these are primitives again: the set is closed
under differentiation.

| primitive | attributes | derivative | emitted for tangents | emitted for cotangents |
|---|---|---|---|---|
";

const KINKS: &str = "
## Kinks and ties

Where a primitive is not differentiable its derivative is defined, so that every executor and every order of derivation agree.
Each row is a test: at these operands, these tangents (`–` for what has none) give this tangent of the result. The maximum over
windows is made of `window_argmax`, which takes the first of equal elements, and `window_gather`: its derivative is that of the
first.

| at | operands | tangents | tangent of the result |
|---|---|---|---|
";

/// A row for a point without derivative.
fn kink(kink: &Kink) -> String {
    let operands: Vec<String> = kink.operands.iter().map(shown).collect();
    let pairs = kink.operands.iter().zip(&kink.tangents);
    let tangents: Vec<String> = pairs
        .map(|(operand, tangent)| if operand.dtype().is_float() { shown(tangent) } else { "–".to_owned() })
        .collect();
    format!(
        "| {} | {} | {} | {} |\n",
        kink.name,
        operands.join("; "),
        tangents.join("; "),
        shown(&kink.expected)
    )
}

/// The elements of a tensor in rows; a scalar without brackets.
fn shown(tensor: &Tensor) -> String {
    fn nested(shape: &[usize], elements: &[f64]) -> String {
        let Some((&size, rest)) = shape.split_first() else { return elements[0].to_string() };
        let length = elements.len() / size.max(1);
        let parts: Vec<String> = (0..size).map(|i| nested(rest, &elements[i * length..][..length])).collect();
        format!("[{}]", parts.join(", "))
    }
    nested(tensor.shape(), &tensor.to_f64_vec())
}

/// The names of the primitives that `emit` applies.
fn emitted(b: &mut Builder, emit: impl FnOnce(&mut Builder)) -> BTreeSet<&'static str> {
    let before = b.graph().len();
    emit(b);
    let graph = b.graph();
    let new = graph.vals().skip(before).filter_map(|val| match graph.def(val) {
        Def::Input(_) => None,
        Def::Apply { op, .. } => Some(op.name()),
    });
    new.collect()
}

/// An application of the case's primitive to inputs, with a tangent for each float among them.
struct Application {
    b: Builder,
    operands: Vec<Val>,
    tangents: Vec<Option<Val>>,
    result: Val,
}

fn application(case: &Case) -> Application {
    let mut b = Builder::new(case.name);
    let types = || case.operands.iter().enumerate().map(|(k, (ty, _))| (k, ty));
    let operands: Vec<Val> = types().map(|(k, ty)| b.data(format!("x{k}"), ty.clone())).collect();
    let tangent = |(k, ty): (usize, &Ty)| ty.dtype.is_float().then(|| b.data(format!("dx{k}"), ty.clone()));
    let tangents = types().map(tangent).collect();
    let result = b.apply(case.op.clone(), &operands);
    Application { b, operands, tangents, result }
}

fn tangent_names(case: &Case) -> BTreeSet<&'static str> {
    let Application { mut b, operands, tangents, result } = application(case);
    match case.op.diff() {
        Diff::Zero => BTreeSet::new(),
        Diff::Linear(_) => BTreeSet::from([case.op.name()]),
        Diff::Bilinear(_) => BTreeSet::from([case.op.name(), "add"]),
        Diff::Smooth(rule) | Diff::LinearIn(_, rule, _) => emitted(&mut b, |b| {
            rule.jvp(b, &operands, result, &tangents);
        }),
    }
}

fn cotangent_names(case: &Case) -> BTreeSet<&'static str> {
    let floats: Vec<usize> =
        (0..case.operands.len()).filter(|&k| case.operands[k].0.dtype.is_float()).collect();
    let (rule, together) = match case.op.diff() {
        Diff::Zero | Diff::Smooth(_) => return BTreeSet::new(),
        Diff::Linear(rule) => (rule, vec![floats]),
        Diff::Bilinear(rule) => (rule, vec![vec![0], vec![1]]),
        Diff::LinearIn(operands, _, rule) => (rule, vec![operands.to_vec()]),
    };
    let Application { mut b, operands, result, .. } = application(case);
    let ty = b.ty(result).clone();
    let ct = b.data("ct", ty);
    let mut names = BTreeSet::new();
    for linear in together {
        let known_or_linear = |k: usize| match linear.contains(&k) {
            true => Operand::Linear(case.operands[k].0.clone()),
            false => Operand::Known(operands[k]),
        };
        let roles: Vec<Operand> = (0..operands.len()).map(known_or_linear).collect();
        names.extend(emitted(&mut b, |b| {
            rule.transpose(b, ct, &roles);
        }));
    }
    names
}

fn class(op: &Prim) -> String {
    match op.diff() {
        Diff::LinearIn(operands, ..) => format!("LinearIn {operands:?}"),
        other => format!("{other:?}"),
    }
}

fn row(name: &str, cases: &[Case]) -> String {
    let own: Vec<&Case> = cases.iter().filter(|case| case.op.name() == name).collect();
    let list = |names: BTreeSet<String>| names.into_iter().collect::<Vec<_>>().join(", ");
    let of_all = |names: fn(&Case) -> BTreeSet<&'static str>| {
        list(own.iter().flat_map(|case| names(case)).map(str::to_owned).collect())
    };
    let attributes = own[0].op.attributes().into_iter().map(|(name, _)| name).collect::<Vec<_>>().join(", ");
    let classes = list(own.iter().map(|case| class(&case.op)).collect());
    format!(
        "| {name} | {attributes} | {classes} | {} | {} |\n",
        of_all(tangent_names),
        of_all(cotangent_names)
    )
}

fn page() -> String {
    let cases = Prim::cases();
    let rows = Prim::NAMES.iter().map(|name| row(name, &cases));
    let kinks = Prim::kinks();
    HEAD.to_owned() + &rows.collect::<String>() + KINKS + &kinks.iter().map(kink).collect::<String>()
}

fn main() -> io::Result<()> {
    io::stdout().write_all(page().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_in_docs_is_the_generated_one() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/primitives.md");
        let found = std::fs::read_to_string(path).unwrap();
        assert!(found == page(), "regenerate docs/primitives.md with the command it names");
    }
}
