//! A node while it becomes graph: its attributes, its operands, and what it emits.

use std::sync::Arc;

use graph::{Builder, Prim, Val, ops};
use tensor::{DType, Shape, Tensor};

use crate::{
    Moments,
    element::Header,
    error::{Fault, invalid, unsupported},
    parsed,
    schema::{AttributeProto, NodeProto},
};

/// A value of the network while its graph is built.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// Depends on nothing that a run is given.
    Known(Arc<Tensor>),
    /// In the graph, with its axes in their order.
    Plain(Val),
    /// In the graph, an image whose second axis, the channels, has been moved behind all others.
    ChannelsLast(Val),
}

/// What a node returns, one value for each of its outputs.
pub(crate) type Outputs = Result<Vec<Value>, Fault>;

/// What stays the same for all nodes of a network.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    pub(crate) opset: i64,
    /// The floating-point type of the graph.
    pub(crate) float: DType,
    /// The moments by which batch normalisation goes.
    pub(crate) moments: Moments,
    /// What the exporter's batch became, where the file fixes it.
    pub(crate) rebatch: Option<Rebatch>,
}

/// A size of the batch that the exporter wrote into the network, and the one that the graph is built for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rebatch {
    pub(crate) exported: usize,
    pub(crate) wanted: usize,
}

/// A node with its operands.
pub(crate) struct Node<'a> {
    pub(crate) proto: &'a NodeProto,
    pub(crate) setting: Setting,
    pub(crate) inputs: Vec<Option<Value>>,
    pub(crate) b: &'a mut Builder,
    /// New values of running statistics, by the position of the input that holds the old ones.
    pub(crate) updates: Vec<(usize, Val)>,
}

/// The order of axes that puts the second one last.
fn channels_to_back(rank: usize) -> Vec<usize> {
    std::iter::once(0).chain(2..rank).chain([1]).collect()
}

/// The order of axes that puts the last one second.
fn channels_to_front(rank: usize) -> Vec<usize> {
    [0, rank - 1].into_iter().chain(1..rank - 1).collect()
}

