//! What biases lose so that a change of other parameters changes nothing: a program of parameters and of the changes.

use std::collections::{BTreeMap, BTreeSet};

use graph::{Def, Graph, Prim, Ty, Val, ops};
use tensor::{DType, Shape};

use super::{
    absorbed::axes_of_result,
    candidates::{Place, Solution},
    form::Along,
    known::Known,
    sums::{ConstantSum, Vector, Weight},
    thin::Thin,
    traces::{Touched, Traces},
    walk::Walk,
};
use crate::scaling::Fact;

/// What a translation adds to parameters that follows from others: to biases, so that they make up for what the translation changes in
/// front of them, and in which proportions it adds to indices along [`super::Reach::Weighed`] axes.
#[derive(Clone, Debug, PartialEq)]
pub struct Compensation {
    /// The biases that make up for something.
    pub parameters: Vec<String>,
    /// The weights of indices, each by what it is in words, as `1 / ln_1.weight`.
    pub weights: Vec<String>,
    /// What the program takes.
    pub(super) arguments: Vec<Argument>,
    /// Its results are what is added to each bias, and the weights, vectors of which the largest magnitude is 1; all in `f64`.
    pub(super) program: Graph,
}

/// What a program takes.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Argument {
    /// A parameter, or a state, as it is.
    Given(String, Shape),
    /// What is added to a parameter, of this shape: of size 1 along an axis whose indices have weights.
    Change(String, Shape),
}

/// The compensation of solutions that are told together; `Some(None)` where they need none, and `None` where it cannot be computed: where
/// what arrives at a bias depends on data on its way.
pub(super) fn compensation(traces: &Traces<'_>, solutions: &[&Solution]) -> Option<Option<Compensation>> {
    let touched = traces.of(solutions);
    // What a bias does not take over it would lose, too.
    if touched.absorbed.intersection(&touched.rest).next().is_some() {
        return None;
    }
    let numbers = weights(solutions);
    if touched.absorbed.is_empty() && numbers.is_empty() {
        return Some(None);
    }
    let compiler = Compiler {
        walk: traces.walk,
        known: traces.walk.known,
        solutions,
        touched,
        thin: Thin::new(),
        arguments: Vec::new(),
        values: BTreeMap::new(),
        products: Vec::new(),
        deltas: BTreeMap::new(),
    };
    compiler.compile(&numbers).map(Some)
}

/// The numbers of the weights of solutions.
pub(super) fn weights(solutions: &[&Solution]) -> BTreeSet<usize> {
    let terms = solutions.iter().flat_map(|solution| &solution.terms);
    let places = terms.flat_map(|(candidate, _)| &candidate.places);
    let numbers = places.filter_map(|place| match place {
        Place::Weighed(number) => Some(*number),
        Place::Every | Place::At(..) => None,
    });
    numbers.collect()
}

struct Compiler<'a> {
    walk: &'a Walk<'a>,
    known: &'a Known<'a>,
    solutions: &'a [&'a Solution],
    touched: Touched<'a>,
    thin: Thin,
    arguments: Vec<Argument>,
    /// Values that do not depend on data.
    values: BTreeMap<Val, Val>,
    /// The products of weights that were computed; see [`Compiler::weights`].
    products: Vec<(Vec<Weight>, Vec<Val>)>,
    /// Changes of values. Along an axis with weights they stand for the amount that the weights have.
    deltas: BTreeMap<Val, Option<Val>>,
}

impl<'a> Compiler<'a> {
    fn compile(mut self, numbers: &BTreeSet<usize>) -> Option<Compensation> {
        let (mut parameters, mut words) = (Vec::new(), Vec::new());
        for val in self.touched.absorbed.clone() {
            let sink = &self.known.sinks[&val];
            let Def::Apply { operands, .. } = self.graph().def(val) else { return None };
            let incoming = self.delta(operands[1 - sink.position])??;
            let lost = self.lost_by(operands[sink.position], incoming)?;
            let lost = self.thin.times(lost, -1.0)?;
            self.thin.b.output(format!("to {}", parameters.len()), lost);
            parameters.push(self.name(sink.input));
        }
        for &number in numbers {
            let weights = self.known.sums.weights(number).to_vec();
            let vector = self.weights(&weights)?;
            self.thin.b.output(format!("weights {}", words.len()), *vector.last()?);
            words.push(self.words(&weights));
        }
        let program = self.thin.b.finish();
        Some(Compensation { parameters, weights: words, arguments: self.arguments, program })
    }

