//! Figures as SVG.

mod diagram;
mod domain;
mod draw;
mod layout;
mod legend;
mod measure;
mod palette;
mod path;
mod series;
mod ticks;
mod writer;

use layout::Layout;
use writer::Writer;

use crate::schema::Figure;
pub(crate) use diagram::diagram_for;
pub use diagram::diagram_svg;
pub(crate) use palette::INKS;

/// What a figure is drawn for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// A file of its own: white, with heading and caption, 720 pixels wide.
    Paper,
    /// Inside a page that gives heading, caption and theme, 760 pixels wide.
    Wide,
    /// The same for small screens, 380 pixels wide.
    Narrow,
}

/// A figure as a picture on its own: white background, heading, legend below the plot, caption. The same figure gives
/// the same bytes. Points that are not finite are gaps, and a note below the legend counts them.
///
/// Text is laid out for Inter and falls back to the reader's sans-serif typeface.
pub fn svg(figure: &Figure) -> String {
    svg_for(figure, Look::Paper)
}

/// A figure as an SVG element for the given place.
pub(crate) fn svg_for(figure: &Figure, look: Look) -> String {
    let layout = Layout::new(figure, look);
    let mut out = Writer::new(look);
    draw::root(&mut out, &layout);
    draw::heading(&mut out, &layout);
    draw::axes(&mut out, &layout);
    series::areas_and_lines(&mut out, &layout);
    series::markers(&mut out, &layout);
    draw::references(&mut out, &layout);
    draw::highlights(&mut out, &layout);
    legend::draw(&mut out, &layout);
    draw::footing(&mut out, &layout);
    out.close("svg");
    out.finish()
}
