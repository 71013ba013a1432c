//! Convolutions and poolings as nodes, which have the channels in front of the spatial axes.

use graph::{
    Def, Prim, Val,
    ops::{Convolution, ImageAxes, Window, WindowGather, WindowSum},
};
use tensor::Tensor;

use super::{
    rules::{refused, transposed},
    sheet::{Sheet, int, ints},
};
use crate::OnnxError;

/// The order of axes that an image has in the file.
fn order(axes: &ImageAxes) -> Vec<usize> {
    [axes.batch, axes.feature].into_iter().chain(axes.spatial.iter().copied()).collect()
}

fn inverse(permutation: &[usize]) -> Vec<usize> {
    let mut inverse = vec![0; permutation.len()];
    for (place, &axis) in permutation.iter().enumerate() {
        inverse[axis] = place;
    }
    inverse
}

/// The padding before all axes, then behind them.
fn pads(low: &[i64], high: &[i64]) -> Vec<i64> {
    [low, high].concat()
}

fn numbers(sizes: &[usize]) -> Vec<i64> {
    sizes.iter().map(|&size| size as i64).collect()
}

pub(super) fn convolution(
    sheet: &mut Sheet<'_>,
    val: Val,
    op: &Prim,
    convolution: &Convolution,
    operands: &[Val],
) -> Result<String, OnnxError> {
    let x = sheet.full(operands[0]);
    let x = transposed(sheet, &x, &order(&convolution.lhs));
    let rhs = &convolution.rhs;
    let kernel = [rhs.output, rhs.input].into_iter().chain(rhs.spatial.iter().copied()).collect::<Vec<_>>();
    let w = sheet.full(operands[1]);
    let w = transposed(sheet, &w, &kernel);
    let is_plain = convolution.batch_groups == 1
        && convolution.lhs_dilation.iter().all(|&dilation| dilation == 1)
        && !convolution.reversal.contains(&true)
        && convolution.low.iter().chain(&convolution.high).all(|&pad| pad >= 0);
    let y = if is_plain {
        let attributes = vec![
            int("group", convolution.feature_groups as i64),
            ints("strides", numbers(&convolution.strides)),
            ints("dilations", numbers(&convolution.rhs_dilation)),
            ints("pads", pads(&convolution.low, &convolution.high)),
        ];
        sheet.apply("Conv", &[&x, &w], attributes)
    } else {
        transposed_convolution(sheet, val, op, convolution, &x, &w)?
    };
    Ok(transposed(sheet, &y, &inverse(&order(&convolution.out))))
}

/// A convolution of an image whose elements stand apart, with a mirrored kernel.
fn transposed_convolution(
    sheet: &mut Sheet<'_>,
    val: Val,
    op: &Prim,
    convolution: &Convolution,
    x: &str,
    w: &str,
) -> Result<String, OnnxError> {
    let kernel = convolution.rhs.spatial_sizes(match sheet.source.def(val) {
        Def::Apply { operands, .. } => &sheet.source.ty(operands[1]).shape,
        Def::Input(_) => unreachable!("a convolution is an application"),
    });
    let reach = |k: usize| (kernel[k].saturating_sub(1) * convolution.rhs_dilation[k]) as i64;
    let spatial = kernel.len();
    let low: Vec<i64> = (0..spatial).map(|k| reach(k) - convolution.low[k]).collect();
    let behind: Vec<i64> = (0..spatial).map(|k| reach(k) - convolution.high[k]).collect();
    // What the padding behind lacks is added to the result; ONNX allows less than a stride of it.
    let extra: Vec<i64> = behind.iter().map(|&pad| (-pad).max(0)).collect();
    let high: Vec<i64> = behind.iter().map(|&pad| pad.max(0)).collect();
    let is_transposed = convolution.batch_groups == 1
        && convolution.feature_groups == 1
        && convolution.reversal.iter().all(|&mirrored| mirrored)
        && convolution.strides.iter().all(|&stride| stride == 1)
        && low.iter().all(|&pad| pad >= 0)
        && extra.iter().zip(&convolution.lhs_dilation).all(|(&extra, &stride)| extra < stride as i64);
    if !is_transposed {
        return refused(sheet, val, op, "it is neither a convolution nor a transposed one");
    }
    let swapped: Vec<usize> = [1, 0].into_iter().chain(2..spatial + 2).collect();
    let w = transposed(sheet, w, &swapped);
    let attributes = vec![
        ints("strides", numbers(&convolution.lhs_dilation)),
        ints("dilations", numbers(&convolution.rhs_dilation)),
        ints("pads", pads(&low, &high)),
        ints("output_padding", extra),
    ];
    Ok(sheet.apply("ConvTranspose", &[x, &w], attributes))
}

/// The windows of the spatial axes, where nothing slides along the first and the last axis.
fn spatial(windows: &[Window]) -> Option<&[Window]> {
    let is_pooling = |window: &Window| {
        window.base_dilation == 1
            && window.dilation == 1
            && (0..window.size as i64).contains(&window.low)
            && (0..window.size as i64).contains(&window.high)
    };
    match windows {
        [first, between @ .., last] if *first == Window::POINT && *last == Window::POINT => {
            (!between.is_empty() && between.iter().all(is_pooling)).then_some(between)
        }
        _ => None,
    }
}

/// A pooling of an image with channels last.
fn pool(sheet: &mut Sheet<'_>, operator: &str, x: Val, windows: &[Window]) -> String {
    let axes = ImageAxes::features_last(windows.len());
    let x = sheet.full(x);
    let x = transposed(sheet, &x, &order(&axes));
    let field = |field: fn(&Window) -> i64| windows.iter().map(field).collect::<Vec<_>>();
    let mut attributes = vec![
        ints("kernel_shape", field(|window| window.size as i64)),
        ints("strides", field(|window| window.stride as i64)),
        ints("pads", pads(&field(|window| window.low), &field(|window| window.high))),
    ];
    if operator == "AveragePool" {
        attributes.push(int("count_include_pad", 1));
    }
    let y = sheet.apply(operator, &[&x], attributes);
    transposed(sheet, &y, &inverse(&order(&axes)))
}

/// What is read where the maximum of a window is.
pub(super) fn max_pool(
    sheet: &mut Sheet<'_>,
    val: Val,
    op: &Prim,
    gather: &WindowGather,
    operands: &[Val],
) -> Result<String, OnnxError> {
    let source = sheet.source;
    let is_maximum = match source.def(operands[1]) {
        Def::Apply { op: Prim::WindowArgmax(argmax), operands: of } => {
            argmax.windows == gather.windows && of[0] == operands[0]
        }
        _ => false,
    };
    match spatial(&gather.windows) {
        Some(windows) if is_maximum => Ok(pool(sheet, "MaxPool", operands[0], windows)),
        _ => refused(sheet, val, op, "it is no pooling of an image"),
    }
}

/// A sum is a mean times the number of positions.
pub(super) fn window_sum(
    sheet: &mut Sheet<'_>,
    val: Val,
    op: &Prim,
    sum: &WindowSum,
    x: Val,
) -> Result<String, OnnxError> {
    let dtype = sheet.source.ty(val).dtype;
    let Some(windows) = spatial(&sum.windows).filter(|_| dtype.is_float()) else {
        return refused(sheet, val, op, "it is no pooling of an image");
    };
    let mean = pool(sheet, "AveragePool", x, windows);
    let positions: f64 = windows.iter().map(|window| window.size as f64).product();
    let positions = sheet.constant(&Tensor::scalar(positions).convert(dtype));
    Ok(sheet.apply("Mul", &[&mean, &positions], Vec::new()))
}
