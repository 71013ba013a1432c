//! Architectures as graph builders, and reading and writing of weights.
//!
//! A [`Model`] is an architecture made from a one-line specification; [`Params`] are its weights by name. The
//! two meet in [`Model::forward`] and [`Model::objective`], graphs whose first inputs are the parameters in the
//! model's order.

mod activation;
mod error;
mod forward;
mod init;
mod load;
mod loss;
mod mlp;
mod model;
mod named;
mod norm;
mod params;
mod spec;
pub mod weights;

pub use activation::Activation;
pub use error::ModelError;
pub use init::Init;
pub use load::{RUN_WEIGHTS, load_model};
pub use loss::Loss;
pub use model::Model;
pub use norm::Norm;
pub use params::Params;
