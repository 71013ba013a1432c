//! Tensors whose data lie in files beside the network.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::{Component, Path},
};

use crate::{OnnxError, element::Header, schema::TensorProto};

/// `TensorProto.DataLocation.EXTERNAL`.
pub(crate) const EXTERNAL: i32 = 1;

/// Whether the data lie in another file.
pub(crate) fn is_external(tensor: &TensorProto) -> bool {
    tensor.data_location == Some(EXTERNAL)
}

/// The part of a file that holds a tensor's data.
struct Place<'a> {
    location: &'a str,
    offset: u64,
    length: Option<u64>,
}

impl<'a> Place<'a> {
    fn of(tensor: &'a TensorProto) -> Result<Self, OnnxError> {
        let value = |key: &str| {
            let entry = tensor.external_data.iter().find(|entry| entry.key.as_deref() == Some(key));
            entry.and_then(|entry| entry.value.as_deref())
        };
        let location = value("location").unwrap_or("");
        let number = |key: &str| match value(key).map(str::parse) {
            None => Ok(None),
            Some(Ok(number)) => Ok(Some(number)),
            Some(Err(_)) => Err(fault(tensor, location, format!("its {key} is not a number of bytes"))),
        };
        Ok(Self { location, offset: number("offset")?.unwrap_or(0), length: number("length")? })
    }

    /// Whether the location names a file in the network's folder or below it.
    fn is_beside(&self) -> bool {
        let mut parts = Path::new(self.location).components().peekable();
        // Separators of other systems are refused as well, so that a file means the same everywhere.
        let foreign = self.location.contains(['\\', ':', '\0']);
        parts.peek().is_some()
            && !foreign
            && parts.all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
    }
}

fn fault(tensor: &TensorProto, location: &str, reason: impl Into<String>) -> OnnxError {
    let tensor = tensor.name.clone().unwrap_or_default();
    OnnxError::External { tensor, location: location.to_owned(), reason: reason.into() }
}

/// The bytes of a tensor that lie in a file of `folder` or below it. Of the file, no more is read than the tensor needs.
pub(crate) fn read(
    tensor: &TensorProto,
    header: &Header,
    folder: Option<&Path>,
) -> Result<Vec<u8>, OnnxError> {
    let place = Place::of(tensor)?;
    let refused = |reason: String| fault(tensor, place.location, reason);
    if !place.is_beside() {
        return Err(refused("expected a relative path without '..'".to_owned()));
    }
    let Some(folder) = folder else {
        return Err(refused("the network was not read from a file".to_owned()));
    };
    let size = header.size_bytes() as u64;
    if place.length.is_some_and(|length| length != size) {
        let length = place.length.unwrap_or(0);
        return Err(refused(format!(
            "expected {size} bytes for shape {}, found a length of {length}",
            header.shape
        )));
    }
    read_range(&folder.join(place.location), place.offset, size).map_err(|error| refused(error.to_string()))
}

fn read_range(path: &Path, offset: u64, size: u64) -> io::Result<Vec<u8>> {
    let metadata = path.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("expected a file, found something else"));
    }
    if offset.checked_add(size).is_none_or(|end| end > metadata.len()) {
        let found = metadata.len();
        return Err(io::Error::other(format!(
            "expected {size} bytes from byte {offset} on, found a file of {found}"
        )));
    }
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::with_capacity(size as usize);
    file.take(size).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::schema::StringStringEntryProto;

    fn tensor(entries: &[(&str, &str)]) -> TensorProto {
        let entry = |&(key, value): &(&str, &str)| StringStringEntryProto {
            key: Some(key.to_owned()),
            value: Some(value.to_owned()),
        };
        TensorProto {
            name: Some("w".to_owned()),
            dims: vec![2],
            data_type: Some(1),
            data_location: Some(EXTERNAL),
            external_data: entries.iter().map(entry).collect(),
            ..TensorProto::default()
        }
    }

    fn found(entries: &[(&str, &str)]) -> Result<Vec<u8>, String> {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("below")).unwrap();
        fs::write(folder.path().join("below/data"), (0..20).collect::<Vec<u8>>()).unwrap();
        let tensor = tensor(entries);
        let header = Header::of(&tensor).unwrap();
        read(&tensor, &header, Some(folder.path())).map_err(|error| error.to_string())
    }

    #[test]
    fn a_part_of_a_file_beside_the_network_is_read() {
        let place = [("location", "below/data"), ("offset", "12"), ("length", "8")];
        assert_eq!(found(&place), Ok((12..20).collect()));
        assert_eq!(found(&[("location", "./below/data")]), Ok((0..8).collect()));
    }

    #[test]
    fn files_elsewhere_are_refused() {
        for location in
            ["/etc/passwd", "../data", "below/../../data", "", "C:\\data", "below\\..\\data", "a\0b"]
        {
            let error = found(&[("location", location)]).unwrap_err();
            assert!(error.contains("expected a relative path without '..'"), "{location:?}: {error}");
        }
        assert!(found(&[]).unwrap_err().contains("relative path"));
        assert!(found(&[("location", "below")]).unwrap_err().contains("something else"));
        assert!(found(&[("location", "absent")]).is_err());
    }

    #[test]
    fn ranges_outside_of_the_file_are_refused() {
        let place = |offset, length| [("location", "below/data"), ("offset", offset), ("length", length)];
        let past_the_end = found(&place("13", "8")).unwrap_err();
        assert!(
            past_the_end.contains("expected 8 bytes from byte 13 on, found a file of 20"),
            "{past_the_end}"
        );
        assert!(found(&place("18446744073709551615", "8")).unwrap_err().contains("a file of 20"));
        assert!(found(&place("0", "4")).unwrap_err().contains("found a length of 4"));
        assert!(found(&place("-1", "8")).unwrap_err().contains("its offset is not a number of bytes"));
    }
}
