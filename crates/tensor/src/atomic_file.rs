//! Writing files and folders whole or not at all.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

use crate::TensorError;

/// Writes `contents` to `path` so that at every moment the file is either the old one or the whole new one:
/// into a temporary file in the same folder, synced, then renamed. Missing parent folders are made.
///
/// # Errors
/// [`TensorError::Write`] where the folder or file cannot be written; the old file, if any, is untouched.
pub fn write(path: &Path, contents: &[u8]) -> Result<(), TensorError> {
    write_with(path, |file| file.write_all(contents))
}

/// As [`write()`], with the contents written by `fill`.
///
/// # Errors
/// [`TensorError::Write`] where `fill` fails or the file cannot be written; the old file is untouched.
pub fn write_with(
    path: &Path,
    fill: impl FnOnce(&mut io::BufWriter<&File>) -> io::Result<()>,
) -> Result<(), TensorError> {
    replace(path, fill).map_err(|source| TensorError::Write { path: path.to_owned(), source })
}

fn replace(path: &Path, fill: impl FnOnce(&mut io::BufWriter<&File>) -> io::Result<()>) -> io::Result<()> {
    let folder = folder_of(path);
    fs::create_dir_all(folder)?;
    let temporary = tempfile::Builder::new().prefix(".isoloss-").suffix(".tmp").tempfile_in(folder)?;
    let mut writer = io::BufWriter::new(temporary.as_file());
    fill(&mut writer)?;
    writer.flush()?;
    drop(writer);
    readable_by_all(temporary.as_file())?;
    temporary.as_file().sync_all()?;
    temporary.persist(path).map_err(|error| error.error)?;
    sync_folder(folder)
}

/// Gives a folder that is whole its place, beside which it stands under a hidden name; what is there is removed when the new one has its name, and comes
/// back where it cannot get it. Its files are synced; renames are here.
///
/// # Errors
/// Where something cannot be renamed, synced or removed.
pub fn place_folder(whole: &Path, place: &Path) -> io::Result<()> {
    sync_folder(whole)?;
    let old = whole.with_extension("replaced");
    let replaces = place.exists();
    if replaces {
        // Left behind by one that was interrupted.
        remove(&old)?;
        fs::rename(place, &old)?;
    }
    if let Err(error) = fs::rename(whole, place) {
        return if replaces { fs::rename(&old, place).and(Err(error)) } else { Err(error) };
    }
    sync_folder(folder_of(place))?;
    remove(&old)
}

fn remove(folder: &Path) -> io::Result<()> {
    if folder.exists() { fs::remove_dir_all(folder) } else { Ok(()) }
}

/// The folder that a path is in; `.` where it names none.
#[must_use]
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Temporary files are private to their owner; results are not secrets.
#[cfg(unix)]
fn readable_by_all(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable_by_all(_: &File) -> io::Result<()> {
    Ok(())
}

/// Makes renames in a folder survive a power cut, where folders can be synced.
///
/// # Errors
/// Where the folder cannot be opened or synced.
#[cfg(unix)]
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Makes renames in a folder survive a power cut, where folders can be synced; here they cannot.
///
/// # Errors
/// None.
#[cfg(not(unix))]
pub fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_the_old_file_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/result.json");
        write(&path, b"old").unwrap();
        let failed = write_with(&path, |file| {
            file.write_all(b"half")?;
            Err(io::Error::other("disk full"))
        });
        assert!(failed.unwrap_err().to_string().contains("disk full"));
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_takes_the_place_of_another_or_leaves_it_there() {
        let above = tempfile::tempdir().unwrap();
        let place = above.path().join("out");
        let make = |name: &str| {
            let whole = above.path().join(".out.unfinished");
            write(&whole.join(name), b"").unwrap();
            whole
        };
        for name in ["old", "new"] {
            write(&above.path().join(".out.replaced/interrupted"), b"").unwrap();
            place_folder(&make(name), &place).unwrap();
            assert!(place.join(name).is_file());
        }
        assert!(!place.join("old").exists());
        assert!(place_folder(&above.path().join("missing"), &place).is_err());
        assert!(place.join("new").is_file());
        assert_eq!(fs::read_dir(above.path()).unwrap().count(), 1);
    }

    #[test]
    fn an_unwritable_folder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        write(&file, b"").unwrap();
        let error = write(&file.join("below"), b"").unwrap_err();
        assert!(error.to_string().contains("below"), "{error}");
    }
}
