//! Single files of safetensors.

use std::{fs, path::Path};

use isoloss_weights::{Reader, load, metadata, save};
use safetensors::SafeTensors;
use tensor::{Buffer, Stored};

use crate::support::{folder, refused, sample, saved, with_header, write_one};

fn error(contents: &[u8]) -> String {
    refused("bad.safetensors", contents)
}

#[test]
fn what_was_saved_is_loaded_in_order_and_bit_for_bit() {
    let folder = folder();
    let path = saved(folder.path(), "model.safetensors");
    let loaded = load(&path).unwrap();
    assert_eq!(loaded, sample());
    assert_eq!(metadata(&path).unwrap(), sample().metadata);
    let last = loaded.params.get("2.weight").unwrap().as_slice::<f32>().unwrap()[5];
    assert_eq!(last.to_bits(), (-0.0f32).to_bits());
}

#[test]
fn equal_weights_give_equal_bytes_that_the_format_s_own_library_reads() {
    let folder = folder();
    let [first, second] = ["a.safetensors", "b.safetensors"].map(|name| saved(folder.path(), name));
    let bytes = fs::read(first).unwrap();
    assert_eq!(bytes, fs::read(second).unwrap());
    let file = SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(file.tensor("2.weight").unwrap().shape(), [2, 3]);
}

#[test]
fn tensors_and_parts_of_them_are_read_alone() {
    let folder = folder();
    let reader = Reader::open(&saved(folder.path(), "model.safetensors")).unwrap();
    let names: Vec<String> = reader.entries().iter().map(ToString::to_string).collect();
    assert_eq!(names, ["2.weight F32[2, 3]", "0.bias F32[2]"]);
    assert_eq!(reader.read_range("2.weight", 1..4).unwrap(), [-2.0, 0.0, f32::MIN_POSITIVE]);
    assert_eq!(reader.read_range("0.bias", 2..2).unwrap(), [0f32; 0]);
    assert_eq!(reader.bytes("0.bias").unwrap(), [7f32, 7.0].map(f32::to_le_bytes).concat());
    let error = reader.read("2.wieght").unwrap_err().to_string();
    assert!(error.contains("holds no tensor '2.wieght' (did you mean '2.weight'?)"), "{error}");
}

#[test]
fn tensors_larger_than_a_piece_are_read_whole_in_any_type() {
    let folder = folder();
    let path = folder.path().join("x.safetensors");
    let numbers: Vec<f32> = (0..3_000_001).map(|i| (i % 251) as f32).collect();
    for stored in [Stored::F32, Stored::F16, Stored::BF16, Stored::F64] {
        write_one(&path, stored, &stored.encode(&numbers)).unwrap();
        let reader = Reader::open(&path).unwrap();
        assert!(reader.read("x").unwrap().as_slice::<f32>().unwrap() == numbers, "{stored}");
        assert_eq!(reader.read_range("x", 2_999_990..3_000_001).unwrap(), numbers[2_999_990..]);
    }
}

#[test]
fn other_element_types_are_read_as_asked_or_refused() {
    let folder = folder();
    let path = folder.path().join("x.safetensors");
    write_one(&path, Stored::I64, &(-3i64).to_le_bytes()).unwrap();
    let reader = Reader::open(&path).unwrap();
    assert_eq!(reader.read_exact("x").unwrap().buffer(), &Buffer::I32(vec![-3]));
    let message = reader.read("x").unwrap_err().to_string();
    assert!(message.contains("tensor 'x' is stored as I64, expected floats"), "{message}");
    write_one(&path, Stored::I64, &(1i64 << 40).to_le_bytes()).unwrap();
    let message = Reader::open(&path).unwrap().read_exact("x").unwrap_err().to_string();
    assert!(message.contains("stored as I64, expected integers up to 2^31"), "{message}");
    write_one(&path, Stored::F64, &0.1f64.to_le_bytes()).unwrap();
    assert_eq!(Reader::open(&path).unwrap().read_exact("x").unwrap().buffer(), &Buffer::F64(vec![0.1]));
    let header = "{\"0.weight\":{\"dtype\":\"F8_E4M3\",\"shape\":[8],\"data_offsets\":[0,8]}}";
    let message = error(&with_header(header, &[0; 8]));
    assert!(
        message.contains("tensor '0.weight' is stored as F8_E4M3, which is not read; read are F64"),
        "{message}"
    );
}

