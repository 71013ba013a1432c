//! Devices of plugins: what is refused, and, where there is a plugin, that commands work on it.

use std::{env, fs, path::PathBuf, process::Command};

use crate::support::{Place, TRAIN};

/// A library with a table of this size and version, compiled here: no plugin need be there.
fn library(place: &Place, name: &str, source: &str) {
    place.write(&format!("{name}.rs"), source.as_bytes());
    let status = Command::new("rustc")
        .args(["--edition", "2024", "--crate-type", "cdylib", "-C", "panic=abort", "-o"])
        .arg(place.path(&format!("{name}.so")))
        .arg(place.path(&format!("{name}.rs")))
        .status()
        .unwrap();
    assert!(status.success());
}

fn table(major: i32, minor: i32) -> String {
    format!(
        "#[repr(C)] pub struct Table {{ size: usize, none: [usize; 3], version: [i32; 2] }}
         static TABLE: Table = Table {{ size: 40, none: [0; 3], version: [{major}, {minor}] }};
         #[allow(non_snake_case)] #[unsafe(no_mangle)] pub extern \"C\" fn GetPjrtApi() -> *const Table {{ &TABLE }}"
    )
}

#[test]
fn words_that_name_no_device_are_refused() {
    let place = Place::new();
    for (device, reason) in [
        ("gpu", "'gpu' is not known"),
        ("pjrt:", "the plugin's file is missing"),
        ("pjrt:a.so,device=x", "device=x wants whole numbers"),
        ("pjrt:a.so,devices=0", "leaves no device"),
        ("cuda,fast", "option 'fast' is not known"),
        ("pjrt:a.so", "'a.so' cannot be read"),
    ] {
        place.refuses(&format!("{TRAIN} --out run --device {device}"), &[reason]);
    }
    place.refuses("inspect a --device pjrt:a.so --check-finite", &["--check-finite", "pjrt:a.so"]);
}

#[test]
fn files_that_are_no_plugins_are_refused() {
    let place = Place::new();
    place.write("text.so", b"text");
    library(&place, "other", "pub fn nothing() {}");
    library(&place, "old", &table(0, 54));
    library(&place, "new", &table(1, 3));
    library(&place, "bare", &table(0, 90));
    for (name, reason) in [
        ("text", "is no shared library that this system can load"),
        ("other", "no PJRT plugin: it has no function GetPjrtApi"),
        ("old", "has version 0.54 of the PJRT interface; this program needs 0.81 or later"),
        ("new", "has version 1.3 of the PJRT interface"),
        ("bare", "does not start: the plugin has no function PJRT_Plugin_Initialize"),
    ] {
        place
            .refuses(&format!("{TRAIN} --out run --device pjrt:{name}.so"), &[reason, &format!("{name}.so")]);
        assert!(place.text(&format!("devices --device pjrt:{name}.so")).contains(reason));
    }
}

#[cfg(unix)]
#[test]
fn a_plugin_that_gives_up_is_said_to_have_done_so() {
    let place = Place::new();
    let source = "#[allow(non_snake_case)] #[unsafe(no_mangle)] pub extern \"C\" fn GetPjrtApi() -> usize { std::process::abort() }";
    library(&place, "dying", source);
    place.refuses(
        &format!("{TRAIN} --out run --device pjrt:dying.so"),
        &["SIGABRT", "pjrt:dying.so", "checkpoint"],
    );
}

/// The first plugin that the tests are given.
fn plugin() -> Option<PathBuf> {
    env::split_paths(&env::var_os("ISOLOSS_PJRT_PLUGIN")?).next()
}

#[test]
fn commands_find_the_same_on_a_device() {
    let Some(plugin) = plugin() else {
        #[expect(clippy::print_stderr, reason = "what is skipped must be seen")]
        return eprintln!(
            "SKIPPED: set ISOLOSS_PJRT_PLUGIN to a PJRT plugin to run this test (docs/devices.md)"
        );
    };
    let place = Place::new();
    let on = |chosen: &str| format!("--device pjrt:{},devices=2,device={chosen},cache=off", plugin.display());
    let device = on("1");
    let loss = |run: &str| {
        let summary: serde_json::Value =
            serde_json::from_slice(&fs::read(place.path(run).join("run.json")).unwrap()).unwrap();
        summary["scores"]["test"]["loss"].as_f64().unwrap()
    };
    place.text(&format!("{TRAIN} --out a"));
    place.text(&format!("{TRAIN} --out b {device} --threads 1"));
    assert!((loss("a") - loss("b")).abs() < 1e-4 * loss("a"), "{} and {}", loss("a"), loss("b"));
    for (run, chosen) in [("c", "all"), ("d", "1+1")] {
        place.text(&format!("{TRAIN} --out {run} {} --threads 1", on(chosen)));
        assert!((loss("a") - loss(run)).abs() < 1e-4 * loss("a"), "{} and {}", loss("a"), loss(run));
    }
    let bytes = |run: &str| fs::read(place.path(run).join("model.safetensors")).unwrap();
    assert_eq!(bytes("c"), bytes("d"), "two devices make of two shards what one does");
    place.refuses(&format!("{TRAIN} --out e {}", on("0+2")), &["has 2 devices", "there is no device 2"]);
    let compared = place.json(&format!("compare --model mlp:8-4-3 --batch 2 --hvp {device}"));
    assert_eq!(compared["held"], true, "{compared}");
    let devices = place.json(&format!("devices {device}"));
    assert_eq!(devices["plugins"][0]["devices"].as_array().unwrap().len(), 2);
}
