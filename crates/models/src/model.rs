//! Architectures with everything that follows from them.

use std::{collections::BTreeMap, path::Path};

use tensor::{DType, Key, Shape, Tensor};
use weights::MODEL_KEY;

use crate::{
    Init, Input, Labels, Loss, ModelError, Params, Target,
    architecture::Architecture,
    families::{
        bert::Bert, convnet::ConvNet, gcn::Gcn, gpt::Gpt, imagenet::ImageNet, llama::Llama, mlp::Mlp,
        recurrent::Recurrent, resnet::ResNet, unet::Unet, vgg::Vgg, vit::Vit,
    },
    imported::{self, GRAPH_KEY, Imported},
    spec,
};

/// An architecture: which parameters and buffers there are, and how they turn examples into logits.
///
/// | specification | network |
/// |---|---|
/// | `mlp:784-512-512-10` | fully connected; the sizes are those of the input, the hidden layers and the logits |
/// | `convnet:32-32-32` | plain convolutions with these channels, and a linear layer |
/// | `resnet20`, also 8, 14, 32, 44, 56, 110 | residual networks for small images (arXiv:1512.03385, section 4.2) |
/// | `preresnet20` and so on | the same with activations before the convolutions (arXiv:1603.05027) |
/// | `resnet50`, also 18, 34, 101, 152 | residual networks for large images, as torchvision has them |
/// | `vgg16`, also 11, 13, 19 | VGG networks for small images (arXiv:1409.1556) |
/// | `unet` | a class of each pixel (arXiv:1505.04597) |
/// | `vit` | a vision transformer (arXiv:2010.11929) |
/// | `gpt:layers=4,width=128,heads=4,context=128,vocab=96` | a causal transformer over tokens, like GPT-2 |
/// | `llama` | one with rotary positions and gated layers, like Llama, Mistral and Qwen2 |
/// | `bert` | a bidirectional transformer over tokens (arXiv:1810.04805) |
/// | `lstm:vocab=96,hidden=256,layers=1,steps=64`, `gru` | recurrent networks over tokens |
/// | `gcn:1433-16-7,nodes=2708` | a class of each node of a graph (arXiv:1609.02907) |
///
/// | `onnx:net.onnx`, or the path alone | the network of an ONNX file |
///
/// Options follow, separated by commas, as `resnet20:width=2,norm=layer`; `docs/architectures.md` lists them all with their
/// defaults. The network of an ONNX file that returns one number is its own objective, a mean over the batch (see
/// [`Model::target`]). Names and layouts of parameters are those that PyTorch users know; that page says whose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    pub(crate) network: Network,
}

/// The architectures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Network {
    Mlp(Mlp),
    ConvNet(ConvNet),
    ResNet(ResNet),
    ImageNet(ImageNet),
    Vgg(Vgg),
    Unet(Unet),
    Vit(Vit),
    Gpt(Gpt),
    Llama(Llama),
    Bert(Bert),
    Recurrent(Recurrent),
    Gcn(Gcn),
    Imported(Imported),
}

impl Network {
    pub(crate) fn architecture(&self) -> &dyn Architecture {
        match self {
            Self::Mlp(own) => own,
            Self::ConvNet(own) => own,
            Self::ResNet(own) => own,
            Self::ImageNet(own) => own,
            Self::Vgg(own) => own,
            Self::Unet(own) => own,
            Self::Vit(own) => own,
            Self::Gpt(own) => own,
            Self::Llama(own) => own,
            Self::Bert(own) => own,
            Self::Recurrent(own) => own,
            Self::Gcn(own) => own,
            Self::Imported(own) => own,
        }
    }
}

impl Model {
    /// Reads a specification, as `mlp:784-512-512-512-10,act=relu,norm=layer,bias=off`.
    ///
    /// # Errors
    /// [`ModelError::Unknown`] for a name that does not exist, [`ModelError::Spec`] for anything else that is
    /// malformed: no size, a size of 0, an option without value or given twice, more than 2^31 weights.
    pub fn parse(spec: &str) -> Result<Self, ModelError> {
        Ok(Self { network: spec::parse(spec)? })
    }

    /// What a file of weights says of the network that they belong to: the specification, and the network itself where
    /// it came from an ONNX file.
    #[must_use]
    pub fn metadata(&self) -> BTreeMap<String, String> {
        let mut metadata = BTreeMap::from([(MODEL_KEY.to_owned(), self.spec())]);
        if let Network::Imported(own) = &self.network {
            metadata.insert(GRAPH_KEY.to_owned(), own.graph());
        }
        metadata
    }

    /// The network that metadata made by [`Model::metadata`] describe, `None` where they name none.
    ///
    /// # Errors
    /// Those of [`Model::parse`], and where the network that they hold is damaged.
    pub fn from_metadata(metadata: &BTreeMap<String, String>) -> Result<Option<Self>, ModelError> {
        let Some(spec) = metadata.get(MODEL_KEY) else { return Ok(None) };
        let Some(graph) = metadata.get(GRAPH_KEY) else { return Self::parse(spec).map(Some) };
        let file = spec.strip_prefix(imported::PREFIX).unwrap_or(spec);
        Ok(Some(Self { network: Network::Imported(Imported::from_graph(file, graph)?) }))
    }

