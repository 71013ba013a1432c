//! Where the elements of tensors stand in a file, so that parts of them can be read.
//!
//! The file's own reader gives whole tensors. So the pickle is walked through once more for what `torch.save` writes around tensors:
//! the key of a storage, the offset, the strides. Nothing is run, and whatever is not of that kind leaves its tensors to be read
//! whole. A place counts only where the reader has found the same type and shape under the same name.

use std::{collections::BTreeMap, fs::File, io::Read, path::Path, rc::Rc};

use zip::{CompressionMethod, ZipArchive};

/// The longest pickle that is walked through, as the file's reader has it.
const MOST_BYTES: u64 = 100_000_000;

/// Values inside of each other. Ours: state dictionaries have four.
const MOST_DEPTH: usize = 32;

/// A tensor as it was saved.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Saved {
    key: String,
    /// The class of the storage, as `FloatStorage`.
    class: String,
    offset: u64,
    shape: Vec<u64>,
    strides: Vec<u64>,
}

/// A contiguous tensor in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Where its bytes begin.
    pub(super) start: u64,
    pub(super) class: String,
    pub(super) shape: Vec<u64>,
}

/// What a pickle speaks of, as far as tensors need it.
#[derive(Clone, Debug)]
enum Value {
    Mark,
    Integer(u64),
    Text(String),
    Name(String),
    Tuple(usize, Rc<[Value]>),
    Storage {
        key: String,
        class: String,
    },
    Tensor(Saved),
    /// A dictionary with names; of others, and of what was put aside and taken again, nothing is known.
    Dictionary(usize, Vec<(String, Value)>),
    Other,
}

/// The contiguous tensors of an archive by the names of the dictionaries around them, joined by dots; none where the file is no
/// archive of little-endian numbers or its pickle is of another kind.
pub(super) fn find(path: &Path) -> BTreeMap<String, Place> {
    archive(path).unwrap_or_default()
}

fn archive(path: &Path) -> Option<BTreeMap<String, Place>> {
    let mut archive = ZipArchive::new(File::open(path).ok()?).ok()?;
    let names = archive.file_names().map(|name| name.map(|name| name.to_string()).ok());
    let names: Vec<String> = names.collect::<Option<_>>()?;
    let roots = names.iter().filter_map(|name| name.strip_suffix("data.pkl"));
    let root =
        roots.filter(|root| root.is_empty() || root.ends_with('/')).min_by_key(|root| root.len())?.to_owned();
    if let Ok(mut order) = archive.by_name(&format!("{root}byteorder")) {
        let mut text = String::new();
        order.by_ref().take(16).read_to_string(&mut text).ok()?;
        if text.trim() != "little" {
            return None;
        }
    }
    let mut pickle = Vec::new();
    let read =
        archive.by_name(&format!("{root}data.pkl")).ok()?.take(MOST_BYTES + 1).read_to_end(&mut pickle);
    read.ok().filter(|&length| length as u64 <= MOST_BYTES)?;
    let mut saved = BTreeMap::new();
    collect(&Machine::run(&pickle)?, "", &mut saved);
    let mut places = BTreeMap::new();
    for (name, saved) in saved {
        let Ok(file) = archive.by_name(&format!("{root}data/{}", saved.key)) else { continue };
        let stored = file.compression() == CompressionMethod::Stored;
        let (Some(begin), Some(size), true) = (file.data_start(), element_bytes(&saved.class), stored) else {
            continue;
        };
        let elements = saved.shape.iter().try_fold(1u64, |all, &size| all.checked_mul(size));
        let ends = |elements: u64| saved.offset.checked_add(elements)?.checked_mul(size);
        if is_contiguous(&saved) && elements.and_then(ends).is_some_and(|end| end <= file.size()) {
            let start = begin + saved.offset * size;
            places.insert(name, Place { start, class: saved.class, shape: saved.shape });
        }
    }
    Some(places)
}

/// The bytes of an element of a storage whose bytes are its elements as they are.
fn element_bytes(class: &str) -> Option<u64> {
    Some(match class {
        "DoubleStorage" | "LongStorage" => 8,
        "FloatStorage" | "IntStorage" => 4,
        "HalfStorage" | "BFloat16Storage" | "ShortStorage" => 2,
        "CharStorage" | "ByteStorage" => 1,
        _ => return None,
    })
}

fn is_contiguous(saved: &Saved) -> bool {
    let mut next = 1u64;
    saved.shape.len() == saved.strides.len()
        && saved.shape.iter().zip(&saved.strides).rev().all(|(&size, &stride)| {
            let fits = size == 1 || stride == next;
            next = next.saturating_mul(size);
            fits
        })
}

