//! Everything in a figure but the series.

use super::Look;
use super::layout::{Area, LABEL_SIZE, Layout, SMALL_LINE, TICK_SIZE, TITLE_LINE, TITLE_SIZE, TYPEFACE};
use super::measure::{cut, width};
use super::palette::Ink;
use super::path::Place;
use super::ticks::Tick;
use super::writer::{Tag, Writer, number};
use crate::schema::{Direction, Scale, Series};

/// The opening of the picture, its description and its background.
pub(super) fn root(out: &mut Writer, layout: &Layout<'_>) {
    let (width, height) = (number(layout.width), number(layout.height));
    let tag = out.tag("svg").attr("xmlns", "http://www.w3.org/2000/svg");
    let tag = tag.attr("viewBox", &format!("0 0 {width} {height}")).attr("role", "img");
    if layout.look == Look::Paper {
        tag.attr("width", &width)
            .attr("height", &height)
            .attr("font-family", TYPEFACE)
            .attr("text-rendering", "geometricPrecision")
            .open();
        out.tag("title").text(&layout.figure.title);
        out.tag("desc").text(&description(layout));
        out.tag("rect").attr("width", "100%").attr("height", "100%").fill(Ink::Paper).leaf();
    } else {
        let class = if layout.look == Look::Wide { "wide" } else { "narrow" };
        let label = format!("{}. {}", layout.figure.title, description(layout));
        place_data(tag.attr("class", class).attr("aria-label", &label), layout).open();
    }
    clip(out, layout);
}

/// What the page's script needs to find the numbers under the pointer.
fn place_data<'w>(tag: Tag<'w>, layout: &Layout<'_>) -> Tag<'w> {
    let Area { left, top, right, bottom } = layout.plot;
    let axis = |axis: &super::domain::Domain| {
        let scale = if axis.scale == Scale::Log { "log" } else { "linear" };
        format!("{scale} {:e} {:e}", axis.low, axis.high)
    };
    let colors: Vec<&str> = layout.looks.iter().map(|(color, _)| Ink::Series(*color).name()).collect();
    tag.attr("data-plot", &[left, top, right, bottom].map(number).join(" "))
        .attr("data-x", &axis(&layout.x))
        .attr("data-y", &axis(&layout.y))
        .attr("data-colors", &colors.join(" "))
}

fn clip(out: &mut Writer, layout: &Layout<'_>) {
    let Area { left, top, right, bottom } = layout.plot;
    out.tag("clipPath").attr("id", &layout.part_id("plot")).open();
    let rect = out.tag("rect").num("x", left - 1.5).num("y", top - 1.5);
    rect.num("width", right - left + 3.0).num("height", bottom - top + 3.0).leaf();
    out.close("clipPath");
}

fn description(layout: &Layout<'_>) -> String {
    let figure = layout.figure;
    let names: Vec<&str> = figure.series.iter().map(|series| series.name.as_str()).collect();
    let count = names.len();
    format!(
        "Line chart of {} against {}; {count} {}: {}.",
        figure.y.full_label(),
        figure.x.full_label(),
        if count == 1 { "line" } else { "lines" },
        names.join(", ")
    )
}

/// The title of a picture on its own.
pub(super) fn heading(out: &mut Writer, layout: &Layout<'_>) {
    for (i, line) in layout.title.iter().enumerate() {
        let text =
            out.tag("text").num("x", layout.margin).num("y", layout.margin + 14.0 + TITLE_LINE * i as f64);
        text.num("font-size", TITLE_SIZE).attr("font-weight", "600").fill(Ink::Text).text(line);
    }
}

/// Grid, ticks and labels of both axes.
pub(super) fn axes(out: &mut Writer, layout: &Layout<'_>) {
    y_axis(out, layout);
    x_axis(out, layout);
    if layout.figure.series.iter().flat_map(Series::points).all(|(x, y)| layout.place(x, y).is_none()) {
        let Area { left, top, right, bottom } = layout.plot;
        let text = label(out, ((left + right) / 2.0, (top + bottom) / 2.0), LABEL_SIZE, "middle");
        text.fill(Ink::Muted).text("No data to draw");
    }
}

fn y_axis(out: &mut Writer, layout: &Layout<'_>) {
    let Area { left, top, right, .. } = layout.plot;
    for Tick { at, label: name } in &layout.y_ticks.marks {
        let y = layout.up(layout.y.fraction_of_coordinate(*at));
        match name {
            Some(name) => {
                rule(out, (left, y), (right, y)).stroke(Ink::Grid).leaf();
                label(out, (left - 9.0, y + 4.2), TICK_SIZE, "end").fill(Ink::Muted).text(name);
            }
            None => {
                rule(out, (left, y), (left + 4.0, y)).stroke(Ink::Axis).attr("stroke-width", "0.8").leaf();
            }
        }
    }
    if !layout.y_label.is_empty() {
        label(out, (layout.margin, top - 17.0), LABEL_SIZE, "start").fill(Ink::Muted).text(&layout.y_label);
    }
}

