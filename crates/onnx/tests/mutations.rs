//! Damaged files are refused: no panic, no endless loop, no memory beyond what the file's size explains.

use std::{fs, path::Path};

use isoloss_onnx::{Batch, OnnxError, OnnxModel};
use tensor::Key;

/// Mutations of each file; there are fifteen of them.
const MUTATIONS: u64 = 800;

/// Small files of all kinds.
const FILES: [&str; 15] = [
    "resnet-kept",
    "resnet-dynamo-kept",
    "resnet-legacy-9",
    "resnet-typed",
    "resnet-external",
    "mobile-legacy",
    "mobile-dynamo",
    "unet-dynamo",
    "encoder-attention",
    "gpt-dynamo",
    "gpt-attention",
    "lstm-legacy",
    "gru-legacy",
    "rnn-legacy",
    "zoo-dynamo",
];

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/goldens"))
}

/// Bytes that mean much to a decoder: the ends of their range, single bits, continuations of numbers.
const TELLING: [u8; 8] = [0, 1, 0x7f, 0x80, 0xff, 0x08, 0x0a, 0x12];

/// A copy with one to four bytes changed where they are, so that the fields around them stay whole.
fn altered(bytes: &[u8], key: Key) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for fault in 0..1 + key.below(0, 4) {
        let draw = |what: u64, below: usize| key.below(4 * fault + what + 1, below as u64) as usize;
        let place = draw(1, bytes.len());
        if draw(2, 2) == 0 {
            bytes[place] = TELLING[draw(3, TELLING.len())];
        } else {
            bytes[place] ^= 1 << draw(3, 8);
        }
    }
    bytes
}

/// A copy with one to eight faults, some of which move what follows.
fn mutated(bytes: &[u8], key: Key) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let faults = 1 + key.below(0, 8);
    for fault in 0..faults {
        let draw = |what: u64, below: usize| key.below(8 * fault + what + 1, below.max(1) as u64) as usize;
        let place = draw(1, bytes.len());
        match draw(2, 6) {
            0 => bytes.truncate(place),
            1 => bytes.insert(place, TELLING[draw(3, TELLING.len())]),
            2 if !bytes.is_empty() => drop(bytes.remove(place)),
            3 if !bytes.is_empty() => bytes[place] ^= 1 << draw(3, 8),
            4 => {
                let end = (place + draw(3, 40)).min(bytes.len());
                let part = bytes[place..end].to_vec();
                bytes.splice(place..place, part);
            }
            _ if !bytes.is_empty() => bytes[place] = TELLING[draw(3, TELLING.len())],
            _ => {}
        }
    }
    bytes
}

#[test]
fn mutated_files_give_networks_or_errors() {
    let (mut refused, mut read) = (0, 0);
    for name in FILES {
        let bytes = fs::read(folder().join(format!("{name}.onnx"))).unwrap();
        for number in 0..MUTATIONS {
            let key = Key::new(number).child(name);
            let mutate = if number.is_multiple_of(4) { mutated } else { altered };
            match OnnxModel::parse(mutate(&bytes, key), Some(folder())) {
                Ok(network) => {
                    read += 1;
                    drop(network.weights());
                }
                Err(error) => {
                    refused += 1;
                    assert!(!error.to_string().is_empty());
                }
            }
        }
    }
    assert!(refused > 1000 && read > 1000, "{refused} refused, {read} read");
}

/// A message field of a number with these contents.
fn field(number: u8, contents: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2];
    let mut length = contents.len();
    while length >= 0x80 {
        bytes.push(length as u8 | 0x80);
        length >>= 7;
    }
    bytes.push(length as u8);
    bytes.extend(contents);
    bytes
}

#[test]
fn graphs_within_graphs_without_end_are_refused() {
    // model.graph.node.attribute.g.node.attribute.g ...
    let mut graph = Vec::new();
    for _ in 0..20_000 {
        graph = field(1, &field(5, &field(6, &graph)));
        if graph.len() > 1 << 20 {
            break;
        }
    }
    let error = OnnxModel::parse(field(7, &graph), None).unwrap_err();
    assert!(matches!(&error, OnnxError::Format { .. }), "{error}");
    assert!(error.to_string().contains("recursion limit"), "{error}");
}

#[test]
fn nothing_and_other_formats_are_refused() {
    for bytes in [&b""[..], b"\x93NUMPY", b"PK\x03\x04", &[0xff; 100]] {
        assert!(OnnxModel::parse(bytes.to_vec(), None).is_err());
    }
}

#[test]
fn a_file_cut_short_anywhere_is_refused() {
    let bytes = fs::read(folder().join("resnet-folded.onnx")).unwrap();
    for end in (0..bytes.len() - 1).step_by(7) {
        assert!(OnnxModel::parse(bytes[..end].to_vec(), None).is_err(), "cut at {end}");
    }
}

#[test]
fn what_is_read_can_be_run_with_any_batch_that_it_says() {
    for name in FILES {
        let network = OnnxModel::read(&folder().join(format!("{name}.onnx"))).unwrap();
        assert_eq!(network.batch(), &Batch::Any, "{name}");
    }
}
