//! From stored bytes to examples.

use std::path::Path;

use tensor::{Tensor, parallel};

use crate::{DataError, Dataset, idx::Idx};

/// Pixels converted by one piece of parallel work.
const PIXELS_PER_CHUNK: usize = 1 << 18;

/// Images and labels as a data set: pixels divided by `white` to lie in `[0, 1]`, each image one row.
pub(crate) fn labelled(
    name: &str,
    classes: usize,
    images: &Idx,
    labels: &Idx,
    white: f32,
    labels_path: &Path,
) -> Result<Dataset, DataError> {
    let count = images.sizes[0];
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
    let x = Tensor::new([count, images.bytes.len() / count], scale(&images.bytes, white));
    let labels = labels.bytes.iter().map(|&label| i32::from(label)).collect::<Vec<_>>();
    match (x, Tensor::new([count], labels)) {
        (Ok(x), Ok(labels)) => Dataset::new(name, classes, x, labels),
        _ => unreachable!("a decoded file has as many elements as its sizes say"),
    }
}

/// Every byte divided by `white`, rounded once.
fn scale(bytes: &[u8], white: f32) -> Vec<f32> {
    let table: Vec<f32> = (0..=u8::MAX).map(|byte| f32::from(byte) / white).collect();
    let mut pixels = vec![0f32; bytes.len()];
    parallel::for_each_chunk(&mut pixels, PIXELS_PER_CHUNK, |start, chunk| {
        for (pixel, &byte) in chunk.iter_mut().zip(&bytes[start..]) {
            *pixel = table[usize::from(byte)];
        }
    });
    pixels
}
