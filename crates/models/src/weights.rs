//! Reading and writing of weights: the safetensors format.
//!
//! PyTorch's counters `num_batches_tracked` are passed over when reading and not written: nothing here uses them, and
//! PyTorch fills them in where they are missing. Otherwise only tensors of 32-bit floats are read and written. Half-precision and double-precision files are refused
//! with a message: a silent conversion would change the network that was asked for.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read, Write},
    path::Path,
};

use safetensors::{Dtype, tensor::Metadata};
use serde_json::{Map, Value, json};
use tensor::{Tensor, atomic_file};

use crate::{ModelError, Params};

/// The metadata key under which a file says of which model its weights are: a canonical specification.
pub const MODEL_KEY: &str = "isoloss.model";

/// The contents of a weights file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Checkpoint {
    /// The tensors in the order of their data in the file.
    pub params: Params,
    /// What the file says about itself.
    pub metadata: BTreeMap<String, String>,
}

/// The name of the header's entry that holds the metadata.
const METADATA: &str = "__metadata__";

/// The file begins with the header's length in this many bytes, little-endian; the header is padded to a
/// multiple of it.
const LENGTH_BYTES: usize = 8;

/// Elements turned to bytes at a time.
const BLOCK: usize = 1 << 14;

/// Writes parameters with metadata, whole or not at all; equal arguments give equal bytes. The data follow the
/// parameters' order.
///
/// # Errors
/// [`ModelError::Write`] where the file cannot be written; an old file is then untouched.
///
/// # Panics
/// Where a tensor does not hold `f32`.
pub fn save(path: &Path, params: &Params, metadata: &BTreeMap<String, String>) -> Result<(), ModelError> {
    let header = header(params, metadata);
    atomic_file::write_with(path, |file| {
        file.write_all(&(header.len() as u64).to_le_bytes())?;
        file.write_all(&header)?;
        params.values().try_for_each(|tensor| write_elements(file, elements(tensor)))
    })?;
    Ok(())
}

/// Reads a weights file.
///
/// # Errors
/// [`ModelError::Read`] where it cannot be read, [`ModelError::Format`] where it is cut short, damaged or of
/// another format, [`ModelError::StoredType`] where a tensor is not stored as `F32`.
pub fn load(path: &Path) -> Result<Checkpoint, ModelError> {
    let stored = fs::read(path).map_err(|source| ModelError::Read { path: path.to_owned(), source })?;
    let (header, data) = split(path, &stored)?;
    let header: Metadata = serde_json::from_slice(header).map_err(|error| {
        fault(path, "a header that describes consecutive tensors", format!("a damaged one ({error})"))
    })?;
    if header.data_len() != data.len() {
        let found = format!("{} bytes: cut short or damaged", data.len());
        return Err(fault(path, &format!("{} bytes of tensor data", header.data_len()), found));
    }
    let names = header.offset_keys().into_iter().filter(|name| !is_counter(name));
    let tensors = names.map(|name| decode(path, name, &header, data)).collect::<Result<Vec<_>, _>>()?;
    let metadata =
        header.metadata().iter().flatten().map(|(key, value)| (key.clone(), value.clone())).collect();
    Ok(Checkpoint { params: Params::from_pairs(tensors), metadata })
}

/// Reads what a weights file says about itself, and not its tensors.
///
/// # Errors
/// [`ModelError::Read`] where the file cannot be read, [`ModelError::Format`] where its header is cut short or damaged.
pub fn metadata(path: &Path) -> Result<BTreeMap<String, String>, ModelError> {
    let header = read_header(path).map_err(|source| ModelError::Read { path: path.to_owned(), source })?;
    let (header, _) = split(path, &header)?;
    let header: Metadata = serde_json::from_slice(header)
        .map_err(|error| fault(path, "a header that describes consecutive tensors", error.to_string()))?;
    Ok(header.metadata().iter().flatten().map(|(key, value)| (key.clone(), value.clone())).collect())
}

/// The file up to the end of its header, or less of it where it is cut short.
fn read_header(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let mut stored = Vec::new();
    Read::by_ref(&mut file).take(LENGTH_BYTES as u64).read_to_end(&mut stored)?;
    if let Some((length, _)) = stored.split_first_chunk() {
        let length = u64::from_le_bytes(*length);
        file.take(length).read_to_end(&mut stored)?;
    }
    Ok(stored)
}

