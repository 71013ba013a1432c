//! CIFAR-10 and CIFAR-100 in their binary layout (Krizhevsky, *Learning multiple layers of features from tiny images*,
//! 2009; the layout is described on the data sets' page).

use std::{
    fs,
    path::{Path, PathBuf},
};

use tensor::parallel;

use crate::{
    DataError, Dataset, Example, Image, Splits,
    dataset::Classes,
    line::Line,
    rows::{Numbers, Rows},
};

const IMAGE: Image = Image::CIFAR;
const WHITE: f32 = 255.0;

/// How the files of one of the two data sets are laid out.
struct Layout {
    /// The folder that the archive unpacks to.
    folder: &'static str,
    train: &'static [&'static str],
    test: &'static str,
    /// The file with a class name on each line.
    names: &'static str,
    classes: usize,
    /// The bytes before the pixels, and which of them is the label.
    label_bytes: usize,
    label: usize,
}

const CIFAR_10: Layout = Layout {
    folder: "cifar-10-batches-bin",
    train: &[
        "data_batch_1.bin",
        "data_batch_2.bin",
        "data_batch_3.bin",
        "data_batch_4.bin",
        "data_batch_5.bin",
    ],
    test: "test_batch.bin",
    names: "batches.meta.txt",
    classes: 10,
    label_bytes: 1,
    label: 0,
};

const CIFAR_100: Layout = Layout {
    folder: "cifar-100-binary",
    train: &["train.bin"],
    test: "test.bin",
    names: "fine_label_names.txt",
    classes: 100,
    label_bytes: 2,
    label: 1,
};

/// CIFAR-100 with its 20 superclasses.
const COARSE: Layout = Layout { names: "coarse_label_names.txt", classes: 20, label: 0, ..CIFAR_100 };

const AGAIN: &str = "the file is damaged or was cut short: unpack or fetch it again";

/// Loads CIFAR-10.
pub(crate) fn load_10(line: &Line<'_>) -> Result<Splits, DataError> {
    load(line, &CIFAR_10)
}

/// Loads CIFAR-100; option `labels` chooses between its 100 classes and its 20 superclasses.
pub(crate) fn load_100(line: &Line<'_>) -> Result<Splits, DataError> {
    match line.text("labels") {
        None | Some("fine") => load(line, &CIFAR_100),
        Some("coarse") => load(line, &COARSE),
        Some(found) => Err(line.fault("labels as fine or coarse", format!("'{found}'"))),
    }
}

fn load(line: &Line<'_>, layout: &Layout) -> Result<Splits, DataError> {
    let given = line.folder("DIR with the folder of its binary files")?;
    let unpacked = given.join(layout.folder);
    let folder = if unpacked.is_dir() { &unpacked } else { given };
    let classes =
        Classes { count: layout.classes, names: names(&folder.join(layout.names), layout.classes)? };
    let part = |part: &str, files: &[&str]| {
        let files = read(folder, files, layout)?;
        dataset(&format!("{} ({part})", line.name), &files, layout, classes.clone())
    };
    let (train, test) = parallel::join(|| part("train", layout.train), || part("test", &[layout.test]));
    Ok(Splits::new(line.spec, train?, test?))
}

/// Files of whole records, equally many in each.
fn read(folder: &Path, names: &[&str], layout: &Layout) -> Result<Vec<(PathBuf, Vec<u8>)>, DataError> {
    let files = names.iter().map(|name| read_file(folder, name, layout)).collect::<Result<Vec<_>, _>>()?;
    let expected = files[0].1.len();
    match files.iter().find(|(_, bytes)| bytes.len() != expected) {
        None => Ok(files),
        Some((path, bytes)) => {
            let record = layout.label_bytes + IMAGE.elements();
            let expected = format!("{} images as in {}", expected / record, names[0]);
            let found = (bytes.len() / record).to_string();
            Err(DataError::Format { path: path.clone(), expected, found, hint: AGAIN })
        }
    }
}

fn read_file(folder: &Path, name: &str, layout: &Layout) -> Result<(PathBuf, Vec<u8>), DataError> {
    let path = folder.join(name);
    if !path.is_file() {
        let tried = vec![name.to_owned(), format!("{}/{name}", layout.folder)];
        let hint =
            "the folder needs the data set's binary version, unpacked (isoloss data says how to get it)";
        return Err(DataError::Missing { what: name.to_owned(), folder: folder.to_owned(), tried, hint });
    }
    let bytes = fs::read(&path).map_err(|source| DataError::Read { path: path.clone(), source })?;
    let record = layout.label_bytes + IMAGE.elements();
    if bytes.is_empty() || !bytes.len().is_multiple_of(record) {
        let expected = format!("whole images of {record} bytes, at least one");
        let found = format!("{} bytes", bytes.len());
        return Err(DataError::Format { path, expected, found, hint: AGAIN });
    }
    Ok((path, bytes))
}

fn dataset(
    name: &str,
    files: &[(PathBuf, Vec<u8>)],
    layout: &Layout,
    classes: Classes,
) -> Result<Dataset, DataError> {
    let record = layout.label_bytes + IMAGE.elements();
    let total: usize = files.iter().map(|(_, bytes)| bytes.len() / record).sum();
    let (mut pixels, mut labels) = (Vec::with_capacity(total * IMAGE.elements()), Vec::with_capacity(total));
    for (path, bytes) in files {
        for (index, image) in bytes.chunks_exact(record).enumerate() {
            let label = image[layout.label];
            if usize::from(label) >= layout.classes {
                let (file, found) = (path.display().to_string(), i64::from(label));
                return Err(DataError::Label { file, index, found, classes: layout.classes });
            }
            labels.push(i32::from(label));
            pixels.extend_from_slice(&image[layout.label_bytes..]);
        }
    }
    let rows = Rows::new(Example::Image(IMAGE), Numbers::Bytes { bytes: pixels, white: WHITE });
    Dataset::of_rows(name, classes, rows, labels)
}

