//! Normalisations.

use graph::{
    Val,
    composite::{BatchNorm, ChannelMoments},
    ops,
};
use tensor::Shape;

use super::node::{Node, Outputs, Value, size};
use crate::{
    Moments,
    error::{Fault, invalid, unsupported},
};

impl Node<'_> {
    /// An input with one number for each channel.
    fn channel_vector(&mut self, position: usize, channels: usize) -> Result<Val, Fault> {
        let x = self.float_x(position)?;
        if **self.b.shape(x) == [channels] {
            Ok(x)
        } else {
            invalid(format!("{channels} numbers"), self.b.ty(x))
        }
    }

    /// `(x - mean) / √(variance + epsilon)` along axes, with the biased variance.
    fn standardise(&mut self, x: Val, axes: &[usize], epsilon: f64) -> Result<Val, Fault> {
        let shape = self.b.shape(x).clone();
        let mean = self.mean(x, axes)?;
        let mean = self.stretch_back(mean, &shape, axes)?;
        let centred = self.apply(ops::Subtract, &[x, mean])?;
        self.divide_by_root_mean_square(centred, axes, epsilon)
    }

    /// `x / √(mean of x² + epsilon)` along axes.
    fn divide_by_root_mean_square(&mut self, x: Val, axes: &[usize], epsilon: f64) -> Result<Val, Fault> {
        let shape = self.b.shape(x).clone();
        let square = self.apply(ops::Multiply, &[x, x])?;
        let mean = self.mean(square, axes)?;
        let shifted = self.shift(mean, epsilon)?;
        let scale = self.apply(ops::Rsqrt, &[shifted])?;
        let scale = self.stretch_back(scale, &shape, axes)?;
        self.apply(ops::Multiply, &[x, scale])
    }

    /// `x` times a gain and plus a bias that stretch to it.
    fn scaled_and_moved(&mut self, x: Val, gain: Option<Val>, bias: Option<Val>) -> Result<Val, Fault> {
        let shape = self.b.shape(x).clone();
        let mut y = x;
        if let Some(gain) = gain {
            let gain = self.stretch(gain, &shape)?;
            y = self.apply(ops::Multiply, &[y, gain])?;
        }
        if let Some(bias) = bias {
            let bias = self.stretch(bias, &shape)?;
            y = self.apply(ops::Add, &[y, bias])?;
        }
        Ok(y)
    }
}

/// With the moments of the batch in training, whose running averages are as PyTorch has them: with the unbiased variance,
/// where ONNX says the biased one.
pub(super) fn batch_norm(node: &mut Node<'_>) -> Outputs {
    let x = node.image(0)?;
    node.check_float(x)?;
    let shape = node.b.shape(x);
    let channels = shape[shape.rank() - 1];
    let epsilon = node.float("epsilon", 1e-5)?;
    let [gain, bias, mean, variance] = [1, 2, 3, 4].map(|position| node.channel_vector(position, channels));
    let (gain, bias) = (Some(gain?), Some(bias?));
    let running = ChannelMoments { mean: mean?, variance: variance? };
    if node.setting.moments == Moments::Running {
        let y = node.b.batch_norm(x, gain, bias, running, epsilon);
        let mut outputs = vec![Value::ChannelsLast(y)];
        outputs.extend([running.mean, running.variance].map(Value::Plain));
        return Ok(outputs);
    }
    let kept = if node.setting.moments == Moments::Batch { 0.0 } else { node.float("momentum", 0.9)? };
    let options = BatchNorm { momentum: 1.0 - kept, epsilon };
    let (y, new) = node.b.batch_norm_training(x, gain, bias, running, options);
    node.updates.extend([(3, new.mean), (4, new.variance)]);
    Ok(vec![Value::ChannelsLast(y), Value::Plain(new.mean), Value::Plain(new.variance)])
}

/// The axes from the attribute `axis` on.
fn last_axes(node: &Node<'_>, x: Val) -> Result<Vec<usize>, Fault> {
    let rank = node.b.shape(x).rank();
    Ok((node.axis(node.int("axis", -1)?, rank)?..rank).collect())
}

pub(super) fn layer_norm(node: &mut Node<'_>) -> Outputs {
    if node.wants(1) || node.wants(2) {
        return unsupported("means and deviations as outputs");
    }
    let (x, epsilon) = (node.float_x(0)?, node.float("epsilon", 1e-5)?);
    let axes = last_axes(node, x)?;
    let y = node.standardise(x, &axes, epsilon)?;
    let (gain, bias) = (node.optional(1)?, node.optional(2)?);
    Ok(vec![Value::Plain(node.scaled_and_moved(y, gain, bias)?)])
}

