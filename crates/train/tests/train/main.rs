//! Training, interruption and refusal, on the built-in digits, a small text and the CPU executor.

mod buffers;
mod common;
mod data;
mod learning;
mod refusals;
mod resume;
mod settings;
mod teams;
