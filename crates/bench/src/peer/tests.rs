//! The protocol, with scripts that the shell runs instead of Python.

use std::{fs, os::unix::fs::symlink};

use serde_json::json;
use tempfile::TempDir;

use super::*;

/// An environment whose `python` is the shell, and one script.
fn peers(script: &str, required: bool) -> (TempDir, Peers) {
    let folder = tempfile::tempdir().unwrap();
    let environment = folder.path().join("environment");
    fs::create_dir_all(environment.join("bin")).unwrap();
    symlink("/bin/sh", environment.join("bin/python")).unwrap();
    fs::write(folder.path().join("peer.py"), script).unwrap();
    let scripts = folder.path().to_owned();
    (folder, Peers { environment, scripts, threads: 3, required })
}

fn call() -> Call {
    Call::new("Peer", "peer.py", &["--mode", "eager"]).with_case("step")
}

fn ask(script: &str, required: bool) -> Result<Answer, BenchError> {
    let (_folder, peers) = peers(script, required);
    peers.ask(&call())
}

#[test]
fn a_timing_becomes_the_sole_case() {
    let script = r#"echo '{"peer": "p", "version": {"x": "1"}, "configuration": "c", "runs_ms": [2.0, 1.0], "median_ms": 1.5}'"#;
    let Ok(Answer::Present(report)) = ask(script, true) else { panic!("the peer is there") };
    assert_eq!(
        report.cases,
        [PeerCase { name: "step".to_owned(), runs_ms: vec![2.0, 1.0], objective: None }]
    );
    assert_eq!((report.version, report.configuration.as_str()), (json!({"x": "1"}), "c"));
    assert_eq!(report.raw["median_ms"], 1.5);
}

#[test]
fn cases_are_named_after_kind_and_size() {
    let script = r#"echo '{"cases": [{"kind": "relu", "n": 512, "runs_ms": [3.5], "median_ms": 3.5, "objective": 7.0}]}'"#;
    let Ok(Answer::Present(report)) = ask(script, true) else { panic!("the peer is there") };
    assert_eq!(
        report.cases,
        [PeerCase { name: "relu-512".to_owned(), runs_ms: vec![3.5], objective: Some(7.0) }]
    );
}

#[test]
fn threads_and_arguments_reach_the_script() {
    let script = r#"echo "{\"runs_ms\": [1], \"configuration\": \"$*\"}""#;
    let Ok(Answer::Present(report)) = ask(script, true) else { panic!("the peer is there") };
    assert_eq!(report.configuration, "--threads 3 --mode eager");
}

const ABSENT: &str = r#"echo '{"peer": "p", "error": "ImportError: no jax", "absent": true}'; exit 3"#;

#[test]
fn an_absent_package_is_no_error_unless_peers_are_required() {
    assert_eq!(ask(ABSENT, false).unwrap(), Answer::Absent("ImportError: no jax".to_owned()));
    let message = ask(ABSENT, true).unwrap_err().to_string();
    assert!(
        message.contains("Peer is absent: ImportError: no jax") && message.contains("install.sh"),
        "{message}"
    );
}

#[test]
fn an_absent_environment_is_no_error_unless_peers_are_required() {
    let (_folder, mut peers) = peers("", false);
    peers.environment.push("elsewhere");
    assert!(
        matches!(peers.ask(&call()), Ok(Answer::Absent(reason)) if reason.contains("elsewhere/bin/python"))
    );
    peers.check().unwrap();
    peers.required = true;
    let before = peers.check().unwrap_err().to_string();
    assert!(before.contains("bin/python is not there"), "{before}");
    assert!(matches!(peers.ask(&call()), Err(BenchError::PeerAbsent { peer: "Peer", .. })));
}

#[test]
fn a_peer_that_fails_is_always_an_error() {
    let script = r#"echo '{"error": "ValueError: no such file", "absent": false}'; echo why >&2; exit 3"#;
    assert_eq!(
        ask(script, false).unwrap_err().to_string(),
        "peer Peer failed: ValueError: no such file\n  why"
    );
    let message = ask(r#"echo '{"runs_ms": [1]}'; exit 1"#, false).unwrap_err().to_string();
    assert!(message.contains("exit status: 1"), "{message}");
}

#[test]
fn anything_but_one_object_is_an_error() {
    for script in ["echo hello", "exit 1", "echo '{}{}'", "echo '[1]'", r#"echo '{"runs_ms": ["fast"]}'"#] {
        let message = ask(script, false).unwrap_err().to_string();
        assert!(message.contains("expected one JSON object"), "{script}: {message}");
    }
}

#[test]
fn only_the_end_of_a_long_complaint_is_shown() {
    let text: String = (0..20).map(|line| format!("line {line}\n\n")).collect();
    let shown = last_lines(text.as_bytes());
    assert_eq!(shown.lines().count(), LINES_SHOWN + 1);
    assert!(shown.ends_with("\n  line 19") && !shown.contains("line 11"), "{shown}");
}

#[test]
fn a_peer_that_takes_turns_answers_once_for_each() {
    let script = r#"echo '{"configuration": "best"}'; n=0; while read line; do n=$((n+1)); echo "{\"cases\": [{\"name\": \"step\", \"runs_ms\": [$n]}]}"; done"#;
    let (_folder, peers) = peers(script, true);
    let (Answer::Present(description), Some(mut peer)) = peers.start(&call()).unwrap() else {
        panic!("the peer is there")
    };
    assert_eq!((description.configuration.as_str(), description.cases.len()), ("best", 0));
    for turn in [1.0, 2.0] {
        let cases = peer.turn().unwrap().cases;
        assert_eq!(cases, [PeerCase { name: "step".to_owned(), runs_ms: vec![turn], objective: None }]);
    }
}

#[test]
fn a_peer_that_goes_away_between_turns_is_an_error_with_its_last_words() {
    let (_folder, peers) = peers(r#"echo '{}'; read line; echo out of memory >&2; exit 1"#, true);
    let (_, Some(mut peer)) = peers.start(&call()).unwrap() else { panic!("the peer is there") };
    let message = peer.turn().unwrap_err().to_string();
    assert!(message.contains("the end of its output") && message.ends_with("\n  out of memory"), "{message}");
}

#[test]
fn an_absent_peer_takes_no_turns() {
    let (_folder, peers) = peers(ABSENT, false);
    assert!(matches!(peers.start(&call()), Ok((Answer::Absent(reason), None)) if reason.contains("no jax")));
}
