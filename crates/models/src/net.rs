//! A network while its graph is built.

use std::collections::BTreeMap;

use graph::{
    Builder, Role, Ty, Val,
    composite::{BatchNorm, ChannelMoments, Conv2d},
};
use tensor::{DType, Shape};

use crate::{Image, Mode, Norm, layout::Layout, norm::EPSILON, positive::Positive};

/// A builder whose first inputs are a network's parameters and buffers, known by their names.
pub(crate) struct Net {
    pub(crate) b: Builder,
    mode: Mode,
    dtype: DType,
    /// Of a network that is its own objective.
    labels: Option<Val>,
    inputs: BTreeMap<String, Val>,
    /// In the order of declaration.
    buffers: Vec<String>,
    updated: BTreeMap<String, Val>,
}

impl Net {
    /// Declares the parameters, then the buffers.
    pub(crate) fn new(name: &str, layout: Layout, mode: Mode, dtype: DType) -> Self {
        assert!(dtype.is_float(), "a network computes in floating point, not in {dtype}");
        let buffers = layout.buffers.iter().map(|buffer| buffer.name.clone()).collect();
        let trained = layout.parameters.len();
        let mut b = Builder::new(name);
        let mut inputs = BTreeMap::new();
        for (position, (name, shape)) in layout.entries().into_iter().enumerate() {
            let role = if position < trained { Role::Parameter } else { Role::State };
            let val = b.input(name.clone(), role, Ty::new(dtype, shape));
            inputs.insert(name, val);
        }
        Self { b, mode, dtype, labels: None, inputs, buffers, updated: BTreeMap::new() }
    }

    /// What the network is run for.
    pub(crate) fn mode(&self) -> Mode {
        self.mode
    }

    /// The floating-point type of the network.
    pub(crate) fn dtype(&self) -> DType {
        self.dtype
    }

    /// Declares the labels, for a network that is its own objective.
    pub(crate) fn declare_labels(&mut self, shape: Shape) {
        self.labels = Some(self.b.data("labels", Ty::i32(shape)));
    }

    /// The labels, where they are declared.
    pub(crate) fn labels(&self) -> Option<Val> {
        self.labels
    }

    /// Sets what training makes of a buffer.
    pub(crate) fn update(&mut self, name: &str, val: Val) {
        self.updated.insert(name.to_owned(), val);
    }

    /// The parameter or buffer of this name, which the architecture has declared.
    #[track_caller]
    pub(crate) fn get(&self, name: &str) -> Val {
        self.find(name).unwrap_or_else(|| unreachable!("'{name}' is not declared"))
    }

    fn find(&self, name: &str) -> Option<Val> {
        self.inputs.get(name).copied()
    }

    /// The weight and, where one is declared, the bias of a module.
    pub(crate) fn affine(&self, name: &str) -> (Val, Option<Val>) {
        (self.get(&format!("{name}.weight")), self.find(&format!("{name}.bias")))
    }

    /// A linear layer on the last axis of a matrix.
    pub(crate) fn linear(&mut self, name: &str, x: Val) -> Val {
        let (weight, bias) = self.affine(name);
        self.b.linear(x, weight, bias)
    }

    /// A convolution of images with channels last.
    pub(crate) fn conv2d(&mut self, name: &str, x: Val, options: Conv2d) -> Val {
        let (weight, bias) = self.affine(name);
        self.b.conv2d(x, weight, bias, options)
    }

    /// The images of a batch `[N, elements]`, with channels last: `[N, rows, columns, channels]`.
    pub(crate) fn image(&mut self, x: Val, image: Image) -> Val {
        let batch = self.b.shape(x)[0];
        let x = self.b.reshape(x, &Shape::from([batch, image.channels, image.height, image.width]));
        self.b.transpose(x, &[0, 2, 3, 1])
    }

    /// A normalisation, or none, with PyTorch's defaults.
    pub(crate) fn norm(&mut self, name: &str, norm: Norm, x: Val) -> Val {
        self.norm_with(name, norm, EPSILON, x)
    }

    /// A normalisation, or none, with this ε.
    pub(crate) fn norm_with(&mut self, name: &str, norm: Norm, epsilon: Positive, x: Val) -> Val {
        if norm == Norm::None {
            return x;
        }
        let (gain, bias) = self.affine(name);
        let (gain, epsilon) = (Some(gain), epsilon.get());
        match norm {
            Norm::None => x,
            Norm::Layer => self.b.layer_norm(x, gain, bias, epsilon),
            Norm::Batch => self.batch_norm(name, epsilon, x),
            Norm::Group => {
                let channels = self.b.shape(x).last().copied().unwrap_or(1);
                self.b.group_norm(x, Norm::groups(channels), gain, bias, epsilon)
            }
            Norm::Instance => self.b.instance_norm(x, gain, bias, epsilon),
            Norm::Rms => self.b.rms_norm(x, gain, epsilon),
        }
    }

    fn batch_norm(&mut self, name: &str, epsilon: f64, x: Val) -> Val {
        let (gain, bias) = self.affine(name);
        let names = ["running_mean", "running_var"].map(|role| format!("{name}.{role}"));
        let [mean, variance] = [self.get(&names[0]), self.get(&names[1])];
        let running = ChannelMoments { mean, variance };
        match self.mode {
            Mode::Evaluation => self.b.batch_norm(x, Some(gain), bias, running, epsilon),
            Mode::Training | Mode::Moments => {
                let mut options = BatchNorm { epsilon, ..BatchNorm::default() };
                if self.mode == Mode::Moments {
                    options.momentum = 1.0;
                }
                let (y, new) = self.b.batch_norm_training(x, Some(gain), bias, running, options);
                self.updated.extend(names.into_iter().zip([new.mean, new.variance]));
                y
            }
        }
    }

    /// Declares what evaluation leaves as it is and training changes as outputs: in other modes the new buffers,
    /// under their names and in their order.
    pub(crate) fn finish(mut self) -> graph::Graph {
        if self.mode != Mode::Evaluation {
            for name in self.buffers {
                let val = self.updated.get(&name).unwrap_or_else(|| unreachable!("'{name}' is not updated"));
                self.b.output(name, *val);
            }
        }
        self.b.finish()
    }
}
