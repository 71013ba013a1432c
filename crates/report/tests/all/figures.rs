//! Figures of ordinary and of awkward data.

use isoloss_report::{Axis, Color, Direction, Figure, Series, Style, svg};
use resvg::usvg::roxmltree::Document;

/// All colours, markers, styles, both scales, bands, gaps, references, highlights.
pub(crate) fn every_part() -> Figure {
    let colors =
        [Color::Blue, Color::Vermillion, Color::Green, Color::Purple, Color::Orange, Color::Sky, Color::Ink];
    let styles = [Style::Solid, Style::Dashed, Style::Dotted, Style::DashDot];
    let x: Vec<f64> = (0..5).map(|i| 10_f64.powi(i)).collect();
    let lines = colors.into_iter().enumerate().map(|(i, color)| {
        let y: Vec<f64> = (0..5).map(|k| f64::from(k) * 1e6 - 2e6 * i as f64).collect();
        let (low, high) = (y.iter().map(|y| y - 5e5).collect(), y.iter().map(|y| y + 5e5).collect());
        let line = Series::new(format!("series {i}"), x.clone(), y)
            .with_color(color)
            .with_style(styles[i % 4])
            .with_markers();
        if i < 2 { line.with_band(low, high) } else { line }
    });
    let gaps = Series::new("with gaps", x.clone(), vec![4e6, f64::NAN, 5e6, 6e6, f64::INFINITY]);
    let axes = (Axis::log("samples"), Axis::linear("score").with_unit("points"));
    let figure = Figure::new(
        "every-part",
        "Every part of a figure, with a title so long that it needs more than one line of the whole picture",
        axes.0,
        axes.1,
    )
    .with_caption("Invented numbers.")
    .with_reference(Direction::Horizontal, 0.0, "zero")
    .with_reference(Direction::Vertical, 20.0, "early")
    .with_reference(Direction::Vertical, 2000.0, "late")
    .with_highlight(1.0, 0.0, "first")
    .with_highlight(1e4, 4e6, "last");
    lines.fold(figure, Figure::with_series).with_series(gaps)
}

fn plain(x: Vec<f64>, y: Vec<f64>) -> Figure {
    Figure::new("plain", "t", Axis::linear("x"), Axis::linear("y")).with_series(Series::new("a", x, y))
}

/// Parses the picture and checks that every coordinate is a number of reasonable size.
fn checked(figure: &Figure) -> String {
    let text = svg(figure);
    let document = Document::parse(&text).expect("well-formed XML");
    for attribute in document.descendants().flat_map(|node| node.attributes()) {
        let name = attribute.name();
        if matches!(name, "x" | "y" | "x1" | "x2" | "y1" | "y2" | "cx" | "cy" | "d") {
            let numbers = attribute.value().split(['M', 'L', 'Z', ' ']).filter(|part| !part.is_empty());
            for number in numbers {
                let number: f64 = number.parse().unwrap_or(f64::NAN);
                assert!(number.abs() <= 10_000.0, "{name}=\"{}\"", attribute.value());
            }
        }
    }
    text
}

fn count(text: &str, part: &str) -> usize {
    text.matches(part).count()
}

