//! Claims: what is measured where, and the bound.

use serde::Deserialize;

use super::Measure;

/// A claim with its bound.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// A short name.
    pub id: String,
    /// The claim in a sentence.
    pub text: String,
    /// Where in the paper.
    pub source: String,
    /// What is measured.
    pub measure: Measure,
    /// Where it is measured.
    #[serde(default)]
    pub at: Place,
    /// What is subtracted: the same measure of the same seeds elsewhere.
    #[serde(default)]
    pub minus: Option<Place>,
    /// Where the same measure must violate the bound, in place of the measure's own control: without the treatment, say.
    #[serde(default)]
    pub control: Option<Place>,
    /// The claim is about the largest rise of the measure from one to the next along these, in the recipe's order.
    #[serde(default)]
    pub along: Option<Along>,
    /// The claim holds where the measured value is at most this.
    #[serde(default)]
    pub at_most: Option<f64>,
    /// The claim holds where the measured value is at least this.
    #[serde(default)]
    pub at_least: Option<f64>,
}

/// Where in an experiment something is measured.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The arm; the last where none is named.
    #[serde(default)]
    pub arm: Option<String>,
    /// At which of the stages of training.
    #[serde(default)]
    pub after: Moment,
    /// The method; the arm's first where none is named.
    #[serde(default)]
    pub method: Option<String>,
}

/// Which of the stages of training that networks are compared at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Moment {
    /// The first.
    First,
    /// The last.
    #[default]
    Last,
}

/// Along what a trend is claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Along {
    /// The recipe's arms.
    Arms,
    /// The epochs after which networks are compared, from the first comparison on.
    Epochs,
}

impl Claim {
    /// What stands in for the treatment, in words.
    #[must_use]
    pub fn control_words(&self) -> String {
        let named = |place: &Place| format!("the same, {}", place.words());
        self.control.as_ref().map_or_else(|| self.measure.control.to_owned(), named)
    }

    /// Whether a measured value satisfies the bound. NaN never does.
    #[must_use]
    pub fn holds(&self, value: f64) -> bool {
        !value.is_nan()
            && self.at_most.is_none_or(|bound| value <= bound)
            && self.at_least.is_none_or(|bound| value >= bound)
    }

    /// The bound in words and figures.
    #[must_use]
    pub fn bound(&self) -> String {
        let unit = self.measure.unit;
        let side = |word: &str, bound: Option<f64>| {
            bound.map(|bound| format!("{word} {bound} {unit}").trim_end().to_owned())
        };
        let sides = [side("at most", self.at_most), side("at least", self.at_least)];
        sides.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    /// What is measured, in words.
    #[must_use]
    pub fn words(&self) -> String {
        let measure = self.measure.words;
        match (self.along, &self.minus) {
            (Some(Along::Arms), _) => format!("{measure}, largest rise from one arm to the next"),
            (Some(Along::Epochs), _) => format!("{measure}, largest rise from one epoch to the next"),
            (None, Some(minus)) => {
                format!("{measure}, {} minus {}", self.at.words(), minus.words())
            }
            (None, None) => measure.to_owned(),
        }
    }
}

impl Place {
    fn words(&self) -> String {
        let after = match self.after {
            Moment::First => "at the first comparison",
            Moment::Last => "at the last comparison",
        };
        let arm = self.arm.as_ref().map(|arm| format!("{arm} "));
        let method = self.method.as_ref().map(|method| format!(" by {method}"));
        format!("{}{after}{}", arm.unwrap_or_default(), method.unwrap_or_default())
    }
}