impl Node<'_> {
    /// The value of an attribute; the attributes there may be are checked when the file is read.
    fn attribute<T>(
        &self,
        name: &str,
        expected: &str,
        read: impl Fn(&AttributeProto) -> Option<T>,
    ) -> Result<Option<T>, Fault> {
        let Some(attribute) = self.proto.attribute.iter().find(|attribute| attribute.name() == name) else {
            return Ok(None);
        };
        match read(attribute) {
            Some(value) => Ok(Some(value)),
            None => invalid(format!("{expected} as attribute '{name}'"), "something else"),
        }
    }

    pub(crate) fn int(&self, name: &str, default: i64) -> Result<i64, Fault> {
        Ok(self.attribute(name, "an integer", |attribute| attribute.i)?.unwrap_or(default))
    }

    pub(crate) fn flag(&self, name: &str) -> Result<bool, Fault> {
        Ok(self.int(name, 0)? != 0)
    }

    pub(crate) fn float(&self, name: &str, default: f64) -> Result<f64, Fault> {
        let read = |attribute: &AttributeProto| attribute.f.map(f64::from);
        Ok(self.attribute(name, "a number", read)?.unwrap_or(default))
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.proto.attribute.iter().any(|attribute| attribute.name() == name)
    }

    pub(crate) fn ints(&self, name: &str) -> Result<Option<Vec<i64>>, Fault> {
        self.attribute(name, "integers", |attribute| Some(attribute.ints.clone()))
    }

    pub(crate) fn floats(&self, name: &str) -> Result<Option<Vec<f32>>, Fault> {
        self.attribute(name, "numbers", |attribute| Some(attribute.floats.clone()))
    }

    pub(crate) fn text(&self, name: &str, default: &str) -> Result<String, Fault> {
        let read = |attribute: &AttributeProto| String::from_utf8(attribute.s.as_ref()?.to_vec()).ok();
        Ok(self.attribute(name, "a text", read)?.unwrap_or_else(|| default.to_owned()))
    }

    pub(crate) fn texts(&self, name: &str) -> Result<Option<Vec<String>>, Fault> {
        self.attribute(name, "texts", |attribute| {
            attribute.strings.iter().map(|text| String::from_utf8(text.to_vec()).ok()).collect()
        })
    }

    /// A tensor that the node carries.
    pub(crate) fn tensor(&self, name: &str) -> Result<Option<Tensor>, Fault> {
        let tensor = self.attribute(name, "a tensor", |attribute| attribute.t.clone())?;
        let decode = |tensor| {
            let header = Header::of(&tensor)?;
            parsed::decode_inline(&tensor, &header)
        };
        tensor.map(decode).transpose().map_err(|error| Fault::Invalid(error.to_string()))
    }

    /// One of the words that an attribute may have; others are named as unsupported.
    pub(crate) fn word<T: Copy>(&self, name: &str, default: &str, words: &[(&str, T)]) -> Result<T, Fault> {
        let found = self.text(name, default)?;
        match words.iter().find(|(word, _)| *word == found) {
            Some(&(_, value)) => Ok(value),
            None => unsupported(format!("{name}='{found}'")),
        }
    }

    /// The value of an input, where the node has it.
    pub(crate) fn value(&self, position: usize) -> Option<&Value> {
        self.inputs.get(position).and_then(Option::as_ref)
    }

    pub(crate) fn required(&self, position: usize) -> Result<Value, Fault> {
        match self.value(position) {
            Some(value) => Ok(value.clone()),
            None => invalid(format!("an input {position}"), "none"),
        }
    }

    pub(crate) fn outputs(&self) -> usize {
        self.proto.output.len()
    }

    /// Whether an output is asked for.
    pub(crate) fn wants(&self, output: usize) -> bool {
        self.proto.output.get(output).is_some_and(|name| !name.is_empty())
    }

    /// The shape of a value, with the axes in their order.
    pub(crate) fn shape_of(&self, value: &Value) -> Shape {
        match value {
            Value::Known(tensor) => tensor.shape().clone(),
            Value::Plain(val) => self.b.shape(*val).clone(),
            Value::ChannelsLast(val) => {
                let shape = self.b.shape(*val);
                channels_to_front(shape.rank()).into_iter().map(|axis| shape[axis]).collect()
            }
        }
    }

    pub(crate) fn dtype_of(&self, value: &Value) -> DType {
        match value {
            Value::Known(tensor) => tensor.dtype(),
            Value::Plain(val) | Value::ChannelsLast(val) => self.b.ty(*val).dtype,
        }
    }

    /// An input in the graph, its axes in their order.
    pub(crate) fn x(&mut self, position: usize) -> Result<Val, Fault> {
        let value = self.required(position)?;
        self.plain(&value)
    }

    /// An input that the node need not have.
    pub(crate) fn optional(&mut self, position: usize) -> Result<Option<Val>, Fault> {
        self.value(position).cloned().map(|value| self.plain(&value)).transpose()
    }

    /// An input of floats.
    pub(crate) fn float_x(&mut self, position: usize) -> Result<Val, Fault> {
        let x = self.x(position)?;
        self.check_float(x)?;
        Ok(x)
    }

    pub(crate) fn check_float(&self, x: Val) -> Result<(), Fault> {
        let ty = self.b.ty(x);
        if ty.dtype.is_float() { Ok(()) } else { invalid("floats", ty) }
    }

    /// An input that must not depend on the examples.
    pub(crate) fn known(&self, position: usize) -> Result<Option<Arc<Tensor>>, Fault> {
        match self.value(position) {
            None => Ok(None),
            Some(Value::Known(tensor)) => Ok(Some(Arc::clone(tensor))),
            Some(_) => unsupported(format!("input {position} that depends on the examples or is trained")),
        }
    }

    /// A known input of integers.
    pub(crate) fn known_ints(&self, position: usize) -> Result<Option<Vec<i64>>, Fault> {
        let Some(tensor) = self.known(position)? else { return Ok(None) };
        match tensor.as_slice::<i32>() {
            Ok(numbers) => Ok(Some(numbers.iter().map(|&number| number.into()).collect())),
            Err(_) => invalid(format!("integers as input {position}"), tensor.dtype()),
        }
    }

    /// A known input of one number.
    pub(crate) fn known_number(&self, position: usize) -> Result<Option<f64>, Fault> {
        let Some(tensor) = self.known(position)? else { return Ok(None) };
        match tensor.to_f64_vec()[..] {
            [number] => Ok(Some(number)),
            _ => invalid(format!("one number as input {position}"), tensor.shape()),
        }
    }

    /// A value in the graph, its axes in their order.
    pub(crate) fn plain(&mut self, value: &Value) -> Result<Val, Fault> {
        match value {
            Value::Known(tensor) => self.constant(tensor),
            Value::Plain(val) => Ok(*val),
            Value::ChannelsLast(val) => {
                let permutation = channels_to_front(self.b.shape(*val).rank());
                self.permute(*val, permutation)
            }
        }
    }

    /// A constant, floats in the type of the graph.
    pub(crate) fn constant(&mut self, tensor: &Arc<Tensor>) -> Result<Val, Fault> {
        let value = match tensor.dtype().is_float() && tensor.dtype() != self.setting.float {
            true => Arc::new(tensor.convert(self.setting.float)),
            false => Arc::clone(tensor),
        };
        self.apply(ops::Constant { value }, &[])
    }

    /// An image with its channels behind all other axes.
    pub(crate) fn image(&mut self, position: usize) -> Result<Val, Fault> {
        let value = self.required(position)?;
        self.channels_last(&value)
    }

    pub(crate) fn channels_last(&mut self, value: &Value) -> Result<Val, Fault> {
        if let Value::ChannelsLast(val) = value {
            return Ok(*val);
        }
        let x = self.plain(value)?;
        let rank = self.b.shape(x).rank();
        if rank < 2 {
            return invalid("an axis of channels behind that of examples", self.b.ty(x));
        }
        self.permute(x, channels_to_back(rank))
    }

    /// Whether an input is an image with its channels last.
    pub(crate) fn is_channels_last(&self, position: usize) -> bool {
        matches!(self.value(position), Some(Value::ChannelsLast(_)))
    }

    /// An input as it lies, and how.
    pub(crate) fn as_it_lies(&mut self, position: usize) -> Result<(Val, bool), Fault> {
        match self.required(position)? {
            Value::ChannelsLast(val) => Ok((val, true)),
            value => Ok((self.plain(&value)?, false)),
        }
    }

    /// Inputs laid out alike, so that they can be combined element by element: with channels last if one of them is so.
    pub(crate) fn alike(&mut self, positions: &[usize]) -> Result<(Vec<Val>, bool), Fault> {
        let values: Vec<Value> =
            positions.iter().map(|&position| self.required(position)).collect::<Result<_, _>>()?;
        let image = values.iter().find(|value| matches!(value, Value::ChannelsLast(_)));
        let rank = image.map(|image| self.shape_of(image).rank());
        let fits = |value: &Value| rank.is_some_and(|rank| self.shape_of(value).rank() <= rank);
        match rank.filter(|_| values.iter().all(fits)) {
            None => Ok((values.iter().map(|value| self.plain(value)).collect::<Result<_, _>>()?, false)),
            Some(rank) => {
                let vals = values.iter().map(|value| self.with_rank(value, rank));
                Ok((vals.collect::<Result<_, _>>()?, true))
            }
        }
    }

    /// A value with channels last and axes of size 1 in front until it has `rank` of them.
    fn with_rank(&mut self, value: &Value, rank: usize) -> Result<Val, Fault> {
        if let Value::ChannelsLast(val) = value
            && self.b.shape(*val).rank() == rank
        {
            return Ok(*val);
        }
        let x = self.plain(value)?;
        let shape = self.b.shape(x);
        let padded: Shape =
            std::iter::repeat_n(1, rank - shape.rank()).chain(shape.iter().copied()).collect();
        let x = self.reshape(x, padded)?;
        self.channels_last(&Value::Plain(x))
    }

    /// A result that lies as its operands do.
    pub(crate) fn like(val: Val, channels_last: bool) -> Value {
        if channels_last { Value::ChannelsLast(val) } else { Value::Plain(val) }
    }

    // What is emitted, refused where the operands do not fit.

    pub(crate) fn apply(&mut self, op: impl Into<Prim>, operands: &[Val]) -> Result<Val, Fault> {
        Ok(self.b.try_apply(op, operands)?)
    }

    pub(crate) fn permute(&mut self, x: Val, permutation: Vec<usize>) -> Result<Val, Fault> {
        if permutation.iter().copied().eq(0..permutation.len()) {
            return Ok(x);
        }
        self.apply(ops::Transpose { permutation }, &[x])
    }

    pub(crate) fn reshape(&mut self, x: Val, shape: impl Into<Shape>) -> Result<Val, Fault> {
        let shape = shape.into();
        if *self.b.shape(x) == shape { Ok(x) } else { self.apply(ops::Reshape { shape }, &[x]) }
    }

    pub(crate) fn convert(&mut self, x: Val, dtype: DType) -> Result<Val, Fault> {
        if self.b.ty(x).dtype == dtype { Ok(x) } else { self.apply(ops::Convert { dtype }, &[x]) }
    }

    /// `x` stretched along its axes of size 1, and along new ones in front, to `shape`.
    pub(crate) fn stretch(&mut self, x: Val, shape: &Shape) -> Result<Val, Fault> {
        let own = self.b.shape(x).clone();
        if own == *shape {
            return Ok(x);
        }
        let Some(front) = shape.rank().checked_sub(own.rank()) else {
            return invalid(format!("a shape that stretches to {shape}"), own);
        };
        let kept: Vec<usize> = (0..own.rank()).filter(|&axis| own[axis] == shape[front + axis]).collect();
        if (0..own.rank()).any(|axis| own[axis] != 1 && !kept.contains(&axis)) {
            return invalid(format!("a shape that stretches to {shape}"), own);
        }
        let x = self.reshape(x, kept.iter().map(|&axis| own[axis]).collect::<Shape>())?;
        let axes = kept.iter().map(|&axis| front + axis).collect();
        self.apply(ops::BroadcastInDim { shape: shape.clone(), axes }, &[x])
    }

    /// Operands stretched to the shape that they have in common.
    pub(crate) fn stretched(&mut self, operands: &[Val]) -> Result<Vec<Val>, Fault> {
        let shapes: Vec<Shape> = operands.iter().map(|&x| self.b.shape(x).clone()).collect();
        let shape = common_shape(&shapes)?;
        operands.iter().map(|&x| self.stretch(x, &shape)).collect()
    }

    /// A binary operation on operands that stretch to one shape.
    pub(crate) fn binary(&mut self, op: impl Into<Prim>, x: Val, y: Val) -> Result<Val, Fault> {
        let operands = self.stretched(&[x, y])?;
        self.apply(op, &operands)
    }

    /// `x` times a number.
    pub(crate) fn scale(&mut self, x: Val, factor: f64) -> Result<Val, Fault> {
        let factor = self.b.splat_like(x, factor);
        self.apply(ops::Multiply, &[x, factor])
    }

    /// An axis that may count from the end, of a tensor with `rank` of them.
    pub(crate) fn axis(&self, axis: i64, rank: usize) -> Result<usize, Fault> {
        resolve_axis(axis, rank)
    }
}

