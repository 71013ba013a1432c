//! Files of `torch.save` and of other libraries, which `goldens/make.py` made.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use isoloss_weights::{Checkpoint, Reader, load};
use tensor::{Buffer, Stored};

use crate::support::{folder, refused, sample, saved, write_one};

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens").join(name)
}

/// Element `i` of tensor number `t`, as the script makes it.
fn element(t: usize, i: usize) -> f32 {
    (((i * 7 + t * 3) % 11) as f32 - 5.0) / 2.0
}

/// The names of the script's state dictionary, in its order, with their elements.
const STATE: [(&str, usize); 6] = [
    ("fc.weight", 12),
    ("fc.bias", 3),
    ("bn.running_mean", 4),
    ("bn.num_batches_tracked", 1),
    ("layers.10.weight", 2),
    ("layers.9.weight", 2),
];

/// Checks names, order and numbers.
#[track_caller]
fn is_state(reader: &Reader) {
    let names: Vec<&str> = reader.entries().iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(names, STATE.map(|(name, _)| name));
    let floats = STATE.iter().filter(|(name, _)| !name.ends_with("tracked"));
    for (t, (name, count)) in floats.enumerate() {
        let expected: Vec<f32> = (0..*count).map(|i| element(t, i)).collect();
        assert_eq!(reader.read(name).unwrap().as_slice::<f32>().unwrap(), expected, "{name}");
        assert_eq!(reader.read_range(name, 1..2).unwrap(), expected[1..2]);
    }
    let counter = reader.read_exact("bn.num_batches_tracked").unwrap();
    assert_eq!(counter.buffer(), &Buffer::I32(vec![5]));
}

#[test]
fn both_formats_give_names_order_and_numbers() {
    for name in ["state.pt", "legacy.pth"] {
        let reader = Reader::open(&golden(name)).unwrap();
        is_state(&reader);
        assert!(reader.notes().is_empty() && reader.metadata().is_empty());
    }
}

#[test]
fn nested_and_wrapped_states_are_found_and_said() {
    let nested = Reader::open(&golden("nested.ckpt")).unwrap();
    is_state(&nested);
    let notes =
        ["the tensors of 'state_dict' were taken, 1 beside it were not", "'model.' was taken off all names"];
    assert_eq!(nested.notes(), notes);
    let wrapped = Reader::open(&golden("wrapped.bin")).unwrap();
    is_state(&wrapped);
    let notes = ["'_orig_mod.' was taken off all names", "'module.' was taken off all names"];
    assert_eq!(wrapped.notes(), notes);
}

#[test]
fn a_prefix_is_no_dictionary_and_only_that_of_wrappers_is_taken_off() {
    let parallel = Reader::open(&golden("parallel.pt")).unwrap();
    is_state(&parallel);
    assert_eq!(parallel.notes(), ["'module.' was taken off all names"]);
    let flat = Reader::open(&golden("flat.pt")).unwrap();
    assert!(flat.notes().is_empty() && flat.entries().len() == STATE.len());
    assert!(flat.entries().iter().all(|entry| entry.name.starts_with("model.")));
}

#[test]
fn several_files_with_an_index_are_one_state() {
    is_state(&Reader::open(&golden("hub")).unwrap());
    is_state(&Reader::open(&golden("hub/pytorch_model.bin.index.json")).unwrap());
}

#[test]
fn views_and_every_type_are_read_as_pytorch_shows_them() {
    is_odd(&Reader::open(&golden("odd.pt")).unwrap());
}

#[test]
fn the_other_libraries_files_hold_the_same() {
    let library = Reader::open(&golden("library.safetensors")).unwrap();
    is_odd(&library);
    assert_eq!(library.metadata()["format"], "pt");
    for name in ["stored.npz", "deflated.npz"] {
        is_odd(&Reader::open(&golden(name)).unwrap());
    }
    let fortran = Reader::open(&golden("fortran.npy")).unwrap();
    let rows: Vec<f32> = (0..24).map(|i| element(0, i)).collect();
    assert_eq!(fortran.read("fortran").unwrap().as_slice::<f32>().unwrap(), rows);
    assert_eq!(fortran.read_range("fortran", 5..9).unwrap(), rows[5..9]);
}

/// Checks the script's odd tensors, which numpy has with `/` in some names, and without BF16.
#[track_caller]
fn is_odd(reader: &Reader) {
    let read = |name: &str| reader.read(name).unwrap().as_slice::<f32>().unwrap().to_vec();
    let at = |row: usize, column: usize| element(0, 6 * row + column);
    let transposed: Vec<f32> = (0..24).map(|i| at(i % 4, i / 4)).collect();
    assert_eq!(read("transposed"), transposed);
    let sliced: Vec<f32> = (0..6).map(|i| at(1 + i / 3, 2 * (i % 3))).collect();
    assert_eq!(read("sliced"), sliced);
    assert_eq!(read("expanded"), (0..12).map(|i| element(1, i / 4)).collect::<Vec<_>>());
    assert_eq!(read("shared"), read("tied"));
    for (t, stored) in [(2, Stored::F16), (3, Stored::BF16), (4, Stored::F64)] {
        let name = stored.name().to_lowercase();
        let other = name.replace("16", "/16");
        let Some(entry) = reader.entry(&name).or(reader.entry(&other)) else { continue };
        assert_eq!(entry.stored, stored);
        assert_eq!(read(&entry.name), (0..5).map(|i| element(t, i)).collect::<Vec<_>>());
    }
    let exact = |name: &str| reader.read_exact(name).unwrap().into_parts().1;
    assert_eq!(exact("i32"), Buffer::I32((0..5).map(|i| (2.0 * element(5, i)) as i32).collect()));
    assert_eq!(exact("u8"), Buffer::I32(vec![0, 200]));
    assert_eq!(exact("bool"), Buffer::Bool(vec![true, false, true]));
    assert_eq!((read("scalar"), read("empty")), (vec![1.5], vec![]));
    assert_eq!(reader.entry("empty").unwrap().shape, [0, 3].into());
}

