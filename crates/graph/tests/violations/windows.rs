//! What convolutions and windows refuse.

use isoloss_graph::{
    Prim, Ty,
    ops::{Convolution, ImageAxes, Window, WindowArgmax, WindowGather, WindowScatter, WindowSum},
};

use super::{Violation, violation};

pub(super) fn all() -> Vec<Violation> {
    [convolution_violations(), sliding_violations(), choice_violations()].concat()
}

/// What all windows have in common.
fn sliding_violations() -> Vec<Violation> {
    let (x, numbers, results) = (Ty::f32([5, 6]), Ty::i32([5, 6]), Ty::i32([4, 6]));
    let truth = Ty::bool([5, 6]);
    let ops = |windows: &[Window]| -> [(Prim, Vec<Ty>); 4] {
        let (windows, updates) = (windows.to_vec(), Ty::f32([4, 6]));
        [
            (WindowSum { windows: windows.clone() }.into(), vec![x.clone()]),
            (WindowArgmax { windows: windows.clone() }.into(), vec![x.clone()]),
            (WindowGather { windows: windows.clone() }.into(), vec![x.clone(), results.clone()]),
            (WindowScatter { windows, shape: [5, 6].into() }.into(), vec![updates, results.clone()]),
        ]
    };
    let mut violations = Vec::new();
    let pair = Window::sliding(2, 1, 0);
    for (op, operands) in ops(&[pair, Window::POINT]) {
        let others = operands[1..].to_vec();
        violations.push(violation("C1", op.clone(), &[]));
        violations.push(violation("C1", op.clone(), &[operands.clone(), vec![numbers.clone()]].concat()));
        violations.push(violation("C2", op, &[vec![truth.clone()], others].concat()));
    }
    violations.extend(ops(&[pair]).map(|(op, operands)| violation("C3", op, &operands)));
    let far = Window { low: i64::MAX, ..pair };
    for windows in [[Window::sliding(2, 0, 0), pair], [pair, far]] {
        violations.extend(ops(&windows).map(|(op, operands)| violation("C4", op, &operands)));
    }
    violations
}

/// What windows whose positions have numbers refuse besides.
fn choice_violations() -> Vec<Violation> {
    let (x, results, pair) = (Ty::f32([5]), Ty::i32([4]), Window::sliding(2, 1, 0));
    let argmax = |window| WindowArgmax { windows: vec![window] };
    let gather = |window| WindowGather { windows: vec![window] };
    let scatter = |window, size: usize| WindowScatter { windows: vec![window], shape: [size].into() };
    let (dilated, spread) = (Window { dilation: 2, ..pair }, Window { base_dilation: 2, ..pair });
    let huge = Window { size: 1 << 31, ..pair };
    let one = std::slice::from_ref(&x);
    vec![
        violation("C4", argmax(dilated), one),
        violation("C4", argmax(spread), one),
        violation("C4", gather(dilated), &[x.clone(), Ty::i32([3])]),
        violation("C4", scatter(spread, 5), &[Ty::f32([8]), Ty::i32([8])]),
        violation("C5", argmax(huge), one),
        violation("C5", gather(huge), &[x.clone(), results.clone()]),
        violation("C5", scatter(huge, 5), &[Ty::f32([4]), results.clone()]),
        violation("C6", argmax(Window { low: 2, ..pair }), one),
        violation("C6", argmax(Window { high: 2, ..pair }), one),
        violation("C6", argmax(Window::sliding(0, 1, 0)), one),
        violation("C6", argmax(Window::sliding(2, 1, 1)), &[Ty::f32([0])]),
        violation("C6", gather(pair), &[x.clone(), Ty::i32([5])]),
        violation("C6", scatter(pair, 5), &[x, results.clone()]),
        violation("C6", scatter(pair, 6), &[Ty::f32([4]), results]),
    ]
}

fn convolution_violations() -> Vec<Violation> {
    let (x, w) = (Ty::f32([4, 5, 6]), Ty::f32([4, 6, 3]));
    let both = [x.clone(), w.clone()];
    let plain = || Convolution::new(1);
    let repeated = ImageAxes { batch: 0, feature: 0, spatial: vec![1] };
    let groups = |feature_groups, batch_groups| Convolution { feature_groups, batch_groups, ..plain() };
    let mut violations = vec![
        violation("C1", plain(), std::slice::from_ref(&x)),
        violation("C2", plain(), &[x.clone(), Ty::f64([4, 6, 3])]),
        violation("C2", plain(), &[Ty::i32([4, 5, 6]), Ty::i32([4, 6, 3])]),
        violation("C3", Convolution::new(2), &both),
        violation("C3", plain(), &[x.clone(), Ty::f32([4, 6])]),
        violation("C3", Convolution { lhs: repeated.clone(), ..plain() }, &both),
        violation("C3", Convolution { out: repeated, ..plain() }, &both),
        violation("C3", Convolution { out: ImageAxes::features_last(2), ..plain() }, &both),
        violation("C3", Convolution::new(11), &[Ty::f32([1; 13]), Ty::f32([1; 13])]),
        violation("C5", groups(0, 1), &both),
        violation("C5", groups(1, 0), &both),
        violation("C5", groups(2, 2), &both),
        violation("C6", groups(2, 1), &both),
        violation("C6", plain(), &[x.clone(), Ty::f32([4, 5, 3])]),
        violation("C6", groups(usize::MAX, 1), &both),
        violation("C7", groups(2, 1), &[x.clone(), Ty::f32([3, 3, 3])]),
        violation("C7", groups(1, 2), &[Ty::f32([3, 5, 6]), w.clone()]),
        violation("C7", groups(1, 2), &[x.clone(), Ty::f32([3, 6, 3])]),
        violation("C8", Convolution { strides: vec![0], ..plain() }, &both),
        violation("C8", Convolution { low: vec![i64::MIN], ..plain() }, &both),
        violation("C8", Convolution { high: vec![i64::MAX], ..plain() }, &both),
        violation("C8", Convolution { lhs_dilation: vec![1 << 31], ..plain() }, &both),
        violation("C8", Convolution { rhs_dilation: vec![0], ..plain() }, &both),
    ];
    let lists = [
        Convolution { strides: vec![], ..plain() },
        Convolution { low: vec![0, 0], ..plain() },
        Convolution { high: vec![], ..plain() },
        Convolution { lhs_dilation: vec![], ..plain() },
        Convolution { rhs_dilation: vec![1, 1], ..plain() },
        Convolution { reversal: vec![], ..plain() },
    ];
    violations.extend(lists.map(|op| violation("C4", op, &both)));
    violations
}
