//! The symmetry of an architecture.

use report::Entries;

use crate::result::Symmetry;

/// What was found and proved, entry by entry.
pub(crate) fn symmetry_entries(symmetry: &Symmetry) -> Entries {
    let generators = symmetry.generators.iter().map(|(name, size)| format!("{name} ({size})"));
    Entries::new()
        .with("interchangeable units", generators.collect::<Vec<_>>().join("; "))
        .with("permutations that keep the function", format!("10^{:.1}", symmetry.log10_order))
        .with(
            "certificate",
            format!(
                "outputs change by at most {:.1e} of their size in f64 (allowed {:.0e})",
                symmetry.certificate_error, symmetry.certificate_tolerance
            ),
        )
}
