//! Composites that draw random numbers: their distributions, that a key and a counter determine them, and which elements
//! they draw, as `goldens/random.py` computes them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use isoloss_graph::{Builder, Reference, Ty, Val};
use tensor::{Shape, Tensor};

const COUNT: usize = 40_000;

/// What a composite makes of a key and a counter.
fn drawn(composite: impl Fn(&mut Builder, Val, Val) -> Val, key: [i32; 2], counter: i32) -> Vec<f64> {
    let mut b = Builder::new("random");
    let inputs = [b.data("key", Ty::i32([2])), b.data("counter", Ty::i32([]))];
    let result = composite(&mut b, inputs[0], inputs[1]);
    b.output("result", result);
    let arguments = [Tensor::from_fn([2], |i| key[i]), Tensor::scalar(counter)];
    Reference::evaluate(&b.finish(), &[&arguments[0], &arguments[1]]).unwrap()[0].to_f64_vec()
}

fn mean(elements: &[f64]) -> f64 {
    elements.iter().sum::<f64>() / elements.len() as f64
}

/// Dropout of ones.
fn dropped(rate: f64, key: [i32; 2], counter: i32) -> Vec<f64> {
    let dropout = |b: &mut Builder, key, counter| {
        let ones = b.splat(&Ty::f64([COUNT / 100, 100]), 1.0);
        b.dropout(ones, rate, key, counter)
    };
    drawn(dropout, key, counter)
}

#[test]
fn uniform_numbers_fill_the_unit_interval_evenly() {
    let numbers = drawn(|b, key, counter| b.uniform(key, counter, &Shape::from([COUNT])), [3, -7], 5);
    assert!(numbers.iter().all(|x| (0.0..1.0).contains(x)));
    // Five standard errors of mean and mean square.
    let error = 5.0 / (COUNT as f64).sqrt();
    assert!((mean(&numbers) - 0.5).abs() < error * (1.0f64 / 12.0).sqrt());
    let squares: Vec<f64> = numbers.iter().map(|x| x * x).collect();
    assert!((mean(&squares) - 1.0 / 3.0).abs() < error * (4.0f64 / 45.0).sqrt());
}

#[test]
fn dropout_keeps_the_share_and_the_mean() {
    for rate in [0.1, 0.5, 0.9] {
        let elements = dropped(rate, [1, 2], 0);
        let kept = 1.0 / (1.0 - rate);
        assert!(elements.iter().all(|&x| x == 0.0 || (x - kept).abs() < 1e-15));
        let deviation = kept * (rate * (1.0 - rate) / COUNT as f64).sqrt();
        assert!((mean(&elements) - 1.0).abs() < 5.0 * deviation, "{rate}: {}", mean(&elements));
    }
}

#[test]
fn key_and_counter_determine_what_is_dropped() {
    let first = dropped(0.5, [1, 2], 0);
    assert_eq!(first, dropped(0.5, [1, 2], 0));
    for (key, counter) in [([1, 2], 1), ([2, 1], 0), ([1, 3], 0)] {
        let other = dropped(0.5, key, counter);
        let equal = first.iter().zip(&other).filter(|(x, y)| x == y).count() as f64 / COUNT as f64;
        assert!((equal - 0.5).abs() < 5.0 * 0.5 / (COUNT as f64).sqrt(), "{equal}");
    }
}

#[test]
fn nothing_is_dropped_at_rate_0() {
    assert_eq!(dropped(0.0, [1, 2], 0), vec![1.0; COUNT]);
}

/// Each line of the golden file: a key, a counter, what is drawn, and the result.
fn golden_lines() -> impl Iterator<Item = ([i32; 2], i32, &'static str, Vec<&'static str>)> {
    include_str!("goldens/random.txt").lines().map(|line| {
        let mut words = line.split(' ');
        let [first, second, counter] = [(); 3].map(|()| words.next().unwrap().parse().unwrap());
        ([first, second], counter, words.next().unwrap(), words.collect())
    })
}

#[test]
fn another_implementation_drops_the_same_elements() {
    let mut checked = 0;
    for (key, counter, what, drawn_there) in golden_lines().filter(|(_, _, what, _)| *what != "uniform") {
        let (rate, kept): (f64, &str) = (what.parse().unwrap(), drawn_there[0]);
        let elements: Vec<f64> = (1..=kept.len()).map(|i| i as f64).collect();
        let expected: Vec<f64> = elements
            .iter()
            .zip(kept.chars())
            .map(|(x, kept)| if kept == '1' { x * (1.0 - rate).recip() } else { 0.0 })
            .collect();
        let dropout = |b: &mut Builder, key, counter| {
            let numbers = b.constant(Tensor::new([elements.len() / 5, 5], elements.clone()).unwrap());
            b.dropout(numbers, rate, key, counter)
        };
        assert_eq!(drawn(dropout, key, counter), expected, "{key:?} {counter} {rate}");
        checked += 1;
    }
    assert_eq!(checked, 12);
}

#[test]
fn another_implementation_draws_the_same_uniform_numbers() {
    for (key, counter, _, multiples) in golden_lines().filter(|(_, _, what, _)| *what == "uniform") {
        let expected: Vec<f64> =
            multiples.iter().map(|multiple| multiple.parse::<f64>().unwrap() * 2f64.powi(-24)).collect();
        let shape = Shape::from([expected.len()]);
        assert_eq!(drawn(|b, key, counter| b.uniform(key, counter, &shape), key, counter), expected);
    }
}
