//! `isoloss compare`: the executor against the reference evaluator.

use clap::Args;
use isoloss::{
    graph::{Def, Graph, Val},
    tensor::DType,
};
use report::{Cell, Column, NumberFormat, Table, text as plain};
use serde_json::{Value, json};

use super::Run;
use crate::{
    common::Common,
    comparison::{Comparison, GROWTH},
    failure::Failure,
    graphs::{GraphFlags, Problem},
    json::number,
    outcome::{Answer, Outcome},
    session::Session,
};

/// The largest relative error of a node in single precision. Ours: some hundred roundings, of which a sum of a few
/// thousand terms makes about as many.
const TOLERANCE_F32: f64 = 1e-5;

/// The same in double precision.
const TOLERANCE_F64: f64 = 1e-13;

/// Check the executor against the reference evaluator, node by node
///
/// Runs the graph on random arguments, once as it is and once with every value as an output. Each node is then evaluated by
/// its definition on the very operands that the executor had, so an error is that of the node alone; errors are relative
/// to the size of the terms that are added up. Outputs of the two runs are compared with a hundred times the tolerance.
/// The reference is slow: take small batches. A node that makes a NaN or an infinity out of finite numbers is named.
///
/// The answer is no, exit code 1, if a node or an output is beyond the tolerance.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  isoloss compare --model mlp:784-16-10
  isoloss compare --model mlp:784-16-10,act=gelu --batch 5 --hvp --dtype f64
  isoloss compare --graph gradient.txt --tolerance 1e-6")]
pub(crate) struct Compare {
    /// The largest relative error of a node [default: 1e-5, and 1e-13 for graphs with f64]
    #[arg(long, value_name = "REL", value_parser = relative)]
    tolerance: Option<f64>,
    #[command(flatten)]
    graph: GraphFlags,
    #[command(flatten)]
    common: Common,
}

impl Run for Compare {
    fn common(&self) -> Common {
        self.common.clone()
    }

    fn run(&self, session: &Session) -> Result<Outcome, Failure> {
        let problem = self.graph.problem()?;
        let tolerance = self.tolerance.unwrap_or_else(|| tolerance(&problem.graph));
        let arguments = problem.arguments(session.executor(), session.key())?;
        let found = Comparison::new(session.executor(), &problem.graph, &arguments)?;
        let verdict = Verdict::new(&problem.graph, &found, tolerance);
        let text = format!("{}\n\n{}\n", plain::table(&table(&problem, &found)), verdict.lines.join("\n"));
        let json = json(&problem, &found, &verdict, tolerance);
        Ok(Outcome { answer: Answer::from_claim(verdict.holds), text, json })
    }
}

/// A tolerance: a number from 0 up to 1.
fn relative(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(number) if (0.0..=1.0).contains(&number) => Ok(number),
        _ => Err("expected a number from 0 to 1, as 1e-5".to_owned()),
    }
}

/// Single precision decides where both occur.
fn tolerance(graph: &Graph) -> f64 {
    let single = graph.vals().any(|val| graph.ty(val).dtype == DType::F32);
    if single { TOLERANCE_F32 } else { TOLERANCE_F64 }
}

/// What the numbers say.
struct Verdict {
    holds: bool,
    lines: Vec<String>,
}

impl Verdict {
    fn new(graph: &Graph, found: &Comparison, tolerance: f64) -> Self {
        let node = found.first_bad(tolerance).map(|val| format!("first bad node: {}", shown(graph, val)));
        let output = found.first_bad_output(tolerance).map(|position| {
            let (name, error) = (&graph.outputs()[position].name, found.outputs[position]);
            format!(
                "first bad output: \"{name}\" with {error:.1e}, at most {:.0e} is rounding",
                tolerance * GROWTH
            )
        });
        let holds = node.is_none() && output.is_none();
        let word = if holds { "held" } else { "failed" };
        let worst = found.outputs.iter().copied().fold(0.0, f64::max);
        let summary = format!("[{word}] every node within {tolerance:.0e}; outputs within {worst:.1e}");
        let strange = found
            .first_not_finite
            .map(|val| format!("the first NaN or infinity out of finite numbers: {}", shown(graph, val)));
        Self { holds, lines: [Some(summary), node, output, strange].into_iter().flatten().collect() }
    }
}

/// A value as the text form names it, with its primitive and type.
fn shown(graph: &Graph, val: Val) -> String {
    let name = match graph.def(val) {
        Def::Input(position) => format!("input \"{}\"", graph.inputs()[*position].name),
        Def::Apply { op, .. } => op.name().to_owned(),
    };
    format!("%{} = {name} : {}", val.position(), graph.ty(val))
}

fn table(problem: &Problem, found: &Comparison) -> Table {
    let columns = [
        Column::text("primitive"),
        Column::number("nodes", NumberFormat::Fixed(0)),
        Column::number("worst relative error", NumberFormat::Scientific(1)),
        Column::text("at"),
    ];
    let mut worst = found.by_primitive(&problem.graph);
    worst.sort_by(|one, other| other.error.total_cmp(&one.error));
    let rows = worst.into_iter().map(|worst| {
        let at = format!("%{}", worst.at.position());
        [Cell::from(worst.name), Cell::from(worst.count as f64), Cell::from(worst.error), Cell::from(at)]
    });
    rows.fold(Table::new(problem.title.clone(), columns), Table::with_row)
}

fn json(problem: &Problem, found: &Comparison, verdict: &Verdict, tolerance: f64) -> Value {
    let graph = &problem.graph;
    let primitives = found.by_primitive(graph).into_iter().map(|worst| {
        json!({
            "name": worst.name,
            "nodes": worst.count,
            "worst_relative_error": number(worst.error),
            "at": worst.at.position(),
        })
    });
    let outputs = graph.outputs().iter().zip(&found.outputs);
    let outputs =
        outputs.map(|(output, &error)| json!({ "name": output.name, "relative_error": number(error) }));
    json!({
        "title": problem.title,
        "tolerance": number(tolerance),
        "output_tolerance": number(tolerance * GROWTH),
        "held": verdict.holds,
        "primitives": primitives.collect::<Vec<_>>(),
        "outputs": outputs.collect::<Vec<_>>(),
        "first_bad_node": found.first_bad(tolerance).map(Val::position),
        "first_bad_output": found.first_bad_output(tolerance).map(|position| &graph.outputs()[position].name),
        "first_not_finite": found.first_not_finite.map(Val::position),
    })
}
