//! Graphs as ONNX files.

mod images;
mod rules;
mod sheet;

use graph::{Def, Graph, Input, Role, Val};
use prost::Message;
use tensor::{DType, Shape, Tensor};

use self::sheet::Sheet;
use crate::{
    OnnxError,
    schema::{
        ModelProto, OperatorSetIdProto, TensorShapeProto, TypeProto, ValueInfoProto, tensor_shape_proto,
        type_proto,
    },
};

/// The version of ONNX's operators that is written. Ours: the first with all that is needed in the forms of today but for
/// reductions.
const OPSET: i64 = 17;

/// The version of the file format that belongs to it.
const IR_VERSION: i64 = 8;

/// What of a graph stands for examples, and how many of them there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examples {
    /// The size that stands for the batch: every size that is a multiple of it grows with the batch of the file. To be told
    /// from all others it is a prime that divides none of them.
    pub batch: usize,
    /// For each input of data, the shape of one example in the file, which has as many elements as the graph's; the graph's
    /// own shape without its first axis where there is none.
    pub shapes: Vec<Shape>,
}

/// Writes a graph as an ONNX file (opset 17). Parameters and states become initializers under their names, with the values of
/// `weights`, which are `f32` and in the order of the inputs; data become inputs with a symbolic batch, integers with 64 bits.
///
/// # Errors
/// [`OnnxError::Export`] where a primitive has no counterpart, as those that only derivatives need, or a constant depends on
/// the batch; [`OnnxError::Parameter`] where the weights are not the graph's.
pub fn export(graph: &Graph, weights: &[&Tensor], examples: &Examples) -> Result<Vec<u8>, OnnxError> {
    let mut sheet = Sheet::new(graph, examples.batch);
    let mut weights = weights.iter();
    let mut shapes = examples.shapes.iter();
    for input in graph.inputs() {
        match input.role {
            Role::Parameter | Role::State => sheet.initializer(input, weights.next().copied())?,
            Role::Data => data(&mut sheet, graph, input, shapes.next()),
        }
    }
    for val in live(graph) {
        if let Def::Apply { op, operands } = graph.def(val) {
            rules::emit(&mut sheet, val, op, operands)?;
        }
    }
    for output in graph.outputs() {
        let name = sheet.full(output.val);
        sheet.node("Identity", &[&name], &output.name, Vec::new());
        let ty = value_type(&sheet, code(graph.ty(output.val).dtype), &graph.ty(output.val).shape);
        sheet.graph.output.push(named(&output.name, ty));
    }
    Ok(file(sheet).encode_to_vec())
}

/// The values that outputs depend on, in order.
fn live(graph: &Graph) -> Vec<Val> {
    let mut needed = vec![false; graph.len()];
    for output in graph.outputs() {
        needed[output.val.position()] = true;
    }
    for val in graph.vals().rev() {
        if needed[val.position()] {
            for operand in graph.operands(val) {
                needed[operand.position()] = true;
            }
        }
    }
    graph.vals().filter(|val| needed[val.position()]).collect()
}

/// The number of an element type in the file.
pub(super) const fn code(dtype: DType) -> i32 {
    match dtype {
        DType::F32 => 1,
        DType::I32 => 6,
        DType::Bool => 9,
        DType::F64 => 11,
    }
}

/// Declares an input of examples, and brings it into the form that the graph takes.
fn data(sheet: &mut Sheet<'_>, graph: &Graph, input: &Input, shape: Option<&Shape>) {
    let ty = graph.ty(input.val);
    let example = shape.cloned().unwrap_or_else(|| Shape::from(&ty.shape[1..]));
    let whole: Shape = std::iter::once(sheet.batch).chain(example.iter().copied()).collect();
    let int64 = 7;
    let stored = if ty.dtype == DType::I32 { int64 } else { code(ty.dtype) };
    let declared = value_type(sheet, stored, &whole);
    sheet.graph.input.push(named(&input.name, declared));
    sheet.batch_source.get_or_insert_with(|| input.name.clone());
    let mut name = input.name.clone();
    if stored == int64 {
        let to = vec![sheet::int("to", code(DType::I32).into())];
        name = sheet.apply("Cast", &[&name], to);
    }
    if whole != ty.shape {
        let target = sheet.reshape_target(&ty.shape);
        name = sheet.apply("Reshape", &[&name, &target], Vec::new());
    }
    sheet.define(input.val, name);
}

fn named(name: &str, ty: TypeProto) -> ValueInfoProto {
    ValueInfoProto { name: Some(name.to_owned()), r#type: Some(ty), ..ValueInfoProto::default() }
}

/// A tensor type whose sizes that are multiples of the batch are symbolic.
fn value_type(sheet: &Sheet<'_>, elem_type: i32, shape: &Shape) -> TypeProto {
    use tensor_shape_proto::dimension::Value;
    let dim = |&size: &usize| {
        let value = match sheet.multiple(size) {
            None => Value::DimValue(size as i64),
            Some(1) => Value::DimParam("batch".to_owned()),
            Some(times) => Value::DimParam(format!("{times}*batch")),
        };
        tensor_shape_proto::Dimension { value: Some(value), ..tensor_shape_proto::Dimension::default() }
    };
    let shape = TensorShapeProto { dim: shape.iter().map(dim).collect() };
    let tensor = type_proto::Tensor { elem_type: Some(elem_type), shape: Some(shape) };
    TypeProto { value: Some(type_proto::Value::TensorType(tensor)), ..TypeProto::default() }
}

fn file(sheet: Sheet<'_>) -> ModelProto {
    ModelProto {
        ir_version: Some(IR_VERSION),
        producer_name: Some("isoloss".to_owned()),
        producer_version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        opset_import: vec![OperatorSetIdProto { domain: Some(String::new()), version: Some(OPSET) }],
        graph: Some(sheet.graph),
        ..ModelProto::default()
    }
}
