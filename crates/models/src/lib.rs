//! Architectures as graph builders, and networks from files.
//!
//! A [`Model`] is an architecture made from a one-line specification; [`Params`] are its weights and buffers by name, which
//! [`weights`] reads and writes. The two meet in [`Model::forward`] and [`Model::objective`], graphs whose first inputs are
//! the parameters and the buffers in the model's order.

mod activation;
mod architecture;
mod catalogue;
mod config;
mod decoder;
mod error;
mod export;
mod families;
mod forward;
mod hub;
mod imported;
mod init;
mod input;
mod labels;
mod layout;
mod line;
mod load;
mod loss;
mod mode;
mod model;
mod named;
mod net;
mod norm;
mod positive;
mod rope;
mod settings;
mod spec;
mod target;

pub use ::weights::{self, Params, RUN_WEIGHTS};
pub use activation::Activation;
pub use catalogue::{Family, FamilyOption, families};
pub use decoder::{Decoder, LAYER};
pub use error::ModelError;
pub use hub::{HUB_TYPES, TIED_HEAD, is_made_again};
pub use imported::{GRAPH_KEY, is_onnx};
pub use init::Init;
pub use input::Input;
pub use labels::Labels;
pub use load::{described, load_model, origins};
pub use loss::Loss;
pub use mode::Mode;
pub use model::Model;
pub use norm::Norm;
pub use target::Target;
pub use tensor::Image;
