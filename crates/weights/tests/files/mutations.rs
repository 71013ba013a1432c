//! Files that were changed at random: they are read or refused, and nothing worse.

use std::{fs, path::Path};

use isoloss_weights::Reader;
use tempfile::TempDir;
use tensor::Key;

use crate::support::{folder, saved};

/// Draws what is changed, from a seed.
struct Dice {
    words: [i32; 64],
    next: usize,
}

impl Dice {
    fn new(seed: u64) -> Self {
        let mut words = [0; 64];
        Key::new(seed).words(0, 0, &mut words);
        Self { words, next: 0 }
    }

    fn below(&mut self, end: usize) -> usize {
        self.next += 1;
        self.words[self.next % self.words.len()].unsigned_abs() as usize % end.max(1)
    }
}

/// Numbers at which sizes, lengths and offsets go wrong.
const EXTREMES: [u64; 6] = [0, 1, u64::MAX, i64::MAX as u64, 1 << 31, u32::MAX as u64];

/// The contents with one to four changes: bytes, digits, numbers, parts twice or lost, a cut.
fn mutated(whole: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = whole.to_vec();
    for _ in 0..=dice.below(4) {
        let at = dice.below(bytes.len());
        match dice.below(7) {
            0 => bytes.truncate(at),
            1 => bytes.drain(at..(at + dice.below(16)).min(bytes.len())).for_each(drop),
            2 => {
                let part = bytes[at..(at + dice.below(64)).min(bytes.len())].to_vec();
                bytes.splice(at..at, part).for_each(drop);
            }
            3 => {
                let extreme = EXTREMES[dice.below(EXTREMES.len())].to_le_bytes();
                let width = [2, 4, 8][dice.below(3)];
                bytes.iter_mut().skip(at).zip(&extreme[..width]).for_each(|(byte, new)| *byte = *new);
            }
            4 => {
                let digits = bytes.iter_mut().skip(at).find(|byte| byte.is_ascii_digit());
                digits.into_iter().for_each(|byte| *byte = b'0' + dice.below(10) as u8);
            }
            _ => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte = dice.below(256) as u8),
        }
    }
    bytes
}

/// Opens weights and reads all that can be read; how many tensors that were.
fn read_all(path: &Path) -> usize {
    let Ok(reader) = Reader::open(path) else { return 0 };
    let read = |entry: &&isoloss_weights::Entry| {
        let _ = reader.read(&entry.name);
        reader.read_exact(&entry.name).is_ok()
    };
    reader.entries().iter().filter(read).count()
}

/// A folder in which `file` is changed, and what is then opened.
struct Subject {
    folder: TempDir,
    file: String,
    opened: String,
}

fn subjects() -> Vec<Subject> {
    let golden = |name: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens").join(name);
    let mut subjects = Vec::new();
    for name in ["model.safetensors", "model.npz"] {
        let folder = folder();
        saved(folder.path(), name);
        subjects.push(Subject { folder, file: name.to_owned(), opened: name.to_owned() });
    }
    for name in ["state.pt", "odd.pt", "nested.ckpt", "legacy.pth", "deflated.npz", "library.safetensors"] {
        let folder = folder();
        fs::copy(golden(name), folder.path().join(name)).unwrap();
        subjects.push(Subject { folder, file: name.to_owned(), opened: name.to_owned() });
    }
    let (folder, index) = (folder(), "pytorch_model.bin.index.json");
    for entry in fs::read_dir(golden("hub")).unwrap() {
        let from = entry.unwrap().path();
        fs::copy(&from, folder.path().join(from.file_name().unwrap())).unwrap();
    }
    subjects.push(Subject { folder, file: index.to_owned(), opened: index.to_owned() });
    subjects
}

fn mutate_all(times: u64) {
    for Subject { folder, file, opened } in subjects() {
        let (path, opened) = (folder.path().join(&file), folder.path().join(&opened));
        let whole = fs::read(&path).unwrap();
        assert!(read_all(&opened) > 0, "{file} unchanged");
        let mut survivors = 0;
        for seed in 0..times {
            fs::write(&path, mutated(&whole, &mut Dice::new(seed))).unwrap();
            survivors += usize::from(read_all(&opened) > 0);
        }
        assert!(survivors > 0, "{file}: changes that hurt nothing are read");
    }
}

#[test]
fn changed_files_are_read_or_refused() {
    mutate_all(100);
}

#[test]
#[ignore = "a minute; the same with more seeds"]
fn files_changed_ten_thousand_times_are_read_or_refused() {
    mutate_all(10_000);
}
