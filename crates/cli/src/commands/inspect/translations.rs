//! What `isoloss inspect` tells of translations.

use isoloss::symmetry::{self, CertifiedTranslations, Reach, Term, Translation, Translations};
use report::{Block, Cell, Column, Entries, KeyValues, NumberFormat, Section, Table};
use serde_json::{Value, json};

use crate::json::number;

/// The translations that were found, and how they fared.
pub(super) struct Tested {
    pub(super) found: Translations,
    pub(super) tested: CertifiedTranslations,
}

impl Tested {
    pub(super) fn passed(&self) -> bool {
        self.tested.refused.is_empty() && self.tested.jointly.passed()
    }

    fn worst(&self) -> f64 {
        let refused = self.tested.refused.iter().map(|check| check.worst_relative);
        refused.fold(self.tested.jointly.worst_relative, f64::max)
    }

    /// The section of the report; `None` where there are no translations.
    pub(super) fn section(&self) -> Option<Section> {
        if self.found.families.is_empty() {
            return None;
        }
        let columns = [
            Column::text("what"),
            Column::number("number", NumberFormat::Fixed(0)),
            Column::text("adds to"),
            Column::text("made up for by"),
        ];
        let row = |own: &Translation| {
            let terms: Vec<String> = own.terms.iter().map(|term| words(own, term)).collect();
            [
                Cell::from(own.name.clone()),
                Cell::from(own.dimension() as f64),
                Cell::from(terms.join("; ")),
                Cell::from(biases(own).join(", ")),
            ]
        };
        let table = self.tested.translations.iter().map(row).fold(Table::new("", columns), Table::with_row);
        let refused: Vec<&str> = self.tested.refused.iter().map(|check| check.name.as_str()).collect();
        let word = if self.passed() { "passed" } else { "failed" };
        let entries = Entries::new()
            .with("independent numbers that can be added", self.found.dimension.to_string())
            .with(
                "certificate",
                format!(
                    "{word}: outputs change by {:.1e} of their size, {:.0e} is rounding",
                    self.worst(),
                    symmetry::TOLERANCE
                ),
            );
        let entries = if refused.is_empty() { entries } else { entries.with("not used", refused.join(", ")) };
        let blocks: [Block; 2] = [table.into(), KeyValues::new("", entries).into()];
        Some(blocks.into_iter().fold(Section::new("Translations"), Section::with_block))
    }

    pub(super) fn json(&self) -> Value {
        let families = self.tested.translations.iter().map(|own| {
            let terms = own.terms.iter().map(|term| {
                let weighed = weighed_axes(own, term).into_iter();
                let weighed: Vec<Value> =
                    weighed.map(|(axis, by)| json!({ "axis": axis, "by": by })).collect();
                json!({
                    "parameter": term.parameter,
                    "factor": term.factor,
                    "same_along": even_axes(term),
                    "weighed_along": weighed,
                })
            });
            json!({
                "name": own.name,
                "dimension": own.dimension(),
                "terms": terms.collect::<Vec<_>>(),
                "made_up_for_by": biases(own),
            })
        });
        let refused = self.tested.refused.iter().map(|check| check.name.as_str());
        json!({
            "dimension": self.found.dimension,
            "families": families.collect::<Vec<_>>(),
            "certificate": {
                "passed": self.passed(),
                "worst_relative": number(self.worst()),
                "tolerance": number(symmetry::TOLERANCE),
                "refused": refused.collect::<Vec<_>>(),
            },
        })
    }
}

/// A term, as `-1 × wte.weight, the same along axis 0` or `fc.weight, along axis 1 by 1 / ln_2.weight`.
fn words(own: &Translation, term: &Term) -> String {
    let factor = if term.factor == 1.0 { String::new() } else { format!("{} × ", term.factor) };
    let axes: Vec<String> = even_axes(term).iter().map(ToString::to_string).collect();
    let even = match &axes[..] {
        [] => String::new(),
        [axis] => format!(", the same along axis {axis}"),
        axes => format!(", the same along axes {}", axes.join(" and ")),
    };
    let weighed =
        weighed_axes(own, term).into_iter().map(|(axis, by)| format!(", along axis {axis} by {by}"));
    format!("{factor}{}{even}{}", term.parameter, weighed.collect::<String>())
}

/// The axes along which the same is added.
fn even_axes(term: &Term) -> Vec<usize> {
    let axes = term.axes.iter().enumerate();
    axes.filter(|(_, reach)| matches!(reach, Reach::Every)).map(|(axis, _)| axis).collect()
}

/// The axes along which something is added in proportion to weights, with these.
fn weighed_axes<'a>(own: &'a Translation, term: &Term) -> Vec<(usize, &'a str)> {
    let weights = |number: usize| own.compensation.as_ref().and_then(|own| own.weights.get(number));
    let axes = term.axes.iter().enumerate();
    let weighed = axes.filter_map(|(axis, reach)| match reach {
        Reach::Weighed(number) => weights(*number).map(|by| (axis, by.as_str())),
        Reach::Every | Reach::Each { .. } => None,
    });
    weighed.collect()
}

/// The biases that make up for a translation.
fn biases(own: &Translation) -> &[String] {
    own.compensation.as_ref().map_or(&[], |compensation| &compensation.parameters)
}
