//! Each primitive as nodes.

use graph::{Prim, Val, ops, ops::Direction};
use tensor::{DType, Shape, Tensor};

use super::{
    code, images,
    sheet::{Sheet, int, ints},
};
use crate::OnnxError;

pub(super) fn refused<T>(
    sheet: &Sheet<'_>,
    val: Val,
    op: &Prim,
    reason: &'static str,
) -> Result<T, OnnxError> {
    Err(OnnxError::Export { op: op.name(), dtype: sheet.source.ty(val).dtype, reason })
}

/// Emits the application that defines a value.
pub(super) fn emit(sheet: &mut Sheet<'_>, val: Val, op: &Prim, operands: &[Val]) -> Result<(), OnnxError> {
    if let Some(name) = elementwise(sheet.source.ty(val).dtype, op) {
        let inputs = sheet.operands(operands);
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        let result = sheet.apply(name, &inputs, Vec::new());
        sheet.define(val, result);
        return Ok(());
    }
    let result = match op {
        Prim::Constant(constant) => return constant_of(sheet, val, op, &constant.value),
        Prim::Iota(iota) => return constant_of(sheet, val, op, &indices(iota)),
        Prim::BroadcastInDim(broadcast) => {
            repeated(sheet, val, broadcast, operands[0]);
            return Ok(());
        }
        // Only the positions of maxima, which the pooling that follows finds itself.
        Prim::WindowArgmax(_) => return Ok(()),
        Prim::WindowGather(pool) => images::max_pool(sheet, val, op, pool, operands)?,
        Prim::WindowSum(sum) => images::window_sum(sheet, val, op, sum, operands[0])?,
        Prim::Convolution(convolution) => images::convolution(sheet, val, op, convolution, operands)?,
        Prim::DotGeneral(product) => dot(sheet, val, product, operands),
        Prim::Gather(gather) if gather.batch == 0 => {
            let [x, indices] = [operands[0], operands[1]].map(|operand| sheet.full(operand));
            sheet.apply("Gather", &[&x, &indices], vec![int("axis", gather.axis as i64)])
        }
        Prim::Compare(compare) => compared(sheet, compare.direction, operands),
        Prim::Concatenate(concatenate) => {
            let names: Vec<String> = operands.iter().map(|&operand| sheet.full(operand)).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            sheet.apply("Concat", &names, vec![int("axis", concatenate.axis as i64)])
        }
        _ => single(sheet, val, op, operands)?,
    };
    sheet.define(val, result);
    Ok(())
}

/// The operator that does the same element by element.
fn elementwise(dtype: DType, op: &Prim) -> Option<&'static str> {
    let is_truth = dtype == DType::Bool;
    Some(match op {
        Prim::Abs(_) => "Abs",
        Prim::Add(_) => "Add",
        Prim::Cos(_) => "Cos",
        Prim::Divide(_) => "Div",
        Prim::Erf(_) => "Erf",
        Prim::Exp(_) => "Exp",
        Prim::Log(_) => "Log",
        Prim::Logistic(_) => "Sigmoid",
        Prim::Maximum(_) => "Max",
        Prim::Minimum(_) => "Min",
        Prim::Multiply(_) => "Mul",
        Prim::Negate(_) => "Neg",
        Prim::Power(_) => "Pow",
        Prim::Select(_) => "Where",
        Prim::Sign(_) => "Sign",
        Prim::Sin(_) => "Sin",
        Prim::Sqrt(_) => "Sqrt",
        Prim::StopGradient(_) => "Identity",
        Prim::Subtract(_) => "Sub",
        Prim::Tanh(_) => "Tanh",
        Prim::And(_) if is_truth => "And",
        Prim::Or(_) if is_truth => "Or",
        Prim::Xor(_) if is_truth => "Xor",
        Prim::Not(_) if is_truth => "Not",
        _ => return None,
    })
}

fn constant_of(sheet: &mut Sheet<'_>, val: Val, op: &Prim, value: &Tensor) -> Result<(), OnnxError> {
    if sheet.grows(value.shape()) {
        return refused(sheet, val, op, "its size depends on the batch");
    }
    let name = sheet.constant(value);
    sheet.define(val, name);
    Ok(())
}