fn collect(value: &Value, name: &str, found: &mut BTreeMap<String, Saved>) {
    match value {
        Value::Tensor(saved) => _ = found.insert(name.to_owned(), saved.clone()),
        Value::Dictionary(_, fields) => {
            for (key, value) in fields {
                let joined = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
                collect(value, &joined, found);
            }
        }
        _ => {}
    }
}

impl Value {
    fn depth(&self) -> usize {
        match self {
            Self::Tuple(depth, _) | Self::Dictionary(depth, _) => *depth,
            _ => 0,
        }
    }
}

/// A pickle under reading.
struct Machine<'a> {
    rest: &'a [u8],
    stack: Vec<Value>,
    memo: BTreeMap<u32, Value>,
}

impl<'a> Machine<'a> {
    /// What the pickle makes; nothing where it has codes that `torch.save` does not write.
    fn run(pickle: &'a [u8]) -> Option<Value> {
        let mut machine = Self { rest: pickle, stack: Vec::new(), memo: BTreeMap::new() };
        loop {
            let [code] = machine.take()?;
            if code == b'.' {
                return machine.stack.pop();
            }
            machine.step(code)?;
        }
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(*bytes)
    }

    fn bytes(&mut self, length: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(bytes)
    }

    fn line(&mut self) -> Option<&'a str> {
        let end = self.rest.iter().position(|&byte| byte == b'\n')?;
        let line = self.bytes(end)?;
        self.bytes(1)?;
        std::str::from_utf8(line).ok()
    }

    fn step(&mut self, code: u8) -> Option<()> {
        let value = match code {
            0x80 => return self.bytes(1).map(drop),
            0x95 => return self.bytes(8).map(drop),
            b'(' => Value::Mark,
            b'}' => Value::Dictionary(1, Vec::new()),
            b'N' | 0x88 | 0x89 => Value::Other,
            b'G' => self.bytes(8).map(|_| Value::Other)?,
            b']' => Value::Other,
            b')' => Value::Tuple(1, [].into()),
            b'X' => self.text(|machine| Some(u32::from_le_bytes(machine.take()?) as usize))?,
            0x8c => self.text(|machine| machine.take().map(|[length]| usize::from(length)))?,
            b'K' => Value::Integer(u64::from(u8::from_le_bytes(self.take()?))),
            b'M' => Value::Integer(u64::from(u16::from_le_bytes(self.take()?))),
            b'J' => integer(&self.take::<4>()?)?,
            0x8a => {
                let [length] = self.take()?;
                integer(self.bytes(usize::from(length))?)?
            }
            b'c' => Value::Name(format!("{}.{}", self.line()?, self.line()?)),
            b'q' | b'r' | b'h' | b'j' => return self.aside(code),
            b't' => {
                let items = self.marked()?;
                tuple(items)?
            }
            0x85..=0x87 => {
                let items = self.stack.split_off(self.stack.len().checked_sub(usize::from(code - 0x84))?);
                tuple(items)?
            }
            b'Q' => storage(&self.stack.pop()?)?,
            b'R' => {
                let (arguments, function) = (self.stack.pop()?, self.stack.pop()?);
                call(&function, &arguments)
            }
            b'b' => return self.stack.pop().map(drop),
            b'a' => return self.stack.pop().map(drop),
            b'e' => return self.marked().map(drop),
            b's' => {
                let items = self.stack.split_off(self.stack.len().checked_sub(2)?);
                return self.set(items);
            }
            b'u' => {
                let items = self.marked()?;
                return self.set(items);
            }
            _ => return None,
        };
        self.stack.push(value);
        Some(())
    }

    fn text(&mut self, length: impl FnOnce(&mut Self) -> Option<usize>) -> Option<Value> {
        let length = length(self)?;
        let text = std::str::from_utf8(self.bytes(length)?).ok()?;
        Some(Value::Text(text.to_owned()))
    }

    /// Puts aside what is on top, or takes it again. Dictionaries change and are not kept.
    fn aside(&mut self, code: u8) -> Option<()> {
        let index = match code {
            b'q' | b'h' => u32::from(u8::from_le_bytes(self.take()?)),
            _ => u32::from_le_bytes(self.take()?),
        };
        if matches!(code, b'h' | b'j') {
            self.stack.push(self.memo.get(&index)?.clone());
            return Some(());
        }
        let kept = match self.stack.last()? {
            Value::Dictionary(..) => Value::Other,
            other => other.clone(),
        };
        self.memo.insert(index, kept);
        Some(())
    }

    /// What stands above the last mark.
    fn marked(&mut self) -> Option<Vec<Value>> {
        let mark = self.stack.iter().rposition(|value| matches!(value, Value::Mark))?;
        let items = self.stack.split_off(mark + 1);
        self.stack.pop();
        Some(items)
    }

    /// Adds names and values to the dictionary on top.
    fn set(&mut self, items: Vec<Value>) -> Option<()> {
        let Value::Dictionary(depth, fields) = self.stack.last_mut()? else { return Some(()) };
        let mut items = items.into_iter();
        while let (Some(key), Some(value)) = (items.next(), items.next()) {
            *depth = (*depth).max(1 + value.depth());
            if *depth > MOST_DEPTH {
                return None;
            }
            if let Value::Text(key) = key {
                fields.push((key, value));
            }
        }
        Some(())
    }
}

