//! `isoloss inspect`: what a network is and which symmetry it has.

use std::path::PathBuf;

use clap::Args;
use isoloss::{
    models::Model,
    symmetry::{self, Certified, Generator},
    tensor::DType,
};
use report::{Cell, Column, Entries, KeyValues, NumberFormat, Report, Section, Table};
use serde_json::{Value, json};

use super::Run;
use crate::{
    common::Common,
    failure::Failure,
    json::number,
    networks::Network,
    outcome::{Answer, Outcome},
    place,
    session::Session,
    stamp,
};

/// Show a network's parameters and its symmetry, with a certificate
///
/// The symmetry is derived from the network's graph: which hidden units can be exchanged for each other without changing
/// what the network computes, and which axes of which parameters such an exchange moves. The certificate tests it in
/// numbers: at random weights, random elements of every group and of all together are applied and outputs are compared
/// in double precision. The order is the number of arrangements of the units, given as its decimal logarithm.
///
/// Of an ONNX file that returns a loss it is said what its examples and labels are.
///
/// The answer is no, exit code 1, if a group fails its certificate.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  isoloss inspect runs/a
  isoloss inspect net.onnx
  isoloss inspect weights.safetensors --model mlp:784-512-512-512-10
  isoloss inspect --model mlp:784-512-512-512-10,norm=layer --json")]
pub(crate) struct Inspect {
    /// Run folder, ONNX file or file of weights; none to look at --model without weights
    #[arg(value_name = "MODEL", required_unless_present = "spec")]
    network: Option<PathBuf>,
    /// Architecture, as mlp:784-512-10, resnet20:width=2,norm=layer or net.onnx
    #[arg(long = "model", id = "spec", visible_alias = "graph", value_name = "SPEC")]
    spec: Option<String>,
    /// How often each test of the certificate is repeated with new numbers; the default is ours
    #[arg(long, value_name = "N", default_value_t = 4)]
    trials: usize,
    /// Folder for a report: report.html, report.json
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

/// Examples in the batch on which outputs are compared. Ours: enough that no unit is inactive on all.
const BATCH: usize = 16;

impl Run for Inspect {
    fn common(&self) -> Common {
        self.common.clone()
    }

    fn run(&self, session: &Session) -> Result<Outcome, Failure> {
        self.out.as_deref().map_or(Ok(()), place::check_folder)?;
        let model = self.model()?;
        let graph = model.forward(BATCH, DType::F64);
        let key = session.key().child("certificate");
        let group = symmetry::infer(&graph);
        let certified = symmetry::certified(session.executor(), &graph, &group, key, self.trials)?;
        let report = self.report(&model, &certified);
        let text = report::text::report(&report);
        if let Some(folder) = &self.out {
            place::write_folder(folder, &report::bundle(&stamp::stamped(report, session))?)?;
        }
        let answer = Answer::from_claim(certified.refused.is_empty());
        Ok(Outcome { answer, text, json: json(&model, &certified) })
    }
}

impl Inspect {
    fn model(&self) -> Result<Model, Failure> {
        match (&self.network, &self.spec) {
            (Some(path), spec) => Ok(Network::load(path, spec.as_deref())?.model),
            (None, Some(spec)) => Ok(Model::parse(spec)?),
            (None, None) => unreachable!("clap asks for one of the two"),
        }
    }

    fn report(&self, model: &Model, certified: &Certified) -> Report {
        let subject = self.network.as_ref().map_or_else(|| model.spec(), |path| path.display().to_string());
        Report::new("inspect", format!("Symmetry of {subject}"))
            .with_summary(format!("{model}, {} weights.{}", model.elements(), objective(model)))
            .with_section(Section::new("Parameters").with_block(parameter_table(model)))
            .with_section(
                Section::new("Symmetry")
                    .with_block(group_table(certified))
                    .with_block(KeyValues::new("", order_and_certificate(certified))),
            )
    }
}

/// What a network that is its own objective takes, in sentences; nothing of others.
fn objective(model: &Model) -> String {
    model.target().map_or_else(String::new, |target| {
        format!(" It is its own objective. Examples: {}. Labels: {target}.", model.input())
    })
}

fn parameter_table(model: &Model) -> Table {
    let columns =
        [Column::text("name"), Column::text("shape"), Column::number("weights", NumberFormat::Fixed(0))];
    let rows = model.parameters().into_iter().map(|(name, shape)| {
        let count = shape.elements() as f64;
        [Cell::from(name), Cell::from(shape.to_string()), Cell::from(count)]
    });
    rows.fold(Table::new("", columns), Table::with_row)
}

fn group_table(certified: &Certified) -> Table {
    let columns = [
        Column::text("exchangeable"),
        Column::number("units", NumberFormat::Fixed(0)),
        Column::text("moves"),
    ];
    let rows = certified.group.generators().iter().map(|generator| {
        let axes =
            generator.actions.iter().map(|action| format!("{} axis {}", action.parameter, action.axis));
        let axes = axes.collect::<Vec<_>>().join(", ");
        [Cell::from(generator.name.as_str()), Cell::from(generator.size as f64), Cell::from(axes)]
    });
    let table = Table::new("", columns);
    if certified.group.generators().is_empty() {
        return table.with_caption("No units can be exchanged.");
    }
    rows.fold(table, Table::with_row)
}

fn order_and_certificate(certified: &Certified) -> Entries {
    let entries = Entries::new()
        .with("arrangements", format!("10^{:.1}", certified.group.log10_order()))
        .with("certificate", verdict(certified));
    let refused = certified.refused.iter().map(|check| check.name.as_str()).collect::<Vec<_>>();
    if refused.is_empty() { entries } else { entries.with("not used", refused.join(", ")) }
}

fn verdict(certified: &Certified) -> String {
    let (word, comparison) =
        if certified.refused.is_empty() { ("passed", "at most") } else { ("failed", "up to") };
    format!(
        "{word}: outputs change by {comparison} {:.1e} of their size, {:.0e} is rounding ({} trials each)",
        worst(certified),
        symmetry::TOLERANCE,
        certified.certificate.trials
    )
}

/// The largest change of any test, of those that failed too.
fn worst(certified: &Certified) -> f64 {
    let refused = certified.refused.iter().map(|check| check.worst_relative);
    refused.fold(certified.certificate.worst_relative(), f64::max)
}

fn json(model: &Model, certified: &Certified) -> Value {
    let parameters: Vec<Value> = model
        .parameters()
        .into_iter()
        .map(|(name, shape)| json!({ "name": name, "shape": shape.to_vec(), "weights": shape.elements() }))
        .collect();
    let refused = certified.refused.iter().map(|check| check.name.as_str());
    json!({
        "model": model.spec(),
        "weights": model.elements(),
        "objective": model.target().map(|target| {
            json!({ "examples": model.input().to_string(), "labels": target.to_string() })
        }),
        "parameters": parameters,
        "groups": certified.group.generators().iter().map(group_json).collect::<Vec<_>>(),
        "log10_order": number(certified.group.log10_order()),
        "certificate": {
            "passed": certified.refused.is_empty(),
            "worst_relative": number(worst(certified)),
            "tolerance": number(symmetry::TOLERANCE),
            "trials": certified.certificate.trials,
            "refused": refused.collect::<Vec<_>>(),
        },
    })
}

fn group_json(generator: &Generator) -> Value {
    let axes =
        generator.actions.iter().map(|action| json!({ "parameter": action.parameter, "axis": action.axis }));
    json!({ "name": generator.name, "size": generator.size, "axes": axes.collect::<Vec<_>>() })
}