#[test]
fn what_a_file_asks_to_run_is_not_run() {
    let before = fs::read_dir(".").unwrap().count();
    is_state(&Reader::open(&golden("malicious.pt")).unwrap());
    assert_eq!(fs::read_dir(".").unwrap().count(), before);
    assert!(!Path::new("isoloss-was-here").exists());
}

#[test]
fn other_contents_are_refused() {
    for (name, fragment) in [("complex.pt", "omplex"), ("list.pt", "")] {
        let error = load(&golden(name)).unwrap_err().to_string();
        assert!(error.contains("not a whole PyTorch file") && error.contains(fragment), "{error}");
    }
    assert!(refused("a.pt", b"").contains("not a whole PyTorch file"));
    assert!(refused("a.pt", b"a text").contains("torch.save"));
    assert!(load(Path::new("/no/such.pt")).unwrap_err().to_string().starts_with("cannot read /no/such.pt"));
}

/// Pickles that nest a million lists, dictionaries and tuples, and one that doubles what it holds at each step.
#[test]
fn deep_nesting_and_doubling_are_refused() {
    let depth = 1_000_000;
    let nested = |parts: &[(&[u8], usize)]| -> Vec<u8> {
        let parts = parts.iter().map(|(part, times)| part.repeat(*times));
        [b"\x80\x02".to_vec(), parts.collect::<Vec<_>>().concat(), b".".to_vec()].concat()
    };
    let lists = nested(&[(b"]", depth), (b"a", depth - 1)]);
    let dictionaries = nested(&[(b"}X\x01\0\0\0a", depth), (b"}", 1), (b"s", depth)]);
    let tuples = nested(&[(b")", 1), (b"\x85", depth)]);
    let doubling: Vec<u8> = (0..60u8).flat_map(|i| [b'h', i, b'h', i, 0x86, b'q', i + 1]).collect();
    let doubling = nested(&[(b"X\x01\0\0\0aq\0", 1), (&doubling, 1)]);
    for pickle in [lists, dictionaries, tuples, doubling] {
        assert!(refused("a.pt", &pickle).contains("is not a whole PyTorch file"));
    }
}

#[test]
fn files_cut_short_are_refused_or_lack_tensors() {
    for name in ["state.pt", "legacy.pth"] {
        let whole = fs::read(golden(name)).unwrap();
        for length in (0..whole.len()).step_by(13) {
            assert!(refused(name, &whole[..length]).contains("PyTorch file"), "{name} {length}");
        }
    }
}

#[test]
fn what_is_written_is_read_again_but_for_the_metadata() {
    let folder = folder();
    let path = saved(folder.path(), "model.pt");
    let Checkpoint { params, metadata } = load(&path).unwrap();
    assert_eq!((params, metadata.len()), (sample().params, 0));
    assert_eq!(fs::read(&path).unwrap(), fs::read(saved(folder.path(), "other.pt")).unwrap());
    for stored in Stored::ALL {
        let bytes = vec![1; 3 * stored.size_bytes()];
        match write_one(&path, stored, &bytes) {
            Ok(()) => assert_eq!(Reader::open(&path).unwrap().bytes("x").unwrap(), bytes, "{stored}"),
            Err(error) => {
                let unsigned = matches!(stored, Stored::U64 | Stored::U32 | Stored::U16);
                assert!(unsigned && error.to_string().contains("cannot hold U"), "{error}");
            }
        }
    }
}

/// Whatever stands in one piece in the file is read in parts, to the same bytes; views and other containers are read whole.
#[test]
fn parts_of_tensors_of_pytorch_are_read_by_themselves() {
    let (mut apart, mut whole) = (Vec::new(), Vec::new());
    for file in ["flat.pt", "state.pt", "nested.ckpt", "parallel.pt", "wrapped.bin", "odd.pt", "legacy.pth"] {
        let reader = Reader::open(&golden(file)).unwrap();
        for entry in reader.entries() {
            let name = format!("{file}: {}", entry.name);
            let found = if reader.in_parts(&entry.name).unwrap() { &mut apart } else { &mut whole };
            found.push(name);
            let (all, size) = (reader.bytes(&entry.name).unwrap(), entry.stored.size_bytes());
            for start in 0..entry.shape.elements() {
                for end in start..=entry.shape.elements() {
                    let mut part = vec![0; (end - start) * size];
                    reader.read_bytes(&entry.name, start, &mut part).unwrap();
                    assert_eq!(
                        part,
                        all[start * size..end * size],
                        "{file}: {} {start} to {end}",
                        entry.name
                    );
                }
            }
        }
    }
    let of = |names: &[String], file: &str| names.iter().filter(|name| name.starts_with(file)).count();
    for file in ["flat.pt", "state.pt", "nested.ckpt", "parallel.pt", "wrapped.bin"] {
        assert_eq!(of(&whole, file), 0, "{whole:?}");
        assert!(of(&apart, file) > 0, "{file}");
    }
    assert_eq!(of(&apart, "legacy.pth"), 0, "{apart:?}");
    let views: Vec<&str> = whole.iter().filter_map(|name| name.strip_prefix("odd.pt: ")).collect();
    assert_eq!(views, ["transposed", "sliced", "expanded", "bool"]);
}
