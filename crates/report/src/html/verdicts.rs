//! Verdicts, told by word and shape and, besides, by colour.

use maud::{Markup, html as markup};

use crate::format::typographic;
use crate::schema::{Control, Measured, Outcome, Verdict};

/// How many claims held, failed and were not reached.
pub(super) fn tally(outcomes: impl Iterator<Item = Outcome>) -> Markup {
    let outcomes: Vec<Outcome> = outcomes.collect();
    let count = |wanted: Outcome| outcomes.iter().filter(|outcome| **outcome == wanted).count();
    markup! {
        p.tally {
            @for outcome in [Outcome::Held, Outcome::Failed, Outcome::NotReached] {
                @if count(outcome) > 0 { (badge(outcome, &format!("{} {}", count(outcome), outcome.word()))) }
            }
        }
    }
}

pub(super) fn cards(verdicts: &[Verdict]) -> Markup {
    markup! { div.verdicts { @for verdict in verdicts { (card(verdict)) } } }
}

fn card(verdict: &Verdict) -> Markup {
    markup! {
        article class=(format!("verdict {}", class(verdict.outcome))) {
            p.outcome { (badge(verdict.outcome, verdict.outcome.word())) }
            h3 { (verdict.claim) }
            @if !verdict.measured.is_empty() || !verdict.bound.is_empty() {
                dl {
                    @for measured in &verdict.measured { (number(measured)) }
                    @if !verdict.bound.is_empty() { div.bound { dt { "bound" } dd { (verdict.bound) } } }
                }
            }
            @if let Some(control) = &verdict.control { (control_markup(control, verdict.outcome)) }
            @if !verdict.note.is_empty() { p.note { (verdict.note) } }
        }
    }
}

fn number(measured: &Measured) -> Markup {
    let value = Measured { unit: String::new(), ..measured.clone() }.shown();
    markup! {
        div { dt { (measured.name) } dd { (typographic(&value)) @if !measured.unit.is_empty() { " " span.unit { (measured.unit) } } } }
    }
}

fn control_markup(control: &Control, outcome: Outcome) -> Markup {
    markup! {
        div class=(if control.flipped { "control" } else { "control unflipped" }) {
            p { strong { "Control" } " " (control.description) ": " (control.finding(outcome)) "." }
            @if !control.measured.is_empty() { dl { @for measured in &control.measured { (number(measured)) } } }
        }
    }
}

/// An outcome's sign with a text.
pub(super) fn badge(outcome: Outcome, text: &str) -> Markup {
    markup! {
        span class=(format!("badge {}", class(outcome))) {
            svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" { (sign(outcome)) }
            span { (text) }
        }
    }
}

fn sign(outcome: Outcome) -> Markup {
    markup! {
        circle cx="8" cy="8" r="8" {}
        @match outcome {
            Outcome::Held => path d="M4.5 8.3 7 10.8 11.6 5.6" {},
            Outcome::Failed => path d="M5.2 5.2 10.8 10.8M10.8 5.2 5.2 10.8" {},
            Outcome::NotReached => path d="M4.6 8H11.4" {},
        }
    }
}

fn class(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Held => "held",
        Outcome::Failed => "failed",
        Outcome::NotReached => "unreached",
    }
}
