//! Convolutions.

use graph::{Val, ops, ops::Convolution};
use tensor::Shape;

use super::node::{Node, Outputs, Value, size};
use crate::error::{Fault, invalid, unsupported};

impl Node<'_> {
    /// One bias for each channel added to an image with channels last.
    fn add_bias(&mut self, y: Val, position: usize) -> Result<Val, Fault> {
        let Some(bias) = self.optional(position)? else { return Ok(y) };
        let shape = self.b.shape(y).clone();
        if self.b.shape(bias).rank() != 1 {
            return invalid("one bias for each channel", self.b.ty(bias));
        }
        let bias = self.stretch(bias, &shape)?;
        self.apply(ops::Add, &[y, bias])
    }

    /// The kernel and its spatial sizes, which an attribute may repeat.
    fn kernel(&mut self) -> Result<(Val, Vec<usize>), Fault> {
        let w = self.float_x(1)?;
        let shape = self.b.shape(w).clone();
        let Some(spatial) = shape.get(2..).filter(|spatial| !spatial.is_empty()) else {
            return invalid("a kernel [O, I, rows, ..]", shape);
        };
        let spatial = spatial.to_vec();
        match self.ints("kernel_shape")? {
            Some(listed) if !listed.iter().copied().eq(spatial.iter().map(|&size| size as i64)) => {
                invalid(format!("a kernel of {listed:?}"), shape)
            }
            _ => Ok((w, spatial)),
        }
    }

    fn groups(&self) -> Result<usize, Fault> {
        match size(self.int("group", 1)?)? {
            0 => invalid("one group or more", 0),
            groups => Ok(groups),
        }
    }
}

/// The spatial sizes of an image with channels last.
fn spatial(shape: &Shape) -> &[usize] {
    &shape[1..shape.rank() - 1]
}

pub(super) fn conv(node: &mut Node<'_>) -> Outputs {
    let (x, (w, kernel)) = (node.image(0)?, node.kernel()?);
    let shape = node.b.shape(x).clone();
    let windows = node.windows(&kernel, spatial(&shape))?;
    let op = Convolution {
        strides: windows.iter().map(|window| window.stride).collect(),
        low: windows.iter().map(|window| window.low).collect(),
        high: windows.iter().map(|window| window.high).collect(),
        rhs_dilation: windows.iter().map(|window| window.dilation).collect(),
        feature_groups: node.groups()?,
        ..Convolution::new(kernel.len())
    };
    let y = node.apply(op, &[x, w])?;
    Ok(vec![Value::ChannelsLast(node.add_bias(y, 2)?)])
}

/// The padding of a transposed convolution: what it takes away of the full result, and adds behind it.
fn transposed_pads(
    node: &Node<'_>,
    kernel: &[usize],
    image: &[usize],
    strides: &[usize],
    dilations: &[usize],
) -> Result<Vec<(i64, i64)>, Fault> {
    let spatial = kernel.len();
    let extra = match node.ints("output_padding")?.filter(|extra| !extra.is_empty()) {
        Some(extra) if extra.len() == spatial => extra,
        Some(extra) => return invalid(format!("{spatial} numbers as 'output_padding'"), extra.len()),
        None => vec![0; spatial],
    };
    let reach = |k: usize| (kernel[k].saturating_sub(1) as i64).saturating_mul(dilations[k] as i64);
    let listed = node.pads(spatial)?;
    let same = !matches!(node.text("auto_pad", "NOTSET")?.as_str(), "NOTSET" | "VALID");
    let wanted = match node.ints("output_shape")?.filter(|sizes| !sizes.is_empty()) {
        Some(sizes) => {
            let skipped = sizes.len().saturating_sub(spatial);
            Some(sizes[skipped..].to_vec())
        }
        None if same => Some((0..spatial).map(|k| image[k].saturating_mul(strides[k]) as i64).collect()),
        None => None,
    };
    let upper = node.text("auto_pad", "NOTSET")? == "SAME_UPPER";
    let pads = |k: usize| {
        let (low, high) = match wanted.as_ref().and_then(|wanted| wanted.get(k)) {
            None => listed[k],
            Some(&size) => {
                let full = (image[k] as i64).saturating_sub(1).saturating_mul(strides[k] as i64);
                let total = full.saturating_add(extra[k]).saturating_add(reach(k) + 1).saturating_sub(size);
                let (less, more) = (total / 2, total - total / 2);
                if upper { (less, more) } else { (more, less) }
            }
        };
        (reach(k).saturating_sub(low), reach(k).saturating_sub(high).saturating_add(extra[k]))
    };
    Ok((0..spatial).map(pads).collect())
}

/// The transpose of a convolution: each element of the image writes a window, which a convolution of the image with its
/// elements set apart reads.
pub(super) fn conv_transpose(node: &mut Node<'_>) -> Outputs {
    let (x, (w, kernel)) = (node.image(0)?, node.kernel()?);
    let (shape, groups) = (node.b.shape(x).clone(), node.groups()?);
    let count = kernel.len();
    if shape.rank() != count + 2 {
        return invalid(format!("an image with {count} spatial axes"), shape);
    }
    let (strides, dilations) = (node.distances("strides", count)?, node.distances("dilations", count)?);
    let pads = transposed_pads(node, &kernel, spatial(&shape), &strides, &dilations)?;
    let w = node.with_outputs_first(w, groups)?;
    let op = Convolution {
        low: pads.iter().map(|pad| pad.0).collect(),
        high: pads.iter().map(|pad| pad.1).collect(),
        lhs_dilation: strides,
        rhs_dilation: dilations,
        reversal: vec![true; count],
        feature_groups: groups,
        ..Convolution::new(count)
    };
    let y = node.apply(op, &[x, w])?;
    Ok(vec![Value::ChannelsLast(node.add_bias(y, 2)?)])
}

impl Node<'_> {
    /// The kernel `[I, O / groups, ..]` of a transposed convolution as `[O, I / groups, ..]`.
    fn with_outputs_first(&mut self, w: Val, groups: usize) -> Result<Val, Fault> {
        let shape = self.b.shape(w).clone();
        let (inputs, outputs) = (shape[0], shape[1]);
        if !inputs.is_multiple_of(groups) {
            return invalid(format!("channels in {groups} groups"), shape);
        }
        let apart: Shape = [&[groups, inputs / groups, outputs], &shape[2..]].concat().into();
        let order = [0, 2, 1].into_iter().chain(3..apart.rank()).collect();
        let w = self.reshape(w, apart)?;
        let w = self.permute(w, order)?;
        let Some(all) = groups.checked_mul(outputs) else {
            return unsupported("as many outputs");
        };
        let merged: Shape = [&[all, inputs / groups], &shape[2..]].concat().into();
        self.reshape(w, merged)
    }
}