fn indices(iota: &ops::Iota) -> Tensor {
    let after: usize = iota.shape[iota.axis + 1..].iter().product();
    let size = iota.shape[iota.axis];
    Tensor::from_fn(iota.shape.clone(), |i| (i / after.max(1) % size.max(1)) as f64).convert(iota.dtype)
}

/// A value repeated along axes; how often is written down only where something needs it.
fn repeated(sheet: &mut Sheet<'_>, val: Val, op: &ops::BroadcastInDim, x: Val) {
    let own = sheet.source.ty(x).shape.clone();
    let mut sizes = vec![1; op.shape.rank()];
    for (&axis, &size) in op.axes.iter().zip(own.iter()) {
        sizes[axis] = size;
    }
    let (sizes, mut name) = (Shape::from(sizes), sheet.full(x));
    if sizes != own {
        let target = sheet.reshape_target(&sizes);
        name = sheet.apply("Reshape", &[&name, &target], Vec::new());
    }
    if sizes == op.shape { sheet.define(val, name) } else { sheet.define_thin(val, name) }
}

fn compared(sheet: &mut Sheet<'_>, direction: Direction, operands: &[Val]) -> String {
    let names = sheet.operands(operands);
    let operator = match direction {
        Direction::Eq | Direction::Ne => "Equal",
        Direction::Lt => "Less",
        Direction::Le => "LessOrEqual",
        Direction::Gt => "Greater",
        Direction::Ge => "GreaterOrEqual",
    };
    let result = sheet.apply(operator, &[&names[0], &names[1]], Vec::new());
    if direction == Direction::Ne { sheet.apply("Not", &[&result], Vec::new()) } else { result }
}

/// A primitive with one operand.
fn single(sheet: &mut Sheet<'_>, val: Val, op: &Prim, operands: &[Val]) -> Result<String, OnnxError> {
    let Some(&operand) = operands.first() else { return refused(sheet, val, op, "it has no counterpart") };
    let x = sheet.full(operand);
    let axes = |axes: &[usize]| axes.iter().map(|&axis| axis as i64).collect::<Vec<_>>();
    Ok(match op {
        Prim::Convert(convert) => sheet.apply("Cast", &[&x], vec![int("to", code(convert.dtype).into())]),
        Prim::Log1p(_) => {
            let one = Tensor::scalar(1f32).convert(sheet.source.ty(val).dtype);
            let one = sheet.constant(&one);
            let sum = sheet.apply("Add", &[&x, &one], Vec::new());
            sheet.apply("Log", &[&sum], Vec::new())
        }
        Prim::Rsqrt(_) => {
            let root = sheet.apply("Sqrt", &[&x], Vec::new());
            sheet.apply("Reciprocal", &[&root], Vec::new())
        }
        Prim::ReduceSum(reduce) => {
            let axes = sheet.integers(&axes(&reduce.axes));
            sheet.apply("ReduceSum", &[&x, &axes], vec![int("keepdims", 0), int("noop_with_empty_axes", 1)])
        }
        Prim::ReduceMax(reduce) if !reduce.axes.is_empty() => {
            sheet.apply("ReduceMax", &[&x], vec![ints("axes", axes(&reduce.axes)), int("keepdims", 0)])
        }
        Prim::Reshape(reshape) => {
            let target = sheet.reshape_target(&reshape.shape);
            sheet.apply("Reshape", &[&x, &target], Vec::new())
        }
        Prim::Transpose(transpose) => transposed(sheet, &x, &transpose.permutation),
        Prim::Reverse(reverse) => {
            let axes = axes(&reverse.axes);
            let count = axes.len();
            let lists = [vec![-1; count], vec![-i64::from(i32::MAX); count], axes, vec![-1; count]];
            let [starts, ends, axes, steps] = lists.map(|list| sheet.integers(&list));
            sheet.apply("Slice", &[&x, &starts, &ends, &axes, &steps], Vec::new())
        }
        Prim::Slice(slice) => return sliced(sheet, val, op, slice, operand),
        Prim::Pad(pad) => return padded(sheet, val, op, pad, &x),
        _ => return refused(sheet, val, op, "it has no counterpart"),
    })
}

pub(super) fn transposed(sheet: &mut Sheet<'_>, x: &str, permutation: &[usize]) -> String {
    if permutation.iter().copied().eq(0..permutation.len()) {
        return x.to_owned();
    }
    sheet.apply("Transpose", &[x], vec![ints("perm", permutation.iter().map(|&axis| axis as i64))])
}

