//! Diagrams of networks: a row for each part, its tensors beside it, and lines from where each row gets what it takes.

use super::Look;
use super::layout::TYPEFACE;
use super::measure::{cut, width, wrapped};
use super::palette::Ink;
use super::writer::{Writer, number};
use crate::schema::{Diagram, DiagramAxis, DiagramRow, DiagramTensor, RowKind};

/// The width of a drawing. Sizes here are in pixels of it, and ours.
const WIDTH: f64 = 760.0;
const MARGIN: f64 = 8.0;
const LINE: f64 = 24.0;
const SIZE: f64 = 12.0;
const SMALL: f64 = 11.0;
/// The distance of two lines beside the rows, as far as there is room.
const LANE: f64 = 9.0;
/// The most room for such lines.
const LANES: f64 = 150.0;
/// The room for the names of rows.
const NAMES: f64 = 200.0;
const CHIP: f64 = 17.0;

/// A diagram as a picture on its own: white background, heading, legend, caption. The same diagram gives the same bytes.
pub fn diagram_svg(diagram: &Diagram) -> String {
    diagram_for(diagram, Look::Paper)
}

/// A diagram as an SVG element for the given place.
pub(crate) fn diagram_for(diagram: &Diagram, look: Look) -> String {
    let plan = Plan::new(diagram, look);
    let mut out = Writer::new(look);
    let tag = out.tag("svg").attr("xmlns", "http://www.w3.org/2000/svg").attr("role", "img");
    let tag = tag.attr("viewBox", &format!("0 0 {} {}", number(WIDTH), number(plan.height)));
    if look == Look::Paper {
        tag.num("width", WIDTH).num("height", plan.height).attr("font-family", TYPEFACE).open();
        out.tag("title").text(&diagram.title);
        out.tag("rect").attr("width", "100%").attr("height", "100%").fill(Ink::Paper).leaf();
        plan.headings(&mut out);
    } else {
        tag.attr("aria-label", &diagram.title).open();
    }
    plan.edges(&mut out);
    for (row, &top) in diagram.rows.iter().zip(&plan.tops) {
        plan.row(&mut out, row, top);
    }
    plan.legend(&mut out);
    out.close("svg");
    out.finish()
}

/// The colour of a class: hues a golden angle apart, so that any few that follow each other differ, in three lightnesses. Text
/// on them is black.
fn tint(class: usize) -> String {
    let hue = (class as f64 * 137.508 + 205.0) % 360.0;
    let lightness = [0.70, 0.80, 0.61][class % 3];
    let chroma = 0.62 * f64::min(lightness, 1.0 - lightness);
    let channel = |offset: f64| {
        let k = (offset + hue / 30.0) % 12.0;
        let value = lightness - chroma * f64::min(k - 3.0, 9.0 - k).clamp(-1.0, 1.0);
        (255.0 * value).round() as u8
    };
    format!("#{:02x}{:02x}{:02x}", channel(0.0), channel(8.0), channel(4.0))
}

/// Where everything is.
struct Plan<'d> {
    diagram: &'d Diagram,
    /// The top of each row.
    tops: Vec<f64>,
    /// The lane of each edge; none of one to the next row.
    lanes: Vec<Option<usize>>,
    lane: f64,
    /// Where the marks of rows are.
    spine: f64,
    bottom: f64,
    height: f64,
}

impl<'d> Plan<'d> {
    fn new(diagram: &'d Diagram, look: Look) -> Self {
        let lanes = lanes(&diagram.edges);
        let count = lanes.iter().flatten().max().map_or(0, |most| most + 1) as f64;
        let lane = f64::min(LANE, LANES / count.max(1.0));
        let spine = MARGIN + 6.0 + lane * count;
        let mut plan = Self {
            diagram,
            tops: Vec::with_capacity(diagram.rows.len()),
            lanes,
            lane,
            spine,
            bottom: 0.0,
            height: 0.0,
        };
        let caption = wrapped(&diagram.caption, SIZE, WIDTH - 2.0 * MARGIN).len() as f64;
        let mut top = if look == Look::Paper { 44.0 + 16.0 * caption } else { MARGIN };
        for row in &diagram.rows {
            plan.tops.push(top);
            let lines = plan.places(row).last().map_or(0.0, |place| place.line) + 1.0;
            top += LINE * lines;
        }
        plan.bottom = top;
        plan.height = top + MARGIN + LINE * diagram.shown_classes().len() as f64 + MARGIN;
        plan
    }

    fn names(&self) -> f64 {
        self.spine + 14.0
    }

