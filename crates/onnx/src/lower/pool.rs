//! Poolings.

use graph::{Val, ops, ops::Window};
use tensor::{DType, Shape};

use super::node::{Node, Outputs, Value, size};
use crate::error::{Fault, invalid, unsupported};

/// The windows of a pooling, padded at the end so that as many fit as `ceil_mode` asks for; and, for means, that extra.
struct Pooling {
    windows: Vec<Window>,
    /// Positions behind the padding that only rounding up adds: they never count.
    beyond: Vec<i64>,
}

impl Pooling {
    fn of(node: &Node<'_>, image: &[usize]) -> Result<Self, Fault> {
        let Some(kernel) = node.ints("kernel_shape")? else { return invalid("a kernel_shape", "none") };
        let kernel = kernel.iter().map(|&number| size(number)).collect::<Result<Vec<_>, _>>()?;
        if kernel.contains(&0) {
            return invalid("windows of 1 or more", format!("{kernel:?}"));
        }
        let mut windows = node.windows(&kernel, image)?;
        let mut beyond = vec![0; windows.len()];
        if node.flag("ceil_mode")? {
            for (k, window) in windows.iter_mut().enumerate() {
                beyond[k] = missing(*window, image[k]);
                window.high = window.high.saturating_add(beyond[k]);
            }
        }
        Ok(Self { windows, beyond })
    }
}

/// How many positions the last window lacks, where rounding up adds one that begins within image or padding.
fn missing(window: Window, image: usize) -> i64 {
    let reach = (window.size as i64 - 1).saturating_mul(window.dilation as i64).saturating_add(1);
    let spare = (image as i64).saturating_add(window.low).saturating_add(window.high).saturating_sub(reach);
    let stride = window.stride as i64;
    let rest = spare.rem_euclid(stride);
    let start = spare - rest + stride;
    let begins_inside = start < (image as i64).saturating_add(window.low);
    if spare >= 0 && rest > 0 && begins_inside { stride - rest } else { 0 }
}

/// The windows with those of examples and channels, along which nothing slides.
fn between_points(windows: &[Window]) -> Vec<Window> {
    [&[Window::POINT], windows, &[Window::POINT]].concat()
}

impl Node<'_> {
    fn pooled_image(&mut self) -> Result<(Val, Vec<usize>), Fault> {
        let x = self.image(0)?;
        let shape = self.b.shape(x);
        match shape.get(1..shape.rank() - 1).filter(|spatial| !spatial.is_empty()) {
            Some(spatial) => Ok((x, spatial.to_vec())),
            None => invalid("an image with spatial axes", shape),
        }
    }
}

pub(super) fn max_pool(node: &mut Node<'_>) -> Outputs {
    if node.wants(1) {
        return unsupported("the positions of maxima as an output");
    }
    let (x, image) = node.pooled_image()?;
    let windows = Pooling::of(node, &image)?.windows;
    if windows.iter().any(|window| window.dilation != 1) {
        return dilated_max_pool(node, x, &windows);
    }
    let windows = between_points(&windows);
    let positions = node.apply(ops::WindowArgmax { windows: windows.clone() }, &[x])?;
    let y = node.apply(ops::WindowGather { windows }, &[x, positions])?;
    Ok(vec![Value::ChannelsLast(y)])
}

/// The largest of the slices that the positions of a dilated window read.
fn dilated_max_pool(node: &mut Node<'_>, x: Val, windows: &[Window]) -> Outputs {
    let shape = node.b.shape(x).clone();
    let mut y = x;
    for (k, window) in windows.iter().enumerate() {
        y = node.max_along(y, k + 1, *window, shape[k + 1])?;
    }
    Ok(vec![Value::ChannelsLast(y)])
}