fn x_axis(out: &mut Writer, layout: &Layout<'_>) {
    let Area { left, right, bottom, .. } = layout.plot;
    rule(out, (left, bottom), (right, bottom)).stroke(Ink::Axis).leaf();
    for Tick { at, label: name } in &layout.x_ticks.marks {
        let x = layout.across(layout.x.fraction_of_coordinate(*at));
        let length = if name.is_some() { 5.0 } else { 3.0 };
        rule(out, (x, bottom), (x, bottom + length)).stroke(Ink::Axis).leaf();
        if let Some(name) = name {
            label(out, (x, bottom + 19.0), TICK_SIZE, "middle").fill(Ink::Muted).text(name);
        }
    }
    if !layout.x_label.is_empty() {
        let middle = (left + right) / 2.0;
        label(out, (middle, bottom + 39.0), LABEL_SIZE, "middle").fill(Ink::Muted).text(&layout.x_label);
    }
}

fn rule(out: &mut Writer, from: Place, to: Place) -> Tag<'_> {
    out.tag("line").num("x1", from.0).num("y1", from.1).num("x2", to.0).num("y2", to.1)
}

fn label<'w>(out: &'w mut Writer, at: Place, size: f64, anchor: &str) -> Tag<'w> {
    out.tag("text").num("x", at.0).num("y", at.1).num("font-size", size).attr("text-anchor", anchor)
}

/// Text over data keeps a rim of the background.
fn rimmed<'w>(out: &'w mut Writer, at: Place, anchor: &str) -> Tag<'w> {
    let text = label(out, at, TICK_SIZE, anchor).fill(Ink::Text).stroke(Ink::Paper);
    text.attr("stroke-width", "4").attr("stroke-linejoin", "round").attr("paint-order", "stroke")
}

pub(super) fn references(out: &mut Writer, layout: &Layout<'_>) {
    for line in &layout.figure.references {
        let axis = if line.direction == Direction::Horizontal { &layout.y } else { &layout.x };
        let Some(fraction) = axis.fraction(line.value).filter(|fraction| (0.0..=1.0).contains(fraction))
        else {
            continue;
        };
        match line.direction {
            Direction::Horizontal => across(out, layout, layout.up(fraction), &line.label),
            Direction::Vertical => upright(out, layout, layout.across(fraction), &line.label),
        }
    }
}

fn across(out: &mut Writer, layout: &Layout<'_>, y: f64, name: &str) {
    let Area { left, top, right, .. } = layout.plot;
    dashed(rule(out, (left, y), (right, y)));
    let baseline = if y - top < 18.0 { y + 15.0 } else { y - 6.0 };
    if !name.is_empty() {
        rimmed(out, (right - 2.0, baseline), "end").text(&cut(name, TICK_SIZE, right - left));
    }
}

fn upright(out: &mut Writer, layout: &Layout<'_>, x: f64, name: &str) {
    let Area { left, top, right, bottom } = layout.plot;
    dashed(rule(out, (x, bottom), (x, top)));
    let (at, anchor) = if x > (left + right) / 2.0 { (x - 6.0, "end") } else { (x + 6.0, "start") };
    if !name.is_empty() {
        rimmed(out, (at, top + 11.0), anchor).text(&cut(name, TICK_SIZE, (right - left) / 2.0));
    }
}

fn dashed(line: Tag<'_>) {
    line.stroke(Ink::Muted).attr("stroke-width", "1.2").attr("stroke-dasharray", "4 3").leaf();
}

pub(super) fn highlights(out: &mut Writer, layout: &Layout<'_>) {
    let Area { left, top, right, .. } = layout.plot;
    for point in &layout.figure.highlights {
        let Some((x, y)) = layout.place(point.x, point.y).filter(|place| layout.shows(*place)) else {
            continue;
        };
        let ring = out.tag("circle").num("cx", x).num("cy", y).num("r", 6.0).attr("fill", "none");
        ring.stroke(Ink::Text).attr("stroke-width", "1.5").leaf();
        if point.label.is_empty() {
            continue;
        }
        let name = cut(&point.label, TICK_SIZE, right - left);
        let half = width(&name, TICK_SIZE) / 2.0;
        let middle = x.max(left + half).min(right - half);
        let baseline = if y - top < 26.0 { y + 22.0 } else { y - 13.0 };
        rimmed(out, (middle, baseline), "middle").text(&name);
    }
}

/// The note about missing points and the caption of a picture on its own.
pub(super) fn footing(out: &mut Writer, layout: &Layout<'_>) {
    if let Some(note) = &layout.note {
        let note = cut(note, TICK_SIZE, layout.width - 2.0 * layout.margin);
        label(out, (layout.margin, layout.note_top + 12.0), TICK_SIZE, "start").fill(Ink::Muted).text(&note);
    }
    for (i, line) in layout.caption.iter().enumerate() {
        let at = (layout.margin, layout.caption_top + 12.0 + SMALL_LINE * i as f64);
        label(out, at, TICK_SIZE, "start").fill(Ink::Muted).text(line);
    }
}
