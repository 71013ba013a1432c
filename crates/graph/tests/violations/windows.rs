//! What convolutions and windows refuse.

use isoloss_graph::{
    Ty,
    ops::{Convolution, ImageAxes},
};

use super::{Violation, violation};

pub(super) fn all() -> Vec<Violation> {
    convolution_violations()
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
