//! The text of every primitive is the accepted one. `UPDATE_GOLDENS=1` accepts what is written now; then run the tests with
//! plugins (docs/devices.md).

use std::{env, fs, path::Path};

use graph::{Case, Prim};
use isoloss_pjrt::{Precision, stablehlo};

#[test]
fn the_text_of_every_primitive_is_the_accepted_one() {
    let cases = Prim::cases();
    let text = |name: &&str| {
        let case: &Case = cases.iter().find(|case| case.op.name() == *name).unwrap();
        format!(
            "// {}: {}\n{}",
            name,
            case.name,
            stablehlo(&testkit::laws::case_graph(case), &[], Precision::Exact)
        )
    };
    let found = Prim::NAMES.iter().map(text).collect::<Vec<_>>().join("\n");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/primitives.mlir");
    if env::var_os("UPDATE_GOLDENS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &found).unwrap();
    }
    let accepted = fs::read_to_string(&path).unwrap();
    for (found, accepted) in found.lines().zip(accepted.lines()) {
        assert_eq!(found, accepted);
    }
    assert_eq!(found.len(), accepted.len());
}
