//! Where everything in a figure stands.

use super::Look;
use super::domain::Domain;
use super::legend;
use super::measure::{cut, width, wrapped};
use super::palette::appearances;
use super::path::Place;
use super::ticks::{Ticks, ticks};
use crate::format::superscript;
use crate::schema::{Axis, Color, Direction, Figure, Scale, Series, Style};

pub(super) const TITLE_SIZE: f64 = 16.0;
pub(super) const TYPEFACE: &str = "Inter, 'Helvetica Neue', Helvetica, Arial, sans-serif";
pub(super) const TITLE_LINE: f64 = 21.0;
pub(super) const LABEL_SIZE: f64 = 13.0;
pub(super) const TICK_SIZE: f64 = 12.0;
pub(super) const SMALL_LINE: f64 = 17.0;
/// Semi-bold letters are wider than the regular ones that are measured.
const BOLD: f64 = 1.06;

/// The plot's edges in pixels.
#[derive(Clone, Copy)]
pub(super) struct Area {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) right: f64,
    pub(super) bottom: f64,
}

/// A figure with the places of its parts.
pub(super) struct Layout<'f> {
    pub(super) figure: &'f Figure,
    pub(super) look: Look,
    pub(super) looks: Vec<(Color, Style)>,
    pub(super) x: Domain,
    pub(super) y: Domain,
    pub(super) x_ticks: Ticks,
    pub(super) y_ticks: Ticks,
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) margin: f64,
    pub(super) plot: Area,
    pub(super) title: Vec<String>,
    pub(super) x_label: String,
    pub(super) y_label: String,
    pub(super) legend: Vec<legend::Row>,
    pub(super) legend_top: f64,
    pub(super) note: Option<String>,
    pub(super) note_top: f64,
    pub(super) caption: Vec<String>,
    pub(super) caption_top: f64,
}

impl<'f> Layout<'f> {
    pub(super) fn new(figure: &'f Figure, look: Look) -> Self {
        let (width, plot_height, margin) = match look {
            Look::Paper => (720.0, 300.0, 20.0),
            Look::Wide => (760.0, 300.0, 1.0),
            Look::Narrow => (380.0, 230.0, 1.0),
        };
        let room = width - 2.0 * margin;
        let (x, y) = (x_domain(figure), y_domain(figure));
        let x_ticks = ticks(&x, if look == Look::Narrow { 4 } else { 7 });
        let y_ticks = ticks(&y, if look == Look::Narrow { 4 } else { 5 });
        let paper_lines =
            |text: &str, size: f64| if look == Look::Paper { wrapped(text, size, room) } else { Vec::new() };
        let title = paper_lines(&figure.title, TITLE_SIZE * BOLD);
        let caption = paper_lines(&figure.caption, TICK_SIZE);
        let (x_label, y_label) =
            (axis_label(&figure.x, &x_ticks, room), axis_label(&figure.y, &y_ticks, room));
        let legend = legend::rows(figure, room);
        let note = missing_note(figure, &x, &y);

        let mut down = Cursor(margin);
        down.by(if title.is_empty() { 0.0 } else { title.len() as f64 * TITLE_LINE + 9.0 });
        down.by(if y_label.is_empty() { 8.0 } else { 30.0 });
        let top = down.by(plot_height);
        let bottom = down.by(if x_label.is_empty() { 22.0 } else { 42.0 });
        let legend_top = down.by(0.0) + 8.0;
        down.by(if legend.is_empty() { 0.0 } else { 8.0 + legend.len() as f64 * legend::LINE });
        let note_top = down.by(if note.is_some() { SMALL_LINE + 4.0 } else { 0.0 }) + 4.0;
        let caption_top = down.by(0.0) + 8.0;
        down.by(if caption.is_empty() { 0.0 } else { 8.0 + caption.len() as f64 * SMALL_LINE });
        let height = down.by(margin) + margin;

        let left = margin + widest(&y_ticks) + 9.0;
        let right = width - margin - (widest(&x_ticks) / 2.0).max(8.0);
        let plot = Area { left, top, right, bottom };
        let looks = appearances(figure);
        Self {
            figure,
            look,
            looks,
            x,
            y,
            x_ticks,
            y_ticks,
            width,
            height,
            margin,
            plot,
            title,
            x_label,
            y_label,
            legend,
            legend_top,
            note,
            note_top,
            caption,
            caption_top,
        }
    }

