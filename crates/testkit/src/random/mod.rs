//! Random graphs over all primitives, and whether an executor computes on them what the reference does.

mod choices;
mod elementwise;
mod movement;
mod reduction;

pub use choices::{Bytes, Choices, Drawn};

use graph::{Argument, Builder, Executor, Graph, Prim, Reference, Ty, Val, ops};
use tensor::{DType, Key, Shape, Tensor};

/// What the numbers of a random graph are like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numbers {
    /// Small integers, on which sums and products are exact in any order.
    Integers,
    /// Anything between -1 and 1, kept there by smooth functions; no comparisons, which would tear results apart.
    Smooth,
    /// Anything, with comparisons, division by zero and NaN.
    Wild,
}

/// A graph with arguments for it.
#[derive(Clone, Debug)]
pub struct RandomCase {
    /// The graph.
    pub graph: Graph,
    /// One tensor for each input.
    pub arguments: Vec<Tensor>,
    /// How often a primitive was tried on operands or attributes that its type rule refuses.
    pub refused: usize,
}

/// Most elements of a value: keeps the reference evaluator quick.
const MOST_ELEMENTS: usize = 4500;

/// A random graph of at least `size` values of type `dtype` (and what comparisons and indices need besides), with
/// four outputs.
pub fn random_graph(choices: &mut dyn Choices, dtype: DType, numbers: Numbers, size: usize) -> RandomCase {
    let b = Builder::new("random");
    let mut random = Random { b, choices, dtype, numbers, pool: Vec::new(), refused: 0 };
    let arguments: Vec<Tensor> = (0..3).map(|position| random.input(position)).collect();
    // A refused application adds nothing; so many trials end the search of a fuzzer's monotonous choices.
    for _ in 0..4 * size {
        if random.b.graph().len() >= size {
            break;
        }
        let x = random.pick();
        let val = random.apply(x);
        random.pool.push(val);
    }
    for position in 0..3 {
        let val = random.pick();
        random.b.output(format!("random{position}"), val);
    }
    let last = random.pool[random.pool.len() - 1];
    random.b.output("last", last);
    RandomCase { graph: random.b.finish(), arguments, refused: random.refused }
}

/// Why an executor does not agree with the reference evaluator.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{reason}\n{graph}")]
pub struct Disagreement {
    /// What differs.
    pub reason: String,
    /// The text of the graph.
    pub graph: String,
}

/// Whether an executor's results equal those of the reference up to `tolerance` times the larger of 1 and the number;
/// NaN equals NaN, and zeros of either sign are equal.
///
/// # Errors
/// Where they do not, or the executor fails.
pub fn agree(executor: &dyn Executor, case: &RandomCase, tolerance: f64) -> Result<(), Disagreement> {
    let fail = |reason: String| Disagreement { reason, graph: case.graph.to_string() };
    let borrowed: Vec<&Tensor> = case.arguments.iter().collect();
    let expected = Reference::evaluate(&case.graph, &borrowed).map_err(|error| fail(error.to_string()))?;
    let arguments = borrowed.into_iter().map(Argument::Borrowed).collect();
    let mut executable = executor.compile(&case.graph, &[]).map_err(|error| fail(error.to_string()))?;
    let found = executable.run(arguments).map_err(|error| fail(error.to_string()))?;
    for (position, (expected, found)) in expected.iter().zip(&found).enumerate() {
        if Ty::of(expected) != Ty::of(found) {
            return Err(fail(format!("output {position}: type {} for {}", Ty::of(found), Ty::of(expected))));
        }
        let same = |e: f64, f: f64| {
            e == f || (e.is_nan() && f.is_nan()) || (e - f).abs() <= tolerance * e.abs().max(1.0)
        };
        let (e, f) = (expected.to_f64_vec(), found.to_f64_vec());
        if let Some(i) = (0..e.len()).find(|&i| !same(e[i], f[i])) {
            return Err(fail(format!("output {position}, element {i}: expected {}, found {}", e[i], f[i])));
        }
    }
    Ok(())
}

struct Random<'a> {
    b: Builder,
    choices: &'a mut dyn Choices,
    dtype: DType,
    numbers: Numbers,
    pool: Vec<Val>,
    refused: usize,
}

