//! `isoloss inspect`: what a network is and which symmetry it has.

use std::path::PathBuf;

use clap::Args;
use isoloss::{
    models::Model,
    symmetry::{self, Certified, Checked, Exponents, Family, Generator, ParameterAxis},
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
/// The symmetry is derived from the network's graph: which hidden units can be exchanged for each other, scaled or turned in
/// sign without changing what the network computes, and on which axes of which parameters that acts. The certificate tests
/// it in numbers: at random weights, random elements of everything together are applied and outputs are compared in
/// double precision, in training too where running statistics move along. Scales that a normalisation takes out but for its
/// epsilon are told apart, with the change that they make, and are not used. The order is the number of arrangements of the
/// units, given as its decimal logarithm.
///
/// Of an ONNX file that returns a loss it is said what its examples and labels are.
///
/// The answer is no, exit code 1, if something fails its certificate.
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
    /// Random elements that the certificate tries, each at new weights; the default is ours
    #[arg(long, value_name = "N", default_value_t = 4)]
    trials: usize,
    /// Folder for a report: report.html, report.json
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

/// Examples in the batch on which outputs are compared. Ours: with a new point in every trial few units are inactive in all,
/// and large networks run in seconds.
const BATCH: usize = 4;

impl Run for Inspect {
    fn common(&self) -> Common {
        self.common.clone()
    }

    fn run(&self, session: &Session) -> Result<Outcome, Failure> {
        self.out.as_deref().map_or(Ok(()), place::check_folder)?;
        let model = self.model()?;
        let graphs = symmetry::graphs(&model, BATCH);
        let key = session.key().child("certificate");
        let group = symmetry::infer(&graphs[graphs.len() - 1]);
        let graphs: Vec<_> = graphs.iter().collect();
        let certified = symmetry::certified(session.executor(), &graphs, &group, key, self.trials)?;
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
        Column::text("what"),
        Column::number("number", NumberFormat::Fixed(0)),
        Column::text("each can be"),
        Column::text("acts on"),
    ];
    let rows = certified.group.generators().iter().map(|generator| {
        let axes =
            generator.actions.iter().map(|action| format!("{} axis {}", action.parameter, action.axis));
        [
            Cell::from(generator.name.as_str()),
            Cell::from(generator.size as f64),
            Cell::from(possibilities(generator)),
            Cell::from(axes.collect::<Vec<_>>().join(", ")),
        ]
    });
    let table = Table::new("", columns);
    if certified.group.generators().is_empty() {
        return table.with_caption("Nothing can be exchanged, scaled or turned.");
    }
    rows.fold(table, Table::with_row)
}

/// What can be done with the slots of a generator, as `exchanged, scaled, turned`; factors with their number where there are
/// several.
fn possibilities(generator: &Generator) -> String {
    let times = |word: &str, families: &[Family]| match families.len() {
        0 => None,
        1 => Some(word.to_owned()),
        count => Some(format!("{word} in {count} ways")),
    };
    let exchanged = generator.is_exchangeable.then(|| "exchanged".to_owned());
    let all = [exchanged, times("scaled", &generator.scales), times("turned", &generator.signs)];
    all.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn order_and_certificate(certified: &Certified) -> Entries {
    let group = &certified.group;
    let mut entries = Entries::new()
        .with("arrangements", format!("10^{:.1}", group.log10_order()))
        .with("free scales and signs", format!("{} and {}", group.dimension(false), group.signs()))
        .with("certificate", verdict(certified));
    if let Some(worst) = worst_of(&certified.approximate) {
        entries = entries.with(
            "scales in front of normalisations",
            format!(
                "{} more, but for epsilons: outputs change by up to {worst:.1e} of their size",
                certified.approximate.len()
            ),
        );
    }
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
    let refused = worst_of(&certified.refused).unwrap_or(0.0);
    certified.certificate.worst_relative().max(refused)
}

fn worst_of(checks: &[Checked]) -> Option<f64> {
    checks.iter().map(|check| check.worst_relative).reduce(f64::max)
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
        "scales": certified.group.dimension(false),
        "signs": certified.group.signs(),
        "approximate": certified.approximate.iter().map(|check| {
            json!({ "name": check.name, "relative_change": number(check.worst_relative) })
        }).collect::<Vec<_>>(),
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
    let axes = generator.actions.iter().map(|action| {
        json!({ "parameter": action.parameter, "axis": action.axis, "indices_of_each": action.slots.block })
    });
    let families = |families: &[Family]| {
        families.iter().map(|family| exponents_json(generator, family)).collect::<Vec<_>>()
    };
    json!({
        "name": generator.name,
        "size": generator.size,
        "exchangeable": generator.is_exchangeable,
        "axes": axes.collect::<Vec<_>>(),
        "scales": families(&generator.scales),
        "signs": families(&generator.signs),
    })
}

/// For each axis the exponent of a slot's factor, or one for each of its indices there.
fn exponents_json(generator: &Generator, family: &Family) -> Value {
    let of_axis = |(action, exponents): (&ParameterAxis, &Exponents)| match exponents.common() {
        Some(exponent) => json!(exponent),
        None => json!((0..action.slots.block).map(|rank| exponents.of(rank)).collect::<Vec<_>>()),
    };
    generator.actions.iter().zip(&family.exponents).map(of_axis).collect()
}
