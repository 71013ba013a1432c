//! What `load` says about folders and files that are not data sets.

use std::{fs, io::Write, path::Path};

use crate::load;
use flate2::{Compression, write::GzEncoder};

fn idx(sizes: &[u32], bytes: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, 8, sizes.len() as u8];
    file.extend(sizes.iter().flat_map(|size| size.to_be_bytes()));
    file.extend(bytes);
    file
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Three training and two test images of 2 × 2.
fn good(folder: &Path) {
    fs::write(
        folder.join("train-images-idx3-ubyte.gz"),
        gzip(&idx(&[3, 2, 2], &[0, 51, 102, 153, 204, 255, 0, 0, 1, 2, 3, 4])),
    )
    .unwrap();
    fs::write(folder.join("train-labels-idx1-ubyte.gz"), gzip(&idx(&[3], &[9, 0, 3]))).unwrap();
    fs::write(folder.join("t10k-images-idx3-ubyte"), idx(&[2, 2, 2], &[255; 8])).unwrap();
    fs::write(folder.join("t10k-labels.idx1-ubyte"), idx(&[2], &[1, 2])).unwrap();
}

/// The error after `change` was made to a good folder.
fn error_after(change: impl FnOnce(&Path)) -> String {
    let folder = tempfile::tempdir().unwrap();
    good(folder.path());
    change(folder.path());
    load(&format!("mnist:{}", folder.path().display())).unwrap_err().to_string()
}

#[track_caller]
fn assert_says(error: &str, parts: &[&str]) {
    assert!(parts.iter().all(|part| error.contains(part)), "{error}");
}

#[test]
fn gzipped_and_plain_files_make_a_data_set() {
    let folder = tempfile::tempdir().unwrap();
    good(folder.path());
    let spec = format!("fashion-mnist:{}", folder.path().display());
    let splits = load(&spec).unwrap();
    assert_eq!(splits.spec, spec);
    assert_eq!(splits.train.name(), "fashion-mnist (train)");
    assert_eq!((splits.train.len(), splits.test.len(), splits.train.features()), (3, 2, 4));
    let (x, labels) = splits.train.range(0..1);
    assert_eq!(x.as_slice::<f32>().unwrap(), [0.0, 0.2, 0.4, 0.6]);
    assert_eq!(labels.as_slice::<i32>().unwrap(), [9]);
}

#[test]
fn an_unknown_name_gets_the_nearest_one() {
    let error = |spec: &str| load(spec).unwrap_err().to_string();
    assert_says(
        &error("minst:/data"),
        &["'minst' (did you mean 'mnist:DIR'?)", "known: digits, mnist:DIR, fashion-mnist:DIR"],
    );
    assert_says(&error("digit"), &["did you mean 'digits'?"]);
    assert!(!error("openwebtext").contains("did you mean"));
}

#[test]
fn a_folder_is_asked_for_where_it_is_needed() {
    let error = |spec: &str| load(spec).unwrap_err().to_string();
    assert_says(&error("mnist"), &["data 'mnist'", "mnist:DIR", "found nothing after the colon"]);
    assert_says(&error("mnist:"), &["found nothing after the colon"]);
    assert_says(&error("digits:here"), &["options as name=value", "found 'here'"]);
    assert_says(
        &error("mnist:/no/such/folder"),
        &["a folder after the colon", "nothing of that name at /no/such/folder"],
    );
}

#[test]
fn a_missing_file_is_reported_with_the_names_tried() {
    let error = error_after(|folder| fs::remove_file(folder.join("train-labels-idx1-ubyte.gz")).unwrap());
    assert_says(
        &error,
        &[
            "no train labels in ",
            "train-labels-idx1-ubyte.gz, ",
            "train-labels-idx1-ubyte,",
            "original names",
        ],
    );
    let error = error_after(|folder| fs::remove_file(folder.join("t10k-images-idx3-ubyte")).unwrap());
    assert_says(&error, &["no test images in "]);
}

#[test]
fn truncated_files_are_named() {
    let name = "train-images-idx3-ubyte.gz";
    let error = error_after(|folder| {
        let whole = fs::read(folder.join(name)).unwrap();
        fs::write(folder.join(name), &whole[..whole.len() - 12]).unwrap();
    });
    assert_says(
        &error,
        &[name, "expected 12 bytes of elements", "the end of the gzip data", "fetch it again"],
    );
    let error = error_after(|folder| {
        fs::write(folder.join("t10k-images-idx3-ubyte"), idx(&[2, 2, 2], &[1; 5])).unwrap();
    });
    assert_says(
        &error,
        &["t10k-images-idx3-ubyte", "expected 8 bytes of elements", "the end of the file after 5"],
    );
}

#[test]
fn images_in_place_of_labels_are_noticed() {
    let error = error_after(|folder| {
        fs::copy(folder.join("train-images-idx3-ubyte.gz"), folder.join("train-labels-idx1-ubyte.gz"))
            .unwrap();
    });
    assert_says(&error, &["train-labels-idx1-ubyte.gz", "a 1-dimensional IDX file", "found 00 00 08 03"]);
}

#[test]
fn counts_that_differ_are_refused() {
    let error = error_after(|folder| {
        fs::write(folder.join("t10k-labels.idx1-ubyte"), idx(&[3], &[1, 2, 3])).unwrap();
    });
    assert_says(&error, &["t10k-labels.idx1-ubyte", "expected 2 labels", "found 3"]);
}