/// The names of the classes; none where there is no such file.
fn names(path: &Path, classes: usize) -> Result<Vec<String>, DataError> {
    if !path.is_file() {
        return Ok(Vec::new());
    }
    let bytes = fs::read(path).map_err(|source| DataError::Read { path: path.to_owned(), source })?;
    let text = String::from_utf8_lossy(&bytes);
    let names: Vec<String> =
        text.lines().map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
    if names.len() == classes {
        return Ok(names);
    }
    let (expected, found) = (format!("a name for each of {classes} classes"), names.len().to_string());
    Err(DataError::Format { path: path.to_owned(), expected, found, hint: AGAIN })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two training images for each file and one for testing; image `i` of a file holds the byte `10·file + i`.
    fn cifar_10(folder: &Path) {
        let record = |label: u8, byte: u8| [vec![label], vec![byte; IMAGE.elements()]].concat();
        for (file, name) in CIFAR_10.train.iter().enumerate() {
            let file = file as u8;
            let bytes = [record(file, 10 * file), record(9 - file, 10 * file + 1)].concat();
            fs::write(folder.join(name), bytes).unwrap();
        }
        fs::write(folder.join(CIFAR_10.test), record(3, 255)).unwrap();
    }

    fn load(name: &str, folder: &Path, options: &str) -> Result<Splits, String> {
        let spec = format!("{name}:{}{options}", folder.display());
        crate::load(&spec).map_err(|error| error.to_string())
    }

    #[test]
    fn files_are_read_in_order_from_the_folder_or_the_one_in_it() {
        let folder = tempfile::tempdir().unwrap();
        cifar_10(folder.path());
        let splits = load("cifar10", folder.path(), "").unwrap();
        assert_eq!((splits.train.len(), splits.test.len(), splits.train.features()), (10, 1, 3072));
        let labels: Vec<i32> = splits.train.labels().as_slice().unwrap().to_vec();
        assert_eq!(labels, [0, 9, 1, 8, 2, 7, 3, 6, 4, 5]);
        let (x, _) = splits.train.range(7..8);
        assert!(x.as_slice::<f32>().unwrap().iter().all(|&pixel| pixel == 31.0 / 255.0));

        let outer = tempfile::tempdir().unwrap();
        fs::rename(folder.path(), outer.path().join(CIFAR_10.folder)).unwrap();
        assert_eq!(load("cifar10", outer.path(), "").unwrap().train, splits.train);
    }

    #[test]
    fn both_labels_of_cifar_100_can_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let record = [vec![19, 99], vec![7; IMAGE.elements()]].concat();
        fs::write(folder.path().join("train.bin"), [record.clone(), record.clone()].concat()).unwrap();
        fs::write(folder.path().join("test.bin"), &record).unwrap();
        let names: String = (0..20).map(|i| format!("class {i}\n")).collect();
        fs::write(folder.path().join("coarse_label_names.txt"), names).unwrap();
        let fine = load("cifar100", folder.path(), "").unwrap().train;
        assert_eq!((fine.classes(), fine.labels().to_f64_vec()), (100, vec![99.0; 2]));
        let coarse = load("cifar100", folder.path(), ",labels=coarse").unwrap().train;
        assert_eq!((coarse.classes(), coarse.labels().to_f64_vec()), (20, vec![19.0; 2]));
        assert_eq!(coarse.class_names()[19], "class 19");
        assert!(load("cifar100", folder.path(), ",labels=super").unwrap_err().contains("fine or coarse"));
    }

    #[track_caller]
    fn assert_refused(change: impl FnOnce(&Path), parts: &[&str]) {
        let folder = tempfile::tempdir().unwrap();
        cifar_10(folder.path());
        change(folder.path());
        let error = load("cifar10", folder.path(), "").unwrap_err();
        assert!(parts.iter().all(|part| error.contains(part)), "{error}");
    }

    #[test]
    fn damaged_folders_are_refused() {
        let write = |name: &'static str, bytes: usize| {
            move |folder: &Path| fs::write(folder.join(name), vec![0; bytes]).unwrap()
        };
        assert_refused(
            |folder| fs::remove_file(folder.join("data_batch_3.bin")).unwrap(),
            &["no data_batch_3.bin in ", "isoloss data"],
        );
        assert_refused(write("data_batch_2.bin", 6145), &["whole images of 3073 bytes", "found 6145 bytes"]);
        assert_refused(
            write("data_batch_4.bin", 3073),
            &["expected 2 images as in data_batch_1.bin, found 1"],
        );
        assert_refused(write("test_batch.bin", 0), &["at least one, found 0 bytes"]);
        assert_refused(write("batches.meta.txt", 3), &["a name for each of 10 classes, found 1"]);
        let bad_label = |folder: &Path| fs::write(folder.join("test_batch.bin"), vec![10; 3073]).unwrap();
        assert_refused(bad_label, &["test_batch.bin", "labels from 0 to 9, found label 10 at example 0"]);
    }
}
