//! Help texts, kept as files so that every change of a flag is seen. To accept what the program says now, run with
//! `ISOLOSS_ACCEPT_HELP=1`.

use std::{env, fs, path::Path};

use crate::support::Place;

const COMMANDS: [&str; 16] = [
    "demo",
    "train",
    "evaluate",
    "inspect",
    "align",
    "merge",
    "canonical",
    "convert",
    "barrier",
    "reproduce",
    "dump",
    "profile",
    "compare",
    "data",
    "bench",
    "completions",
];

#[test]
fn the_help_of_every_command_is_the_accepted_one() {
    let place = Place::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/help");
    for command in COMMANDS {
        let (path, found) = (folder.join(format!("{command}.txt")), place.text(&format!("{command} -h")));
        if env::var_os("ISOLOSS_ACCEPT_HELP").is_some() {
            fs::write(&path, found).unwrap();
            continue;
        }
        let accepted = fs::read_to_string(&path).unwrap_or_default();
        assert!(found == accepted, "the help of {command} is not that of {}:\n{found}", path.display());
    }
}

#[test]
fn long_help_teaches_with_examples_and_names_every_command() {
    let place = Place::new();
    let all = place.text("--help");
    for command in COMMANDS {
        assert!(all.contains(&format!("\n  {command} ")), "{command} is not in:\n{all}");
        let help = place.text(&format!("{command} --help"));
        assert!(help.contains("Examples:\n  "), "{help}");
        assert!(
            help.lines().nth(1) == Some("") && help.lines().nth(2).is_some_and(|line| line.len() > 60),
            "{help}"
        );
    }
    let merge = place.text("merge --help");
    assert!(
        merge.contains("Two networks or more; the first one stays as it is. Or one recipe, *.yaml\n")
            && merge.contains("docs/architectures.md")
    );
}

#[test]
fn the_version_is_told() {
    assert_eq!(Place::new().text("--version"), format!("isoloss {}\n", isoloss::VERSION));
}

#[test]
fn completions_are_printed_for_every_shell() {
    let place = Place::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        assert!(place.text(&format!("completions {shell}")).contains("barrier"), "{shell}");
    }
}
