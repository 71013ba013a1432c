//! `isoloss inspect`: what a network is and which symmetry it has.

mod translations;

use std::path::PathBuf;

use clap::Args;
use isoloss::{
    models::Model,
    symmetry::{
        self, Certified, Certifier, Checked, Exponents, Family, Folding, Generator, Group, ParameterAxis,
    },
};
use report::{Cell, Column, Entries, KeyValues, NumberFormat, Report, Section, Table};
use serde_json::{Value, json};

use self::translations::Tested;
use super::Run;
use crate::{
    common::Common,
    drawing,
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
/// Besides there are translations: numbers that can be added to parameters without changing anything, as to the bias of keys,
/// or that other biases make up for, as those of the layer behind for the bias of a normalisation.
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
    /// Random elements that the certificate tries besides a cycle and an exchange of all units [default: 4, or none for networks of more
    /// than 20 million weights; ours]
    #[arg(long, value_name = "N")]
    trials: Option<usize>,
    /// Measure what each scale in front of a normalisation changes, not all of them at once
    #[arg(long)]
    each: bool,
    /// Folder for a report: report.html, report.json, and a drawing of the network with its classes in colours
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

/// Examples in the batch on which outputs are compared.
const BATCH: usize = 4;

impl Run for Inspect {
    fn common(&self) -> Common {
        self.common.clone()
    }

    fn run(&self, session: &Session) -> Result<Outcome, Failure> {
        self.out.as_deref().map_or(Ok(()), place::check_folder)?;
        let model = self.model()?;
        let (graphs, enough) = symmetry::trials(&model, BATCH);
        let trials = self.trials.unwrap_or(enough);
        let key = session.key().child("certificate");
        let whole = symmetry::graphs(&model, 1).pop().unwrap_or_else(|| unreachable!("a network has a mode"));
        let folding = symmetry::infer_folded(&whole);
        let graphs: Vec<_> = graphs.iter().collect();
        let mut certifier = Certifier::new(session.executor(), &graphs);
        let certified = certifier.certified(&folding.group, key, trials)?;
        let folded = match &folding.folds[..] {
            [] => None,
            _ => Some(certifier.folded(&folding, key, trials)?),
        };
        let key = session.key().child("approximate");
        let approximate = match self.each {
            true => certifier.approximations(&folding.group, key)?,
            false => certifier.approximation(&folding.group, key)?.into_iter().collect(),
        };
        let key = session.key().child("translations");
        let found = symmetry::translations(&whole);
        let tested = certifier.translations(&found.families, key)?;
        let translations = Tested { found, tested };
        let found = Found { certified, folding, folded, approximate, translations };
        let report = self.report(&model, &found);
        let text = report::text::report(&report);
        if let Some(folder) = &self.out {
            let drawing = drawing::diagram(graphs[0], &found.certified.group);
            let mut report = report;
            report.sections.insert(0, Section::new("The network").with_block(drawing));
            place::write_folder(folder, &report::bundle(&stamp::stamped(report, session))?)?;
        }
        Ok(Outcome { answer: Answer::from_claim(found.passed()), text, json: json(&model, &found) })
    }
}

/// What was found about a network.
struct Found {
    certified: Certified,
    folding: Folding,
    /// The group once gains are folded, where that brings anything.
    folded: Option<Certified>,
    /// What factors that hold but for epsilons change, all at once or each.
    approximate: Vec<Checked>,
    translations: Tested,
}

impl Found {
    fn passed(&self) -> bool {
        let groups = [Some(&self.certified), self.folded.as_ref()];
        groups.into_iter().flatten().all(|group| group.refused.is_empty()) && self.translations.passed()
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

    fn report(&self, model: &Model, found: &Found) -> Report {
        let subject = self.network.as_ref().map_or_else(|| model.spec(), |path| path.display().to_string());
        let report = Report::new("inspect", format!("Symmetry of {subject}"))
            .with_summary(format!("{model}, {} weights.{}", model.elements(), objective(model)))
            .with_section(Section::new("Parameters").with_block(parameter_table(model)))
            .with_section(
                Section::new("Symmetry")
                    .with_block(group_table(&found.certified, &found.certified.group, |_| true))
                    .with_block(KeyValues::new("", order_and_certificate(found))),
            );
        let folded = found.folded.as_ref().map(|folded| folded_section(found, folded));
        folded.into_iter().chain(found.translations.section()).fold(report, Report::with_section)
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

/// What the folding of gains adds: rotations.
fn folded_section(found: &Found, folded: &Certified) -> Section {
    let gains: Vec<&str> = found.folding.folds.iter().map(|fold| fold.gain.as_str()).collect();
    let is_new = |generator: &Generator| {
        let before = found.certified.group.generators().iter().find(|own| own.name == generator.name);
        generator.mixing.is_some() && before.is_none_or(|before| before.mixing.is_none())
    };
    let entries = Entries::new()
        .with("gains that what reads them can take over", gains.join(", "))
        .with("free real parameters", folded.group.dimension(false).to_string())
        .with("certificate", verdict(folded));
    Section::new("With gains folded")
        .with_block(group_table(folded, &found.certified.group, is_new))
        .with_block(KeyValues::new("", entries))
}

/// The generators of a group. Classes are numbered as in the drawing, which is that of the group `drawn`.
fn group_table(certified: &Certified, drawn: &Group, is_shown: impl Fn(&Generator) -> bool) -> Table {
    let class_of = |generator: &Generator| {
        let position = drawn.generators().iter().position(|other| other.name == generator.name);
        position.map(|position| position + 1)
    };
    let columns = [
        Column::number("class", NumberFormat::Fixed(0)),
        Column::text("what"),
        Column::number("number", NumberFormat::Fixed(0)),
        Column::text("each can be"),
        Column::text("acts on"),
    ];
    let rows = certified.group.generators().iter().filter(|generator| is_shown(generator)).map(|generator| {
        let axes =
            generator.actions.iter().map(|action| format!("{} axis {}", action.parameter, action.axis));
        [
            class_of(generator).map_or_else(|| Cell::from(""), |class| Cell::from(class as f64)),
            Cell::from(short_name(generator)),
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

/// A generator's name without that of its parent, after which it stands.
fn short_name(generator: &Generator) -> String {
    match generator.name.split_once(" within ") {
        Some((own, _)) if generator.parent.is_some() => format!("… in each: {own}"),
        _ => generator.name.clone(),
    }
}

/// What can be done with the slots of a generator, as `exchanged, scaled, turned`; factors with their number where there are
/// several, and whether there is a copy in each slot of another.
fn possibilities(generator: &Generator) -> String {
    let times = |word: &str, families: &[Family]| match families.len() {
        0 => None,
        1 => Some(word.to_owned()),
        count => Some(format!("{word} in {count} ways")),
    };
    let exchanged = generator.is_exchangeable.then(|| "exchanged".to_owned());
    let mixed = generator.mixing.as_ref().map(|mixing| {
        format!(
            "mixed by matrices ({}, dimension {})",
            mixing.group.name(),
            mixing.group.dimension(generator.size)
        )
    });
    let copies = (generator.copies > 1).then(|| format!("in each of {} apart", generator.copies));
    let all =
        [exchanged, times("scaled", &generator.scales), times("turned", &generator.signs), mixed, copies];
    all.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn order_and_certificate(Found { certified, folding, approximate, .. }: &Found) -> Entries {
    let group = &certified.group;
    let mut entries = Entries::new()
        .with("arrangements", format!("10^{:.1}", group.log10_order()))
        .with("free real parameters and signs", format!("{} and {}", group.dimension(false), group.signs()))
        .with("certificate", verdict(certified));
    if !folding.unfolded.is_empty() {
        let gains: Vec<&str> = folding.unfolded.iter().map(|unfolded| unfolded.gain.as_str()).collect();
        let text = format!("{}: more than linear maps read what they multiply", gains.join(", "));
        entries = entries.with("gains that stand in the way of rotations", text);
    }
    if let Some(worst) = worst_of(approximate) {
        let families = folding
            .group
            .generators()
            .iter()
            .flat_map(|generator| generator.scales.iter().chain(&generator.signs));
        entries = entries.with(
            "scales in front of normalisations",
            format!(
                "{} more, but for epsilons: outputs change by up to {worst:.1e} of their size",
                families.filter(|family| family.is_approximate).count()
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

fn json(model: &Model, Found { certified, folding, folded, approximate, translations }: &Found) -> Value {
    let parameters: Vec<Value> = model
        .parameters()
        .into_iter()
        .map(|(name, shape)| json!({ "name": name, "shape": shape.to_vec(), "weights": shape.elements() }))
        .collect();
    let mut answer = json!({
        "model": model.spec(),
        "weights": model.elements(),
        "objective": model.target().map(|target| {
            json!({ "examples": model.input().to_string(), "labels": target.to_string() })
        }),
        "parameters": parameters,
    });
    let group = certified_json(certified);
    if let (Value::Object(answer), Value::Object(group)) = (&mut answer, group) {
        answer.extend(group);
        let folds: Vec<&str> = folding.folds.iter().map(|fold| fold.gain.as_str()).collect();
        let unfolded: Vec<&str> = folding.unfolded.iter().map(|unfolded| unfolded.gain.as_str()).collect();
        let folding =
            json!({ "gains": folds, "not_foldable": unfolded, "group": folded.as_ref().map(certified_json) });
        answer.insert("folding".to_owned(), folding);
        let approximate = approximate
            .iter()
            .map(|check| json!({ "name": check.name, "relative_change": number(check.worst_relative) }));
        answer.insert("approximate".to_owned(), approximate.collect());
        answer.insert("translations".to_owned(), translations.json());
    }
    answer
}

fn certified_json(certified: &Certified) -> Value {
    let refused = certified.refused.iter().map(|check| check.name.as_str());
    json!({
        "groups": certified.group.generators().iter().map(group_json).collect::<Vec<_>>(),
        "log10_order": number(certified.group.log10_order()),
        "dimension": certified.group.dimension(false),
        "signs": certified.group.signs(),
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
        families.iter().map(|family| exponents_json(generator, &family.exponents)).collect::<Vec<_>>()
    };
    json!({
        "name": generator.name,
        "size": generator.size,
        "copies": generator.copies,
        "inside": generator.parent,
        "exchangeable": generator.is_exchangeable,
        "axes": axes.collect::<Vec<_>>(),
        "scales": families(&generator.scales),
        "signs": families(&generator.signs),
        "matrices": generator.mixing.as_ref().map(|mixing| json!({
            "group": mixing.group.name(),
            "dimension": mixing.group.dimension(generator.size),
            "powers": exponents_json(generator, &mixing.powers),
        })),
    })
}

/// For each axis the exponent of a slot's factor, or one for each of its indices there.
fn exponents_json(generator: &Generator, exponents: &[Exponents]) -> Value {
    let of_axis = |(action, exponents): (&ParameterAxis, &Exponents)| match exponents.common() {
        Some(exponent) => json!(exponent),
        None => json!((0..action.slots.block).map(|rank| exponents.of(rank)).collect::<Vec<_>>()),
    };
    generator.actions.iter().zip(exponents).map(of_axis).collect()
}
