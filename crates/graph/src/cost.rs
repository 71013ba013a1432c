//! What applications cost: arithmetic and memory traffic, as far as types alone tell.

use std::{iter::Sum, ops::Add};

use crate::{
    Def, Graph, Prim, Ty, Val,
    ops::{Convolution, Window},
};

/// Arithmetic and memory traffic. Floating point, because sizes multiply beyond the integers; exact up to 2^53.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cost {
    /// Additions and multiplications of contractions: two for each term of each sum. Taps of a window that meet padding
    /// or the holes of a dilation are no terms.
    pub product_flops: f64,
    /// All other arithmetic: one operation for each element, whatever the function; for sums one for each term.
    pub other_flops: f64,
    /// Bytes of operands, each read once, and of the result, written once. A reshape counts too, although an executor may
    /// move nothing for it.
    pub bytes: f64,
}

impl Cost {
    /// All arithmetic.
    #[must_use]
    pub fn flops(self) -> f64 {
        self.product_flops + self.other_flops
    }

    /// What a primitive costs on operands of these types.
    #[must_use]
    pub fn of(op: &Prim, operands: &[&Ty], result: &Ty) -> Self {
        let (product_flops, other_flops) = match work(op, operands, result) {
            Work::Products(terms) => (2.0 * terms, 0.0),
            Work::Other(operations) => (0.0, operations),
        };
        let read: f64 = operands.iter().map(|ty| ty.approximate_bytes()).sum();
        Self { product_flops, other_flops, bytes: read + result.approximate_bytes() }
    }
}

impl Add for Cost {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            product_flops: self.product_flops + other.product_flops,
            other_flops: self.other_flops + other.other_flops,
            bytes: self.bytes + other.bytes,
        }
    }
}

impl Sum for Cost {
    fn sum<I: Iterator<Item = Self>>(costs: I) -> Self {
        costs.fold(Self::default(), Add::add)
    }
}

impl Graph {
    /// What the application that defines a value costs; nothing for an input.
    ///
    /// # Panics
    /// Where the value is not of this graph.
    #[must_use]
    pub fn cost(&self, val: Val) -> Cost {
        match self.def(val) {
            Def::Input(_) => Cost::default(),
            Def::Apply { op, operands } => {
                let operands: Vec<&Ty> = operands.iter().map(|&operand| self.ty(operand)).collect();
                Cost::of(op, &operands, self.ty(val))
            }
        }
    }

    /// What all applications cost together. The bytes are those of an executor that keeps nothing in its caches.
    #[must_use]
    pub fn total_cost(&self) -> Cost {
        self.vals().map(|val| self.cost(val)).sum()
    }
}

/// The arithmetic of an application.
enum Work {
    /// So many terms of contractions.
    Products(f64),
    /// So many other operations.
    Other(f64),
}

fn work(op: &Prim, operands: &[&Ty], result: &Ty) -> Work {
    match op {
        Prim::Convolution(op) => Work::Products(convolution_terms(op, operands, result)),
        // Each element of a factor takes a third of its row on average, half of them none; of a solution, half of it.
        Prim::Cholesky(_) => Work::Products(elements(result) * last_size(result) / 6.0),
        Prim::TriangularSolve(op) => {
            Work::Products(elements(result) * op.sizes(&result.shape).0 as f64 / 2.0)
        }
        Prim::DotGeneral(dot) => {
            let depth = dot.lhs_contract.iter().map(|&axis| operands[0].shape[axis] as f64);
            Work::Products(elements(result) * depth.product::<f64>())
        }
        Prim::WindowSum(op) => Work::Other(pairs(&op.windows, &operands[0].shape, &result.shape)),
        Prim::WindowArgmax(op) => Work::Other(pairs(&op.windows, &operands[0].shape, &result.shape)),
        Prim::ReduceSum(_) | Prim::ReduceMax(_) | Prim::ScatterAdd(_) | Prim::WindowScatter(_) => {
            Work::Other(elements(operands[0]))
        }
        Prim::BroadcastInDim(_)
        | Prim::Concatenate(_)
        | Prim::Constant(_)
        | Prim::Gather(_)
        | Prim::Iota(_)
        | Prim::Pad(_)
        | Prim::Reshape(_)
        | Prim::Reverse(_)
        | Prim::Slice(_)
        | Prim::StopGradient(_)
        | Prim::Transpose(_)
        | Prim::WindowGather(_) => Work::Other(0.0),
        Prim::Abs(_)
        | Prim::Add(_)
        | Prim::And(_)
        | Prim::Compare(_)
        | Prim::Convert(_)
        | Prim::Cos(_)
        | Prim::Divide(_)
        | Prim::Erf(_)
        | Prim::Exp(_)
        | Prim::Log(_)
        | Prim::Log1p(_)
        | Prim::Logistic(_)
        | Prim::Maximum(_)
        | Prim::Minimum(_)
        | Prim::Multiply(_)
        | Prim::Negate(_)
        | Prim::Not(_)
        | Prim::Or(_)
        | Prim::Power(_)
        | Prim::RandomBits(_)
        | Prim::Rsqrt(_)
        | Prim::Select(_)
        | Prim::Sign(_)
        | Prim::Sin(_)
        | Prim::Sqrt(_)
        | Prim::Subtract(_)
        | Prim::Tanh(_)
        | Prim::Xor(_) => Work::Other(elements(result)),
    }
}

