//! Composites: builder methods that emit several primitives, so that derivatives need nothing more.
//!
//! Networks over images keep channels last: `[N, H, W, C]`. Composites over any number of spatial axes write
//! them `[N, S.., C]`.

mod activation;
mod attention;
mod batch_norm;
mod conv2d;
mod conv_transpose2d;
mod cross_entropy;
mod dropout;
mod embedding;
mod graph_convolution;
mod group_norm;
mod gru;
mod layer_norm;
mod linear;
mod loss;
mod lstm;
mod multi_head;
mod normalise;
mod pool;
mod recurrent;
mod residual;
mod rms_norm;
mod rotary;
mod softmax;
mod squeeze_excite;
mod uniform;
mod weighted_sum;

pub use activation::LEAKY_RELU_SLOPE;
pub use attention::Attention;
pub use batch_norm::{BatchNorm, ChannelMoments};
pub use conv_transpose2d::ConvTranspose2d;
pub use conv2d::Conv2d;
pub use cross_entropy::CrossEntropy;
pub use group_norm::GROUP_NORM_EPSILON;
pub use layer_norm::LAYER_NORM_EPSILON;
pub use lstm::LstmState;
pub use multi_head::SelfAttention;
pub use recurrent::Recurrent;
pub use rms_norm::RMS_NORM_EPSILON;
pub use rotary::{ROTARY_BASE, rotary_rates};
pub use squeeze_excite::SqueezeExcite;
