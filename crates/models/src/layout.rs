//! What an architecture owns: parameters and buffers.

use tensor::Shape;

use crate::{Norm, init::Kind};

/// A parameter as the architecture declares it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) shape: Shape,
    pub(crate) kind: Kind,
}

/// A tensor that belongs to the network and is not trained by gradients.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Buffer {
    pub(crate) name: String,
    pub(crate) shape: Shape,
    /// Its initial elements.
    pub(crate) value: f32,
}

/// All that an architecture owns, in the order in which PyTorch's `state_dict` lists it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Layout {
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) buffers: Vec<Buffer>,
}

impl Layout {
    /// A parameter.
    pub(crate) fn parameter(&mut self, name: &str, shape: impl Into<Shape>, kind: Kind) {
        self.parameters.push(Parameter { name: name.to_owned(), shape: shape.into(), kind });
    }

    /// A linear layer: `name.weight` and, with a bias, `name.bias`.
    pub(crate) fn linear(&mut self, name: &str, inputs: usize, outputs: usize, bias: bool) {
        self.affine(name, &[outputs, inputs], inputs, bias);
    }

    /// A linear layer whose matrix is `[inputs, outputs]`.
    pub(crate) fn transposed_linear(&mut self, name: &str, inputs: usize, outputs: usize, bias: bool) {
        self.parameter(&format!("{name}.weight"), [inputs, outputs], Kind::Weight { inputs });
        if bias {
            self.parameter(&format!("{name}.bias"), [outputs], Kind::Bias { inputs });
        }
    }

    /// A square convolution: `name.weight` and, with a bias, `name.bias`.
    pub(crate) fn convolution(
        &mut self,
        name: &str,
        [inputs, outputs]: [usize; 2],
        window: usize,
        bias: bool,
    ) {
        // A product that overflows has a shape that is refused.
        let fan_in = inputs.saturating_mul(window * window);
        self.affine(name, &[outputs, inputs, window, window], fan_in, bias);
    }

    fn affine(&mut self, name: &str, shape: &[usize], inputs: usize, bias: bool) {
        self.parameter(&format!("{name}.weight"), shape, Kind::Weight { inputs });
        if bias {
            self.parameter(&format!("{name}.bias"), [shape[0]], Kind::Bias { inputs });
        }
    }

    /// A transposed convolution with a window of `window` pixels on a side, its weight `[inputs, outputs, window, window]`.
    pub(crate) fn transposed_convolution(
        &mut self,
        name: &str,
        [inputs, outputs]: [usize; 2],
        window: usize,
    ) {
        // PyTorch counts as inputs those of the second axis, whatever they are.
        let fan_in = outputs.saturating_mul(window * window);
        self.parameter(
            &format!("{name}.weight"),
            [inputs, outputs, window, window],
            Kind::Weight { inputs: fan_in },
        );
        self.parameter(&format!("{name}.bias"), [outputs], Kind::Bias { inputs: fan_in });
    }

    /// A normalisation: `name.weight`, with a bias `name.bias` unless it has none by nature, and over the batch also
    /// `name.running_mean` and `name.running_var`.
    pub(crate) fn norm(&mut self, name: &str, norm: Norm, size: usize, bias: bool) {
        if norm == Norm::None {
            return;
        }
        self.parameter(&format!("{name}.weight"), [size], Kind::Gain);
        if bias && norm != Norm::Rms {
            self.parameter(&format!("{name}.bias"), [size], Kind::Offset);
        }
        if norm == Norm::Batch {
            for (role, value) in [("running_mean", 0.0), ("running_var", 1.0)] {
                let name = format!("{name}.{role}");
                self.buffers.push(Buffer { name, shape: [size].into(), value });
            }
        }
    }

    /// Says that the linear layers whose names end so add their results to one residual stream.
    pub(crate) fn end_branches(&mut self, layers: &[&str]) {
        let ends = |name: &str| {
            let layer = name.strip_suffix(".weight");
            layer.is_some_and(|layer| layers.iter().any(|end| layer.ends_with(end)))
        };
        let branches = self.parameters.iter().filter(|parameter| ends(&parameter.name)).count();
        for parameter in self.parameters.iter_mut().filter(|parameter| ends(&parameter.name)) {
            if let Kind::Weight { inputs } = parameter.kind {
                parameter.kind = Kind::Residual { inputs, branches };
            }
        }
    }

    /// The number of elements of the parameters, where it fits.
    pub(crate) fn checked_elements(&self) -> Option<usize> {
        self.parameters.iter().try_fold(0usize, |total, parameter| {
            parameter.shape.checked_elements().and_then(|elements| total.checked_add(elements))
        })
    }

    /// Names and shapes of the parameters, then of the buffers.
    pub(crate) fn entries(self) -> Vec<(String, Shape)> {
        let parameters = self.parameters.into_iter().map(|parameter| (parameter.name, parameter.shape));
        parameters.chain(self.buffers.into_iter().map(|buffer| (buffer.name, buffer.shape))).collect()
    }
}
