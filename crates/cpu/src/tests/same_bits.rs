//! The same bits whatever the number of threads, the instruction set and the fusion.

use graph::{Def, Prim};
use tensor::{DType, Key, parallel::with_threads};

use testkit::random::Numbers;

use super::{BEST, bits, random, run};
use crate::{isa::Isa, program::Options};

#[test]
fn fusion_changes_no_bit() {
    for seed in 0..60 {
        for dtype in [DType::F32, DType::F64] {
            let (graph, arguments) = random(Key::new(2000 + seed), dtype, Numbers::Wild, 40);
            let unfused = run(&graph, &arguments, Options { fusing: false, ..BEST() });
            assert_eq!(bits(&run(&graph, &arguments, BEST())), bits(&unfused), "seed {seed}");
        }
    }
}

#[test]
fn the_instruction_set_of_loops_changes_no_bit() {
    for seed in 0..30 {
        for dtype in [DType::F32, DType::F64] {
            let (graph, arguments) = random(Key::new(3000 + seed), dtype, Numbers::Wild, 40);
            let fuses = |val| {
                matches!(graph.def(val), Def::Apply { op: Prim::Convolution(_) | Prim::DotGeneral(_), .. })
            };
            if graph.vals().any(fuses) {
                continue;
            }
            let best = bits(&run(&graph, &arguments, BEST()));
            for isa in Isa::available() {
                let other = run(&graph, &arguments, Options { isa, ..BEST() });
                assert_eq!(best, bits(&other), "seed {seed}, {isa:?}");
            }
        }
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    for seed in 0..20 {
        let (graph, arguments) = random(Key::new(4000 + seed), DType::F32, Numbers::Wild, 60);
        let on = |threads| {
            let result = with_threads(threads, || bits(&run(&graph, &arguments, BEST())));
            result.expect("the operating system gives a few threads")
        };
        let one = on(1);
        for threads in [2, 3, 5] {
            assert_eq!(one, on(threads), "seed {seed}, {threads} threads");
        }
    }
}
