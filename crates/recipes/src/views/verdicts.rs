//! Verdicts on claims.

use report::{Control, Measured, NumberFormat, Verdict, Verdicts};

use super::mean_and_spread;
use crate::{recipe::Claim, verdict::Judgement};

/// The verdicts on claims with their measurements.
#[must_use]
pub fn verdict_block(judged: &[(Claim, Judgement)]) -> Verdicts {
    Verdicts::new(judged.iter().map(|(claim, judgement)| verdict(claim, judgement)))
}

fn verdict(claim: &Claim, judgement: &Judgement) -> Verdict {
    let text = format!("{} ({})", claim.text, claim.source);
    match judgement {
        Judgement::Measured { values, control } => {
            let flips = judgement.control_flips(claim);
            let control =
                Control::new(claim.control_words(), flips).with_measured(measured(claim, "mean", control));
            Verdict::new(text, judgement.outcome(claim))
                .with_measured(measured(claim, "mean", values))
                .with_measured(worst(claim, values))
                .with_bound(claim.bound())
                .with_control(control)
        }
        Judgement::NotReached { estimate_minutes, budget_minutes } => {
            Verdict::new(text, judgement.outcome(claim)).with_bound(claim.bound()).with_note(format!(
                "Estimated from the measured time of a step: more than {estimate_minutes:.1} minutes for everything; \
                 allowed are {budget_minutes:.0}."
            ))
        }
    }
}

fn measured(claim: &Claim, what: &str, values: &[f64]) -> Measured {
    let (mean, spread) = mean_and_spread(values);
    let measured = Measured::new(format!("{}, {what}", claim.words()), mean)
        .with_unit(claim.measure.unit)
        .with_format(NumberFormat::Fixed(4));
    if values.len() > 1 { measured.with_spread(spread) } else { measured }
}

fn worst(claim: &Claim, values: &[f64]) -> Measured {
    let worst = if claim.at_most.is_some() {
        values.iter().copied().fold(f64::NEG_INFINITY, f64::max)
    } else {
        values.iter().copied().fold(f64::INFINITY, f64::min)
    };
    Measured::new("worst", worst).with_unit(claim.measure.unit).with_format(NumberFormat::Fixed(4))
}
