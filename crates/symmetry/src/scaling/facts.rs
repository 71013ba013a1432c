//! What is known of values without running a graph: which are constants, and of what kind.

use graph::{Def, Graph, Prim, Role, Val};
use tensor::{Buffer, Tensor};

/// A value, as far as scales and signs go.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fact {
    /// It depends on a parameter or a state.
    Variable,
    /// It depends on data alone.
    Data,
    /// A constant of this number alone.
    Uniform(f64),
    /// Any other constant.
    Varying,
}

/// The largest number that counts as an epsilon, added to keep a divisor from zero: 1e-3. Ours: those in use are 1e-3 (early
/// batch normalisation in TensorFlow) and smaller.
const LARGEST_EPSILON: f64 = 1e-3;

/// What is known of every value of a graph.
pub(crate) struct Facts {
    facts: Vec<Fact>,
    epsilons: Vec<bool>,
}

impl Facts {
    pub(crate) fn new(graph: &Graph) -> Self {
        let mut facts: Vec<Fact> = Vec::with_capacity(graph.len());
        for val in graph.vals() {
            let fact = match graph.def(val) {
                Def::Input(position) if graph.inputs()[*position].role == Role::Data => Fact::Data,
                Def::Input(_) => Fact::Variable,
                Def::Apply { op, operands } => {
                    let operands: Vec<Fact> =
                        operands.iter().map(|operand| facts[operand.position()]).collect();
                    fact(op, &operands)
                }
            };
            facts.push(fact);
        }
        let epsilons = epsilons(graph, &facts);
        Self { facts, epsilons }
    }

    pub(crate) fn of(&self, val: Val) -> Fact {
        self.facts[val.position()]
    }

    /// Whether the value is zero everywhere, which no scale and no sign changes.
    pub(crate) fn is_zero(&self, val: Val) -> bool {
        self.of(val) == Fact::Uniform(0.0)
    }

    /// Whether the value may have factors; others have none.
    pub(crate) fn is_variable(&self, val: Val) -> bool {
        self.of(val) == Fact::Variable
    }

    /// Whether the value is a sum, or a maximum, of something with an epsilon.
    pub(crate) fn has_epsilon(&self, val: Val) -> bool {
        self.epsilons[val.position()]
    }
}

fn fact(op: &Prim, operands: &[Fact]) -> Fact {
    match (op, operands) {
        (Prim::Constant(constant), _) => uniform(&constant.value).map_or(Fact::Varying, Fact::Uniform),
        (Prim::Iota(_), _) => Fact::Varying,
        (
            Prim::BroadcastInDim(_)
            | Prim::Reshape(_)
            | Prim::Transpose(_)
            | Prim::Slice(_)
            | Prim::Reverse(_)
            | Prim::StopGradient(_)
            | Prim::Convert(_),
            [one],
        ) => *one,
        (Prim::Negate(_), [Fact::Uniform(x)]) => Fact::Uniform(-x),
        (Prim::Multiply(_), [Fact::Uniform(x), Fact::Uniform(y)]) => Fact::Uniform(x * y),
        _ if operands.contains(&Fact::Variable) => Fact::Variable,
        _ if operands.contains(&Fact::Data) => Fact::Data,
        _ => Fact::Varying,
    }
}

/// The number that all elements are.
fn uniform(tensor: &Tensor) -> Option<f64> {
    fn all_equal<T: PartialEq + Copy>(values: &[T]) -> Option<T> {
        let first = *values.first()?;
        values.iter().all(|value| *value == first).then_some(first)
    }
    match tensor.buffer() {
        Buffer::F32(values) => all_equal(values).map(f64::from),
        Buffer::F64(values) => all_equal(values),
        Buffer::I32(values) => all_equal(values).map(f64::from),
        Buffer::Bool(values) => all_equal(values).map(|value| f64::from(u8::from(value))),
    }
}

/// The sums and maxima with a small positive number that are divided by, or whose root is.
fn epsilons(graph: &Graph, facts: &[Fact]) -> Vec<bool> {
    let mut divides = vec![true; graph.len()];
    let mut is_used = vec![false; graph.len()];
    for val in graph.vals() {
        let Def::Apply { op, operands } = graph.def(val) else { continue };
        for (position, operand) in operands.iter().enumerate() {
            let divided = match op {
                Prim::Sqrt(_) | Prim::Rsqrt(_) => true,
                Prim::Divide(_) => position == 1,
                Prim::Power(_) => position == 0,
                // What is broadcast or reshaped is used where the copy is.
                _ => false,
            };
            divides[operand.position()] &= divided;
            is_used[operand.position()] = true;
        }
    }
    let is_small =
        |val: &Val| matches!(facts[val.position()], Fact::Uniform(x) if 0.0 < x && x <= LARGEST_EPSILON);
    let has_one = |val: Val| match graph.def(val) {
        Def::Apply { op: Prim::Add(_) | Prim::Maximum(_), operands } => operands.iter().any(is_small),
        _ => false,
    };
    graph.vals().map(|val| is_used[val.position()] && divides[val.position()] && has_one(val)).collect()
}

#[cfg(test)]
mod tests {
    use graph::{Builder, Ty};

    use super::*;

    #[test]
    fn constants_are_followed_through_copies() {
        let mut b = Builder::new("constants");
        let x = b.parameter("x", Ty::f64([2, 3]));
        let zero = b.splat_like(x, 0.0);
        let ramp = b.iota(tensor::DType::F64, &[2, 3].into(), 1);
        let two = b.splat_like(x, -2.0);
        let four = b.multiply(two, two);
        let sum = b.add(x, four);
        b.output("sum", sum);
        let graph = b.finish();
        let facts = Facts::new(&graph);
        assert!(
            facts.is_zero(zero) && facts.of(ramp) == Fact::Varying && facts.of(four) == Fact::Uniform(4.0)
        );
        assert!(facts.of(sum) == Fact::Variable && !facts.has_epsilon(sum));
        assert!(facts.is_variable(x) && !facts.is_variable(four));
    }

    #[test]
    fn an_epsilon_is_a_small_number_under_a_root_or_a_fraction_line() {
        let mut b = Builder::new("epsilon");
        let x = b.parameter("x", Ty::f64([2]));
        let (small, large) = (b.splat_like(x, 1e-5), b.splat_like(x, 0.5));
        let [with_small, with_large] = [small, large].map(|number| b.add(x, number));
        let other = b.add(small, x);
        let outputs = [b.rsqrt(with_small), b.rsqrt(with_large), b.exp(other)];
        outputs.into_iter().enumerate().for_each(|(i, output)| b.output(i.to_string(), output));
        let graph = b.finish();
        let facts = Facts::new(&graph);
        assert!(facts.has_epsilon(with_small));
        assert!(!facts.has_epsilon(with_large) && !facts.has_epsilon(other));
    }
}
