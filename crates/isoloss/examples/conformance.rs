//! Writes `docs/conformance.md`: every primitive on every executor, against the reference evaluator.
//!
//! ```text
//! cargo run -p isoloss --example conformance -- docs/conformance.md PLUGIN...
//! ```

use std::{env, error::Error, fs, path::Path};

use isoloss::{
    device::{Devices, Settings},
    graph::{Argument, Case, Executor, Prim, Reference},
    tensor::{Key, Tensor},
};

const HEAD: &str = "\
# Conformance

Every primitive on every executor against the reference evaluator, in f64: the largest difference over all cases of the law
suites, relative to the largest element. Written by
`cargo run -p isoloss --example conformance -- docs/conformance.md PLUGIN...`; [devices.md](devices.md) says where plugins come
from.

";

/// An executor and what a column calls it.
struct Column {
    name: String,
    executor: Box<dyn Executor>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let page = arguments.next().ok_or("usage: conformance PAGE PLUGIN...")?;
    let mut columns = vec![Column { name: "cpu".to_owned(), executor: Box::new(isoloss::executor()) }];
    for path in arguments {
        columns.push(plugin(Path::new(&path))?);
    }
    fs::write(page, HEAD.to_owned() + &table(&columns)?)?;
    Ok(())
}

fn plugin(path: &Path) -> Result<Column, Box<dyn Error>> {
    let devices = Devices::open(path, Settings { cpu_devices: Some(1), ..Settings::default() })?;
    let [major, minor] = devices.interface();
    let name = format!("{} by PJRT {major}.{minor}", devices.platform());
    Ok(Column { name, executor: Box::new(devices.executor(0)?) })
}

fn table(columns: &[Column]) -> Result<String, Box<dyn Error>> {
    let names: String = columns.iter().map(|column| format!(" {} |", column.name)).collect();
    let mut text = format!("| primitive | cases |{names}\n|---|--:|{}\n", "--:|".repeat(columns.len()));
    let cases = Prim::cases();
    for name in Prim::NAMES {
        let own: Vec<&Case> = cases.iter().filter(|case| case.op.name() == *name).collect();
        text += &format!("| `{name}` | {} |", own.len());
        for column in columns {
            let apart = own.iter().map(|case| apart(column, case)).collect::<Result<Vec<_>, _>>()?;
            let worst = apart.into_iter().fold(0.0, f64::max);
            text += &if worst == 0.0 { " 0 |".to_owned() } else { format!(" {worst:.0e} |") };
        }
        text += "\n";
    }
    Ok(text)
}

fn apart(column: &Column, case: &Case) -> Result<f64, Box<dyn Error>> {
    let graph = testkit::laws::case_graph(case);
    let point = testkit::sample::operands(case, Key::new(7));
    let expected = Reference::evaluate(&graph, &point.iter().collect::<Vec<_>>())?;
    let mut executable = column.executor.compile(&graph, &[])?;
    let found = executable.run(point.iter().map(Argument::Borrowed).collect())?;
    Ok(found.iter().zip(&expected).map(|(found, expected)| difference(found, expected)).fold(0.0, f64::max))
}

fn difference(found: &Tensor, expected: &Tensor) -> f64 {
    let (found, expected) = (found.to_f64_vec(), expected.to_f64_vec());
    let scale = expected.iter().fold(f64::MIN_POSITIVE, |most, x| most.max(x.abs()));
    found.iter().zip(&expected).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max) / scale
}