    /// The network of an ONNX file with its weights, in the model's order.
    ///
    /// # Errors
    /// [`ModelError::Onnx`] where the file cannot be read, [`ModelError::Imported`] where it is no network
    /// of examples that returns logits or its own objective, and those of [`Model::check`].
    pub fn import(file: &Path) -> Result<(Self, Params), ModelError> {
        let (own, params) = Imported::read(&file.to_string_lossy())?;
        let model = Self { network: Network::Imported(own) };
        model.check(&params)?;
        Ok((model, params))
    }

    /// The canonical specification: equal for equal models, options at their defaults left out.
    #[must_use]
    pub fn spec(&self) -> String {
        self.network.architecture().written().line()
    }

    /// Names and shapes of the trained parameters in the model's order. Names and layouts are those that PyTorch
    /// users know: the weight of a linear layer is `[outputs, inputs]`, that of a convolution
    /// `[outputs, inputs, rows, columns]`; in an `mlp` the name's number is the position in an `nn.Sequential`, where
    /// normalisations and activations take a number too.
    #[must_use]
    pub fn parameters(&self) -> Vec<(String, Shape)> {
        let parameters = self.network.architecture().layout().parameters;
        parameters.into_iter().map(|parameter| (parameter.name, parameter.shape)).collect()
    }

    /// Names and shapes of the buffers in the model's order: the running statistics of batch normalisation. They
    /// are part of [`Params`], behind the parameters; training sets them, but not by gradients.
    #[must_use]
    pub fn buffers(&self) -> Vec<(String, Shape)> {
        let buffers = self.network.architecture().layout().buffers;
        buffers.into_iter().map(|buffer| (buffer.name, buffer.shape)).collect()
    }

    /// Names and shapes of all that [`Params`] hold: the parameters, then the buffers.
    #[must_use]
    pub fn entries(&self) -> Vec<(String, Shape)> {
        self.network.architecture().layout().entries()
    }

    /// The number of trained weights.
    #[must_use]
    pub fn elements(&self) -> usize {
        self.parameters().iter().map(|(_, shape)| shape.elements()).sum()
    }

    /// What an example is.
    #[must_use]
    pub fn input(&self) -> Input {
        self.network.architecture().input()
    }

    /// What the labels of an example are.
    #[must_use]
    pub fn labels(&self) -> Labels {
        self.network.architecture().labels()
    }

    /// The architecture of this family with parameters of these shapes, given by their names, where there is one: of networks whose
    /// specification has the numbers of their units, or a factor for all of them. Everything else stays.
    #[must_use]
    pub fn resized(&self, shape: &dyn Fn(&str) -> Option<Shape>) -> Option<Self> {
        let resized = Self { network: self.network.architecture().resized(shape)? };
        let fits = |(name, own): &(String, Shape)| shape(name).as_ref() == Some(own);
        resized.entries().iter().all(fits).then_some(resized)
    }

    /// The number of elements of an example: features, numbers of an image, or tokens.
    #[must_use]
    pub fn input_features(&self) -> usize {
        self.input().elements()
    }

    /// The number of classes: logits of each label. `None` for a network that is its own objective and does not tell.
    #[must_use]
    pub fn classes(&self) -> Option<usize> {
        self.network.architecture().classes()
    }

    /// How the network takes labels, if it is its own objective: one from an ONNX file that returns a number. `None` for all
    /// others, which return logits.
    #[must_use]
    pub fn target(&self) -> Option<Target> {
        self.network.architecture().target()
    }

    /// The loss that goes with the network where nothing else is asked for: its own, or cross-entropy.
    #[must_use]
    pub fn loss(&self) -> Loss {
        if self.target().is_some() { Loss::Own } else { Loss::CrossEntropy }
    }

    /// Refuses a loss for a network that is its own objective, and [`Loss::Own`] for any other.
    ///
    /// # Errors
    /// [`ModelError::OwnLoss`].
    pub fn check_loss(&self, loss: Loss) -> Result<(), ModelError> {
        match (self.target().is_some(), loss == Loss::Own) {
            (own, asked) if own == asked => Ok(()),
            (is_own, _) => Err(ModelError::OwnLoss { model: self.spec(), is_own, loss: loss.to_string() }),
        }
    }

    /// Initial `f32` parameters and buffers. Each parameter is drawn from a key of its own, derived from `key` and its
    /// name, so that equal keys give equal bits whatever the number of threads; running means start at 0 and running
    /// variances at 1.
    #[must_use]
    pub fn init(&self, init: Init, key: Key) -> Params {
        if let (Init::File, Some(weights)) = (init, self.file_weights()) {
            return weights.clone();
        }
        let layout = self.network.architecture().layout();
        let parameters = layout.parameters.into_iter().map(|parameter| {
            let tensor = init.draw(parameter.kind, &parameter.shape, key.child(&parameter.name));
            (parameter.name, tensor)
        });
        let buffers =
            layout.buffers.into_iter().map(|buffer| (buffer.name, Tensor::full(buffer.shape, buffer.value)));
        Params::from_pairs(parameters.chain(buffers))
    }