    fn headings(&self, out: &mut Writer) {
        let title = out.tag("text").num("x", MARGIN).num("y", 26.0).num("font-size", 16.0);
        title.attr("font-weight", "600").fill(Ink::Text).text(&self.diagram.title);
        for (line, text) in wrapped(&self.diagram.caption, SIZE, WIDTH - 2.0 * MARGIN).iter().enumerate() {
            let tag = out.tag("text").num("x", MARGIN).num("y", 46.0 + 16.0 * line as f64);
            tag.num("font-size", SIZE).fill(Ink::Muted).text(text);
        }
    }

    /// Where the tensors of a row are, beside its name and below.
    fn places<'r>(&self, row: &'r DiagramRow) -> Vec<Place<'r>> {
        let left = self.names() + NAMES;
        let (mut x, mut line) = (left, 0.0);
        let mut places = Vec::with_capacity(row.tensors.len());
        for tensor in &row.tensors {
            let room = Place { tensor, x, line }.width();
            if x > left && x + room > WIDTH - MARGIN {
                (x, line) = (left, line + 1.0);
            }
            places.push(Place { tensor, x, line });
            x += room + 14.0;
        }
        places
    }

    fn row(&self, out: &mut Writer, row: &DiagramRow, top: f64) {
        let middle = top + LINE / 2.0;
        match row.kind {
            RowKind::Part => {
                let mark = out.tag("rect").num("x", self.spine - 4.5).num("y", middle - 4.5);
                mark.num("width", 9.0).num("height", 9.0).attr("rx", "2").fill(Ink::Text).leaf();
            }
            RowKind::Repeated => {
                for offset in [-5.0, 0.0, 5.0] {
                    let dot = out.tag("circle").num("cx", self.spine).num("cy", middle + offset);
                    dot.num("r", 1.6).fill(Ink::Text).leaf();
                }
            }
            RowKind::Input | RowKind::Join | RowKind::Output => {
                let ring = out.tag("circle").num("cx", self.spine).num("cy", middle).num("r", 4.0);
                ring.attr("stroke-width", "1.5").fill(Ink::Paper).stroke(Ink::Text).leaf();
            }
        }
        let room = if row.tensors.is_empty() { WIDTH - self.names() - MARGIN } else { NAMES - 12.0 };
        let ink = if row.kind == RowKind::Part { Ink::Text } else { Ink::Muted };
        let name = out.tag("text").num("x", self.names()).num("y", middle + 4.0).num("font-size", SIZE);
        name.fill(ink).text(&end_of(&row.name, room));
        for place in self.places(row) {
            place.draw(out, middle + LINE * place.line);
        }
    }

    /// Straight to the next row, and around those between to others.
    fn edges(&self, out: &mut Writer) {
        for (&(from, to), lane) in self.diagram.edges.iter().zip(&self.lanes) {
            let [start, end] = [from, to].map(|row| self.tops[row] + LINE / 2.0);
            let path = match lane {
                None => format!("M{} {}V{}", number(self.spine), number(start), number(end)),
                Some(lane) => {
                    let x = self.spine - 10.0 - self.lane * *lane as f64;
                    let turn = if end > start { 8.0 } else { -8.0 };
                    format!(
                        "M{spine} {start}Q{x} {start} {x} {}V{}Q{x} {end} {} {end}",
                        number(start + turn),
                        number(end - turn),
                        number(self.spine - 6.0),
                        spine = number(self.spine),
                        start = number(start),
                        end = number(end),
                        x = number(x),
                    )
                }
            };
            let line = out.tag("path").attr("d", &path).attr("fill", "none").attr("stroke-width", "1.4");
            line.stroke(Ink::Axis).leaf();
            if lane.is_some() {
                let head = format!("M{} {}l-5 -3v6z", number(self.spine - 4.0), number(end));
                out.tag("path").attr("d", &head).fill(Ink::Axis).leaf();
            }
        }
    }

    fn legend(&self, out: &mut Writer) {
        for (line, class) in self.diagram.shown_classes().into_iter().enumerate() {
            let middle = self.bottom + MARGIN + LINE * (line as f64 + 0.5);
            let text = (class + 1).to_string();
            let room = f64::max(22.0, width(&text, SMALL) + 10.0);
            chip(out, [MARGIN, middle], room, &[class], &text);
            let name = out.tag("text").num("x", MARGIN + room + 8.0).num("y", middle + 4.0);
            let name = name.num("font-size", SIZE).fill(Ink::Text);
            name.text(&cut(&self.diagram.classes[class], SIZE, WIDTH - 2.0 * MARGIN - room - 8.0));
        }
    }
}

/// A name cut to a width, at its start, as names of parts differ in their ends.
fn end_of(name: &str, room: f64) -> String {
    if width(name, SIZE) <= room {
        return name.to_owned();
    }
    let rest = name.char_indices().map(|(at, _)| format!("…{}", &name[at..]));
    rest.skip(1).find(|rest| width(rest, SIZE) <= room).unwrap_or_default()
}

