//! The list of unsafe code is complete, and every use has its reason.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{env, fs, path::Path};

use isoloss_testkit::unsafe_code::{page, rust_files, uses};

fn root() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

#[test]
fn the_list_of_unsafe_code_is_up_to_date() {
    let (root, list) = (root(), root().join("docs/unsafe.md"));
    let page = page(&root, &root.join("crates/cpu/src")).unwrap();
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
fn every_use_has_a_reason_and_stands_in_the_executor() {
    for file in rust_files(&root().join("crates")).unwrap() {
        let uses = uses(&fs::read_to_string(&file).unwrap());
        let allowed = file.starts_with(root().join("crates/cpu/src"));
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
