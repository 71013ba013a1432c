//! Architectures with everything that follows from them.

use tensor::{DType, Key, Shape, Tensor};

use crate::{Init, ModelError, Params, mlp::Mlp, spec};

/// An architecture: which parameters there are, and how they turn examples into logits.
///
/// | specification | network |
/// |---|---|
/// | `mlp:784-512-512-10` | fully connected; the sizes are those of the input, the hidden layers and the logits |
///
/// Options follow after commas: `act=relu` (default), `leaky_relu`, `tanh` or `gelu`; `norm=none` (default) or
/// `layer`, before each activation; `bias=on` (default) or `off`, for linear layers and normalisations alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    pub(crate) mlp: Mlp,
}

impl Model {
    /// Reads a specification, as `mlp:784-512-512-512-10,act=relu,norm=layer,bias=off`.
    ///
    /// # Errors
    /// [`ModelError::Unknown`] for a name that does not exist, [`ModelError::Spec`] for anything else that is
    /// malformed: no size, a size of 0, an option without value or given twice, more than 2^31 weights.
    pub fn parse(spec: &str) -> Result<Self, ModelError> {
        Ok(Self { mlp: spec::parse(spec)? })
    }

    /// The canonical specification: equal for equal models, options at their defaults left out.
    #[must_use]
    pub fn spec(&self) -> String {
        spec::print(&self.mlp)
    }

    /// Names and shapes of the parameters in the model's order. Names and layouts are those that PyTorch's
    /// `nn.Sequential` would give: `0.weight` is `[outputs, inputs]`, and normalisations and activations take a
    /// number too.
    #[must_use]
    pub fn parameters(&self) -> Vec<(String, Shape)> {
        self.mlp.parameters().into_iter().map(|parameter| (parameter.name, parameter.shape)).collect()
    }

    /// The number of trained weights.
    #[must_use]
    pub fn elements(&self) -> usize {
        self.parameters().iter().map(|(_, shape)| shape.elements()).sum()
    }

    /// The number of features of an example.
    #[must_use]
    pub fn input_features(&self) -> usize {
        self.mlp.sizes[0]
    }

    /// The number of classes: logits of an example.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.mlp.sizes[self.mlp.sizes.len() - 1]
    }

    /// Initial `f32` parameters. Each is drawn from a key of its own, derived from `key` and its name, so that
    /// equal keys give equal bits whatever the number of threads.
    #[must_use]
    pub fn init(&self, init: Init, key: Key) -> Params {
        Params::from_pairs(self.mlp.parameters().into_iter().map(|parameter| {
            let tensor = init.draw(parameter.kind, &parameter.shape, key.child(&parameter.name));
            (parameter.name, tensor)
        }))
    }

    /// Checks that the parameters are exactly this model's, in its order: names, shapes, `f32`, all finite.
    ///
    /// # Errors
    /// As [`Model::check_layout`], and [`ModelError::NonFinite`] with the first element that is NaN or infinite.
    pub fn check(&self, params: &Params) -> Result<(), ModelError> {
        self.check_layout(params)?;
        params.iter().try_for_each(|(name, tensor)| self.check_finite(name, tensor))
    }

    /// Checks names, order, shapes and element type of the parameters, but not their elements.
    ///
    /// # Errors
    /// For the first parameter that is missing, unexpected, of another shape or type than `f32`, or out of order;
    /// the error names it.
    pub fn check_layout(&self, params: &Params) -> Result<(), ModelError> {
        let expected = self.parameters();
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
        let order: Vec<String> = self.parameters().into_iter().map(|(name, _)| name).collect();
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