fn sliced(
    sheet: &mut Sheet<'_>,
    val: Val,
    op: &Prim,
    slice: &ops::Slice,
    x: Val,
) -> Result<String, OnnxError> {
    let shape = sheet.source.ty(x).shape.clone();
    let is_cut =
        |&axis: &usize| (slice.start[axis], slice.limit[axis], slice.stride[axis]) != (0, shape[axis], 1);
    let cut: Vec<usize> = (0..shape.rank()).filter(is_cut).collect();
    if cut.iter().any(|&axis| sheet.multiple(shape[axis]).is_some()) {
        return refused(sheet, val, op, "it cuts the batch");
    }
    let list = |numbers: &[usize]| cut.iter().map(|&axis| numbers[axis] as i64).collect::<Vec<_>>();
    let lists = [
        list(&slice.start),
        list(&slice.limit),
        cut.iter().map(|&axis| axis as i64).collect(),
        list(&slice.stride),
    ];
    let [starts, ends, axes, steps] = lists.map(|list| sheet.integers(&list));
    let x = sheet.full(x);
    Ok(sheet.apply("Slice", &[&x, &starts, &ends, &axes, &steps], Vec::new()))
}

fn padded(sheet: &mut Sheet<'_>, val: Val, op: &Prim, pad: &ops::Pad, x: &str) -> Result<String, OnnxError> {
    let is_plain =
        pad.interior.iter().all(|&between| between == 0) && sheet.source.ty(val).dtype != DType::Bool;
    if !is_plain || pad.low.iter().chain(&pad.high).any(|&number| number < 0) {
        return refused(sheet, val, op, "it pads between elements or takes some away");
    }
    let pads = sheet.integers(&[&pad.low[..], &pad.high[..]].concat());
    Ok(sheet.apply("Pad", &[x, &pads], Vec::new()))
}

/// A product of matrices, or of stacks of them.
fn dot(sheet: &mut Sheet<'_>, val: Val, op: &ops::DotGeneral, operands: &[Val]) -> String {
    let shapes = [0, 1].map(|place| sheet.source.ty(operands[place]).shape.clone());
    let [lhs, rhs] = [operands[0], operands[1]].map(|operand| sheet.full(operand));
    let are_matrices = shapes.iter().all(|shape| shape.rank() == 2);
    if let (true, true, &[left], &[right]) =
        (are_matrices, op.lhs_batch.is_empty(), &op.lhs_contract[..], &op.rhs_contract[..])
    {
        let flags = vec![int("transA", i64::from(left == 0)), int("transB", i64::from(right == 1))];
        return sheet.apply("Gemm", &[&lhs, &rhs], flags);
    }
    let (lhs_free, rhs_free) = (op.lhs_free(shapes[0].rank()), op.rhs_free(shapes[1].rank()));
    let lhs = transposed(sheet, &lhs, &[&op.lhs_batch[..], &lhs_free, &op.lhs_contract].concat());
    let rhs = transposed(sheet, &rhs, &[&op.rhs_batch[..], &op.rhs_contract, &rhs_free].concat());
    let sizes = |shape: &Shape, axes: &[usize]| axes.iter().map(|&axis| shape[axis]).collect::<Vec<_>>();
    let product = |sizes: Vec<usize>| sizes.into_iter().product::<usize>();
    let batch = sizes(&shapes[0], &op.lhs_batch);
    let inner = product(sizes(&shapes[0], &op.lhs_contract));
    let left: Shape = [batch.clone(), vec![product(sizes(&shapes[0], &lhs_free)), inner]].concat().into();
    let right: Shape = [batch, vec![inner, product(sizes(&shapes[1], &rhs_free))]].concat().into();
    let [left, right] = [(lhs, left), (rhs, right)].map(|(name, shape)| {
        let target = sheet.reshape_target(&shape);
        sheet.apply("Reshape", &[&name, &target], Vec::new())
    });
    let result = sheet.apply("MatMul", &[&left, &right], Vec::new());
    let target = sheet.reshape_target(&sheet.source.ty(val).shape.clone());
    sheet.apply("Reshape", &[&result, &target], Vec::new())
}
