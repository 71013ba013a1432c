//! The program as its users run it.

#![expect(clippy::unwrap_used, reason = "what a test prepares may fail it")]

mod alignment;
mod bad_input;
mod canonical;
mod clusters;
mod convert;
mod data;
mod devices;
mod drawing;
mod help;
mod language;
mod merging;
mod microscope;
mod onnx;
mod pairs;
mod recipes;
mod showcase;
mod support;
mod training;