    /// Refuses [`Init::File`] for a model without a file that has weights.
    ///
    /// # Errors
    /// [`ModelError::NoFile`].
    pub fn check_init(&self, init: Init) -> Result<(), ModelError> {
        match init {
            Init::File if self.file_weights().is_none() => Err(ModelError::NoFile { model: self.spec() }),
            _ => Ok(()),
        }
    }

    /// The weights of the file that the model was parsed from.
    fn file_weights(&self) -> Option<&Params> {
        match &self.network {
            Network::Imported(own) => own.weights(),
            _ => None,
        }
    }

    /// Checks that the parameters and buffers are exactly this model's, in its order: names, shapes, `f32`, all finite.
    ///
    /// # Errors
    /// As [`Model::check_layout`], and [`ModelError::NonFinite`] with the first element that is NaN or infinite.
    pub fn check(&self, params: &Params) -> Result<(), ModelError> {
        self.check_layout(params)?;
        params.iter().try_for_each(|(name, tensor)| self.check_finite(name, tensor))
    }

    /// Checks names, order, shapes and element type of the parameters and buffers, but not their elements.
    ///
    /// # Errors
    /// For the first parameter that is missing, unexpected, of another shape or type than `f32`, or out of order;
    /// the error names it.
    pub fn check_layout(&self, params: &Params) -> Result<(), ModelError> {
        let expected = self.entries();
        self.check_names(&expected, params)?;
        for (name, shape) in &expected {
            if let Some(tensor) = params.get(name) {
                self.check_type(name, shape, tensor)?;
            }
        }
        let order: Vec<String> = expected.into_iter().map(|(name, _)| name).collect();
        if params.names().eq(order.iter()) {
            return Ok(());
        }
        let found = params.names().map(str::to_owned).collect();
        Err(ModelError::ParameterOrder { model: self.spec(), expected: order, found })
    }

    /// The same parameters in this model's order, checked as by [`Model::check`]. Files written by others list
    /// them in orders of their own.
    ///
    /// # Errors
    /// As [`Model::check`], but for the order.
    pub fn arrange(&self, params: Params) -> Result<Params, ModelError> {
        let order: Vec<String> = self.entries().into_iter().map(|(name, _)| name).collect();
        let mut pairs: Vec<(String, Tensor)> = params
            .names()
            .map(str::to_owned)
            .collect::<Vec<_>>()
            .into_iter()
            .zip(params.into_values())
            .collect();
        pairs.sort_by_key(|(name, _)| order.iter().position(|expected| expected == name));
        let arranged = Params::from_pairs(pairs);
        self.check(&arranged)?;
        Ok(arranged)
    }

    fn check_names(&self, expected: &[(String, Shape)], params: &Params) -> Result<(), ModelError> {
        if let Some((name, shape)) = expected.iter().find(|(name, _)| params.get(name).is_none()) {
            let found = params.names().map(str::to_owned).collect();
            let (name, shape) = (name.clone(), shape.clone());
            return Err(ModelError::MissingParameter { model: self.spec(), name, shape, found });
        }
        let known = |name: &str| expected.iter().any(|(other, _)| other == name);
        if let Some(name) = params.names().find(|name| !known(name)) {
            let expected = expected.iter().map(|(name, _)| name.clone()).collect();
            return Err(ModelError::UnexpectedParameter {
                model: self.spec(),
                name: name.to_owned(),
                expected,
            });
        }
        Ok(())
    }

    fn check_type(&self, name: &str, shape: &Shape, tensor: &Tensor) -> Result<(), ModelError> {
        let name = name.to_owned();
        if tensor.dtype() != DType::F32 {
            return Err(ModelError::ParameterDType { model: self.spec(), name, found: tensor.dtype() });
        }
        if tensor.shape() != shape {
            let (expected, found) = (shape.clone(), tensor.shape().clone());
            return Err(ModelError::ParameterShape { model: self.spec(), name, expected, found });
        }
        Ok(())
    }

    fn check_finite(&self, name: &str, tensor: &Tensor) -> Result<(), ModelError> {
        let Some(element) = tensor.first_non_finite() else { return Ok(()) };
        let (strides, sizes) = (tensor.shape().strides(), tensor.shape());
        let position =
            strides.iter().zip(sizes.iter()).map(|(stride, size)| element / stride % size).collect();
        let (name, value) = (name.to_owned(), tensor.to_f64_vec()[element]);
        Err(ModelError::NonFinite { model: self.spec(), name, position, value })
    }
}

impl std::str::FromStr for Model {
    type Err = ModelError;

    fn from_str(spec: &str) -> Result<Self, ModelError> {
        Self::parse(spec)
    }
}

/// The canonical specification.
impl std::fmt::Display for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.spec())
    }
}
