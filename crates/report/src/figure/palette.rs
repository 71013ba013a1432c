//! Colours and dashes.

use crate::schema::{Color, Figure, Style};

/// What a shape is painted with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ink {
    /// The background.
    Paper,
    /// Text that matters.
    Text,
    /// Text that explains.
    Muted,
    /// Grid lines.
    Grid,
    /// Axis lines.
    Axis,
    /// A series.
    Series(Color),
}

/// Every ink, for pages that declare them.
pub(crate) const INKS: [Ink; 12] = [
    Ink::Paper,
    Ink::Text,
    Ink::Muted,
    Ink::Grid,
    Ink::Axis,
    Ink::Series(Color::Blue),
    Ink::Series(Color::Vermillion),
    Ink::Series(Color::Green),
    Ink::Series(Color::Purple),
    Ink::Series(Color::Orange),
    Ink::Series(Color::Sky),
    Ink::Series(Color::Ink),
];

impl Ink {
    /// The CSS variable's name, without dashes.
    pub(crate) fn name(self) -> &'static str {
        self.entry().0
    }

    /// The colour on white.
    pub(crate) fn light(self) -> &'static str {
        self.entry().1
    }

    /// The colour on a dark page.
    pub(crate) fn dark(self) -> &'static str {
        self.entry().2
    }

    fn entry(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Paper => ("paper", "#ffffff", "#14171c"),
            Self::Text => ("text", "#1b1f24", "#e8eaed"),
            Self::Muted => ("muted", "#5b636e", "#a2abb6"),
            Self::Grid => ("grid", "#e6e8eb", "#2a2f37"),
            Self::Axis => ("axis", "#8b939d", "#6c7682"),
            Self::Series(Color::Blue) => ("blue", "#0072b2", "#4fa8e0"),
            Self::Series(Color::Vermillion) => ("vermillion", "#d55e00", "#f0803c"),
            Self::Series(Color::Green) => ("green", "#009e73", "#2fc49a"),
            Self::Series(Color::Purple) => ("purple", "#cc79a7", "#e3a1c5"),
            Self::Series(Color::Orange) => ("orange", "#e69f00", "#f2b93b"),
            Self::Series(Color::Sky) => ("sky", "#56b4e9", "#9ad4f6"),
            Self::Series(Color::Ink) => ("ink", "#000000", "#ffffff"),
        }
    }
}

impl Style {
    /// SVG's dash array for a line two pixels wide with round caps; nothing for a solid line.
    pub(super) fn dashes(self) -> Option<&'static str> {
        match self {
            Self::Solid => None,
            Self::Dashed => Some("7 5"),
            Self::Dotted => Some("0.1 4.5"),
            Self::DashDot => Some("9 4.5 0.1 4.5"),
        }
    }
}

/// How each series looks: as it says, otherwise by its position.
pub(crate) fn appearances(figure: &Figure) -> Vec<(Color, Style)> {
    const COLORS: [Color; 7] =
        [Color::Blue, Color::Vermillion, Color::Green, Color::Purple, Color::Orange, Color::Sky, Color::Ink];
    const STYLES: [Style; 4] = [Style::Solid, Style::Dashed, Style::DashDot, Style::Dotted];
    let look = |(i, series): (usize, &crate::schema::Series)| {
        (series.color.unwrap_or(COLORS[i % COLORS.len()]), series.style.unwrap_or(STYLES[i % STYLES.len()]))
    };
    figure.series.iter().enumerate().map(look).collect()
}
