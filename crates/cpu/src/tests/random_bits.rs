//! Random bits and angles inside loops.

use graph::{Builder, Reference, Ty};
use tensor::{Key, Tensor};

use super::{BEST, bits, run};
use crate::{isa::Isa, program::Options};

#[test]
fn random_bits_in_a_loop_are_those_of_the_reference() {
    let mut b = Builder::new("dropout");
    let (key, counter) = (b.data("key", Ty::i32([2])), b.data("counter", Ty::i32([])));
    let step = b.scalar_of(1i32);
    let next = b.add(counter, step);
    let uniform = b.uniform(key, next, &[5, 700].into());
    let sums = b.reduce_sum(uniform, &[0]);
    let one = b.random_bits(key, next, &[].into());
    for (name, val) in [("uniform", uniform), ("sums", sums), ("one", one)] {
        b.output(name, val);
    }
    let graph = b.finish();
    let arguments = [Tensor::from_fn([2], |i| i as i32 - 1), Tensor::scalar(6)];
    let expected = Reference::evaluate(&graph, &arguments.each_ref()).expect("the arguments fit");
    for isa in Isa::available() {
        let found = run(&graph, &arguments, Options { isa, ..BEST() });
        assert_eq!((&found[0], &found[2]), (&expected[0], &expected[2]), "{isa:?}");
    }
}

#[test]
fn angles_of_any_size_have_the_bits_that_they_have_alone() {
    let key = Key::new(8);
    let angle = |i: usize| match i % 3 {
        0 => key.normal(i as u64) as f32,
        1 => 1e5 * key.normal(i as u64) as f32,
        _ => 1e30 * key.normal(i as u64) as f32,
    };
    let x = Tensor::from_fn([3000], angle);
    let graph = |size: usize| {
        let mut b = Builder::new("angles");
        let x = b.data("x", Ty::f32([size]));
        let (sine, cosine) = (b.sin(x), b.cos(x));
        b.output("sin", sine);
        b.output("cos", cosine);
        b.finish()
    };
    let together = run(&graph(3000), std::slice::from_ref(&x), BEST());
    let alone = graph(1);
    for i in (0..3000).step_by(101) {
        let one = run(&alone, &[Tensor::from_fn([1], |_| angle(i))], BEST());
        let found: Vec<u64> = bits(&together).iter().map(|bits| bits[i]).collect();
        assert_eq!(found, bits(&one).concat());
    }
    for (found, exact) in together.iter().zip([f64::sin, f64::cos]) {
        for (found, x) in found.to_f64_vec().iter().zip(x.to_f64_vec()) {
            assert!((found - exact(x)).abs() <= 6e-8 * exact(x).abs() + 1e-45, "at {x:e}");
        }
    }
}
