//! `isoloss dump`: a graph as text, or value by value with sizes and costs.

use clap::Args;
use isoloss::graph::{Cost, Def, Graph, Val};
use report::{Cell, Column, NumberFormat, Table, text as plain};
use serde_json::{Value, json};

use super::Run;
use crate::{
    common::Common,
    failure::Failure,
    graphs::{GraphFlags, Problem},
    outcome::{Answer, Outcome},
    session::Session,
};

/// Show a network's graph, or that of its derivatives, with sizes and costs
///
/// Prints the text form, which every command with --graph reads again. With --table, a row for each value: its type, the
/// bytes that it takes, the arithmetic that makes it, and the bytes that this reads and writes. Products count two
/// operations for each term of each sum, everything else one for each element.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  isoloss dump --model mlp:784-16-10
  isoloss dump --model mlp:784-16-10 --batch 500 --hvp --table
  isoloss dump --model mlp:784-16-10 --grad > gradient.txt
  isoloss dump --graph gradient.txt --table --json")]
pub(crate) struct Dump {
    /// Sizes and costs instead of the text form
    #[arg(long)]
    table: bool,
    #[command(flatten)]
    graph: GraphFlags,
    #[command(flatten)]
    common: Common,
}

impl Run for Dump {
    fn common(&self) -> Common {
        self.common.clone()
    }

    fn run(&self, _: &Session) -> Result<Outcome, Failure> {
        let problem = self.graph.problem()?;
        let text = if self.table {
            format!("{}\n\n{}\n", plain::table(&table(&problem)), total(&problem.graph))
        } else {
            problem.graph.to_string()
        };
        Ok(Outcome { answer: Answer::Yes, text, json: json(&problem) })
    }
}

/// What defines a value: the primitive with its operands, or the input's role and name.
fn definition(graph: &Graph, val: Val) -> String {
    match graph.def(val) {
        Def::Input(position) => {
            let input = &graph.inputs()[*position];
            format!("{} \"{}\"", input.role.name(), input.name)
        }
        Def::Apply { op, operands } => {
            let operands: Vec<String> =
                operands.iter().map(|operand| format!("%{}", operand.position())).collect();
            format!("{}({})", op.name(), operands.join(", "))
        }
    }
}

fn table(problem: &Problem) -> Table {
    let (mega, kibi) = (NumberFormat::Fixed(3), NumberFormat::Fixed(1));
    let columns = [
        Column::text("value"),
        Column::text("definition"),
        Column::text("type"),
        Column::number("KiB", kibi),
        Column::number("product MFLOP", mega),
        Column::number("other MFLOP", mega),
        Column::number("KiB moved", kibi),
    ];
    let graph = &problem.graph;
    let rows = graph.vals().map(|val| {
        let (ty, cost) = (graph.ty(val), graph.cost(val));
        [
            Cell::from(format!("%{}", val.position())),
            Cell::from(definition(graph, val)),
            Cell::from(ty.to_string()),
            Cell::from(ty.size_bytes() as f64 / 1024.0),
            Cell::from(cost.product_flops / 1e6),
            Cell::from(cost.other_flops / 1e6),
            Cell::from(cost.bytes / 1024.0),
        ]
    });
    rows.fold(Table::new(problem.title.clone(), columns), Table::with_row)
}

fn total(graph: &Graph) -> String {
    let Cost { product_flops, other_flops, bytes } = graph.total_cost();
    format!(
        "{} values, {} inputs, {} outputs; {:.3} GFLOP in products, {:.3} GFLOP else; {:.1} MiB moved if nothing stays in a cache",
        graph.len(),
        graph.inputs().len(),
        graph.outputs().len(),
        product_flops / 1e9,
        other_flops / 1e9,
        bytes / f64::from(1 << 20),
    )
}

fn json(problem: &Problem) -> Value {
    let graph = &problem.graph;
    let values: Vec<Value> = graph.vals().map(|val| value(graph, val)).collect();
    let outputs =
        graph.outputs().iter().map(|output| json!({ "name": output.name, "value": output.val.position() }));
    json!({
        "title": problem.title,
        "text": graph.to_string(),
        "values": values,
        "outputs": outputs.collect::<Vec<_>>(),
        "total": cost(graph.total_cost()),
    })
}

fn value(graph: &Graph, val: Val) -> Value {
    let ty = graph.ty(val);
    let operands: Vec<usize> = graph.operands(val).iter().map(|operand| operand.position()).collect();
    let (kind, name) = match graph.def(val) {
        Def::Input(position) => ("input", graph.inputs()[*position].name.as_str()),
        Def::Apply { op, .. } => ("apply", op.name()),
    };
    json!({
        "value": val.position(),
        "kind": kind,
        "name": name,
        "operands": operands,
        "dtype": ty.dtype.name(),
        "shape": ty.shape.to_vec(),
        "size_bytes": ty.size_bytes(),
        "cost": cost(graph.cost(val)),
    })
}

fn cost(cost: Cost) -> Value {
    json!({ "product_flops": cost.product_flops, "other_flops": cost.other_flops, "bytes": cost.bytes })
}
