//! Outputs that must not change unnoticed. `UPDATE_GOLDENS=1 cargo test -p isoloss-report` writes them anew.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use isoloss_report::{Figure, csv, markdown, svg, text};

use crate::{figures, sample};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/goldens")
}

fn sample_figure(id: &str) -> Figure {
    let report = sample::report();
    report.figures().find(|figure| figure.id == id).expect("the sample has this figure").clone()
}

fn outputs() -> Vec<(&'static str, String)> {
    vec![
        ("report.json", sample::report().to_json()),
        ("report.txt", text::report(&sample::report())),
        ("report.md", markdown::report(&sample::report())),
        ("index.json", sample::index().to_json()),
        ("index.md", markdown::index(&sample::index())),
        ("loss.svg", svg(&sample_figure("loss"))),
        ("loss.csv", csv(&sample_figure("loss"))),
        ("matching.svg", svg(&sample_figure("matching"))),
        ("every-part.svg", svg(&figures::every_part())),
    ]
}

#[test]
fn outputs_equal_the_goldens() {
    let update = std::env::var_os("UPDATE_GOLDENS").is_some();
    for (name, found) in outputs() {
        let path = folder().join(name);
        if update {
            fs::write(&path, &found).unwrap();
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        let line = found.lines().zip(expected.lines()).position(|(a, b)| a != b);
        assert!(
            found == expected,
            "{name} differs from its golden, first at line {:?}",
            line.map(|line| line + 1)
        );
    }
}

#[test]
fn every_golden_is_used() {
    let files = fs::read_dir(folder()).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let names = outputs().into_iter().map(|(name, _)| name.to_owned());
    assert_eq!(files.collect::<BTreeSet<_>>(), names.collect::<BTreeSet<_>>());
}
