//! Weights in several files.

use std::{collections::BTreeMap, fs, path::Path};

use isoloss_weights::{Entry, Reader, files, load, write_sharded};
use tempfile::TempDir;

use crate::support::{folder, sample, saved, with_header};

const INDEX: &str = "model.safetensors.index.json";

/// The sample in one file for each tensor.
fn sharded() -> TempDir {
    let folder = folder();
    let sample = sample();
    let entries: Vec<Entry> =
        Reader::open(&saved(folder.path(), "whole.safetensors")).unwrap().entries().to_vec();
    fs::remove_file(folder.path().join("whole.safetensors")).unwrap();
    let mut bytes = |entry: &Entry| {
        let elements = sample.params.get(&entry.name).unwrap().as_slice::<f32>().unwrap();
        Ok(elements.iter().flat_map(|x| x.to_le_bytes()).collect())
    };
    let names = write_sharded(folder.path(), &entries, &sample.metadata, 20, &mut bytes).unwrap();
    assert_eq!(names, ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]);
    folder
}

#[track_caller]
fn refused(path: &Path, fragments: &[&str]) {
    let error = load(path).unwrap_err().to_string();
    assert!(fragments.iter().all(|fragment| error.contains(fragment)), "{error}");
}

/// An index of these files by tensor.
fn index(map: &[(&str, &str)]) -> String {
    let map: BTreeMap<&str, &str> = map.iter().copied().collect();
    serde_json::json!({ "metadata": { "total_size": 1 }, "weight_map": map }).to_string()
}

#[test]
fn a_folder_its_index_and_a_folder_without_one_are_the_same_weights() {
    let folder = sharded();
    assert_eq!(load(folder.path()).unwrap(), sample());
    assert_eq!(load(&folder.path().join(INDEX)).unwrap(), sample());
    assert_eq!(files(folder.path()).unwrap().len(), 2);
    fs::remove_file(folder.path().join(INDEX)).unwrap();
    assert_eq!(load(folder.path()).unwrap(), sample());
}

#[test]
fn a_folder_without_weights_or_with_some_missing_is_refused() {
    let folder = sharded();
    fs::remove_file(folder.path().join("model-00001-of-00002.safetensors")).unwrap();
    refused(folder.path(), &["cannot read", "model-00001-of-00002"]);
    fs::remove_file(folder.path().join(INDEX)).unwrap();
    refused(
        folder.path(),
        &["all files model-1-of-2 to model-2-of-2, found model-00002-of-00002.safetensors"],
    );
    refused(crate::support::folder().path(), &["is not a run folder: it has no file model.safetensors"]);
}

#[test]
fn a_tensor_in_two_files_is_refused() {
    let folder = sharded();
    let [first, second] = [1, 2].map(|i| folder.path().join(format!("model-0000{i}-of-00002.safetensors")));
    fs::copy(first, second).unwrap();
    refused(folder.path(), &["expected tensor '2.weight' in one file", "model-00001", "model-00002"]);
}

#[test]
fn an_index_that_does_not_fit_its_files_is_refused() {
    let folder = sharded();
    let path = folder.path().join(INDEX);
    let [a, b] = [1, 2].map(|i| format!("model-0000{i}-of-00002.safetensors"));
    fs::write(&path, index(&[("2.weight", &b), ("0.bias", &a)])).unwrap();
    refused(&path, &["expected tensor '0.bias' in model-00001", "found it in model-00002"]);
    fs::write(&path, index(&[("2.weight", &a), ("0.bias", &b), ("c", &b)])).unwrap();
    refused(&path, &["tensor 'c' in model-00002", "in none of the files"]);
    fs::write(&path, index(&[("2.weight", &a)])).unwrap();
    assert_eq!(load(&path).unwrap().params.len(), 1, "files that an index does not name are not looked at");
    let both = with_header(
        "{\"2.weight\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]},\
         \"d\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[4,8]}}",
        &[0; 8],
    );
    fs::write(folder.path().join(&a), both).unwrap();
    refused(&path, &["an index that names all tensors, found 'd' in model-00001"]);
}

#[test]
fn an_index_opens_no_file_elsewhere() {
    let folder = sharded();
    let path = folder.path().join(INDEX);
    for file in ["../a.safetensors", "/etc/a.safetensors", "b/../a.safetensors", "..", "", "b\\a.safetensors"]
    {
        fs::write(&path, index(&[("2.weight", file)])).unwrap();
        refused(&path, &["for tensor '2.weight' a file beside the index", file]);
    }
}

#[test]
fn damaged_indices_are_refused() {
    let folder = sharded();
    let path = folder.path().join(INDEX);
    for text in
        ["", "[]", "{}", "{\"weight_map\":[]}", "{\"weight_map\":{\"a\":1}}", "{\"weight_map\":{\"a\":\"b"]
    {
        fs::write(&path, text).unwrap();
        refused(&path, &[INDEX, "an index with a 'weight_map'"]);
    }
    fs::write(&path, "{\"weight_map\":{}}").unwrap();
    refused(&path, &["an index that names files"]);
    fs::write(&path, "{\"weight_map\":{\"a\":\"b\",\"a\":\"c\"}}").unwrap();
    refused(&path, &["'a' twice"]);
}

#[test]
fn a_tensor_larger_than_a_file_may_be_has_one_of_its_own() {
    let folder = folder();
    let entries: Vec<Entry> = ["a", "b", "c"]
        .map(|name| Entry { name: name.to_owned(), stored: tensor::Stored::F32, shape: [2].into() })
        .to_vec();
    let write = |most| {
        let zeros = &mut |entry: &Entry| Ok(vec![0; entry.bytes()]);
        write_sharded(folder.path(), &entries, &BTreeMap::new(), most, zeros).unwrap().len()
    };
    assert_eq!([0, 8, 16, 24, usize::MAX].map(write), [3, 3, 2, 1, 1]);
}