fn last_size(ty: &Ty) -> f64 {
    ty.shape.last().map_or(1.0, |&size| size as f64)
}

fn convolution_terms(op: &Convolution, operands: &[&Ty], result: &Ty) -> f64 {
    let sizes = op.sizes(&operands[0].shape, &operands[1].shape);
    let pairs = pairs(&op.windows(&operands[1].shape), &sizes.image, &sizes.result);
    result.shape[op.out.batch] as f64 * sizes.outputs as f64 * sizes.inputs as f64 * pairs
}

/// How many elements the windows over a base have together.
fn pairs(windows: &[Window], base: &[usize], results: &[usize]) -> f64 {
    let axes = windows.iter().zip(base.iter().zip(results));
    axes.map(|(window, (&base, &results))| window.pairs(base, results) as f64).product()
}

/// As a floating-point number, since the sizes of a text need not fit an integer when multiplied.
fn elements(ty: &Ty) -> f64 {
    ty.shape.iter().map(|&size| size as f64).product()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Builder;

    #[test]
    fn a_batched_product_counts_two_operations_for_each_term() {
        let mut b = Builder::new("g");
        let (x, w) = (b.data("x", Ty::f32([5, 7])), b.data("w", Ty::f32([3, 7])));
        let y = b.dot_transposed(x, w);
        b.output("y", y);
        let graph = b.finish();
        let expected = Cost {
            product_flops: 2.0 * 5.0 * 7.0 * 3.0,
            other_flops: 0.0,
            bytes: 4.0 * (35.0 + 21.0 + 15.0),
        };
        assert_eq!(graph.cost(y), expected);
        assert_eq!((graph.cost(x), graph.total_cost()), (Cost::default(), expected));
    }

    #[test]
    fn a_convolution_counts_no_terms_of_padding() {
        let op = Convolution::new(1).with_padding_and_stride(1, 2);
        let [x, w, y] = [Ty::f32([2, 5, 3]), Ty::f32([4, 3, 3]), Ty::f32([2, 3, 4])];
        // Of three windows of three positions, the outer two lose one each.
        assert_eq!(Cost::of(&op.into(), &[&x, &w], &y).product_flops, 2.0 * 2.0 * 4.0 * 3.0 * 7.0);
    }

    #[test]
    fn a_sum_counts_its_terms_and_a_function_its_elements() {
        let mut b = Builder::new("g");
        let x = b.data("x", Ty::f64([4, 6]));
        let (e, s) = (b.exp(x), b.reduce_sum(x, &[1]));
        let t = b.transpose(x, &[1, 0]);
        [("e", e), ("s", s), ("t", t)].into_iter().for_each(|(name, y)| b.output(name, y));
        let graph = b.finish();
        assert_eq!(graph.cost(e), Cost { product_flops: 0.0, other_flops: 24.0, bytes: 8.0 * 48.0 });
        assert_eq!(graph.cost(s), Cost { product_flops: 0.0, other_flops: 24.0, bytes: 8.0 * 28.0 });
        assert_eq!(graph.cost(t), Cost { product_flops: 0.0, other_flops: 0.0, bytes: 8.0 * 48.0 });
        assert_eq!(graph.total_cost().flops(), 48.0);
    }

    #[test]
    fn every_primitive_reads_its_operands_and_writes_its_result() {
        for case in Prim::cases() {
            let operands: Vec<&Ty> = case.operands.iter().map(|(ty, _)| ty).collect();
            let result = case.op.out_type(&operands).unwrap();
            let cost = Cost::of(&case.op, &operands, &result);
            assert!(cost.bytes >= result.approximate_bytes() && cost.flops().is_finite(), "{case:?}");
        }
    }
}
