//! From stored bytes to examples.

use std::path::Path;

use crate::{
    DataError, Dataset, Example, Image,
    dataset::Classes,
    idx::Idx,
    rows::{Numbers, Rows},
};

/// Grey images and labels as a data set; `white` is the value of a full pixel.
pub(crate) fn labelled(
    name: &str,
    classes: usize,
    images: Idx,
    labels: &Idx,
    white: f32,
    labels_path: &Path,
) -> Result<Dataset, DataError> {
    let [count, height, width] = images.sizes[..] else { unreachable!("files of images have three axes") };
    if labels.bytes.len() != count {
        let (expected, found) =
            (format!("{count} labels, one for each image"), labels.bytes.len().to_string());
        let hint = "images and labels must come from one data set";
        return Err(DataError::Format { path: labels_path.to_owned(), expected, found, hint });
    }
    if let Some(index) = labels.bytes.iter().position(|&label| usize::from(label) >= classes) {
        let (file, found) = (labels_path.display().to_string(), i64::from(labels.bytes[index]));
        return Err(DataError::Label { file, index, found, classes });
    }
    let example = Example::Image(Image { channels: 1, height, width });
    let rows = Rows::new(example, Numbers::Bytes { bytes: images.bytes, white });
    let labels = labels.bytes.iter().map(|&label| i32::from(label)).collect();
    Dataset::of_rows(name, Classes::unnamed(classes), rows, labels)
}
