//! An executor against the reference evaluator, node by node.

use std::collections::BTreeMap;

use isoloss::{
    graph::{Argument, Def, Diff, ExecError, Executor, Graph, Prim, Val},
    tensor::{DType, Tensor, parallel},
};

/// By how much more outputs may differ than single nodes. Ours: what one node rounds grows through those behind it.
pub(crate) const GROWTH: f64 = 100.0;

/// What was found.
pub(crate) struct Comparison {
    /// For each application, the largest difference from the reference on the same operands, relative to the size of
    /// the terms that are added up there.
    pub(crate) nodes: Vec<(Val, f64)>,
    /// For each output, by its position, the same between the run that computes only outputs and the one that returns
    /// every value.
    pub(crate) outputs: Vec<f64>,
    /// The first value with a NaN or an infinity whose operands had none. Constants make nothing.
    pub(crate) first_not_finite: Option<Val>,
}

/// The worst of one primitive.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Worst {
    /// The primitive.
    pub(crate) name: &'static str,
    /// Its applications.
    pub(crate) count: usize,
    /// The largest relative error.
    pub(crate) error: f64,
    /// Where it is.
    pub(crate) at: Val,
}

impl Comparison {
    /// Runs `graph` twice on the executor, once with every value as an output, and evaluates each node on the
    /// executor's own operands. So the error of a node is not that of those before it, and what fusing and planning
    /// break shows in the outputs.
    pub(crate) fn new(
        executor: &dyn Executor,
        graph: &Graph,
        arguments: &[Tensor],
    ) -> Result<Self, ExecError> {
        let run = |graph: &Graph| {
            executor.compile(graph, &[])?.run(arguments.iter().map(Argument::Borrowed).collect())
        };
        let outputs = run(graph)?;
        let values = run(&graph.with_every_value())?;
        let vals: Vec<Val> = graph.vals().collect();
        let errors = parallel::map(vals.len(), |i| Some((vals[i], node_error(graph, vals[i], &values)?)));
        let nodes = errors.into_iter().flatten().collect();
        let outputs = graph.outputs().iter().zip(&outputs).map(|(output, found)| {
            let expected = &values[output.val.position()];
            relative(found, expected, scale(graph, output.val, &values))
        });
        let first_not_finite = graph.vals().find(|&val| makes_not_finite(graph, val, &values));
        Ok(Self { nodes, outputs: outputs.collect(), first_not_finite })
    }

    /// The worst of each primitive, by its name.
    pub(crate) fn by_primitive(&self, graph: &Graph) -> Vec<Worst> {
        let mut worst: BTreeMap<&str, Worst> = BTreeMap::new();
        for &(at, error) in &self.nodes {
            let Def::Apply { op, .. } = graph.def(at) else { continue };
            let entry = worst.entry(op.name()).or_insert(Worst { name: op.name(), count: 0, error, at });
            entry.count += 1;
            if error > entry.error {
                (entry.error, entry.at) = (error, at);
            }
        }
        worst.into_values().collect()
    }

    /// The first node with a larger error.
    pub(crate) fn first_bad(&self, tolerance: f64) -> Option<Val> {
        self.nodes.iter().find(|(_, error)| *error > tolerance).map(|(val, _)| *val)
    }

    /// The first output with a larger error.
    pub(crate) fn first_bad_output(&self, tolerance: f64) -> Option<usize> {
        self.outputs.iter().position(|error| *error > tolerance * GROWTH)
    }
}

fn node_error(graph: &Graph, val: Val, values: &[Tensor]) -> Option<f64> {
    let Def::Apply { op, operands } = graph.def(val) else { return None };
    let expected = op.eval(&tensors(operands, values));
    Some(relative(&values[val.position()], &expected, scale(graph, val, values)))
}

fn tensors<'a>(operands: &[Val], values: &'a [Tensor]) -> Vec<&'a Tensor> {
    operands.iter().map(|operand| &values[operand.position()]).collect()
}

/// The size of what is added up in a value: of the value itself, and of the same primitive on absolute values where it
/// is a sum. A sum whose terms cancel is not wrong for being far from zero by their rounding.
fn scale(graph: &Graph, val: Val, values: &[Tensor]) -> f64 {
    let own = largest(&values[val.position()]);
    let Def::Apply { op, operands } = graph.def(val) else { return own };
    if !adds_up(op) {
        return own;
    }
    let absolute: Vec<Tensor> = tensors(operands, values).into_iter().map(absolute).collect();
    own.max(largest(&op.eval(&absolute.iter().collect::<Vec<_>>())))
}

/// Whether a primitive is a sum of products of its operands, or picks among them.
fn adds_up(op: &Prim) -> bool {
    let additive = !matches!(op, Prim::Add(_) | Prim::Subtract(_) | Prim::Negate(_));
    additive && matches!(op.diff(), Diff::Linear(_) | Diff::Bilinear(_) | Diff::LinearIn(..))
}

fn absolute(tensor: &Tensor) -> Tensor {
    let shape = tensor.shape().clone();
    let values = || tensor.to_f64_vec();
    match tensor.dtype() {
        DType::F32 => Tensor::from_fn(shape, {
            let v = values();
            move |i| v[i].abs() as f32
        }),
        DType::F64 => Tensor::from_fn(shape, {
            let v = values();
            move |i| v[i].abs()
        }),
        DType::I32 | DType::Bool => tensor.clone(),
    }
}

