//! Programs as text: terms, types, literals and operations in MLIR's generic form.

use std::fmt::{self, Write as _};

use graph::Ty;
use tensor::{Buffer, DType, Tensor};

/// Element types: those of graphs, and unsigned integers for random bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    F32,
    F64,
    I32,
    Bool,
    U32,
    U64,
}

impl From<DType> for Element {
    fn from(dtype: DType) -> Self {
        match dtype {
            DType::F32 => Self::F32,
            DType::F64 => Self::F64,
            DType::I32 => Self::I32,
            DType::Bool => Self::Bool,
        }
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::I32 => "i32",
            Self::Bool => "i1",
            Self::U32 => "ui32",
            Self::U64 => "ui64",
        })
    }
}

/// The type of a term.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Type {
    pub(super) element: Element,
    pub(super) shape: Vec<usize>,
}

impl Type {
    pub(super) fn new(element: impl Into<Element>, shape: &[usize]) -> Self {
        Self { element: element.into(), shape: shape.to_vec() }
    }

    /// The type of one of its elements.
    pub(super) fn scalar(&self) -> Self {
        Self::new(self.element, &[])
    }

    /// The same element type with another shape.
    pub(super) fn with_shape(&self, shape: &[usize]) -> Self {
        Self::new(self.element, shape)
    }

    /// The same shape with another element type.
    pub(super) fn with_element(&self, element: Element) -> Self {
        Self::new(element, &self.shape)
    }

    /// The number of elements.
    pub(super) fn elements(&self) -> usize {
        self.shape.iter().product()
    }
}

impl From<&Ty> for Type {
    fn from(ty: &Ty) -> Self {
        Self::new(ty.dtype, &ty.shape)
    }
}

/// As `tensor<2x3xf32>`.
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tensor<")?;
        self.shape.iter().try_for_each(|size| write!(f, "{size}x"))?;
        write!(f, "{}>", self.element)
    }
}

/// A value of the program.
#[derive(Clone, Debug)]
pub(super) struct Term {
    pub(super) name: String,
    pub(super) ty: Type,
}

/// The body of a program as it grows.
#[derive(Debug, Default)]
pub(super) struct Program {
    text: String,
    names: usize,
}

impl Program {
    /// A name that no other term has, also none of an enclosing region.
    pub(super) fn fresh(&mut self) -> String {
        self.names += 1;
        format!("%{}", self.names - 1)
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }

    /// Adds an operation with one result; `properties` as `axis = 1 : i64`, without braces.
    pub(super) fn op(&mut self, name: &str, operands: &[&Term], properties: &str, ty: Type) -> Term {
        let [term] = self.op_with(name, operands, properties, None, [ty]);
        term
    }

    /// Adds an operation with a region, where it has one, and any number of results; of StableHLO, unless its name has
    /// another dialect before a dot.
    pub(super) fn op_with<const N: usize>(
        &mut self,
        name: &str,
        operands: &[&Term],
        properties: &str,
        region: Option<&str>,
        types: [Type; N],
    ) -> [Term; N] {
        let result = self.fresh();
        let several = if N > 1 { format!(":{N}") } else { String::new() };
        let name = if name.contains('.') { name.to_owned() } else { format!("stablehlo.{name}") };
        let line = statement(&name, operands, properties, region, &types);
        let _ = writeln!(self.text, "    {result}{several} = {line}");
        let mut position = 0;
        types.map(|ty| {
            let name = if N > 1 { format!("{result}#{position}") } else { result.clone() };
            position += 1;
            Term { name, ty }
        })
    }

    /// Ends the body.
    pub(super) fn finish(&mut self, results: &[&Term]) {
        let _ = writeln!(self.text, "    {}", ending("func.return", results));
    }

