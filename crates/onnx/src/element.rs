//! Stored tensors: element types, and their decoding from and to bytes.

use bytes::Bytes;
use half::{bf16, f16};
use tensor::{Buffer, Shape, Tensor};

use crate::{OnnxError, schema::TensorProto};

/// The element types that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Element {
    F32,
    F64,
    F16,
    Bf16,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    Bool,
}

impl Element {
    /// The element type of this number in `TensorProto.DataType`.
    pub(crate) const fn from_code(code: i32) -> Option<Self> {
        Some(match code {
            1 => Self::F32,
            2 => Self::U8,
            3 => Self::I8,
            4 => Self::U16,
            5 => Self::I16,
            6 => Self::I32,
            7 => Self::I64,
            9 => Self::Bool,
            10 => Self::F16,
            11 => Self::F64,
            12 => Self::U32,
            13 => Self::U64,
            16 => Self::Bf16,
            _ => return None,
        })
    }

    pub(crate) const fn is_float(self) -> bool {
        matches!(self, Self::F32 | Self::F64 | Self::F16 | Self::Bf16)
    }

    /// Bytes of an element in `raw_data`.
    const fn size_bytes(self) -> usize {
        match self {
            Self::I8 | Self::U8 | Self::Bool => 1,
            Self::F16 | Self::Bf16 | Self::I16 | Self::U16 => 2,
            Self::F32 | Self::I32 | Self::U32 => 4,
            Self::F64 | Self::I64 | Self::U64 => 8,
        }
    }
}

/// The name, element type and shape of a stored tensor.
pub(crate) struct Header {
    pub(crate) element: Element,
    pub(crate) shape: Shape,
    bytes: usize,
}

impl Header {
    /// Reads and checks them.
    pub(crate) fn of(tensor: &TensorProto) -> Result<Self, OnnxError> {
        let code = tensor.data_type.unwrap_or(0);
        let Some(element) = Element::from_code(code) else {
            return Err(fault(tensor, "floats, integers or truth values", format!("element type {code}")));
        };
        let sizes: Option<Shape> = tensor.dims.iter().map(|&size| usize::try_from(size).ok()).collect();
        let bytes = sizes.as_ref().and_then(Shape::checked_elements);
        match (sizes, bytes.and_then(|elements| elements.checked_mul(element.size_bytes()))) {
            (Some(shape), Some(bytes)) => Ok(Self { element, shape, bytes }),
            _ => Err(fault(tensor, "sizes that can be addressed", format!("{:?}", tensor.dims))),
        }
    }

    /// Bytes of the data in `raw_data` or another file.
    pub(crate) const fn size_bytes(&self) -> usize {
        self.bytes
    }
}

pub(crate) fn fault(
    tensor: &TensorProto,
    expected: impl Into<String>,
    found: impl Into<String>,
) -> OnnxError {
    let tensor = tensor.name.clone().unwrap_or_default();
    OnnxError::Tensor { tensor, expected: expected.into(), found: found.into() }
}

/// The elements of a tensor whose bytes are `raw`, little-endian as they are stored.
pub(crate) fn from_raw(tensor: &TensorProto, header: &Header, raw: &[u8]) -> Result<Tensor, OnnxError> {
    if raw.len() != header.bytes {
        let expected = format!("{} bytes for shape {}", header.bytes, header.shape);
        return Err(fault(tensor, expected, format!("{} bytes", raw.len())));
    }
    let buffer = match header.element {
        Element::F32 => Buffer::F32(numbers(raw, f32::from_le_bytes)),
        Element::F64 => Buffer::F64(numbers(raw, f64::from_le_bytes)),
        Element::F16 => Buffer::F32(numbers(raw, |bytes| f16::from_le_bytes(bytes).to_f32())),
        Element::Bf16 => Buffer::F32(numbers(raw, |bytes| bf16::from_le_bytes(bytes).to_f32())),
        Element::I8 => Buffer::I32(numbers(raw, |bytes| i8::from_le_bytes(bytes).into())),
        Element::I16 => Buffer::I32(numbers(raw, |bytes| i16::from_le_bytes(bytes).into())),
        Element::I32 => Buffer::I32(numbers(raw, i32::from_le_bytes)),
        Element::U8 => Buffer::I32(numbers(raw, |bytes| u8::from_le_bytes(bytes).into())),
        Element::U16 => Buffer::I32(numbers(raw, |bytes| u16::from_le_bytes(bytes).into())),
        Element::Bool => Buffer::Bool(numbers(raw, |[byte]: [u8; 1]| byte != 0)),
        Element::I64 => integers(tensor, &numbers(raw, i64::from_le_bytes))?,
        Element::U32 => integers(tensor, &numbers(raw, |bytes| u32::from_le_bytes(bytes).into()))?,
        Element::U64 => integers(tensor, &numbers(raw, |bytes| saturated(u64::from_le_bytes(bytes))))?,
    };
    tensor_of(header, buffer)
}

