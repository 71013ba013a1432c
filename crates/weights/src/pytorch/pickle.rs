//! Writing a state dictionary as `torch.save` does: a ZIP archive of a pickle and one storage for each tensor.

use std::io;

use tensor::{Stored, npz};

use crate::{
    reader::Entry,
    write::{Sink, WriteSeek},
};

/// The folder within the archive.
const FOLDER: &str = "archive";

/// Writes the tensors in order. `torch.load` reads the file with `weights_only=True`, its default.
pub(crate) fn write(file: &mut impl WriteSeek, entries: &[&Entry], bytes: Sink<'_>) -> io::Result<()> {
    let mut archive = npz::Writer::new(file);
    archive.file(&format!("{FOLDER}/data.pkl"), &pickle(entries))?;
    archive.file(&format!("{FOLDER}/byteorder"), b"little")?;
    for (key, entry) in entries.iter().enumerate() {
        archive.file(&format!("{FOLDER}/data/{key}"), &bytes(entry)?)?;
    }
    archive.file(&format!("{FOLDER}/version"), b"3\n")?;
    archive.finish()
}

/// The dictionary, in protocol 2 of Python's pickle module; its codes are those of `pickletools`.
fn pickle(entries: &[&Entry]) -> Vec<u8> {
    let mut pickle = b"\x80\x02}(".to_vec();
    for (key, entry) in entries.iter().enumerate() {
        tensor(&mut pickle, key, entry);
    }
    pickle.extend(b"u.");
    pickle
}

/// The name, and a call that makes a tensor of a storage.
fn tensor(pickle: &mut Vec<u8>, key: usize, entry: &Entry) {
    text(pickle, &entry.name);
    pickle.extend(b"ctorch._utils\n_rebuild_tensor_v2\n(");
    pickle.extend(b"(");
    text(pickle, "storage");
    pickle.extend(format!("ctorch\n{}\n", storage(entry.stored)).bytes());
    text(pickle, &key.to_string());
    text(pickle, "cpu");
    integer(pickle, entry.shape.elements());
    pickle.extend(b"tQK\0");
    tuple(pickle, &entry.shape);
    tuple(pickle, &entry.shape.strides());
    // No gradient, and no hooks: an empty ordered dictionary.
    pickle.extend(b"\x89ccollections\nOrderedDict\n)RtR");
}

fn text(pickle: &mut Vec<u8>, text: &str) {
    pickle.push(b'X');
    pickle.extend((text.len() as u32).to_le_bytes());
    pickle.extend(text.bytes());
}

fn tuple(pickle: &mut Vec<u8>, sizes: &[usize]) {
    pickle.push(b'(');
    sizes.iter().for_each(|&size| integer(pickle, size));
    pickle.push(b't');
}

/// In 4 bytes where they do, else in 8 and one more for the sign.
fn integer(pickle: &mut Vec<u8>, integer: usize) {
    match i32::try_from(integer) {
        Ok(small) => {
            pickle.push(b'J');
            pickle.extend(small.to_le_bytes());
        }
        Err(_) => {
            pickle.extend(b"\x8a\x09");
            pickle.extend((integer as u64).to_le_bytes());
            pickle.push(0);
        }
    }
}

/// The class of storages.
///
/// # Panics
/// For types that the format does not hold.
#[track_caller]
fn storage(stored: Stored) -> &'static str {
    match stored {
        Stored::F64 => "DoubleStorage",
        Stored::F32 => "FloatStorage",
        Stored::F16 => "HalfStorage",
        Stored::BF16 => "BFloat16Storage",
        Stored::I64 => "LongStorage",
        Stored::I32 => "IntStorage",
        Stored::I16 => "ShortStorage",
        Stored::I8 => "CharStorage",
        Stored::U8 => "ByteStorage",
        Stored::Bool => "BoolStorage",
        Stored::U64 | Stored::U32 | Stored::U16 => panic!("the types were checked before writing"),
    }
}