/// Whether this is the number of batches that a normalisation of PyTorch has seen.
fn is_counter(name: &str) -> bool {
    name.rsplit('.').next() == Some("num_batches_tracked")
}

/// The header and the data of a file.
fn split<'a>(path: &Path, stored: &'a [u8]) -> Result<(&'a [u8], &'a [u8]), ModelError> {
    let Some((length, rest)) = stored.split_first_chunk::<LENGTH_BYTES>() else {
        return Err(fault(path, &format!("at least {LENGTH_BYTES} bytes"), stored.len().to_string()));
    };
    let length = u64::from_le_bytes(*length);
    usize::try_from(length).ok().and_then(|length| rest.split_at_checked(length)).ok_or_else(|| {
        let expected = format!("a header that ends within the file's {} bytes", stored.len());
        fault(path, &expected, format!("a header length of {length}: cut short, or not safetensors at all"))
    })
}

fn decode(path: &Path, name: String, header: &Metadata, data: &[u8]) -> Result<(String, Tensor), ModelError> {
    let Some(info) = header.info(&name) else { unreachable!("the names are the header's") };
    if info.dtype != Dtype::F32 {
        return Err(ModelError::StoredType { path: path.to_owned(), name, found: info.dtype.to_string() });
    }
    let (start, end) = info.data_offsets;
    let elements = data[start..end].as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
    match Tensor::new::<f32>(info.shape.clone(), elements) {
        Ok(tensor) => Ok((name, tensor)),
        Err(error) => unreachable!("the header was validated: {error}"),
    }
}

fn header(params: &Params, metadata: &BTreeMap<String, String>) -> Vec<u8> {
    let mut entries = Map::new();
    if !metadata.is_empty() {
        entries.insert(METADATA.to_owned(), json!(metadata));
    }
    let mut start = 0;
    for (name, tensor) in params.iter() {
        let end = start + 4 * elements(tensor).len();
        let entry = json!({ "dtype": "F32", "shape": tensor.shape().to_vec(), "data_offsets": [start, end] });
        entries.insert(name.to_owned(), entry);
        start = end;
    }
    let mut header = Value::Object(entries).to_string().into_bytes();
    header.resize(header.len().next_multiple_of(LENGTH_BYTES), b' ');
    header
}

fn write_elements(file: &mut impl Write, elements: &[f32]) -> io::Result<()> {
    elements.chunks(BLOCK).try_for_each(|block| {
        let bytes: Vec<u8> = block.iter().flat_map(|element| element.to_le_bytes()).collect();
        file.write_all(&bytes)
    })
}

fn elements(tensor: &Tensor) -> &[f32] {
    match tensor.as_slice() {
        Ok(elements) => elements,
        Err(error) => panic!("only weights of f32 are written: {error}"),
    }
}