/// Little-endian, of at most eight bytes and a sign; nothing for a negative one.
fn integer(bytes: &[u8]) -> Option<Value> {
    let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
    if negative {
        return Some(Value::Other);
    }
    let number =
        bytes.iter().rev().try_fold(0u64, |number, &byte| number.checked_mul(256)?.checked_add(byte.into()));
    number.map(Value::Integer)
}

fn tuple(items: Vec<Value>) -> Option<Value> {
    let depth = 1 + items.iter().map(Value::depth).max().unwrap_or(0);
    (depth <= MOST_DEPTH).then(|| Value::Tuple(depth, items.into()))
}

/// Of `('storage', class, key, device, elements)`.
fn storage(identity: &Value) -> Option<Value> {
    let Value::Tuple(_, parts) = identity else { return None };
    match &parts[..] {
        [Value::Text(kind), Value::Name(class), Value::Text(key), ..] if kind == "storage" => {
            let class = class.strip_prefix("torch.").unwrap_or(class).to_owned();
            Some(Value::Storage { key: key.clone(), class })
        }
        _ => Some(Value::Other),
    }
}

/// A tensor, a tensor in a parameter, an ordered dictionary; nothing is known of what other calls give.
fn call(function: &Value, arguments: &Value) -> Value {
    let (Value::Name(function), Value::Tuple(_, arguments)) = (function, arguments) else {
        return Value::Other;
    };
    match (&function[..], &arguments[..]) {
        ("collections.OrderedDict", []) => Value::Dictionary(1, Vec::new()),
        ("torch._utils._rebuild_parameter", [Value::Tensor(saved), ..]) => Value::Tensor(saved.clone()),
        (
            "torch._utils._rebuild_tensor_v2",
            [
                Value::Storage { key, class },
                Value::Integer(offset),
                Value::Tuple(_, shape),
                Value::Tuple(_, strides),
                ..,
            ],
        ) => match (integers(shape), integers(strides)) {
            (Some(shape), Some(strides)) => Value::Tensor(Saved {
                key: key.clone(),
                class: class.clone(),
                offset: *offset,
                shape,
                strides,
            }),
            _ => Value::Other,
        },
        _ => Value::Other,
    }
}

fn integers(values: &[Value]) -> Option<Vec<u64>> {
    values.iter().map(|value| if let Value::Integer(number) = value { Some(*number) } else { None }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pickles_that_nest_or_end_too_early_are_given_up() {
        let tuples = [&b"\x80\x02)"[..], &[0x85; 5000], b"."].concat();
        assert!(Machine::run(&tuples).is_none(), "tuples inside of each other");
        let dictionaries =
            [b"}X\x01\0\0\0a".repeat(5000), b"N".to_vec(), b"s".repeat(5000), b".".to_vec()].concat();
        assert!(Machine::run(&dictionaries).is_none(), "dictionaries inside of each other");
        for text in [
            &b""[..],
            b".",
            b"\x80",
            b"X\xff\xff\xff\xff",
            b"t.",
            b"(",
            b"R.",
            b"s.",
            b"h\0.",
            b"Q.",
            b"\x86.",
            b"I1\n.",
        ] {
            assert!(Machine::run(text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn rows_that_follow_each_other_are_contiguous() {
        let saved = |shape: &[u64], strides: &[u64]| Saved {
            key: String::new(),
            class: String::new(),
            offset: 0,
            shape: shape.to_vec(),
            strides: strides.to_vec(),
        };
        for (shape, strides) in
            [(&[2, 3][..], &[3, 1][..]), (&[2, 1, 3], &[3, 77, 1]), (&[], &[]), (&[5], &[1])]
        {
            assert!(is_contiguous(&saved(shape, strides)), "{shape:?} {strides:?}");
        }
        for (shape, strides) in
            [(&[2, 3][..], &[1, 2][..]), (&[2, 3], &[6, 1]), (&[3, 4], &[1, 0]), (&[2], &[])]
        {
            assert!(!is_contiguous(&saved(shape, strides)), "{shape:?} {strides:?}");
        }
    }
}
