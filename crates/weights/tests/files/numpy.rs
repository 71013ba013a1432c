//! Files of numpy.

use std::{collections::BTreeMap, fs};

use isoloss_weights::{Entry, Reader, load};
use tensor::{Buffer, Stored};

use crate::support::{folder, refused, sample, saved, write_one};

#[test]
fn an_archive_keeps_names_order_bits_and_metadata() {
    let folder = folder();
    let path = saved(folder.path(), "model.npz");
    assert_eq!(load(&path).unwrap(), sample());
    assert_eq!(Reader::open(&path).unwrap().read_range("2.weight", 1..2).unwrap(), [-2.0]);
    assert_eq!(fs::read(&path).unwrap(), fs::read(saved(folder.path(), "other.npz")).unwrap());
}

#[test]
fn a_file_of_one_array_is_called_as_the_file_is() {
    let folder = folder();
    let path = folder.path().join("bias.npy");
    write_one(&path, Stored::F16, &Stored::F16.encode(&[1.0, 0.5, -2.0])).unwrap();
    let reader = Reader::open(&path).unwrap();
    assert_eq!(reader.read("bias").unwrap().to_f64_vec(), [1.0, 0.5, -2.0]);
    assert_eq!(reader.read_range("bias", 1..3).unwrap(), [0.5, -2.0]);
    write_one(&path, Stored::Bool, &[0, 1]).unwrap();
    let exact = Reader::open(&path).unwrap().read_exact("bias").unwrap();
    assert_eq!(exact.buffer(), &Buffer::Bool(vec![false, true]));
}

#[test]
fn what_numpy_cannot_hold_is_refused_with_a_way_out() {
    let folder = folder();
    for name in ["x.npz", "x.npy"] {
        let error = write_one(&folder.path().join(name), Stored::BF16, &[0; 2]).unwrap_err().to_string();
        assert!(
            error.contains("cannot hold BF16, as tensor 'x' is; write .safetensors instead, or convert"),
            "{error}"
        );
    }
    let entries =
        ["a", "b"].map(|name| Entry { name: name.to_owned(), stored: Stored::U8, shape: [1].into() });
    let path = folder.path().join("x.npy");
    let error = isoloss_weights::write(&path, &entries, &BTreeMap::new(), &mut |_| Ok(vec![0])).unwrap_err();
    assert!(error.to_string().contains("cannot hold 2 tensors, only one; write .npz"), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn files_cut_short_are_refused() {
    let folder = folder();
    for name in ["model.npz", "x.npy"] {
        let path = folder.path().join(name);
        match name {
            "x.npy" => write_one(&path, Stored::F32, &[0; 8]).unwrap(),
            _ => _ = saved(folder.path(), name),
        }
        let whole = fs::read(&path).unwrap();
        for length in (0..whole.len()).step_by(7) {
            assert!(refused(name, &whole[..length]).contains("file: expected"), "{name} {length}");
        }
    }
}