/// The largest finite magnitude.
fn largest(tensor: &Tensor) -> f64 {
    tensor.to_f64_vec().into_iter().filter(|x| x.is_finite()).fold(0.0, |most, x| most.max(x.abs()))
}

/// The largest difference relative to `scale`. NaN equals NaN, and an infinity itself; anything else beside them is
/// infinitely wrong, and so are integers and truth values that differ.
fn relative(found: &Tensor, expected: &Tensor, scale: f64) -> f64 {
    let pairs = found.to_f64_vec().into_iter().zip(expected.to_f64_vec());
    let exact = !expected.dtype().is_float();
    pairs.map(|(found, expected)| difference(found, expected, exact, scale)).fold(0.0, f64::max)
}

fn difference(found: f64, expected: f64, exact: bool, scale: f64) -> f64 {
    if found == expected || (found.is_nan() && expected.is_nan()) {
        return 0.0;
    }
    let difference = (found - expected).abs();
    if exact || !difference.is_finite() { f64::INFINITY } else { difference / scale }
}

fn makes_not_finite(graph: &Graph, val: Val, values: &[Tensor]) -> bool {
    let finite = |val: Val| values[val.position()].first_non_finite().is_none();
    let Def::Apply { operands, .. } = graph.def(val) else { return !finite(val) };
    let makes = !operands.is_empty() && operands.iter().all(|&operand| finite(operand));
    makes && !finite(val)
}

#[cfg(test)]
mod tests {
    use isoloss::graph::{Builder, Donation, Executable, Reference, Ty};

    use super::*;

    /// An executor that adds `error` to the first element of every tanh.
    struct Wrong(f32);

    struct WrongRun(Graph, f32);

    impl Executor for Wrong {
        fn name(&self) -> String {
            "wrong".to_owned()
        }

        fn compile(&self, graph: &Graph, _: &[Donation]) -> Result<Box<dyn Executable>, ExecError> {
            Ok(Box::new(WrongRun(graph.clone(), self.0)))
        }
    }

    impl Executable for WrongRun {
        fn run(&mut self, arguments: Vec<Argument<'_>>) -> Result<Vec<Tensor>, ExecError> {
            let mut values: Vec<Tensor> = Vec::new();
            for val in self.0.vals() {
                let mut value = match self.0.def(val) {
                    Def::Input(position) => arguments[*position].tensor().clone(),
                    Def::Apply { op, operands } => op.eval(&tensors(operands, &values)),
                };
                if let Def::Apply { op: Prim::Tanh(_), .. } = self.0.def(val) {
                    value.as_mut_slice::<f32>().unwrap()[0] += self.1;
                }
                values.push(value);
            }
            Ok(self.0.outputs().iter().map(|output| values[output.val.position()].clone()).collect())
        }

        fn workspace_bytes(&self) -> usize {
            0
        }

        fn result_bytes(&self) -> usize {
            0
        }
    }

    fn graph() -> (Graph, Val) {
        let mut b = Builder::new("g");
        let x = b.data("x", Ty::f32([2, 3]));
        let e = b.exp(x);
        let t = b.tanh(e);
        let s = b.reduce_sum(t, &[0, 1]);
        b.output("s", s);
        (b.finish(), t)
    }

    fn compare(executor: &dyn Executor, x: [f32; 6]) -> Comparison {
        Comparison::new(executor, &graph().0, &[Tensor::new([2, 3], x.to_vec()).unwrap()]).unwrap()
    }

    #[test]
    fn a_wrong_primitive_is_named_and_those_behind_it_are_not() {
        let found = compare(&Wrong(1e-2), [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]);
        assert_eq!(found.first_bad(1e-5), Some(graph().1));
        let bad: Vec<&str> = found
            .by_primitive(&graph().0)
            .iter()
            .filter(|row| row.error > 1e-5)
            .map(|row| row.name)
            .collect();
        assert_eq!(bad, ["tanh"]);
    }

    #[test]
    fn the_reference_agrees_with_itself_even_where_it_is_not_finite() {
        let found = compare(&Reference, [0.0, f32::NAN, f32::INFINITY, 200.0, -1.0, f32::NEG_INFINITY]);
        assert_eq!(found.first_bad(0.0), None);
        assert_eq!(found.outputs, [0.0]);
    }

    #[test]
    fn sums_that_cancel_are_judged_by_their_terms() {
        let mut b = Builder::new("g");
        let x = b.data("x", Ty::f32([4]));
        let s = b.reduce_sum(x, &[0]);
        b.output("s", s);
        let (graph, values) =
            (b.finish(), [Tensor::new([4], vec![1e3f32, 1.0, -1e3, -1.0]).unwrap(), Tensor::scalar(0f32)]);
        assert_eq!(scale(&graph, s, &values), 2002.0);
    }

    #[test]
    fn a_number_beside_a_nan_and_another_integer_are_infinitely_wrong() {
        assert_eq!(difference(1.0, f64::NAN, false, 1.0), f64::INFINITY);
        assert_eq!(difference(f64::INFINITY, f64::NEG_INFINITY, false, 1.0), f64::INFINITY);
        assert_eq!(difference(3.0, 4.0, true, 1e9), f64::INFINITY);
        assert_eq!(difference(1.5, 1.0, false, 2.0), 0.25);
    }
}
