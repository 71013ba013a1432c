//! The families of networks, each in a file of its own, and what several of them are built of.

pub(crate) mod bert;
pub(crate) mod convnet;
pub(crate) mod gcn;
pub(crate) mod gpt;
pub(crate) mod imagenet;
pub(crate) mod llama;
pub(crate) mod mlp;
pub(crate) mod recurrent;
mod residual;
pub(crate) mod resnet;
mod transformer;
pub(crate) mod unet;
pub(crate) mod vgg;
pub(crate) mod vit;