    /// The text of a region with these arguments; `body` returns its results.
    pub(super) fn region<const N: usize>(
        &mut self,
        arguments: &[Type],
        body: impl FnOnce(&mut Self, &[Term]) -> [Term; N],
    ) -> String {
        let arguments: Vec<Term> =
            arguments.iter().map(|ty| Term { name: self.fresh(), ty: ty.clone() }).collect();
        let outer = std::mem::take(&mut self.text);
        let results = body(self, &arguments);
        let inner = std::mem::replace(&mut self.text, outer);
        let typed = list(arguments.iter().map(|term| format!("{}: {}", term.name, term.ty)));
        let end = ending("stablehlo.return", &results.iter().collect::<Vec<_>>());
        format!("({{\n    ^bb0({typed}):\n{inner}    {end}\n    }})")
    }
}

/// `"name"(operands) <{properties}> region : (types) -> types`.
fn statement(
    name: &str,
    operands: &[&Term],
    properties: &str,
    region: Option<&str>,
    types: &[Type],
) -> String {
    let names = list(operands.iter().map(|term| &term.name));
    let from = list(operands.iter().map(|term| &term.ty));
    let to = match types {
        [one] => one.to_string(),
        several => format!("({})", list(several)),
    };
    let properties = if properties.is_empty() { String::new() } else { format!(" <{{{properties}}}>") };
    let region = region.map(|region| format!(" {region}")).unwrap_or_default();
    format!("\"{name}\"({names}){properties}{region} : ({from}) -> {to}")
}

fn ending(name: &str, results: &[&Term]) -> String {
    statement(name, results, "", None, &[])
}

/// Things separated by commas.
pub(super) fn list(things: impl IntoIterator<Item = impl fmt::Display>) -> String {
    things.into_iter().map(|thing| thing.to_string()).collect::<Vec<_>>().join(", ")
}

/// Sizes, axes or paddings as an attribute.
pub(super) fn array(values: impl IntoIterator<Item = impl fmt::Display>) -> String {
    let values = list(values);
    if values.is_empty() { "array<i64>".to_owned() } else { format!("array<i64: {values}>") }
}

/// Padding of each axis, (low, high), as an attribute.
pub(super) fn padding(pairs: &[(i64, i64)]) -> String {
    let rows = list(pairs.iter().map(|(low, high)| format!("[{low}, {high}]")));
    let values = if pairs.is_empty() { rows } else { format!("[{rows}]") };
    format!("dense<{values}> : tensor<{}x2xi64>", pairs.len())
}

/// The exact text of a tensor's elements; `None` for truth values that differ, for which plugins do not agree on one.
pub(super) fn literal(tensor: &Tensor) -> Option<String> {
    let count = tensor.elements();
    let text = match tensor.buffer() {
        Buffer::F32(values) => {
            elements(values, |x| format!("0x{:08X}", x.to_bits()), |x| x.to_le_bytes().to_vec())
        }
        Buffer::F64(values) => {
            elements(values, |x| format!("0x{:016X}", x.to_bits()), |x| x.to_le_bytes().to_vec())
        }
        Buffer::I32(values) => elements(values, i32::to_string, |x| x.to_le_bytes().to_vec()),
        Buffer::Bool(values) if count > 1 && values.iter().any(|value| *value != values[0]) => return None,
        Buffer::Bool(values) => elements(values, bool::to_string, |_| Vec::new()),
    };
    Some(format!("dense<{text}>"))
}

/// Nothing, one element for all if they have the same text, or all bytes.
fn elements<T>(values: &[T], text: impl Fn(&T) -> String, bytes: impl Fn(&T) -> Vec<u8>) -> String {
    let Some(first) = values.first().map(&text) else { return String::new() };
    if values.iter().all(|value| text(value) == first) {
        return first;
    }
    let mut hexadecimal = String::with_capacity(4 + 2 * values.len() * size_of::<T>());
    hexadecimal.push_str("\"0x");
    for byte in values.iter().flat_map(bytes) {
        let _ = write!(hexadecimal, "{byte:02X}");
    }
    hexadecimal.push('"');
    hexadecimal
}
