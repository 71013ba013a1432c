//! Sums, maxima and choices over windows: numbers worked out by hand.

use isoloss_graph::{
    Attr, AttributeError, Builder, Prim, Reference, Ty, Val,
    ops::{Window, WindowArgmax, WindowGather, WindowScatter, WindowSum},
};
use tensor::{DType, Element, Tensor};

const NAN: f64 = f64::NAN;

fn vector<T: Element>(elements: &[T]) -> Tensor {
    Tensor::from_fn([elements.len()], |i| elements[i])
}

fn eval(op: impl Into<Prim>, operands: &[Tensor]) -> Tensor {
    let op = op.into();
    let types: Vec<Ty> = operands.iter().map(Ty::of).collect();
    let expected = op.out_type(&types.iter().collect::<Vec<_>>()).expect("the operands fit");
    let result = op.eval(&operands.iter().collect::<Vec<_>>());
    assert_eq!(Ty::of(&result), expected, "{}", op.name());
    result
}

const X: [i32; 5] = [1, 20, 300, 4000, 50_000];

#[test]
fn windows_are_summed_where_they_have_elements() {
    let sums = |window| {
        let op = WindowSum { windows: vec![window] };
        let single = eval(op.clone(), &[vector(&X).convert(DType::F32)]);
        let sums = eval(op, &[vector(&X)]);
        assert_eq!(single.to_f64_vec(), sums.to_f64_vec());
        sums
    };
    assert_eq!(sums(Window::sliding(2, 1, 0)), vector(&[21, 320, 4300, 54_000]));
    assert_eq!(sums(Window::sliding(3, 2, 1)), vector(&[21, 4320, 54_000]));
    assert_eq!(sums(Window::sliding(2, 2, -1)), vector(&[320]));
    assert_eq!(sums(Window { dilation: 3, ..Window::sliding(2, 1, 0) }), vector(&[4001, 50_020]));
    assert_eq!(sums(Window { base_dilation: 2, ..Window::sliding(2, 4, 0) }), vector(&[1, 300]));
    assert_eq!(sums(Window::sliding(0, 3, 0)), vector(&[0, 0]));
    assert_eq!(sums(Window::sliding(6, 1, 0)), vector::<i32>(&[]));
}

#[test]
fn windows_of_several_axes_are_boxes() {
    let x = Tensor::from_fn([3, 4], |i| i as i32);
    let windows = vec![Window::sliding(2, 1, 0), Window::sliding(2, 2, 0)];
    let expected = Tensor::new([2, 2], vec![1 + 4 + 5, 2 + 3 + 6 + 7, 4 + 5 + 8 + 9, 6 + 7 + 10 + 11]);
    assert_eq!(eval(WindowSum { windows }, &[x]), expected.expect("four elements"));
    let none = WindowSum { windows: Vec::new() };
    assert_eq!(eval(none, &[Tensor::scalar(3.0)]), Tensor::scalar(3.0));
}

fn argmax(x: &Tensor, windows: &[Window]) -> Tensor {
    eval(WindowArgmax { windows: windows.to_vec() }, std::slice::from_ref(x))
}

#[test]
fn the_first_maximum_or_the_first_nan_is_found() {
    let found = |x: &[f64], window| argmax(&vector(x), &[window]);
    let triple = Window::sliding(3, 1, 0);
    assert_eq!(found(&[1.0, 3.0, 3.0, 2.0], triple), vector(&[1, 0]));
    assert_eq!(found(&[1.0, NAN, 3.0, NAN, 0.0], triple), vector(&[1, 0, 1]));
    assert_eq!(found(&[-0.0, 0.0, -0.0], triple), vector(&[0]));
    let low = f64::NEG_INFINITY;
    assert_eq!(found(&[low, low], Window::sliding(2, 1, 1)), vector(&[1, 0, 0]));
    assert_eq!(argmax(&vector(&[i32::MIN, 5, 5]), &[Window::sliding(2, 1, 1)]), vector(&[1, 1, 0, 0]));
}