fn numbers<const N: usize, T>(raw: &[u8], number: impl Fn([u8; N]) -> T) -> Vec<T> {
    raw.as_chunks().0.iter().map(|&bytes| number(bytes)).collect()
}

fn saturated(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The elements of a tensor that has them in the fields for single numbers.
pub(crate) fn from_fields(tensor: &TensorProto, header: &Header) -> Result<Tensor, OnnxError> {
    let words = || tensor.int32_data.iter();
    let halves = || tensor.int32_data.iter().map(|&word| word as u16);
    let buffer = match header.element {
        Element::F32 => Buffer::F32(tensor.float_data.clone()),
        Element::F64 => Buffer::F64(tensor.double_data.clone()),
        Element::F16 => Buffer::F32(halves().map(|bits| f16::from_bits(bits).to_f32()).collect()),
        Element::Bf16 => Buffer::F32(halves().map(|bits| bf16::from_bits(bits).to_f32()).collect()),
        Element::I8 | Element::I16 | Element::I32 | Element::U8 | Element::U16 => {
            Buffer::I32(tensor.int32_data.clone())
        }
        Element::Bool => Buffer::Bool(words().map(|&word| word != 0).collect()),
        Element::I64 => integers(tensor, &tensor.int64_data)?,
        Element::U32 | Element::U64 => {
            integers(tensor, &tensor.uint64_data.iter().map(|&number| saturated(number)).collect::<Vec<_>>())?
        }
    };
    if buffer.len() != header.shape.elements() {
        let expected = format!("{} elements for shape {}", header.shape.elements(), header.shape);
        return Err(fault(tensor, expected, buffer.len().to_string()));
    }
    tensor_of(header, buffer)
}

fn tensor_of(header: &Header, buffer: Buffer) -> Result<Tensor, OnnxError> {
    match Tensor::from_buffer(header.shape.clone(), buffer) {
        Ok(tensor) => Ok(tensor),
        Err(error) => unreachable!("the number of elements was checked: {error}"),
    }
}

/// Numbers from here on mean "as far as possible": exporters write the ends of slices so.
const UNBOUNDED: u64 = 1 << 62;

/// Whole numbers as `i32`. Shapes and indices fit; what stands for "as far as possible" becomes the largest.
fn integers(tensor: &TensorProto, numbers: &[i64]) -> Result<Buffer, OnnxError> {
    let small = |&number: &i64| match i32::try_from(number) {
        Ok(number) => Ok(number),
        Err(_) if number.unsigned_abs() >= UNBOUNDED => Ok(if number < 0 { i32::MIN } else { i32::MAX }),
        Err(_) => Err(fault(tensor, "integers that fit 32 bits", number.to_string())),
    };
    numbers.iter().map(small).collect::<Result<_, _>>().map(Buffer::I32)
}

/// Elements of floats as they are stored, rounded to nearest with ties to even.
pub(crate) fn to_raw(element: Element, elements: &[f32]) -> Bytes {
    let bytes: Vec<u8> = match element {
        Element::F64 => elements.iter().flat_map(|&x| f64::from(x).to_le_bytes()).collect(),
        Element::F16 => elements.iter().flat_map(|&x| f16::from_f32(x).to_le_bytes()).collect(),
        Element::Bf16 => elements.iter().flat_map(|&x| bf16::from_f32(x).to_le_bytes()).collect(),
        _ => elements.iter().flat_map(|&x| x.to_le_bytes()).collect(),
    };
    bytes.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(tensor: &TensorProto) -> Result<Vec<f64>, String> {
        let header = Header::of(tensor).map_err(|error| error.to_string())?;
        let tensor = match &tensor.raw_data {
            Some(raw) => from_raw(tensor, &header, raw),
            None => from_fields(tensor, &header),
        };
        tensor.map(|tensor| tensor.to_f64_vec()).map_err(|error| error.to_string())
    }

    fn raw(code: i32, dims: &[i64], bytes: &[u8]) -> TensorProto {
        let raw_data = Some(Bytes::copy_from_slice(bytes));
        let (data_type, name) = (Some(code), Some("w".to_owned()));
        TensorProto { dims: dims.to_vec(), data_type, raw_data, name, ..TensorProto::default() }
    }

    #[test]
    fn every_element_type_is_read_from_raw_bytes() {
        let cases: [(i32, &[u8], f64); 13] = [
            (1, &1.5f32.to_le_bytes(), 1.5),
            (11, &(-2.5f64).to_le_bytes(), -2.5),
            (10, &[0x00, 0x3e], 1.5),
            (16, &[0xc0, 0x3f], 1.5),
            (2, &[200], 200.0),
            (3, &[0xfe], -2.0),
            (4, &[1, 1], 257.0),
            (5, &[0xff, 0xff], -1.0),
            (6, &7i32.to_le_bytes(), 7.0),
            (7, &(-9i64).to_le_bytes(), -9.0),
            (9, &[1], 1.0),
            (12, &3u32.to_le_bytes(), 3.0),
            (13, &4u64.to_le_bytes(), 4.0),
        ];
        for (code, bytes, value) in cases {
            assert_eq!(decoded(&raw(code, &[1], bytes)), Ok(vec![value]), "element type {code}");
        }
    }

    #[test]
    fn halves_and_truth_values_are_read_from_the_field_for_integers() {
        let typed = |code, int32_data: Vec<i32>| TensorProto {
            dims: vec![int32_data.len() as i64],
            data_type: Some(code),
            int32_data,
            ..TensorProto::default()
        };
        assert_eq!(decoded(&typed(10, vec![0x3e00, 0xc100])), Ok(vec![1.5, -2.5]));
        assert_eq!(decoded(&typed(16, vec![0x3fc0])), Ok(vec![1.5]));
        assert_eq!(decoded(&typed(9, vec![0, 1])), Ok(vec![0.0, 1.0]));
        assert_eq!(decoded(&typed(3, vec![-3])), Ok(vec![-3.0]));
    }

    #[test]
    fn the_end_of_everything_is_the_largest_integer_and_other_large_ones_are_refused() {
        assert_eq!(decoded(&raw(7, &[], &i64::MAX.to_le_bytes())), Ok(vec![f64::from(i32::MAX)]));
        assert_eq!(decoded(&raw(7, &[], &(-i64::MAX).to_le_bytes())), Ok(vec![f64::from(i32::MIN)]));
        let error = decoded(&raw(7, &[], &(1i64 << 40).to_le_bytes())).unwrap_err();
        assert_eq!(error, "tensor 'w': expected integers that fit 32 bits, found 1099511627776");
    }

    #[test]
    fn sizes_that_do_not_fit_the_data_are_refused() {
        let error = decoded(&raw(1, &[3], &[0; 8])).unwrap_err();
        assert_eq!(error, "tensor 'w': expected 12 bytes for shape [3], found 8 bytes");
        assert!(decoded(&raw(1, &[-1], &[])).unwrap_err().contains("sizes that can be addressed"));
        assert!(decoded(&raw(1, &[i64::MAX, i64::MAX], &[])).unwrap_err().contains("addressed"));
        assert!(decoded(&raw(8, &[1], &[])).unwrap_err().contains("found element type 8"));
    }

    #[test]
    fn halves_are_rounded_to_even() {
        assert_eq!(to_raw(Element::F16, &[1.0 + 1.0 / 2048.0])[..], [0x00, 0x3c]);
        assert_eq!(to_raw(Element::F16, &[1.0 + 3.0 / 2048.0])[..], [0x02, 0x3c]);
        assert_eq!(to_raw(Element::Bf16, &[1.0 + 1.0 / 256.0])[..], [0x80, 0x3f]);
    }
}
