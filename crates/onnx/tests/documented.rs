//! The documentation lists the operators that are read.

use std::{fs, path::Path};

use isoloss_onnx::operators;

#[test]
fn documented_operators_are_those_that_are_read() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/from-pytorch.md");
    let page = fs::read_to_string(page).unwrap();
    let (_, rest) = page.split_once("<!-- operators: checked by a test -->").unwrap();
    let (list, _) = rest.split_once("<!-- end -->").unwrap();
    let documented: Vec<&str> =
        list.split(',').map(|name| name.trim_matches(|c: char| c.is_whitespace() || c == '`')).collect();
    assert_eq!(documented, operators().collect::<Vec<_>>());
}
