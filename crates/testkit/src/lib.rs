//! Law suites and tolerances for the test suites. Not part of the product.

pub mod composite;
pub mod laws;
pub mod network;
pub mod random;
pub mod sample;
pub mod team;
pub mod tolerance;
pub mod unsafe_code;