#[test]
fn labels_out_of_range_are_refused() {
    let error =
        error_after(|folder| fs::write(folder.join("t10k-labels.idx1-ubyte"), idx(&[2], &[1, 10])).unwrap());
    assert_says(&error, &["t10k-labels.idx1-ubyte", "labels from 0 to 9", "label 10 at example 1"]);
}

#[test]
fn test_images_of_another_size_are_refused() {
    let error = error_after(|folder| {
        fs::write(folder.join("t10k-images-idx3-ubyte"), idx(&[2, 1, 2], &[1; 4])).unwrap();
    });
    assert_says(&error, &["examples of one size (images 1x2x2)", "test images 1x1x2"]);
}

#[test]
fn a_folder_in_place_of_a_file_is_refused() {
    let error = error_after(|folder| {
        fs::remove_file(folder.join("train-images-idx3-ubyte.gz")).unwrap();
        fs::create_dir(folder.join("train-images-idx3-ubyte.gz")).unwrap();
    });
    assert_says(&error, &["no train images in "]);
}

#[test]
fn options_are_checked_against_the_data_set() {
    let error = |spec: &str| load(spec).unwrap_err().to_string();
    assert_says(
        &error("digits:argument=flip"),
        &["no option of digits called 'argument' (did you mean 'augment'?)"],
    );
    assert_says(&error("digits:first=3,first=4"), &["every option once", "'first' twice"]);
    assert_says(&error("digits:normalize=yes"), &["normalize as on or off, found 'yes'"]);
    assert_says(
        &error("digits:augment=flop"),
        &["crop, flip, scale, rotate joined by +, as crop+flip", "'flop'"],
    );
    assert_says(&error("digits:augment=offset"), &["crop, flip, scale, rotate"]);
    assert_says(&error("clusters:augment=flip"), &["no option of clusters called 'augment'"]);
}

#[test]
fn a_place_is_followed_by_options() {
    let folder = tempfile::tempdir().unwrap();
    good(folder.path());
    let spec = format!("mnist:{},normalize=on,first=2,augment=crop:1+flip", folder.path().display());
    let splits = load(&spec).unwrap();
    assert_eq!((splits.train.len(), splits.test.len()), (2, 2));
    assert_eq!(splits.train.augmentation().to_string(), "crop:1+flip");
    assert_eq!(splits.test.augmentation().to_string(), "");
    let moments = splits.train.normalization().unwrap();
    // pixels 0, 51, 102, 153 and 204, 255, 0, 0 of 255
    assert!((moments.mean[0] - 0.375).abs() < 1e-12, "{moments:?}");
    assert_eq!(splits.test.normalization(), Some(moments));
    let (x, _) = splits.test.range(0..1);
    let expected = (1.0 - moments.mean[0]) / moments.deviation[0];
    assert!(x.to_f64_vec().iter().all(|x| (x - expected).abs() < 1e-6));
}

/// The numbers of all examples, one vector each, sorted.
fn sorted(parts: &[&crate::Dataset]) -> Vec<Vec<f64>> {
    let rows = |data: &crate::Dataset| -> Vec<Vec<f64>> {
        data.x().to_f64_vec().chunks(data.features()).map(<[f64]>::to_vec).collect()
    };
    let mut rows: Vec<Vec<f64>> = parts.iter().flat_map(|data| rows(data)).collect();
    rows.sort_by(|a, b| a.partial_cmp(b).unwrap());
    rows
}

#[test]
fn a_part_for_validation_comes_out_of_the_training_part() {
    let (whole, held) = (load("digits").unwrap(), load("digits:validation=0.1").unwrap());
    let validation = held.validation.as_ref().unwrap();
    assert_eq!((held.train.len(), validation.len(), validation.name()), (1293, 144, "digits (validation)"));
    assert_eq!(sorted(&[&held.train, validation]), sorted(&[&whole.train]));
    assert_eq!(held.test, whole.test);
    let other = load("digits:validation=0.1,split_seed=1").unwrap();
    assert_ne!(other.validation.unwrap().x(), validation.x());
    let part = load("digits:first=100,validation=0.2").unwrap();
    assert_eq!((part.train.len(), part.validation.unwrap().len()), (80, 20));
    assert!(whole.validation.is_none());
}

#[test]
fn a_part_for_validation_is_read_as_the_training_part_but_never_changed_at_random() {
    let held = load("digits:validation=0.1,normalize=on,augment=crop:1").unwrap();
    let validation = held.validation.as_ref().unwrap();
    assert_eq!(validation.normalization(), held.train.normalization());
    // Moments are those of what is left to train on.
    assert_ne!(held.input(), load("digits:normalize=on").unwrap().input());
    assert_eq!(validation.augmentation().to_string(), "");
    let again = load("digits:validation=0.1").unwrap().read_as(&held.input()).unwrap();
    assert_eq!(again.validation.unwrap().x(), validation.x());
}

#[test]
fn a_part_for_validation_is_told_from_the_specification() {
    for (spec, expected) in [
        ("digits:validation=0.1", true),
        ("text:a.txt,bpe=300,validation=0.1", true),
        ("digits", false),
        ("text:validation=0.1", false),
        ("nothing:validation=0.1", false),
        ("digits:validation", false),
    ] {
        assert_eq!(crate::has_validation(spec), expected, "{spec}");
    }
    let error = |spec: &str| load(spec).unwrap_err().to_string();
    assert_says(&error("digits:validation=0.0001"), &["validation as a share of the 1437 examples"]);
    assert_says(&error("digits:validation=1"), &["validation as a share between 0 and 1"]);
}
