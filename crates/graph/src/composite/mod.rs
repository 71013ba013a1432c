//! Composites: builder methods that emit several primitives, so that derivatives need nothing more.
//!
//! Networks over images keep channels last: `[N, H, W, C]`. Composites over any number of spatial axes write
//! them `[N, S.., C]`.

mod activation;
mod batch_norm;
mod cross_entropy;
mod graph_convolution;
mod group_norm;
mod layer_norm;
mod linear;
mod loss;
mod normalise;
mod pool;
mod residual;
mod rms_norm;
mod softmax;
mod squeeze_excite;

pub use activation::LEAKY_RELU_SLOPE;
pub use batch_norm::{BatchNorm, ChannelMoments};
pub use cross_entropy::CrossEntropy;
pub use group_norm::GROUP_NORM_EPSILON;
pub use layer_norm::LAYER_NORM_EPSILON;
pub use rms_norm::RMS_NORM_EPSILON;
pub use squeeze_excite::SqueezeExcite;