impl Node<'_> {
    /// The largest element of each window along one axis. Padding is below every number.
    fn max_along(&mut self, x: Val, axis: usize, window: Window, size: usize) -> Result<Val, Fault> {
        const MOST: usize = 64;
        let Some(results) = window.results(size).filter(|&results| results > 0 && window.size <= MOST) else {
            return unsupported(format!("dilated windows of {} positions on {size}", window.size));
        };
        let rank = self.b.shape(x).rank();
        let mut op = ops::Pad { low: vec![0; rank], high: vec![0; rank], interior: vec![0; rank] };
        (op.low[axis], op.high[axis]) = (window.low, window.high);
        let inside = self.b.ty(x).with_dtype(DType::Bool);
        let inside = self.b.splat(&inside, 1.0);
        let [padded, inside] = [x, inside].map(|val| self.apply(op.clone(), &[val]));
        let padded = padded?;
        let lowest = self.b.splat_like(padded, f64::NEG_INFINITY);
        let padded = self.apply(ops::Select, &[inside?, padded, lowest])?;
        let mut largest = None;
        for position in 0..window.size {
            let start = position * window.dilation;
            let part = self.strided(padded, axis, start, results, window.stride)?;
            largest = Some(match largest {
                None => part,
                Some(largest) => self.apply(ops::Maximum, &[largest, part])?,
            });
        }
        largest.map_or_else(|| invalid("windows of 1 or more", 0), Ok)
    }

    /// `count` indices along an axis from `start` on, `stride` apart.
    fn strided(
        &mut self,
        x: Val,
        axis: usize,
        start: usize,
        count: usize,
        stride: usize,
    ) -> Result<Val, Fault> {
        let shape = self.b.shape(x).clone();
        let mut op =
            ops::Slice { start: vec![0; shape.rank()], limit: shape.to_vec(), stride: vec![1; shape.rank()] };
        op.start[axis] = start;
        op.limit[axis] = start + (count - 1) * stride + 1;
        op.stride[axis] = stride;
        self.apply(op, &[x])
    }
}

pub(super) fn average_pool(node: &mut Node<'_>) -> Outputs {
    let (x, image) = node.pooled_image()?;
    node.check_float(x)?;
    let pooling = Pooling::of(node, &image)?;
    let counts_padding = node.flag("count_include_pad")?;
    let windows = between_points(&pooling.windows);
    let sums = node.apply(ops::WindowSum { windows }, &[x])?;
    let is_whole = |(window, beyond): (&Window, &i64)| {
        *beyond == 0 && (counts_padding || (window.low, window.high) == (0, 0))
    };
    if pooling.windows.iter().zip(&pooling.beyond).all(is_whole) {
        let positions: f64 = pooling.windows.iter().map(|window| window.size as f64).product();
        return Ok(vec![Value::ChannelsLast(node.scale(sums, positions.recip())?)]);
    }
    let counts = node.counts(&pooling, &image, counts_padding, sums)?;
    Ok(vec![Value::ChannelsLast(node.apply(ops::Divide, &[sums, counts])?)])
}

impl Node<'_> {
    /// How many positions of each window count: those on the image, and in the padding if asked for.
    fn counts(&mut self, pooling: &Pooling, image: &[usize], padding: bool, like: Val) -> Result<Val, Fault> {
        let mut windows = pooling.windows.clone();
        let mut sizes = image.to_vec();
        if padding {
            for (k, window) in windows.iter_mut().enumerate() {
                let real = window.high - pooling.beyond[k];
                let Ok(padded) =
                    usize::try_from((image[k] as i64).saturating_add(window.low).saturating_add(real))
                else {
                    return invalid("an image with padding", format!("{window:?}"));
                };
                sizes[k] = padded;
                (window.low, window.high) = (0, pooling.beyond[k]);
            }
        }
        let ones = self.b.ty(like).with_shape(Shape::from([&[1], &sizes[..], &[1]].concat()));
        if !ones.is_addressable() {
            return invalid("an image that can be addressed", ones);
        }
        let ones = self.b.splat(&ones, 1.0);
        let counts = self.apply(ops::WindowSum { windows: between_points(&windows) }, &[ones])?;
        let shape = self.b.shape(like).clone();
        self.stretch(counts, &shape)
    }
}

/// One number for each channel from all spatial axes, which stay with size 1.
fn global(
    node: &mut Node<'_>,
    pool: impl FnOnce(&mut Node<'_>, Val, Vec<usize>) -> Result<Val, Fault>,
) -> Outputs {
    let (x, image) = node.pooled_image()?;
    node.check_float(x)?;
    let shape = node.b.shape(x).clone();
    let y = pool(node, x, (1..=image.len()).collect())?;
    let kept: Shape = (0..shape.rank())
        .map(|axis| if (1..=image.len()).contains(&axis) { 1 } else { shape[axis] })
        .collect();
    Ok(vec![Value::ChannelsLast(node.reshape(y, kept)?)])
}

pub(super) fn global_average_pool(node: &mut Node<'_>) -> Outputs {
    global(node, |node, x, axes| node.mean(x, &axes))
}

pub(super) fn global_max_pool(node: &mut Node<'_>) -> Outputs {
    global(node, |node, x, axes| node.apply(ops::ReduceMax { axes }, &[x]))
}
