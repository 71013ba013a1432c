//! Compiled programs on the disk: loading one takes milliseconds where compiling takes seconds.

use std::{
    fmt, fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::PathBuf,
};

use tensor::atomic_file;

use crate::binding::Client;

/// 128 bits that stand for a program on a device of a plugin: its text, the plugin's file and attributes, the platform's
/// version, the kind of the device, and the processor's own features, which plugins for processors compile for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Digest([u64; 2]);

impl Digest {
    /// The program is bound to the device at a position, or to none, but compiled for its kind.
    pub(crate) fn of(client: &Client, device: usize, is_bound: bool, text: &str) -> Self {
        let plugin = &client.plugin;
        let kind = client.device_kind(device).unwrap_or_default();
        let device = is_bound.then_some(device);
        Self([0u8, 1].map(|salt| {
            let mut hasher = DefaultHasher::new();
            (salt, text, device, &kind).hash(&mut hasher);
            (&plugin.path, plugin.stamp, plugin.version, &plugin.attributes).hash(&mut hasher);
            (&client.platform, &client.platform_version, processor()).hash(&mut hasher);
            hasher.finish()
        }))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}{:016x}", self.0[0], self.0[1])
    }
}

/// What the system says of the processor; empty where it says nothing.
fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let wanted = |line: &&str| line.starts_with("model name") || line.starts_with("flags");
    text.lines().filter(wanted).take(2).collect()
}

/// The ending of the files.
const EXTENSION: &str = "program";

/// The most that a folder keeps. Ours: some thousand programs of the size of a training step.
const MOST_BYTES: u64 = 1 << 30;

/// A folder of compiled programs. It may be deleted at any time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DiskCache(pub(crate) PathBuf);

impl DiskCache {
    pub(crate) fn read(&self, digest: &Digest) -> Option<Vec<u8>> {
        fs::read(self.file(digest)).ok()
    }

    /// Keeps a program. That the folder cannot be written is no error: programs are compiled again then.
    pub(crate) fn write(&self, digest: &Digest, bytes: &[u8]) {
        let _ = atomic_file::write(&self.file(digest), bytes);
        self.make_room();
    }

    /// Removes what was written longest ago, until what is left fits.
    fn make_room(&self) {
        let entries = fs::read_dir(&self.0).into_iter().flatten().flatten();
        let mut files: Vec<_> = entries
            .filter_map(|entry| {
                let metadata = entry.metadata().ok()?;
                Some((metadata.modified().ok()?, metadata.len(), entry.path()))
            })
            .filter(|(_, _, path)| path.extension().is_some_and(|extension| extension == EXTENSION))
            .collect();
        files.sort();
        let mut bytes: u64 = files.iter().map(|(_, size, _)| size).sum();
        for (_, size, path) in files {
            if bytes <= MOST_BYTES {
                break;
            }
            let _ = fs::remove_file(path);
            bytes -= size;
        }
    }

    fn file(&self, digest: &Digest) -> PathBuf {
        self.0.join(format!("{digest}.{EXTENSION}"))
    }
}
