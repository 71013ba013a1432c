//! The list of unsafe code is complete, and every use has its reason.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{env, fs, path::Path};

use isoloss_testkit::unsafe_code::{page, rust_files, uses};

fn root() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The folders that may have unsafe code.
fn allowed() -> Vec<std::path::PathBuf> {
    ["crates/cpu/src", "crates/pjrt/src/binding"].map(|folder| root().join(folder)).into()
}

#[test]
fn the_list_of_unsafe_code_is_up_to_date() {
    let (root, list) = (root(), root().join("docs/unsafe.md"));
    let page = page(&root, &allowed()).unwrap();
    if env::var_os("ISOLOSS_ACCEPT_UNSAFE").is_some() {
        fs::write(&list, &page).unwrap();
    }
    let written = fs::read_to_string(&list).unwrap();
    assert!(
        written == page,
        "docs/unsafe.md is not what the sources say; its head says how to write it anew"
    );
}

#[test]
fn every_use_has_a_reason_and_stands_where_it_may() {
    for file in rust_files(&root().join("crates")).unwrap() {
        let uses = uses(&fs::read_to_string(&file).unwrap());
        let allowed = allowed().iter().any(|folder| file.starts_with(folder));
        assert!(allowed || uses.is_empty(), "{} has unsafe code", file.display());
        assert!(uses.iter().all(|found| !found.reason.is_empty()), "{}: {uses:?}", file.display());
    }
}

#[test]
fn a_use_without_a_reason_is_seen() {
    let bare = format!("fn f() {{\n    {} {{ g() }}\n}}\n", concat!("un", "safe"));
    assert_eq!(uses(&bare)[0].reason, "");
    let reasoned = bare.replace("    un", "    // SAFETY: g asks\n    // for nothing.\n    un");
    assert_eq!(uses(&reasoned)[0].reason, "g asks for nothing.");
}
