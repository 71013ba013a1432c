//! Data sets in the four files of MNIST.

use std::path::{Path, PathBuf};

use tensor::parallel;

use crate::{
    DataError, Dataset, Splits,
    idx::{self, Idx},
    line::Line,
    scaled::labelled,
};

/// Classes of MNIST and of Fashion-MNIST.
const CLASSES: usize = 10;

/// The value of a white pixel: features are divided by it, as in Git Re-Basin.
const WHITE: f32 = 255.0;

const HINT: &str = "the folder needs MNIST's four files under their original names, gzipped or not";

/// Loads the four files in a folder.
pub(crate) fn load(line: &Line<'_>) -> Result<Splits, DataError> {
    let (name, folder) = (line.name, line.folder("DIR with the folder of its four IDX files")?);
    let half = |part: &str, prefix: &str| read_half(&format!("{name} ({part})"), part, folder, prefix);
    let (train, test) = parallel::join(|| half("train", "train"), || half("test", "t10k"));
    same_size(line, train?, test?)
}

/// Both parts, whose examples must be of one size.
pub(crate) fn same_size(line: &Line<'_>, train: Dataset, test: Dataset) -> Result<Splits, DataError> {
    if train.example() != test.example() {
        let expected = format!("training and test examples of one size ({})", train.example());
        return Err(line.fault(&expected, format!("test {}", test.example())));
    }
    Ok(Splits::new(line.spec, train, test))
}

fn read_half(name: &str, part: &str, folder: &Path, prefix: &str) -> Result<Dataset, DataError> {
    let ((_, images), (labels_path, labels)) = {
        let (images, labels) = parallel::join(
            || read_file(folder, prefix, "images", part, 3),
            || read_file(folder, prefix, "labels", part, 1),
        );
        (images?, labels?)
    };
    labelled(name, CLASSES, images, &labels, WHITE, &labels_path)
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
