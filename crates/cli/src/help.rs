//! Help texts that several commands share.

/// What a model specification is.
pub(crate) const MODEL_SPEC: &str = "\
Architecture, when the weights do not name it or are to be read as another one

mlp:784-512-512-10 is a multilayer perceptron: features, hidden layers, classes. Options follow after commas: \
act=relu|leaky_relu|tanh|gelu, norm=none|layer (before each activation), bias=on|off; the first of each is the default.";

/// What a MODEL argument is.
pub(crate) const MODEL: &str = "\
Run folder of `isoloss train`, or a .safetensors file

Tensors have the names and layouts of PyTorch's nn.Sequential: 0.weight is [outputs, inputs]. Files written by others do \
not name their architecture; give it with --model.";

/// What a data specification is.
pub(crate) const DATA_SPEC: &str = "\
Data set

digits: built-in 8x8 handwritten digits (UCI), 1,437 to train and 360 to test. \
mnist:DIR and fashion-mnist:DIR: the four IDX files of that data set in folder DIR, gzipped or not.";

/// What a loss is.
pub(crate) const LOSS: &str = "\
What is measured, as a mean over examples: cross-entropy (in nats) or squared-error (to the one-hot label, summed over \
classes)";
