//! ARCHITECTURE.md tells the truth about who uses whom, and the sources keep the house rules.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use cargo_metadata::{DependencyKind, MetadataCommand};
use isoloss_testkit::unsafe_code::rust_files;

type Arrows = BTreeMap<String, BTreeSet<String>>;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn short(package: &str) -> String {
    package.strip_prefix("isoloss-").unwrap_or(package).to_owned()
}

fn documented() -> Arrows {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let table = text.split("| crate | may use |").nth(1).expect("the dependency table");
    table
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let uses = cells[1].split(',').map(|name| name.trim().to_owned());
            (cells[0].to_owned(), uses.filter(|name| !name.is_empty()).collect())
        })
        .collect()
}

fn actual() -> Arrows {
    let metadata = MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .no_deps()
        .other_options(["--offline".to_owned()])
        .exec()
        .unwrap();
    let packages = metadata.packages.iter();
    packages
        .map(|package| {
            let ours = package
                .dependencies
                .iter()
                .filter(|dependency| dependency.kind == DependencyKind::Normal && dependency.path.is_some());
            (short(&package.name), ours.map(|dependency| short(&dependency.name)).collect())
        })
        .collect()
}

#[test]
fn the_dependency_table_equals_the_manifests() {
    assert_eq!(documented(), actual());
}

#[test]
fn no_source_file_is_longer_than_500_lines() {
    let files = rust_files(&root().join("crates")).unwrap();
    assert!(files.len() > 50, "the sources were found");
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        if text.starts_with("// @generated") {
            continue;
        }
        let lines = text.lines().count();
        assert!(lines <= 500, "{} has {lines} lines; one concept per file", file.display());
    }
}
