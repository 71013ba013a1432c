//! Composites: builder methods that emit several primitives, so that derivatives need nothing more.

mod activation;
mod linear;
mod loss;
mod norm;
mod softmax;

pub use activation::LEAKY_RELU_SLOPE;
pub use norm::LAYER_NORM_EPSILON;