fn fault(path: &Path, expected: &str, found: String) -> ModelError {
    ModelError::Format { path: path.to_owned(), expected: expected.to_owned(), found }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn sample() -> (Params, BTreeMap<String, String>) {
        let weight = Tensor::new([2, 3], vec![1.5f32, -2.0, 0.0, f32::MIN_POSITIVE, 1e-40, -0.0]).unwrap();
        let params = Params::from_pairs([("2.weight", weight), ("0.bias", Tensor::full([2], 7f32))]);
        let metadata = [(MODEL_KEY, "mlp:3-2"), ("a \"quoted\" key", "ü")];
        (params, metadata.map(|(key, value)| (key.to_owned(), value.to_owned())).into())
    }

    fn saved(folder: &Path) -> (PathBuf, Vec<u8>) {
        let path = folder.join("model.safetensors");
        let (params, metadata) = sample();
        save(&path, &params, &metadata).unwrap();
        let bytes = fs::read(&path).unwrap();
        (path, bytes)
    }

    /// The error for a file with these contents.
    fn error(contents: &[u8]) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bad.safetensors");
        fs::write(&path, contents).unwrap();
        load(&path).unwrap_err().to_string()
    }

    fn with_header(header: &str, data: &[u8]) -> Vec<u8> {
        [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), data].concat()
    }

    #[test]
    fn what_was_saved_is_loaded_in_order_and_bit_for_bit() {
        let folder = tempfile::tempdir().unwrap();
        let (path, _) = saved(folder.path());
        let (params, metadata) = sample();
        let loaded = load(&path).unwrap();
        assert_eq!(super::metadata(&path).unwrap(), metadata);
        assert_eq!(loaded, Checkpoint { params, metadata });
        let last = loaded.params.get("2.weight").unwrap().as_slice::<f32>().unwrap()[5];
        assert_eq!(last.to_bits(), (-0.0f32).to_bits());
    }

    #[test]
    fn equal_weights_give_equal_bytes_that_the_format_s_own_library_reads() {
        let folder = tempfile::tempdir().unwrap();
        let (_, first) = saved(folder.path());
        let (_, second) = saved(folder.path());
        assert_eq!(first, second);
        let file = safetensors::SafeTensors::deserialize(&first).unwrap();
        assert_eq!(file.tensor("2.weight").unwrap().shape(), [2, 3]);
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = load(Path::new("/no/such/model.safetensors")).unwrap_err().to_string();
        assert!(error.starts_with("cannot read /no/such/model.safetensors: "), "{error}");
    }

    #[test]
    fn metadata_of_what_is_no_weights_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bad.safetensors");
        for contents in [&b"short"[..], b"\xff\xff\xff\xff\xff\xff\xff\xff", b"\x02\0\0\0\0\0\0\0[]"] {
            fs::write(&path, contents).unwrap();
            assert!(metadata(&path).unwrap_err().to_string().contains("bad.safetensors"));
        }
    }

    #[test]
    fn files_cut_short_anywhere_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (_, whole) = saved(folder.path());
        for length in 0..whole.len() {
            let error = error(&whole[..length]);
            assert!(error.contains("is not a whole safetensors file: expected"), "{length}: {error}");
        }
        assert!(
            error(&whole[..whole.len() - 1]).contains("expected 32 bytes of tensor data, found 31 bytes")
        );
        assert!(error(&[&whole[..], b"x"].concat()).contains("found 33 bytes"));
    }

    #[test]
    fn other_formats_are_refused() {
        assert!(error(b"PK\x03\x04 a zip archive").contains("not safetensors at all"));
        assert!(error(&with_header("not json", &[])).contains("a damaged one"));
        assert!(error(&with_header("{\"a\":{\"dtype\":\"F32\"}}", &[])).contains("missing field"));
    }

    #[test]
    fn hostile_shapes_and_offsets_are_refused() {
        let entry = |shape: &str, offsets: &str| {
            let header =
                format!("{{\"a\":{{\"dtype\":\"F32\",\"shape\":{shape},\"data_offsets\":{offsets}}}}}");
            error(&with_header(&header, &[0; 8]))
        };
        assert!(entry("[18446744073709551615,2]", "[0,8]").contains("a damaged one"));
        assert!(entry("[2]", "[8,0]").contains("a damaged one"));
        assert!(entry("[3]", "[0,8]").contains("a damaged one"));
        assert!(entry("[4000000000]", "[0,16000000000]").contains("16000000000 bytes of tensor data"));
    }

    #[test]
    fn other_element_types_are_named() {
        let header = "{\"0.weight\":{\"dtype\":\"BF16\",\"shape\":[4],\"data_offsets\":[0,8]}}";
        let error = error(&with_header(header, &[0; 8]));
        assert!(error.contains("tensor '0.weight' is stored as BF16, only F32"), "{error}");
    }

    #[test]
    fn pytorch_s_counters_of_batches_are_passed_over() {
        let header = "{\"1.num_batches_tracked\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[0,8]},\
            \"1.weight\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,12]}}";
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        fs::write(&path, with_header(header, &[0; 12])).unwrap();
        assert_eq!(load(&path).unwrap().params.names().collect::<Vec<_>>(), ["1.weight"]);
    }

    #[test]
    fn a_failed_save_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), "").unwrap();
        let (params, metadata) = sample();
        let error = save(&folder.path().join("file/model.safetensors"), &params, &metadata).unwrap_err();
        assert!(error.to_string().contains("cannot write"), "{error}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