pub(super) fn rms_norm(node: &mut Node<'_>) -> Outputs {
    let (x, epsilon) = (node.float_x(0)?, node.float("epsilon", 1e-5)?);
    let axes = last_axes(node, x)?;
    let y = node.divide_by_root_mean_square(x, &axes, epsilon)?;
    let gain = node.optional(1)?;
    Ok(vec![Value::Plain(node.scaled_and_moved(y, gain, None)?)])
}

pub(super) fn instance_norm(node: &mut Node<'_>) -> Outputs {
    let (x, epsilon) = (node.image(0)?, node.float("epsilon", 1e-5)?);
    node.check_float(x)?;
    let last = node.b.shape(x).rank() - 1;
    let channels = node.b.shape(x)[last];
    let y = node.standardise(x, &(1..last).collect::<Vec<_>>(), epsilon)?;
    let (gain, bias) = (node.channel_vector(1, channels)?, node.channel_vector(2, channels)?);
    Ok(vec![Value::ChannelsLast(node.scaled_and_moved(y, Some(gain), Some(bias))?)])
}

/// Before opset 21, gain and bias have one number for each group; since, one for each channel.
pub(super) fn group_norm(node: &mut Node<'_>) -> Outputs {
    let (x, epsilon) = (node.image(0)?, node.float("epsilon", 1e-5)?);
    node.check_float(x)?;
    let shape = node.b.shape(x).clone();
    let last = shape.rank() - 1;
    let groups = size(node.int("num_groups", 0)?)?;
    if groups == 0 || !shape[last].is_multiple_of(groups) {
        return invalid(format!("{} channels in groups of equal size", shape[last]), groups);
    }
    let spatial: usize = shape[1..last].iter().product();
    let apart = Shape::from([shape[0], spatial, groups, shape[last] / groups]);
    let grouped = node.reshape(x, apart)?;
    let mut y = node.standardise(grouped, &[1, 3], epsilon)?;
    if node.setting.opset < 21 {
        let [gain, bias] = [1, 2].map(|position| {
            let vector = node.channel_vector(position, groups)?;
            node.reshape(vector, [groups, 1])
        });
        y = node.scaled_and_moved(y, Some(gain?), Some(bias?))?;
        return Ok(vec![Value::ChannelsLast(node.reshape(y, shape)?)]);
    }
    let y = node.reshape(y, shape.clone())?;
    let (gain, bias) = (node.channel_vector(1, shape[last])?, node.channel_vector(2, shape[last])?);
    Ok(vec![Value::ChannelsLast(node.scaled_and_moved(y, Some(gain), Some(bias))?)])
}

/// `x / ‖x‖` along one axis.
pub(super) fn lp_norm(node: &mut Node<'_>) -> Outputs {
    let x = node.float_x(0)?;
    let shape = node.b.shape(x).clone();
    let axis = node.axis(node.int("axis", -1)?, shape.rank())?;
    let magnitudes = match node.int("p", 2)? {
        1 => node.apply(ops::Abs, &[x])?,
        2 => node.apply(ops::Multiply, &[x, x])?,
        p => return unsupported(format!("the norm p={p}")),
    };
    let mut norm = node.apply(ops::ReduceSum { axes: vec![axis] }, &[magnitudes])?;
    if node.int("p", 2)? == 2 {
        norm = node.apply(ops::Sqrt, &[norm])?;
    }
    let norm = node.stretch_back(norm, &shape, &[axis])?;
    Ok(vec![Value::Plain(node.apply(ops::Divide, &[x, norm])?)])
}

/// Each channel divided by a power of the squares of its neighbours (local response normalisation).
pub(super) fn lrn(node: &mut Node<'_>) -> Outputs {
    let x = node.image(0)?;
    node.check_float(x)?;
    let (alpha, beta) = (node.float("alpha", 1e-4)?, node.float("beta", 0.75)?);
    let bias = node.float("bias", 1.0)?;
    let Ok(width @ 1..) = size(node.int("size", 0)?) else { return invalid("a size of 1 or more", 0) };
    let rank = node.b.shape(x).rank();
    let mut windows = vec![ops::Window::POINT; rank];
    let (low, high) = ((width - 1) / 2, width - 1 - (width - 1) / 2);
    windows[rank - 1] = ops::Window { size: width, low: low as i64, high: high as i64, ..ops::Window::POINT };
    let square = node.apply(ops::Multiply, &[x, x])?;
    let sum = node.apply(ops::WindowSum { windows }, &[square])?;
    let scaled = node.scale(sum, alpha / width as f64)?;
    let base = node.shift(scaled, bias)?;
    let exponent = node.b.splat_like(base, -beta);
    let factor = node.apply(ops::Power, &[base, exponent])?;
    Ok(vec![Value::ChannelsLast(node.apply(ops::Multiply, &[x, factor])?)])
}