impl Random<'_> {
    fn below(&mut self, bound: usize) -> usize {
        self.choices.below(bound)
    }

    fn pick(&mut self) -> Val {
        let position = self.below(self.pool.len());
        self.pool[position]
    }

    fn shape_of(&self, x: Val) -> Vec<usize> {
        self.b.shape(x).to_vec()
    }

    /// One number below `bound` for each axis.
    fn each(&mut self, rank: usize, bound: usize) -> Vec<usize> {
        (0..rank).map(|_| self.below(bound)).collect()
    }

    fn size(&mut self) -> usize {
        const SIZES: [usize; 11] = [1, 2, 3, 3, 5, 8, 17, 40, 64, 1100, 0];
        SIZES[self.below(SIZES.len())]
    }

    /// A shape of at most four axes and a few thousand elements.
    fn shape(&mut self) -> Shape {
        let mut sizes = Vec::new();
        for _ in 0..self.below(5) {
            let size = self.size();
            if sizes.iter().product::<usize>() * size <= MOST_ELEMENTS {
                sizes.push(size);
            }
        }
        sizes.into()
    }

    fn input(&mut self, position: usize) -> Tensor {
        let shape = self.shape();
        let key = Key::new(self.below(256) as u64);
        let integers = self.numbers == Numbers::Integers;
        let element = |i: usize| {
            let u = 2.0 * key.uniform(i as u64) - 1.0;
            if integers { (u * 4.0).round() } else { u }
        };
        let tensor = Tensor::from_fn(shape, element).convert(self.dtype);
        let val = self.b.data(position.to_string(), Ty::of(&tensor));
        self.pool.push(val);
        tensor
    }

    /// Applies a primitive with attributes that may not fit; `otherwise` where they do not or the result is large.
    fn attempt(&mut self, op: impl Into<Prim>, operands: &[Val], otherwise: Val) -> Val {
        let op = op.into();
        let types: Vec<&Ty> = operands.iter().map(|&operand| self.b.ty(operand)).collect();
        match op.out_type(&types) {
            Ok(ty) if ty.shape.elements() <= MOST_ELEMENTS => self.b.apply(op, operands),
            Ok(_) => otherwise,
            Err(_) => {
                self.refused += 1;
                otherwise
            }
        }
    }

    fn apply(&mut self, x: Val) -> Val {
        match self.below(18) {
            0..=2 => self.unary(x),
            3 | 4 => self.binary(x),
            5 => self.choose(x),
            6 => self.broadcast(x),
            7 => self.reduce(x),
            8 => self.transpose(x),
            9 => self.reshape(x),
            10 => self.dot(x),
            11 => self.cut(x),
            12 => self.pad(x),
            13 => self.concatenate(x),
            14 => self.index(x),
            15 => self.pool(x),
            16 => self.convolve(x),
            _ => self.factor(x),
        }
    }

    /// Brings numbers back into range after an operation that grows them.
    fn tame(&mut self, x: Val) -> Val {
        match self.numbers {
            Numbers::Integers => {
                let (low, high) = (self.b.splat_like(x, -4.0), self.b.splat_like(x, 4.0));
                let x = self.b.maximum(x, low);
                self.b.minimum(x, high)
            }
            Numbers::Smooth => self.b.tanh(x),
            Numbers::Wild => x,
        }
    }

    /// The Cholesky factor of a positive definite matrix made of `x`, and a solution with it.
    fn factor(&mut self, x: Val) -> Val {
        let shape = self.shape_of(x);
        let &[.., rows, columns] = &shape[..] else { return self.unary(x) };
        if self.numbers != Numbers::Smooth || shape.len() != 2 || rows * columns == 0 || rows > 40 {
            return self.unary(x);
        }
        let x = self.b.scale(x, 1.0 / (columns as f64).sqrt());
        let square = self.b.dot_transposed(x, x);
        let size = self.b.shape(square).clone();
        let (i, j) = (self.b.iota(DType::I32, &size, 0), self.b.iota(DType::I32, &size, 1));
        let diagonal = self.b.compare(ops::Direction::Eq, i, j);
        let identity = self.b.apply(ops::Convert { dtype: self.dtype }, &[diagonal]);
        let matrix = self.b.add(square, identity);
        let factor = self.b.apply(ops::Cholesky, &[matrix]);
        let op = ops::TriangularSolve { left: true, lower: true, transpose: self.below(2) == 0, unit: false };
        let solution = self.b.apply(op, &[factor, x]);
        self.tame(solution)
    }
}
