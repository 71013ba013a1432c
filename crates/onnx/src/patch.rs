//! Other weights in a file that stays as it is otherwise.

use bytes::Bytes;
use prost::Message;
use tensor::{DType, Tensor};

use crate::{
    OnnxError, OnnxModel,
    element::{self, Element, Header},
    parsed::{self, Parsed},
    schema::{ModelProto, TensorProto},
};

impl OnnxModel {
    /// The file with these values of its entries, `f32` in their order. What is stored in fewer bits is rounded to nearest,
    /// ties to even; what is stored in 64 keeps them where the value is the same in 32.
    ///
    /// Data in `raw_data` are replaced where they lie, and every other byte stays. Data that lie in the fields for single
    /// numbers or in another file move into `raw_data` where they change; the file is then encoded anew, as it is where a
    /// skeleton gets its weights.
    ///
    /// # Errors
    /// [`OnnxError::Parameter`] where the values are not those of the entries, and those of [`OnnxModel::weights`].
    pub fn patch(&self, values: &[Tensor]) -> Result<Vec<u8>, OnnxError> {
        let parsed = self.parsed();
        self.check_values(values)?;
        let mut changes = Vec::new();
        for (entry, value) in self.entries().iter().zip(values) {
            if let Some(change) = Change::of(parsed, &entry.name, value)? {
                changes.push(change);
            }
        }
        match changes.iter().map(|change| change.place).collect::<Option<Vec<usize>>>() {
            Some(places) => Ok(in_place(parsed, &changes, &places)),
            None => encoded(parsed, changes),
        }
    }

    fn check_values(&self, values: &[Tensor]) -> Result<(), OnnxError> {
        let fault = |name: &str, expected: String, found: String| {
            Err(OnnxError::Parameter { name: name.to_owned(), expected, found })
        };
        if values.len() != self.entries().len() {
            return fault("", format!("{} tensors", self.entries().len()), values.len().to_string());
        }
        for (entry, value) in self.entries().iter().zip(values) {
            if value.dtype() != DType::F32 || *value.shape() != entry.shape {
                let found = format!("{}{}", value.dtype(), value.shape());
                return fault(&entry.name, format!("f32{}", entry.shape), found);
            }
        }
        Ok(())
    }
}

/// New data of an initializer.
struct Change {
    name: String,
    raw: Bytes,
    /// Where the old data begin in the file, if they are there as they would be written.
    place: Option<usize>,
}

impl Change {
    /// What changes of an initializer, if anything does.
    fn of(parsed: &Parsed, name: &str, value: &Tensor) -> Result<Option<Self>, OnnxError> {
        let Some(tensor) = parsed.graph.initializer.iter().find(|tensor| tensor.name() == name) else {
            unreachable!("entries are initializers");
        };
        let header = Header::of(tensor)?;
        if parsed::is_empty(tensor) {
            let Ok(new) = value.as_slice::<f32>() else { unreachable!("the type was checked") };
            let raw = element::to_raw(header.element, new);
            return Ok(Some(Self { name: name.to_owned(), raw, place: None }));
        }
        let old = parsed.decode(tensor, &header)?;
        let Ok(new) = value.as_slice::<f32>() else { unreachable!("the type was checked") };
        let same = match old.as_slice::<f32>() {
            Ok(old) => old.iter().zip(new).all(|(old, new)| old.to_bits() == new.to_bits()),
            Err(_) => old.to_f64_vec().iter().zip(new).all(|(&old, new)| old as f32 == *new),
        };
        if same {
            return Ok(None);
        }
        let raw = match header.element {
            Element::F64 => doubles(&old.to_f64_vec(), new),
            element => element::to_raw(element, new),
        };
        Ok(Some(Self { name: name.to_owned(), raw, place: place(parsed, tensor) }))
    }
}

/// Numbers in 64 bits: the old ones where they are the same in 32.
fn doubles(old: &[f64], new: &[f32]) -> Bytes {
    let number = |(&old, &new): (&f64, &f32)| if old as f32 == new { old } else { f64::from(new) };
    old.iter().zip(new).flat_map(|pair| number(pair).to_le_bytes()).collect::<Vec<u8>>().into()
}

/// Where the data of a tensor begin in the file; the decoder does not copy them.
fn place(parsed: &Parsed, tensor: &TensorProto) -> Option<usize> {
    let raw = tensor.raw_data.as_ref().filter(|_| !crate::external::is_external(tensor))?;
    let start = (raw.as_ptr() as usize).checked_sub(parsed.bytes.as_ptr() as usize)?;
    (start.checked_add(raw.len())? <= parsed.bytes.len()).then_some(start)
}

fn in_place(parsed: &Parsed, changes: &[Change], places: &[usize]) -> Vec<u8> {
    let mut bytes = parsed.bytes.to_vec();
    for (change, &place) in changes.iter().zip(places) {
        bytes[place..place + change.raw.len()].copy_from_slice(&change.raw);
    }
    bytes
}

/// The file with all changes in `raw_data`.
fn encoded(parsed: &Parsed, changes: Vec<Change>) -> Result<Vec<u8>, OnnxError> {
    let mut model = ModelProto::decode(parsed.bytes.clone())
        .map_err(|error| OnnxError::Format { reason: error.to_string() })?;
    for change in changes {
        let mut initializers = model.graph.iter_mut().flat_map(|graph| &mut graph.initializer);
        if let Some(tensor) = initializers.find(|tensor| tensor.name() == change.name) {
            *tensor = TensorProto {
                name: tensor.name.take(),
                doc_string: tensor.doc_string.take(),
                dims: std::mem::take(&mut tensor.dims),
                data_type: tensor.data_type,
                raw_data: Some(change.raw),
                ..TensorProto::default()
            };
        }
    }
    Ok(model.encode_to_vec())
}
