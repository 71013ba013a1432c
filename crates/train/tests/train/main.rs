//! Training, interruption and refusal, on the built-in digits and the CPU executor.

mod buffers;
mod common;
mod learning;
mod refusals;
mod resume;
