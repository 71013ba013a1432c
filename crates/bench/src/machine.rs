//! What the numbers were measured on.

use std::{fs, thread};

use serde::Serialize;

/// What the numbers were measured on. What the system does not tell is left empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Machine {
    /// The processor's name.
    pub cpu: Option<String>,
    /// Cores that this process may use.
    pub cores: usize,
    /// Memory in bytes.
    pub memory_bytes: Option<u64>,
    /// The operating system's name, and its kernel's version.
    pub os: String,
    /// The compiler that built this program.
    pub rustc: &'static str,
    /// Whether it was built with optimisations for release; without, times mean nothing.
    pub release_build: bool,
}

impl Machine {
    /// This machine.
    #[must_use]
    pub fn here() -> Self {
        let read = |path| fs::read_to_string(path).ok();
        let kernel = read("/proc/sys/kernel/osrelease").map(|version| format!(", kernel {}", version.trim()));
        let name = read("/etc/os-release").and_then(|text| value(&text, "PRETTY_NAME", '='));
        let name = name.unwrap_or_else(|| std::env::consts::OS.to_owned());
        Self {
            cpu: read("/proc/cpuinfo").and_then(|text| value(&text, "model name", ':')),
            cores: thread::available_parallelism().map_or(1, usize::from),
            memory_bytes: read("/proc/meminfo").and_then(|text| kibibytes(&text, "MemTotal")),
            os: name + &kernel.unwrap_or_default(),
            rustc: env!("ISOLOSS_RUSTC"),
            release_build: !cfg!(debug_assertions),
        }
    }
}

/// The value of a key in a text of lines `key SEPARATOR value`, without quotes.
fn value(text: &str, key: &str, separator: char) -> Option<String> {
    let mut pairs = text.lines().filter_map(|line| line.split_once(separator));
    let (_, found) = pairs.find(|(name, _)| name.trim() == key)?;
    Some(found.trim().trim_matches('"').to_owned())
}

pub(crate) fn kibibytes(text: &str, key: &str) -> Option<u64> {
    let found = value(text, key, ':')?;
    Some(1024 * found.strip_suffix("kB")?.trim().parse::<u64>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn system_files_are_read_by_key() {
        assert_eq!(
            value("model\t: 85\nmodel name\t: Some CPU @ 2 GHz\n", "model name", ':').unwrap(),
            "Some CPU @ 2 GHz"
        );
        assert_eq!(
            value("NAME=\"x\"\nPRETTY_NAME=\"Some OS 12\"", "PRETTY_NAME", '=').unwrap(),
            "Some OS 12"
        );
        assert_eq!(kibibytes("MemTotal:  2048 kB\nMemFree: 1 kB", "MemTotal"), Some(2 << 20));
        assert_eq!(kibibytes("MemTotal:  many", "MemTotal"), None);
    }

    #[test]
    fn this_machine_has_cores_and_a_compiler() {
        let machine = Machine::here();
        assert!(machine.cores > 0 && machine.rustc.starts_with("rustc "), "{machine:?}");
    }
}
