//! Files of weights as their users meet them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod goldens;
mod mutations;
mod numpy;
mod readme;
mod sharded;
mod single;
mod support;
