//! Writes the table of accuracies in `docs/accuracy.md`:
//!
//! ```text
//! cargo run -p isoloss-cpu --example accuracy > docs/accuracy.md
//! ```

use std::io::{self, Write as _};

use isoloss_cpu::Accuracy;

const HEAD: &str = "\
# Accuracy of elementary functions

Generated from the code by `cargo run -p isoloss-cpu --example accuracy > docs/accuracy.md`; a test compares.

The CPU executor computes these functions of `f32` by itself, with the same bits on every processor. Errors are in units
in the last place (ulp) of the exact result, which is rounded correctly at 0.5. The bound is stated and tested over the
whole range; the error found is the largest over about a million arguments of either sign.

Arithmetic, square roots and conversions are rounded correctly. `log1p` and `power` of `f32` and all transcendental
functions of `f64` are those of the standard library, but for `erf` of `f64`, which is that of crate `libm`.

| function | bound, ulp | found, ulp |
|---|---|---|
";

/// One `f32` in so many is tried; odd, so that all bits vary.
const STEP: usize = 4093;

fn page() -> String {
    let row = |accuracy: Accuracy| {
        let (found, _) = accuracy.worst(STEP);
        format!("| {} | {} | {found:.2} |\n", accuracy.name, accuracy.bound_ulp)
    };
    HEAD.to_owned() + &Accuracy::all().map(row).concat()
}

fn main() -> io::Result<()> {
    io::stdout().write_all(page().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_in_docs_is_the_generated_one() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/accuracy.md");
        let found = std::fs::read_to_string(path).expect("the page is there");
        assert!(found == page(), "regenerate docs/accuracy.md with the command it names");
    }
}
