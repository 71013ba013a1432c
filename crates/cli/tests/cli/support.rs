//! Running the program in a folder of its own.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;

/// A folder in which the program runs; paths in arguments are relative to it.
pub(crate) struct Place {
    folder: TempDir,
}

impl Place {
    /// An empty folder.
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// A path in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file, with the folders above it.
    pub(crate) fn write(&self, name: &str, contents: &[u8]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
    }

    /// The program with these arguments, separated by spaces.
    pub(crate) fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_isoloss"));
        // The width of help texts follows the terminal.
        command.args(arguments.split_whitespace()).current_dir(&self.folder).env("COLUMNS", "100");
        command
    }

    /// Runs the program.
    pub(crate) fn run(&self, arguments: &str) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs it to success; what it printed. Nothing may go to standard error.
    pub(crate) fn text(&self, arguments: &str) -> String {
        let output = self.run(arguments);
        assert!(output.status.success() && output.stderr.is_empty(), "{arguments}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs it with `--json`; the result.
    pub(crate) fn json(&self, arguments: &str) -> Value {
        serde_json::from_str(&self.text(&format!("{arguments} --json"))).unwrap()
    }

    /// Runs it to an error: exit code 2, nothing on standard output, one message on one line of standard error that holds
    /// all `fragments`, and no file made, changed or removed.
    #[track_caller]
    pub(crate) fn refuses(&self, arguments: &str, fragments: &[&str]) {
        let before = self.files();
        let output = self.run(arguments);
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments}: {message}");
        assert!(output.stdout.is_empty(), "{arguments}: {}", String::from_utf8_lossy(&output.stdout));
        assert!(message.starts_with("error: ") && message.lines().count() == 1, "{arguments}: {message}");
        for fragment in fragments {
            assert!(message.contains(fragment), "{arguments}: no '{fragment}' in: {message}");
        }
        assert_eq!(before, self.files(), "{arguments} left files or folders behind");
    }

    /// Starts the program, and waits for a file that it keeps of its unfinished work.
    pub(crate) fn begin(&self, arguments: &str, kept: &str) -> Child {
        let mut command = self.command(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        while !self.path(kept).exists() {
            assert!(child.try_wait().unwrap().is_none(), "it ended before it kept anything");
            thread::sleep(Duration::from_millis(1));
        }
        child
    }

    /// Trains a small network on the digits in a run folder.
    pub(crate) fn train(&self, run: &str, seed: u64) {
        self.text(&format!("{TRAIN} --out {run} --seed {seed}"));
    }

    /// All files with their contents, and all folders, below this one.
    fn files(&self) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
        let mut files = BTreeMap::new();
        collect(self.folder.path(), &mut files);
        files
    }
}

/// Sends a running program a signal.
#[cfg(unix)]
pub(crate) fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

/// Training of a small network, but for its seed and place.
pub(crate) const TRAIN: &str = "train --model mlp:64-16-16-10 --data digits --epochs 3";

fn collect(folder: &Path, files: &mut BTreeMap<PathBuf, Option<Vec<u8>>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
            files.insert(path, None);
        } else {
            files.insert(path.clone(), Some(fs::read(&path).unwrap()));
        }
    }
}

/// A number in a result.
#[track_caller]
pub(crate) fn number(json: &Value, pointer: &str) -> f64 {
    json.pointer(pointer)
        .and_then(Value::as_f64)
        .unwrap_or_else(|| panic!("no number at {pointer} in {json:#}"))
}