/// Where a tensor is drawn.
struct Place<'d> {
    tensor: &'d DiagramTensor,
    x: f64,
    /// The line of its row, from 0.
    line: f64,
}

impl Place<'_> {
    fn width(&self) -> f64 {
        let chips: f64 = self.tensor.axes.iter().map(|axis| chip_width(axis) + 3.0).sum();
        width(&self.tensor.name, SMALL) + 5.0 + chips
    }

    fn draw(&self, out: &mut Writer, middle: f64) {
        let name = out.tag("text").num("x", self.x).num("y", middle + 4.0).num("font-size", SMALL);
        name.fill(Ink::Muted).text(&self.tensor.name);
        let mut x = self.x + width(&self.tensor.name, SMALL) + 5.0;
        for axis in &self.tensor.axes {
            chip(out, [x, middle], chip_width(axis), &axis.classes, &axis_text(axis));
            x += chip_width(axis) + 3.0;
        }
    }
}

/// The number of indices, and behind a colon the numbers of the classes.
fn axis_text(axis: &DiagramAxis) -> String {
    let classes: Vec<String> = axis.classes.iter().map(|class| (class + 1).to_string()).collect();
    match &classes[..] {
        [] => axis.size.to_string(),
        classes => format!("{}:{}", axis.size, classes.join(",")),
    }
}

fn chip_width(axis: &DiagramAxis) -> f64 {
    width(&axis_text(axis), SMALL) + 9.0
}

/// A field with the colours of these classes side by side.
fn chip(out: &mut Writer, [x, middle]: [f64; 2], room: f64, classes: &[usize], text: &str) {
    let each = room / classes.len().max(1) as f64;
    for (at, class) in classes.iter().enumerate() {
        let field = out.tag("rect").num("x", x + each * at as f64).num("y", middle - CHIP / 2.0);
        field.num("width", each).num("height", CHIP).attr("fill", &tint(*class)).leaf();
    }
    let frame = out.tag("rect").num("x", x).num("y", middle - CHIP / 2.0).num("width", room);
    frame.num("height", CHIP).attr("fill", "none").attr("stroke-width", "1").stroke(Ink::Axis).leaf();
    let label = out.tag("text").num("x", x + room / 2.0).num("y", middle + 4.0).num("font-size", SMALL);
    let label = label.attr("text-anchor", "middle");
    let label = if classes.is_empty() { label.fill(Ink::Muted) } else { label.attr("fill", "#14171c") };
    label.text(text);
}

/// A lane for each edge that does not lead to the next row, the short ones nearest to the rows, so that none in one lane overlap.
fn lanes(edges: &[(usize, usize)]) -> Vec<Option<usize>> {
    let span = |edge: usize| {
        let (from, to) = edges[edge];
        (from.min(to), from.max(to))
    };
    let mut order: Vec<usize> = (0..edges.len()).filter(|&edge| edges[edge].1 != edges[edge].0 + 1).collect();
    order.sort_by_key(|&edge| (span(edge).1 - span(edge).0, span(edge).0));
    let mut lanes = vec![None; edges.len()];
    let mut taken: Vec<Vec<(usize, usize)>> = Vec::new();
    for edge in order {
        let (low, high) = span(edge);
        let is_free = |spans: &Vec<(usize, usize)>| spans.iter().all(|&(from, to)| to <= low || high <= from);
        let lane = taken.iter().position(is_free).unwrap_or_else(|| {
            taken.push(Vec::new());
            taken.len() - 1
        });
        taken[lane].push((low, high));
        lanes[edge] = Some(lane);
    }
    lanes
}

#[cfg(test)]
mod tests {
    use super::{lanes, tint};

    #[test]
    fn edges_in_one_lane_do_not_overlap_and_short_ones_are_inside() {
        assert_eq!(
            lanes(&[(0, 1), (0, 2), (2, 4), (0, 4), (5, 3)]),
            [None, Some(0), Some(0), Some(2), Some(1)]
        );
    }

    #[test]
    fn classes_that_follow_each_other_have_different_colours() {
        let channels = |class: usize| -> Vec<i32> {
            let text = tint(class);
            (0..3)
                .map(|at| i32::from_str_radix(&text[1 + 2 * at..3 + 2 * at], 16).expect("hexadecimal"))
                .collect()
        };
        for class in 0..60 {
            for other in class + 1..class + 6 {
                let (one, two) = (channels(class), channels(other));
                let distance: i32 = one.iter().zip(&two).map(|(one, two)| (one - two).abs()).sum();
                assert!(distance > 40, "{class} {other}: {one:?} {two:?}");
            }
            // Dark text is readable on all of them.
            assert!(channels(class).iter().sum::<i32>() > 300, "{class}");
        }
    }
}