/// An axis that may count from the end, of a tensor with `rank` of them.
pub(crate) fn resolve_axis(axis: i64, rank: usize) -> Result<usize, Fault> {
    let from_start = if axis < 0 { axis.saturating_add(rank as i64) } else { axis };
    match usize::try_from(from_start) {
        Ok(axis) if axis < rank => Ok(axis),
        _ => invalid(format!("an axis of a tensor with {rank} of them"), axis),
    }
}

/// Axes in ascending order, each once.
pub(crate) fn resolve_axes(axes: &[i64], rank: usize) -> Result<Vec<usize>, Fault> {
    let mut resolved = axes.iter().map(|&axis| resolve_axis(axis, rank)).collect::<Result<Vec<_>, _>>()?;
    resolved.sort_unstable();
    match resolved.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => invalid("each axis once", format!("{} twice", pair[0])),
        None => Ok(resolved),
    }
}

/// A number that is a size.
pub(crate) fn size(number: i64) -> Result<usize, Fault> {
    match usize::try_from(number) {
        Ok(size) => Ok(size),
        Err(_) => invalid("a size", number),
    }
}

/// The shape to which all of these stretch.
pub(crate) fn common_shape(shapes: &[Shape]) -> Result<Shape, Fault> {
    let rank = shapes.iter().map(Shape::rank).max().unwrap_or(0);
    let size = |place: usize| {
        let sizes = shapes.iter().filter_map(|shape| {
            let front = rank - shape.rank();
            place.checked_sub(front).map(|axis| shape[axis])
        });
        let mut sizes = sizes;
        sizes.try_fold(1, |common: usize, size| match (common, size) {
            (1, size) => Some(size),
            (common, 1) => Some(common),
            (common, size) => (common == size).then_some(common),
        })
    };
    match (0..rank).map(size).collect::<Option<Shape>>() {
        Some(shape) => Ok(shape),
        None => {
            let list: Vec<String> = shapes.iter().map(ToString::to_string).collect();
            invalid("shapes that stretch to a common one", list.join(" and "))
        }
    }
}