#[test]
fn awkward_data_is_drawn_without_panic() {
    let awkward: [(&[f64], &[f64]); 14] = [
        (&[], &[]),
        (&[1.0], &[2.0]),
        (&[0.0, 1.0], &[3.0, 3.0]),
        (&[1.0, 1.0], &[0.0, 1.0]),
        (&[0.0, 1.0], &[f64::NAN, f64::NAN]),
        (&[f64::NAN], &[f64::INFINITY]),
        (&[0.0, 1.0], &[-1e300, 1e300]),
        (&[0.0, 1.0], &[f64::MIN, f64::MAX]),
        (&[0.0, 1e-300], &[5e-324, 1e-310]),
        (&[1e15, 1e15 + 1.0], &[1.0, 1.0 + f64::EPSILON]),
        (&[-1.0, 0.0], &[-5.0, -1e-9]),
        (&[3.0, 1.0, 2.0], &[1.0, 2.0, 3.0]),
        (&[0.0, 1.0], &[1e-9, 1e12]),
        (&[0.0, 1.0, 2.0], &[1.0]),
    ];
    for (x, y) in awkward {
        for (x_axis, y_axis) in [
            (Axis::linear("x"), Axis::linear("y")),
            (Axis::log("x"), Axis::log("y")),
            (Axis::linear("x").with_range(0.0, 0.0), Axis::log("y").with_range(f64::NAN, -1.0)),
            (Axis::log("x").with_range(1e-3, 1e3), Axis::linear("y").with_range(1.0, 1.000_1)),
        ] {
            let series =
                Series::new("a", x.to_vec(), y.to_vec()).with_band(y.to_vec(), x.to_vec()).with_markers();
            let figure = Figure::new("a", "t", x_axis, y_axis)
                .with_series(series)
                .with_reference(Direction::Horizontal, f64::NAN, "nowhere")
                .with_highlight(f64::INFINITY, 0.0, "nowhere");
            checked(&figure);
        }
    }
}

#[test]
fn data_that_cannot_be_drawn_is_counted() {
    assert!(checked(&plain(vec![], vec![])).contains("No data to draw"));
    let text = checked(&plain(vec![0.0, 1.0, 2.0], vec![1.0, f64::NAN, 3.0]));
    assert!(text.contains("1 of 3 points has no finite value and is left out."), "{text}");
    let mut figure = plain(vec![0.0, 1.0, 2.0], vec![1.0, 0.0, -3.0]);
    figure.y = Axis::log("y");
    assert!(checked(&figure).contains("2 of 3 points have no positive, finite value and are left out."));
}

#[test]
fn gaps_break_lines_and_lone_points_are_dots() {
    let text =
        checked(&plain((0..6).map(f64::from).collect(), vec![1.0, 2.0, f64::NAN, 3.0, f64::INFINITY, 4.0]));
    let strokes = count(&text, "fill=\"none\"");
    assert_eq!(
        (strokes, count(&text, "<circle")),
        (2, 2),
        "one line and its sample in the legend, two dots: {text}"
    );
}

#[test]
fn every_point_of_an_ordinary_line_is_drawn() {
    let n = 1000;
    let x: Vec<f64> = (0..n).map(f64::from).collect();
    let text = checked(&plain(x.clone(), x));
    let longest = text.lines().map(|line| count(line, "L")).max();
    assert_eq!(longest, Some(n as usize - 1));
}

#[test]
fn a_picture_on_its_own_states_its_colours_and_loads_nothing() {
    let text = checked(&every_part());
    assert!(!text.contains("var(") && !text.contains("href") && text.contains("fill=\"#ffffff\""));
    assert_eq!(count(&text, "url("), count(&text, "url(#"));
    assert!(
        text.contains("<title>Every part")
            && text.contains("<desc>Line chart of score (points) against samples")
    );
}

#[test]
fn lines_without_settings_differ_in_colour_and_dashes() {
    let line = |name: &str| Series::new(name, vec![0.0, 1.0], vec![0.0, 1.0]);
    let figure = ["a", "b", "c", "d"].map(line).into_iter().fold(plain(vec![], vec![]), Figure::with_series);
    let text = svg(&figure);
    let mut looks: Vec<&str> = text
        .lines()
        .filter(|line| line.contains("stroke-width=\"2\"") && line.contains("clip") == line.contains("never"))
        .filter_map(|line| line.split_once(" stroke=").map(|(_, look)| look))
        .collect();
    looks.sort_unstable();
    looks.dedup();
    assert_eq!(looks.len(), 5, "{looks:?}");
}

#[test]
fn the_same_figure_gives_the_same_bytes() {
    assert_eq!(svg(&every_part()), svg(&every_part()));
}