#[test]
fn positions_are_numbered_row_by_row() {
    let x = Tensor::new([2, 4], vec![1.0f32, 5.0, 2.0, 3.0, 4.0, 0.0, 8.0, 9.0]).expect("eight elements");
    let windows = [Window::sliding(2, 2, 0), Window::sliding(2, 2, 0)];
    let positions = argmax(&x, &windows);
    assert_eq!(positions, Tensor::new([1, 2], vec![1, 3]).expect("two elements"));
    let maxima = eval(WindowGather { windows: windows.to_vec() }, &[x, positions]);
    assert_eq!(maxima, Tensor::new([1, 2], vec![5.0f32, 9.0]).expect("two elements"));
}

#[test]
fn positions_outside_read_zero_and_add_nothing() {
    let windows = vec![Window::sliding(2, 1, 1)];
    let positions = vector(&[0, 1, 2, -1, 0, 1]);
    let found = eval(WindowGather { windows: windows.clone() }, &[vector(&X), positions.clone()]);
    // Windows (-, 1), (1, 20), (20, 300), (300, 4000), (4000, 50000) and (50000, -).
    assert_eq!(found, vector(&[0, 20, 0, 0, 4000, 0]));
    let scatter = WindowScatter { windows, shape: [5].into() };
    let sums = eval(scatter, &[vector(&[1.0f32, 2.0, 4.0, 8.0, 16.0, 32.0]), positions]);
    assert_eq!(sums, vector(&[0.0f32, 2.0, 0.0, 16.0, 0.0]));
}

#[test]
fn what_meets_at_one_element_is_added_in_the_order_of_the_windows() {
    let scatter = WindowScatter { windows: vec![Window::sliding(3, 1, 1)], shape: [3].into() };
    let updates = [1e16, 1.0, -1e16];
    let sums = eval(scatter, &[vector(&updates), vector(&[2, 1, 0])]);
    assert_eq!(sums, vector(&[0.0, (1e16 + 1.0) - 1e16, 0.0]));
}

#[test]
fn lists_of_different_lengths_make_no_windows() {
    let windows = vec![Window::sliding(2, 1, 0)];
    let op = Prim::from(WindowScatter { windows, shape: [3].into() });
    for name in ["strides", "low", "high"] {
        let with_list = |(key, value): (&'static str, Attr)| {
            (key.to_owned(), if key == name { Attr::Ints(vec![1, 1]) } else { value })
        };
        let attributes = op.attributes().into_iter().map(with_list).collect();
        let error = Prim::from_attributes("window_scatter", attributes).expect_err("the lists differ");
        assert!(matches!(error, AttributeError::Malformed { name: found, .. } if found == name), "{error}");
    }
}

fn pooled(x: &Tensor, pool: impl FnOnce(&mut Builder, Val) -> Val) -> Tensor {
    let mut b = Builder::new("pool");
    let input = b.data("x", Ty::of(x));
    let y = pool(&mut b, input);
    b.output("y", y);
    Reference::evaluate(&b.finish(), &[x]).expect("the argument fits").remove(0)
}

#[test]
fn pools_slide_over_the_axes_between_examples_and_channels() {
    // Channel 0 counts up, channel 1 down.
    let x =
        Tensor::from_fn([1, 3, 3, 2], |i| if i % 2 == 0 { i as f64 / 2.0 } else { -(i as f64 - 1.0) / 2.0 });
    let windows = [Window::sliding(2, 2, 1), Window::sliding(2, 1, 0)];
    let largest = pooled(&x, |b, x| b.max_pool(x, &windows));
    assert_eq!(
        largest,
        Tensor::new([1, 2, 2, 2], vec![1.0, 0.0, 2.0, -1.0, 7.0, -3.0, 8.0, -4.0]).expect("eight")
    );
    let means = pooled(&x, |b, x| b.average_pool(x, &windows));
    assert_eq!(
        means,
        Tensor::new([1, 2, 2, 2], vec![0.25, -0.25, 0.75, -0.75, 5.0, -5.0, 6.0, -6.0]).expect("eight")
    );
}
