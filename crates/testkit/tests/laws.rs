//! The laws of derivatives over every primitive and over random composite graphs, and proof that wrong rules are
//! caught.

use std::collections::BTreeSet;

use graph::{Builder, Case, Diff, Jvp, Operand, Prim, Reference, Transpose, Ty, Val};
use isoloss_testkit::{composite, laws, sample};
use tensor::{Key, Tensor};
use transform::{Rules, jvp};

fn check_cases(rules: Rules, cases: impl IntoIterator<Item = Case>) -> Result<(), laws::Violation> {
    for case in cases {
        let graph = laws::case_graph(&case);
        let key = Key::new(11).child(case.name);
        laws::all(rules, &graph, &sample::operands(&case, key), key.child("laws"))?;
    }
    Ok(())
}

fn check_composites(rules: Rules, count: u64) -> Result<(), laws::Violation> {
    for seed in 0..count {
        let key = Key::new(seed);
        let graph = composite::random_graph(key, 6);
        let point: Vec<Tensor> =
            (0..3).map(|k| sample::normal(&Ty::f64([3, 3]), key.child("point").fold(k))).collect();
        laws::all(rules, &graph, &point, key.child("laws"))?;
    }
    Ok(())
}

#[test]
fn every_primitive_obeys_the_laws_to_second_order() {
    check_cases(Rules::own(), Prim::cases()).unwrap();
}

#[test]
fn random_composite_graphs_obey_the_laws_to_second_order() {
    check_composites(Rules::own(), 40).unwrap();
}

#[test]
fn every_primitive_has_cases_or_defines_its_derivative_at_kinks() {
    let cases = Prim::cases().into_iter().map(|case| case.op.name());
    let covered: BTreeSet<&str> = cases.chain(Prim::kinks().into_iter().map(|kink| kink.op.name())).collect();
    let all: BTreeSet<&str> = Prim::NAMES.iter().copied().collect();
    assert_eq!(covered, all);
}

#[test]
fn the_type_rule_gives_the_type_of_the_evaluated_result() {
    for case in Prim::cases() {
        let operands = sample::operands(&case, Key::new(3));
        let types: Vec<&Ty> = case.operands.iter().map(|(ty, _)| ty).collect();
        let result = case.op.eval(&operands.iter().collect::<Vec<_>>());
        assert_eq!(case.op.out_type(&types).unwrap(), Ty::of(&result), "{}", case.name);
    }
}

#[test]
fn derivatives_at_kinks_are_the_documented_ones() {
    for kink in Prim::kinks() {
        let mut b = Builder::new(kink.name);
        let inputs: Vec<Val> =
            kink.operands.iter().enumerate().map(|(k, x)| b.data(format!("x{k}"), Ty::of(x))).collect();
        let result = b.apply(kink.op.clone(), &inputs);
        b.output("result", result);
        let graph = b.finish();
        let wrt = laws::float_inputs(&graph);
        let tangents = wrt.iter().map(|&k| &kink.tangents[k]);
        let arguments: Vec<&Tensor> = kink.operands.iter().chain(tangents).collect();
        let results = Reference::evaluate(&jvp(&graph, &wrt), &arguments).unwrap();
        assert_eq!(results[1], kink.expected, "{}", kink.name);
    }
}

/// `d tanh(x) = (1 + tanh(x)²) dx`: wrong, and consistent between forward and reverse mode.
struct WrongTanh;

impl Jvp for WrongTanh {
    fn jvp(&self, b: &mut Builder, _: &[Val], result: Val, dx: &[Option<Val>]) -> Option<Val> {
        let one = b.splat_like(result, 1.0);
        let square = b.multiply(result, result);
        let slope = b.add(one, square);
        dx[0].map(|dx| b.multiply(slope, dx))
    }
}

/// The cotangent of a negation without its sign: used by derivative code alone.
struct WrongNegate;

impl Transpose for WrongNegate {
    fn transpose(&self, _: &mut Builder, ct: Val, operands: &[Operand]) -> Vec<Option<Val>> {
        vec![operands[0].linear().map(|_| ct)]
    }
}

/// The cotangent of a product twice too large.
struct WrongMultiply;

impl Transpose for WrongMultiply {
    fn transpose(&self, b: &mut Builder, ct: Val, operands: &[Operand]) -> Vec<Option<Val>> {
        let ct = b.scale(ct, 2.0);
        graph::ops::Multiply.transpose(b, ct, operands)
    }
}

/// A maximum that forgets its second operand.
struct WrongMaximum;

impl Jvp for WrongMaximum {
    fn jvp(&self, _: &mut Builder, _: &[Val], _: Val, dx: &[Option<Val>]) -> Option<Val> {
        dx[0]
    }
}

fn wrong_tanh(op: &Prim) -> Diff<'_> {
    if matches!(op, Prim::Tanh(_)) { Diff::Smooth(&WrongTanh) } else { op.diff() }
}

fn wrong_negate(op: &Prim) -> Diff<'_> {
    if matches!(op, Prim::Negate(_)) { Diff::Linear(&WrongNegate) } else { op.diff() }
}

fn wrong_multiply(op: &Prim) -> Diff<'_> {
    if matches!(op, Prim::Multiply(_)) { Diff::Bilinear(&WrongMultiply) } else { op.diff() }
}

fn wrong_maximum(op: &Prim) -> Diff<'_> {
    if matches!(op, Prim::Maximum(_)) { Diff::Smooth(&WrongMaximum) } else { op.diff() }
}

/// An exponential declared constant.
fn wrong_exponential(op: &Prim) -> Diff<'_> {
    if matches!(op, Prim::Exp(_)) { Diff::Zero } else { op.diff() }
}

#[test]
fn planted_wrong_rules_are_caught() {
    let law = |rules, name: &str| {
        let own = Prim::cases().into_iter().filter(|case| case.op.name() == name);
        check_cases(rules, own).unwrap_err().law
    };
    assert_eq!(law(Rules::planted(wrong_tanh), "tanh"), "central differences");
    assert_eq!(law(Rules::planted(wrong_negate), "negate"), "adjoint identity");
    assert_eq!(law(Rules::planted(wrong_multiply), "multiply"), "adjoint identity");
    assert_eq!(law(Rules::planted(wrong_maximum), "maximum"), "central differences");
    assert_eq!(law(Rules::planted(wrong_exponential), "exp"), "central differences");
    for mutant in [Rules::planted(wrong_tanh), Rules::planted(wrong_negate), Rules::planted(wrong_multiply)] {
        assert!(check_composites(mutant, 40).is_err(), "composite graphs catch it too");
    }
}
