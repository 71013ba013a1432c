//! Bands, lines and markers.

use super::layout::Layout;
use super::palette::Ink;
use super::path::{Place, area, line, runs, thinned};
use super::writer::{Tag, Writer};
use crate::schema::{Band, Color, Series, Style};

/// Markers closer than this to the previous one are left out.
const MARKER_SPACING: f64 = 9.0;

pub(super) fn areas_and_lines(out: &mut Writer, layout: &Layout<'_>) {
    out.tag("g").attr("clip-path", &format!("url(#{})", layout.part_id("plot"))).open();
    for (series, (color, _)) in layout.figure.series.iter().zip(&layout.looks) {
        if let Some(band) = &series.band {
            draw_band(out, layout, series, band, *color);
        }
    }
    for (series, look) in layout.figure.series.iter().zip(&layout.looks) {
        draw_line(out, layout, series, *look);
    }
    out.close("g");
}

fn draw_band(out: &mut Writer, layout: &Layout<'_>, series: &Series, band: &Band, color: Color) {
    let edges = series.x.iter().zip(band.low.iter().zip(&band.high));
    let places = edges.map(|(x, (low, high))| Some((layout.place(*x, *low)?, layout.place(*x, *high)?)));
    let (mut low, mut high) = (Vec::new(), Vec::new());
    for pair in places {
        low.push(pair.map(|pair| pair.0));
        high.push(pair.map(|pair| pair.1));
    }
    for (low, high) in runs(low.into_iter()).iter().zip(&runs(high.into_iter())) {
        let data = area(&thinned(low), &thinned(high));
        out.tag("path").attr("d", &data).fill(Ink::Series(color)).attr("fill-opacity", "0.16").leaf();
    }
}

fn draw_line(out: &mut Writer, layout: &Layout<'_>, series: &Series, (color, style): (Color, Style)) {
    for run in runs(series.points().map(|(x, y)| layout.place(x, y))) {
        match run.as_slice() {
            [(x, y)] => {
                let dot = out.tag("circle").num("cx", *x).num("cy", *y).num("r", 2.5);
                dot.fill(Ink::Series(color)).leaf();
            }
            _ => stroked(out.tag("path").attr("d", &line(&thinned(&run))), color, style).leaf(),
        }
    }
}

/// Paints a path as a series' line.
pub(super) fn stroked(path: Tag<'_>, color: Color, style: Style) -> Tag<'_> {
    let path = path.attr("fill", "none").stroke(Ink::Series(color)).attr("stroke-width", "2");
    let path = path.attr("stroke-linejoin", "round").attr("stroke-linecap", "round");
    match style.dashes() {
        Some(dashes) => path.attr("stroke-dasharray", dashes),
        None => path,
    }
}

pub(super) fn markers(out: &mut Writer, layout: &Layout<'_>) {
    for (series, (color, _)) in
        layout.figure.series.iter().zip(&layout.looks).filter(|(series, _)| series.markers)
    {
        let mut last: Option<Place> = None;
        for place in
            series.points().filter_map(|(x, y)| layout.place(x, y)).filter(|place| layout.shows(*place))
        {
            if last.is_none_or(|(x, y)| (place.0 - x).hypot(place.1 - y) >= MARKER_SPACING) {
                marker(out, *color, place);
                last = Some(place);
            }
        }
    }
}

/// A small shape that tells a colour without colour.
pub(super) fn marker(out: &mut Writer, color: Color, (x, y): Place) {
    let polygon = |corners: &[Place]| {
        let corners: Vec<Place> = corners.iter().map(|(dx, dy)| (x + dx, y + dy)).collect();
        format!("{}Z", line(&corners))
    };
    let data = match color {
        Color::Blue => {
            let circle = out.tag("circle").num("cx", x).num("cy", y).num("r", 4.0);
            return circle.fill(Ink::Series(color)).stroke(Ink::Paper).leaf();
        }
        Color::Ink => {
            let ring = out.tag("circle").num("cx", x).num("cy", y).num("r", 3.4).fill(Ink::Paper);
            return ring.stroke(Ink::Series(color)).attr("stroke-width", "1.6").leaf();
        }
        Color::Vermillion => polygon(&[(-3.6, -3.6), (3.6, -3.6), (3.6, 3.6), (-3.6, 3.6)]),
        Color::Green => polygon(&[(0.0, -4.8), (4.4, 3.4), (-4.4, 3.4)]),
        Color::Purple => polygon(&[(0.0, -5.0), (5.0, 0.0), (0.0, 5.0), (-5.0, 0.0)]),
        Color::Orange => polygon(&[(0.0, 4.8), (4.4, -3.4), (-4.4, -3.4)]),
        Color::Sky => polygon(&[
            (-1.5, -4.5),
            (1.5, -4.5),
            (1.5, -1.5),
            (4.5, -1.5),
            (4.5, 1.5),
            (1.5, 1.5),
            (1.5, 4.5),
            (-1.5, 4.5),
            (-1.5, 1.5),
            (-4.5, 1.5),
            (-4.5, -1.5),
            (-1.5, -1.5),
        ]),
    };
    out.tag("path").attr("d", &data).fill(Ink::Series(color)).stroke(Ink::Paper).leaf();
}
