//! Files of weights made of the fuzzer's bytes.

use std::fs;

use weights::Reader;

/// Opens a file with these contents and reads all its tensors; what is wrong with it must be an error.
pub fn read(name: &str, bytes: &[u8]) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join(name);
    fs::write(&path, bytes).expect("a file in it");
    let Ok(reader) = Reader::open(&path) else { return };
    for entry in reader.entries() {
        let _ = reader.read_exact(&entry.name);
        if let Ok(tensor) = reader.read(&entry.name) {
            assert_eq!(tensor.shape(), &entry.shape);
        }
    }
}
