//! Graphs drawn from the fuzzer's bytes compute what the reference evaluator does.

#![no_main]

use cpu::Cpu;
use libfuzzer_sys::fuzz_target;
use testkit::random::{Bytes, Numbers, agree, random_graph};

fuzz_target!(|bytes: &[u8]| {
    let mut choices = Bytes::new(bytes);
    let case = random_graph(&mut choices, tensor::DType::F32, Numbers::Integers, 30);
    agree(&Cpu::new(), &case, 0.0).expect("the executor agrees with the reference");
});
