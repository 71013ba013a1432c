//! Sizes in bytes as people write them.

/// The units, in bytes.
const UNITS: [(&str, f64); 7] = [
    ("KB", 1e3),
    ("MB", 1e6),
    ("GB", 1e9),
    ("KIB", 1024.0),
    ("MIB", 1024.0 * 1024.0),
    ("GIB", 1024.0 * 1024.0 * 1024.0),
    ("B", 1.0),
];

/// Reads a size such as `2GB`, `500 MB`, `1.5GiB` or `1000`.
pub(crate) fn parse(text: &str) -> Result<usize, String> {
    let capitals = text.trim().to_uppercase();
    let unit =
        UNITS.into_iter().find_map(|(unit, bytes)| capitals.strip_suffix(unit).map(|rest| (rest, bytes)));
    let (number, factor) = unit.unwrap_or((&capitals, 1.0));
    let bytes = number.trim().parse::<f64>().map(|number| number * factor);
    match bytes {
        Ok(bytes) if (1.0..1e18).contains(&bytes) => Ok(bytes as usize),
        _ => Err("expected a size of at least a byte, as 2GB or 500MB".to_owned()),
    }
}

/// As `2.5 GB`, in the largest unit that leaves at least 1.
pub(crate) fn text(bytes: usize) -> String {
    let bytes = bytes as f64;
    match UNITS[..3].iter().rev().find(|(_, factor)| bytes >= *factor) {
        Some((unit, factor)) => format!("{:.1} {unit}", bytes / factor),
        None => format!("{bytes:.0} B"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_in_any_unit() {
        let sizes = ["2GB", "500 mb", "1.5KiB", "1000", "7B"].map(|text| parse(text).unwrap());
        assert_eq!(sizes, [2_000_000_000, 500_000_000, 1536, 1000, 7]);
        for wrong in ["", "GB", "-1GB", "0", "nan", "inf", "2TB"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn sizes_are_told_in_a_unit_that_fits() {
        assert_eq!([999, 1_000, 2_540_000, 3_000_000_000].map(text), ["999 B", "1.0 KB", "2.5 MB", "3.0 GB"]);
    }
}
