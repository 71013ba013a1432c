//! What each primitive does to scales and signs of its operands.

use graph::{Graph, Prim, Val};
use num_rational::Ratio;

use super::{
    facts::{Fact, Facts},
    field::{Field, Parity},
};

/// How the factor of a result follows from those of the operands, element by element.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Rule<F> {
    /// The product of powers with these exponents, one for each operand: also where such products are summed.
    Product(Vec<F>),
    /// Operands and result have one factor.
    Same,
    /// Operands have one factor, and the result has none.
    Compare,
    /// Nothing may be scaled.
    Still,
    /// The result does not see the factors.
    Blind,
}

/// A kind of factor.
pub(crate) trait Law: Field {
    /// The rule of the application that defines `val`.
    fn rule(op: &Prim, operands: &[Val], facts: &Facts) -> Rule<Self>;
}

/// Rules that hold for scales and signs alike; `None` where they differ.
fn shared<F: Field>(op: &Prim, operands: usize) -> Option<Rule<F>> {
    let first = |count: usize| {
        let mut exponents = vec![F::ZERO; count];
        exponents[0] = F::ONE;
        Rule::Product(exponents)
    };
    Some(match op {
        Prim::Add(_) | Prim::Subtract(_) | Prim::Concatenate(_) | Prim::Pad(_) | Prim::Select(_) => {
            Rule::Same
        }
        Prim::Multiply(_) | Prim::DotGeneral(_) | Prim::Convolution(_) => Rule::Product(vec![F::ONE; 2]),
        Prim::Divide(_) => Rule::Product(vec![F::ONE, F::ONE.negative()]),
        Prim::Negate(_)
        | Prim::BroadcastInDim(_)
        | Prim::ReduceSum(_)
        | Prim::Reshape(_)
        | Prim::Transpose(_)
        | Prim::Reverse(_)
        | Prim::Slice(_)
        | Prim::WindowSum(_)
        | Prim::StopGradient(_)
        | Prim::Convert(_)
        | Prim::Gather(_)
        | Prim::ScatterAdd(_)
        | Prim::WindowGather(_)
        | Prim::WindowScatter(_) => first(operands),
        Prim::Constant(_)
        | Prim::Iota(_)
        | Prim::RandomBits(_)
        | Prim::Exp(_)
        | Prim::Log(_)
        | Prim::Log1p(_)
        | Prim::Logistic(_)
        | Prim::Cholesky(_)
        | Prim::TriangularSolve(_)
        | Prim::And(_)
        | Prim::Or(_)
        | Prim::Xor(_)
        | Prim::Not(_) => Rule::Still,
        Prim::Tanh(_)
        | Prim::Erf(_)
        | Prim::Sin(_)
        | Prim::Cos(_)
        | Prim::Abs(_)
        | Prim::Sign(_)
        | Prim::Sqrt(_)
        | Prim::Rsqrt(_)
        | Prim::Power(_)
        | Prim::Maximum(_)
        | Prim::Minimum(_)
        | Prim::ReduceMax(_)
        | Prim::WindowArgmax(_)
        | Prim::Compare(_) => return None,
    })
}

/// The exponent of a power, where it is one constant.
fn exponent(operands: &[Val], facts: &Facts) -> Option<f64> {
    match facts.of(*operands.get(1)?) {
        Fact::Uniform(exponent) => Some(exponent),
        Fact::Variable | Fact::Data | Fact::Varying => None,
    }
}

/// Exponents of positive factors.
impl Law for Ratio<i64> {
    fn rule(op: &Prim, operands: &[Val], facts: &Facts) -> Rule<Self> {
        if let Some(rule) = shared(op, operands.len()) {
            return rule;
        }
        let half = Self::new(1, 2);
        match op {
            Prim::Abs(_) | Prim::ReduceMax(_) => Rule::Product(vec![Self::ONE]),
            Prim::Sqrt(_) => Rule::Product(vec![half]),
            Prim::Rsqrt(_) => Rule::Product(vec![-half]),
            Prim::Power(_) => exponent(operands, facts)
                .and_then(Self::approximate_float)
                .map_or(Rule::Still, |exponent| Rule::Product(vec![exponent, Self::ZERO])),
            Prim::Maximum(_) | Prim::Minimum(_) => Rule::Same,
            Prim::Compare(_) | Prim::WindowArgmax(_) => Rule::Compare,
            Prim::Sign(_) => Rule::Blind,
            _ => Rule::Still,
        }
    }
}

/// Signs: whether a factor of −1 appears.
impl Law for Parity {
    fn rule(op: &Prim, operands: &[Val], facts: &Facts) -> Rule<Self> {
        if let Some(rule) = shared(op, operands.len()) {
            return rule;
        }
        match op {
            Prim::Tanh(_) | Prim::Erf(_) | Prim::Sin(_) | Prim::Sign(_) => Rule::Product(vec![Self::ONE]),
            Prim::Abs(_) | Prim::Cos(_) => Rule::Blind,
            Prim::Power(_) => match exponent(operands, facts) {
                Some(exponent) if exponent % 2.0 == 0.0 => Rule::Blind,
                Some(exponent) if (exponent % 2.0).abs() == 1.0 => Rule::Product(vec![Self::ONE, Self::ZERO]),
                _ => Rule::Still,
            },
            _ => Rule::Still,
        }
    }
}

/// Whether a value has a factor at all: numbers that are not zero everywhere.
pub(crate) fn has_factor(graph: &Graph, facts: &Facts, val: Val) -> bool {
    graph.ty(val).dtype.is_float() && !facts.is_zero(val)
}
