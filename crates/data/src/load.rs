//! Data sets by specification.

use std::path::Path;

use crate::{DataError, Splits, digits, mnist};

/// The specifications that [`load`] understands, for help texts and messages.
pub const KNOWN: [&str; 3] = ["digits", "mnist:DIR", "fashion-mnist:DIR"];

/// Loads a data set into memory.
///
/// | specification | data set | features | examples |
/// |---|---|---|---|
/// | `digits` | built-in 8 × 8 handwritten digits (UCI, doi 10.24432/C50P49) | 64, grey/16 | 1,437 + every fifth image, 360, held out |
/// | `mnist:DIR` | the four IDX files of MNIST in folder DIR | pixels/255 | as the files say |
/// | `fashion-mnist:DIR` | the same of Fashion-MNIST | pixels/255 | as the files say |
///
/// The files are `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-images-idx3-ubyte` and
/// `t10k-labels-idx1-ubyte`, with or without `.gz`; whether one is gzipped is decided by its contents. Memory: 4
/// bytes a pixel, 220 MB for MNIST, and a quarter more while loading.
///
/// # Errors
/// [`DataError::Unknown`] with the nearest name for a data set that does not exist, [`DataError::Spec`] for a
/// folder that is missing or not wanted, [`DataError::Missing`] for an absent file with the names tried,
/// [`DataError::Read`] where a file cannot be read, [`DataError::Format`] for one that is truncated, damaged, of
/// another format or of another number of examples, and [`DataError::Label`] for a label outside 0 to 9.
pub fn load(spec: &str) -> Result<Splits, DataError> {
    let (name, folder) = match spec.split_once(':') {
        Some((name, folder)) => (name, Some(folder)),
        None => (spec, None),
    };
    match (name, folder) {
        ("digits", None) => digits::load(spec),
        ("digits", Some(folder)) => {
            Err(fault(spec, "digits alone, as it is built in", format!("':{folder}'")))
        }
        ("mnist" | "fashion-mnist", None | Some("")) => {
            let expected = format!("{name}:DIR with the folder of its four IDX files");
            Err(fault(spec, &expected, "no folder".to_owned()))
        }
        ("mnist" | "fashion-mnist", Some(folder)) => mnist::load(spec, name, Path::new(folder)),
        _ => Err(DataError::Unknown { found: name.to_owned(), known: KNOWN.to_vec() }),
    }
}

fn fault(spec: &str, expected: &str, found: String) -> DataError {
    DataError::Spec { spec: spec.to_owned(), expected: expected.to_owned(), found }
}

#[cfg(test)]
mod tests;
