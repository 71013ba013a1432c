//! The nodes of a file while it is written.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use graph::{Graph, Input, Val};
use tensor::{Buffer, DType, Shape, Tensor};

use super::code;
use crate::{
    OnnxError,
    schema::{AttributeProto, GraphProto, NodeProto, TensorProto, attribute_proto::AttributeType},
};

/// What a value of the graph is called in the file.
#[derive(Clone, Debug, Default)]
struct Names {
    full: Option<String>,
    /// The same before it is repeated along axes, which then have size 1.
    thin: Option<String>,
}

/// A file under writing.
pub(super) struct Sheet<'a> {
    pub(super) source: &'a Graph,
    pub(super) graph: GraphProto,
    pub(super) batch: usize,
    /// The input whose first axis is the batch.
    pub(super) batch_source: Option<String>,
    /// The batch as a tensor of one integer, once it is needed.
    batch_size: Option<String>,
    names: BTreeMap<Val, Names>,
    taken: BTreeSet<String>,
    count: usize,
}

pub(super) fn int(name: &str, value: i64) -> AttributeProto {
    let (name, r#type) = (Some(name.to_owned()), Some(AttributeType::Int as i32));
    AttributeProto { name, r#type, i: Some(value), ..AttributeProto::default() }
}

pub(super) fn ints(name: &str, values: impl IntoIterator<Item = i64>) -> AttributeProto {
    let (name, r#type) = (Some(name.to_owned()), Some(AttributeType::Ints as i32));
    AttributeProto { name, r#type, ints: values.into_iter().collect(), ..AttributeProto::default() }
}

/// A tensor of the file.
fn stored(name: &str, tensor: &Tensor) -> TensorProto {
    let raw: Vec<u8> = match tensor.buffer() {
        Buffer::F32(elements) => elements.iter().flat_map(|x| x.to_le_bytes()).collect(),
        Buffer::F64(elements) => elements.iter().flat_map(|x| x.to_le_bytes()).collect(),
        Buffer::I32(elements) => elements.iter().flat_map(|x| x.to_le_bytes()).collect(),
        Buffer::Bool(elements) => elements.iter().map(|&x| x.into()).collect(),
    };
    raw_tensor(name, code(tensor.dtype()), tensor.shape(), raw)
}

fn raw_tensor(name: &str, data_type: i32, shape: &Shape, raw: Vec<u8>) -> TensorProto {
    TensorProto {
        name: Some(name.to_owned()),
        dims: shape.iter().map(|&size| size as i64).collect(),
        data_type: Some(data_type),
        raw_data: Some(Bytes::from(raw)),
        ..TensorProto::default()
    }
}

impl<'a> Sheet<'a> {
    pub(super) fn new(source: &'a Graph, batch: usize) -> Self {
        let inputs = source.inputs().iter().map(|input| input.name.clone());
        let outputs = source.outputs().iter().map(|output| output.name.clone());
        Self {
            source,
            graph: GraphProto { name: Some(source.name().to_owned()), ..GraphProto::default() },
            batch,
            batch_source: None,
            batch_size: None,
            names: BTreeMap::new(),
            taken: inputs.chain(outputs).collect(),
            count: 0,
        }
    }

    /// How many times the batch a size is, if it is.
    pub(super) fn multiple(&self, size: usize) -> Option<usize> {
        (size > 0 && size.is_multiple_of(self.batch)).then(|| size / self.batch)
    }

    /// Whether a shape grows with the batch.
    pub(super) fn grows(&self, shape: &Shape) -> bool {
        shape.iter().any(|&size| self.multiple(size).is_some())
    }

    /// A name that nothing has.
    fn fresh(&mut self) -> String {
        loop {
            let name = format!("v{}", self.count);
            self.count += 1;
            if self.taken.insert(name.clone()) {
                return name;
            }
        }
    }

    /// A parameter or state with its value.
    pub(super) fn initializer(&mut self, input: &Input, value: Option<&Tensor>) -> Result<(), OnnxError> {
        let ty = self.source.ty(input.val);
        let fits = |value: &&Tensor| value.dtype() == DType::F32 && *value.shape() == ty.shape;
        let Some(value) = value.filter(fits) else {
            let found =
                value.map_or("none".to_owned(), |value| format!("{}{}", value.dtype(), value.shape()));
            let (name, expected) = (input.name.clone(), format!("f32{}", ty.shape));
            return Err(OnnxError::Parameter { name, expected, found });
        };
        self.graph.initializer.push(stored(&input.name, value));
        self.define(input.val, input.name.clone());
        Ok(())
    }

    pub(super) fn constant(&mut self, tensor: &Tensor) -> String {
        let name = self.fresh();
        self.graph.initializer.push(stored(&name, tensor));
        name
    }

    /// A list of 64-bit integers.
    pub(super) fn integers(&mut self, numbers: &[i64]) -> String {
        let name = self.fresh();
        let raw = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        let int64 = 7;
        self.graph.initializer.push(raw_tensor(&name, int64, &Shape::from([numbers.len()]), raw));
        name
    }

    pub(super) fn node(&mut self, op: &str, inputs: &[&str], output: &str, attribute: Vec<AttributeProto>) {
        self.graph.node.push(NodeProto {
            op_type: Some(op.to_owned()),
            input: inputs.iter().map(|&name| name.to_owned()).collect(),
            output: vec![output.to_owned()],
            attribute,
            ..NodeProto::default()
        });
    }

    /// A node; the name of what it returns.
    pub(super) fn apply(&mut self, op: &str, inputs: &[&str], attributes: Vec<AttributeProto>) -> String {
        let output = self.fresh();
        self.node(op, inputs, &output, attributes);
        output
    }

    pub(super) fn define(&mut self, val: Val, name: String) {
        self.names.entry(val).or_default().full = Some(name);
    }

    /// Defines a value by what it is before it is repeated.
    pub(super) fn define_thin(&mut self, val: Val, name: String) {
        self.names.entry(val).or_default().thin = Some(name);
    }

    /// The name of a value, repeated in full.
    pub(super) fn full(&mut self, val: Val) -> String {
        let names = self.names.get(&val).cloned().unwrap_or_default();
        match (names.full, names.thin) {
            (Some(name), _) => name,
            (None, Some(thin)) => {
                let shape = self.shape_operand(&self.source.ty(val).shape.clone());
                let name = self.apply("Expand", &[&thin, &shape], Vec::new());
                self.define(val, name.clone());
                name
            }
            (None, None) => unreachable!("values are defined before they are used"),
        }
    }

    /// Names of operands that are combined element by element: repeated in full where none of them would be otherwise.
    pub(super) fn operands(&mut self, vals: &[Val]) -> Vec<String> {
        let is_thin =
            |sheet: &Self, val: &Val| sheet.names.get(val).is_some_and(|names| names.thin.is_some());
        let all_thin = vals.iter().all(|val| is_thin(self, val));
        let name =
            |(place, &val): (usize, &Val)| match self.names.get(&val).and_then(|names| names.thin.clone()) {
                Some(thin) if !(all_thin && place == 0) => thin,
                _ => self.full(val),
            };
        vals.iter().enumerate().map(name).collect()
    }

    /// A shape as an operand of a reshape: what grows with the batch is left to be computed, where it is one size.
    pub(super) fn reshape_target(&mut self, shape: &Shape) -> String {
        let growing = shape.iter().filter(|&&size| self.multiple(size).is_some()).count();
        if growing > 1 {
            return self.shape_operand(shape);
        }
        let number = |&size: &usize| if self.multiple(size).is_some() { -1 } else { size as i64 };
        let numbers: Vec<i64> = shape.iter().map(number).collect();
        self.integers(&numbers)
    }

    /// A shape as an operand.
    fn shape_operand(&mut self, shape: &Shape) -> String {
        let numbers: Vec<i64> = shape.iter().map(|&size| size as i64).collect();
        if !self.grows(shape) {
            return self.integers(&numbers);
        }
        let batch = self.batch_size();
        let mut parts = Vec::new();
        for (&size, number) in shape.iter().zip(numbers) {
            parts.push(match self.multiple(size) {
                None => self.integers(&[number]),
                Some(1) => batch.clone(),
                Some(times) => {
                    let times = self.integers(&[times as i64]);
                    self.apply("Mul", &[&batch, &times], Vec::new())
                }
            });
        }
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        self.apply("Concat", &parts, vec![int("axis", 0)])
    }

    /// The batch as a list of one integer.
    fn batch_size(&mut self) -> String {
        if let Some(name) = &self.batch_size {
            return name.clone();
        }
        let Some(source) = self.batch_source.clone() else {
            unreachable!("a graph whose sizes grow with the batch has an input of examples");
        };
        let name = self.apply("Shape", &[&source], vec![int("start", 0), int("end", 1)]);
        self.batch_size = Some(name.clone());
        name
    }
}
