//! An archive of numpy of any bytes is read or refused.

#![no_main]

mod support;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| support::read("model.npz", bytes));