#[test]
fn counters_of_batches_are_passed_over() {
    let header = "{\"1.num_batches_tracked\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[0,8]},\
        \"1.weight\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,12]}}";
    let folder = folder();
    let path = folder.path().join("model.safetensors");
    fs::write(&path, with_header(header, &[0; 12])).unwrap();
    assert_eq!(load(&path).unwrap().params.names().collect::<Vec<_>>(), ["1.weight"]);
    assert_eq!(Reader::open(&path).unwrap().entries().len(), 2);
}

#[test]
fn a_missing_file_is_named() {
    let error = load(Path::new("/no/such/model.safetensors")).unwrap_err().to_string();
    assert!(error.starts_with("cannot read /no/such/model.safetensors: "), "{error}");
}

#[test]
fn files_cut_short_anywhere_are_refused() {
    let folder = folder();
    let whole = fs::read(saved(folder.path(), "model.safetensors")).unwrap();
    for length in 0..whole.len() {
        let error = error(&whole[..length]);
        assert!(error.contains("is not a whole safetensors file: expected"), "{length}: {error}");
    }
    assert!(error(&whole[..whole.len() - 1]).contains("expected 32 bytes of tensor data, found 31 bytes"));
    assert!(error(&[&whole[..], b"x"].concat()).contains("found 33 bytes"));
}

#[test]
fn other_formats_are_refused() {
    assert!(error(b"PK\x03\x04 a zip archive").contains("not safetensors at all"));
    assert!(error(&with_header("not json", &[])).contains("a damaged one"));
    assert!(error(&with_header("[]", &[])).contains("an object with a member for each tensor"));
    assert!(error(&with_header("{\"a\":{\"dtype\":\"F32\"}}", &[])).contains("missing field"));
}

#[test]
fn what_stands_twice_in_a_header_is_refused() {
    let tensor = "{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}";
    let twice = |what: &str| error(&with_header(what, &[0; 4]));
    assert!(twice(&format!("{{\"a\":{tensor},\"a\":{tensor}}}")).contains("'a' twice"));
    assert!(
        twice(&format!("{{\"__metadata__\":{{}},\"__metadata__\":{{}},\"a\":{tensor}}}")).contains("twice")
    );
    assert!(twice("{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}}").contains("'k' twice"));
    assert!(
        twice(&format!("{{\"a\":{}}}", tensor.replace('{', "{\"dtype\":\"F32\",")))
            .contains("duplicate field")
    );
}

#[test]
fn hostile_shapes_and_offsets_are_refused() {
    let entry = |shape: &str, offsets: &str| {
        let header = format!("{{\"a\":{{\"dtype\":\"F32\",\"shape\":{shape},\"data_offsets\":{offsets}}}}}");
        error(&with_header(&header, &[0; 8]))
    };
    assert!(entry("[18446744073709551615,2]", "[0,8]").contains("found those from 0 to 8"));
    assert!(entry("[2]", "[8,0]").contains("them from byte 8"));
    assert!(entry("[3]", "[0,8]").contains("as many bytes as F32[3] needs, found those from 0 to 8"));
    assert!(entry("[4000000000]", "[0,16000000000]").contains("16000000000 bytes of tensor data, found 8"));
    assert!(entry("[-1]", "[0,8]").contains("a damaged one"));
    let two = |second: &str| {
        let first = "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}";
        let second = format!("\"b\":{{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":{second}}}");
        error(&with_header(&format!("{{{first},{second}}}"), &[0; 8]))
    };
    assert!(two("[2,6]").contains("the data of tensor 'b' from byte 4, where those before it end"));
    assert!(two("[5,9]").contains("from byte 4") && two("[0,4]").contains("from byte 4"));
    let huge = [&(1u64 << 40).to_le_bytes()[..], b"{}"].concat();
    assert!(error(&huge).contains("a header that ends within the file's 10 bytes"));
}

#[test]
fn deep_nesting_is_no_danger() {
    let depth = 100_000;
    let (open, close) = ("[".repeat(depth), "]".repeat(depth));
    assert!(error(&with_header(&open, &[])).contains("a damaged one"));
    assert!(error(&with_header(&"{\"a\":".repeat(depth), &[])).contains("a damaged one"));
    let shape = format!("{{\"a\":{{\"dtype\":\"F32\",\"shape\":{open}{close},\"data_offsets\":[0,4]}}}}");
    assert!(error(&with_header(&shape, &[0; 4])).contains("a damaged one"));
}

#[test]
fn a_failed_save_leaves_nothing() {
    let folder = folder();
    fs::write(folder.path().join("file"), "").unwrap();
    let path = folder.path().join("file/model.safetensors");
    let error = save(&path, &sample().params, &sample().metadata).unwrap_err();
    assert!(error.to_string().contains("cannot write"), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}