    /// The horizontal place of a fraction of the axis.
    pub(super) fn across(&self, fraction: f64) -> f64 {
        near(self.plot.left + fraction * (self.plot.right - self.plot.left))
    }

    /// The vertical place of a fraction of the axis.
    pub(super) fn up(&self, fraction: f64) -> f64 {
        near(self.plot.bottom - fraction * (self.plot.bottom - self.plot.top))
    }

    /// The place of a point, if it can be drawn; it may lie outside the plot.
    pub(super) fn place(&self, x: f64, y: f64) -> Option<Place> {
        Some((self.across(self.x.fraction(x)?), self.up(self.y.fraction(y)?)))
    }

    /// Whether a place is inside the plot or on its edge.
    pub(super) fn shows(&self, place: Place) -> bool {
        let Area { left, top, right, bottom } = self.plot;
        (left - 0.5..=right + 0.5).contains(&place.0) && (top - 0.5..=bottom + 0.5).contains(&place.1)
    }

    /// A name for parts of this picture that no other picture of the page has.
    pub(super) fn part_id(&self, part: &str) -> String {
        let id: String = self
            .figure
            .id
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' })
            .collect();
        let look = match self.look {
            Look::Paper => "paper",
            Look::Wide => "wide",
            Look::Narrow => "narrow",
        };
        format!("{id}-{look}-{part}")
    }
}

/// Goes down the page; each step returns where it began.
struct Cursor(f64);

impl Cursor {
    fn by(&mut self, step: f64) -> f64 {
        let from = self.0;
        self.0 += step;
        from
    }
}

/// Far outside the plot one place is as good as another, and renderers dislike huge coordinates.
fn near(pixels: f64) -> f64 {
    pixels.clamp(-10_000.0, 10_000.0)
}

fn x_domain(figure: &Figure) -> Domain {
    let series = figure.series.iter().flat_map(|series| series.points().map(|point| point.0));
    let lines = reference_values(figure, Direction::Vertical);
    Domain::new(&figure.x, series.chain(lines).chain(figure.highlights.iter().map(|point| point.x)), 0.0)
}

fn y_domain(figure: &Figure) -> Domain {
    let series = figure.series.iter().flat_map(|series| series.points().map(|point| point.1));
    let bands = figure.series.iter().filter_map(|series| series.band.as_ref());
    let edges = bands.flat_map(|band| band.low.iter().chain(&band.high).copied());
    let lines = reference_values(figure, Direction::Horizontal);
    let points = figure.highlights.iter().map(|point| point.y);
    Domain::new(&figure.y, series.chain(edges).chain(lines).chain(points), 0.05)
}

fn reference_values(figure: &Figure, direction: Direction) -> impl Iterator<Item = f64> {
    figure.references.iter().filter(move |line| line.direction == direction).map(|line| line.value)
}

fn widest(ticks: &Ticks) -> f64 {
    ticks
        .marks
        .iter()
        .filter_map(|mark| mark.label.as_ref())
        .map(|label| width(label, TICK_SIZE))
        .fold(0.0, f64::max)
}

fn axis_label(axis: &Axis, ticks: &Ticks, room: f64) -> String {
    let power = ticks.power;
    let factor = if power == 0 { String::new() } else { format!("×10{}", superscript(&power.to_string())) };
    let parts: Vec<&str> =
        [axis.unit.as_str(), &factor].into_iter().filter(|part| !part.is_empty()).collect();
    let label =
        if parts.is_empty() { axis.label.clone() } else { format!("{} ({})", axis.label, parts.join(", ")) };
    cut(&label, LABEL_SIZE, room)
}

fn missing_note(figure: &Figure, x: &Domain, y: &Domain) -> Option<String> {
    let points = || figure.series.iter().flat_map(Series::points);
    let missing = points().filter(|(a, b)| x.fraction(*a).is_none() || y.fraction(*b).is_none()).count();
    let which =
        if [x, y].iter().any(|axis| axis.scale == Scale::Log) { "positive, finite" } else { "finite" };
    let verb = if missing == 1 { "has" } else { "have" };
    (missing > 0)
        .then(|| {
            format!("{missing} of {} points {verb} no {which} value and are left out.", points().count())
        })
        .map(|note| if missing == 1 { note.replace("are left out", "is left out") } else { note })
}
