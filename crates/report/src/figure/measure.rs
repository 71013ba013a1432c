//! How wide text is, so that labels get the room they need.

/// Advance widths of Inter Regular from U+0020 to U+007E, in units of 1/2816 em.
const ADVANCES: [u16; 95] = [
    792, 784, 1136, 1776, 1796, 2288, 1800, 624, 1020, 1020, 1408, 1856, 788, 1296, 776, 1004, 1760, 1308,
    1704, 1792, 1808, 1712, 1756, 1608, 1736, 1756, 776, 788, 1856, 1856, 1856, 1428, 2636, 1904, 1832, 2048,
    2024, 1684, 1652, 2092, 2084, 744, 1528, 1836, 1584, 2504, 2120, 2144, 1788, 2144, 1800, 1796, 1808,
    2088, 1904, 2672, 1808, 1872, 1760, 1020, 1004, 1020, 1320, 1272, 1400, 1588, 1748, 1572, 1748, 1640,
    1016, 1716, 1664, 668, 668, 1532, 668, 2448, 1648, 1680, 1716, 1716, 1048, 1472, 1024, 1636, 1568, 2288,
    1520, 1568, 1524, 1020, 920, 1020, 1856,
];
const UNITS_PER_EM: f64 = 2816.0;
/// For characters outside the table; the embedded glyphs outside ASCII average 0.57 em.
const OTHER_ADVANCE: u16 = 1690;

/// The width of text in pixels at a font size in pixels.
pub(super) fn width(text: &str, size: f64) -> f64 {
    let units: f64 = text.chars().map(|c| f64::from(advance(c))).sum();
    units / UNITS_PER_EM * size
}

fn advance(c: char) -> u16 {
    let index = u32::from(c).wrapping_sub(0x20) as usize;
    ADVANCES.get(index).copied().unwrap_or(OTHER_ADVANCE)
}

/// Text cut to a width in pixels, with an ellipsis where something is missing.
pub(super) fn cut(text: &str, size: f64, room: f64) -> String {
    if width(text, size) <= room {
        return text.to_owned();
    }
    let mut kept = String::new();
    for c in text.chars() {
        kept.push(c);
        if width(&kept, size) + width("…", size) > room {
            kept.pop();
            break;
        }
    }
    format!("{}…", kept.trim_end())
}

/// Text broken at spaces into lines of a width in pixels; a longer word gets a line of its own and is cut.
pub(super) fn wrapped(text: &str, size: f64, room: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if width(line, size) + width(" ", size) + width(word, size) <= room => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(cut(word, size, room)),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::{cut, width, wrapped};

    #[test]
    fn widths_agree_with_the_embedded_typeface() {
        use resvg::usvg::{Node, Tree};
        for text in ["loss along the segment", "0123456789", "AVAVA (nats)", "WwMmIi.,;'{}~"] {
            let svg = format!(
                "<svg xmlns='http://www.w3.org/2000/svg'><text y='50' font-size='100'>{text}</text></svg>"
            );
            let tree = Tree::from_str(&svg, &crate::png::options()).unwrap();
            let Some(Node::Text(node)) = tree.root().children().first() else {
                panic!("{text} has no glyphs")
            };
            let drawn = f64::from(node.bounding_box().width());
            assert!(
                (width(text, 100.0) / drawn - 1.0).abs() < 0.06,
                "{text}: {} {drawn}",
                width(text, 100.0)
            );
        }
    }

    #[test]
    fn every_line_of_wrapped_text_fits_and_no_word_is_lost() {
        let text = "the loss along the segment between two networks, before and after matching";
        let lines = wrapped(text, 12.0, 120.0);
        assert!(lines.len() > 3 && lines.iter().all(|line| width(line, 12.0) <= 120.0));
        assert_eq!(lines.join(" "), text);
    }

    #[test]
    fn cut_text_fits_and_ends_in_an_ellipsis() {
        let short = cut("a rather long name of a series", 12.0, 80.0);
        assert!(short.ends_with('…') && width(&short, 12.0) <= 80.0);
        assert_eq!(cut("short", 12.0, 80.0), "short");
    }
}
