//! Images made larger or smaller.

use tensor::{Shape, Tensor};

use super::node::{Node, Outputs, Value, size};
use crate::error::{Fault, invalid, unsupported};

/// Where an index of the result lies among those of the operand.
#[derive(Clone, Copy)]
enum Coordinates {
    HalfPixel,
    PytorchHalfPixel,
    AlignCorners,
    Asymmetric,
}

impl Coordinates {
    fn place(self, index: f64, scale: f64, from: f64, to: f64) -> f64 {
        match self {
            Self::PytorchHalfPixel if to <= 1.0 => 0.0,
            Self::HalfPixel | Self::PytorchHalfPixel => (index + 0.5) / scale - 0.5,
            Self::AlignCorners if to <= 1.0 => 0.0,
            Self::AlignCorners => index * (from - 1.0) / (to - 1.0),
            Self::Asymmetric => index / scale,
        }
    }
}

/// How a place between two indices is rounded.
#[derive(Clone, Copy)]
enum Rounding {
    PreferFloor,
    PreferCeil,
    Floor,
    Ceil,
}

impl Rounding {
    fn nearest(self, place: f64) -> f64 {
        match self {
            Self::PreferFloor => (place - 0.5).ceil(),
            Self::PreferCeil => (place + 0.5).floor(),
            Self::Floor => place.floor(),
            Self::Ceil => place.ceil(),
        }
    }
}

/// The sizes of the result and the factor along each axis.
fn target(node: &Node<'_>, own: &Shape, scales: usize) -> Result<(Vec<usize>, Vec<f64>), Fault> {
    let factors = match node.value(scales) {
        Some(_) => node.known(scales)?.map(|scales| scales.to_f64_vec()).filter(|scales| !scales.is_empty()),
        None => node.floats("scales")?.map(|scales| scales.iter().map(|&scale| f64::from(scale)).collect()),
    };
    if let Some(factors) = factors {
        if factors.len() != own.rank() || factors.iter().any(|factor| !(*factor > 0.0 && *factor < 1e6)) {
            return invalid(format!("a factor for each axis of {own}"), format!("{factors:?}"));
        }
        let sizes = own.iter().zip(&factors).map(|(&size, factor)| (size as f64 * factor).floor() as usize);
        return Ok((sizes.collect(), factors));
    }
    let Some(sizes) = node.known_ints(3)? else { return invalid("scales or sizes", "neither") };
    let sizes = sizes.iter().map(|&number| size(number)).collect::<Result<Vec<_>, _>>()?;
    if sizes.len() != own.rank() {
        return invalid(format!("a size for each axis of {own}"), format!("{sizes:?}"));
    }
    let factors = sizes.iter().zip(own.iter()).map(|(&to, &from)| to as f64 / from as f64).collect();
    Ok((sizes, factors))
}

fn nearest(node: &mut Node<'_>, scales: usize, coordinates: Coordinates, rounding: Rounding) -> Outputs {
    let mut x = node.x(0)?;
    let own = node.b.shape(x).clone();
    let (sizes, factors) = target(node, &own, scales)?;
    for axis in 0..own.rank() {
        let (from, to, factor) = (own[axis], sizes[axis], factors[axis]);
        if to == from {
            continue;
        }
        node.check_listed(to)?;
        let source = |i: usize| {
            let place = coordinates.place(i as f64, factor, from as f64, to as f64);
            rounding.nearest(place).clamp(0.0, from.saturating_sub(1) as f64) as i32
        };
        x = node.look_up(x, axis, Tensor::from_fn([to], source))?;
    }
    Ok(vec![Value::Plain(x)])
}

pub(super) fn resize(node: &mut Node<'_>) -> Outputs {
    node.word("mode", "nearest", &[("nearest", ())])?;
    for name in ["axes", "antialias", "exclude_outside", "keep_aspect_ratio_policy"] {
        let is_default = match name {
            "axes" => !node.has(name),
            "keep_aspect_ratio_policy" => node.text(name, "stretch")? == "stretch",
            _ => !node.flag(name)?,
        };
        if !is_default {
            return unsupported(format!("the attribute '{name}'"));
        }
    }
    if node.setting.opset < 11 {
        return nearest(node, 1, Coordinates::Asymmetric, Rounding::Floor);
    }
    let coordinates = [
        ("half_pixel", Coordinates::HalfPixel),
        ("pytorch_half_pixel", Coordinates::PytorchHalfPixel),
        ("align_corners", Coordinates::AlignCorners),
        ("asymmetric", Coordinates::Asymmetric),
    ];
    let roundings = [
        ("round_prefer_floor", Rounding::PreferFloor),
        ("round_prefer_ceil", Rounding::PreferCeil),
        ("floor", Rounding::Floor),
        ("ceil", Rounding::Ceil),
    ];
    let coordinates = node.word("coordinate_transformation_mode", "half_pixel", &coordinates)?;
    let rounding = node.word("nearest_mode", "round_prefer_floor", &roundings)?;
    nearest(node, 2, coordinates, rounding)
}

pub(super) fn upsample(node: &mut Node<'_>) -> Outputs {
    node.word("mode", "nearest", &[("nearest", ())])?;
    nearest(node, 1, Coordinates::Asymmetric, Rounding::Floor)
}
