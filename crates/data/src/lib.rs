//! Data sets, splits and loaders.
//!
//! [`load()`] turns a one-line specification into training and test examples in memory: numbers or texts, with their
//! labels. [`Epoch`] makes the batches of training ahead of the steps, with augmentation; [`Input`] is what a network
//! must be given again when it is evaluated.

mod augmentation;
mod byte_pairs;
mod catalogue;
mod cifar;
mod clusters;
mod dataset;
mod decode;
mod digits;
mod error;
mod example;
mod idx;
mod images;
mod input;
mod line;
mod load;
mod loader;
mod mnist;
mod mnist1d;
mod normalization;
mod npz;
mod order;
mod resize;
mod rows;
mod scale;
mod scaled;
mod shift;
mod split;
mod splits;
mod sums;
mod synthetic;
mod teacher;
mod text;
mod texts;
mod vocabulary;
mod warp;

pub use augmentation::Augmentation;
pub use byte_pairs::BytePairs;
pub use catalogue::{SOURCES, Source};
pub use dataset::Dataset;
pub use error::DataError;
pub use example::Example;
pub use input::Input;
pub use line::with_options;
pub use load::{KNOWN, has_validation, load};
pub use loader::{Batch, Batches, Epoch};
pub use normalization::Normalization;
pub use order::epoch_order;
pub use shift::Shift;
pub use splits::Splits;
pub use tensor::Image;
