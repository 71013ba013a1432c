//! PNG files, read back.

use isoloss_report::{Axis, Figure, Series, png, svg};
use resvg::tiny_skia::Pixmap;

use crate::{figures, sample};

fn decoded(figure: &Figure) -> Pixmap {
    Pixmap::decode_png(&png(figure).expect("a drawn figure")).expect("a PNG file")
}

/// How many pixels of a rectangle, given in the SVG's coordinates, are not white.
fn inked(picture: &Pixmap, (left, top): (u32, u32), (right, bottom): (u32, u32)) -> usize {
    let places = (2 * top..2 * bottom).flat_map(|y| (2 * left..2 * right).map(move |x| (x, y)));
    places
        .filter(|(x, y)| {
            picture.pixel(*x, *y).is_some_and(|p| (p.red(), p.green(), p.blue()) != (255, 255, 255))
        })
        .count()
}

#[test]
fn a_png_is_twice_as_large_as_its_svg() {
    let figure = figures::every_part();
    let height = svg(&figure)
        .split(" height=\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next()?.parse::<f64>().ok())
        .unwrap();
    let picture = decoded(&figure);
    assert_eq!((picture.width(), f64::from(picture.height())), (1440, (2.0 * height).ceil()));
}

#[test]
fn text_is_drawn_with_the_embedded_typeface() {
    let report = sample::report();
    let loss = report.figures().find(|figure| figure.id == "loss").unwrap();
    let picture = decoded(loss);
    assert!(inked(&picture, (20, 20), (300, 40)) > 500, "the title");
    assert!(inked(&picture, (20, 45), (100, 65)) > 100, "the label of the vertical axis");
    assert!(inked(&picture, (20, 80), (40, 370)) > 100, "the ticks of the vertical axis");
    assert_eq!(inked(&picture, (0, 0), (720, 15)), 0, "the margin is white");
}

#[test]
fn greek_and_mathematical_letters_have_glyphs() {
    let labelled = |label: &str| {
        let figure = Figure::new("a", "", Axis::linear(""), Axis::linear(label));
        inked(&decoded(&figure.with_series(Series::new("", vec![], vec![]))), (20, 15), (700, 45))
    };
    let blank = labelled(" ");
    for c in "ληθσπΔΣ×·±−≤≥≈≠∞∂√ℓ⁻¹²³→°é".chars() {
        assert!(labelled(&c.to_string()) > blank, "{c} has no glyph");
    }
}
