//! Data sets in the four files of MNIST.

use std::path::{Path, PathBuf};

use tensor::parallel;

use crate::{
    DataError, Dataset, Splits,
    idx::{self, Idx},
    scaled::labelled,
};

/// Classes of MNIST and of Fashion-MNIST.
const CLASSES: usize = 10;

/// The value of a white pixel: features are divided by it, as in Git Re-Basin.
const WHITE: f32 = 255.0;

const HINT: &str = "the folder needs MNIST's four files under their original names, gzipped or not";

/// Loads the four files in `folder`; `name` is shown to people and `spec` recorded.
pub(crate) fn load(spec: &str, name: &str, folder: &Path) -> Result<Splits, DataError> {
    if !folder.is_dir() {
        let state = if folder.exists() { "a file" } else { "nothing of that name" };
        let (expected, found) =
            ("a folder after the colon".to_owned(), format!("{state} at {}", folder.display()));
        return Err(DataError::Spec { spec: spec.to_owned(), expected, found });
    }
    let half = |part: &str, prefix: &str| read_half(&format!("{name} ({part})"), part, folder, prefix);
    let (train, test) = parallel::join(|| half("train", "train"), || half("test", "t10k"));
    let (train, test) = (train?, test?);
    if train.features() != test.features() {
        let expected = format!("training and test images of one size ({} pixels)", train.features());
        let found = format!("test images of {} pixels", test.features());
        return Err(DataError::Spec { spec: spec.to_owned(), expected, found });
    }
    Ok(Splits { spec: spec.to_owned(), train, test })
}

fn read_half(name: &str, part: &str, folder: &Path, prefix: &str) -> Result<Dataset, DataError> {
    let ((_, images), (labels_path, labels)) = {
        let (images, labels) = parallel::join(
            || read_file(folder, prefix, "images", part, 3),
            || read_file(folder, prefix, "labels", part, 1),
        );
        (images?, labels?)
    };
    labelled(name, CLASSES, &images, &labels, WHITE, &labels_path)
}

fn read_file(
    folder: &Path,
    prefix: &str,
    kind: &str,
    part: &str,
    axes: u8,
) -> Result<(PathBuf, Idx), DataError> {
    let stem = format!("{prefix}-{kind}");
    // The second spelling is the one that some archives unpack to.
    let tried = [".gz", ""]
        .map(|ending| [format!("{stem}-idx{axes}-ubyte{ending}"), format!("{stem}.idx{axes}-ubyte{ending}")])
        .concat();
    match tried.iter().map(|name| folder.join(name)).find(|path| path.is_file()) {
        Some(path) => idx::read(&path, axes).map(|idx| (path, idx)),
        None => {
            let what = format!("{part} {kind}");
            Err(DataError::Missing { what, folder: folder.to_owned(), tried, hint: HINT })
        }
    }
}