    fn graph(&self) -> &'a Graph {
        self.known.view.lines.graph
    }

    fn name(&self, input: Val) -> String {
        let inputs = self.graph().inputs();
        inputs.iter().find(|own| own.val == input).map_or_else(String::new, |own| own.name.clone())
    }

    fn is_weighed(&self, val: Val) -> bool {
        let mut forms = self.touched.forms(val);
        forms.any(|form| form.along.iter().any(|along| matches!(along, Along::Weighed(_))))
    }

    /// A value, from parameters.
    fn value(&mut self, val: Val) -> Option<Val> {
        if !self.known.is_pure(val) {
            return None;
        }
        if let Some(&value) = self.values.get(&val) {
            return Some(value);
        }
        let ty = self.graph().ty(val).clone();
        let value = match self.graph().def(val) {
            Def::Input(_) if ty.dtype.is_float() => {
                self.arguments.push(Argument::Given(self.name(val), ty.shape.clone()));
                self.thin.b.parameter(format!("given {}", self.arguments.len()), Ty::f64(ty.shape))
            }
            Def::Input(_) => return None,
            Def::Apply { op, operands } => match (self.known.view.facts.of(val), op) {
                (Fact::Uniform(number), _) if ty.dtype.is_float() => {
                    self.thin.number(number, ty.shape.rank())?
                }
                (_, Prim::Constant(constant)) if ty.dtype.is_float() => {
                    self.thin.b.constant(constant.value.convert(DType::F64))
                }
                (_, Prim::Iota(iota)) if ty.dtype.is_float() => {
                    self.thin.b.try_apply(ops::Iota { dtype: DType::F64, ..iota.clone() }, &[]).ok()?
                }
                (_, op) => {
                    let values: Option<Vec<Val>> =
                        operands.iter().map(|&operand| self.value(operand)).collect();
                    self.applied(op, operands, &values?)?
                }
            },
        };
        self.values.insert(val, value);
        Some(value)
    }

    fn applied(&mut self, op: &Prim, operands: &[Val], values: &[Val]) -> Option<Val> {
        let full: Vec<&Shape> = operands.iter().map(|&operand| self.known.shape(operand)).collect();
        self.thin.applied(op, &full, values)
    }

    /// The change of a value; `Some(None)` where it has none.
    fn delta(&mut self, val: Val) -> Option<Option<Val>> {
        if let Some(&delta) = self.deltas.get(&val) {
            return Some(delta);
        }
        let delta = if !self.touched.is_changed(val) {
            None
        } else {
            match self.graph().def(val) {
                Def::Input(_) => Some(self.source(val)?),
                Def::Apply { op, operands } => self.changed(val, op, operands)?,
            }
        };
        self.deltas.insert(val, delta);
        Some(delta)
    }

    /// What is added to a parameter.
    fn source(&mut self, val: Val) -> Option<Val> {
        let terms = self.solutions.iter().flat_map(|solution| &solution.terms);
        let weighed = |places: &[Place]| places.iter().position(|place| matches!(place, Place::Weighed(_)));
        let own = terms.filter(|(candidate, _)| candidate.input == val);
        let axes: BTreeSet<Option<usize>> = own.map(|(candidate, _)| weighed(&candidate.places)).collect();
        let mut sizes = self.known.shape(val).to_vec();
        match axes.into_iter().collect::<Vec<_>>()[..] {
            [None] => {}
            [Some(axis)] => sizes[axis] = 1,
            _ => return None,
        }
        let shape = Shape::from(sizes);
        self.arguments.push(Argument::Change(self.name(val), shape.clone()));
        Some(self.thin.b.data(format!("change {}", self.arguments.len()), Ty::f64(shape)))
    }

    fn changed(&mut self, val: Val, op: &Prim, operands: &[Val]) -> Option<Option<Val>> {
        if self.touched.absorbed.contains(&val) {
            return self.delta(operands[self.known.sinks[&val].position]);
        }
        if let Prim::DotGeneral(dot) = op {
            let first = self.product(op, dot, operands, 0)?;
            let second = self.product(op, dot, operands, 1)?;
            return self.total(first, second);
        }
        // What stands for amounts of weights must go on doing so.
        let is_weighed = operands.iter().any(|&operand| self.is_weighed(operand));
        if is_weighed && !(self.is_weighed(val) && arranges(op)) {
            return None;
        }
        let mut of = |position: usize| self.delta(operands[position]);
        match op {
            Prim::Add(_) => {
                let (first, second) = (of(0)?, of(1)?);
                self.total(first, second)
            }
            Prim::Subtract(_) => {
                let (first, second) = (of(0)?, of(1)?);
                let second = match second {
                    Some(second) => Some(self.thin.times(second, -1.0)?),
                    None => None,
                };
                self.total(first, second)
            }
            // Where both change they do alike.
            Prim::Maximum(_) | Prim::Minimum(_) => of(0),
            Prim::Concatenate(_) => self.concatenated(op, operands).map(Some),
            Prim::Multiply(_) | Prim::Convolution(_) => {
                let (first, second) = (self.linear(op, operands, 0)?, self.linear(op, operands, 1)?);
                self.total(first, second)
            }
            _ if operands[1..].iter().all(|&other| !self.touched.is_changed(other)) => {
                self.linear(op, operands, 0)
            }
            _ => None,
        }
    }

    /// The sum of two changes.
    fn total(&mut self, first: Option<Val>, second: Option<Val>) -> Option<Option<Val>> {
        match (first, second) {
            (Some(first), Some(second)) => {
                let full = [self.thin.b.shape(first).clone(), self.thin.b.shape(second).clone()];
                let sum = self.thin.applied(&Prim::Add(ops::Add), &[&full[0], &full[1]], &[first, second])?;
                Some(Some(sum))
            }
            (first, second) => Some(first.or(second)),
        }
    }

    /// What a primitive that is linear in an operand makes of its change.
    fn linear(&mut self, op: &Prim, operands: &[Val], position: usize) -> Option<Option<Val>> {
        let Some(delta) = self.delta(operands[position])? else { return Some(None) };
        let mut values = Vec::new();
        for (own, &operand) in operands.iter().enumerate() {
            values.push(if own == position { delta } else { self.value(operand)? });
        }
        Some(Some(self.applied(op, operands, &values)?))
    }

    fn concatenated(&mut self, op: &Prim, operands: &[Val]) -> Option<Val> {
        let mut parts = Vec::new();
        for &operand in operands {
            parts.push(match self.delta(operand)? {
                Some(delta) => delta,
                None => self.thin.number(0.0, self.known.shape(operand).rank())?,
            });
        }
        self.applied(op, operands, &parts)
    }

    /// What a product makes of the change of an operand.
    fn product(
        &mut self,
        op: &Prim,
        dot: &ops::DotGeneral,
        operands: &[Val],
        position: usize,
    ) -> Option<Option<Val>> {
        let Some(delta) = self.delta(operands[position])? else { return Some(None) };
        let sums: Vec<Option<ConstantSum>> = self
            .touched
            .forms(operands[position])
            .map(|form| self.walk.constant_sum(dot, operands, position, form).cloned())
            .collect();
        match sums.first()? {
            Some(sum) if sums.iter().all(Option::is_some) => {
                let delta = self.read(dot, operands, position, delta)?;
                if sum.number() == Some(1.0) {
                    return Some(Some(delta));
                }
                let Some(total) = self.sum(sum)? else { return Some(None) };
                let total = self.repeated(total, self.thin.b.shape(delta).clone())?;
                Some(Some(self.thin.b.try_apply(ops::Multiply, &[delta, total]).ok()?))
            }
            _ if sums.iter().any(Option::is_some) || self.is_weighed(operands[position]) => None,
            _ => self.linear(op, operands, position),
        }
    }

    /// A change that is the same along the axis that a product sums along, in the axes of the product.
    fn read(&mut self, op: &ops::DotGeneral, operands: &[Val], position: usize, delta: Val) -> Option<Val> {
        let ranks = [0, 1].map(|operand| self.known.shape(operands[operand]).rank());
        let (contracted, free, batch) = match position {
            0 => (op.lhs_contract[0], op.lhs_free(ranks[0]), &op.lhs_batch),
            _ => (op.rhs_contract[0], op.rhs_free(ranks[1]), &op.rhs_batch),
        };
        let delta = self.thin.first_along(delta, contracted)?;
        let own = self.thin.b.shape(delta).clone();
        let axes = axes_of_result(op, ranks[0], ranks[1]);
        let sizes = axes.into_iter().map(|axes| axes[position].map_or(1, |axis| own[axis]));
        let permutation: Vec<usize> = batch.iter().chain(&free).copied().chain([contracted]).collect();
        let moved = self.thin.b.try_apply(ops::Transpose { permutation }, &[delta]).ok()?;
        self.thin.shaped(moved, &sizes.collect::<Vec<_>>().into())
    }

    /// What a constant sum is, a scalar; `Some(None)` for zero.
    fn sum(&mut self, sum: &ConstantSum) -> Option<Option<Val>> {
        if sum.number() == Some(0.0) {
            return Some(None);
        }
        let weights = self.weights(&sum.weights)?;
        let mut total = match (sum.base, weights.last()) {
            (0.0, _) => None,
            (base, None) => Some(self.thin.number(base, 0)?),
            // Weights were divided by their largest: it would have to be known.
            (_, Some(_)) => return None,
        };
        for offset in &sum.offsets {
            let mut vector = self.vector(offset.vector)?;
            if let Some(&weights) = weights.get(offset.weights) {
                vector = self.thin.b.try_apply(ops::Multiply, &[vector, weights]).ok()?;
            }
            let part = self.thin.b.try_apply(ops::ReduceSum { axes: vec![0] }, &[vector]).ok()?;
            let part = self.thin.times(part, offset.factor)?;
            total = self.total(total, Some(part))?;
        }
        Some(total)
    }

    /// The products of the first weights, from none on, over the largest magnitude of the product of all; empty where there are none.
    fn weights(&mut self, weights: &[Weight]) -> Option<Vec<Val>> {
        if let Some((_, products)) = self.products.iter().find(|(own, _)| own == weights) {
            return Some(products.clone());
        }
        let Some(first) = weights.first() else { return Some(Vec::new()) };
        let length = Shape::from([self.known.shape(first.vector.val)[first.vector.axis]]);
        let ones = self.thin.b.splat(&Ty::f64(length.clone()), 1.0);
        let mut products = vec![ones];
        for weight in weights {
            let vector = self.vector(weight.vector)?;
            let op: Prim = if weight.is_divisor { ops::Divide.into() } else { ops::Multiply.into() };
            products.push(self.thin.b.try_apply(op, &[*products.last()?, vector]).ok()?);
        }
        let size = self.thin.b.try_apply(ops::Abs, &[*products.last()?]).ok()?;
        let largest = self.thin.b.try_apply(ops::ReduceMax { axes: vec![0] }, &[size]).ok()?;
        let largest = self.repeated(largest, length)?;
        let divided =
            products.into_iter().map(|own| self.thin.b.try_apply(ops::Divide, &[own, largest]).ok());
        let products: Vec<Val> = divided.collect::<Option<_>>()?;
        self.products.push((weights.to_vec(), products.clone()));
        Some(products)
    }

    /// A scalar everywhere in a shape.
    fn repeated(&mut self, scalar: Val, shape: Shape) -> Option<Val> {
        self.thin.b.try_apply(ops::BroadcastInDim { shape, axes: Vec::new() }, &[scalar]).ok()
    }

    fn vector(&mut self, Vector { val, axis }: Vector) -> Option<Val> {
        let mut value = self.value(val)?;
        let shape = self.known.shape(val);
        for other in (0..shape.rank()).filter(|&other| other != axis) {
            value = self.thin.first_along(value, other)?;
        }
        let mut sizes = vec![1; shape.rank()];
        sizes[axis] = shape[axis];
        let value = self.thin.widened(value, &sizes.into())?;
        self.thin.shaped(value, &[shape[axis]].into())
    }

    fn words(&self, weights: &[Weight]) -> String {
        let of = |is_divisor: bool| -> Vec<String> {
            let own = weights.iter().filter(|weight| weight.is_divisor == is_divisor);
            own.map(|weight| self.name(self.first_input(weight.vector.val))).collect()
        };
        let (above, below) = (of(false), of(true));
        let above = if above.is_empty() { "1".to_owned() } else { above.join(" · ") };
        match &below[..] {
            [] => above,
            [one] => format!("{above} / {one}"),
            _ => format!("{above} / ({})", below.join(" · ")),
        }
    }

    /// The first parameter that a value is made of.
    fn first_input(&self, mut val: Val) -> Val {
        while let Some(&operand) =
            self.graph().operands(val).iter().find(|operand| self.known.view.facts.is_variable(**operand))
        {
            val = operand;
        }
        val
    }

    /// A change of the copy of a bias as one of the bias.
    fn lost_by(&mut self, val: Val, mut delta: Val) -> Option<Val> {
        let Def::Apply { op, operands } = self.graph().def(val) else {
            return self.thin.widened(delta, self.known.shape(val));
        };
        delta = match op {
            Prim::BroadcastInDim(op) => {
                for axis in op.new_axes() {
                    delta = self.thin.first_along(delta, axis)?;
                }
                let own = self.thin.b.shape(delta).clone();
                let sizes: Vec<usize> = op.axes.iter().map(|&axis| own[axis]).collect();
                self.thin.shaped(delta, &sizes.into())?
            }
            Prim::Transpose(op) => {
                let mut permutation = vec![0; op.permutation.len()];
                op.permutation.iter().enumerate().for_each(|(to, &from)| permutation[from] = to);
                self.thin.b.try_apply(ops::Transpose { permutation }, &[delta]).ok()?
            }
            Prim::Reshape(op) => {
                let whole = self.thin.widened(delta, &op.shape)?;
                self.thin.shaped(whole, self.known.shape(operands[0]))?
            }
            _ => return None,
        };
        self.lost_by(operands[0], delta)
    }
}

/// Whether a primitive only puts indices in another order.
const fn arranges(op: &Prim) -> bool {
    matches!(
        op,
        Prim::Transpose(_)
            | Prim::Reshape(_)
            | Prim::BroadcastInDim(_)
            | Prim::Convert(_)
            | Prim::StopGradient(_)
    )
}
