//! Reading parts of a file from several threads.

use std::{fs::File, io, path::Path};

/// Fills `out` with the bytes of a file, which was opened at `path`, from a position on.
///
/// # Errors
/// Where it cannot be read, or ends before.
#[cfg(unix)]
pub(crate) fn read_at(file: &File, _: &Path, position: u64, out: &mut [u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, out, position)
}

/// The same through a handle of its own, because the position of a shared one would be moved by every thread.
///
/// # Errors
/// Where it cannot be opened or read, or ends before.
#[cfg(not(unix))]
pub(crate) fn read_at(_: &File, path: &Path, position: u64, out: &mut [u8]) -> io::Result<()> {
    use std::io::{Read, Seek};
    let mut file = File::open(path)?;
    file.seek(io::SeekFrom::Start(position))?;
    file.read_exact(out)
}
